"""Structures: circuits with parameters, lowered once, that are shared by tapes that differ only in numbers."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pennylane as qml
from numpy.typing import NDArray
from pennylane.measurements import MeasurementProcess
from pennylane.operation import Operator
from pennylane.tape import QuantumScript
from pennylane.wires import Wires

from simulator import gates
from simulator.circuit import Circuit
from simulator.observables import PauliSum
from simulator.parameters import Parameter
from simulator.pennylane_device import observables, operations
from simulator.pennylane_device.readouts import Expectation, readout
from simulator.program.program import Program

PREPARATIONS = (qml.StatePrep, qml.BasisState)
"""Operations that are not decomposed at the beginning of a tape."""


def key(tape: QuantumScript) -> Hashable:
    """Return a key that distinguishes the tape from others, up to its angles: equal keys mean equal structures."""
    ops = tape.operations
    begin = 1 if ops and isinstance(ops[0], PREPARATIONS) else 0
    signatures = [operations.signature(op) for op in ops[begin:]]
    if begin:
        signatures.insert(0, _preparation_signature(ops[0]))
    return tuple(signatures), tuple(_measured(m) for m in tape.measurements)


def _measured(measurement: MeasurementProcess) -> Hashable:
    kind: Any = type(measurement)
    if measurement.obs is not None:
        return kind, observables.signature(measurement.obs), _options(measurement)
    if measurement.mv is not None or measurement.eigvals() is not None:
        return observables.Same(measurement)
    return kind, measurement.wires, _options(measurement)


def _options(measurement: MeasurementProcess) -> tuple[Hashable, ...]:
    """Return other options of a measurement, such as ``all_outcomes`` or the base of a logarithm."""
    options = {k: v for k, v in vars(measurement).items() if k not in _NOT_OPTIONS}
    return tuple(sorted((k, v if isinstance(v, Hashable) else observables.Same(v)) for k, v in options.items()))


_NOT_OPTIONS = {"obs", "id", "mv", "_wires", "_eigvals", "queue_idx", "name", "_pauli_rep"}


def real_amplitudes(op: Operator) -> bool:
    """Whether the operation prepares real amplitudes, which become parameters like angles."""
    return isinstance(op, qml.StatePrep) and not op.is_sparse and qml.math.get_dtype_name(op.data[0])[:5] == "float"


def is_preparation(op: Operator) -> bool:
    """Whether the operation, at the beginning, prepares a state without decomposition."""
    if isinstance(op, qml.StatePrep):
        return real_amplitudes(op) or not qml.math.requires_grad(op.data[0])
    return isinstance(op, qml.BasisState)


def _preparation_signature(op: Operator) -> Hashable:
    if real_amplitudes(op):
        return qml.StatePrep, op.wires
    if isinstance(op, qml.StatePrep):
        return qml.StatePrep, op.wires, _amplitudes(op).tobytes()
    return qml.BasisState, op.wires, np.asarray(op.data[0]).astype(int).tobytes()


def _amplitudes(op: Operator) -> NDArray[Any]:
    """Return the amplitudes in their original precision."""
    data = op.data[0]
    if op.is_sparse:
        data = data.toarray().ravel()
    return np.asarray(data)


class Structure:
    """A circuit with measurements, whose angles are parameters in the order of the tape's data.

    Parameters
    ----------
    tape : QuantumScript
        Tape to convert; its angles do not matter.
    wires : Wires or None
        Wires of the device, in the order of the state's axes. Wires that only the tape has follow.
    precision : {"double", "single"}
    """

    def __init__(self, tape: QuantumScript, wires: Wires | None, precision: str) -> None:
        self.precision = precision
        order = _wire_order(tape, wires)
        last = max(len(order), 1) - 1
        self.num_qubits = last + 1
        qubits = {wire: last - k for k, wire in enumerate(order)}
        self.measurements = [m.map_wires({w: k for k, w in enumerate(order)}) for m in tape.measurements]
        self.readouts = [readout(m, qubits) for m in tape.measurements]
        self.postselects = any(isinstance(op, qml.Projector) for op in tape.operations)
        self.angled: list[int] = []  # indices of the operations whose data are columns
        self.slots: list[tuple[int, int] | None] = []  # first column and number of columns of each of the tape's data
        self.prepared = 0  # number of columns that are amplitudes; these come first
        self.parameters: list[Parameter] = []
        steps: list[gates.Operation] = []
        for k, op in enumerate(tape.operations):
            positions = tuple(qubits[w] for w in op.wires)
            if k == 0 and isinstance(op, PREPARATIONS):
                steps += self._preparation(op, positions)
            else:
                steps += self._step(k, op, positions)
        self.circuit = Circuit(self.num_qubits, steps)
        self._programs: dict[tuple[tuple[int, ...], bool], Program] = {}

    def _preparation(self, op: Operator, positions: tuple[int, ...]) -> list[gates.Operation]:
        if isinstance(op, qml.BasisState):
            self.slots.append(None)
            bits = np.asarray(op.data[0]).astype(int)
            return [gates.X(q) for q, bit in zip(positions, bits, strict=True) if bit]
        if not real_amplitudes(op):
            self.slots.append(None)
            return [gates.StatePreparation(_amplitudes(op))(*reversed(positions))]
        self.prepared = 1 << len(positions)
        return [gates.AmplitudeEncoding(len(positions))(*self._new(self.prepared), *reversed(positions))]

    def _step(self, k: int, op: Operator, positions: tuple[int, ...]) -> list[gates.Operation]:
        if not operations.has_angles(op):
            self.slots += [None] * len(op.data)
            return operations.make(op, positions, ())
        self.angled.append(k)
        return operations.make(op, positions, [self._new(1)[0] for _ in op.data])

    def _new(self, count: int) -> list[Parameter]:
        """Make parameters for the next ``count`` columns."""
        begin = len(self.parameters)
        self.slots.append((begin, count))
        added = [Parameter(f"p{begin + k}") for k in range(count)]
        self.parameters += added
        return added

    def program(self, inputs: tuple[int, ...], with_observables: bool = True) -> Program:
        """Return the lowered circuit, with the columns ``inputs`` as inputs and all others as weights."""
        variant = inputs, with_observables
        if variant not in self._programs:
            input_columns = set(inputs)
            self._programs[variant] = Program(
                self.circuit,
                self.observables if with_observables else (),
                [self.parameters[k] for k in inputs],
                [p for k, p in enumerate(self.parameters) if k not in input_columns],
                self.precision,
            )
        return self._programs[variant]

    @property
    def observables(self) -> list[PauliSum]:
        """Observables of all readouts, concatenated."""
        return [observable for r in self.readouts if r is not None for observable in r.observables]

    @property
    def differentiable(self) -> list[Expectation]:
        """The readouts, if all measurements are functions of expectations."""
        out = [r for r in self.readouts if r is not None]
        if len(out) != len(self.readouts):
            raise NotImplementedError("the adjoint method supports only expval, var, and probs of at most 10 wires")
        return out


def _wire_order(tape: QuantumScript, wires: Wires | None) -> list[Any]:
    """Return the tape's wires in the device's order; without one, sorted if they are 0, 1, ..., else as they appear."""
    used: dict[Any, None] = {}
    for item in (*tape.operations, *tape.measurements):
        used.update(dict.fromkeys(item.wires))
    if wires:
        return [w for w in wires if w in used] + [w for w in used if w not in wires]
    if set(used) == set(range(len(used))):
        return sorted(used)
    return list(used)
