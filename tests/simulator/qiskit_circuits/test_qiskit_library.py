"""Every gate of Qiskit's library: plain, controlled, inverted and to a power, against Qiskit's own matrix."""

import inspect
import warnings

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import (
    AnnotatedOperation,
    ControlledGate,
    ControlModifier,
    Gate,
    InverseModifier,
    Parameter,
    PowerModifier,
    library,
)
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import Operator, Pauli, SparsePauliOp

from simulator import Circuit, CircuitError, GateError, ParameterError, gates
from simulator.qiskit_provider import Estimator, QumbaBackend, Sampler
from tests.simulator.strategies import unitary

# Qiskit's matrix of an evolution gate
pytestmark = pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")

EXACT = 1e-9
FUNCTIONAL = 1e-7  # Qiskit's synthesis of functions
MAX_MODIFIED_QUBITS = 3
theta = Parameter("theta")

# Arguments of the gates that take more than angles.
ARGUMENTS = {
    "AndGate": [(3, [1, -1, 0])],
    "BitFlipOracleGate": [("a & b",)],
    "BitwiseXorGate": [(3, 5)],
    "DiagonalGate": [([1, -1, 1j, -1j],)],
    "ExactReciprocalGate": [(2, 0.5)],
    "FullAdderGate": [(1,), (2,)],
    "GraphStateGate": [(np.array([[0, 1, 1], [1, 0, 0], [1, 0, 0]]),)],
    "HalfAdderGate": [(1,), (2,)],
    "HamiltonianGate": [(np.diag([1.0, 2.0]), 0.3)],
    "InnerProductGate": [(2,)],
    "IntegerComparatorGate": [(2, 2), (2, 3, False)],
    "LinearAmplitudeFunctionGate": [(2, [1, 0], [0, 1], (0, 3), (0, 2), 1, [0, 1])],
    "LinearFunction": [(np.array([[1, 1, 0], [0, 1, 1], [0, 0, 1]]),)],
    "LinearPauliRotationsGate": [(2, 0.3, 0.4, "X")],
    "MCMTGate": [
        (library.XGate(), 1, 2),
        (library.HGate(), 2, 2),
        (library.RXGate(0.4), 1, 3),
        (library.UGate(0.1, 0.2, 0.3), 2, 2, 1),
        (library.XGate(), 3, 1),
    ],
    "MCPhaseGate": [(0.3, 3)],
    "MCU1Gate": [(0.3, 2)],
    "MCXGate": [(1,), (3,), (5,)],
    "MCXGrayCode": [(3,)],
    "MCXRecursive": [(3,), (5,)],
    "MCXVChain": [(3,), (3, True)],
    "MSGate": [(3, 0.4)],
    "ModularAdderGate": [(1,), (2,)],
    "MultiplierGate": [(1,)],
    "OrGate": [(3, [1, -1, 1])],
    "PauliEvolutionGate": [(SparsePauliOp(["ZZ", "XX"], [0.5, 0.25]), 0.3)],
    "PauliGate": [("XYZ",)],
    "PauliProductRotationGate": [(Pauli("XYZ"), 0.3)],
    "PermutationGate": [([2, 0, 1],)],
    "PhaseOracleGate": [("a & b",)],
    "PiecewiseChebyshevGate": [(np.sin, 2, 2, [0, 2])],
    "PiecewiseLinearPauliRotationsGate": [(2, [0, 2], [0.1, 0.2], [0.3, 0.4])],
    "PiecewisePolynomialPauliRotationsGate": [(2, [0, 2], [[0.1, 0.2], [0.3, 0.4]])],
    "PolynomialPauliRotationsGate": [(2, [0.1, 0.2, 0.3])],
    "QFTGate": [(3,)],
    "QuadraticFormGate": [(2, [[1, 1], [0, 1]], [1, 0], 1)],
    "UCGate": [([unitary(k, 2) for k in range(4)],)],
    "UCPauliRotGate": [([0.1, 0.2], "X")],
    "UCRXGate": [([0.1, 0.2, 0.3, 0.4],)],
    "UCRYGate": [([0.1, 0.2, 0.3, 0.4],)],
    "UCRZGate": [([0.1, 0.2, 0.3, 0.4],)],
    "UnitaryGate": [(unitary(2, 4),)],
}
NOT_UNITARY_HERE = {
    "StatePreparation": "only its first column counts on fresh qubits (see test_qiskit_circuits.py)",
    "WeightedSumGate": "its definition resets qubits, so Qiskit has no matrix of it",
}


def instances():
    for name, kind in sorted(vars(library).items()):
        if not inspect.isclass(kind) or not issubclass(kind, Gate) or name in NOT_UNITARY_HERE:
            continue
        required = [p for p in inspect.signature(kind.__init__).parameters.values() if p.default is p.empty]
        count = sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in required) - 1  # but for self
        for number, arguments in enumerate(ARGUMENTS.get(name, [tuple(0.3 + 0.2 * k for k in range(count))])):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                try:
                    yield f"{name}-{number}", kind(*arguments)
                except Exception:  # a gate of a later Qiskit that takes other arguments
                    assert name not in ARGUMENTS, name


def circuit_of(gate):
    qc = QuantumCircuit(max(1, gate.num_qubits))
    qc.append(gate, range(gate.num_qubits))
    return qc


def same(qc, atol=EXACT):
    np.testing.assert_allclose(Circuit.from_qiskit(qc).to_matrix(), Operator(qc).data, atol=atol)


GATES = dict(instances())


def test_the_library_is_covered():
    assert len(GATES) > 100
    assert set(ARGUMENTS) <= {name.rpartition("-")[0] for name in GATES}


@pytest.mark.parametrize("name", GATES)
def test_a_gate_is_qiskits(name):
    same(circuit_of(GATES[name]), FUNCTIONAL)


@pytest.mark.parametrize("name", [n for n, gate in GATES.items() if gate.num_qubits <= MAX_MODIFIED_QUBITS])
def test_a_modified_gate_is_qiskits(name):
    gate = GATES[name]
    same(circuit_of(AnnotatedOperation(gate, [PowerModifier(-2), ControlModifier(2, 1)])), FUNCTIONAL)
    same(circuit_of(AnnotatedOperation(gate, [PowerModifier(0.4), InverseModifier()])), FUNCTIONAL)
    if name.startswith("PermutationGate"):  # whose matrix Qiskit cannot control
        return
    same(circuit_of(gate.control(2, ctrl_state=1, annotated=False)), FUNCTIONAL)


@pytest.mark.parametrize(("controls", "targets"), [(1, 2), (2, 2), (1, 3)])
@pytest.mark.parametrize("base", [library.RXGate(theta), library.PhaseGate(2 * theta + 0.1)], ids=["rx", "p"])
def test_free_angles_of_several_targets(controls, targets, base):
    for state in range(1 << controls):
        qc = circuit_of(library.MCMTGate(base, controls, targets, state))
        expected = Operator(qc.assign_parameters([0.7])).data
        np.testing.assert_allclose(Circuit.from_qiskit(qc).to_matrix([0.7]), expected, atol=EXACT)


def test_several_targets_inside_other_gates():
    inner = QuantumCircuit(3, name="inner")
    inner.append(library.MCMTGate(library.HGate(), 1, 2), [2, 0, 1])
    same(circuit_of(inner.to_gate()))
    same(circuit_of(inner.to_gate().control(1, ctrl_state=0, annotated=False)))
    same(circuit_of(AnnotatedOperation(inner.to_gate(), [InverseModifier(), ControlModifier(1, 0)])))


def test_several_targets_through_the_primitives_and_the_backend():
    qc = QuantumCircuit(3)
    qc.h(0)
    qc.append(library.MCMTGate(library.XGate(), 1, 2), [0, 1, 2])
    pub = (qc, ["ZZI", "ZIZ", "IZZ", "XXX"])
    expected = StatevectorEstimator().run([pub]).result()[0].data.evs
    np.testing.assert_allclose(Estimator().run([pub]).result()[0].data.evs, expected, atol=EXACT)
    qc.measure_all()
    assert set(Sampler(seed=1).run([qc], shots=100).result()[0].data.meas.get_counts()) == {"000", "111"}
    assert set(QumbaBackend().run(qc, shots=100, seed_simulator=1).result().get_counts()) == {"000", "111"}


# Users' gates


def definition(*gates_and_qubits):
    qc = QuantumCircuit(1 + max(q for _, qubits in gates_and_qubits for q in qubits))
    for gate, qubits in gates_and_qubits:
        qc.append(gate, qubits)
    return qc


@pytest.mark.parametrize(
    "inside",
    [
        definition((library.CXGate(), [0, 1]), (library.CXGate(), [0, 2])),  # several targets
        definition((library.CXGate(), [0, 1]), (library.SGate(), [0])),  # a phase besides
    ],
    ids=["targets", "phase"],
)
def test_a_users_controlled_gate_is_what_it_is_defined_as(inside):
    class Own(ControlledGate):
        def __init__(self):
            super().__init__("own", inside.num_qubits, [], num_ctrl_qubits=1, base_gate=library.XGate())

        def _define(self):
            self.definition = inside

    same(circuit_of(Own()))
    same(circuit_of(ControlledGate("own", inside.num_qubits, [], None, 1, inside, base_gate=library.XGate())))


@pytest.mark.parametrize("name", ["barrier", "delay", "reset", "measure", "id"])
def test_a_gate_that_is_called_like_an_instruction_is_what_it_is_defined_as(name):
    inside = definition((library.HGate(), [0]), (library.CXGate(), [0, 1]))
    inside.name = name
    same(circuit_of(inside.to_gate()))
    measured = QuantumCircuit(2, 2, name=name)
    measured.h(0)
    measured.measure([0, 1], [1, 0])
    qc = QuantumCircuit(2, 2)
    qc.append(measured.to_instruction(), [0, 1], [0, 1])
    assert Circuit.from_qiskit(qc) == Circuit(2, 2).h(0).measure([0, 1], [1, 0])


def test_a_definition_of_another_width_is_refused():
    gate = Gate("own", 2, [])
    gate.definition = definition((library.HGate(), [0]), (library.CXGate(), [1, 2]))
    with pytest.raises(CircuitError, match="own acts on 2 qubits, but its definition on 3"):
        Circuit.from_qiskit(circuit_of(gate))

    class Matrix(Gate):
        def __array__(self, dtype=None, copy=None):
            return np.eye(2, dtype=dtype)

    with pytest.raises(CircuitError, match="own acts on 2 qubits, but its definition on 1"):
        Circuit.from_qiskit(circuit_of(Matrix("own", 2, [])))


# Powers


@pytest.mark.parametrize(
    "gate",
    [
        library.RXGate(theta),
        library.RZZGate(2 * theta),
        library.PhaseGate(theta),
        library.U1Gate(theta),
        library.CRXGate(theta),
        library.MCPhaseGate(theta, 2),
        library.GlobalPhaseGate(theta),
        library.RGate(theta, 0.3),
        library.XXPlusYYGate(theta, 0.3),
        library.XXMinusYYGate(theta, theta),
    ],
    ids=lambda gate: gate.name,
)
@pytest.mark.parametrize("power", [0.5, -1.5])
def test_fractional_powers_of_rotations_at_a_free_angle(gate, power):
    for modifiers in ([], [ControlModifier(2, 1), InverseModifier()]):
        qc = circuit_of(AnnotatedOperation(gate, [*modifiers, PowerModifier(power)]))
        circuit = Circuit.from_qiskit(qc)
        assert len(circuit) == 1
        expected = Operator(qc.assign_parameters([0.7])).data
        np.testing.assert_allclose(circuit.to_matrix([0.7]), expected, atol=EXACT)


def test_other_fractional_powers_need_their_angles():
    qc = circuit_of(AnnotatedOperation(library.UGate(theta, 0.1, 0.2), [PowerModifier(0.5)]))
    with pytest.raises(ParameterError, match=r"power 0.5 .* only for a single rotation, got u: bind theta"):
        Circuit.from_qiskit(qc)
    same(qc.assign_parameters([0.7]))


# Matrices


def test_what_qiskit_takes_for_unitary_becomes_exactly_so():
    digits = circuit_of(library.UnitaryGate([[0.7071068, 0.7071068], [0.7071068, -0.7071068]]))
    np.testing.assert_allclose(Circuit.from_qiskit(digits).to_matrix(), gates.H.matrix(), atol=1e-15)
    with pytest.raises(GateError, match=r"the matrix is not unitary: \|U U\^dagger - 1\| = 1$"):
        Circuit.from_qiskit(circuit_of(library.UnitaryGate([[1, 1], [0, 1]], check_input=False)))
