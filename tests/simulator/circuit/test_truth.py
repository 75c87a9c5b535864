"""Random circuits of every gate kind, 1 to 20 qubits, against Aer and Qulacs: all drivers, precisions, threads."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator import Circuit, Parameter, gates, set_num_threads
from simulator.calculations.statevector import states
from simulator.engines.choice import using
from simulator.engines.numba.sweeps import NumbaEngine
from simulator.program.program import Program
from tests.simulator.engines.engines import NUMBA
from tests.simulator.engines.test_engine import random_circuit
from tests.simulator.strategies import circuits

TOLERANCE = {"double": 1e-12, "single": 2e-5}
NONE = np.zeros(0)


def aer_state(circuit):
    """By Qiskit Aer, from what `Circuit.to_qiskit` makes."""
    aer = pytest.importorskip("qiskit_aer")
    from qiskit import transpile

    other = circuit.to_qiskit()
    other.save_statevector()
    simulator = aer.AerSimulator(method="statevector", fusion_enable=False)
    return np.asarray(simulator.run(transpile(other, simulator, optimization_level=0)).result().get_statevector())


def qulacs_state(circuit):
    """By Qulacs, gate by gate from the gates' matrices."""
    qulacs = pytest.importorskip("qulacs")
    state = qulacs.QuantumState(circuit.num_qubits)
    for operation in circuit.operations:
        gate, qubits = operation.gate, list(operation.qubits)
        if isinstance(gate, gates.PauliRotation) and not gate.controls:
            letters = ["IXYZ".index(letter) for letter in reversed(gate.label)]
            made = qulacs.gate.PauliRotation(qubits, letters, -operation.angles[0])  # its angles have the other sign
        elif not qubits:
            state.multiply_coef(complex(gate.matrix(*operation.angles)[0, 0]))
            continue
        else:
            made = qulacs.gate.DenseMatrix(qubits, gate.matrix(*operation.angles))
        made.update_quantum_state(state)
    return state.get_vector()


@contextmanager
def engine(driver, threads):
    """The given driver for whatever size, on so many threads; small pieces of work are shared too."""
    with using(NumbaEngine(replace(NUMBA[driver], serial_work=0))):
        set_num_threads(threads)
        try:
            yield
        finally:
            set_num_threads(None)


def check(circuit, expected, drivers=tuple(NUMBA)):
    """States of all drivers in both precisions on 1, 2 and 3 threads, whose bits do not depend on the threads."""
    np.testing.assert_allclose(np.linalg.norm(expected), 1, atol=1e-10)
    for precision in ("double", "single"):
        for driver in drivers:
            found = []
            for threads in (1, 2, 3):
                with engine(driver, threads):
                    found.append(states(Program(circuit, (), precision=precision), np.zeros((1, 0)), NONE)[0])
            np.testing.assert_allclose(found[0], expected, atol=TOLERANCE[precision])
            for other in found[1:]:
                np.testing.assert_array_equal(other, found[0])


@pytest.mark.parametrize("truth", [aer_state, qulacs_state])
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(circuits(max_qubits=6, max_gates=14))
def test_small_circuits_equal(truth, circuit):
    check(circuit, truth(circuit))


@pytest.mark.parametrize("truth", [aer_state, qulacs_state])
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(7, 13), st.integers(0, 10**6), st.integers(1, 40))
def test_circuits_equal(truth, num_qubits, seed, num_gates):
    circuit = bound(random_circuit(seed, num_qubits, num_gates), seed)
    check(circuit, truth(circuit), ("lanes are qubits", "pieces of one state"))


@pytest.mark.parametrize("truth", [aer_state, qulacs_state])
@pytest.mark.parametrize("num_qubits", [14, 16, 17, 18, 20])
def test_large_circuits_equal(truth, num_qubits):
    circuit = bound(random_circuit(num_qubits, num_qubits, 40), num_qubits)
    check(circuit, truth(circuit), ("pieces of one state",))


def bound(circuit, seed):
    values = np.random.default_rng(seed).uniform(-3, 3, circuit.num_parameters).tolist()
    return circuit.bind(dict(zip(circuit.parameters, values, strict=True)))


def test_batches_of_samples_equal_aer():
    theta = Parameter("theta")
    circuit = bound(random_circuit(3, 6, 20), 3).ry(theta, 2).cx(2, 4) + bound(random_circuit(4, 6, 20), 4)
    angles = np.linspace(-3, 3, 19)
    expected = [aer_state(circuit.bind({theta: angle})) for angle in angles.tolist()]
    for precision in ("double", "single"):
        found = circuit.statevector(angles[:, None], precision=precision)
        np.testing.assert_allclose(found, expected, atol=TOLERANCE[precision])


@pytest.mark.parametrize("num_qubits", [5, 10, 15])
def test_the_norm_stays_one_over_ten_thousand_gates(num_qubits):
    rng = np.random.default_rng(0)
    circuit = Circuit(num_qubits)
    for name in rng.choice(["rx", "ry", "rz", "h", "t", "cx", "crx", "swap", "rzz"], 10_000):
        gate = gates.STANDARD[str(name)]
        qubits = rng.permutation(num_qubits)[: gate.num_qubits].tolist()
        circuit = circuit.append(gate(*rng.uniform(-3, 3, gate.num_params).tolist(), *qubits))
    assert len(circuit) == 10_000
    assert abs(np.linalg.norm(circuit.statevector()) - 1) < 1e-12
    assert abs(np.linalg.norm(circuit.statevector(precision="single").astype(complex)) - 1) < 1e-3
