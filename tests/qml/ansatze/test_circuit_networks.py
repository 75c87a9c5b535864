"""QCNN, tensor networks and their blocks: against dense matrices, by measurement, and inside estimators."""

from functools import reduce

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV

from qml import VariationalClassifier, load
from qml.ansatze import (
    BLOCKS,
    MERA,
    MPS,
    QCNN,
    TTN,
    ParticleConservingU1,
    ParticleConservingU2,
    RandomLayers,
    ansatz_circuit,
    get_ansatz,
)
from simulator.circuit import Circuit
from simulator.errors import CircuitError, UnknownNameError
from simulator.observables import Z
from simulator.parameters import Parameter

ROUNDING = 1e-12
IRIS = load_iris(return_X_y=True)

I2 = np.eye(2)
P0, P1 = np.diag([1.0, 0.0]), np.diag([0.0, 1.0])
PAULI_X, PAULI_Z = np.array([[0, 1], [1, 0]]), np.diag([1, -1])


def rx(t):
    return np.cos(t / 2) * I2 - 1j * np.sin(t / 2) * PAULI_X


def ry(t):
    return np.array([[np.cos(t / 2), -np.sin(t / 2)], [np.sin(t / 2), np.cos(t / 2)]])


def rz(t):
    return np.diag(np.exp([-0.5j * t, 0.5j * t]))


def on(num_qubits, matrices):
    """Kronecker product with ``matrices[q]`` on qubit q; qubit 0 is the last factor."""
    return reduce(np.kron, [matrices.get(q, I2) for q in reversed(range(num_qubits))])


def controlled(num_qubits, control, target, matrix, value=1):
    projectors = (P0, P1)
    other = on(num_qubits, {control: projectors[1 - value]})
    return other + on(num_qubits, {control: projectors[value], target: matrix})


def ry_cx(n, a, b, w):
    return controlled(n, a, b, PAULI_X) @ on(n, {a: ry(w[0]), b: ry(w[1])})


def so4(n, a, b, w):
    """As in arXiv:2108.00661: RY RY, CNOT, RY RY, CNOT, RY RY."""
    cx = controlled(n, a, b, PAULI_X)
    first, second, third = (on(n, {a: ry(w[k]), b: ry(w[k + 1])}) for k in (0, 2, 4))
    return third @ cx @ second @ cx @ first


def su4(n, a, b, w):
    """As in arXiv:2108.00661: local unitaries around three CNOTs."""

    def local(v):
        return on(n, {a: rz(v[2]) @ ry(v[1]) @ rz(v[0]), b: rz(v[5]) @ ry(v[4]) @ rz(v[3])})

    there, back = controlled(n, a, b, PAULI_X), controlled(n, b, a, PAULI_X)
    middle = there @ on(n, {a: ry(w[8])}) @ back @ on(n, {a: ry(w[6]), b: rz(w[7])}) @ there
    return local(w[9:]) @ middle @ local(w[:6])


DENSE = {"ry_cx": (ry_cx, 2), "so4": (so4, 6), "su4": (su4, 15)}


class TestBlocks:
    @pytest.mark.parametrize("name", BLOCKS)
    def test_against_dense_matrices(self, name):
        dense, size = DENSE[name]
        weights = np.random.default_rng(0).uniform(-3, 3, size)
        np.testing.assert_allclose(BLOCKS[name].to_matrix(weights), dense(2, 0, 1, weights), atol=ROUNDING)

    @pytest.mark.parametrize(("name", "dimension"), [("so4", 6), ("su4", 15)])
    def test_reaches_the_whole_group(self, name, dimension):
        """The tangents at random weights span the Lie algebra: no weight is redundant, none is missing."""
        weights, step = np.random.default_rng(1).uniform(-3, 3, dimension), 1e-5
        block, tangents = BLOCKS[name], []
        here = block.to_matrix(weights)
        for shift in step * np.eye(dimension):
            slope = (block.to_matrix(weights + shift) - block.to_matrix(weights - shift)) / (2 * step)
            tangent = here.conj().T @ slope
            tangent -= np.trace(tangent) / 4 * np.eye(4)
            tangents.append(np.concatenate([tangent.real.ravel(), tangent.imag.ravel()]))
        assert np.linalg.matrix_rank(np.array(tangents), tol=1e-3) == dimension
        if name == "so4":
            np.testing.assert_allclose(here.imag, 0, atol=ROUNDING)
            assert np.linalg.det(here.real) == pytest.approx(1)

    @pytest.mark.parametrize("ansatz", [MPS, TTN, MERA, QCNN])
    def test_bad_blocks(self, ansatz):
        with pytest.raises(UnknownNameError, match="unknown two-qubit block 'so5'; did you mean 'so4'"):
            ansatz("so5")
        with pytest.raises(CircuitError, match="a Circuit on 2 qubits, got one on 3"):
            ansatz(Circuit(3))
        with pytest.raises(CircuitError, match="a Circuit on 2 qubits, got 7"):
            ansatz(7)

    def test_names_in_any_case(self):
        assert TTN("SO4") == TTN("so4") == get_ansatz("ttn", block="So4")


def qcnn_layers(num_qubits):
    """Pairs of each convolution, and (leaving, staying) qubits of each pooling, written out by hand."""
    return {
        2: [([(0, 1)], [(1, 0)])],
        3: [([(0, 2), (0, 1), (1, 2)], [(1, 0)]), ([(0, 2)], [(2, 0)])],
        4: [([(0, 3), (0, 1), (2, 3), (1, 2)], [(1, 0), (3, 2)]), ([(0, 2)], [(2, 0)])],
        5: [
            ([(0, 4), (0, 1), (2, 3), (1, 2), (3, 4)], [(1, 0), (3, 2)]),
            ([(0, 4), (0, 2), (2, 4)], [(2, 0)]),
            ([(0, 4)], [(4, 0)]),
        ],
    }[num_qubits]


class TestQCNN:
    @pytest.mark.parametrize("num_qubits", [2, 3, 4, 5])
    @pytest.mark.parametrize("block", BLOCKS)
    def test_measuring_the_pooled_qubits_gives_the_same_readout(self, num_qubits, block):
        """Density matrices, in which pooling is a measurement and a rotation that depends on its outcome."""
        dense, size = DENSE[block]
        layers = qcnn_layers(num_qubits)
        rng = np.random.default_rng(num_qubits)
        weights = rng.uniform(-3, 3, (len(layers), size + 2))
        start = Circuit(num_qubits)
        for q in range(num_qubits):
            start = start.ry(rng.uniform(-3, 3), q).rz(rng.uniform(-3, 3), q)
        psi = start.statevector()
        rho = np.outer(psi, psi.conj())
        for (pairs, pools), w in zip(layers, weights, strict=True):
            for pair in pairs:
                unitary = dense(num_qubits, *pair, w[:size])
                rho = unitary @ rho @ unitary.conj().T
            for leaving, staying in pools:
                branches = (
                    on(num_qubits, {leaving: P1, staying: rz(w[size])}),
                    on(num_qubits, {leaving: P0, staying: rx(w[size + 1])}),
                )
                rho = sum(branch @ rho @ branch.conj().T for branch in branches)
        ansatz = QCNN(block)
        assert ansatz.readout_qubits(num_qubits, len(layers)) == (0,)
        circuit = start + ansatz_circuit(ansatz, num_qubits, len(layers))
        expected = np.trace(rho @ on(num_qubits, {0: PAULI_Z})).real
        assert circuit.expectation(Z(0), weights.ravel()) == pytest.approx(expected, abs=ROUNDING)

    def test_circuit_against_dense_matrices(self):
        weights = np.random.default_rng(4).uniform(-3, 3, 8 + 8 + 3)
        expected = np.eye(16)
        for (pairs, pools), w in zip(qcnn_layers(4), weights[:16].reshape(2, 8), strict=True):
            for pair in pairs:
                expected = so4(4, *pair, w[:6]) @ expected
            for leaving, staying in pools:
                expected = controlled(4, leaving, staying, rz(w[6])) @ expected
                expected = controlled(4, leaving, staying, rx(w[7]), value=0) @ expected
        last = rz(weights[18]) @ ry(weights[17]) @ rz(weights[16])
        ours = ansatz_circuit(QCNN("so4"), 4, 3).to_matrix(weights)
        np.testing.assert_allclose(ours, on(4, {0: last}) @ expected, atol=ROUNDING)

    @pytest.mark.parametrize(
        ("num_qubits", "num_layers", "remaining"),
        [(8, 1, (0, 2, 4, 6)), (8, 2, (0, 4)), (8, 3, (0,)), (8, 9, (0,)), (7, 1, (0, 2, 4, 6)), (1, 1, (0,))],
    )
    def test_half_of_the_qubits_remain(self, num_qubits, num_layers, remaining):
        """What the layers do afterwards does not act on any other qubit."""
        assert QCNN().readout_qubits(num_qubits, num_layers) == remaining
        circuit = ansatz_circuit(QCNN("so4"), num_qubits, num_layers + 1)
        later = QCNN("so4").layers(num_qubits, num_layers + 1, circuit.parameters)[-1]
        assert {q for operation in later.operations for q in operation.qubits} == set(remaining)

    def test_weights_are_shared_in_a_layer(self):
        circuit = ansatz_circuit(QCNN("so4"), 8, 3)
        assert circuit.num_parameters == 3 * (6 + 2)
        assert circuit.count_gates()["ry"] == 6 * (8 + 4 + 1)

    def test_gradient_with_shared_weights_is_the_derivative(self):
        circuit = ansatz_circuit(QCNN("ry_cx"), 4, 2)
        weights, step = np.random.default_rng(5).uniform(-3, 3, circuit.num_parameters), 1e-5
        shifts = step * np.eye(len(weights))
        expected = [
            (circuit.expectation(Z(0), weights + s) - circuit.expectation(Z(0), weights - s)) / (2 * step)
            for s in shifts
        ]
        np.testing.assert_allclose(circuit.gradient(Z(0), weights), expected, atol=1e-8)

    def test_learns_from_the_remaining_qubit(self):
        X, y = IRIS[0][:100], IRIS[1][:100]
        settings = {"n_qubits": 4, "n_layers": 2, "epochs": 30, "random_state": 0}
        readout = [Z(qubit) for qubit in QCNN().readout_qubits(4, 2)]
        classifier = VariationalClassifier(ansatz="qcnn", observables=readout, **settings).fit(X, y)
        assert classifier.readout_.num_inputs == 1
        assert classifier.score(X, y) > 0.95


class TestTensorNetworks:
    @pytest.mark.parametrize(("ansatz", "num_qubits"), [(MPS(), 5), (TTN(), 8)], ids=str)
    def test_readout_qubits_depend_on_every_block(self, ansatz, num_qubits):
        circuit = ansatz_circuit(ansatz, num_qubits, 1)
        weights = np.random.default_rng(0).uniform(-3, 3, circuit.num_parameters)
        (qubit,) = ansatz.readout_qubits(num_qubits)
        by_block = np.abs(circuit.gradient(Z(qubit), weights)).reshape(-1, 6).max(axis=1)
        assert len(by_block) == len(ansatz.pairs(num_qubits))
        assert by_block.min() > 1e-6

    def test_the_last_block_of_mera_is_on_its_readout_qubits(self):
        assert MERA().pairs(16)[-1] == MERA().readout_qubits(16)

    @pytest.mark.parametrize("ansatz", [TTN(), MERA()], ids=str)
    @pytest.mark.parametrize(("num_qubits", "advice"), [(3, "take 2 or 4"), (6, "take 4 or 8"), (12, "take 8 or 16")])
    def test_sizes_that_cannot_be(self, ansatz, num_qubits, advice):
        name = type(ansatz).__name__
        with pytest.raises(CircuitError, match=f"{name} needs a power of two of qubits, got {num_qubits}; {advice}"):
            ansatz_circuit(ansatz, num_qubits, 1)

    def test_an_estimator_tells_the_same(self):
        with pytest.raises(CircuitError, match="n_qubits=8 of an estimator"):
            VariationalClassifier(ansatz="ttn", n_qubits=5, epochs=1).fit(*IRIS)

    def test_custom_block(self):
        a, b = Parameter("a"), Parameter("b")
        block = Circuit(2).h(0).rzz(2 * a, 0, 1).rx(b, 1)
        weights = np.random.default_rng(3).uniform(-3, 3, 4)
        expected = Circuit(3).h(0).rzz(2 * weights[0], 0, 1).rx(weights[1], 1)
        expected = expected.h(1).rzz(2 * weights[2], 1, 2).rx(weights[3], 2)
        ours = ansatz_circuit(MPS(block), 3, 1).to_matrix(weights)
        np.testing.assert_allclose(ours, expected.to_matrix(), atol=ROUNDING)


class TestParticles:
    @pytest.mark.parametrize("ansatz", [ParticleConservingU1(), ParticleConservingU2()], ids=str)
    @pytest.mark.parametrize("occupied", [[], [1], [0, 3], [0, 1, 2]])
    def test_their_number_is_conserved(self, ansatz, occupied):
        circuit = Circuit(4)
        for qubit in occupied:
            circuit = circuit.x(qubit)
        circuit = circuit + ansatz_circuit(ansatz, 4, 3)
        weights = np.random.default_rng(6).uniform(-3, 3, circuit.num_parameters)
        reached = np.flatnonzero(circuit.probabilities(weights) > 1e-9)
        expected = [state for state in range(16) if state.bit_count() == len(occupied)]
        np.testing.assert_array_equal(reached, expected)


class TestRandomLayers:
    def test_structure_depends_on_the_seed_only(self):
        first, again, other = (ansatz_circuit(RandomLayers(seed=s), 4, 3) for s in (1, 1, 2))

        def structure(circuit):
            return [(operation.gate.name, operation.qubits) for operation in circuit.operations]

        assert structure(first) == structure(again) != structure(other)
        longer = structure(ansatz_circuit(RandomLayers(seed=1), 4, 5))
        assert longer[: len(first.operations)] == structure(first)

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"ratio": 1.0}, "ratio expects a number of at least 0 and below 1, got 1.0"),
            ({"ratio": float("nan")}, "ratio expects"),
            ({"ratio": "0.3"}, "ratio expects"),
            ({"num_rotations": 0}, "num_rotations expects an integer of 1 or more, or None, got 0"),
            ({"seed": -1}, "seed expects an integer of 0 or more, got -1"),
            ({"rotations": ()}, "rotations expects at least one gate"),
            ({"entangler": "crx"}, "unknown entangler 'crx'"),
        ],
        ids=str,
    )
    def test_settings_that_make_no_sense(self, settings, message):
        with pytest.raises((CircuitError, UnknownNameError), match=message):
            RandomLayers(**settings)


class TestEstimators:
    @pytest.mark.parametrize("kind", [MPS, QCNN])
    def test_custom_block_is_cloned_and_stored(self, kind, tmp_path):
        a, b = Parameter("a"), Parameter("b")
        ansatz = kind(Circuit(2).ry(a, 0).crx(b + a, 0, 1))
        classifier = clone(VariationalClassifier(ansatz=ansatz, n_layers=2, epochs=2, random_state=0)).fit(*IRIS)
        classifier.save(tmp_path / "model.qumba")
        loaded = load(tmp_path / "model.qumba")
        expected = classifier.decision_function(IRIS[0])
        np.testing.assert_array_equal(loaded.decision_function(IRIS[0]), expected)
        assert repr(loaded.get_params()["ansatz"]) == repr(classifier.ansatz)
        np.testing.assert_array_equal(clone(loaded).fit(*IRIS).decision_function(IRIS[0]), expected)

    def test_names_in_a_grid_search(self):
        names = ["mps", "ttn", "mera", "qcnn", "random", MPS("ry_cx")]
        classifier = VariationalClassifier(n_layers=1, epochs=1, random_state=0)
        search = GridSearchCV(classifier, {"ansatz": names}, cv=2, error_score="raise").fit(*IRIS)
        assert list(search.cv_results_["param_ansatz"]) == names
