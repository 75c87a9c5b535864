"""Ground states of spin chains, against dense diagonalisation of Kronecker products and known limits."""

from functools import cache, partial, reduce

import numpy as np
import pytest

from qml import AmplitudeMap
from qml.datasets import annni, cluster_ising, ground_states, xxz
from qml.datasets.spin_chains import annni_phase, cluster_ising_hamiltonian, xxz_hamiltonian
from simulator import Circuit, X, Y, Z

PAULIS = {"X": np.array([[0, 1], [1, 0]]), "Y": np.array([[0, -1j], [1j, 0]]), "Z": np.diag([1, -1])}

ENERGY = 1e-11
"""Of energies of order 10: rounding of matrices of a few hundred rows."""

STATE = 1e-8
"""Error of a state: rounding divided by the gap to the next one of the same symmetry, at least 1e-3 here."""

CHAINS = [cluster_ising, xxz, partial(xxz, delta=0.3), annni]


@cache
def term(num_qubits, letters, *qubits):
    """Dense Pauli string, qubit 0 the last factor."""
    factors = [np.eye(2)] * num_qubits
    for letter, qubit in zip(letters, qubits, strict=True):
        factors[num_qubits - 1 - qubit % num_qubits] = PAULIS[letter]
    return reduce(np.kron, factors)


def dense_cluster_ising(n, h1):
    return -sum(term(n, "ZXZ", i, i + 1, i + 2) + h1 * term(n, "X", i) for i in range(n))


def dense_xxz(n, even, odd, delta=1.0):
    return sum(
        (odd if i % 2 else even)
        * (term(n, "XX", i, i + 1) + term(n, "YY", i, i + 1) + delta * term(n, "ZZ", i, i + 1)).real
        for i in range(n - 1)
    )


def dense_annni(n, kappa, h):
    return (
        -sum(term(n, "XX", i, i + 1) for i in range(n - 1))
        + kappa * sum(term(n, "XX", i, i + 2) for i in range(n - 2))
        - h * sum(term(n, "Z", i) for i in range(n))
    )


DENSE = [dense_cluster_ising, dense_xxz, partial(dense_xxz, delta=0.3), dense_annni]


@pytest.mark.parametrize(("num_qubits", "n_samples"), [(4, 6), (6, 6), (8, 2)])
@pytest.mark.parametrize(("chain", "dense"), [*zip(CHAINS, DENSE, strict=True)])
def test_lowest_states_of_the_dense_matrices(chain, dense, num_qubits, n_samples):
    states, _, couplings = chain(n_samples, num_qubits, return_couplings=True, random_state=0)
    assert states.shape == (n_samples, 2**num_qubits)
    assert states.dtype == np.float64
    for state, row in zip(states, couplings, strict=True):
        matrix = dense(num_qubits, *row).real
        energies = np.linalg.eigvalsh(matrix)
        assert state @ matrix @ state == pytest.approx(energies[0], abs=ENERGY)
        assert np.linalg.norm(matrix @ state - energies[0] * state) < STATE
        assert np.linalg.norm(state) == pytest.approx(1.0, abs=1e-13)
        assert state.max() >= (1 - 1e-6) * np.abs(state).max()


@pytest.mark.parametrize("chain", CHAINS, ids=["cluster_ising", "xxz", "xxz_0.3", "annni"])
def test_seeds_and_labels(chain):
    states, phases, couplings = chain(5, 8, return_couplings=True, random_state=3)
    again, same_phases = chain(5, 8, random_state=3)
    np.testing.assert_allclose(again, states, rtol=0, atol=STATE)
    np.testing.assert_array_equal(same_phases, phases)
    assert len(couplings) == 5
    assert not np.allclose(chain(5, 8, random_state=4)[0], states)


def test_cluster_phase_is_told_by_the_string_order():
    """On a ring of 12, ``<Z X 1 X ... X Z>`` of the topological phase is large, and small in the other."""
    states, phases, couplings = cluster_ising(12, 12, return_couplings=True, random_state=1)
    assert set(phases) == {"topological", "paramagnetic"}
    string = Z(0) @ X(1) @ X(3) @ X(5) @ Z(6)
    for state, phase, (h1,) in zip(states, phases, couplings, strict=True):
        assert phase == ("topological" if h1 < 1 else "paramagnetic")
        order = Circuit(12).initialize(state).expectation(string)
        if h1 < 0.7:
            assert order > 0.5
        if h1 > 1.4:
            assert order < 0.3


def test_cluster_state_is_stabilised():
    (state,) = ground_states([cluster_ising_hamiltonian(6, 0.0)], 6)
    for i in range(6):
        np.testing.assert_allclose(term(6, "ZXZ", i, i + 1, i + 2) @ state, state, atol=STATE)


def test_second_field_of_the_cluster_chain():
    matrix = dense_cluster_ising(6, 0.4) + 0.7 * sum(term(6, "XX", i, i + 1) for i in range(6))
    (state,) = ground_states([cluster_ising_hamiltonian(6, 0.4, -0.7)], 6)
    np.testing.assert_allclose(matrix @ state, np.linalg.eigvalsh(matrix)[0] * state, atol=STATE)


def test_trivial_bonds_are_singlets_and_topological_ends_are_free():
    """Energy of the strong bonds, -3 each in units of their strength, tells which they are."""
    states, phases, couplings = xxz(30, 8, return_couplings=True, random_state=0)
    assert set(phases) == {"trivial", "topological"}
    bonds = [sum(term(8, 2 * letter, i, i + 1) for letter in "XYZ").real for i in range(7)]
    for state, phase, (even, odd) in zip(states, phases, couplings, strict=True):
        energies = np.array([state @ bond @ state for bond in bonds])
        assert phase == ("trivial" if even > odd else "topological")
        if even > 3 * odd:
            assert (energies[::2] < -2.8).all()
        if odd > 3 * even:
            assert (energies[1::2] < -2.8).all()


def test_end_spins_of_the_topological_chain_form_a_singlet():
    """The singlet and the triplets of the ends differ by less than Lanczos could tell, were they not separated."""
    with pytest.raises(ValueError, match=r"degenerate: .* twice; expected one lowest state"):
        ground_states([xxz_hamiltonian(8, 0.0, 1.0)], 8)

    class AlmostOne(np.random.RandomState):
        def random_sample(self, size):
            return np.full(size, 0.999)

    (state,), (phase,) = xxz(1, 8, random_state=AlmostOne())
    assert phase == "topological"
    ends = sum(term(8, 2 * letter, 0, 7) for letter in "XYZ").real
    assert state @ ends @ state == pytest.approx(-3.0, abs=1e-3)


def test_phases_of_the_ising_chain_are_told_by_its_correlations():
    states, phases, couplings = annni(60, 8, return_couplings=True, random_state=5)
    assert set(phases) == {"ferromagnetic", "paramagnetic", "antiphase"}
    for state, phase, (kappa, h) in zip(states, phases, couplings, strict=True):
        near, far = state @ term(8, "XX", 3, 4) @ state, state @ term(8, "XX", 2, 4) @ state
        if h > 1.5:
            assert phase == "paramagnetic"
            assert state @ term(8, "Z", 4) @ state > 0.7
        if phase == "ferromagnetic" and h < 0.4:
            assert near > 0.7
            assert far > 0.7
        if phase == "antiphase" and kappa > 0.7 and h < 0.3:
            assert far < -0.8


@pytest.mark.parametrize(
    ("kappa", "h", "phase"),
    [
        (0.0, 0.999, "ferromagnetic"),
        (0.0, 1.001, "paramagnetic"),
        (0.25, 0.55, "ferromagnetic"),
        (0.25, 0.551, "paramagnetic"),
        (0.5, 1e-9, "paramagnetic"),
        (1.0, 0.70, "antiphase"),
        (1.0, 0.71, "paramagnetic"),
    ],
)
def test_lines_between_the_phases(kappa, h, phase):
    """Just beside the published lines, whose formulas are evaluated here as they are printed."""
    assert annni_phase(np.array([kappa]), np.array([h])) == [phase]
    if 0 < kappa < 0.5:
        line = (1 - kappa) / kappa * (1 - np.sqrt((1 - 3 * kappa + 4 * kappa**2) / (1 - kappa)))
        assert (h < line) == (phase == "ferromagnetic")
    if kappa > 0.5:
        assert (h < 1.05 * np.sqrt((kappa - 0.5) * (kappa - 0.1))) == (phase == "antiphase")


@pytest.mark.parametrize("num_qubits", [2, 5])
def test_complex_hamiltonians(num_qubits):
    hamiltonian = Y(0) @ Z(1) - 0.7 * Y(1) + 0.3 * X(0) + sum(0.2 * Z(q) for q in range(num_qubits))
    (state,) = ground_states([hamiltonian], num_qubits)
    energy, states = np.linalg.eigh(hamiltonian.matrix(num_qubits))
    assert abs(np.vdot(states[:, 0], state)) == pytest.approx(1.0, abs=1e-10)
    largest = state[np.abs(state).argmax()]
    assert largest.real > 0
    assert largest.imag == pytest.approx(0.0, abs=1e-12)
    assert energy[0] == pytest.approx(np.vdot(state, hamiltonian.matrix(num_qubits) @ state).real, abs=ENERGY)


def test_states_fit_the_amplitude_map():
    states, _ = cluster_ising(2, 5, random_state=0)
    encoding = AmplitudeMap().encoding(32)
    assert encoding.circuit.num_qubits == 5
    np.testing.assert_allclose(Circuit(5).initialize(states[0]).statevector(), states[0], atol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (partial(cluster_ising, 0), "n_samples expects"),
        (partial(cluster_ising, 2, 3), "num_qubits expects an integer of 4 or more, got 3"),
        (partial(annni, 2, 17), "num_qubits expects at most 16"),
        (partial(annni, 2, 7), "num_qubits expects an even number"),
        (partial(xxz, 2, 7), "num_qubits expects an even number"),
        (partial(xxz, 2, 8, delta=1.5), "delta expects a finite number of 0 or more, at most 1, got 1.5"),
        (partial(xxz, 2, 8, random_state="a"), "random_state expects"),
        (partial(ground_states, [], 2), "hamiltonians is empty"),
        (partial(ground_states, [Z(0) + 1, np.eye(2)], 2), "hamiltonians expects PauliSums, got array"),
        (partial(ground_states, Z(0), 2), "expects a sequence of PauliSums, got one"),
        (partial(ground_states, [0.0 * Z(0)], 6), "expects operators other than multiples of the identity, got 0"),
        (partial(ground_states, [Z(2)], 2), "qubit"),
        (partial(ground_states, [Z(0)], 2), r"the ground state of Z\(0\) is degenerate"),
        (partial(ground_states, [Z(0) @ Z(1)], 6), "degenerate"),
        (partial(ground_states, [Z(0)], 0), "num_qubits expects an integer of 1 or more"),
    ],
)
def test_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
