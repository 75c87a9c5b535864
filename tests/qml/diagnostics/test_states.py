"""Expressibility and entanglement against analytic distributions, Haar random states and PennyLane."""

import numpy as np
import pennylane
import pytest
from scipy.stats import unitary_group

from qml import QuantumModel, ansatz_circuit
from qml.diagnostics import entangling_capability, expressibility, haar_fidelities, meyer_wallach
from simulator import Circuit, Parameter, ParameterVector, Z
from simulator.errors import CircuitError, StateTooLargeError

EXACT = 1e-12
PUBLISHED = 0.02  # rounding of the published divergences
HAAR = 0.01


def haar_states(num_qubits, count, rng):
    amplitudes = rng.normal(size=(count, 2**num_qubits, 2)) @ [1, 1j]
    return amplitudes / np.linalg.norm(amplitudes, axis=1, keepdims=True)


def divergence_from_uniform(shares):
    """Of one qubit, whose Haar random fidelities are uniform."""
    used = shares > 0
    return np.sum(shares[used] * np.log(shares[used] * len(shares)))


@pytest.fixture
def w():
    return ParameterVector("w", 3)


def test_a_circuit_with_one_state_has_the_divergence_of_the_last_bin(w):
    result = expressibility(Circuit(1).rz(w[0], 0), n_sets=50, random_state=0)
    assert result.divergence == pytest.approx(np.log(75), abs=EXACT)  # published: 4.3
    assert result.idle == pytest.approx(np.log(75), abs=EXACT)


def test_circuit_a_of_the_paper_has_the_divergence_of_the_arcsine_law(w):
    result = expressibility(Circuit(1).h(0).rz(w[0], 0), random_state=0)
    law = np.diff(2 / np.pi * np.arcsin(np.sqrt(np.linspace(0, 1, 76))))  # F = cos^2 of a uniform angle
    assert result.divergence == pytest.approx(divergence_from_uniform(law), abs=5e-3)
    assert result.divergence + 74 / (2 * 2000) == pytest.approx(0.22, abs=PUBLISHED)  # theirs has few pairs: a bias
    np.testing.assert_allclose(result.shares, law, atol=0.01)


def test_circuit_b_of_the_paper(w):
    result = expressibility(Circuit(1).h(0).rz(w[0], 0).rx(w[1], 0), random_state=0)
    assert result.divergence == pytest.approx(0.02, abs=PUBLISHED)
    rng = np.random.default_rng(1)
    a, b = rng.uniform(0, 2 * np.pi, (2, 200_000))
    x = np.array([[0, 1], [1, 0]])
    states = np.stack([np.exp(-0.5j * a), np.exp(0.5j * a)], axis=1) / np.sqrt(2)
    states = np.cos(b / 2)[:, None] * states - 1j * np.sin(b / 2)[:, None] * states @ x
    fidelities = np.abs(np.sum(states[::2].conj() * states[1::2], axis=1)) ** 2
    shares = np.histogram(fidelities, np.linspace(0, 1, 76))[0] / len(fidelities)
    assert result.divergence == pytest.approx(divergence_from_uniform(shares), abs=5e-3)


def test_haar_random_states_have_no_divergence():
    """Circuit C of the paper: a Haar random unitary, here by its Euler angles with the right distribution of theta."""
    for n in (2, 4):
        deep = ansatz_circuit("strongly_entangling", n, 10)
        assert expressibility(deep, n_sets=500, random_state=0).divergence < HAAR


@pytest.mark.parametrize("num_qubits", [1, 2, 5])
def test_haar_fidelities_are_those_of_random_states(num_qubits):
    states = haar_states(num_qubits, 2000, np.random.default_rng(num_qubits))
    fidelities = np.abs(states.conj() @ states.T)[np.triu_indices(2000, 1)] ** 2
    edges = np.linspace(0, 1, 11)
    shares = np.histogram(fidelities, edges)[0] / len(fidelities)
    np.testing.assert_allclose(haar_fidelities(edges, num_qubits), shares, atol=0.01)


@pytest.mark.parametrize("num_qubits", [1, 3, 10])
def test_haar_fidelities_have_the_moments_of_the_haar_measure(num_qubits):
    edges = 1 - np.linspace(1, 0, 200_001) ** 2  # fine at 1
    middle, shares = (edges[1:] + edges[:-1]) / 2, haar_fidelities(edges, num_qubits)
    size = 2**num_qubits
    assert shares.sum() == pytest.approx(1, abs=1e-9)
    assert shares @ middle == pytest.approx(1 / size, rel=1e-4)
    assert shares @ middle**2 == pytest.approx(2 / (size * (size + 1)), rel=1e-3)


def test_each_of_half_as_many_bins_holds_two(w):
    circuit = Circuit(1).ry(w[0], 0).rz(w[1], 0)
    fine, coarse = (expressibility(circuit, n_sets=100, bins=bins, random_state=0) for bins in (20, 10))
    np.testing.assert_allclose(coarse.edges, np.linspace(0, 1, 11))
    np.testing.assert_allclose(coarse.shares, fine.shares.reshape(10, 2).sum(axis=1))
    assert coarse.divergence < fine.divergence


def test_rows_share_the_weight_sets(w):
    x = Parameter("x")
    circuit = Circuit(1).h(0).rz(w[0], 0)
    model = QuantumModel(Circuit(1).rz(x, 0) + circuit, inputs=x, weights=w[0], observables=Z(0))  # x is a phase
    one = expressibility(model, [[0.3]], n_sets=100, random_state=3)
    assert one.divergence == pytest.approx(expressibility(circuit, n_sets=100, random_state=3).divergence, abs=EXACT)
    several = expressibility(model, np.zeros((9, 1)), n_sets=2000, random_state=3)
    assert several.divergence == pytest.approx(one.divergence, abs=PUBLISHED)
    phase = QuantumModel(Circuit(1).rz(w[0], 0).ry(x, 0), inputs=x, weights=w[0], observables=Z(0))
    rows = np.linspace(0, 3, 4)[:, None]  # four states, but only one for each row
    assert expressibility(phase, rows, n_sets=40).divergence == pytest.approx(np.log(75), abs=EXACT)


def test_meyer_wallach_of_known_states():
    product = Circuit(3).ry(0.3, 0).rx(1.1, 1).h(2).statevector()
    ghz = Circuit(3).h(0).cx(0, 1).cx(1, 2).statevector()
    w_state = np.zeros(8)
    w_state[[1, 2, 4]] = 1 / np.sqrt(3)
    np.testing.assert_allclose(meyer_wallach([product, ghz, w_state]), [0, 1, 8 / 9], atol=EXACT)


@pytest.mark.parametrize("num_qubits", [2, 3, 6])
def test_meyer_wallach_against_the_purities_of_pennylane(num_qubits):
    states = haar_states(num_qubits, 5, np.random.default_rng(0))
    purities = [
        [pennylane.math.purity(np.outer(state, state.conj()), [wire]) for wire in range(num_qubits)] for state in states
    ]
    np.testing.assert_allclose(meyer_wallach(states), 2 * (1 - np.mean(purities, axis=1)), atol=EXACT)


def test_the_capability_of_a_circuit_without_weights_is_the_measure_of_its_states():
    x = ParameterVector("x", 2)
    circuit = Circuit(3).ry(x[0], 0).cx(0, 1).rx(x[1], 1).cx(1, 2).h(0)
    X = np.random.default_rng(0).uniform(-2, 2, (7, 2))
    result = entangling_capability(QuantumModel(circuit, inputs=x, observables=Z(0)), X)
    np.testing.assert_allclose(result.measures, meyer_wallach(circuit.statevector(X)), atol=EXACT)
    assert result.mean == pytest.approx(result.measures.mean(), abs=EXACT)


def test_the_capability_of_a_deep_circuit_is_that_of_haar_random_states():
    result = entangling_capability(ansatz_circuit("strongly_entangling", 4, 8), n_sets=2000, random_state=0)
    states = np.stack([unitary_group.rvs(16, random_state=k)[:, 0] for k in range(500)])
    assert result.haar == pytest.approx(14 / 17)
    assert meyer_wallach(states).mean() == pytest.approx(result.haar, abs=0.01)
    assert result.mean == pytest.approx(result.haar, abs=0.01)


def test_a_circuit_without_entangling_gates_has_no_capability():
    circuit = ansatz_circuit("strongly_entangling", 4, 3).without_entanglement()
    assert entangling_capability(circuit, n_sets=50, random_state=0).measures.max() < EXACT


def test_results_depend_on_the_seed_only(w):
    circuit = Circuit(2).ry(w[0], 0).cx(0, 1).ry(w[1], 1).rx(w[2], 0)
    for function, value in ((expressibility, "divergence"), (entangling_capability, "mean")):
        first, again, other = (getattr(function(circuit, n_sets=60, random_state=s), value) for s in (1, 1, 2))
        assert first == again != other


def test_bad_input(w):
    with pytest.raises(ValueError, match="n_sets expects an integer of 2 or more, got 1"):
        expressibility(Circuit(1).rx(w[0], 0), n_sets=1)
    with pytest.raises(ValueError, match="a circuit with weights; this circuit has none"):
        expressibility(Circuit(1).h(0))
    with pytest.raises(CircuitError, match="at least 2 qubits"):
        entangling_capability(Circuit(1).rx(w[0], 0))
    x = Parameter("x")
    encoding = QuantumModel(Circuit(1).rx(x, 0).ry(w[0], 0), inputs=x, weights=w[0], observables=Z(0))
    with pytest.raises(ValueError, match="X of shape"):
        expressibility(encoding)
    with pytest.raises(StateTooLargeError):
        expressibility(Circuit(60).rx(w[0], 0).cx(0, 59), n_sets=2)
    with pytest.raises(ValueError, match=r"states must have shape"):
        meyer_wallach(np.ones(3))
    with pytest.raises(ValueError, match="norm 1"):
        meyer_wallach(np.ones(4))
    with pytest.raises(TypeError, match="a fitted estimator, a QuantumModel or a Circuit is expected"):
        expressibility("circuit")
