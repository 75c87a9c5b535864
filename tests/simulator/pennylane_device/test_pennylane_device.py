"""Results of our device for PennyLane against `default.qubit`."""

import numpy as np
import pytest

qml = pytest.importorskip("pennylane")

from pennylane import numpy as pnp  # noqa: E402
from pennylane.devices import ExecutionConfig  # noqa: E402
from pennylane.exceptions import DeviceError, WireError  # noqa: E402
from pennylane.tape import QuantumScript  # noqa: E402
from scipy.stats import unitary_group  # noqa: E402

from simulator.errors import GateError, ParameterError, UnknownNameError  # noqa: E402
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


def run(device, operations, measurements, **options):
    tape = QuantumScript(operations, measurements, **options)
    return qml.execute([tape], qml.device(device, wires=WIRES), diff_method=None)[0]


def same(operations, measurements, tolerance=EXACT):
    ours, theirs = run("qumba", operations, measurements), run("default.qubit", operations, measurements)
    if len(measurements) == 1:
        ours, theirs = [ours], [theirs]
    for own, expected in zip(ours, theirs, strict=True):
        assert np.shape(own) == np.shape(expected)
        np.testing.assert_allclose(own, expected, atol=tolerance)


FIXED = [
    qml.Identity("a"),
    qml.PauliX("b"),
    qml.PauliY(3),
    qml.PauliZ(-1),
    qml.Hadamard("a"),
    qml.S("a"),
    qml.adjoint(qml.T("b")),
    qml.SX(3),
    qml.pow(qml.SX(3), 3),
    qml.CNOT(["b", "a"]),
    qml.CY([3, "a"]),
    qml.CZ([3, "a"]),
    qml.CH([3, "a"]),
    qml.SWAP([3, "b"]),
    qml.ISWAP([3, "b"]),
    qml.SISWAP([3, "b"]),
    qml.ECR([3, "b"]),
    qml.CSWAP([3, "b", "a"]),
    qml.Toffoli([3, "b", "a"]),
    qml.CCZ([3, "b", "a"]),
    qml.MultiControlledX(["a", "b", 3, -1], control_values=[0, 1, 1]),
    qml.QubitCarry(["a", 3, -1, "b"]),
    qml.QubitSum(["a", 3, -1]),
    qml.QubitUnitary(unitary_group.rvs(4, random_state=1), ["b", "a"]),
    qml.ControlledQubitUnitary(unitary_group.rvs(2, random_state=2), ["b", "a", 3]),
    qml.DiagonalQubitUnitary(np.exp(1j * np.arange(8)), ["b", "a", 3]),
    qml.BlockEncode(0.4, "a"),
    qml.QFT(WIRES),
    qml.GroverOperator(WIRES),
    qml.Barrier(WIRES),
    qml.prod(qml.H("a"), qml.CNOT(["a", 3])),
    qml.StronglyEntanglingLayers(np.linspace(0, 1, 24).reshape(2, 4, 3), WIRES),
]


@pytest.mark.parametrize("op", ANGLED + FIXED, ids=lambda op: op.name)
def test_an_operation_does_what_it_does_there(op):
    prepared = qml.StatePrep(state_of_seed(3, 16), wires=WIRES)
    same([prepared, op], [qml.state()])


ANALYTIC = [
    qml.expval(qml.Z(3)),
    qml.expval(qml.Hadamard("b")),
    qml.expval(qml.Hermitian(hermitian(1, 4), ["b", 3])),
    qml.expval(qml.Projector([0, 1], ["b", 3])),
    qml.expval(qml.Projector(state_of_seed(1, 4), ["b", 3])),
    qml.expval(qml.Hamiltonian([0.3, -0.7, 2.0], [qml.X("a") @ qml.Y(3), qml.Z("b"), qml.Identity("a")])),
    qml.expval(qml.Hermitian(hermitian(1, 2), 3) @ qml.X("a") + 0.5 * qml.Projector([1], "b")),
    qml.expval(
        qml.SparseHamiltonian(qml.Hamiltonian([0.3, 1.0], [qml.X("a"), qml.Z("b")]).sparse_matrix(WIRES), WIRES)
    ),
    qml.var(qml.Z(3) @ qml.X("a")),
    qml.var(qml.Hermitian(hermitian(1, 4), ["b", 3])),
    qml.var(qml.Projector([0, 1], ["b", 3])),
    qml.probs(["b", 3]),
    qml.probs(),
    qml.probs(op=qml.Y("a") @ qml.X(3)),
    qml.state(),
    qml.density_matrix(["b", "a"]),
    qml.purity(["a", 3]),
    qml.vn_entropy(["a", 3]),
    qml.mutual_info(["a"], ["b", 3]),
]


@pytest.mark.parametrize("measurement", ANALYTIC, ids=str)
@pytest.mark.parametrize("batched", [False, True])
def test_a_measurement_gives_what_it_gives_there(measurement, batched):
    angles = np.linspace(0.1, 1.0, 3) if batched else 0.7
    circuit = [qml.RX(angles, "b"), qml.CNOT(["b", 3]), qml.RY(0.4, "a"), qml.CRZ(angles, ["a", 3]), qml.RX(1.2, 3)]
    same(circuit, [measurement])
    same(circuit, [measurement, qml.expval(qml.Y(3)), qml.probs([3])])


def test_calling_again_lowers_nothing():
    device = qml.device("qumba", wires=WIRES)
    node = qml.QNode(layers, device)
    for seed in range(3):
        x, w = random_values(5, seed)
        qml.grad(lambda x, w, node=node: pnp.sum(node(x, w)[0] * node(x, w)[1]))(x, w)
    (structure,) = device._structures.values()
    (program,) = structure._programs.values()  # the batch's features are the inputs, forward and back
    assert len(program.inputs) == 4


def test_tapes_of_one_structure_are_one_batch(monkeypatch):
    from simulator.pennylane_device import batches

    sizes = []
    plain = batches.expectations
    monkeypatch.setattr(batches, "expectations", lambda program, X, w: sizes.append(len(X)) or plain(program, X, w))
    tapes = [QuantumScript([qml.RX(a, 0), qml.CNOT([0, 1])], [qml.expval(qml.Z(1))]) for a in (0.1, 0.2, 0.3)]
    tapes.insert(1, QuantumScript([qml.RY(0.5, 0)], [qml.expval(qml.Z(0))]))
    found = qml.device("qumba").execute(tuple(tapes))
    np.testing.assert_allclose(found, np.cos([0.1, 0.5, 0.2, 0.3]), atol=EXACT)
    assert sorted(sizes) == [1, 3]


def test_preparations():
    rng = np.random.default_rng(1)
    real, many = rng.normal(size=4), rng.normal(size=(3, 4))
    complex_many = many + 1j * rng.normal(size=(3, 4))
    rest = [qml.RX(0.3, 3), qml.CNOT([3, "a"])]
    for first in (
        qml.BasisState([1, 0, 1], ["b", "a", 3]),
        qml.AmplitudeEmbedding(real, ["b", 3], normalize=True),
        qml.AmplitudeEmbedding(real[:3], ["b", 3], normalize=True, pad_with=0.3),
        qml.AmplitudeEmbedding(many, ["b", 3], normalize=True),
        qml.AmplitudeEmbedding(complex_many, ["b", 3], normalize=True),
    ):
        same([first, *rest], [qml.state()])
        same([first, *rest], [qml.expval(qml.Z("a"))])
    same([qml.X("a"), qml.StatePrep(state_of_seed(1, 4), ["b", 3]), *rest], [qml.probs()])


# Measurements in the middle


def teleported(a):
    qml.RY(a, wires=0)
    qml.Hadamard(wires=1)
    qml.CNOT(wires=[1, 2])
    qml.CNOT(wires=[0, 1])
    qml.Hadamard(wires=0)
    qml.cond(qml.measure(1), qml.X)(2)
    qml.cond(qml.measure(0, reset=True), qml.Z)(2)
    return qml.expval(qml.Z(2))


def test_measurements_in_the_middle_are_deferred():
    node = qml.QNode(teleported, qml.device("qumba", wires=3))
    a = pnp.array(0.4, requires_grad=True)
    np.testing.assert_allclose(node(a), np.cos(0.4), atol=EXACT)
    np.testing.assert_allclose(qml.grad(node)(a), -np.sin(0.4), atol=EXACT)


@pytest.mark.parametrize("value", [0, 1])
def test_postselection(value):
    def circuit(a):
        qml.RY(a, wires=0)
        qml.CRX(0.7, wires=[0, 1])
        m = qml.measure(0, postselect=value)
        return qml.expval(qml.Z(1)), qml.probs(wires=[0, 1]), qml.expval(m)

    expected = qml.QNode(circuit, qml.device("default.qubit"))(0.4)
    for own, wanted in zip(qml.QNode(circuit, qml.device("qumba"))(0.4), expected, strict=True):
        np.testing.assert_allclose(own, wanted, atol=EXACT)


def test_postselection_with_shots_keeps_the_valid_ones():
    @qml.set_shots(4000)
    @qml.qnode(qml.device("qumba", wires=2, seed=1))
    def circuit():
        qml.RY(2 * np.arcsin(np.sqrt(0.25)), wires=0)
        qml.CNOT(wires=[0, 1])
        qml.measure(0, postselect=1)
        return qml.sample(wires=1)

    found = np.asarray(circuit())
    assert (found == 1).all()
    assert abs(found.size - 1000) < 5 * np.sqrt(4000 * 0.25 * 0.75)


def test_statistics_of_measured_values():
    @qml.qnode(qml.device("qumba", wires=2))
    def circuit(a):
        qml.RX(a, wires=0)
        m = qml.measure(0)
        qml.RY(0.3, wires=0)
        return qml.expval(m), qml.var(m), qml.probs(op=m), qml.expval(3 * m + 1)

    p = np.sin(0.35) ** 2
    for own, expected in zip(circuit(0.7), (p, p * (1 - p), [1 - p, p], 3 * p + 1), strict=True):
        np.testing.assert_allclose(own, expected, atol=EXACT)


# Shots


@pytest.mark.parametrize(
    ("measurement", "exact"),
    [
        (lambda: qml.expval(qml.Z(1)), np.cos(0.8)),
        (lambda: qml.expval(qml.Hamiltonian([0.5, 0.5], [qml.Z(1), qml.Z(0)])), np.cos(0.8)),
        (lambda: qml.var(qml.Z(1)), np.sin(0.8) ** 2),
        (lambda: qml.probs(wires=1), [np.cos(0.4) ** 2, np.sin(0.4) ** 2]),
    ],
)
def test_estimates_from_shots(measurement, exact):
    def circuit():
        qml.RX(0.8, wires=0)
        qml.CNOT(wires=[0, 1])
        return measurement()

    runs = [qml.set_shots(qml.QNode(circuit, qml.device("qumba", wires=2, seed=3)), 10_000)() for _ in range(2)]
    np.testing.assert_array_equal(runs[0], runs[1])
    np.testing.assert_allclose(runs[0], exact, atol=5 / np.sqrt(10_000))


def test_samples_counts_and_shot_vectors():
    def circuit(measurement):
        qml.RX(np.array([0.8, np.pi]), wires="x")
        qml.CNOT(wires=["x", "y"])
        return measurement()

    node = qml.QNode(circuit, qml.device("qumba", wires=["x", "y"], seed=3))
    samples = np.asarray(qml.set_shots(node, 100)(lambda: qml.sample()))
    assert samples.shape == (2, 100, 2)
    assert (samples[..., 0] == samples[..., 1]).all()
    counts = qml.set_shots(node, 100)(lambda: qml.counts(wires=["y"]))
    assert counts[1] == {"1": 100}
    parts = qml.set_shots(node, (10, 20))(lambda: qml.sample(wires="y"))
    assert [np.shape(part)[:2] for part in parts] == [(2, 10), (2, 20)]


def test_gradients_with_shots_are_shifted():
    @qml.set_shots(20_000)
    @qml.qnode(qml.device("qumba", wires=1, seed=4))
    def circuit(a):
        qml.RX(a, wires=0)
        return qml.expval(qml.Z(0))

    slope = qml.grad(circuit)(pnp.array(0.8, requires_grad=True))
    assert abs(slope + np.sin(0.8)) < 5 / np.sqrt(20_000)


# Wires, precision, errors


def test_without_device_wires_the_order_is_that_of_the_circuit():
    for ops in ([qml.RX(0.3, "q"), qml.RY(0.8, "p")], [qml.RX(0.3, 1), qml.RY(0.8, 0)]):
        tape = QuantumScript(ops, [qml.probs(wires=ops[0].wires), qml.state()])
        ours, theirs = (qml.execute([tape], qml.device(name), None)[0] for name in ("qumba", "default.qubit"))
        for own, expected in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(own, expected, atol=EXACT)


def test_unused_wires_are_zero():
    node = qml.QNode(lambda: (qml.X(2), qml.state())[1], qml.device("qumba", wires=3))
    np.testing.assert_allclose(node(), np.eye(8)[1], atol=EXACT)


def test_single_precision():
    x, w = random_values(3)
    exact = qml.QNode(layers, qml.device("qumba", wires=WIRES))(x, w)
    single = qml.QNode(layers, qml.device("qumba", wires=WIRES, c_dtype=np.complex64))(x, w)
    np.testing.assert_allclose(single, exact, atol=1e-5)
    assert np.abs(np.subtract(single, exact)).max() > 0


def test_a_wire_that_the_device_has_not():
    node = qml.QNode(lambda: (qml.X("c"), qml.expval(qml.Z("a")))[1], qml.device("qumba", wires=WIRES))
    with pytest.raises(WireError, match="not found on the device"):
        node()


def test_an_operation_that_nothing_is_known_of():
    class Unknown(qml.operation.Operation):
        num_wires = 1

    with pytest.raises(DeviceError, match="not supported with qumba"):
        run("qumba", [Unknown("a")], [qml.expval(qml.Z("a"))])


def test_measurements_that_need_shots_or_must_not_have_them():
    with pytest.raises(DeviceError, match="not accepted for analytic simulation on qumba"):
        run("qumba", [], [qml.sample(wires="a")])
    with pytest.raises(DeviceError, match="not accepted with finite shots on qumba"):
        run("qumba", [], [qml.state()], shots=10)


@pytest.mark.parametrize("bad", [np.nan, np.inf, np.array([0.1, np.nan])])
def test_an_angle_that_is_no_number(bad):
    with pytest.raises(ParameterError, match="NaN or infinite"):
        run("qumba", [qml.RX(bad, "a")], [qml.expval(qml.Z("a"))])


def test_amplitudes_that_are_not_normalised():
    with pytest.raises(GateError, match="the norm of a state is 1, got 1.41421"):
        run("qumba", [qml.StatePrep(np.array([1.0, 1.0]), "a", validate_norm=False)], [qml.expval(qml.Z("a"))])


def test_options_that_do_not_exist():
    with pytest.raises(UnknownNameError, match="unknown c_dtype 'float64'"):
        qml.device("qumba", wires=1, c_dtype=np.float64)
    with pytest.raises(DeviceError, match="device option shade not present"):
        qml.device("qumba").setup_execution_config(ExecutionConfig(device_options={"shade": 1}))
    node = qml.QNode(teleported, qml.device("qumba", wires=3), mcm_method="tree-traversal")
    with pytest.raises(DeviceError, match="mcm_method 'tree-traversal' is not supported"):
        node(0.1)


def test_the_adjoint_method_says_what_it_does_not_take():
    @qml.qnode(qml.device("qumba", wires=1), diff_method="adjoint")
    def circuit(a):
        qml.RX(a, wires=0)
        return qml.state()

    with pytest.raises(qml.exceptions.QuantumFunctionError, match="does not support adjoint"):
        circuit(pnp.array(0.1, requires_grad=True))
