"""What every layer promises: sizes, a sweep that is the derivative of forward, a fixed part that is one."""

import copy
import pickle

import numpy as np
import pytest
from scipy.special import expit

import qml.layers
from qml import AngleMap, OwnFunction, QuantumModel, layered_model
from qml.layers import Dense, Derivatives, Layer, Quantum, ReLU, Sequential, Sigmoid, Tanh, TrainedScales
from simulator import Circuit, NoiseModel, ParameterVector, Z, depolarizing
from tests.qml.layers.differences import TOLERANCE, gradient

NOISE = NoiseModel(after_2q=depolarizing(0.05), readout=0.02)
N_ROWS = 6


def encoding_alone() -> QuantumModel:
    """A circuit without weights."""
    x = ParameterVector("x", 2)
    return QuantumModel(Circuit(2).ry(x[0], 0).rx(x[1], 1).cx(0, 1), inputs=x, observables=[Z(0), Z(1)])


MODEL = layered_model("angle", "strongly_entangling", num_features=2, num_layers=2, observables="z+zz")
REUPLOADING = layered_model(AngleMap("xz", reupload=True), "basic", num_features=3, num_layers=3)
PROBABILITIES = QuantumModel(MODEL.circuit, MODEL.inputs, MODEL.weights, outputs="probabilities", qubits=[1])
PRODUCTS = layered_model("zz", "real_amplitudes", num_features=3, num_layers=1)  # with a data function

EXAMPLES = [
    Dense(3, 2),
    Dense(1, 1),
    Dense(3, 2, bias=False),
    Tanh(3),
    ReLU(3),
    Sigmoid(2),
    TrainedScales(3),
    TrainedScales(2, copies=3),
    Quantum(MODEL),
    Quantum(REUPLOADING),
    Quantum(PRODUCTS),
    Quantum(encoding_alone()),
    Quantum(MODEL).on(noise=NOISE),
    Quantum(PROBABILITIES),
    Quantum(PROBABILITIES).on(noise=NOISE),
    Derivatives(Quantum(REUPLOADING)),
    Derivatives(Quantum(encoding_alone()), order=1),
    Derivatives(Quantum(MODEL)).on(noise=NOISE),
    Sequential(Dense(4, 3), Tanh(), TrainedScales(), Quantum(REUPLOADING), Dense(None, 2)),
    Sequential(Tanh(), Sigmoid(), Quantum(PRODUCTS)),
    Sequential(Sequential(Dense(3, 2), ReLU()), Quantum(MODEL)),
]


def rows_and_weights(layer):
    rng = np.random.default_rng(11)
    X = rng.normal(size=(N_ROWS, layer.num_inputs or 3))
    return X + 0.05 * np.sign(X), rng.normal(size=layer.num_weights), rng  # away from the kink of ReLU


def test_every_public_layer_has_an_example():
    public = {getattr(qml.layers, name) for name in qml.layers.__all__} - {Layer}
    assert public == {type(layer) for layer in EXAMPLES}


@pytest.mark.parametrize("layer", EXAMPLES, ids=repr)
class TestEveryLayer:
    def test_sizes(self, layer):
        X, weights, _ = rows_and_weights(layer)
        outputs = layer.forward(X, weights)
        assert outputs.shape == (N_ROWS, layer.num_outputs or 3)
        assert outputs.dtype == np.float64

    def test_initial_weights_come_from_the_generator_alone(self, layer):
        first, again = (layer.initial_weights(np.random.default_rng(3)) for _ in range(2))
        assert first.shape == (layer.num_weights,)
        np.testing.assert_array_equal(first, again)

    def test_sweep_is_the_derivative_of_forward(self, layer):
        X, weights, rng = rows_and_weights(layer)
        seeds = rng.normal(size=(N_ROWS, layer.num_outputs or 3))
        d_weights, d_X = layer.sweep(X, weights, lambda Y, rows: seeds[rows], inputs=True)
        expected = gradient(lambda w: np.sum(seeds * layer.forward(X, w)), weights)
        np.testing.assert_allclose(d_weights, expected, rtol=0, atol=TOLERANCE)
        expected = gradient(lambda rows: np.sum(seeds * layer.forward(rows, weights)), X)
        np.testing.assert_allclose(d_X, expected, rtol=0, atol=TOLERANCE)

    def test_sweep_without_inputs_gives_the_same_bits(self, layer):
        X, weights, rng = rows_and_weights(layer)
        seeds = rng.normal(size=(N_ROWS, layer.num_outputs or 3))
        with_inputs, _ = layer.sweep(X, weights, lambda Y, rows: seeds[rows], inputs=True)
        d_weights, d_X = layer.sweep(X, weights, lambda Y, rows: seeds[rows], inputs=False)
        np.testing.assert_array_equal(d_weights, with_inputs)
        assert d_X is None

    def test_the_remainder_gets_the_outputs_of_forward(self, layer):
        X, weights, _ = rows_and_weights(layer)
        expected, seen = layer.forward(X, weights), []

        def rest(Y, rows):
            seen.append(rows)
            np.testing.assert_array_equal(Y, expected[rows])
            return np.ones_like(Y)

        layer.sweep(X, weights, rest, inputs=False)
        assert [row for rows in seen for row in range(N_ROWS)[rows]] == list(range(N_ROWS))

    def test_arrays_that_come_in_stay_as_they_are(self, layer):
        X, weights, rng = rows_and_weights(layer)
        seeds = rng.normal(size=(N_ROWS, layer.num_outputs or 3))
        before = X.copy(), weights.copy(), seeds.copy()
        layer.sweep(X, weights, lambda Y, rows: seeds[rows], inputs=True)
        for array, copied in zip((X, weights, seeds), before, strict=True):
            np.testing.assert_array_equal(array, copied)

    def test_the_fixed_part_and_the_trained_part_make_the_layer(self, layer):
        X, weights, _ = rows_and_weights(layer)
        fixed, trained = layer.split_fixed()
        outputs = X if fixed is None else fixed(X)
        if trained is not None:
            assert trained.num_weights == layer.num_weights
            outputs = trained.forward(outputs, weights)
        np.testing.assert_array_equal(outputs, layer.forward(X, weights))
        assert (trained is None) == (layer.num_weights == 0)

    def test_copies_compute_the_same(self, layer):
        X, weights, _ = rows_and_weights(layer)
        expected = layer.forward(X, weights)
        for other in (
            copy.deepcopy(layer),
            pickle.loads(pickle.dumps(layer)),
            layer.with_sizes(layer.num_inputs),
            layer.on(),
        ):
            np.testing.assert_array_equal(other.forward(X, weights), expected)
            assert repr(other) == repr(layer)


def test_activations_are_the_functions_of_their_names():
    X = np.array([[-800.0, -1.0, 0.0, 0.5, 800.0]])
    none = np.empty(0)
    np.testing.assert_array_equal(Tanh().forward(X, none), np.tanh(X))
    np.testing.assert_array_equal(Sigmoid().forward(X, none), expit(X))
    np.testing.assert_array_equal(ReLU().forward(X, none), [[0.0, 0.0, 0.0, 0.5, 800.0]])
    assert ReLU().sweep(X, none, lambda Y, rows: np.ones_like(Y), inputs=True)[1].tolist() == [[0, 0, 0, 1, 1]]


def test_dense_is_an_affine_map():
    weights = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.1, 0.2])  # two outputs of three inputs, biases
    X = np.array([[1.0, 0.0, -1.0]])
    np.testing.assert_allclose(Dense(3, 2).forward(X, weights), [[1 - 3 + 0.1, 4 - 6 + 0.2]])
    np.testing.assert_allclose(Dense(3, 2, bias=False).forward(X, weights[:6]), [[1 - 3, 4 - 6]])
    drawn = Dense(400, 300).initial_weights(np.random.default_rng(0))
    assert drawn[:-300].std() == pytest.approx(1 / 20, rel=0.01)
    assert not drawn[-300:].any()


def test_trained_scales_start_as_the_inputs():
    layer = TrainedScales(2, copies=2)
    X = np.array([[0.3, -0.7]])
    start = layer.initial_weights(np.random.default_rng(0))
    np.testing.assert_array_equal(layer.forward(X, start), [[0.3, -0.7, 0.3, -0.7]])
    weights = np.array([1.0, 2.0, 3.0, 4.0, 10.0, 20.0, 30.0, 40.0])
    np.testing.assert_allclose(layer.forward(X, weights), [[10.3, 18.6, 30.9, 37.2]])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense(0, 2), "num_inputs expects an integer of 1 or more, or None, got 0"),
        (lambda: Dense(2, 1.5), "num_outputs expects an integer"),
        (lambda: Derivatives(Quantum(MODEL), order=3), "order expects 1 or 2, got 3"),
        (
            lambda: Derivatives(Quantum(PRODUCTS)),
            "features are the circuit's inputs, got one with the data function Pro",
        ),
        (lambda: Tanh(-1), "size expects an integer"),
        (lambda: TrainedScales(2, copies=0), "copies expects an integer of 1 or more, got 0"),
        (lambda: Dense(None, 2).num_weights, r"Dense\(None, 2\) has a size that is not known yet"),
        (lambda: Dense(2).initial_weights(np.random.default_rng(0)), r"Dense\(2, None\) has a size"),
        (lambda: TrainedScales().num_weights, r"TrainedScales\(None\) has a size"),
        (lambda: TrainedScales(3).forward(np.ones((4, 1)), np.ones(6)), r"expects X of shape \(n_samples, 3\), got"),
        (lambda: TrainedScales(3).forward(np.ones((4, 3)), np.ones(2)), r"expects weights of shape \(6,\), got \(2,\)"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_kinds_of_arguments():
    with pytest.raises(TypeError, match="expects a QuantumModel, got"):
        Quantum(Circuit(2))
    with pytest.raises(TypeError, match=r"expects a Quantum layer, got QuantumModel\("):
        Derivatives(MODEL)
    with pytest.raises(TypeError, match="bias expects True or False, got 0"):
        Dense(3, 2, bias=0)


def test_a_data_function_is_computed_once_in_training():
    calls = []

    def doubled(X):
        calls.append(len(X))
        return 2 * X

    x, w = ParameterVector("x", 2), ParameterVector("w", 2)
    circuit = Circuit(2).ry(x[0], 0).ry(x[1], 1).cx(0, 1).rx(w[0], 0).rx(w[1], 1)
    model = QuantumModel(circuit, inputs=x, weights=w, observables=Z(1), data=OwnFunction(doubled))
    fixed, trained = Sequential(Quantum(model), Dense(1, 1)).split_fixed()
    inputs = fixed(np.ones((3, 2)))
    for _ in range(4):
        trained.sweep(inputs, np.ones(4), lambda Y, rows: np.ones_like(Y), inputs=False)
    assert calls == [3]
