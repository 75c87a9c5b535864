"""Derivatives by our device for PennyLane against `default.qubit`."""

import numpy as np
import pytest

qml = pytest.importorskip("pennylane")

from pennylane import numpy as pnp  # noqa: E402
from pennylane.devices import ExecutionConfig  # noqa: E402
from pennylane.tape import QuantumScript  # noqa: E402

from tests.simulator.pennylane_circuits import (  # noqa: E402
    ANGLED,
    EXACT,
    WIRES,
    hermitian,
    layers,
    random_values,
    state_of_seed,
)

# Theirs, in the reference results.
pytestmark = [
    pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning"),
    pytest.mark.filterwarnings("ignore:Output seems independent:UserWarning"),
    pytest.mark.filterwarnings("ignore:jax.core:DeprecationWarning"),
]


@pytest.mark.parametrize("op", ANGLED, ids=lambda op: op.name)
@pytest.mark.parametrize("batched", [False, True])
def test_derivatives_by_angles(op, batched):
    """Of expectation, variance and probabilities, through autograd, against backpropagation."""
    data = [
        pnp.array(np.linspace(0.2, 0.9, 3) + k if batched else 0.4 + k, requires_grad=True) for k in range(len(op.data))
    ]
    if batched and op.name in ("Exp", "RX**1.5"):
        pytest.skip("not broadcast by PennyLane")
    prepared = state_of_seed(3, 16)

    def circuit(*angles):
        qml.StatePrep(prepared, wires=WIRES)
        if op.name == "Exp":
            qml.exp(qml.X("a") @ qml.Y(3), 1j * angles[0])
        else:
            with qml.QueuingManager.stop_recording():
                bound = qml.ops.functions.bind_new_parameters(op, angles)
            qml.apply(bound)
        return (
            qml.expval(qml.X("a") @ qml.Z(3) + 0.5 * qml.Y("b")),
            qml.var(qml.Hermitian(hermitian(5, 4), ["b", "a"])),
            qml.probs(["b", -1]),
        )

    def cost(node):
        def value(*angles):
            a, b, c = node(*angles)
            return pnp.sum(pnp.sin(a)) + 0.1 * pnp.sum(b) + pnp.sum(c[..., 1] ** 2)

        return value

    if op.name == "Exp":
        data = [pnp.array(0.4, requires_grad=True)]
    ours = qml.grad(cost(qml.QNode(circuit, qml.device("qumba", wires=WIRES))))(*data)
    theirs = qml.grad(cost(qml.QNode(circuit, qml.device("default.qubit", wires=WIRES))))(*data)
    np.testing.assert_allclose(np.array(ours), np.array(theirs), atol=1e-10)


@pytest.mark.parametrize("samples", [None, 3])
def test_products_and_jacobians_of_the_device(samples):
    """Of several tapes of two structures at once, by the device's own methods, against autograd on default.qubit."""
    ours = qml.device("qumba", wires=WIRES)
    config = ours.setup_execution_config(ExecutionConfig(gradient_method="adjoint"))
    theirs = qml.QNode(layers, qml.device("default.qubit", wires=WIRES))
    points = [random_values(samples, seed) for seed in range(2)]
    tapes = [qml.tape.make_qscript(lambda x=x, w=w: layers(x, w))() for x, w in points]
    tapes = [tape.copy(measurements=[qml.expval(qml.Z(3)), qml.expval(qml.X("a") @ qml.X("b"))]) for tape in tapes]
    ours_ready, _ = ours.preprocess_transforms(config)(tapes)
    assert all(len(tape.trainable_params) == 16 for tape in ours_ready)

    rng = np.random.default_rng(7)
    shape = (samples,) if samples else ()
    cotangents = [tuple(rng.normal(size=shape) for _ in range(2)) for _ in points]
    tangents = [[rng.normal(size=np.shape(p)) for p in tape.get_parameters()] for tape in ours_ready]
    results, products = ours.execute_and_compute_vjp(ours_ready, cotangents, config)
    jacobians = ours.compute_derivatives(ours_ready, config)
    _, changes = ours.execute_and_compute_jvp(ours_ready, tangents, config)
    for k, (x, w) in enumerate(points):
        np.testing.assert_allclose(results[k], theirs(x, w), atol=EXACT)
        by_x, by_w = qml.grad(
            lambda x, w, k=k: sum(pnp.sum(c * value) for c, value in zip(cotangents[k], theirs(x, w), strict=True))
        )(x, w)
        expected = [*np.moveaxis(by_x, -1, 0), *by_w.ravel()]
        for product, wanted in zip(products[k], expected, strict=True):
            np.testing.assert_allclose(product, wanted, atol=EXACT)
        for m in range(2):  # Jacobians: the products they were contracted to
            change = sum(
                np.tensordot(column, tangent, np.ndim(tangent))
                for column, tangent in zip(jacobians[k][m], tangents[k], strict=True)
            )
            np.testing.assert_allclose(changes[k][m], change, atol=EXACT)
        for p, wanted in enumerate(expected):
            contracted = sum(np.tensordot(cotangents[k][m], jacobians[k][m][p], len(shape)) for m in range(2))
            np.testing.assert_allclose(contracted, wanted, atol=EXACT)


def test_many_cotangents_at_once():
    ours, config = qml.device("qumba", wires=2), ExecutionConfig(gradient_method="adjoint")
    tape = QuantumScript([qml.RX(0.3, 0), qml.RY(0.4, 0)], [qml.expval(qml.Z(0)), qml.expval(qml.X(0))])
    jacobian = np.array(ours.compute_derivatives(tape, config))
    found = ours.compute_vjp(tape, tuple(np.eye(2)), config)
    np.testing.assert_allclose(found, jacobian.T, atol=EXACT)


@pytest.mark.parametrize("samples", [None, 4])
def test_jacobians_through_autograd(samples):
    x, w = random_values(samples)
    ours, theirs = (qml.QNode(layers, qml.device(name, wires=WIRES)) for name in ("qumba", "default.qubit"))
    for own, expected in zip(
        qml.jacobian(lambda x, w: ours(x, w)[1])(x, w), qml.jacobian(lambda x, w: theirs(x, w)[1])(x, w), strict=True
    ):
        np.testing.assert_allclose(own, expected, atol=EXACT)


def test_second_derivatives_are_never_zero_without_a_word():
    """The adjoint method has none: "best" goes to parameter shifts, "adjoint" is refused."""

    def hessian(name, **options):
        @qml.qnode(qml.device(name, wires=2), max_diff=2, **options)
        def circuit(angles):
            qml.RX(angles[0], 0)
            qml.RY(angles[1], 0)
            qml.CNOT([0, 1])
            return qml.expval(qml.Z(1))

        return qml.jacobian(qml.grad(circuit))(pnp.array([0.4, 0.7]))

    np.testing.assert_allclose(hessian("qumba"), hessian("default.qubit", diff_method="backprop"), atol=1e-12)
    with pytest.raises(qml.exceptions.QuantumFunctionError, match="does not support adjoint"):
        hessian("qumba", diff_method="adjoint")


def test_derivative_by_prepared_amplitudes():
    def circuit(x, w):
        qml.AmplitudeEmbedding(x, wires=["b", 3], normalize=True)
        qml.CRX(w, wires=["b", 3])
        qml.CNOT(wires=[3, "a"])
        return qml.expval(qml.Z("a") + 0.3 * qml.X("b"))

    x, w = (
        pnp.array([[0.3, 0.0, -0.7, 1.2], [1.0, 0.2, 0.4, 0.0]], requires_grad=True),
        pnp.array(0.4, requires_grad=True),
    )
    for features in (x, x[0]):
        slopes = [
            qml.grad(lambda x, w, node=node: pnp.sum(node(x, w) ** 2))(features, w)
            for node in (qml.QNode(circuit, qml.device(d, wires=WIRES)) for d in ("qumba", "default.qubit"))
        ]
        for own, expected in zip(*slopes, strict=True):
            np.testing.assert_allclose(own, expected, atol=EXACT)


def test_trainable_coefficients_go_to_parameter_shift():
    def circuit(c, a):
        qml.RX(a, wires=0)
        return qml.expval(qml.Hamiltonian(c, [qml.Z(0), qml.Y(0)]))

    c, a = pnp.array([0.3, 0.8], requires_grad=True), pnp.array(0.4, requires_grad=True)
    by_c, by_a = qml.grad(qml.QNode(circuit, qml.device("qumba", wires=1)))(c, a)
    np.testing.assert_allclose(by_c, [np.cos(0.4), -np.sin(0.4)], atol=EXACT)
    np.testing.assert_allclose(by_a, -0.3 * np.sin(0.4) - 0.8 * np.cos(0.4), atol=EXACT)


# Other interfaces


def cost(a, b):
    return (a**2).sum() + b.sum()


def expected_gradient(x, w):
    node = qml.QNode(layers, qml.device("default.qubit", wires=WIRES), interface="autograd")
    return qml.grad(lambda x, w: cost(*node(x, w)))(x, w)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("device_vjp", [False, True])
def test_jax(jit, device_vjp):
    jax = pytest.importorskip("jax")
    x, w = random_values(3)
    with jax.enable_x64(True):
        node = qml.QNode(layers, qml.device("qumba", wires=WIRES), interface="jax", device_vjp=device_vjp)
        gradient = jax.grad(lambda x, w: cost(*node(x, w)), argnums=(0, 1))
        slopes = (jax.jit(gradient) if jit else gradient)(np.asarray(x), np.asarray(w))
        for own, expected in zip(slopes, expected_gradient(x, w), strict=True):
            np.testing.assert_allclose(own, expected, atol=EXACT)


def test_torch():
    torch = pytest.importorskip("torch")
    x, w = random_values(3)
    tensors = [torch.tensor(np.asarray(v), requires_grad=True) for v in (x, w)]
    node = qml.QNode(layers, qml.device("qumba", wires=WIRES), interface="torch")
    for own, expected in zip(torch.autograd.grad(cost(*node(*tensors)), tensors), expected_gradient(x, w), strict=True):
        np.testing.assert_allclose(own, expected, atol=EXACT)
