"""Sequential: the gradient of a hybrid chain against NumPy, chunks of rows, sizes, errors."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from qml import AngleMap, layered_model
from qml.layers import Dense, Layer, Quantum, Sequential, Tanh, TrainedScales
from qml.models.evaluation import EngineEvaluation
from tests.qml.layers.differences import TOLERANCE, gradient
from tests.simulator import reference

EXACT = 1e-12
N_QUBITS, N_LAYERS, N_ROWS = 3, 3, 7
MODEL = layered_model(
    AngleMap("x", reupload=True), "basic", num_features=N_QUBITS, num_layers=N_LAYERS, observables="z+zz"
)
FOUR = Sequential(Dense(4, N_QUBITS), Quantum(MODEL))
NETWORK = Sequential(Dense(4, N_QUBITS), Tanh(), TrainedScales(), Quantum(MODEL), Dense(None, 2))
PAULI_X = reference.PAULI["X"]
CX = np.eye(4)[[0, 3, 2, 1]]
OBSERVABLES = ["IIZ", "IZI", "ZII", "IZZ", "ZIZ", "ZZI"]


def problem(n_rows=N_ROWS):
    rng = np.random.default_rng(5)
    return rng.normal(size=(n_rows, 4)), rng.normal(size=NETWORK.num_weights), rng.normal(size=(n_rows, 2))


def circuit_by_hand(angles, weights):
    """Expectations of one sample by dense matrices, and their derivatives by angles and weights, by product rule."""
    steps, owner = [], []
    for layer in range(N_LAYERS):
        for values, kind in ((angles, "angle"), (weights[layer * N_QUBITS :], "weight")):
            for q in range(N_QUBITS):
                half = values[q] / 2
                steps.append((np.cos(half) * np.eye(2) - 1j * np.sin(half) * PAULI_X, (q,)))
                owner.append((kind, q if kind == "angle" else layer * N_QUBITS + q))
        for q in range(N_QUBITS):
            steps.append((CX, (q, (q + 1) % N_QUBITS)))
            owner.append(None)
    matrices = [reference.pauli_label(label) for label in OBSERVABLES]
    psi = reference.statevector(steps, N_QUBITS)
    values = np.array([reference.expectation(psi, matrix) for matrix in matrices])
    by = {"angle": np.zeros((len(matrices), N_QUBITS)), "weight": np.zeros((len(matrices), N_QUBITS * N_LAYERS))}
    for place, what in enumerate(owner):
        if what is None:
            continue
        matrix, qubits = steps[place]
        moved = [*steps[:place], (-0.5j * PAULI_X @ matrix, qubits), *steps[place + 1 :]]
        tangent = reference.statevector(moved, N_QUBITS)
        by[what[0]][:, what[1]] += [2 * np.vdot(psi, operator @ tangent).real for operator in matrices]
    return values, by["angle"], by["weight"]


def network_by_hand(X, weights, seeds):
    """Outputs of the chain, and derivatives of ``sum(seeds * outputs)``, layer by layer as in a textbook."""
    first, scales, circuit, last = np.split(weights, np.cumsum([15, 6, 9]))
    A, a = first[:12].reshape(3, 4), first[12:]
    s, o = scales[:3], scales[3:]
    B, b = last[:12].reshape(2, 6), last[12:]
    hidden = np.tanh(X @ A.T + a)
    per_row = [circuit_by_hand(row, circuit) for row in hidden * s + o]
    values = np.array([row[0] for row in per_row])
    d_values = seeds @ B
    d_angles = np.array([d @ row[1] for d, row in zip(d_values, per_row, strict=True)])
    d_circuit = sum(d @ row[2] for d, row in zip(d_values, per_row, strict=True))
    d_hidden = d_angles * s * (1 - hidden**2)
    d_weights = [
        (d_hidden.T @ X).ravel(), d_hidden.sum(axis=0),
        (d_angles * hidden).sum(axis=0), d_angles.sum(axis=0),
        d_circuit,
        (seeds.T @ values).ravel(), seeds.sum(axis=0),
    ]  # fmt: skip
    return values @ B.T + b, np.concatenate(d_weights), d_hidden @ A


def test_a_hybrid_network_equals_numpy():
    X, weights, seeds = problem()
    outputs, by_weights, by_inputs = network_by_hand(X, weights, seeds)
    np.testing.assert_allclose(NETWORK.forward(X, weights), outputs, rtol=0, atol=EXACT)
    d_weights, d_X = NETWORK.sweep(X, weights, lambda Y, rows: seeds[rows], inputs=True)
    np.testing.assert_allclose(d_weights, by_weights, rtol=0, atol=EXACT)
    np.testing.assert_allclose(d_X, by_inputs, rtol=0, atol=EXACT)


def test_a_hybrid_network_equals_central_differences():
    X, weights, seeds = problem()
    d_weights, d_X = NETWORK.sweep(X, weights, lambda Y, rows: seeds[rows], inputs=True)
    by_weights = gradient(lambda w: np.sum(seeds * NETWORK.forward(X, w)), weights)
    np.testing.assert_allclose(d_weights, by_weights, rtol=0, atol=TOLERANCE)
    by_inputs = gradient(lambda rows: np.sum(seeds * NETWORK.forward(rows, weights)), X)
    np.testing.assert_allclose(d_X, by_inputs, rtol=0, atol=TOLERANCE)


@dataclass(frozen=True)
class InChunks:
    """The engine, a few rows at a time."""

    inner: EngineEvaluation
    size: int

    def expectations(self, inputs, weights):
        return self.inner.expectations(inputs, weights)

    def sweep(self, inputs, weights, cotangent, by_inputs=False):
        d_weights, d_inputs = np.zeros(len(weights)), []
        for start in range(0, len(inputs), self.size):

            def rest(values, rows, start=start):
                return cotangent(values, slice(start + rows.start, start + rows.stop))

            by_weights, by_rows = self.inner.sweep(inputs[start : start + self.size], weights, rest, by_inputs)
            d_weights += by_weights
            d_inputs.append(by_rows)
        return d_weights, np.concatenate(d_inputs) if by_inputs else None


@pytest.mark.parametrize(("first", "second"), [(7, 7), (3, 7), (7, 2), (4, 3), (1, 1)])
def test_chunks_within_chunks_keep_their_rows(first, second):
    """Two quantum layers with chunks of their own: the remainder sees each row once, in order, as it is in X."""
    chunked = [Quantum(MODEL, InChunks(EngineEvaluation(MODEL), size)) for size in (first, second)]
    network = Sequential(chunked[0], Dense(6, 3), chunked[1])
    plain = Sequential(Quantum(MODEL), Dense(6, 3), Quantum(MODEL))
    rng = np.random.default_rng(8)
    X, weights = rng.normal(size=(N_ROWS, 3)), rng.normal(size=plain.num_weights)
    seeds, seen = rng.normal(size=(N_ROWS, 6)), []
    expected = plain.forward(X, weights)

    def rest(Y, rows):
        np.testing.assert_allclose(Y, expected[rows], rtol=0, atol=EXACT)
        seen.append((rows.start, rows.stop))
        return seeds[rows]

    d_weights, d_X = network.sweep(X, weights, rest, inputs=True)
    inner = [(a, min(a + first, N_ROWS)) for a in range(0, N_ROWS, first)]
    assert seen == [(b, min(b + second, stop)) for start, stop in inner for b in range(start, stop, second)]
    by_weights, by_inputs = plain.sweep(X, weights, lambda Y, rows: seeds[rows], inputs=True)
    np.testing.assert_allclose(d_weights, by_weights, rtol=0, atol=EXACT)
    np.testing.assert_allclose(d_X, by_inputs, rtol=0, atol=EXACT)


def test_the_engines_own_chunks():
    """A batch that the engine cuts: the remainder is called once for each chunk, with consecutive rows."""
    model = layered_model("angle", "basic", num_features=10, num_layers=1)
    network = Sequential(Quantum(model), Dense(10, 1))
    rng = np.random.default_rng(2)
    X, weights = rng.normal(size=(6000, 10)), rng.normal(size=network.num_weights)
    seeds, seen = rng.normal(size=(6000, 1)), []

    def rest(Y, rows):
        assert Y.shape == (rows.stop - rows.start, 1)
        seen.append(rows)
        return seeds[rows]

    d_weights, d_X = network.sweep(X, weights, rest, inputs=True)
    assert len(seen) > 1
    assert [seen[0].start, *(rows.stop for rows in seen[:-1])] == [rows.start for rows in seen]
    assert seen[-1].stop == 6000
    halves = [slice(0, 3000), slice(3000, 6000)]
    parts = [network.sweep(X[h], weights, lambda Y, rows, h=h: seeds[h][rows], inputs=True) for h in halves]
    np.testing.assert_allclose(d_weights, sum(part[0] for part in parts), rtol=1e-10)
    np.testing.assert_allclose(d_X, np.concatenate([part[1] for part in parts]), rtol=0, atol=EXACT)


class TestSizes:
    def test_open_sizes_are_those_of_the_layer_before(self):
        net = Sequential(Dense(5, 3), Tanh(), TrainedScales(), Quantum(MODEL), Dense(None, 2))
        assert [layer.num_inputs for layer in net] == [5, 3, 3, 3, 6]
        assert len(net) == 5
        assert net[3].model is MODEL

    def test_the_ends_are_filled_in_later(self):
        net = Sequential(Dense(None, 3), Tanh(), Quantum(MODEL), Dense())
        assert (net.num_inputs, net.num_outputs) == (None, None)
        sized = net.with_sizes(8, 2)
        assert (sized.num_inputs, sized.num_outputs) == (8, 2)
        assert sized == Sequential(Dense(8, 3), Tanh(), Quantum(MODEL), Dense(6, 2))
        assert sized.with_sizes(8, 2) == sized

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (
                lambda: Sequential(Dense(3, 4), Dense(3, 1)),
                r"layer 0, Dense\(3, 4\), gives 4, layer 1, Dense.* 3",
            ),
            (lambda: Sequential(Tanh(4), Quantum(MODEL)), r"layer 0, Tanh\(\), gives 4, layer 1, Quantum.* takes 3"),
            (lambda: FOUR.with_sizes(5), r"the number of features is 5, layer 0, Dense\(4, 3\), takes 4"),
            (lambda: FOUR.with_sizes(4, 2), r"layer 1, Quantum.* gives 6, the targets need 2"),
            (lambda: Sequential(), "at least one layer"),
            (lambda: Sequential(Dense(4)).num_weights, r"Dense\(4, None\) has a size that is not known yet"),
        ],
    )
    def test_sizes_that_do_not_chain(self, make, message):
        with pytest.raises(ValueError, match=message):
            make()

    @pytest.mark.parametrize("other", [Dense, MODEL, np.tanh, "dense", SimpleNamespace(forward=1, sweep=1)], ids=repr)
    def test_only_layers(self, other):
        with pytest.raises(TypeError, match="expected layers, whose class inherits from qml.layers.Layer"):
            Sequential(Dense(2, 2), other)


class TestArrays:
    def test_lists_and_other_layouts(self):
        X, weights, _ = problem()
        expected = NETWORK.forward(X, weights)
        np.testing.assert_array_equal(NETWORK.forward(X.tolist(), weights.tolist()), expected)
        np.testing.assert_array_equal(NETWORK.forward(np.asfortranarray(X), weights), expected)

    def test_no_rows(self):
        _, weights, _ = problem()
        assert NETWORK.forward(np.empty((0, 4)), weights).shape == (0, 2)

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_numbers_that_are_not_finite(self, value):
        X = problem()[0]
        X[2, 1] = value
        network = Sequential(TrainedScales(4), Dense(4, 3), Quantum(MODEL))
        with pytest.raises(ValueError, match=r"X contains NaN or infinity, first at \(2, 1\)"):
            network.forward(X, np.ones(network.num_weights))

    @pytest.mark.parametrize("shape", [(7, 3), (4,), (2, 4, 1)])
    def test_rows_of_another_shape(self, shape):
        _, weights, _ = problem()
        with pytest.raises(ValueError, match=r"expects X of shape \(n_samples, 4\), got"):
            NETWORK.forward(np.ones(shape), weights)
        with pytest.raises(ValueError, match=r"expects X of shape \(n_samples, 4\), got"):
            NETWORK.sweep(np.ones(shape), weights, lambda Y, rows: Y, inputs=False)

    def test_weights_of_another_shape(self):
        X, weights, _ = problem()
        with pytest.raises(ValueError, match=r"expects weights of shape \(44,\), got \(43,\)"):
            NETWORK.forward(X, weights[1:])


class Square(Layer):
    """A layer of a user's own, with nothing but what it must have."""

    num_inputs = num_outputs = None

    def forward(self, X, weights):
        return X**2

    def sweep(self, X, weights, rest, inputs):
        d_Y = rest(X**2, slice(0, len(X)))
        return np.empty(0), 2 * X * d_Y if inputs else None


def test_a_layer_of_ones_own():
    network = Sequential(Dense(4, 3), Square(), Dense(3, 2))
    rng = np.random.default_rng(4)
    X, seeds = rng.normal(size=(N_ROWS, 4)), rng.normal(size=(N_ROWS, 2))
    weights = network.initial_weights(rng)
    d_weights, d_X = network.sweep(X, weights, lambda Y, rows: seeds[rows], inputs=True)
    by_weights = gradient(lambda w: np.sum(seeds * network.forward(X, w)), weights)
    np.testing.assert_allclose(d_weights, by_weights, rtol=0, atol=TOLERANCE)
    by_inputs = gradient(lambda rows: np.sum(seeds * network.forward(rows, weights)), X)
    np.testing.assert_allclose(d_X, by_inputs, rtol=0, atol=TOLERANCE)
