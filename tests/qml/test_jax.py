"""Quantum functions in JAX: values, derivatives under its transformations, both precisions, errors."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")

import jax.numpy as jnp  # noqa: E402
from jax.test_util import check_grads  # noqa: E402

from qml import layered_model  # noqa: E402
from qml.jax import quantum_function  # noqa: E402
from qml.layers import Dense, Quantum, Sequential, Tanh  # noqa: E402
from simulator import NoiseModel, depolarizing  # noqa: E402
from tests.qml import pennylane_models  # noqa: E402

ROUNDING = 1e-12
PEER = 1e-10  # of PennyLane, whose states are rounded elsewhere
SINGLE = 1e-5
N_ROWS = 5
MODEL = layered_model("angle", "strongly_entangling", num_features=3, num_layers=2)
RNG = np.random.default_rng(2)
X, WEIGHTS, COTANGENT = RNG.uniform(-1, 1, (N_ROWS, 3)), RNG.normal(size=MODEL.num_weights), RNG.normal(size=(5, 3))
D_WEIGHTS, D_X = MODEL.backward(X, WEIGHTS, COTANGENT)
NOT_FINITE = (ValueError, jax.errors.JaxRuntimeError)  # which of them depends on where JAX runs a callback
f = quantum_function(MODEL)
plain_or_jit = pytest.mark.parametrize("transform", [lambda function: function, jax.jit], ids=["plain", "jit"])


@pytest.fixture(autouse=True)
def _double_precision():
    with jax.enable_x64(True):
        yield


def loss(X, weights, cotangent):
    return (f(X, weights) * cotangent).sum()


def close(one, other, tolerance=ROUNDING):
    np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)


@plain_or_jit
def test_values_are_those_of_the_model_to_the_bit(transform):
    np.testing.assert_array_equal(transform(f)(X, WEIGHTS), MODEL.forward(X, WEIGHTS))


@plain_or_jit
def test_gradients(transform):
    close(transform(jax.grad(loss, 1))(X, WEIGHTS, COTANGENT), D_WEIGHTS)
    close(transform(jax.grad(loss, 0))(X, WEIGHTS, COTANGENT), D_X)
    d_X, d_weights = transform(jax.grad(loss, (0, 1)))(X, WEIGHTS, COTANGENT)
    close(d_X, D_X)
    close(d_weights, D_WEIGHTS)


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")  # by PennyLane
@pytest.mark.parametrize("name", pennylane_models.CIRCUITS)
def test_values_and_gradients_are_those_of_pennylane(name):
    model = pennylane_models.quantum_model(name)
    weights = RNG.normal(size=model.num_weights)
    values, pullback = jax.vjp(quantum_function(model), X, weights)
    cotangent = RNG.normal(size=values.shape)
    own = values, *pullback(jnp.asarray(cotangent))
    for value, expected in zip(own, pennylane_models.reference(name, X, weights, cotangent), strict=True):
        close(value, expected, PEER)


@pytest.mark.parametrize(
    "layer",
    [
        Quantum(layered_model("zz", "basic", num_features=3, num_layers=1)),
        Quantum(MODEL).on(noise=NoiseModel(after_2q=depolarizing(0.05), readout=0.02)),
        Sequential(Dense(3, 3), Tanh(), Quantum(MODEL), Dense(None, 2)),
    ],
    ids=["zz", "noise", "network"],
)
def test_gradients_of_layers(layer):
    check_grads(quantum_function(layer), (X, RNG.normal(size=layer.num_weights)), order=1, modes=["rev"])


@plain_or_jit
def test_vmap_over_samples_and_weights(transform):
    many = RNG.normal(size=(4, MODEL.num_weights))
    each = np.stack([MODEL.forward(X, weights) for weights in many])
    close(transform(jax.vmap(f, (0, None)))(X, WEIGHTS), MODEL.forward(X, WEIGHTS))
    close(transform(jax.vmap(f, (None, 0)))(X, many), each)
    close(transform(jax.vmap(jax.vmap(f, (0, None)), (None, 0)))(X, many), each)
    slopes = transform(jax.vmap(jax.grad(loss, 1), (None, 0, None)))(X, many, COTANGENT)
    close(slopes, np.stack([MODEL.backward(X, weights, COTANGENT)[0] for weights in many]))


@plain_or_jit
def test_gradients_of_each_sample(transform):
    by_inputs, by_weights = transform(jax.vmap(jax.grad(loss, (0, 1)), (0, None, 0)))(X, WEIGHTS, COTANGENT)
    close(by_inputs, D_X)
    for k in range(N_ROWS):
        close(by_weights[k], MODEL.backward(X[k : k + 1], WEIGHTS, COTANGENT[k : k + 1])[0])
    close(transform(jax.vmap(jax.grad(loss, 0), (0, None, 0)))(X, WEIGHTS, COTANGENT), D_X)
    of_all = jax.grad(lambda weights: jax.vmap(loss, (0, None, 0))(X, weights, COTANGENT).sum())
    close(transform(of_all)(WEIGHTS), D_WEIGHTS)


@plain_or_jit
def test_jacobians(transform):
    by_inputs, by_weights = transform(jax.jacrev(f, (0, 1)))(X, WEIGHTS)
    close(np.tensordot(COTANGENT, by_weights, 2), D_WEIGHTS)
    close(np.tensordot(COTANGENT, by_inputs, 2), D_X)


def test_one_sweep_differentiates_what_is_needed(monkeypatch):
    calls = []
    sweep = Quantum.sweep
    monkeypatch.setattr(Quantum, "sweep", lambda *arguments: calls.append(arguments[-1]) or sweep(*arguments))
    jax.grad(loss, 1)(X, WEIGHTS, COTANGENT).block_until_ready()
    jax.vmap(jax.grad(loss, 0), (0, None, 0))(X, WEIGHTS, COTANGENT).block_until_ready()
    jax.block_until_ready(jax.grad(loss, (0, 1))(X, WEIGHTS, COTANGENT))
    assert calls == [False, True, True]


@pytest.mark.parametrize("shape", [(3,), (2, 3), (4, 1, 3), (0, 3), (2, 0, 3)])
def test_leading_axes(shape):
    points = np.broadcast_to(X[0], shape)
    values = f(points, WEIGHTS)
    assert values.shape == shape
    close(values, np.broadcast_to(MODEL.forward(X[:1], WEIGHTS)[0], shape))
    slope = jax.grad(lambda weights: f(points, weights).sum())(WEIGHTS)
    assert slope.any() == bool(values.size)


def test_single_precision():
    with jax.enable_x64(False):
        values = jax.jit(f)(X, WEIGHTS)
        slopes = jax.jit(jax.grad(loss, (0, 1)))(X, WEIGHTS, COTANGENT)
    assert {array.dtype.name for array in (values, *slopes)} == {"float32"}
    close(values, MODEL.forward(X, WEIGHTS), SINGLE)
    for slope, exact in zip(slopes, (D_X, D_WEIGHTS), strict=True):
        close(slope, exact, SINGLE)


def test_mixed_precisions():
    single = jnp.asarray(X, jnp.float32)
    assert f(single, WEIGHTS).dtype == jnp.float64
    d_X, d_weights = jax.grad(loss, (0, 1))(single, WEIGHTS, COTANGENT)
    assert (d_X.dtype, d_weights.dtype) == (jnp.float32, jnp.float64)


def test_a_callback_is_compiled_once(caplog):
    f(X, WEIGHTS).block_until_ready()
    with jax.log_compiles():
        f(X, WEIGHTS).block_until_ready()
        assert not [record for record in caplog.records if "ompil" in record.getMessage()]
        f(X[:4], WEIGHTS).block_until_ready()
        assert [record for record in caplog.records if "ompil" in record.getMessage()]


@plain_or_jit
def test_second_derivatives_are_refused(transform):
    of_gradients = {
        "by weights": (lambda weights: (jax.grad(loss, 1)(X, weights, COTANGENT) ** 2).sum(), WEIGHTS),
        "by inputs and weights": (lambda weights: (jax.grad(loss, 0)(X, weights, COTANGENT) ** 2).sum(), WEIGHTS),
        "by weights and inputs": (lambda X: (jax.grad(loss, 1)(X, WEIGHTS, COTANGENT) ** 2).sum(), X),
    }
    for function, point in of_gradients.values():
        with pytest.raises(NotImplementedError, match="a quantum function has first derivatives only"):
            transform(jax.grad(function))(point)
    with pytest.raises(TypeError, match="forward-mode"):
        transform(jax.hessian(loss, 1))(X, WEIGHTS, COTANGENT)


@plain_or_jit
def test_forward_mode_is_refused(transform):
    with pytest.raises(TypeError, match="forward-mode"):
        transform(lambda weights: jax.jvp(lambda weights: f(X, weights), (weights,), (weights,)))(WEIGHTS)


@pytest.mark.parametrize("shape", [(5, 2), (), (0,)])
def test_wrong_width(shape):
    with pytest.raises(ValueError, match=r"X must have shape \(\.\.\., 3\), got \("):
        f(np.zeros(shape), WEIGHTS)


def test_wrong_weights():
    with pytest.raises(ValueError, match=r"weights must have shape \(18,\), got \(17,\)"):
        f(X, WEIGHTS[:17])


@pytest.mark.parametrize("dtype", ["int64", "bool", "complex128"])
def test_types_that_are_not_floating_point(dtype):
    with pytest.raises(TypeError, match=f"X must have a floating-point type, got {dtype}"):
        f(np.ones((2, 3), dtype), WEIGHTS)
    with pytest.raises(TypeError, match=f"weights must have a floating-point type, got {dtype}"):
        f(X, WEIGHTS.astype(dtype))


@plain_or_jit
@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_numbers_that_are_not_finite(transform, number):
    wrong = X.copy()
    wrong[2, 1] = number
    with pytest.raises(NOT_FINITE, match=r"X contains NaN or infinity, first at \(2, 1\)"):
        transform(f)(wrong, WEIGHTS).block_until_ready()


def test_not_a_model():
    with pytest.raises(TypeError, match="expected a QuantumModel, or a layer"):
        quantum_function(jnp.tanh)
