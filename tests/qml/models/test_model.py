"""QuantumModel: values against dense matrices, both derivatives against central differences, and its errors."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from qml.feature_maps.data_functions import OwnFunction
from qml.losses import LOSSES
from qml.models.layered import layered_model
from qml.models.quantum_model import QuantumModel
from simulator.circuit import Circuit
from simulator.errors import ParameterError
from simulator.observables import X, Z
from simulator.parameters import Parameter, ParameterVector
from simulator.parameters.angle_maps import AngleMap
from tests.simulator import reference

RNG = np.random.default_rng(20)
TOLERANCE = {"double": 1e-12, "single": 1e-5}
MASKED = np.ma.masked_array(np.zeros((1, 2)), mask=True)


def small_model(**settings) -> QuantumModel:
    """Two inputs and three weights on two qubits; inputs and weights share gates and stand in affine expressions."""
    x, w = ParameterVector("x", 2), ParameterVector("w", 3)
    circuit = (
        Circuit(2).ry(x[0], 0).rx(2 * x[1] + w[0], 1).cx(0, 1).rz(w[1] - 0.5 * x[0], 0).ry(w[2], 0).rzz(w[0], 0, 1)
    )
    return QuantumModel(circuit, inputs=x, weights=w, observables=[Z(0), Z(0) @ X(1) + 0.5 * Z(1)], **settings)


def central_difference(function, point: np.ndarray, step: float = 1e-6) -> np.ndarray:
    out = np.empty_like(point)
    for index in np.ndindex(*point.shape):
        shift = np.zeros_like(point)
        shift[index] = step
        out[index] = (function(point + shift) - function(point - shift)) / (2 * step)
    return out


@pytest.mark.parametrize("precision", TOLERANCE)
def test_forward_is_the_expectation_of_the_bound_circuit(precision):
    model = small_model(precision=precision)
    inputs, weights = RNG.normal(size=(5, 2)), RNG.normal(size=3)
    expected = np.empty((5, 2))
    for row, sample in enumerate(inputs):
        values = dict(zip((*model.inputs, *model.weights), (*sample, *weights), strict=True))
        steps = [(op.gate.matrix(*op.angles), op.qubits) for op in model.circuit.bind(values).operations]
        state = reference.statevector(steps, 2)
        for column, observable in enumerate(model.observables):
            expected[row, column] = reference.expectation(state, observable.matrix(2))
    values = model.forward(inputs, weights)
    assert values.dtype == np.float64
    np.testing.assert_allclose(values, expected, atol=TOLERANCE[precision])


def test_backward_is_the_derivative_by_weights_and_data():
    model = small_model()
    inputs, weights, cotangent = RNG.normal(size=(4, 2)), RNG.normal(size=3), RNG.normal(size=(4, 2))
    d_weights, d_inputs = model.backward(inputs, weights, cotangent)
    assert d_weights.shape == (3,)
    assert d_inputs.shape == (4, 2)
    by_weights = central_difference(lambda w: np.sum(cotangent * model.forward(inputs, w)), weights)
    by_inputs = central_difference(lambda x: np.sum(cotangent * model.forward(x, weights)), inputs)
    np.testing.assert_allclose(d_weights, by_weights, atol=1e-8)
    np.testing.assert_allclose(d_inputs, by_inputs, atol=1e-8)


@pytest.mark.parametrize("feature_map", ["zz", "amplitude", "reuploading", "iqp"])
def test_backward_goes_through_the_feature_map(feature_map):
    model = layered_model(feature_map, "basic", num_features=3, num_layers=2)
    inputs, weights = RNG.uniform(0.5, 1.5, (3, 3)), RNG.normal(size=model.num_weights)
    cotangent = RNG.normal(size=(3, len(model.observables)))
    _, d_inputs = model.backward(inputs, weights, cotangent)
    expected = central_difference(lambda x: np.sum(cotangent * model.forward(x, weights)), inputs)
    np.testing.assert_allclose(d_inputs, expected, atol=1e-7)


def test_mean_squared_error_of_one_observable():
    x, w = Parameter("x"), Parameter("w")
    model = QuantumModel(Circuit(1).ry(x, 0).ry(w, 0), inputs=x, weights=w, observables=Z(0))
    inputs, y = RNG.normal(size=(6, 1)), RNG.normal(size=6)
    value, gradient = model.loss_and_gradient(inputs, y, [0.4])
    angles = inputs[:, 0] + 0.4
    assert value == pytest.approx(np.mean((np.cos(angles) - y) ** 2), abs=1e-14)
    np.testing.assert_allclose(gradient, [np.mean(-2 * (np.cos(angles) - y) * np.sin(angles))], atol=1e-14)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_and_its_gradient(loss):
    binary = loss == "binary_cross_entropy"
    model = small_model()
    model = QuantumModel(model.circuit, model.inputs, model.weights, model.observables[: 1 if binary else 2])
    inputs, weights = RNG.normal(size=(8, 2)), RNG.normal(size=3)
    y = RNG.integers(0, 2, 8) if loss in ("binary_cross_entropy", "cross_entropy", "hinge") else RNG.normal(size=(8, 2))
    value, gradient = model.loss_and_gradient(inputs, y, weights, loss)
    expected = central_difference(lambda w: model.loss_and_gradient(inputs, y, w, loss)[0], weights)
    np.testing.assert_allclose(gradient, expected, atol=1e-7)
    assert isinstance(value, float)


def test_samples_do_not_touch_each_other():
    model = small_model()
    inputs, weights = RNG.normal(size=(37, 2)), RNG.normal(size=3)
    together = model.forward(inputs, weights)
    order = RNG.permutation(37)
    np.testing.assert_array_equal(model.forward(inputs[order], weights), together[order])
    np.testing.assert_array_equal(np.vstack([model.forward(row[None], weights) for row in inputs]), together)


@pytest.mark.parametrize(
    "arrange",
    [
        np.asfortranarray,
        np.ndarray.tolist,
        lambda a: a.astype(np.float32).astype(object),
        lambda a: np.repeat(a, 2, axis=0)[::2],
        lambda a: np.frombuffer(a.tobytes()).reshape(a.shape),
    ],
    ids=["fortran", "list", "object", "strided", "read-only"],
)
def test_any_array_is_taken(arrange):
    model = small_model()
    inputs = RNG.integers(-3, 3, (5, 2)).astype(float)
    weights = np.array([0.1, 0.2, 0.3])
    np.testing.assert_array_equal(model.forward(arrange(inputs), weights), model.forward(inputs, weights))


def test_pickle_and_threads_change_nothing():
    model = small_model()
    inputs, weights = RNG.normal(size=(40, 2)), RNG.normal(size=3)
    expected = model.forward(inputs, weights)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).forward(inputs, weights), expected)
    with ThreadPoolExecutor(4) as pool:
        for values in pool.map(lambda _: model.forward(inputs, weights), range(40)):
            np.testing.assert_array_equal(values, expected)


def test_without_inputs_or_weights():
    w = Parameter("w")
    constant = QuantumModel(Circuit(1).ry(w, 0), weights=w, observables=Z(0))
    np.testing.assert_allclose(constant.forward(np.empty((3, 0)), [0.3]), np.full((3, 1), np.cos(0.3)), atol=1e-14)
    fixed = QuantumModel(Circuit(1).ry(w, 0), inputs=w, observables=Z(0))
    np.testing.assert_allclose(fixed.forward([[0.3]], []), [[np.cos(0.3)]], atol=1e-14)


def test_data_function_of_ones_own():
    x, w = Parameter("x"), Parameter("w")
    model = QuantumModel(
        Circuit(1).ry(x, 0).ry(w, 0), x, w, Z(0), data=OwnFunction(lambda X: X[:, :1] * X[:, 1:]), num_features=2
    )
    np.testing.assert_allclose(model.forward([[2.0, 0.5]], [0.0]), [[np.cos(1.0)]], atol=1e-14)
    _, by_inputs = model.backward([[2.0, 0.5]], [0.0], [[1.0]])  # the function's derivative by central differences
    np.testing.assert_allclose(by_inputs, [[-0.5 * np.sin(1.0), -2 * np.sin(1.0)]], atol=1e-8)


class TestErrors:
    def test_parameters(self):
        x, w, other = Parameter("x"), Parameter("w"), Parameter("other")
        circuit = Circuit(1).ry(x, 0).ry(w, 0).rz(other, 0)
        with pytest.raises(ParameterError, match="neither inputs nor weights: other"):
            QuantumModel(circuit, x, w, Z(0))
        with pytest.raises(ParameterError, match="x is named twice"):
            QuantumModel(circuit, [x, other], [w, x], Z(0))
        with pytest.raises(
            TypeError, match="a QuantumModel takes a Circuit, such as one of Circuit.from_qiskit, got None"
        ):
            QuantumModel(None, observables=Z(0))
        with pytest.raises(ParameterError, match="weights expects parameters, got None"):
            QuantumModel(Circuit(1), weights=None, observables=Z(0))
        with pytest.raises(ParameterError, match="inputs expects parameters, got 'x'"):
            QuantumModel(circuit, "x", w, Z(0))
        with pytest.raises(ValueError, match="at least one observable"):
            QuantumModel(circuit, x, [w, other], [])

    @pytest.mark.parametrize("inputs", [[1.0, 2.0], [[1.0]], [[1.0, 2.0, 3.0]], np.empty((0, 2)), 3.0], ids=str)
    def test_shape_of_the_data(self, inputs):
        with pytest.raises(ValueError, match=r"X must have shape \(n_samples, 2\) with at least 1 sample, got"):
            small_model().forward(inputs, np.zeros(3))

    @pytest.mark.parametrize("weights", [[1.0], [[1.0, 2.0, 3.0]], np.zeros(4)], ids=str)
    def test_shape_of_the_weights(self, weights):
        with pytest.raises(ValueError, match=r"weights must have shape \(3,\), got"):
            small_model().forward([[0.0, 0.0]], weights)

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_not_finite(self, bad):
        with pytest.raises(ValueError, match=r"X contains NaN or infinity, first at \(1, 0\)"):
            small_model().forward([[0.0, 1.0], [bad, -bad]], np.zeros(3))
        with pytest.raises(ValueError, match=r"weights contains NaN or infinity, first at \(2,\)"):
            small_model().forward([[0.0, 1.0]], [0.0, 0.0, bad])

    @pytest.mark.parametrize("argument", range(3))
    def test_complex(self, argument):
        arguments = [np.zeros((1, 2)), np.zeros(3), np.ones((1, 2))]
        arguments[argument] = arguments[argument] + 1j
        with pytest.raises(TypeError, match="expected real numbers, got complex128: pass their real part"):
            small_model().backward(*arguments)

    @pytest.mark.parametrize("argument", range(3))
    def test_masked(self, argument):
        arguments = [np.zeros((1, 2)), np.zeros(3), np.ones((1, 2))]
        arguments[argument] = np.ma.masked_array(arguments[argument], mask=True)
        with pytest.raises(ValueError, match="entries masked: leave their rows out"):
            small_model().backward(*arguments)
        with pytest.raises(ValueError, match="y has 2 of 2 entries masked"):
            small_model().loss_and_gradient(np.zeros((1, 2)), MASKED, np.zeros(3))

    def test_masked_values_of_a_circuit(self):
        x = ParameterVector("x", 2)
        circuit = Circuit(1).ry(x[0], 0).rx(x[1], 0)
        for values in (MASKED, {x: MASKED}, {x[0]: MASKED[:, 0], x[1]: 0.0}):
            with pytest.raises(ParameterError, match=r"value.* of .* entries masked"):
                circuit.expectation(Z(0), values)
        with pytest.raises(ParameterError, match="X has 2 of 2 entries masked"):
            AngleMap(2, ["2 * x[1]"])(MASKED)

    def test_numbers_of_rows(self):
        with pytest.raises(ValueError, match="expected 2, got 3"):
            small_model().backward(np.zeros((2, 2)), np.zeros(3), np.zeros((3, 2)))
        with pytest.raises(ValueError, match="expected 2, got 3"):
            small_model().loss_and_gradient(np.zeros((2, 2)), np.zeros(3), np.zeros(3))
