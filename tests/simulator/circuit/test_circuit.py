"""Circuits as values: building, composing, inverting, controlling, binding; against a dense reference and Qiskit."""

import copy
import importlib
import inspect
import math
import pickle
import pkgutil
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import Operator

import simulator.circuit
import simulator.operations
from simulator import (
    Circuit,
    CircuitError,
    GateError,
    Parameter,
    ParameterError,
    ParameterVector,
    QumbaError,
    StateTooLargeError,
    UnknownNameError,
    X,
    Z,
    gates,
)
from simulator.circuit import gate_stub
from tests.simulator import reference
from tests.simulator.strategies import circuits, parametrised_circuits, unitary

# Qiskit's matrix of an evolution gate
pytestmark = pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")

EXACT = 1e-11
property_test = settings(derandomize=True, deadline=None, max_examples=50)
theta, phi = Parameter("theta"), Parameter("phi")
x = ParameterVector("x", 3)


def dense(circuit):
    """The circuit's matrix by the reference, from the gates' matrices."""
    return reference.unitary([(op.gate.matrix(*op.angles), op.qubits) for op in circuit], circuit.num_qubits)


def qiskit_matrix(circuit):
    return Operator(circuit.to_qiskit()).data


# Building


@property_test
@given(circuits())
def test_matrix_equals_the_reference_and_qiskit(circuit):
    np.testing.assert_allclose(circuit.to_matrix(), dense(circuit), atol=EXACT)
    np.testing.assert_allclose(circuit.to_matrix(), qiskit_matrix(circuit), atol=EXACT)


@pytest.mark.parametrize("gate", gates.STANDARD.values(), ids=lambda gate: gate.name)
def test_every_gate_has_its_method(gate):
    angles = np.linspace(0.3, 0.9, gate.num_params)
    qubits = [2, 0, 1][: gate.num_qubits]
    method = getattr(Circuit, gate.name)
    circuit = getattr(Circuit(3), gate.name)(*angles, *qubits)
    assert circuit.operations == (gate(*angles, *qubits),)
    assert gate.name in dir(Circuit(1))
    assert gate.name in method.__doc__
    names = list(inspect.signature(method).parameters)[1:]
    assert len(names) == gate.num_params + gate.num_qubits
    assert getattr(Circuit(3), gate.name)(**dict(zip(names, [*angles, *qubits], strict=True))) == circuit


def test_the_stub_is_that_of_the_gates():
    assert gate_stub.STUB.read_text(encoding="utf-8") == gate_stub.stub_text(), "run: make stubs"


def test_every_public_name_of_a_circuit_is_documented_and_typed():
    text = Circuit.__doc__
    for name in (name for name in dir(Circuit) if not name.startswith("_")):
        value = inspect.getattr_static(Circuit, name)
        assert getattr(Circuit, name).__doc__, name
        if name in gates.STANDARD:  # documented as one; typed in the stub
            continue
        assert f"`{name}`" in text, f"{name} is missing among the methods in the docstring of Circuit"
        function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        _, *parameters = inspect.signature(function).parameters.values()
        assert inspect.signature(function).return_annotation is not inspect.Signature.empty, name
        assert all(parameter.annotation is not parameter.empty for parameter in parameters), name


def test_fluent_and_listed_circuits_are_equal():
    fluent = Circuit(2).h(0).cx(0, 1).rx(0.3, 1)
    listed = Circuit(2, [gates.H(0), gates.CX(0, 1), gates.RX(0.3, 1)])
    assert fluent == listed
    assert hash(fluent) == hash(listed)
    assert fluent != listed.x(0)
    assert fluent != Circuit(3, listed.operations)
    assert fluent != "a circuit"
    assert list(fluent) == list(fluent.operations)
    assert len(fluent) == 3


def test_numpy_integers_are_qubits_and_become_ints():
    circuit = Circuit(np.int64(3)).cx(np.int32(0), np.int64(2))
    assert circuit == Circuit(3).cx(0, 2)
    assert all(type(q) is int for q in circuit.operations[0].qubits)
    assert type(circuit.num_qubits) is int


def test_branches_of_one_chain_do_not_see_each_other():
    base = Circuit(1).h(0)
    left = base.x(0)
    right = base.y(0).z(0)
    assert [op.gate.name for op in base] == ["h"]
    assert [op.gate.name for op in left] == ["h", "x"]
    assert [op.gate.name for op in right] == ["h", "y", "z"]
    assert [op.gate.name for op in left.s(0)] == ["h", "x", "s"]
    assert left + right == Circuit(1).h(0).x(0).h(0).y(0).z(0)
    assert base + base == Circuit(1).h(0).h(0)


def test_threads_that_grow_one_circuit_do_not_mix():
    base = Circuit(1).h(0)
    start = threading.Barrier(4)
    grown = {}

    def grow(number):
        start.wait()
        out = []
        for _ in range(300):
            circuit = base
            for _ in range(5):
                circuit = circuit.rx(number, 0)
            out.append(circuit)
        grown[number] = out

    threads = [threading.Thread(target=grow, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, out in grown.items():
        expected = (gates.H(0), *[gates.RX(number, 0)] * 5)
        assert all(circuit.operations == expected for circuit in out)


def test_a_chain_shares_one_list():
    circuit = Circuit(1)
    log = circuit._log
    for _ in range(1000):
        circuit = circuit.x(0)
    assert circuit._log is log
    assert len(circuit) == 1000


def test_counts_and_depth_as_qiskit_counts_them():
    circuit = Circuit(3).h(0).cx(0, 1).cx(0, 2).x(1).rx(0.1, 1).global_phase(0.3)
    theirs = circuit.to_qiskit()
    assert circuit.depth() == theirs.depth() == 4
    assert circuit.count_gates() == {"cx": 2, "h": 1, "x": 1, "rx": 1, "global_phase": 1}
    assert dict(theirs.count_ops()) == {"cx": 2, "h": 1, "x": 1, "rx": 1}
    assert Circuit(2).depth() == 0
    assert Circuit(2).count_gates() == {}


def test_repr_is_short_and_plain():
    assert repr(Circuit(1)) == "<Circuit of 1 qubit: 0 gates>"
    assert repr(Circuit(2).h(0).rx(theta, 1)) == "<Circuit of 2 qubits: 2 gates, 1 parameter>"


def test_drawings():
    bell = Circuit(2).h(0).cx(0, 1)
    assert str(bell) == str(bell.to_qiskit().draw("text"))
    assert "┤ H ├" in str(bell)
    assert type(bell.draw("mpl")).__name__ == "Figure"
    with pytest.raises(UnknownNameError, match="unknown drawing output 'txt'; did you mean 'text'"):
        bell.draw("txt")


# Kinds of gates


def test_unitary_diagonal_and_pauli_rotation():
    matrix, phases = unitary(3, 4), np.array([0.1, -0.7, 2.0, 0.4])
    circuit = Circuit(3).unitary(matrix, [0, 2]).diagonal(phases, [2, 1]).pauli_rotation("XYZ", 0.7, [1, 0, 2])
    word = reference.pauli_label("XYZ")
    rotation = math.cos(0.35) * np.eye(8) - 1j * math.sin(0.35) * word
    steps = [(matrix, (0, 2)), (np.diag(np.exp(1j * phases)), (2, 1)), (rotation, (1, 0, 2))]
    np.testing.assert_allclose(circuit.to_matrix(), reference.unitary(steps, 3), atol=EXACT)
    assert Circuit(2).unitary(np.eye(2), 1) == Circuit(2).unitary(np.eye(2), [1])
    assert Circuit(2).pauli_rotation("Z", theta, 1).parameters == (theta,)


@pytest.mark.parametrize("qubits", [None, [1, 0], [2]])
def test_initialize(qubits):
    width = 3 if qubits is None else len(qubits)
    amplitudes = unitary(4, 1 << width)[:, 0]
    circuit = Circuit(3).initialize(3 * amplitudes, qubits, normalize=True)
    state = circuit.to_matrix()[:, 0]
    expected = np.zeros(8, complex)
    for index, amplitude in enumerate(amplitudes):
        place = range(3) if qubits is None else qubits
        expected[sum((index >> k & 1) << q for k, q in enumerate(place))] = amplitude
    np.testing.assert_allclose(state, expected, atol=EXACT)
    np.testing.assert_allclose(circuit.statevector(), expected, atol=EXACT)


def test_initialize_with_parameters():
    circuit = Circuit(2).initialize([x[0], 2 * x[1], 0.0, 1.0]).h(0)
    assert circuit.parameters == (x[0], x[1])
    bound = circuit.bind({x: [1.0, -1.0, 9.0]})
    direct = Circuit(2).initialize([1.0, -2.0, 0.0, 1.0], normalize=True).h(0)
    assert bound == direct
    np.testing.assert_allclose(circuit.statevector([1.0, -1.0]), direct.statevector(), atol=EXACT)
    np.testing.assert_allclose((bound + bound.inverse()).to_matrix(), np.eye(4), atol=EXACT)
    with pytest.raises(GateError, match="all amplitudes are zero"):
        Circuit(1).initialize(x[:2]).bind({x[0]: 0.0, x[1]: 0.0})


def test_a_gate_of_ones_own():
    own = gates.Rotation("own", reference.pauli_label("X") / 2)
    circuit = Circuit(2, [own(theta, 1)]).append(own(0.5, 0), gates.CX(0, 1))
    expected = Circuit(2).rx(theta, 1).rx(0.5, 0).cx(0, 1)
    np.testing.assert_allclose(circuit.to_matrix({theta: 0.3}), expected.to_matrix([0.3]), atol=EXACT)


# Composing


@property_test
@given(circuits(num_qubits=3), circuits(num_qubits=2), st.permutations(range(3)))
def test_compose_equals_qiskits(circuit, other, order):
    place = order[:2]
    expected = circuit.to_qiskit().compose(other.to_qiskit(), place)
    np.testing.assert_allclose(dense(circuit.compose(other, place)), Operator(expected).data, atol=EXACT)
    np.testing.assert_allclose(dense(circuit.compose(other)), dense(circuit.compose(other, [0, 1])), atol=EXACT)


@property_test
@given(circuits(num_qubits=2), circuits(num_qubits=2))
def test_plus_is_the_matrix_product(circuit, other):
    np.testing.assert_allclose(dense(circuit + other), dense(other) @ dense(circuit), atol=EXACT)


@property_test
@given(circuits())
def test_inverse(circuit):
    np.testing.assert_allclose(dense(circuit.inverse()), dense(circuit).conj().T, atol=EXACT)
    np.testing.assert_allclose(dense(circuit.inverse()), Operator(circuit.to_qiskit()).adjoint().data, atol=EXACT)


@property_test
@given(circuits(max_qubits=2, max_gates=4), st.lists(st.integers(0, 1), min_size=1, max_size=2))
def test_controlled_equals_qiskits(circuit, values):
    state = sum(v << k for k, v in enumerate(values))
    gate = Operator(circuit.to_qiskit()).to_instruction().control(len(values), ctrl_state=state)
    ours = circuit.controlled(len(values), values)
    assert ours.num_qubits == circuit.num_qubits + len(values)
    np.testing.assert_allclose(dense(ours), Operator(gate).data, atol=1e-9)


def test_controlled_by_default_means_all_ones():
    assert Circuit(1).x(0).controlled() == Circuit(2).cx(0, 1)
    assert Circuit(1).x(0).controlled(2) == Circuit(3).ccx(0, 1, 2)
    assert Circuit(1).global_phase(theta).controlled() == Circuit(2).p(theta, 0)
    assert type(Circuit(2).h(0).controlled(np.int64(2)).num_qubits) is int


@property_test
@given(circuits(max_qubits=2, max_gates=4), st.integers(-3, 3))
def test_power_equals_qiskits(circuit, exponent):
    expected = Operator(circuit.to_qiskit()).power(exponent).data
    np.testing.assert_allclose(dense(circuit.power(exponent)), expected, atol=1e-9)
    if exponent >= 0:
        assert circuit.repeat(exponent) == circuit.power(exponent)
        assert len(circuit.repeat(exponent)) == exponent * len(circuit)


# Parameters


def test_parameters_in_order_of_first_use():
    circuit = Circuit(2).ry(phi, 0).rz(2 * theta + 0.1, 1).rx(phi - x[2], 0)
    assert circuit.parameters == (phi, theta, x[2])
    assert circuit.num_parameters == 3
    assert Circuit(1).rx(theta - theta, 0).parameters == ()


def test_equal_circuits_have_their_parameters_in_one_order():
    y = ParameterVector("y", 12)
    one, other = Circuit(1).rx(y[10] + y[2] + theta, 0), Circuit(1).rx(theta + y[2] + y[10], 0)
    assert one == other
    assert one.parameters == other.parameters == (theta, y[2], y[10])


@property_test
@given(parametrised_circuits(), st.integers(0, 2**16))
def test_binding_equals_qiskits(circuit, seed):
    values = np.random.default_rng(seed).uniform(-3, 3, circuit.num_parameters)
    theirs = circuit.to_qiskit()
    by_name = {p.name: value for p, value in zip(circuit.parameters, values, strict=True)}
    expected = theirs.assign_parameters({p: by_name[p.name] for p in theirs.parameters})
    bound = circuit.bind(values)
    assert bound.parameters == ()
    np.testing.assert_allclose(dense(bound), Operator(expected).data, atol=1e-9)
    assert circuit.bind(dict(zip(circuit.parameters, values, strict=True))) == bound


def test_bind_in_part_by_vector_by_name_and_by_expression():
    circuit = Circuit(2).rx(theta, 0).ry(x[0] + x[2], 1).rz(2 * phi, 0)
    half = circuit.bind({"theta": 0.5, x: [1.0, 2.0, 3.0]})
    assert half == Circuit(2).rx(0.5, 0).ry(4.0, 1).rz(2 * phi, 0)
    assert half.bind([0.25]) == half.bind({phi: 0.25}) == Circuit(2).rx(0.5, 0).ry(4.0, 1).rz(0.5, 0)
    assert half.bind({phi: theta + 1}) == Circuit(2).rx(0.5, 0).ry(4.0, 1).rz(2 * theta + 2, 0)
    assert circuit.bind({}) == circuit
    assert circuit.bind({x: [phi, 7.0, 0.5]}).operations[1].angles == (phi + 0.5,)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, 2.0], [1.0, 2.0]),
        (np.array([1, 2], np.float32), [1.0, 2.0]),
        ({theta: 1, phi: np.float32(2)}, [1.0, 2.0]),
        ({"phi": 2, "theta": 1}, [1.0, 2.0]),
        ([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, 4.0]]),
        ({theta: [1.0, 3.0], phi: 2.0}, [[1.0, 2.0], [3.0, 2.0]]),
        (np.zeros((0, 2)), np.zeros((0, 2))),
    ],
)
def test_values_array(values, expected):
    circuit = Circuit(1).rx(theta, 0).ry(phi, 0)
    array = circuit.values_array(values)
    assert array.dtype == np.float64
    np.testing.assert_array_equal(array, expected)


def test_values_array_of_vectors_and_of_nothing():
    circuit = Circuit(1).rx(x[2], 0).ry(x[0], 0)
    np.testing.assert_array_equal(circuit.values_array({x: [1, 2, 3]}), [3.0, 1.0])
    np.testing.assert_array_equal(circuit.values_array({x: [[1, 2, 3], [4, 5, 6]]}), [[3.0, 1.0], [6.0, 4.0]])
    assert Circuit(1).values_array(None).shape == (0,)
    assert Circuit(1).values_array({}).shape == (0,)
    np.testing.assert_array_equal(Circuit(1).rx(theta, 0).values_array(0.5), [0.5])


TWO = Circuit(1).rx(theta, 0).ry(phi, 0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (None, "no value for theta, phi: 2 of 2 are unbound"),
        ({theta: 1.0}, "no value for phi: 1 of 2 are unbound"),
        ({"tehta": 1.0}, "no parameter tehta; it has theta, phi"),
        ({x: [1, 2, 3]}, "no parameter ParameterVector"),
        ({3: 1.0}, "no parameter 3"),
        ({theta: 1.0, "theta": 2.0, phi: 1.0}, "parameter theta is given a value twice"),
        ({Parameter("theta"): 1.0}, "no parameter theta; it has another one of that name: give that, or 'theta'"),
        ([1.0], r"shape \(2,\) or \(B, 2\) for theta, phi, got \(1,\)"),
        ([1.0, 2.0, 3.0], r"got \(3,\)"),
        (1.0, r"got the number 1.0"),
        (np.zeros((1, 1, 2)), r"got \(1, 1, 2\)"),
        ([1.0, math.nan], "the value of parameter phi is nan"),
        ([[1.0, 2.0], [math.inf, 2.0]], "the value of parameter theta in row 1 is inf"),
        ({theta: 1.0, phi: math.inf}, "the value of parameter phi is inf"),
        ({theta: "1", phi: 2.0}, "the value of parameter theta must be real numbers, got '1'"),
        ({theta: 1j, phi: 2.0}, "the value of parameter theta must be real numbers"),
        ({theta: phi, phi: 2.0}, "the value of parameter theta must be numbers, got the expression phi"),
        ([True, False], "real numbers"),
        ([[1.0], [1.0, 2.0]], "regular array"),
        ({theta: [1.0, 2.0], phi: [1.0, 2.0, 3.0]}, r"one length, got shapes \(2,\), \(3,\)"),
    ],
)
def test_values_that_do_not_fit(values, message):
    with pytest.raises(ParameterError, match=message):
        TWO.values_array(values)
    with pytest.raises(ParameterError, match=message):
        TWO.expectation(Z(0), values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({theta: math.nan}, "the value of parameter theta must be a finite real number or an expression"),
        ({theta: "a"}, "the value of parameter theta must be"),
        ({theta: [1.0, 2.0]}, "the value of parameter theta must be"),
        ({"nu": 1.0}, "no parameter nu; it has theta, phi"),
        ([[1.0, 2.0]], r"one value per parameter, got a batch of shape \(1, 2\)"),
        ([1.0], "expected values of shape"),
    ],
)
def test_bindings_that_are_refused(values, message):
    with pytest.raises(ParameterError, match=message):
        TWO.bind(values)


def test_vector_of_the_wrong_length_and_ambiguous_names():
    circuit = Circuit(1).rx(x[0], 0)
    with pytest.raises(ParameterError, match=r"parameter vector x takes 3 values, got shape \(2,\)"):
        circuit.bind({x: [1.0, 2.0]})
    with pytest.raises(ParameterError, match="parameter vector x takes 3 values, got 1.0"):
        circuit.values_array({x: 1.0})
    twice = Circuit(1).rx(Parameter("a"), 0).rx(Parameter("a"), 0)
    with pytest.raises(ParameterError, match="2 parameters are named 'a'"):
        twice.bind({"a": 1.0})


def test_many_names_are_cut_short():
    weights = ParameterVector("w", 50)
    circuit = Circuit(1, [gates.RX(w, 0) for w in weights])
    with pytest.raises(ParameterError, match=r"w\[7\], \.\.\. \(50 in all\)"):
        circuit.values_array(None)


# Copies


@property_test
@given(parametrised_circuits())
def test_pickled_and_copied_circuits_are_equal(circuit):
    for twin in (pickle.loads(pickle.dumps(circuit)), copy.copy(circuit), copy.deepcopy(circuit)):
        assert twin == circuit
        assert hash(twin) == hash(circuit)
        assert twin.parameters == circuit.parameters
        assert twin.x(0) == circuit.x(0)


# Faults


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Circuit(2).h(2), "h: qubit 2 is out of range for a circuit of 2 qubits"),
        (lambda: Circuit(2).cx(0, 5), "cx: qubit 5 is out of range for a circuit of 2 qubits"),
        (lambda: Circuit(1).unitary(np.eye(2), [1]), "unitary: qubit 1 is out of range for a circuit of 1 qubit"),
        (lambda: Circuit(2, [gates.RX(0.3, 2)]), "rx: qubit 2 is out of range"),
        (lambda: Circuit(2).h(-1), "h: .*-1"),
        (lambda: Circuit(2).cx(1, 1), r"cx takes 2 distinct qubits, got \(1, 1\)"),
        (lambda: Circuit(2).h(0.0), "h: .*integer, got 0.0"),
        (lambda: Circuit(2).h(True), "h: .*integer, got True"),
        (lambda: Circuit(2).h("0"), "h: .*integer, got '0'"),
        (lambda: Circuit(2).h("01"), "h: .*integer, got '01'"),
        (lambda: Circuit(2).h(theta), "h: .*integer"),
        (lambda: Circuit(2).h(), "h takes 1 qubit, got 0 arguments"),
        (lambda: Circuit(2).rx(0), "rx takes 1 angle and 1 qubit, got 1 argument"),
        (lambda: Circuit(2).rx(angle=0.3, qubit=0), r"rx takes \(theta, qubit\)"),
        (lambda: Circuit(2).append(gates.Operation(gates.H, (-1,))), "h: .*-1"),
        (lambda: Circuit(2).append(gates.Operation(gates.RX, (0,))), "rx takes 1 angle and 1 qubit"),
        (lambda: Circuit(2, gates.H(0)), "a list of operations, got one"),
        (lambda: Circuit(0), "at least 1 qubit, got 0"),
        (lambda: Circuit(-1), "at least 1 qubit, got -1"),
        (lambda: Circuit(1.5), "num_qubits must be an integer, got 1.5"),
        (lambda: Circuit(True), "num_qubits must be an integer, got True"),
        (lambda: Circuit("2"), "num_qubits must be an integer, got '2'"),
        (lambda: Circuit(2, [gates.H]), r"got <gate h.*call it on its qubits: h\(\.\.\.\)"),
        (lambda: Circuit(2, ["h"]), "consists of operations, got 'h'"),
        (lambda: Circuit(2).append(Circuit(2)), "consists of operations"),
        (lambda: Circuit(2).compose(Circuit(3)), "circuit of 3 qubits does not fit on one of 2 qubits"),
        (lambda: Circuit(2).compose(Circuit(2), [0]), r"compose takes 2 distinct qubits, got \(0,\)"),
        (lambda: Circuit(2).compose(Circuit(2), [0, 0]), r"compose takes 2 distinct qubits, got \(0, 0\)"),
        (lambda: Circuit(2).compose(Circuit(2), [0, 2]), "compose: qubit 2 is out of range"),
        (lambda: Circuit(2).compose(gates.H(0)), "compose takes a Circuit, got Operation; append takes operations"),
        (lambda: Circuit(2) + Circuit(3), "got 2 and 3"),
        (lambda: Circuit(2).controlled(0), "at least 1 control, got 0"),
        (lambda: Circuit(2).controlled(1.0), "num_controls must be an integer, got 1.0"),
        (lambda: Circuit(2).controlled(2, [1]), r"one value per control, got 2 and \[1\]"),
        (lambda: Circuit(2).power(0.5), "exponent must be an integer, got 0.5"),
        (lambda: Circuit(2).repeat(-1), "0 or more, got -1"),
        (lambda: Circuit(2).h(1).initialize([1, 0, 0, 0]), r"must come first on qubits \(0, 1\), but h acts on \(1,\)"),
        (lambda: Circuit(2).pauli_rotation("XYZ", 0.1, [0, 1]), r"'XYZ' takes 3 qubits, got \(0, 1\)"),
    ],
)
def test_circuits_that_are_refused(make, message):
    with pytest.raises(CircuitError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Circuit(2).unitary(np.eye(2), [0, 1]), r"shape \(4, 4\), got \(2, 2\)"),
        (lambda: Circuit(2).unitary(np.ones((2, 3)), [0]), r"\(2, 3\)"),
        (lambda: Circuit(2).unitary(np.eye(3), [0]), r"\(3, 3\)"),
        (lambda: Circuit(2).unitary([[1, 1], [0, 1]], [0]), "not unitary.* = 1 "),
        (lambda: Circuit(2).unitary([[np.nan, 0], [0, 1]], [0]), "NaN"),
        (lambda: Circuit(2).diagonal([0.1, 0.2], [0, 1]), "2 qubits need 4 phases, got 2"),
        (lambda: Circuit(2).diagonal([0.1, math.inf], [0]), "NaN or infinity"),
        (lambda: Circuit(2).initialize([1, 0]), "2 qubits need 4 amplitudes, got 2"),
        (lambda: Circuit(1).initialize([theta]), "1 qubit need 2 amplitudes, got 1"),
        (lambda: Circuit(1).initialize([1, 1]), "norm 1.41421356, expected 1"),
        (lambda: Circuit(1).initialize([0, 0], normalize=True), "all amplitudes are zero"),
        (lambda: Circuit(1).initialize([np.nan, 1]), "NaN"),
        (lambda: Circuit(2).pauli_rotation("XA", 0.1, [0, 1]), "I, X, Y and Z, got 'XA'"),
    ],
)
def test_gates_that_are_refused(make, message):
    with pytest.raises(GateError, match=message):
        make()


def test_a_matrix_that_is_not_unitary_is_accepted_without_the_check():
    matrix = np.array([[1.0, 1.0], [0.0, 1.0]])
    np.testing.assert_array_equal(Circuit(1).unitary(matrix, 0, check=False).to_matrix(), matrix)


@pytest.mark.parametrize("angle", [math.nan, math.inf, 1j, "0.3", None, True, [0.3]])
def test_angles_that_are_refused(angle):
    for make in (lambda: Circuit(1).rx(angle, 0), lambda: Circuit(2).pauli_rotation("XX", angle, [0, 1])):
        with pytest.raises(ParameterError, match="rx.*must be a finite real number or an expression"):
            make()


@pytest.mark.parametrize(
    ("name", "hint"), [("cnot", "'cx'"), ("rxy", "'rx'"), ("toffoli", "'ccx'"), ("iswpa", "'iswap'"), ("Phase", "'p'")]
)
def test_unknown_gates_get_the_nearest_names(name, hint):
    with pytest.raises(AttributeError, match=f"unknown gate '{name}'; did you mean.*{hint}") as caught:
        getattr(Circuit(1), name)
    assert isinstance(caught.value, QumbaError)
    assert not hasattr(Circuit(1), name)


def test_python_protocols_find_nothing_odd():
    assert not hasattr(Circuit(1), "__array__")
    assert not hasattr(Circuit(1), "_repr_latex_")
    with pytest.raises(TypeError):
        Circuit(1) + 1


def test_a_matrix_too_large_is_refused_with_its_size():
    with pytest.raises(StateTooLargeError, match="64 GiB"):
        Circuit(16).to_matrix()
    with pytest.raises(ParameterError, match="no value for theta"):
        Circuit(1).rx(theta, 0).to_matrix()


MODULES = [
    f"{package.__name__}.{found.name}"
    for package in (simulator.circuit, simulator.operations)
    for found in pkgutil.iter_modules(package.__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_every_function_of_a_circuit_is_a_method(name):
    module = importlib.import_module(name)
    for public in module.__all__:
        value = getattr(module, public)
        if inspect.isfunction(value) and "circuit" in inspect.signature(value).parameters:
            method = vars(Circuit).get(public)
            assert getattr(method, "__func__", method) is value, public


# The engine behind the methods


def test_methods_reach_the_engine():
    circuit = Circuit(2).ry(theta, 0).cx(0, 1)
    state = reference.statevector([(op.gate.matrix(*op.angles), op.qubits) for op in circuit.bind([0.3])], 2)
    np.testing.assert_allclose(circuit.statevector({theta: 0.3}), state, atol=EXACT)
    np.testing.assert_allclose(circuit.probabilities({theta: 0.3}), np.abs(state) ** 2, atol=EXACT)
    assert circuit.statevector([0.3], precision="single").dtype == np.complex64
    assert math.isclose(circuit.expectation(Z(0) @ Z(1) + 0.5 * X(0), [0.3]), 1.0, abs_tol=EXACT)
    np.testing.assert_allclose(circuit.gradient(Z(1), [0.3]), [-math.sin(0.3)], atol=EXACT)
    value, gradient = circuit.expectation_and_gradient([Z(0), Z(1)], [0.3])
    np.testing.assert_allclose(value, [math.cos(0.3)] * 2, atol=EXACT)
    np.testing.assert_allclose(gradient, [[-math.sin(0.3)]] * 2, atol=EXACT)
    assert circuit.sample([0.3], shots=10, seed=1) == circuit.sample([0.3], shots=10, seed=1)
    assert sum(circuit.sample([0.3], shots=10, seed=1).values()) == 10
