"""`qml.evolve` and `qml.exp` on our device for PennyLane against scipy's matrix exponential, and 32-bit matrices."""

import numpy as np
import pytest

qml = pytest.importorskip("pennylane")

from pennylane import numpy as pnp  # noqa: E402
from pennylane.exceptions import DeviceError  # noqa: E402
from scipy.linalg import expm  # noqa: E402
from scipy.stats import unitary_group  # noqa: E402

from simulator.errors import GateError  # noqa: E402
from tests.simulator.pennylane_circuits import EXACT, hermitian, state_of_seed  # noqa: E402

# Theirs
pytestmark = [
    pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning"),
    pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning"),
    pytest.mark.filterwarnings("ignore:Explicitly requested dtype:UserWarning"),
    pytest.mark.filterwarnings("ignore:jax.core:DeprecationWarning"),
]

SINGLE = 1e-5
STEP = 1e-5  # of central differences
DERIVATIVE = 1e-8
TIME = 0.4
WIRES = ["a", 3, -1]
PREPARED = state_of_seed(3, 8)
OBSERVABLE = qml.X("a") + qml.Y(3) @ qml.Z(-1)

OPERATORS = {
    "sum": qml.X("a") @ qml.Z(3) + 0.3 * qml.Z("a") + 0.2 * qml.Y(-1) + 0.7 * qml.Identity(3),
    "Hamiltonian": qml.Hamiltonian([0.3, 0.2], [qml.X(3), qml.Z("a") @ qml.Z(3)]),
    "matrix": qml.Hermitian(hermitian(1, 4), [-1, "a"]),
    "commuting": 0.3 * qml.X("a") @ qml.X(3) + 0.7 * qml.Z("a") @ qml.Z(3) + 0.1 * qml.Identity("a"),
    "word": 0.8 * (qml.X("a") @ qml.Y(-1)),
}
named = pytest.mark.parametrize("name", OPERATORS)

# Operations of a time, and the multiple of it that they evolve by.
FORMS = {
    "evolve": (lambda operator, t: qml.evolve(operator, t), 1),
    "exp": (lambda operator, t: qml.exp(operator, -1j * t), 1),
    "adjoint": (lambda operator, t: qml.adjoint(qml.evolve(operator, t)), -1),
    "power": (lambda operator, t: qml.pow(qml.evolve(operator, t), 2), 2),
}


def node(apply, device="qumba", **options):
    @qml.qnode(qml.device(device, wires=[*WIRES, "control"]), **options)
    def circuit(time):
        qml.StatePrep(PREPARED, wires=WIRES)
        apply(time)
        return qml.expval(OBSERVABLE)

    return circuit


def exact(operator, time):
    state = expm(-1j * time * qml.matrix(operator, wire_order=WIRES)) @ PREPARED
    return np.vdot(state, qml.matrix(OBSERVABLE, wire_order=WIRES) @ state).real


def derivative(operator, factor):
    up, down = (exact(operator, factor * (TIME + step)) for step in (STEP, -STEP))
    return (up - down) / (2 * STEP)


@named
@pytest.mark.parametrize("form", FORMS)
def test_values_at_fixed_and_trainable_times(name, form):
    make, factor = FORMS[form]
    circuit = node(lambda t: make(OPERATORS[name], t))
    expected = exact(OPERATORS[name], factor * TIME)
    np.testing.assert_allclose(circuit(TIME), expected, atol=EXACT)
    if form != "power":  # PennyLane itself fails to decompose a trainable power
        np.testing.assert_allclose(circuit(pnp.array(TIME, requires_grad=True)), expected, atol=EXACT)


@named
@pytest.mark.parametrize("form", ["evolve", "exp", "adjoint"])
def test_derivatives_by_the_time(name, form):
    make, factor = FORMS[form]
    circuit = node(lambda t: make(OPERATORS[name], t), diff_method="adjoint")
    slope = qml.grad(circuit)(pnp.array(TIME, requires_grad=True))
    np.testing.assert_allclose(slope, derivative(OPERATORS[name], factor), atol=DERIVATIVE)


@named
def test_under_control(name):
    def circuit(device, time):
        @qml.qnode(qml.device(device, wires=[*WIRES, "control"]))
        def state():
            qml.Hadamard("control")
            qml.StatePrep(PREPARED, wires=WIRES)
            qml.ctrl(qml.evolve(OPERATORS[name], time), "control")
            qml.ctrl(qml.adjoint(qml.evolve(OPERATORS[name], time)), "control", control_values=[0])
            return qml.state()

        return state()

    expected = circuit("default.qubit", TIME)
    np.testing.assert_allclose(circuit("qumba", TIME), expected, atol=EXACT)
    np.testing.assert_allclose(circuit("qumba", pnp.array(TIME, requires_grad=True)), expected, atol=EXACT)


def test_many_times_are_one_batch():
    times = np.array([0.1, 0.2, 0.7])
    expected = [exact(OPERATORS["sum"], time) for time in times]
    circuit = node(lambda t: qml.evolve(OPERATORS["sum"], t))
    np.testing.assert_allclose(circuit(times), expected, atol=EXACT)
    np.testing.assert_allclose(circuit(pnp.array(times, requires_grad=True)), expected, atol=EXACT)


def test_commuting_strings_may_be_on_many_wires_and_have_trainable_coefficients():
    width = 14

    @qml.qnode(qml.device("qumba", wires=width), diff_method="adjoint")
    def circuit(time, coefficient):
        for k in range(width):
            qml.Hadamard(k)
        qml.evolve(qml.sum(*(qml.s_prod(coefficient, qml.Z(k) @ qml.Z(k + 1)) for k in range(width - 1))), time)
        return qml.expval(qml.X(0)), qml.expval(qml.X(1))  # of a line: one neighbour, two neighbours

    values = pnp.array(0.4, requires_grad=True), pnp.array(0.7, requires_grad=True)
    angle = 2 * 0.4 * 0.7
    np.testing.assert_allclose(circuit(*values), [np.cos(angle), np.cos(angle) ** 2], atol=EXACT)
    slopes = qml.grad(lambda *v: circuit(*v)[0])(*values)
    np.testing.assert_allclose(slopes, [-2 * 0.7 * np.sin(angle), -2 * 0.4 * np.sin(angle)], atol=EXACT)


def test_with_pennylanes_decomposition_graph():
    qml.decomposition.enable_graph()
    try:
        circuit = node(lambda t: qml.evolve(OPERATORS["sum"], t))
        np.testing.assert_allclose(circuit(TIME), exact(OPERATORS["sum"], TIME), atol=EXACT)
        slope = qml.grad(circuit)(pnp.array(TIME, requires_grad=True))
        np.testing.assert_allclose(slope, derivative(OPERATORS["sum"], 1), atol=DERIVATIVE)
    finally:
        qml.decomposition.disable_graph()


def test_other_exponentials_are_refused():
    trainable = pnp.array(TIME, requires_grad=True)
    with pytest.raises(GateError, match="not unitary"):
        node(lambda t: qml.exp(OPERATORS["sum"], t))(TIME)
    wide = qml.sum(*(qml.Z(k) @ qml.Z(k + 1) + 0.2 * qml.X(k) for k in range(9)))
    for apply in (
        lambda t: qml.exp(OPERATORS["sum"], t),  # not by an imaginary number
        lambda t: qml.evolve(qml.X("a") @ qml.Y("a"), t),  # not Hermitian
        lambda t: qml.exp(
            qml.s_prod(t, qml.X("a")) + qml.Z("a"), -1j
        ),  # a trainable coefficient of one that does not commute
        lambda t: qml.evolve(wide, t),
    ):
        circuit = qml.QNode(lambda t, apply=apply: [apply(t), qml.expval(qml.Z("a"))][1], qml.device("qumba"))
        with pytest.raises(DeviceError, match="not supported with qumba and does not provide a decomposition"):
            circuit(trainable)


@named
def test_evolutions_in_jax(name):
    jax = pytest.importorskip("jax")
    time = jax.numpy.array(TIME)
    for options in ({}, {"device_vjp": True}):
        circuit = node(lambda t: qml.evolve(OPERATORS[name], t), **options)
        np.testing.assert_allclose(circuit(time), exact(OPERATORS[name], TIME), atol=SINGLE)
        np.testing.assert_allclose(jax.jit(circuit)(time), exact(OPERATORS[name], TIME), atol=SINGLE)
        for slope in (jax.grad(circuit), jax.jit(jax.grad(circuit))):
            np.testing.assert_allclose(slope(time), derivative(OPERATORS[name], 1), atol=SINGLE)


# 32 bits

U = {wires: unitary_group.rvs(1 << wires, random_state=wires) for wires in (1, 2, 3)}
MATRICES = {
    "one wire": lambda cast: qml.QubitUnitary(cast(U[1]), wires="a"),
    "two wires": lambda cast: qml.QubitUnitary(cast(U[2]), wires=["a", -1]),
    "three wires": lambda cast: qml.QubitUnitary(cast(U[3]), wires=WIRES),
    "controlled": lambda cast: qml.ControlledQubitUnitary(cast(U[1]), wires=[3, -1, "a"], control_values=[0, 1]),
    "adjoint": lambda cast: qml.adjoint(qml.QubitUnitary(cast(U[2]), wires=["a", -1])),
    "power": lambda cast: qml.pow(qml.QubitUnitary(cast(U[2]), wires=["a", -1]), 3),
    "root": lambda cast: qml.pow(qml.QubitUnitary(cast(U[1]), wires="a"), 0.5),
    "diagonal": lambda cast: qml.DiagonalQubitUnitary(cast(np.exp(1j * np.arange(8))), wires=WIRES),
    "block encoding": lambda cast: qml.BlockEncode(cast(np.array([[0.1, 0.06], [0.03, -0.1]])), wires=["a", 3]),
    "Hermitian": lambda cast: qml.evolve(qml.Hermitian(cast(hermitian(1, 4)), wires=["a", 3]), 0.4),
    "state": lambda cast: qml.StatePrep(cast(state_of_seed(5, 4)), wires=["a", 3]),
}


def to_32_bits(array):
    return np.asarray(array, np.complex64 if np.iscomplexobj(array) else np.float32)


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("interface", ["numpy", "jax"])
def test_matrices_of_32_bits(name, interface):
    cast = pytest.importorskip("jax").numpy.asarray if interface == "jax" else to_32_bits

    def run(device, cast):
        @qml.qnode(qml.device(device, wires=WIRES))
        def circuit():
            if name != "state":
                qml.StatePrep(PREPARED, wires=WIRES)
            MATRICES[name](cast)
            qml.CNOT(["a", 3])
            return qml.expval(OBSERVABLE), qml.probs(wires=WIRES)

        return circuit()

    for own, expected in zip(run("qumba", cast), run("default.qubit", np.asarray), strict=True):
        np.testing.assert_allclose(own, expected, atol=SINGLE)


def test_a_matrix_that_is_not_unitary_is_refused_without_advice_for_other_libraries():
    @qml.qnode(qml.device("qumba", wires=1))
    def circuit(matrix):
        qml.QubitUnitary(matrix, wires=0)
        return qml.expval(qml.Z(0))

    with pytest.raises(GateError, match=r"^QubitUnitary: the matrix is not unitary: \|U U\^dagger - 1\| = 0\.00\d+$"):
        circuit(to_32_bits(U[1] * 1.001))
