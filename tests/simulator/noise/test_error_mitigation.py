"""Error mitigation on a fake IBM device, by qiskit-ibm-runtime's own primitives in local mode."""

import numpy as np
import pytest

from simulator import Circuit, PauliSum, Z
from simulator.errors import BackendError
from simulator.qiskit_backend import QiskitBackend
from simulator.qiskit_backend import options as runtime

pytest.importorskip("qiskit_aer")
pytest.importorskip("qiskit_ibm_runtime.executor_estimator")

GHZ = Circuit(4).h(0).cx(0, 1).cx(1, 2).cx(2, 3)
PARITY = PauliSum.from_label("ZZZZ")


@pytest.fixture(scope="module")
def manila():
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    return FakeManilaV2()


def test_each_level_brings_the_value_nearer_to_the_truth(manila):
    found = [
        QiskitBackend(manila, shots=4096, seed=5, resilience_level=level).expectations(GHZ, [PARITY])[0, 0]
        for level in (0, 1, 2)
    ]
    errors = np.abs(np.array(found) - 1.0)
    assert errors[0] > 0.1
    assert errors[1] < errors[0] / 2
    assert errors[2] < 0.1


def executions_of(backend, circuit, observables):
    """What the library itself would run, from its own program."""
    from qiskit_ibm_runtime.executor_estimator.prepare import prepare

    made = backend._transpile(circuit)
    estimator = backend._target.maker(backend.shots, backend.seed)("")
    program, _ = prepare(
        [(made.circuit, made.observables(observables))], estimator.options, backend=backend._target.backend
    )
    return sum(item.size() for item in program.items), program.shots


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"readout_mitigation": True},
        {"zne": (1, 2, 3)},
        {"resilience_level": 1, "dynamical_decoupling": "XY4"},
        {"resilience_level": 2},
    ],
)
def test_plan_counts_the_shots_that_the_library_takes(manila, options):
    backend = QiskitBackend(manila, shots=4096, primitives="executor", **options)
    observables = [PARITY, Z(0) @ Z(1), PauliSum.from_label("XXXX")]
    plan = backend.plan(GHZ, observables)
    items, shots = executions_of(backend, GHZ, observables)
    assert plan.total_shots == pytest.approx(items * shots, rel=0.05)
    assert plan.fits
    assert plan.device_seconds > 0


def test_a_session_that_expired_is_opened_anew(manila):
    with QiskitBackend(manila, shots=64, mode="session", primitives="executor") as backend:
        backend.expectations(GHZ, [PARITY])
        first = backend._target.session
        backend.expectations(GHZ, [Z(0)])
        assert backend._target.session is first
        first.close()
        backend.expectations(GHZ, [Z(1)])
        assert backend._target.session is not first


def test_a_batch_holds_one_request(manila):
    backend = QiskitBackend(manila, shots=64, mode="batch", primitives="executor", max_sets_per_job=1)
    assert backend.expectations(GHZ, [PARITY]).shape == (1, 1)
    assert backend._target.session is None


def test_the_older_primitives_are_used_where_there_are_no_newer_ones(manila, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "qiskit_ibm_runtime.executor_estimator", None)
    monkeypatch.setitem(sys.modules, "qiskit_ibm_runtime.executor_sampler", None)
    assert type(runtime.estimator(manila, {}, 100)).__name__ == "EstimatorV2"
    assert type(runtime.sampler(manila, {})).__name__ == "SamplerV2"


def test_a_primitive_of_ones_own_keeps_its_options(manila):
    from qiskit.primitives import BackendEstimatorV2

    own = BackendEstimatorV2(backend=manila, options={"default_precision": 0.05, "seed_simulator": 3})
    assert abs(QiskitBackend(own).expectations(GHZ, [PARITY])[0, 0] - 0.75) < 0.2
    with pytest.raises(BackendError, match="cannot set error mitigation of a primitive that you pass"):
        QiskitBackend(own, resilience_level=1)
