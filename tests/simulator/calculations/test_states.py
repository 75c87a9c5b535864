"""Reduced density matrices, entropy, fidelity and variances against Qiskit and dense matrices."""

import numpy as np
import pytest

from simulator import Circuit, CircuitError, ObservableError, PauliSum, Z
from simulator.calculations import states
from simulator.calculations.states import apply, entropy, fidelity, reduced_density_matrix, variance


def random_state(seed, num_qubits):
    rng = np.random.default_rng(seed)
    psi = rng.normal(size=2**num_qubits) + 1j * rng.normal(size=2**num_qubits)
    return psi / np.linalg.norm(psi)


def random_sum(seed, num_qubits, count):
    rng = np.random.default_rng(seed)
    return PauliSum(*rng.integers(0, 2**num_qubits, (2, count)), rng.normal(size=count))


@pytest.mark.parametrize("part_bits", [20, 2])
@pytest.mark.parametrize("qubits", [[0], [2, 0], [1, 3, 4], [4, 3, 2, 1, 0]])
def test_reduced_density_matrix_and_entropy_equal_qiskits(qubits, part_bits, monkeypatch):
    monkeypatch.setattr(states, "_PART_BITS", part_bits)
    information = pytest.importorskip("qiskit.quantum_info")
    psi = random_state(1, 5)
    others = [q for q in range(5) if q not in qubits]
    expected = information.partial_trace(information.Statevector(psi), others)
    own = sorted(qubits)
    found = reduced_density_matrix(psi, own)
    np.testing.assert_allclose(found, expected.data, atol=1e-14)
    assert entropy(psi, qubits) == pytest.approx(information.entropy(expected), abs=1e-10)
    order = [own.index(q) for q in qubits]
    index = [sum((j >> k & 1) << place for k, place in enumerate(order)) for j in range(2 ** len(qubits))]
    np.testing.assert_allclose(reduced_density_matrix(psi, qubits), found[np.ix_(index, index)], atol=1e-14)


def test_entropy_of_a_bell_pair_is_one_bit():
    bell = Circuit(2).h(0).cx(0, 1).statevector()
    assert entropy(bell, [0]) == pytest.approx(1)
    assert entropy(bell, [0, 1]) == pytest.approx(0, abs=1e-12)
    assert entropy(bell, [1], base=np.e) == pytest.approx(np.log(2))


def test_fidelity():
    a, b = random_state(2, 4), random_state(3, 4)
    assert fidelity(a, a) == pytest.approx(1)
    assert fidelity(a, b) == pytest.approx(abs(np.vdot(a, b)) ** 2)


def test_sums_of_many_strings_equal_their_matrix():
    for seed in range(3):
        observable, psi = random_sum(seed, 5, 300), random_state(seed, 5)
        matrix = observable.matrix(5)
        np.testing.assert_allclose(apply(observable, psi), matrix @ psi, atol=1e-12)
        mean = np.vdot(psi, matrix @ psi).real
        expected = np.vdot(psi, matrix @ matrix @ psi).real - mean**2
        assert variance(observable, psi) == pytest.approx(expected)


def test_states_that_are_none_are_refused():
    with pytest.raises(CircuitError, match="norm 1, got 2"):
        entropy([2.0, 0.0], [0])
    with pytest.raises(CircuitError, match="vector of 2"):
        fidelity([1.0, 0.0, 0.0], [1.0, 0.0, 0.0])
    with pytest.raises(CircuitError, match="0 to 1"):
        reduced_density_matrix([1.0, 0, 0, 0], [2])
    with pytest.raises(CircuitError, match="distinct"):
        reduced_density_matrix([1.0, 0, 0, 0], [0, 0])
    with pytest.raises(CircuitError, match="one size"):
        fidelity([1.0, 0.0], [1.0, 0, 0, 0])
    with pytest.raises(ObservableError):
        apply(Z(3), [1.0, 0.0])


def test_a_circuit_in_place_of_its_state_is_named():
    with pytest.raises(CircuitError, match=r"got <Circuit of 2 qubits: .*statevector\(\) returns one"):
        entropy(Circuit(2).h(0), [0])
    with pytest.raises(ObservableError, match="an observable is a PauliSum"):
        variance(Circuit(2).h(0).statevector(), Z(0))
