"""What every layer promises: sizes, a sweep that is the derivative of forward, a fixed part that is one."""

import copy
import pickle

import numpy as np
import pytest
from scipy.special import expit, softmax

import qml.layers
from qml import AngleMap, OwnFunction, QuantumModel, layered_model
from qml.layers import (
    Arctan,
    ClassFidelities,
    Dense,
    Derivatives,
    Dropout,
    Flatten,
    Gibbs,
    Layer,
    Quantum,
    Quanvolution,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
    TrainedScales,
)
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

PATCH = layered_model("angle", "basic", num_features=4, num_layers=1)
PATCH_OF_COLOURS = layered_model("angle", "basic", num_features=8, num_layers=1, observables=[Z(0), Z(1) @ Z(2)])

EXAMPLES = [
    Dense(3, 2),
    Dense(1, 1),
    Dense(3, 2, bias=False),
    Tanh(3),
    ReLU(3),
    Sigmoid(2),
    Softmax(3),
    Arctan(low=-0.5, high=2.0),
    ClassFidelities(2, 3),
    ClassFidelities(1, 5),
    Flatten((2, 3)),
    Gibbs(3),
    Gibbs(4, num_classes=3, num_groups=2),
    Gibbs(4, num_classes=3, num_groups=2, interacting=False),
    Gibbs(3, num_groups=3, interacting=False),
    Dropout(0.4),
    Quanvolution(PATCH, (3, 4), stride=1),
    Quanvolution(PATCH_OF_COLOURS, (5, 4, 2)),
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

    def test_sweep_without_inputs_gives_the_same_derivatives(self, layer):
        X, weights, rng = rows_and_weights(layer)
        seeds = rng.normal(size=(N_ROWS, layer.num_outputs or 3))
        with_inputs, _ = layer.sweep(X, weights, lambda Y, rows: seeds[rows], inputs=True)
        d_weights, d_X = layer.sweep(X, weights, lambda Y, rows: seeds[rows], inputs=False)
        np.testing.assert_allclose(d_weights, with_inputs, rtol=0, atol=1e-13)  # the engine sums less, so otherwise
        assert d_X is None

    def test_the_remainder_gets_the_outputs_of_forward(self, layer):
        X, weights, _ = rows_and_weights(layer)
        expected, seen = layer.forward(X, weights), []

        def rest(Y, rows):
            seen.append(rows)
            np.testing.assert_allclose(Y, expected[rows], rtol=0, atol=1e-14)
            return np.ones_like(Y)

        layer.sweep(X, weights, rest, inputs=False)
        assert [row for rows in seen for row in range(N_ROWS)[rows]] == list(range(N_ROWS))

    def test_a_prepared_sweep_gives_the_bits_of_sweep(self, layer):
        X, _, rng = rows_and_weights(layer)
        seeds = rng.normal(size=(N_ROWS, layer.num_outputs or 3))
        weights, d_weights = np.zeros(layer.num_weights), np.zeros(layer.num_weights)
        prepared = layer.prepared(weights, d_weights, lambda Y, rows: seeds[rows], inputs=True)
        for rows in (slice(0, N_ROWS), slice(2, 4), slice(2, 4), slice(0, N_ROWS)):
            weights[:] = rng.normal(size=layer.num_weights)
            d_weights[:] = 0.0
            d_X = prepared(X[rows], rows)
            part = seeds[rows]
            by_weights, by_X = layer.sweep(X[rows], weights, lambda Y, rows, part=part: part[rows], inputs=True)
            np.testing.assert_array_equal(d_weights, by_weights)
            np.testing.assert_array_equal(d_X, by_X)

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
        assert (trained is None) == (layer.num_weights == 0 and not layer.is_random)

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


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("n_rows", [1, 170])
def test_dense_equals_numpy(n_rows, bias):
    layer, rng = Dense(4, 3, bias=bias), np.random.default_rng(2)
    X, weights, seeds = rng.normal(size=(n_rows, 4)), rng.normal(size=layer.num_weights), rng.normal(size=(n_rows, 3))
    factors, biases = weights[:12].reshape(3, 4), weights[12:] if bias else 0.0
    np.testing.assert_allclose(layer.forward(X, weights), X @ factors.T + biases, rtol=0, atol=1e-13)
    d_weights, d_X = layer.sweep(X, weights, lambda Y, rows: seeds[rows], inputs=True)
    expected = np.append(seeds.T @ X, seeds.sum(axis=0) if bias else [])
    np.testing.assert_allclose(d_weights, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(d_X, seeds @ factors, rtol=0, atol=1e-13)


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
        (lambda: Dropout(1.0), "rate expects a number of at least 0 and less than 1, got 1.0"),
        (lambda: Dropout(-0.1), "rate expects a number"),
        (lambda: Flatten(()), r"Flatten expects the shape of one sample, such as \(28, 28\), got \(\)"),
        (lambda: Quanvolution(PATCH, (8,)), r"image_shape expects \(height, width\) or"),
        (lambda: Quanvolution(PATCH, (8, 8), 9), r"a patch of 9 x 9 pixels does not fit into \(8, 8\)"),
        (lambda: Quanvolution(PATCH, (8, 8), 3), "the filter takes 4 inputs, a patch has 9"),
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
    with pytest.raises(TypeError, match="expects a Quantum layer or a QuantumModel, got Tanh"):
        Derivatives(Tanh(2))
    assert Derivatives(MODEL) == Derivatives(Quantum(MODEL))
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


def test_softmax_is_scipys():
    X = np.random.default_rng(0).normal(size=(4, 3)) * 30
    np.testing.assert_array_equal(Softmax().forward(X, np.empty(0)), softmax(X, axis=1))


def test_patches_of_an_image_are_those_of_a_convolution():
    image = np.arange(30.0).reshape(5, 6)
    layer = Quanvolution(PATCH, (5, 6), kernel_size=2, stride=2)
    assert layer.output_shape == (2, 3, len(PATCH.observables))
    expected = [image[i : i + 2, j : j + 2].ravel() for i in (0, 2) for j in (0, 2, 4)]
    np.testing.assert_array_equal(layer.patches(image.reshape(1, -1)), expected)


def test_quanvolution_applies_its_filter_to_each_patch():
    rng = np.random.default_rng(1)
    layer = Quanvolution(PATCH_OF_COLOURS, (4, 4, 2), kernel_size=2)
    images, weights = rng.normal(size=(3, 4, 4, 2)), rng.normal(size=layer.num_weights)
    outputs = layer.forward(images.reshape(3, -1), weights).reshape(3, *layer.output_shape)
    for i in range(2):
        for j in range(2):
            patch = images[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].reshape(3, -1)
            np.testing.assert_allclose(outputs[:, i, j], PATCH_OF_COLOURS.forward(patch, weights), rtol=0, atol=1e-14)


def test_quanvolution_gets_the_same_derivative_when_chunks_end_inside_an_image():
    """A filter that is swept in chunks of five patches, where an image has four."""

    class Chunked(Quantum):
        def sweep(self, X, weights, rest, inputs):
            parts = [slice(begin, min(begin + 5, len(X))) for begin in range(0, len(X), 5)]
            swept = [
                super(Chunked, self).sweep(X[rows], weights, lambda Y, _, rows=rows: rest(Y, rows), inputs)
                for rows in parts
            ]
            return sum(d for d, _ in swept), np.concatenate([d for _, d in swept]) if inputs else None

    rng = np.random.default_rng(2)
    whole, chunked = (Quanvolution(kind(PATCH), (4, 4)) for kind in (Quantum, Chunked))
    X, weights, seeds = rng.normal(size=(3, 16)), rng.normal(size=4), rng.normal(size=(3, whole.num_outputs))
    results = [layer.sweep(X, weights, lambda Y, rows: seeds[rows], inputs=True) for layer in (whole, chunked)]
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-13)


def test_dropout_keeps_the_mean_and_leaves_out_its_share():
    X = np.ones((400, 50))
    rows = []
    step = Dropout(0.3).for_step([7, 2, 11])
    _, d_X = step.sweep(X, np.empty(0), lambda Y, _: rows.append(Y) or np.ones_like(Y), inputs=True)
    (outputs,) = rows
    assert set(np.unique(outputs)) == {0.0, 1 / 0.7}
    assert np.mean(outputs == 0) == pytest.approx(0.3, abs=0.01)  # 20,000 entries: three standard errors
    np.testing.assert_array_equal(d_X, outputs)  # the derivative of a product with the mask is the mask


def test_dropout_takes_the_numbers_of_a_generator_of_numpy():
    X, seen = np.random.default_rng(0).normal(size=(7, 5)), []
    step, rng = Dropout(0.4).for_step([2**40 + 3, 2, 11]), np.random.default_rng([2**40 + 3, 2, 11])
    for _ in range(2):
        step.sweep(X, np.empty(0), lambda Y, _: seen.append(Y) or Y, inputs=False)
        np.testing.assert_array_equal(seen[-1], X * ((rng.random(X.shape) >= 0.4) / (1.0 - 0.4)))


def test_dropout_differs_between_steps_and_chunks_and_repeats_by_seed():
    def masks(seed):
        step, seen = Sequential(Tanh(), Dropout(0.5)).for_step(seed), []
        for _ in range(2):  # two chunks of one step
            step.sweep(np.ones((3, 8)), np.empty(0), lambda Y, _: seen.append(Y != 0) or np.ones_like(Y), inputs=True)
        return np.array(seen)

    first, again, other = masks([0, 2, 1]), masks([0, 2, 1]), masks([0, 2, 2])
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (first[0] != first[1]).any()


def test_a_network_of_images_takes_images():
    net = Sequential(Flatten((2, 3)), Dense(6, 1))
    images, weights = np.arange(12.0).reshape(2, 2, 3), np.arange(7.0)
    np.testing.assert_array_equal(net.forward(images, weights), net.forward(images.reshape(2, 6), weights))
    with pytest.raises(
        ValueError, match=r"Flatten\(\(2, 3\)\) expects X of shape \(n_samples, 2, 3\), got \(2, 3, 2\)"
    ):
        net.forward(images.reshape(2, 3, 2), weights)
