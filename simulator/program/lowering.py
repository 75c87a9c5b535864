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
from simulator.program.levels import NO_FACTORS, Angle, Dense, Level, OpenLevel, OpenLevels, add_factors
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
    return lowering.lowered()


_ROTATION, _CNOT, _MATRIX, _NOT = range(4)  # kinds of steps


class Lowering:
    """Lowers operations one after another by placing the steps of each gate on its qubits.

    Parameters
    ----------
    num_qubits : int
    numbers : mapping from Parameter to int
    """

    def __init__(self, num_qubits: int, numbers: Mapping[Parameter, int]) -> None:
        self.num_qubits, self.numbers = num_qubits, numbers
        self.levels = OpenLevels(num_qubits)
        self.starts: list[Start] = []
        self._phase, self._phase_factors = 0.0, dict[int, float]()
        # steps by the gate's `id`, with the gate, which must live as long; its hash would be computed in Python
        self._steps: dict[int, tuple[gates.Gate, list[tuple[Any, ...]] | None]] = {}
        self._numbers = {id(parameter): number for parameter, number in numbers.items()}  # likewise
        self._copies: list[Parameter] = []  # of those parameters, which must live as long
        self._touched: list[tuple[int, ...]] = []
        # The present X and Z of each qubit, each as one integer, so that they multiply in one operation: the masks x
        # and z, a sign, and a bit for each earlier string that it does not commute with.
        self._xs, self._zs = [1 << q for q in range(num_qubits)], [1 << (num_qubits + q) for q in range(num_qubits)]
        self._sign = 1 << 2 * num_qubits
        self._next, self._most = self._sign << 1, self._sign << 1 + _STRINGS

    def lowered(self) -> Lowered:
        """Return what the operations have become."""
        n, ones, sign = self.num_qubits, (1 << self.num_qubits) - 1, self._sign
        z_rows, x_columns = [z >> n & ones for z in self._zs], [x & ones for x in self._xs]
        flips = sum([1 << q for q, z in enumerate(self._zs) if z & sign])
        phase = Angle(self._phase, self._phase_factors)
        return Lowered(n, self.levels.closed(), self.starts, phase, z_rows, x_columns, flips)

    def stored_masks(self, x: int, z: int) -> tuple[int, int]:
        """Masks in the present basis of the circuit's Pauli string with masks x and z."""
        masks = image(self._xs, x) ^ image(self._zs, z)
        ones = (1 << self.num_qubits) - 1
        return masks & ones, masks >> self.num_qubits & ones

    def add(self, operations: Iterable[gates.Operation]) -> None:
        """Lower operations."""
        place, steps_of, touched, numbers = self.levels.place, self._steps, self._touched, self._numbers
        x_of, z_of, n, sign, both = self._xs, self._zs, self.num_qubits, self._sign, self._sign - 1
        for operation in operations:
            gate, qubits, angles, _, _ = operation
            entry = steps_of.get(id(gate))
            if entry is None:
                entry = steps_of[id(gate)] = gate, _plain(decompose(gate))
            steps = entry[1]
            if steps is None:
                self._amplitudes(operation)
                continue
            touched.append(qubits)
            for kind, xs, zs, ys, constant, terms in steps:
                if kind == _ROTATION:
                    product = 0
                    for q in xs:
                        product ^= x_of[qubits[q]]
                    for q in zs:
                        product ^= z_of[qubits[q]]
                    masks, scale = product & both, -1.0 if product & sign else 1.0
                    if xs and (ys - (masks & masks >> n).bit_count()) & 2:
                        scale = -scale
                    constant *= scale
                    factors = NO_FACTORS
                    for k, factor in terms:
                        angle = angles[k]
                        factor *= scale
                        if type(angle) is float:
                            angle *= factor
                            constant += reduced_number(angle)
                        elif factors is NO_FACTORS and id(angle) in numbers:
                            factors = {numbers[id(angle)]: 0.0 + factor}
                            constant += 0.0 * factor  # as for any expression; a zero can change its sign
                        else:
                            more = self.angle(angle)
                            constant += reduced_number(more.constant * factor)
                            factors = dict(factors)
                            add_factors(factors, more.factors, factor)
                    if not masks:
                        self._phase += reduced_number(constant * -0.5)
                        if factors:
                            add_factors(self._phase_factors, factors, -0.5)
                        continue
                    if self.renumbers:
                        constant, factors = self.renumbered(Angle(constant, factors), masks & (1 << n) - 1, masks >> n)
                    string = self._next
                    if place("rotations" if xs else "phases", masks, constant, factors, string, product):
                        for q in zs:
                            x_of[qubits[q]] |= string
                        for q in xs:
                            z_of[qubits[q]] |= string
                        self._next = string << 1
                        if string >= self._most:
                            self._drop_strings()
                elif kind == _CNOT:
                    control, target = qubits[xs], qubits[zs]
                    z_of[target] ^= z_of[control]
                    x_of[control] ^= x_of[target]
                elif kind == _MATRIX:
                    self.dense(constant, [qubits[q] for q in xs], unitary=terms)
                else:
                    z_of[qubits[xs]] ^= sign

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

    renumbers = False
    """Whether rotations have angles other than those of their gates, which `renumbered` returns."""

    def renumbered(self, angle: Angle, x: int, z: int) -> Angle:
        """Angle to place instead of a rotation's angle about the string with the masks x and z."""
        raise NotImplementedError

    def dense(self, matrix: NDArray[np.complex128], qubits: Sequence[int], unitary: bool = True) -> None:
        """Add a level for a dense matrix."""
        n, ones, sign = self.num_qubits, (1 << self.num_qubits) - 1, self._sign
        flips = sum([1 << k for k, q in enumerate(qubits) if self._zs[q] & sign])
        if flips:
            index = np.arange(len(matrix)) ^ flips
            matrix = matrix[index[:, None], index]
        xs, zs = tuple([self._xs[q] & ones for q in qubits]), tuple([self._zs[q] >> n & ones for q in qubits])
        string = self._next
        for q in qubits:  # a rotation that commutes with X and Z of all its qubits can be exchanged with it
            self._xs[q] |= string
            self._zs[q] |= string << 1
            string <<= 2
        self.levels.append(OpenLevel("dense", string - self._next, Dense(xs, zs, matrix, unitary)))
        self._next = string
        if string >= self._most:
            self._drop_strings()

    def _drop_strings(self) -> None:
        """Drop strings whose levels are out of reach."""
        first = 2 * self.num_qubits + 1  # the lowest bit that stands for a string
        present = (1 << first) - 1
        oldest = self.levels.recent[-1].strings
        dropped = (oldest & -oldest).bit_length() - 1 - first
        for level in self.levels.recent:
            level.strings = level.strings >> dropped & ~present
        for products in (self._xs, self._zs):
            products[:] = [product & present | product >> dropped & ~present for product in products]
        self._next >>= dropped
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
            self.starts.append(Start(qubits, gate.amplitudes))
        else:
            self.dense(gate.matrix(), qubits)

    def encoding(self, qubits: tuple[int, ...], angles: tuple[Angle, ...]) -> None:
        """Add initial amplitudes that depend on parameters."""
        self.starts.append(Start(qubits, None, angles))


def _plain(steps: Iterable[Step] | None) -> list[tuple[Any, ...]] | None:
    """Steps as tuples of their kind and five fields each: a loop unpacks these several times as fast as named ones."""
    return None if steps is None else [*map(_fields, steps)]


def _fields(step: Step) -> tuple[Any, ...]:
    if isinstance(step, StringRotation):
        return _ROTATION, step.xs, step.zs, len({*step.xs} & {*step.zs}), step.constant, step.factors
    if isinstance(step, Cnot):
        return _CNOT, step.control, step.target, 0, 0.0, ()
    if isinstance(step, Matrix):
        return _MATRIX, step.qubits, (), 0, step.matrix, step.unitary
    return _NOT, step.target, 0, 0, 0.0, ()
