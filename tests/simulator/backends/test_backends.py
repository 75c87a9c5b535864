"""The conformance suite: what every backend must do, whatever it is made of."""

import copy

import numpy as np
import pytest

from simulator import Circuit, NoiseModel, ParameterVector, X, Y, Z, depolarizing, gates
from simulator.backends.numba_backend import NumbaBackend
from simulator.backends.trait import Backend
from simulator.calculations import sampling
from simulator.calculations.statevector import statevector
from simulator.errors import BackendError, ObservableError, ParameterError
from simulator.qiskit_backend import QiskitBackend

SHOTS = 2000


def numba():
    return NumbaBackend(seed=7)


def noisy_numba():
    return NumbaBackend(noise=NoiseModel(after_2q=depolarizing(0.02), readout=0.02), seed=7)


def ours_in_qiskit():
    provider = pytest.importorskip("simulator.qiskit_provider")
    return QiskitBackend(provider.QumbaBackend(), shots=SHOTS, seed=7)


def ours_with_couplings():
    provider = pytest.importorskip("simulator.qiskit_provider")
    backend = provider.QumbaBackend(5, ["rz", "sx", "x", "cz"], coupling_map=[(4, 3), (3, 2), (2, 1), (1, 0)])
    return QiskitBackend(backend, shots=SHOTS, seed=7, optimization_level=3)


def aer():
    return QiskitBackend(pytest.importorskip("qiskit_aer").AerSimulator(), shots=SHOTS, seed=7)


def noisy_aer():
    pytest.importorskip("qiskit_aer")
    from qiskit_aer import AerSimulator
    from qiskit_aer.noise import NoiseModel, depolarizing_error

    model = NoiseModel(basis_gates=["cx", "rz", "sx", "x"])
    model.add_all_qubit_quantum_error(depolarizing_error(0.02, 2), ["cx"])
    return QiskitBackend(AerSimulator(noise_model=model), shots=SHOTS, seed=7)


def fake_ibm(primitives="auto"):
    pytest.importorskip("qiskit_aer")
    provider = pytest.importorskip("qiskit_ibm_runtime.fake_provider")
    return QiskitBackend(provider.FakeManilaV2(), shots=SHOTS, seed=7, primitives=primitives)


def fake_ibm_new_primitives():
    pytest.importorskip("qiskit_ibm_runtime.executor_estimator")
    return fake_ibm("executor")


def fake_ibm_old_primitives():
    return fake_ibm("v2")


def exact_estimator():
    from qiskit.primitives import StatevectorEstimator

    return QiskitBackend(StatevectorEstimator())


def own_sampler():
    from qiskit.primitives import StatevectorSampler

    return QiskitBackend(StatevectorSampler(seed=7), shots=SHOTS)


BIAS = {
    numba: 0.0,
    noisy_numba: 0.2,
    ours_in_qiskit: 0.0,
    ours_with_couplings: 0.0,
    aer: 0.0,
    noisy_aer: 0.15,
    fake_ibm: 0.35,
    fake_ibm_new_primitives: 0.35,
    fake_ibm_old_primitives: 0.35,
    exact_estimator: 0.0,
    own_sampler: 0.0,
}
"""How far each may be from the truth because of its noise."""

p = ParameterVector("p", 4)
own = gates.Rotation("w", np.array([[0, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]]))
CIRCUIT = Circuit(3).ry(p[0], 0).crx(2 * p[1] + 0.3, 0, 2).u(p[2], p[0] - p[3], 0.2, 1) + Circuit(3, [own(p[3], 1, 2)])
OBSERVABLES = [Z(0), Z(0) @ Z(2) - 0.5, X(1) + 0.3 * Y(2) @ Z(0), 0 * Z(0) + 0.25]
VALUES = np.random.default_rng(11).uniform(-1.5, 1.5, (3, 4))
EXACT = NumbaBackend()


@pytest.fixture(scope="module", params=list(BIAS), ids=lambda make: make.__name__)
def made(request):
    return request.param(), BIAS[request.param]


@pytest.fixture
def backend(made):
    return made[0]


@pytest.fixture
def bias(made):
    return made[1]


def test_it_is_a_backend(backend):
    assert isinstance(backend, Backend)
    assert backend.name
    assert copy.deepcopy(backend) == backend


def test_expectations(backend, bias):
    found = backend.estimate(CIRCUIT, OBSERVABLES, VALUES)
    truth = EXACT.expectations(CIRCUIT, OBSERVABLES, VALUES)
    assert found.values.shape == found.standard_errors.shape == (3, 4)
    assert np.all(np.abs(found.values - truth) <= bias + 6 * found.standard_errors + 1e-9)
    assert np.allclose(found.values[:, 3], 0.25)  # the identity needs no measurement


def test_the_order_of_the_sets_is_kept(backend):
    """Orders of qubits, sets and observables: the expectations are 1 or -1, so that no noise hides a mistake."""
    a = ParameterVector("a", 3)
    circuit = Circuit(3).rx(a[0], 0).rx(a[1], 1).rx(a[2], 2)
    bits = np.array([[k >> q & 1 for q in range(3)] for k in range(8)])
    found = backend.expectations(circuit, [Z(2), Z(0), Z(1)], np.pi * bits)
    assert np.array_equal(np.sign(found), 1 - 2 * bits[:, [2, 0, 1]])


def test_one_set_and_none(backend):
    one = backend.expectations(CIRCUIT, OBSERVABLES, VALUES[0])
    assert one.shape == (1, 4)
    bell = backend.expectations(Circuit(2).x(1), [Z(0), Z(1)])
    assert bell.shape == (1, 2)
    assert bell[0, 0] > 0.8 > -0.8 > bell[0, 1]


def test_mappings_are_values_too(backend, bias):
    row = VALUES[1]
    found = backend.expectations(CIRCUIT, OBSERVABLES, {p: row})
    truth = EXACT.expectations(CIRCUIT, OBSERVABLES, row)
    assert np.all(np.abs(found - truth) < bias + 0.15)


def test_gradient(backend, bias):
    wanted = [p[3], p[1]]
    values, found = backend.expectation_and_gradient(CIRCUIT, OBSERVABLES, VALUES[:1], wanted)
    truth = EXACT.gradient(CIRCUIT, OBSERVABLES, VALUES[:1])[:, :, [3, 1]]
    assert values.shape == (1, 4)
    assert found.shape == (1, 4, 2)
    assert np.all(np.abs(found - truth) < 2 * bias + 0.25)
    assert np.allclose(found[:, 3], 0.0)


def test_samples(backend):
    if isinstance(backend, QiskitBackend) and "Estimator" in backend.name:
        with pytest.raises(BackendError, match="is an estimator"):
            backend.sample(CIRCUIT, VALUES)
        return
    a = ParameterVector("a", 2)
    circuit = Circuit(3).rx(a[0], 0).rx(a[1], 2)
    counts = backend.sample(circuit, [[0.0, np.pi], [np.pi, 0.0]], shots=200)
    assert [sum(found.values()) for found in counts] == [200, 200]
    assert [max(found, key=found.get) for found in counts] == ["100", "001"]


def test_probabilities(backend, bias):
    if isinstance(backend, QiskitBackend) and "Estimator" in backend.name:
        pytest.skip("an estimator gives no samples")
    found = backend.probabilities(CIRCUIT, VALUES[:2])
    assert found.shape == (2, 8)
    assert np.allclose(found.sum(axis=1), 1.0)
    truth = EXACT.probabilities(CIRCUIT, VALUES[:2])
    assert np.abs(found - truth).max() < 0.06 + max(bias, 0.1 * bool(bias))


def test_plan(backend):
    plan = backend.plan(CIRCUIT, OBSERVABLES, VALUES)
    assert plan.fits
    assert plan.parameter_sets == 3
    assert plan.qubits == 3
    assert plan.two_qubit_gates > 0
    assert plan.total_shots == plan.shots * plan.executions
    assert backend.name in str(plan)
    assert backend.plan(CIRCUIT, OBSERVABLES, VALUES, gradient=[p[1]]).executions > plan.executions or plan.jobs == 0
    assert backend.plan(CIRCUIT, None, VALUES).parameter_sets == 3


def test_what_does_not_fit(backend):
    with pytest.raises(ObservableError):
        backend.expectations(CIRCUIT, [Z(3)], VALUES)
    with pytest.raises(ParameterError):
        backend.expectations(CIRCUIT, OBSERVABLES, VALUES[:, :2])
    with pytest.raises(ParameterError):
        backend.expectations(CIRCUIT, OBSERVABLES, [[np.nan] * 4])


def test_every_calculation_has_the_precision_of_the_backend(monkeypatch):
    single = NumbaBackend(precision="single", seed=7)
    exact = CIRCUIT.expectation_and_gradient(OBSERVABLES, VALUES)
    for computed, expected in zip(single.expectation_and_gradient(CIRCUIT, OBSERVABLES, VALUES), exact, strict=True):
        assert 1e-12 < np.abs(computed - expected).max() < 1e-5
    states = []

    def recorded(*arguments):
        states.append(statevector(*arguments))
        return states[-1]

    monkeypatch.setattr(sampling, "statevector", recorded)
    single.sample(CIRCUIT, VALUES[:1], shots=10)
    assert [state.dtype for state in states] == [np.complex64]


@pytest.mark.parametrize("make", [fake_ibm, fake_ibm_new_primitives, fake_ibm_old_primitives])
def test_another_seed_gives_other_outcomes(make):
    first, again, other = (make().with_shots(300, seed=seed) for seed in (1, 1, 2))
    counts = [backend.sample(CIRCUIT, VALUES[:1]) for backend in (first, again, other)]
    assert counts[0] == counts[1] != counts[2]
    values = [backend.expectations(CIRCUIT, OBSERVABLES, VALUES[:1]) for backend in (first, again, other)]
    np.testing.assert_array_equal(values[0], values[1])
    assert not np.array_equal(values[0], values[2])
