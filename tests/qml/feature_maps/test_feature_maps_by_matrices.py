"""Basis, arcsine, YZ-CX and multi-control maps against products of dense matrices."""

from functools import reduce

import numpy as np
import pytest

from qml import QuantumKernelClassifier, VariationalClassifier
from qml.feature_maps import ArcsineMap, BasisMap, MultiControlMap, YZCXMap, get_feature_map
from qml.feature_maps.data_functions import check_pullback
from qml.feature_maps.domains import ArcCosines, Bits
from qml.kernels import FidelityKernel
from simulator.errors import CircuitError
from simulator.observables import X as PauliX

ROUNDING = 1e-12

I2, P0, P1 = np.eye(2), np.diag([1.0, 0.0]), np.diag([0.0, 1.0])
PAULI_X = np.array([[0, 1], [1, 0]])
HADAMARD = np.array([[1, 1], [1, -1]]) / np.sqrt(2)


def rx(t):
    return np.cos(t / 2) * I2 - 1j * np.sin(t / 2) * PAULI_X


def ry(t):
    return np.array([[np.cos(t / 2), -np.sin(t / 2)], [np.sin(t / 2), np.cos(t / 2)]])


def rz(t):
    return np.diag(np.exp([-0.5j * t, 0.5j * t]))


def on(num_qubits, matrices):
    """Kronecker product with ``matrices[q]`` on qubit q; qubit 0 is the last factor."""
    return reduce(np.kron, [matrices.get(q, I2) for q in reversed(range(num_qubits))])


def controlled(num_qubits, control, target, matrix):
    return on(num_qubits, {control: P0}) + on(num_qubits, {control: P1, target: matrix})


def state(encoding, features, weights=()):
    values = dict(zip(encoding.inputs, encoding.angles(np.atleast_2d(features))[0], strict=True))
    return encoding.circuit.statevector(values | dict(zip(encoding.weights, weights, strict=True)))


def zeros(num_qubits):
    return np.eye(1 << num_qubits)[0]


class TestBasis:
    @pytest.mark.parametrize("bits", [[0, 0, 0], [1, 0, 0], [0, 1, 1], [1, 1, 1]])
    def test_same_state_as_pennylane(self, bits):
        pennylane = pytest.importorskip("pennylane")
        expected = pennylane.BasisEmbedding(np.array(bits), wires=range(3)).state_vector(wire_order=[2, 1, 0]).ravel()
        ours = state(BasisMap().encoding(3), np.array(bits, float))
        assert abs(np.vdot(ours, expected)) == pytest.approx(1, abs=ROUNDING)

    def test_qubits_beyond_the_features_stay_in_state_0(self):
        encoding = BasisMap().encoding(2, num_qubits=4)
        assert abs(state(encoding, [1.0, 1.0])[0b0011]) == pytest.approx(1, abs=ROUNDING)

    @pytest.mark.parametrize("wrong", [0.5, -1.0, 2.0, 1 + 1e-9])
    def test_other_numbers_are_refused(self, wrong):
        with pytest.raises(ValueError, match=rf"features must be 0 or 1 .*column 1 has {wrong} in row 2"):
            BasisMap().encoding(2).angles([[0, 1], [1, 1], [0, wrong]])

    def test_estimators_pass_bits_as_they_are(self):
        rng = np.random.default_rng(0)
        X = rng.integers(0, 2, (40, 4)).astype(float)
        y = X[:, 0] != X[:, 2]
        classifier = VariationalClassifier("basis", n_layers=2, epochs=1, random_state=0).fit(X, y)
        np.testing.assert_array_equal(classifier.scaling_(X), X)
        kernel_classifier = QuantumKernelClassifier(feature_map="basis").fit(X, y)
        assert kernel_classifier.score(X, y) == 1.0
        assert kernel_classifier.kernel_.bandwidth_ == 1.0
        for estimator in (classifier, kernel_classifier):
            with pytest.raises(ValueError, match="features must be 0 or 1"):
                estimator.predict(X + 0.5)

    def test_more_features_than_qubits_is_explained(self):
        X = np.random.default_rng(0).integers(0, 2, (40, 10)).astype(float)
        with pytest.raises(ValueError, match="an estimator needs as many qubits as features"):
            VariationalClassifier("basis", epochs=1).fit(X, X[:, 0])
        VariationalClassifier("basis", epochs=1, n_qubits=10, n_layers=1).fit(X, X[:, 0])

    def test_kernel_is_one_for_equal_rows_only(self):
        X = np.array([[0.0, 1.0], [1.0, 1.0], [0.0, 1.0]])
        np.testing.assert_allclose(FidelityKernel("basis")(X), [[1, 0, 1], [0, 1, 0], [1, 0, 1]], atol=ROUNDING)

    def test_derivative_is_that_of_the_identity(self):
        cotangent = np.array([[0.3, -0.2]])
        np.testing.assert_array_equal(Bits().pullback(np.array([[0.0, 1.0]]), cotangent), cotangent)


class TestArcsine:
    @pytest.mark.parametrize("x", [-1.0, -0.4, 0.0, 0.7, 1.0])
    def test_expectation_of_x_is_the_feature(self, x):
        encoding = ArcsineMap().encoding(1, num_qubits=2)
        bound = encoding.circuit.bind(encoding.angles([[x]])[0])
        assert bound.expectation(PauliX(0) @ PauliX(1)) == pytest.approx(x * x, abs=ROUNDING)

    @pytest.mark.parametrize("squares", [False, True])
    def test_against_dense_matrices(self, squares):
        x = np.array([0.3, -0.8])
        matrices = {}
        for q, value in enumerate([0.3, -0.8, 0.3]):
            phase = rz(np.arccos(value**2)) if squares else I2
            matrices[q] = phase @ ry(np.arcsin(value))
        ours = state(get_feature_map("arcsine", squares=squares).encoding(2, num_qubits=3), x)
        np.testing.assert_allclose(ours, on(3, matrices) @ zeros(3), atol=ROUNDING)

    @pytest.mark.parametrize("powers", [(1,), (2,), (1, 2, 3)], ids=str)
    def test_derivative(self, powers):
        data = ArcCosines(powers)
        X = np.random.default_rng(0).uniform(-0.9, 0.9, (5, 3))
        check_pullback(data, X)
        ends = np.array([[1.0, -1.0, 0.0]])
        slope = data.pullback(ends, np.ones((1, 3 * len(powers))))[0]
        np.testing.assert_allclose(slope, [0.0, 0.0, -float(1 in powers)], atol=ROUNDING)

    def test_outside_the_domain(self):
        with pytest.raises(ValueError, match=r"from -1 to 1.*column 0 has 1.2 in row 0"):
            ArcsineMap(squares=True).encoding(1).angles([[1.2]])


class TestYZCX:
    @pytest.mark.parametrize(("num_features", "num_qubits", "reps"), [(3, 3, 2), (2, 4, 3), (1, 1, 1), (4, 5, 2)])
    @pytest.mark.parametrize("scale", [1.0, 0.3])
    def test_against_dense_matrices(self, num_features, num_qubits, reps, scale):
        rng = np.random.default_rng(num_qubits)
        x, w = rng.uniform(-2, 2, num_features), rng.uniform(-3, 3, (reps, num_qubits, 2))
        expected = zeros(num_qubits)
        for layer in range(reps):
            angles = w[layer] + scale * np.resize(x, num_qubits)[:, None]
            expected = on(num_qubits, {q: rz(b) @ ry(a) for q, (a, b) in enumerate(angles)}) @ expected
            for q in range(layer % 2, num_qubits - 1, 2):
                expected = controlled(num_qubits, q, q + 1, PAULI_X) @ expected
        encoding = YZCXMap(reps, scale).encoding(num_features, num_qubits)
        np.testing.assert_allclose(state(encoding, x, w.ravel()), expected, atol=ROUNDING)

    def test_at_most_a_feature_for_each_qubit(self):
        with pytest.raises(CircuitError, match="at most 2 features on 2 qubits, got 3"):
            YZCXMap().encoding(3, num_qubits=2)


PAIRS = {  # written out by hand, for open and for closed rings
    (1, False): [], (1, True): [],
    (2, False): [(0, 1)], (2, True): [(0, 1), (1, 0)],
    (3, False): [(0, 1), (1, 2)], (3, True): [(0, 1), (2, 0), (1, 2)],
    (4, False): [(0, 1), (2, 3), (1, 2)], (4, True): [(0, 1), (2, 3), (1, 2), (3, 0)],
}  # fmt: skip


class TestMultiControl:
    @pytest.mark.parametrize(("num_qubits", "closed"), PAIRS)
    @pytest.mark.parametrize("final_features", [False, True])
    def test_against_dense_matrices(self, num_qubits, closed, final_features):
        pairs, reps, num_features = PAIRS[num_qubits, closed], 2, num_qubits + 1
        rng = np.random.default_rng(num_qubits)
        x, w = rng.uniform(-2, 2, num_features), rng.uniform(-3, 3, (reps, len(pairs), 3))
        stream = iter(np.resize(x, num_qubits * (reps + 1)))
        expected = zeros(num_qubits)
        for layer in range(reps):
            expected = on(num_qubits, {q: rz(next(stream)) @ HADAMARD for q in range(num_qubits)}) @ expected
            for pair, angles in zip(pairs, w[layer], strict=True):
                for rotation, angle in zip((rx, ry, rz), angles, strict=True):
                    expected = controlled(num_qubits, *pair, rotation(angle)) @ expected
        if final_features:
            expected = on(num_qubits, {q: rz(next(stream)) for q in range(num_qubits)}) @ expected
        encoding = MultiControlMap(reps, closed, final_features).encoding(num_features, num_qubits)
        np.testing.assert_allclose(state(encoding, x, w.ravel()), expected, atol=ROUNDING)

    def test_number_of_features(self):
        assert MultiControlMap(reps=2).max_features(3) == 6
        assert MultiControlMap(reps=2, final_features=True).max_features(3) == 9
        with pytest.raises(CircuitError, match="at most 4 features on 2 qubits, got 5"):
            MultiControlMap(reps=2).encoding(5, num_qubits=2)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [(YZCXMap, {"reps": 0}), (YZCXMap, {"scale": np.nan}), (MultiControlMap, {"reps": 1.5})],
    ids=str,
)
def test_settings_that_make_no_sense(kind, settings):
    with pytest.raises(CircuitError, match=next(iter(settings))):
        kind(**settings)
