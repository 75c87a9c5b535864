"""Lowering of a circuit's gates to rotations about Pauli strings.

Every gate becomes one or more of three things (`simulator.program.decomposition`):

* a change of basis: CNOTs, NOTs and gates composed of them are never applied; they change how the qubits' Z and X
  act on the index of the stored amplitudes;
* a rotation ``exp(-i angle/2 P)`` about a string P, in the stored basis;
* a dense matrix.

Angles stay affine in the parameters throughout. Each rotation is then placed in the earliest level (`program.levels`)
that its commutation relations allow: all diagonal rotations of a level are one pass over the state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import gates
from simulator.errors import CircuitError
from simulator.operations.sequence import OperationSequence
from simulator.parameters import Expression, Parameter
from simulator.program.decomposition import Cnot, Matrix, Step, StringRotation, decompose
from simulator.program.levels import LOOK_BACK, Angle, Dense, Level, place
from simulator.program.starts import Start
from simulator.program.subspaces import image
from simulator.range_reduction import reduced_number

_STRINGS = 512  # number of strings numbered before unreachable ones are dropped


@dataclass(slots=True)
class Lowered:
    """A circuit as levels, with the map from the stored basis to the circuit's basis.

    Basis state y of the circuit is stored at the index i with bit q of y the parity of ``i & z_rows[q]``, plus
    bit q of ``flips``.
    """

    num_qubits: int
    levels: list[Level]
    starts: list[Start]
    phase: Angle
    z_rows: list[int]
    x_columns: list[int]
    flips: int

    def stored_string(self, x: int, z: int) -> tuple[int, int, int]:
        """Masks in the stored basis and sign of the circuit's Pauli string with masks x and z."""
        stored_x, stored_z = image(self.x_columns, x), image(self.z_rows, z)
        ys = (x & z).bit_count() - (stored_x & stored_z).bit_count()
        sign = (z & self.flips).bit_count() + ys // 2
        return stored_x, stored_z, -1 if sign & 1 else 1


def lower(circuit: OperationSequence, numbers: Mapping[Parameter, int]) -> Lowered:
    """Lower a circuit whose parameters are numbered by ``numbers``."""
    lowering = Lowering(circuit.num_qubits, numbers)
    lowering.add(circuit.operations)
    return lowering.out


class Lowering:
    """Lowers operations one after another by placing the steps of each gate on its qubits."""

    def __init__(self, num_qubits: int, numbers: Mapping[Parameter, int]) -> None:
        self.numbers = numbers
        single = [1 << q for q in range(num_qubits)]
        self.out = Lowered(num_qubits, [], [], Angle(), single, list(single), 0)
        # steps by the gate's `id`, with the gate, which must live as long; its hash would be computed in Python
        self._steps: dict[int, tuple[gates.Gate, list[tuple[Any, ...]] | None]] = {}
        self._numbers = {id(parameter): number for parameter, number in numbers.items()}  # likewise
        self._copies: list[Parameter] = []  # of those parameters, which must live as long
        self._touched: list[tuple[int, ...]] = []
        # bit sets of the earlier strings that do not commute with the current X and Z of each qubit
        self._x_crossing, self._z_crossing = [0] * num_qubits, [0] * num_qubits
        self._next, self._most = 1, 1 << _STRINGS

    def add(self, operations: Iterable[gates.Operation]) -> None:
        """Lower operations."""
        out, levels, steps_of, touched = self.out, self.out.levels, self._steps, self._touched
        x_columns, z_rows, x_crossing, z_crossing = out.x_columns, out.z_rows, self._x_crossing, self._z_crossing
        for operation in operations:
            gate, qubits, angles = operation.gate, operation.qubits, operation.angles
            entry = steps_of.get(id(gate))
            if entry is None:
                entry = steps_of[id(gate)] = gate, _plain(decompose(gate))
            steps = entry[1]
            if steps is None:
                self._amplitudes(operation)
                continue
            touched.append(qubits)
            for step in steps:
                kind = step[0]
                if kind is StringRotation:
                    _, xs, zs, constant, factors = step
                    x = z = crossing = sign = ys = 0
                    for q in xs:
                        if q in zs:
                            ys += 1
                        q = qubits[q]
                        x ^= x_columns[q]
                        crossing ^= x_crossing[q]
                    for q in zs:
                        q = qubits[q]
                        z ^= z_rows[q]
                        crossing ^= z_crossing[q]
                        sign ^= out.flips >> q
                    sign ^= (ys - (x & z).bit_count()) >> 1
                    scale = -1.0 if sign & 1 else 1.0
                    angle = Angle(scale * constant, {})
                    if factors:
                        self._add_angles(angle, factors, scale, angles)
                    if not x and not z:
                        out.phase.add(angle, -0.5)
                        continue
                    if self.renumbers:
                        angle = self.renumbered(angle, x, z)
                    string = self._next
                    if place(levels, x, z, angle, string, crossing):
                        for q in zs:
                            x_crossing[qubits[q]] |= string
                        for q in xs:
                            z_crossing[qubits[q]] |= string
                        self._next = string << 1
                        if string >= self._most:
                            self._drop_strings()
                elif kind is Cnot:
                    control, target = qubits[step[1]], qubits[step[2]]
                    z_rows[target] ^= z_rows[control]
                    x_columns[control] ^= x_columns[target]
                    z_crossing[target] ^= z_crossing[control]
                    x_crossing[control] ^= x_crossing[target]
                    out.flips ^= (out.flips >> control & 1) << target
                elif kind is Matrix:
                    _, numbers, matrix, unitary = step
                    self.dense(matrix, [qubits[q] for q in numbers], unitary)
                else:
                    out.flips ^= 1 << qubits[step[1]]

    def angle(self, value: float | Expression) -> Angle:
        """Express an angle in terms of numbered parameters."""
        if type(value) is Parameter:
            return Angle(0.0, {self.number(value): 1.0})
        if isinstance(value, Expression):
            return Angle(value.constant, {self.number(p): c for p, c in value.terms.items()})
        return Angle(float(value))

    def number(self, parameter: Parameter) -> int:
        """Number of a parameter."""
        number = self._numbers.get(id(parameter))
        if number is None:
            number = self._numbers[id(parameter)] = self.numbers[parameter]
            self._copies.append(parameter)
        return number

    def _add_angles(
        self,
        angle: Angle,
        factors: Iterable[tuple[int, float]],
        scale: float,
        values: Sequence[float | Expression],
    ) -> None:
        """Add an operation's angles, each times its factor and ``scale``."""
        terms, numbers = angle.factors, self._numbers
        for k, factor in factors:
            value = values[k]
            factor *= scale
            if type(value) is Parameter:
                number = numbers[id(value)] if id(value) in numbers else self.number(value)
                angle.constant += 0.0 * factor  # as for any expression; a zero can change its sign
                terms[number] = terms.get(number, 0.0) + factor
            elif isinstance(value, Expression):
                angle.constant += reduced_number(value.constant * factor)
                for parameter, coefficient in value.terms.items():
                    number = self.number(parameter)
                    terms[number] = terms.get(number, 0.0) + coefficient * factor
            else:
                angle.constant += reduced_number(value * factor)

    renumbers = False
    """Whether rotations have angles other than those of their gates, which `renumbered` returns."""

    def renumbered(self, angle: Angle, x: int, z: int) -> Angle:
        """Angle to place instead of a rotation's angle about the string with the masks x and z."""
        raise NotImplementedError

    def dense(self, matrix: NDArray[np.complex128], qubits: Sequence[int], unitary: bool = True) -> None:
        """Add a level for a dense matrix."""
        out = self.out
        flips = sum([(out.flips >> q & 1) << k for k, q in enumerate(qubits)])
        if flips:
            index = np.arange(len(matrix)) ^ flips
            matrix = matrix[index[:, None], index]
        xs, zs = tuple([out.x_columns[q] for q in qubits]), tuple([out.z_rows[q] for q in qubits])
        level = Level("dense", [Dense(xs, zs, matrix, unitary)])
        out.levels.append(level)
        string = self._next
        for q in qubits:  # a rotation that commutes with X and Z of all its qubits can be exchanged with it
            self._x_crossing[q] |= string
            self._z_crossing[q] |= string << 1
            string <<= 2
        level.strings = string - self._next
        self._next = string
        if string >= self._most:
            self._drop_strings()

    def _drop_strings(self) -> None:
        """Drop strings whose levels are out of reach."""
        levels = self.out.levels[-LOOK_BACK:]
        oldest = (levels[0].strings & -levels[0].strings).bit_length() - 1
        for level in levels:
            level.strings >>= oldest
        for crossings in (self._x_crossing, self._z_crossing):
            crossings[:] = [crossing >> oldest for crossing in crossings]
        self._next >>= oldest
        self._most = self._next << _STRINGS

    def _amplitudes(self, operation: gates.Operation) -> None:
        """Lower a gate that prepares amplitudes."""
        gate, qubits = operation.gate, operation.qubits
        if isinstance(gate, gates.Composite):
            self.add(gate.expand(qubits, operation.angles))
            return
        fresh = set(qubits).isdisjoint(chain.from_iterable(self._touched))
        self._touched.append(qubits)
        if isinstance(gate, gates.AmplitudeEncoding):
            if not fresh:
                raise CircuitError(
                    "initialize with parameters as amplitudes must be the first operation on its qubits; "
                    f"qubits {qubits} are in use already"
                )
            self.encoding(qubits, tuple(self.angle(a) for a in operation.angles))
        elif isinstance(gate, gates.StatePreparation) and fresh and not gate.controls and not gate.adjoint:
            self.out.starts.append(Start(qubits, gate.amplitudes))
        else:
            self.dense(gate.matrix(), qubits)

    def encoding(self, qubits: tuple[int, ...], angles: tuple[Angle, ...]) -> None:
        """Add initial amplitudes that depend on parameters."""
        self.out.starts.append(Start(qubits, None, angles))


def _plain(steps: Iterable[Step] | None) -> list[tuple[Any, ...]] | None:
    """Steps as tuples that begin with their class: Python unpacks these several times as fast as named ones."""
    return None if steps is None else [(type(step), *step) for step in steps]
