"""To Qiskit and back: every gate, control state and kind of angle; QASM; what is refused."""

import math
import pickle
import sys

import numpy as np
import pytest
import qiskit.circuit.library as library
from hypothesis import given, settings
from qiskit import QuantumCircuit, qasm2, qasm3
from qiskit import circuit as qiskit_circuit
from qiskit.circuit import AnnotatedOperation, ControlModifier, InverseModifier, PowerModifier
from qiskit.quantum_info import Operator, Pauli, ScalarOp, SparseObservable, SparsePauliOp, Statevector, random_clifford
from qiskit.synthesis import SuzukiTrotter

from simulator import Circuit, CircuitError, ObservableError, Parameter, ParameterError, ParameterVector, X, Y, Z, gates
from simulator.parameters.angle_maps import AngleMap
from simulator.qiskit_circuits import from_sparse_pauli_op, to_sparse_pauli_op
from tests.simulator import reference
from tests.simulator.strategies import circuits, parametrised_circuits, pauli_sums, unitary

# Qiskit's matrix of an evolution gate
pytestmark = pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")

EXACT = 1e-10
property_test = settings(derandomize=True, deadline=None, max_examples=50)
theta, phi = Parameter("theta"), Parameter("phi")
named = pytest.mark.parametrize("gate", gates.STANDARD.values(), ids=lambda gate: gate.name)


def same(ours, theirs, atol=EXACT):
    """Equal as unitaries, global phase included."""
    np.testing.assert_allclose(ours.to_matrix(), Operator(theirs).data, atol=atol)


def same_up_to_phase(a, b, atol=EXACT):
    product = a.to_matrix().conj().T @ b.to_matrix()
    np.testing.assert_allclose(product / product[0, 0], np.eye(len(product)), atol=atol)


# Both ways


@property_test
@given(circuits())
def test_round_trip_keeps_the_unitary_and_the_global_phase(circuit):
    out = circuit.to_qiskit()
    same(circuit, out)
    back = Circuit.from_qiskit(out)
    np.testing.assert_allclose(back.to_matrix(), circuit.to_matrix(), atol=EXACT)


@property_test
@given(parametrised_circuits())
def test_round_trip_keeps_parameters(circuit):
    back = Circuit.from_qiskit(circuit.to_qiskit())
    assert set(back.parameters) == set(circuit.parameters)
    values = {p: 0.1 + 0.3 * k for k, p in enumerate(circuit.parameters)}
    np.testing.assert_allclose(back.to_matrix(values), circuit.to_matrix(values), atol=EXACT)


@named
def test_a_standard_gate_is_qiskits_gate_of_the_same_name_and_returns_equal(gate):
    qubits = [2, 0, 1][: gate.num_qubits]
    circuit = Circuit(3).append(gate(*(0.4 + k for k in range(gate.num_params)), *qubits))
    out = circuit.to_qiskit()
    assert [i.name for i in out.data] == ([gate.name] if gate.num_qubits else [])
    assert Circuit.from_qiskit(out) == circuit
    same(circuit, out)


@named
@pytest.mark.parametrize("values", [(0,), (1, 0), (0, 0)])
def test_control_states_return_equal(gate, values):
    gate = gate.controlled(len(values), values)
    qubits = [3, 1, 0, 2, 4][: gate.num_qubits]
    circuit = Circuit(5).append(gate(*(0.4 + k for k in range(gate.num_params)), *qubits))
    out = circuit.to_qiskit()
    assert "unitary" not in out.count_ops()
    same(circuit, out)
    np.testing.assert_allclose(Circuit.from_qiskit(out).to_matrix(), circuit.to_matrix(), atol=EXACT)


@pytest.mark.parametrize("name", ["ch", "crx", "cp", "cu", "ccx", "cswap", "mcx", "mcp"])
@pytest.mark.parametrize("state", [0, 1])
def test_control_states_of_qiskits(name, state):
    qc = QuantumCircuit(4)
    if name == "mcx":
        qc.append(library.XGate().control(3, ctrl_state=4 + state, annotated=False), [2, 0, 3, 1])
    elif name == "mcp":
        qc.append(library.PhaseGate(0.3).control(2, ctrl_state=state, annotated=False), [2, 0, 3])
    else:
        angles = [0.4, 0.5, 0.6, 0.7][: gates.STANDARD[name].num_params]
        cls = library.get_standard_gate_name_mapping()[name].base_class
        gate = cls(*angles, ctrl_state=state)
        qc.append(gate, [2, 0, 3][: gate.num_qubits])
    same(Circuit.from_qiskit(qc), qc)


def test_qubit_names_and_registers():
    out = Circuit(2).h(0).to_qiskit()
    expected = QuantumCircuit(2)
    expected.h(0)
    assert out == expected
    assert [r.name for r in out.qregs] == ["q"]


def test_parameters_keep_identity_names_and_order_by_index():
    x = ParameterVector("x", 12)
    circuit = Circuit(1).rx(x[10], 0).rx(2 * x[2] - x[0] / 4 + 0.5, 0).ry(theta, 0)
    out = circuit.to_qiskit()
    assert [p.name for p in out.parameters] == ["theta", "x[0]", "x[2]", "x[10]"]
    assert Circuit.from_qiskit(out) == circuit
    assert Circuit.from_qiskit(circuit.to_qiskit()).parameters == circuit.parameters
    theirs = qiskit_circuit.ParameterVector("x", 3)
    qc = QuantumCircuit(1)
    qc.rx(theirs[2], 0)
    qc.ry(theirs[0] / 2, 0)
    ours = Circuit.from_qiskit(qc)
    assert [p.name for p in ours.parameters] == ["x[2]", "x[0]"]
    assert ours.to_qiskit() == qc
    assert set(ours.to_qiskit().parameters) == set(qc.parameters)


def test_affine_expressions_come_in():
    a, b = qiskit_circuit.Parameter("a"), qiskit_circuit.Parameter("b")
    qc = QuantumCircuit(1, global_phase=a / 3)
    qc.rx(2 * a - b / 4 + 0.5, 0)
    qc.ry((a + b) - b, 0)
    qc.rz((a * 0 + 1.5), 0)
    ours = Circuit.from_qiskit(qc)
    values = {"a": 0.7, "b": -0.3}
    same(ours.bind(values), qc.assign_parameters(values))


@pytest.mark.parametrize(
    "make", [lambda a: a * a, lambda a: a.sin(), lambda a: a.sign(), lambda a: 1 / a, lambda a: 1j * a]
)
def test_other_expressions_are_refused(make):
    qc = QuantumCircuit(1)
    qc.append(library.RXGate(make(qiskit_circuit.Parameter("a"))), [0])
    with pytest.raises(ParameterError, match="affine expression of its parameters with real coefficients, got .*a"):
        Circuit.from_qiskit(qc)


# Kinds of gates


def test_matrices_go_out_with_their_names():
    own = gates.Fixed("own", unitary(1, 4))
    circuit = Circuit(3).append(own(2, 0)).unitary(unitary(2, 2), 1).append(own.controlled()(1, 0, 2))
    out = circuit.to_qiskit()
    assert [i.operation.label for i in out.data] == ["own", None, "cown"]
    same(circuit, out)
    assert Circuit.from_qiskit(out).operations[:2] == circuit.operations[:2]


def test_a_gate_that_only_borrows_a_standard_name_goes_out_as_it_is():
    circuit = Circuit(1).append(gates.Fixed("h", unitary(1, 2))(0))
    same(circuit, circuit.to_qiskit())
    same(Circuit.from_qiskit(circuit.to_qiskit()), circuit.to_qiskit())


def test_a_qiskit_gate_that_only_borrows_a_standard_name_is_taken_by_its_definition():
    inner = QuantumCircuit(1, name="h")
    inner.t(0)
    qc = QuantumCircuit(1)
    qc.append(inner.to_gate(), [0])
    assert Circuit.from_qiskit(qc) == Circuit(1).t(0)


def test_diagonals():
    phases = np.array([0.3, -1.2, 2.5, 0.1])
    own = gates.Diagonal("diagonal", phases)
    circuit = Circuit(3).diagonal(phases, [2, 0]).append(own.controlled(1, [0])(1, 0, 2))
    out = circuit.to_qiskit()
    assert out.count_ops() == {"diagonal": 2}
    same(circuit, out)
    same(Circuit.from_qiskit(out), out)


@pytest.mark.parametrize("label", ["X", "ZY", "XIZ", "II"])
@pytest.mark.parametrize("values", [(), (1,), (0, 1)])
def test_pauli_rotations(label, values):
    gate = gates.PauliRotation(label)
    gate = gate.controlled(len(values), values) if values else gate
    circuit = Circuit(5).append(gate(theta, *range(gate.num_qubits)))
    out = circuit.to_qiskit()
    assert isinstance(out.data[0].operation, library.PauliEvolutionGate | library.RXGate | library.CRXGate)
    bound = circuit.bind({theta: 0.7})
    same(bound, out.assign_parameters([0.7]), 1e-9)
    same(bound, out.assign_parameters([0.7]).decompose(reps=4), 1e-9)
    np.testing.assert_allclose(Circuit.from_qiskit(out).to_matrix([0.7]), bound.to_matrix(), atol=1e-9)
    if not values:
        assert [op.angles for op in Circuit.from_qiskit(out)] == [(theta,)]


@pytest.mark.parametrize("values", [(), (1,), (0, 1)])
@pytest.mark.parametrize("diagonal", [False, True])
def test_rotations_at_a_free_angle(values, diagonal):
    generator = np.diag([0.3, -1.0, 2.0, 0.5]) if diagonal else unitary(3, 4) + unitary(3, 4).conj().T
    gate = gates.Rotation("own", generator)
    gate = gate.controlled(len(values), values) if values else gate
    circuit = Circuit(4).append(gate(2 * theta + 0.1, *[3, 1, 0, 2][: gate.num_qubits]))
    out = circuit.to_qiskit()
    bound = circuit.bind({theta: 0.7})
    same(bound, out.assign_parameters([0.7]), 1e-9)
    same(bound, bound.to_qiskit(), 1e-9)
    np.testing.assert_allclose(Circuit.from_qiskit(out).to_matrix([0.7]), bound.to_matrix(), atol=1e-9)


def test_a_composite_goes_out_as_a_gate_of_its_name():
    steps = [
        gates.Step(gates.H, (1,)),
        gates.Step(gates.CRX, (1, 0), ((2.0,),)),
        gates.Step(gates.GLOBAL_PHASE, (), ((1.0,),)),
    ]
    own = gates.Composite("own", 2, 1, steps)
    circuit = Circuit(3).append(own(theta, 2, 0)).append(own.controlled(1, [0])(0.3, 1, 2, 0))
    out = circuit.to_qiskit()
    assert [i.name for i in out.data] == ["own", "oown"]
    same(circuit.bind([0.7]), out.assign_parameters([0.7]))
    np.testing.assert_allclose(Circuit.from_qiskit(out).to_matrix([0.7]), circuit.to_matrix([0.7]), atol=EXACT)


@pytest.mark.parametrize("angle", [0.7, 2 * theta + 0.1])
def test_phases_of_ones_own(angle):
    own = gates.Rotation("own", [[2.0]])
    fixed, diagonal = gates.Fixed("fixed", [[1j]]), gates.Diagonal("diagonal", [0.3])
    circuit = Circuit(2, [own(angle), own.controlled(2, [0, 1])(angle, 1, 0), fixed(), fixed.controlled()(1)])
    circuit = circuit.append(diagonal(), diagonal.controlled()(0))
    out = circuit.to_qiskit()
    assert not circuit.parameters or out.global_phase.parameters
    bound, theirs = (
        circuit.bind(dict.fromkeys(circuit.parameters, 0.7)),
        out.assign_parameters([0.7] * out.num_parameters),
    )
    same(bound, theirs)
    np.testing.assert_allclose(Circuit.from_qiskit(theirs).to_matrix(), bound.to_matrix(), atol=EXACT)


def test_state_preparation():
    amplitudes = unitary(5, 4)[:, 0]
    circuit = Circuit(3).initialize(amplitudes, [2, 0]).h(0)
    out = circuit.to_qiskit()
    assert [i.name for i in out.data] == ["state_preparation", "h"]
    np.testing.assert_allclose(Statevector(out).data, circuit.to_matrix()[:, 0], atol=EXACT)
    np.testing.assert_allclose(Circuit.from_qiskit(out).to_matrix()[:, 0], circuit.to_matrix()[:, 0], atol=EXACT)
    late = Circuit(2).h(1) + Circuit(2).initialize(amplitudes)
    same(late, late.to_qiskit())
    same(late.inverse(), late.inverse().to_qiskit())
    with pytest.raises(ParameterError, match="must be numbers: bind theta"):
        Circuit(1).initialize([theta, 1.0]).to_qiskit()


@pytest.mark.parametrize("what", [[0.6, 0.8j], "1", "+", "r", 1])
def test_initialisation_of_qiskits(what):
    for method in ("initialize", "prepare_state"):
        qc = QuantumCircuit(2)
        qc.h(1)
        getattr(qc, method)(what, 0)
        np.testing.assert_allclose(Circuit.from_qiskit(qc).to_matrix()[:, 0], Statevector(qc).data, atol=EXACT)


def test_state_preparation_as_a_whole_unitary():
    qc = QuantumCircuit(3)
    qc.h([0, 1])
    qc.append(library.StatePreparation([0.6, 0, 0, 0.8]), [0, 1])
    qc.append(library.StatePreparation([0.6, 0.8]).inverse(), [0])
    qc.append(library.StatePreparation([0.6, 0.8]).control(1, annotated=False), [2, 0])
    same(Circuit.from_qiskit(qc), qc)


@pytest.mark.parametrize(
    ("strings", "operations"),
    [(["XX", "YY", "ZZ"], 3), (["XZ", "ZX"], 2)],
)
def test_evolution_under_commuting_strings_is_a_product_of_rotations(strings, operations):
    qc = QuantumCircuit(2)
    qc.append(
        library.PauliEvolutionGate(SparsePauliOp(strings, [0.5] * len(strings)), qiskit_circuit.Parameter("t")), [0, 1]
    )
    ours = Circuit.from_qiskit(qc)
    assert len(ours) == operations
    assert all(isinstance(op.gate, gates.PauliRotation) for op in ours)
    same(ours.bind([0.7]), qc.assign_parameters([0.7]), 1e-9)


def test_evolution_under_other_strings_is_taken_by_its_definition():
    qc = QuantumCircuit(2)
    qc.append(library.PauliEvolutionGate(SparsePauliOp(["XI", "ZZ"], [0.5, 0.25]), 0.7), [0, 1])
    same(Circuit.from_qiskit(qc), qc.decompose())


@pytest.mark.parametrize(
    "operation",
    [
        library.U1Gate(0.3),
        library.U2Gate(0.3, 0.4),
        library.U3Gate(0.3, 0.4, 0.5),
        library.CU3Gate(0.3, 0.4, 0.5),
        library.C3SXGate(),
        library.RC3XGate(),
        library.MCPhaseGate(0.3, 2),
        library.C4XGate(),
        library.QFTGate(3),
        library.PermutationGate([2, 0, 1]),
        library.PauliGate("XYZ"),
        library.UCRXGate([0.1, 0.2, 0.3, 0.4]),
        library.Isometry(unitary(1, 4), 0, 0),
        library.HamiltonianGate(np.diag([1.0, 2.0]), 0.3),
        library.GlobalPhaseGate(0.3),
        library.GlobalPhaseGate(0.3).control(2, annotated=True),
        random_clifford(2, seed=1),
        Pauli("XY"),
        AnnotatedOperation(library.RXGate(0.3), [ControlModifier(2, 1), InverseModifier()]),
        AnnotatedOperation(library.SXGate(), [PowerModifier(3), ControlModifier(1)]),
        AnnotatedOperation(library.RYGate(0.3), [PowerModifier(-2)]),
        AnnotatedOperation(library.SGate(), [PowerModifier(0.5), ControlModifier(1)]),
    ],
    ids=lambda operation: type(operation).__name__,
)
def test_other_gates_of_qiskits(operation):
    qc = QuantumCircuit(5)
    qc.h(range(5))
    qc.append(operation, list(range(operation.num_qubits))[::-1])
    same(Circuit.from_qiskit(qc), qc, 1e-8)


# Expressions


a, b = qiskit_circuit.Parameter("a"), qiskit_circuit.Parameter("b [0]")
EXPRESSIONS = [
    2 * (math.pi - a) * (math.pi - b),
    a.sin() * b**2.5 / 3,
    (a / 3).arcsin() + (b / 4).arccos() * a.arctan() - b.tan() ** 2,
    a.exp() * b.log() - (-a).abs() + b.sign() + a.conjugate(),
    b ** (a * 2) - 2**a + 1 / (a + 5e-7 * b),
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_other_expressions_become_an_angle_map(expression):
    qc = QuantumCircuit(2, global_phase=expression / 7)
    qc.rx(expression, 0)
    qc.cry(b, 0, 1)
    qc.rz(expression - 3 * a, 0)
    qc.h(0)
    qc.append(library.U3Gate(0.1, expression, 2 * a - b), [1])
    circuit, angles = Circuit.from_qiskit_with_angle_map(qc)
    assert [p.name for p in qc.parameters] == ["a", "b [0]"]
    values = np.random.default_rng(3).uniform(0.2, 1.4, (5, 2))
    states = circuit.statevector(angles(values))
    for row, state in zip(values, states, strict=True):
        np.testing.assert_allclose(state, Statevector(qc.assign_parameters(row)).data, atol=EXACT)

    observable = X(0) @ Y(1) + Z(0)
    by_angles = circuit.gradient(observable, angles(values))
    gradient = angles.pullback(values, by_angles)
    for column in range(2):
        step = 1e-5 * np.eye(2)[column]
        up, down = (circuit.expectation(observable, angles(values + shift)) for shift in (step, -step))
        np.testing.assert_allclose(gradient[:, column], (up - down) / 2e-5, rtol=1e-6, atol=1e-7)


def test_equal_expressions_are_one_angle_and_affine_ones_none():
    qc = library.zz_feature_map(3, reps=2)
    circuit, angles = Circuit.from_qiskit_with_angle_map(qc)
    assert circuit.num_parameters == 3 + 3
    assert pickle.loads(pickle.dumps(angles)) == angles
    affine = library.real_amplitudes(2, reps=1)
    circuit, angles = Circuit.from_qiskit_with_angle_map(affine)
    assert circuit == Circuit.from_qiskit(affine)
    assert sorted(angles.expressions) == ["x[0]", "x[1]", "x[2]", "x[3]"]


def test_angles_that_are_no_real_functions_are_refused():
    complex_angle = QuantumCircuit(1)
    complex_angle.append(library.RXGate(1j * a * b), [0])
    with pytest.raises(ParameterError, match=r"a real expression of its parameters, got .*a\*b"):
        Circuit.from_qiskit_with_angle_map(complex_angle)
    logarithm = QuantumCircuit(1)
    logarithm.rx(a.log(), 0)
    _, angles = Circuit.from_qiskit_with_angle_map(logarithm)
    with pytest.raises(ParameterError, match=r"the angle log\(x\[0\]\) is nan for row 1"):
        angles([[1.0], [-1.0]])
    with pytest.raises(ParameterError, match=r"the angle x\[1\] is inf for row 0"):
        AngleMap(2, ["x[1]"])([[0.0, np.inf]])
    with pytest.raises(CircuitError, match="expected a qiskit.QuantumCircuit"):
        Circuit.from_qiskit_with_angle_map("circuit")


@pytest.mark.parametrize(
    "text", ["x[2]", "y", "x[-1]", "__import__('os')", "x[0].real", "x[0] if x[1] else 2", "sin(x[0]", "1j", "f(x[0])"]
)
def test_angle_maps_read_arithmetic_only(text):
    with pytest.raises(ValueError, match="angle"):
        AngleMap(2, [text])


# The circuit library

OBSERVABLE = SparsePauliOp(["ZZ", "XX"], [0.5, 0.25])
LIBRARY = {
    "z_feature_map": lambda: library.z_feature_map(3, reps=2),
    "zz_feature_map": lambda: library.zz_feature_map(4, reps=2, entanglement="circular"),
    "pauli_feature_map": lambda: library.pauli_feature_map(3, reps=1, paulis=["Z", "YX", "ZZZ"]),
    "real_amplitudes": lambda: library.real_amplitudes(4, reps=2, entanglement="sca"),
    "efficient_su2": lambda: library.efficient_su2(3, reps=2, entanglement="pairwise"),
    "excitation_preserving": lambda: library.excitation_preserving(3, reps=1, mode="fsim"),
    "n_local": lambda: library.n_local(3, ["ry", "rz"], "crx", entanglement="full"),
    "qaoa_ansatz": lambda: library.qaoa_ansatz(OBSERVABLE, reps=2),
    "hamiltonian_variational_ansatz": lambda: library.hamiltonian_variational_ansatz(OBSERVABLE, reps=2),
    "evolved_operator_ansatz": lambda: library.evolved_operator_ansatz([OBSERVABLE, SparsePauliOp("YI")], reps=1),
    "quantum_volume": lambda: library.quantum_volume(4, seed=1),
    "iqp": lambda: library.iqp([[1, 2, 3], [2, 4, 5], [3, 5, 6]]),
    "random_iqp": lambda: library.random_iqp(3, seed=2),
    "fourier_checking": lambda: library.fourier_checking([1, -1, -1, 1], [1, 1, -1, -1]),
    "hidden_linear_function": lambda: library.hidden_linear_function([[1, 1, 0], [1, 0, 1], [0, 1, 1]]),
    "graph_state_circuit": lambda: library.GraphStateGate(np.array([[0, 1, 1], [1, 0, 0], [1, 0, 0]])),
    "grover_operator": lambda: library.grover_operator(marked(3)),
    "phase_estimation": lambda: library.phase_estimation(2, library.quantum_volume(2, seed=3)),
    "and_gate": lambda: library.AndGate(3, [1, -1, 0]),
    "or_gate": lambda: library.OrGate(3, [1, -1, 1]),
    "xor": lambda: library.BitwiseXorGate(3, 5),
    "inner_product": lambda: library.InnerProductGate(2),
    "permutation": lambda: library.PermutationGate([2, 0, 1]),
    "qft": lambda: library.QFTGate(4),
    "full_adder": lambda: library.FullAdderGate(2),
    "half_adder": lambda: library.HalfAdderGate(2),
    "modular_adder": lambda: library.ModularAdderGate(2),
    "multiplier": lambda: library.MultiplierGate(1),
    "linear_pauli_rotations": lambda: library.LinearPauliRotationsGate(2, 0.3, 0.4, "X"),
    "polynomial_pauli_rotations": lambda: library.PolynomialPauliRotationsGate(2, [0.1, 0.2, 0.3]),
    "piecewise_linear": lambda: library.PiecewiseLinearPauliRotationsGate(2, [0, 2], [0.1, 0.2], [0.3, 0.4]),
    "piecewise_chebyshev": lambda: library.PiecewiseChebyshevGate(np.sin, 2, 2, [0, 2]),
    "linear_amplitude_function": lambda: library.LinearAmplitudeFunctionGate(
        2, [1, 0], [0, 1], (0, 3), (0, 2), breakpoints=[0, 1]
    ),
    "integer_comparator": lambda: library.IntegerComparatorGate(2, 2),
    "quadratic_form": lambda: library.QuadraticFormGate(2, [[1, 1], [0, 1]], [1, 0], 1),
    "exact_reciprocal": lambda: library.ExactReciprocalGate(2, 0.5),
    "diagonal": lambda: library.DiagonalGate([1, -1, 1j, -1j]),
    "ucry": lambda: library.UCRYGate([0.1, 0.2, 0.3, 0.4]),
    "uc": lambda: library.UCGate([unitary(k, 2) for k in range(4)]),
    "isometry": lambda: library.Isometry(unitary(1, 4)[:, :2], 0, 0),
    "mcmt": lambda: library.MCMTGate(library.RYGate(0.3), 2, 2),
    "gms": lambda: library.MSGate(3, 0.4),
    "pauli_evolution": lambda: library.PauliEvolutionGate(OBSERVABLE, 0.3, synthesis=SuzukiTrotter(2, reps=2)),
    "linear_function": lambda: library.LinearFunction(np.array([[1, 1, 0], [0, 1, 1], [0, 0, 1]])),
}


def marked(num_qubits):
    oracle = QuantumCircuit(num_qubits)
    oracle.ccz(0, 1, 2)
    return oracle


@pytest.mark.parametrize("name", LIBRARY)
def test_the_circuit_library_runs_unchanged(name):
    made = LIBRARY[name]()
    qc = QuantumCircuit(made.num_qubits)
    qc.h(range(0, made.num_qubits, 2))
    qc.append(made if isinstance(made, qiskit_circuit.Instruction) else made.to_instruction(), range(made.num_qubits))
    circuit, angles = Circuit.from_qiskit_with_angle_map(qc)
    values = np.random.default_rng(2).uniform(-2, 2, (1, qc.num_parameters))
    state = circuit.statevector(angles(values))[0]
    np.testing.assert_allclose(state, Statevector(qc.assign_parameters(values[0])).data, atol=1e-9)


# What is left out, and what is refused


def test_barriers_delays_and_first_resets_are_left_out():
    qc = QuantumCircuit(2, 2)
    qc.reset(0)
    qc.h(0)
    qc.barrier()
    qc.delay(10, 0)
    qc.cx(0, 1)
    qc.measure([0, 1], [1, 0])
    qc.barrier()
    ours = Circuit.from_qiskit(qc)
    assert ours == Circuit(2, 2).h(0).cx(0, 1).measure([0, 1], [1, 0])
    assert ours.remove_final_measurements() == Circuit(2).h(0).cx(0, 1)


def dynamic():
    return (
        Circuit(3, 3)
        .h(0)
        .measure([0, 1], [2, 0])
        .if_test((2, 1), Circuit(3).x(1).ry(theta, 2))
        .reset(0)
        .if_else((2, 0), Circuit(3).h(2), Circuit(3).y(2).cx(2, 1))
        .if_else(((0, 2), 2), Circuit(3).z(1), Circuit(3, 3).if_test((1, 1), Circuit(3).x(0)).sx(1))
        .measure([1, 2], [1, 2])
    )


def test_measurements_resets_and_if_tests_return_equal():
    circuit = dynamic()
    out = circuit.to_qiskit()
    assert out.count_ops() == {"measure": 4, "if_else": 3, "h": 1, "reset": 1}
    assert Circuit.from_qiskit(out) == circuit


def test_if_tests_through_qasm_3():
    circuit = Circuit(2, 2).h(0).measure(0, 0).if_else((0, 1), Circuit(2).x(1), Circuit(2).ry(0.3, 1)).measure(1, 1)
    circuit = circuit.if_test(((0, 1), 2), Circuit(2).sx(0)).reset(1)
    assert Circuit.from_qasm(circuit.to_qasm()) == circuit


def test_measured_circuits_give_the_same_counts_in_aer():
    aer = pytest.importorskip("qiskit_aer")
    circuit = dynamic().bind([0.4])
    shots = 20_000
    result = aer.AerSimulator().run(circuit.to_qiskit(), shots=shots, seed_simulator=1).result()
    theirs = {format(int(key, 16), "03b"): count for key, count in result.data()["counts"].items()}
    ours = circuit.sample(shots=shots, seed=1)
    assert set(ours) == set(theirs)
    for key, count in ours.items():
        assert abs(count - theirs[key]) < 6 * math.sqrt(count + theirs[key])


def test_initialisation_in_the_middle_is_a_reset_and_a_preparation():
    late = QuantumCircuit(2)
    late.h(0)
    late.initialize([0.6, 0.8], 0)
    ours = Circuit.from_qiskit(late)
    assert [operation.gate.name for operation in ours] == ["h", "reset", "initialize"]
    assert ours.operations[2].gate == gates.StatePreparation([0.6, 0.8])


def test_instructions_of_several_measurements_are_taken_by_their_definition():
    inner = QuantumCircuit(2, 2)
    inner.h(0)
    inner.measure([0, 1], [1, 0])
    qc = QuantumCircuit(3, 3)
    qc.append(inner.to_instruction(), [2, 0], [2, 1])
    assert Circuit.from_qiskit(qc) == Circuit(3, 3).h(2).measure([2, 0], [1, 2])


def test_what_a_circuit_can_not_hold_is_refused():
    loop = QuantumCircuit(1, 1)
    with loop.for_loop(range(3)):
        loop.h(0)
    with pytest.raises(CircuitError, match="if-tests and boxes are the only supported control flow, got 'for_loop'"):
        Circuit.from_qiskit(loop)
    opaque = QuantumCircuit(1)
    opaque.append(qiskit_circuit.Gate("opaque", 1, []), [0])
    with pytest.raises(CircuitError, match="'opaque' has neither a definition nor a matrix"):
        Circuit.from_qiskit(opaque)
    with pytest.raises(CircuitError, match=r"expected a qiskit.QuantumCircuit, got str"):
        Circuit.from_qiskit("circuit")
    with pytest.raises(CircuitError, match="at least 1 qubit"):
        Circuit.from_qiskit(QuantumCircuit())
    infinite = QuantumCircuit(1)
    infinite.rx(math.inf, 0)
    with pytest.raises(ParameterError, match="rx: .* got inf"):
        Circuit.from_qiskit(infinite)


def test_what_qiskit_has_no_gate_for_is_refused():
    with pytest.raises(CircuitError, match="unitary is not unitary"):
        Circuit(1).unitary([[1, 1], [0, 1]], 0, check=False).to_qiskit()
    with pytest.raises(ParameterError, match="two are called a"):
        Circuit(1).rx(Parameter("a"), 0).rx(Parameter("a"), 0).to_qiskit()


# Observables


@property_test
@given(pauli_sums())
def test_sparse_pauli_op_both_ways(observable):
    operator = to_sparse_pauli_op(observable, 3)
    dense = reference.pauli_sum(observable.x_masks, observable.z_masks, observable.coefficients, 3)
    np.testing.assert_allclose(operator.to_matrix(), dense, atol=EXACT)
    assert from_sparse_pauli_op(operator) == observable


def test_sparse_pauli_op_widths_and_errors():
    assert to_sparse_pauli_op(X(0) @ Y(2)).num_qubits == 3
    assert to_sparse_pauli_op(Z(0) - Z(0)).num_qubits == 1
    assert from_sparse_pauli_op("XIZ") == X(2) @ Z(0)
    assert from_sparse_pauli_op(Pauli("-Y")) == -Y(0)
    assert from_sparse_pauli_op(SparseObservable("1I")) == 0.5 - 0.5 * Z(1)
    assert from_sparse_pauli_op(Operator(np.diag([1, -1]))) == Z(0)
    assert from_sparse_pauli_op(ScalarOp(2, 3.0)) == Z(0) - Z(0) + 3.0
    with pytest.raises(ObservableError, match="expected a SparsePauliOp or an operator that converts to it, got 'XYA'"):
        from_sparse_pauli_op("XYA")
    with pytest.raises(ObservableError, match="needs 3 qubits; the state has 2"):
        to_sparse_pauli_op(Z(2), 2)
    with pytest.raises(ObservableError, match="not Hermitian: X has the coefficient 0\\+1j"):
        from_sparse_pauli_op(SparsePauliOp(["X"], [1j]))
    with pytest.raises(ObservableError, match="free parameters"):
        from_sparse_pauli_op(SparsePauliOp(["X"], np.array([qiskit_circuit.Parameter("a")])))


# QASM


@named
@pytest.mark.parametrize("version", [2, 3])
def test_every_gate_through_qasm(gate, version):
    circuit = Circuit(3).h(0).h(1).append(gate(*(0.4 + k for k in range(gate.num_params)), *range(gate.num_qubits)))
    same_up_to_phase(Circuit.from_qasm(circuit.to_qasm(version)), circuit)


@settings(derandomize=True, deadline=None, max_examples=15)
@given(circuits(max_qubits=3, max_gates=5))
def test_circuits_through_qasm(circuit):
    for version in (2, 3):
        same_up_to_phase(Circuit.from_qasm(circuit.to_qasm(version)), circuit, 1e-8)


@pytest.mark.parametrize("version", [2, 3])
def test_state_preparation_through_qasm(version):
    circuit = Circuit(2).initialize(unitary(5, 4)[:, 0]).cx(0, 1)
    back = Circuit.from_qasm(circuit.to_qasm(version))
    overlap = np.vdot(back.to_matrix()[:, 0], circuit.to_matrix()[:, 0])
    assert math.isclose(abs(overlap), 1.0, abs_tol=EXACT)


def test_qasm_is_qiskits():
    circuit = Circuit(2).h(0).cx(0, 1).rz(0.5, 1)
    assert circuit.to_qasm() == qasm3.dumps(circuit.to_qiskit())
    assert circuit.to_qasm(2) == qasm2.dumps(circuit.to_qiskit())
    assert Circuit.from_qasm(circuit.to_qasm()) == circuit == Circuit.from_qasm(circuit.to_qasm(2))


def test_parameters_through_qasm_3():
    circuit = Circuit(1).rx(2 * theta + 0.1, 0).ry(phi, 0)
    back = Circuit.from_qasm(circuit.to_qasm())
    assert {p.name for p in back.parameters} == {"theta", "phi"}
    values = {"theta": 0.3, "phi": 0.7}
    same_up_to_phase(back.bind(values), circuit.bind(values))


def test_qasm_with_comments_and_measurements():
    text = """// include "/etc/passwd" is only talked about
    OPENQASM 2.0;
    include "qelib1.inc"; // the include
    qreg q[2]; creg c[2];
    h q[0]; cx q[0], q[1];
    measure q -> c;
    """
    assert Circuit.from_qasm(text) == Circuit(2, 2).h(0).cx(0, 1).measure([0, 1], [0, 1])
    text = '/* include "x" */ OPENQASM 3;\ninclude "stdgates.inc";\nqubit[2] q;\nbit[2] c;\nh q[0];\nc = measure q;'
    assert Circuit.from_qasm(text) == Circuit(2, 2).h(0).measure([0, 1], [0, 1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\nh q[0]\ncx q[0],q[1];',
            r"OpenQASM 2: <input>:5,0: needed ';'",
        ),
        ('OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\nfoo q[0];', "<input>:4,0: 'foo' is not defined"),
        (
            'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nh q[0]\ncx q[0],q[1];',
            "OpenQASM 3: 5,0: unexpected 'cx'",
        ),
        ("OPENQASM 3.0;\nqubit[1] q;\nfoo q[0];", "malformed OpenQASM 3: 3,0: gate 'foo' is not defined"),
        ("OPENQASM 3.0;\nqubit[1] q;\nreset r;", "malformed OpenQASM 3: 3,6: Undefined symbol 'r'"),
        ("OPENQASM 3.0;\nqubit[1] q;\nqubit q;", "malformed OpenQASM 3: 3,0: .*already"),
        ("OPENQASM 3.0;\nqubit[1] q;\nfor int i in [0:1] { reset q[i]; ", "malformed OpenQASM 3: 3,"),
        ("qreg q[1];", "starts with 'OPENQASM 2.0;' or 'OPENQASM 3.0;'"),
        ("OPENQASM 4.0; qubit q;", "starts with"),
        ("", "starts with"),
        (b"OPENQASM 3.0;", "a str, got bytes"),
    ],
)
def test_malformed_qasm_names_line_and_column(text, message):
    with pytest.raises(CircuitError, match=message):
        Circuit.from_qasm(text)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("int[8] n = 3;", "declarations of type 'int' are not supported"),
        ("c = 2;", "ClassicalAssignment"),
        ("def f(qubit a) { reset a; }", "SubroutineDefinition"),
        ("switch (c) { case 1 { reset q[0]; } }", "SwitchStatement"),
        ("if (c[0] && c[1]) { reset q[0]; }", "unhandled binary operator '&&'"),
        ("if (c < 2) { reset q[0]; }", "unhandled binary operator '<'"),
        ("measure q[0];", "must save their result"),
        ("output bit b;", "'output'"),
        ("pragma one", "Pragma"),
        ("for int i in [0:1] { reset q[0]; }", "if-tests and boxes are the only supported control flow"),
        ("for int i in [0:1] { reset q[i]; }", "if-tests and boxes are the only supported control flow"),
        ("while (c[0]) { reset q[0]; }", "if-tests and boxes are the only supported control flow"),
    ],
)
def test_qasm_that_is_not_supported_is_not_called_malformed(statement, reason):
    text = f"OPENQASM 3.0;\nqubit[2] q;\nbit[2] c;\n// for and while are only talked about\n  {statement}\nreset q;"
    with pytest.raises(CircuitError) as caught:
        Circuit.from_qasm(text)
    said = str(caught.value)
    assert said.startswith(f"<input>:5: not supported in OpenQASM 3: {statement!r} (")
    assert reason in said
    assert "malformed" not in said


@pytest.mark.parametrize(
    "text",
    [
        'OPENQASM 2.0;\ninclude "{path}";\nqreg q[1];',
        'OPENQASM 2.0; include"{path}"; qreg q[1];',
        'OPENQASM 2.0;\ninclude // "qelib1.inc"\n"{path}";\nqreg q[1];',
        'OPENQASM 2.0;\n/* include "qelib1.inc" */ include "{path}"; qreg q[1];',
        'OPENQASM 2.0;\n/*\ninclude "{path}";\n*/ qreg q[1];',
        'OPENQASM 2.0;\ninclude "qelib1.inc"; include "{path}"; qreg q[1];',
        'OPENQASM 2.0;\ninclude "../qelib1.inc"; qreg q[1];',
        'OPENQASM 3.0;\ninclude "{path}";\nqubit[1] q;',
        "OPENQASM 3.0;\ninclude '{path}';\nqubit[1] q;",
        'OPENQASM 3.0;\ninclude /* "stdgates.inc" */ "{path}";\nqubit[1] q;',
        "OPENQASM 3.0;\ninclude {path};\nqubit[1] q;",
        "OPENQASM 3.0; include",
    ],
)
def test_only_the_standard_include_is_opened(text, tmp_path, monkeypatch):
    secret = tmp_path / "secret.inc"
    secret.write_text("token_of_the_secret_file qreg r[1];")
    for module in (qasm2, qasm3):
        monkeypatch.setattr(module, "loads", lambda *a, **k: pytest.fail("the parser was reached"))
    with pytest.raises(CircuitError, match=r"<input>:\d: OpenQASM . may include only") as caught:
        Circuit.from_qasm(text.replace("{path}", str(secret)))
    assert "token_of" not in str(caught.value)


def test_qasm_versions_and_free_parameters():
    with pytest.raises(CircuitError, match="2 or 3, got 4"):
        Circuit(1).to_qasm(version=4)
    with pytest.raises(ParameterError, match="OpenQASM 2 has no free parameters: bind theta"):
        Circuit(1).rx(theta, 0).to_qasm(2)


def test_a_missing_importer_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "qiskit_qasm3_import", None)
    from qiskit.utils import optionals

    monkeypatch.setattr(optionals.HAS_QASM3_IMPORT, "_bool", None)
    with pytest.raises(ImportError, match=r"needs the extra \[qasm3\]: pip install 'qumba\[qasm3\]'") as caught:
        Circuit.from_qasm("OPENQASM 3.0; qubit[1] q;")
    assert "\n" not in str(caught.value)


def test_a_missing_matplotlib_names_the_extra(monkeypatch):
    from qiskit.utils import optionals

    monkeypatch.setattr(optionals.HAS_MATPLOTLIB, "_bool", False)
    with pytest.raises(ImportError, match=r"'mpl' needs .*\[plot\]"):
        Circuit(1).draw("mpl")


def test_amplitudes_that_are_parameters_are_drawn_as_a_box():
    amplitudes = ParameterVector("x", 4)
    drawing = str(Circuit(2).initialize(amplitudes).cx(0, 1))
    assert "amplitude_encoding" in drawing
