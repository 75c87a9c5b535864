"""Conversion of circuits to Qiskit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit import circuit as qiskit_circuit
from qiskit.circuit import CircuitInstruction, IfElseOp, Measure, Reset, library, parametervector
from qiskit.quantum_info import SparsePauliOp

from simulator import gates, pauli
from simulator.errors import CircuitError, ParameterError
from simulator.gates import Angle, Condition, Gate, Operation
from simulator.operations.binding import listed
from simulator.operations.sequence import OperationSequence
from simulator.parameters import VECTOR_ELEMENT, Expression, Parameter, as_angle
from simulator.qiskit_circuits.conditions import written_condition
from simulator.qiskit_circuits.standard import QISKIT_CLASSES

__all__ = ["to_qiskit"]

PlacedGate = tuple[Any, Sequence[int]]
"""A Qiskit gate and the qubits it acts on."""

_STANDARD = {
    name: (gates.STANDARD[name], cls._standard_gate)
    for name, cls in QISKIT_CLASSES.items()
    if getattr(cls, "_standard_gate", None) is not None
}
"""For each name, the gate, and Qiskit's constant from which it makes an instruction in compiled code."""


def to_qiskit(circuit: OperationSequence) -> QuantumCircuit:
    """Convert a circuit to a ``qiskit.QuantumCircuit``.

    Standard gates keep their names, with any control values, and affine expressions stay expressions. Pauli
    rotations and rotations by a free angle become a ``PauliEvolutionGate``, all other gates a unitary. Consecutive
    operations under the same condition become one if-test.

    Raises
    ------
    ParameterError
        If two parameters have the same name, or a gate that can only be converted to a matrix has a free angle.
    CircuitError
        If a gate is not unitary.
    """
    out = QuantumCircuit(circuit.num_qubits, circuit.num_clbits)
    writer = _Writer(out, _qiskit_parameters(circuit.parameters))
    writer.write(out, circuit.operations)
    if writer.phase:  # set only once, because each change of it updates Qiskit's table of parameters
        out.global_phase = writer.phase
    return out


class _Writer:
    """Appends operations to a circuit, or to the body of an if-test in it.

    Parameters
    ----------
    circuit : QuantumCircuit
        Circuit whose bits all positions refer to.
    parameters : dict from Parameter to qiskit Parameter
    """

    def __init__(self, circuit: QuantumCircuit, parameters: dict[Parameter, Any]) -> None:
        self.circuit, self.parameters = circuit, parameters
        self.qubits, self.clbits = circuit.qubits, circuit.clbits
        self.phase: Any = 0.0
        self.touched: set[int] = set()

    def write(self, out: QuantumCircuit, operations: Iterable[Operation], depth: int = 0) -> None:
        """Append operations, inside the tests of their first ``depth`` conditions."""
        groups = [
            (conditions, list(group))
            for conditions, group in groupby(operations, lambda operation: operation.conditions[depth : depth + 1])
        ]
        merged = False
        for number, (conditions, group) in enumerate(groups):
            if merged:
                merged = False
            elif conditions:
                test = conditions[0]
                following, others = groups[number + 1] if number + 1 < len(groups) else ((), [])
                merged = following == (replace(test, equal=not test.equal),)  # the other branch of the same test
                branches = (group, others if merged else [])
                self._write_branches(out, test, branches if test.equal else branches[::-1], depth)
            else:
                self._write_unconditional(out, group)

    def _write_unconditional(self, out: QuantumCircuit, operations: Iterable[Operation]) -> None:
        """Append operations without further conditions."""
        qubits, append, standard = self.qubits, out._append, _STANDARD.get
        for operation in operations:
            gate, positions = operation.gate, operation.qubits
            angles = [self._angle(angle) for angle in operation.angles] if operation.angles else ()
            entry = standard(gate.name)
            if entry is not None and entry[0] is gate and positions:  # most gates need no object in Python
                append(CircuitInstruction.from_standard(entry[1], [qubits[q] for q in positions], angles))
                self.touched.update(positions)
            else:
                self._write_other(out, operation)

    def _write_other(self, out: QuantumCircuit, operation: Operation) -> None:
        if not operation.qubits:
            phase = self._phase(operation)
            if out is self.circuit:
                self.phase += phase
            else:
                out.global_phase += phase
            return
        if operation.gate == gates.MEASURE:
            bits = [self.clbits[c] for c in operation.clbits]
            out._append(CircuitInstruction(Measure(), [self.qubits[q] for q in operation.qubits], bits))
        elif operation.gate == gates.RESET:
            out._append(CircuitInstruction(Reset(), [self.qubits[q] for q in operation.qubits]))
        else:
            for gate, positions in _converted(operation, self.touched, self.parameters):
                out._append(CircuitInstruction(gate, [self.qubits[q] for q in positions]))
        self.touched.update(operation.qubits)

    def _write_branches(
        self, out: QuantumCircuit, test: Condition, branches: Sequence[list[Operation]], depth: int
    ) -> None:
        """Append an if-test with a branch for bits that have the value and a branch for bits that do not."""
        both = [*branches[0], *branches[1]]
        qubits = [self.qubits[q] for q in sorted({q for operation in both for q in operation.qubits})]
        tested = {bit for operation in both for condition in operation.conditions[depth:] for bit in condition.clbits}
        clbits = [self.clbits[c] for c in sorted(tested.union(*(operation.clbits for operation in both)))]
        value = test.value
        if len(test.clbits) == 1 and not branches[0]:  # a single bit that is not 1 is 0
            value, branches = 1 - value, branches[::-1]
        condition = written_condition([self.clbits[c] for c in test.clbits], value, self.circuit.cregs)
        if isinstance(condition, tuple) and condition[0] in self.circuit.cregs and condition[0] not in out.cregs:
            out.add_register(condition[0])  # a body must contain the register that it tests
        bodies = []
        for operations in branches if branches[1] else branches[:1]:
            body = QuantumCircuit(qubits, clbits)
            self.write(body, operations, depth + 1)
            bodies.append(body)
        out.append(IfElseOp(condition, *bodies), qubits, clbits)

    def _angle(self, angle: Angle) -> Any:
        return _angle(angle, self.parameters) if isinstance(angle, Expression) else angle

    def _phase(self, operation: Operation) -> Any:
        """Return the phase of a gate that acts on no qubits."""
        gate, angles = operation.gate, operation.angles
        if isinstance(gate, gates.Rotation):
            return _angle(as_angle(-float(gate.generator[0, 0].real) * angles[0]), self.parameters)
        return float(np.angle(_matrix(gate, angles)[0, 0]))


def _converted(operation: Operation, touched: set[int], parameters: dict[Parameter, Any]) -> Iterable[PlacedGate]:
    gate, qubits = operation.gate, operation.qubits
    angles = [_angle(angle, parameters) for angle in operation.angles]
    standard = _standard(gate, angles)
    if standard is not None:
        return [(standard, qubits)]
    split = len(gate.controls)
    base = _uncontrolled(gate)
    if base == gates.GLOBAL_PHASE:
        return _controlled_phase(gate.controls, angles[0], qubits)
    standard = _standard(base, angles)
    if standard is not None:
        return [(standard.control(split, ctrl_state=pauli.mask_of(gate.controls), annotated=False), qubits)]
    if isinstance(gate, gates.PauliRotation):
        return [(_pauli_rotation(gate, angles[0]), qubits)]
    if isinstance(gate, gates.Rotation) and isinstance(operation.angles[0], Expression):
        return _free_rotation(gate, angles[0], qubits)
    if isinstance(gate, gates.Composite):
        return [(_subcircuit(gate, operation.angles, parameters), qubits)]
    if isinstance(gate, gates.Diagonal):
        phases = _on_active(gate, gate.phases, 0.0)
        return [(library.DiagonalGate(list(np.exp(1j * phases))), qubits)]
    if isinstance(gate, gates.StatePreparation) and not gate.adjoint and not split and touched.isdisjoint(qubits):
        return [(library.StatePreparation(gate.amplitudes), qubits)]
    return [(_unitary(gate, operation.angles), qubits)]


def _standard(gate: Gate, angles: Sequence[Any]) -> Any:
    """Return Qiskit's gate if ``gate`` is the standard gate of its name; None if it only has the name of one."""
    standard = gates.STANDARD.get(gate.name)
    if standard is not gate and standard != gate:
        return None
    return QISKIT_CLASSES[gate.name](*angles) if gate.name in QISKIT_CLASSES else None


def _uncontrolled(gate: Gate) -> Gate:
    if not gate.controls:
        return gate
    return gate.without_controls()


def _controlled_phase(controls: tuple[int, ...], angle: Any, qubits: Sequence[int]) -> list[PlacedGate]:
    """Make a phase on states whose ``qubits`` have the values ``controls``; a qubit that must be 1 is the target."""
    if 1 not in controls:
        flip = (library.XGate(), qubits[-1:])
        return [flip, *_controlled_phase((*controls[:-1], 1), angle, qubits), flip]
    last = len(controls) - 1 - controls[::-1].index(1)
    others = [k for k in range(len(controls)) if k != last]
    phase = library.PhaseGate(angle)
    if others:
        phase = phase.control(len(others), ctrl_state=pauli.mask_of([controls[k] for k in others]), annotated=False)
    return [(phase, [*(qubits[k] for k in others), qubits[last]])]


def _pauli_rotation(gate: gates.PauliRotation, angle: Any) -> Any:
    """Make an evolution under the string times the projector on the control values, a sum of commuting strings."""
    split = len(gate.controls)
    x, z = (mask << split for mask in gate.masks)
    subsets = np.arange(1 << split)
    ones = pauli.mask_of(gate.controls)
    strings = [(x, z | int(s), (-1) ** (int(s) & ones).bit_count() / (1 << split)) for s in subsets]
    return _evolution(strings, gate.num_qubits, angle / 2)


def _free_rotation(gate: gates.Rotation, angle: Any, qubits: Sequence[int]) -> list[PlacedGate]:
    """Make ``exp(-i angle G)``, exactly, as an evolution under Z strings in the eigenbasis of G."""
    targets = qubits[len(gate.controls) :]
    if gate.is_diagonal:
        values, basis = np.diag(gate.generator).real, None
    else:
        values, basis = gate.spectrum
    full = _on_active(gate, values, 0.0)
    weights = pauli.walsh_hadamard(full) / len(full)
    strings = [(0, z, float(w)) for z, w in enumerate(weights) if abs(w) > 1e-15 * np.abs(weights).max()]
    evolution = (_evolution(strings or [(0, 0, 0.0)], gate.num_qubits, angle), qubits)
    if basis is None:
        return [evolution]
    label = gate.name
    to_basis = library.UnitaryGate(basis.conj().T, label=f"{label} basis dg", check_input=False)
    from_basis = library.UnitaryGate(basis, label=f"{label} basis", check_input=False)
    return [(to_basis, targets), evolution, (from_basis, targets)]


def _evolution(strings: Sequence[tuple[int, int, float]], num_qubits: int, time: Any) -> Any:
    operator = SparsePauliOp([pauli.label(x, z, num_qubits) for x, z, _ in strings], [c for _, _, c in strings])
    return library.PauliEvolutionGate(operator, time=time)


def _subcircuit(gate: gates.Composite, angles: Sequence[Angle], parameters: dict[Parameter, Any]) -> Any:
    inner = QuantumCircuit(gate.num_qubits, name=gate.name)
    writer = _Writer(inner, parameters)
    writer.write(inner, gate.expand(range(gate.num_qubits), angles))
    inner.global_phase = writer.phase
    return inner.to_gate()


def _unitary(gate: Gate, angles: Sequence[Angle]) -> Any:
    label = None if gate.name == "unitary" else gate.name
    return library.UnitaryGate(_matrix(gate, angles), label=label, check_input=False)


def _matrix(gate: Gate, angles: Sequence[Angle]) -> NDArray[np.complex128]:
    free = [angle for angle in angles if isinstance(angle, Expression)]
    if free:
        names = listed(dict.fromkeys(p for angle in free for p in angle.terms))
        raise ParameterError(f"{gate.name} converts to a matrix in Qiskit, so its angles must be numbers: bind {names}")
    if isinstance(gate, gates.Fixed) and not gate.is_unitary:
        raise CircuitError(f"{gate.name} is not unitary, so Qiskit has no gate for it")
    return gate.matrix(*angles)  # type: ignore[arg-type]


def _on_active(gate: Gate, values: NDArray[Any], otherwise: float) -> NDArray[Any]:
    """Return a value for each basis state of the gate's qubits: ``values`` of the targets if the controls match."""
    split = len(gate.controls)
    out = np.full(len(values) << split, otherwise)
    out[(np.arange(len(values)) << split) + pauli.mask_of(gate.controls)] = values
    return out


def _angle(angle: Angle, parameters: dict[Parameter, Any]) -> Any:
    if not isinstance(angle, Expression):
        return angle
    terms = [parameters[p] if c == 1 else c * parameters[p] for p, c in angle.terms.items()]
    return sum(terms[1:], terms[0]) + angle.constant if angle.constant else sum(terms[1:], terms[0])


def _qiskit_parameters(parameters: Sequence[Parameter]) -> dict[Parameter, Any]:
    """Make Qiskit parameters of the same names and identities; vectors stay vectors, which Qiskit sorts by index."""
    names: dict[str, Parameter] = {}
    vectors: defaultdict[tuple[str, int], dict[Parameter, int]] = defaultdict(dict)
    out = {}
    for parameter in parameters:
        if names.setdefault(parameter.name, parameter) != parameter:
            raise ParameterError(f"Qiskit needs parameters with different names, two are called {parameter.name}")
        element = VECTOR_ELEMENT.fullmatch(parameter.name)
        if element and int(element[2]) <= parameter.identity:
            vectors[element[1], parameter.identity - int(element[2])][parameter] = int(element[2])
        else:
            out[parameter] = qiskit_circuit.Parameter(parameter.name, uuid=UUID(int=parameter.identity))
    for (name, identity), indices in vectors.items():
        elements = _vector_elements(name, max(indices.values()) + 1, identity)
        out.update((parameter, elements[index]) for parameter, index in indices.items())
    return out


def _vector_elements(name: str, length: int, identity: int) -> Sequence[Any]:
    try:
        return qiskit_circuit.ParameterVector(name, length, UUID(int=identity))  # type: ignore[no-any-return]
    except TypeError:  # before Qiskit 2.5 a vector has a random identity, and its elements accept theirs
        vector = qiskit_circuit.ParameterVector(name, length)
        element = parametervector.ParameterVectorElement
        return [element(vector, k, UUID(int=identity + k)) for k in range(length)]
