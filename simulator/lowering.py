"""From a circuit's gates to rotations about Pauli strings.

Every gate becomes one or more of three things:

* a change of basis: gates that permute basis states linearly (x, cx, swap, ...) are never applied; they
  change what the qubits' Z and X mean in terms of the stored amplitudes' index;
* a rotation ``exp(-i angle/2 P)`` about a string P, in the stored basis: of a declared generator whose strings
  commute, of a one-qubit unitary's Euler angles, or of a diagonal's Walsh-Hadamard transform;
* a dense matrix, for fixed unitaries on several qubits and the eigenvectors of other generators.

Angles stay affine in the parameters throughout. Rotations are then placed into levels, each as early as the
ones it does not commute with allow: all of a level's diagonal rotations are one pass over the state.
"""

from __future__ import annotations

import cmath
import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator import gates, pauli
from simulator.errors import CircuitError
from simulator.parameters import Expression, Parameter

if TYPE_CHECKING:
    from simulator.circuit import Circuit

_LOOK_BACK = 64  # levels searched for an earlier place, so that lowering stays linear in the gates
_EXACT = 1e-15


@dataclass(slots=True)
class Angle:
    """An angle affine in numbered parameters: ``constant + sum(factors[k] * parameter k)``."""

    constant: float = 0.0
    factors: dict[int, float] = field(default_factory=dict)

    def scaled(self, factor: float) -> Angle:
        """This angle times a number."""
        return Angle(self.constant * factor, {k: v * factor for k, v in self.factors.items()})

    def add(self, other: Angle) -> None:
        """Add another angle in place."""
        self.constant += other.constant
        for k, v in other.factors.items():
            self.factors[k] = self.factors.get(k, 0.0) + v


@dataclass(slots=True)
class Rotation:
    """``exp(-i angle/2 P)`` with P given by its masks in the stored basis."""

    x: int
    z: int
    angle: Angle

    def commutes(self, other: Rotation) -> bool:
        """Whether the two strings commute."""
        return ((self.x & other.z).bit_count() + (self.z & other.x).bit_count()) & 1 == 0


@dataclass(slots=True)
class Dense:
    """A matrix on qubits given by the masks of their X and Z in the stored basis."""

    xs: tuple[int, ...]
    zs: tuple[int, ...]
    matrix: NDArray[np.complex128]

    def commutes(self, other: Rotation) -> bool:
        """Whether the string commutes with everything on these qubits."""
        return all(
            (x & other.z).bit_count() & 1 == 0 and (z & other.x).bit_count() & 1 == 0
            for x, z in zip(self.xs, self.zs, strict=True)
        )


@dataclass(slots=True)
class Level:
    """Rotations applied together: all diagonal (``kind`` "phases"), or in order; or one dense matrix."""

    kind: str
    members: list[Any] = field(default_factory=list)
    x: int = 0  # union of the members' masks, for a quick look
    z: int = 0

    def append(self, member: Rotation | Dense) -> None:
        """Add a member."""
        self.members.append(member)
        if isinstance(member, Rotation):
            self.x |= member.x
            self.z |= member.z
        else:
            self.x |= functools.reduce(int.__or__, member.xs, 0)
            self.z |= functools.reduce(int.__or__, member.zs, 0)

    def commutes(self, rotation: Rotation) -> bool:
        """Whether the rotation commutes with every member."""
        x, z = rotation.x, rotation.z
        if x & self.z == 0 and z & self.x == 0:
            return True
        if self.kind == "dense":
            return all(member.commutes(rotation) for member in self.members)
        # as Rotation.commutes, without its calls: they took most of the time of lowering
        return all(not ((x & m.z).bit_count() + (z & m.x).bit_count()) & 1 for m in self.members)


@dataclass(slots=True)
class Start:
    """Amplitudes given for some qubits before the first gate, numbers or parameters."""

    qubits: tuple[int, ...]
    amplitudes: NDArray[np.complex128] | None
    angles: tuple[Angle, ...] = ()


@dataclass(slots=True)
class Lowered:
    """A circuit as levels, with what turns the stored basis back into the circuit's.

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
        return _stored(x, z, self.x_columns, self.z_rows, self.flips)


def _stored(x: int, z: int, columns: Sequence[int], rows: Sequence[int], flips: int) -> tuple[int, int, int]:
    stored_x = stored_z = 0
    for q in bits_of(x):
        stored_x ^= columns[q]
    for q in bits_of(z):
        stored_z ^= rows[q]
    turns = (x & z).bit_count() - (stored_x & stored_z).bit_count()
    sign = (z & flips).bit_count() + turns // 2
    return stored_x, stored_z, -1 if sign & 1 else 1


def bits_of(mask: int) -> Iterable[int]:
    """The places of a mask's set bits, in increasing order."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def places_of(mask: int) -> list[int]:
    """The same as a list: a quarter of the time for the short masks of which there are many."""
    out = []
    while mask:
        out.append((mask & -mask).bit_length() - 1)
        mask &= mask - 1
    return out


def lower(circuit: Circuit, numbers: Mapping[Parameter, int]) -> Lowered:
    """Lower a circuit whose parameters are numbered by ``numbers``."""
    return Lowering(circuit.num_qubits, numbers).run(circuit.operations)


class Lowering:
    """Lowers operations one after the other; what a gate becomes is decided here."""

    def __init__(self, num_qubits: int, numbers: Mapping[Parameter, int]) -> None:
        self.numbers = numbers
        self.out = Lowered(
            num_qubits,
            levels=[],
            starts=[],
            phase=Angle(),
            z_rows=[1 << q for q in range(num_qubits)],
            x_columns=[1 << q for q in range(num_qubits)],
            flips=0,
        )
        self.touched = 0

    def run(self, operations: Iterable[gates.Operation]) -> Lowered:
        for operation in operations:
            self.operation(operation)
        return self.out

    def operation(self, operation: gates.Operation) -> None:
        gate, qubits = operation.gate, operation.qubits
        mask = 0
        for q in qubits:
            mask |= 1 << q
        if isinstance(gate, gates.Composite):
            for step in gate.expand(qubits, operation.angles):
                self.operation(step)
        elif isinstance(gate, gates.Rotation):
            self.rotation(gate, qubits, self.angle(operation.angles[0]))
        elif isinstance(gate, gates.StatePreparation | gates.AmplitudeEncoding):
            self.preparation(operation, fresh=not (self.touched & mask))
        elif isinstance(gate, gates.Diagonal):
            self.phases(gate.phases, qubits, gate.controls)
        else:
            self.fixed(gate, qubits)
        self.touched |= mask

    def angle(self, value: float | Expression) -> Angle:
        if isinstance(value, Expression):
            return Angle(value.constant, {self.numbers[p]: c for p, c in value.terms.items()})
        return Angle(float(value))

    def rotation(self, gate: gates.Rotation, qubits: Sequence[int], angle: Angle) -> None:
        split = len(gate.controls)
        controls, targets = qubits[:split], qubits[split:]
        terms = _commuting_terms(gate)
        if terms is None:
            values, vectors = gate.spectrum
            self.unitary(vectors.conj().T, targets)
            self.phase_strings(pauli.walsh_hadamard(values) / len(values), targets, controls, gate.controls, angle)
            self.unitary(vectors, targets)
            return
        for x, z, c in terms:
            self.controlled_string(spread(x, targets), spread(z, targets), angle.scaled(2 * c), controls, gate.controls)

    def controlled_string(self, x: int, z: int, angle: Angle, controls: Sequence[int], values: Sequence[int]) -> None:
        """``exp(-i angle/2 P)`` where the controls have their values: one string for each subset of them."""
        if not controls:
            self.string(x, z, angle)
            return
        share = angle.scaled(0.5 ** len(controls))
        for subset in range(1 << len(controls)):
            mask, sign = 0, 1.0
            for k in bits_of(subset):
                mask |= 1 << controls[k]
                sign *= -1.0 if values[k] else 1.0
            self.string(x, z | mask, share.scaled(sign))

    def string(self, x: int, z: int, angle: Angle) -> None:
        """``exp(-i angle/2 P)`` for a string in the circuit's basis."""
        if not x and not z:
            self.out.phase.add(angle.scaled(-0.5))
            return
        out = self.out
        x, z, sign = _stored(x, z, out.x_columns, out.z_rows, out.flips)
        place(out.levels, Rotation(x, z, angle.scaled(sign)))

    def phases(self, phases: NDArray[np.float64], qubits: Sequence[int], values: Sequence[int]) -> None:
        """``diag(exp(i phases))`` on the qubits after the controls."""
        split = len(values)
        coefficients = -pauli.walsh_hadamard(np.asarray(phases, float)) / len(phases)
        self.phase_strings(coefficients, qubits[split:], qubits[:split], values, Angle(1.0))

    def phase_strings(
        self,
        coefficients: NDArray[np.float64],
        targets: Sequence[int],
        controls: Sequence[int],
        values: Sequence[int],
        angle: Angle,
    ) -> None:
        """``exp(-i angle sum_z c_z Z**z)`` on the targets."""
        for z in np.flatnonzero(np.abs(coefficients) > _EXACT).tolist():
            scaled = angle.scaled(2 * float(coefficients[z]))
            self.controlled_string(0, spread(z, targets), scaled, controls, values)

    def fixed(self, gate: gates.Gate, qubits: Sequence[int]) -> None:
        permutation = _affine_permutation(gate) if gate.num_qubits <= 4 else None
        if permutation is not None:
            columns, offset, phases = permutation
            self.permute(columns, offset, qubits)
            if np.any(phases):
                self.phases(phases, qubits, ())
            return
        target = gate.target_matrix()
        split = len(gate.controls)
        controls, targets = qubits[:split], qubits[split:]
        unitary = getattr(gate, "is_unitary", True)
        if gate.is_diagonal and unitary:
            self.phases(np.angle(np.diag(target)), qubits, gate.controls)
        elif not controls and unitary:
            self.unitary(target, targets)
        elif not unitary:
            self.dense(gate.matrix(), qubits)
        else:
            vectors, values = _eigenvectors(gate)
            self.unitary(vectors.conj().T, targets)
            self.phases(np.angle(values), qubits, gate.controls)
            self.unitary(vectors, targets)

    def unitary(self, matrix: NDArray[np.complex128], qubits: Sequence[int]) -> None:
        if len(qubits) == 1:
            phase, first, second, third = _euler_angles(matrix)
            mask = 1 << qubits[0]
            self.out.phase.constant += phase
            self.string(0, mask, Angle(first))
            self.string(mask, mask, Angle(second))
            self.string(0, mask, Angle(third))
        else:
            self.dense(matrix, qubits)

    def dense(self, matrix: NDArray[np.complex128], qubits: Sequence[int]) -> None:
        out = self.out
        flips = sum(1 << k for k, q in enumerate(qubits) if out.flips >> q & 1)
        index = np.arange(len(matrix)) ^ flips
        level = Level("dense")
        level.append(
            Dense(
                tuple(out.x_columns[q] for q in qubits),
                tuple(out.z_rows[q] for q in qubits),
                matrix[np.ix_(index, index)],
            )
        )
        out.levels.append(level)

    def permute(self, columns: Sequence[int], offset: int, qubits: Sequence[int]) -> None:
        """The gate |j> -> |A j + offset>: A's columns are masks over the gate's qubits."""
        out = self.out
        k = len(qubits)
        rows = [sum((columns[c] >> r & 1) << c for c in range(k)) for r in range(k)]
        inverse = _inverse_columns(columns)
        old_rows = [out.z_rows[q] for q in qubits]
        old_columns = [out.x_columns[q] for q in qubits]
        old_flips = [out.flips >> q & 1 for q in qubits]
        for r, q in enumerate(qubits):
            row, flip = 0, offset >> r & 1
            for c in bits_of(rows[r]):
                row ^= old_rows[c]
                flip ^= old_flips[c]
            out.z_rows[q] = row
            out.flips = out.flips & ~(1 << q) | flip << q
            column = 0
            for c in bits_of(inverse[r]):
                column ^= old_columns[c]
            out.x_columns[q] = column

    def preparation(self, operation: gates.Operation, fresh: bool) -> None:
        gate, qubits = operation.gate, operation.qubits
        if isinstance(gate, gates.AmplitudeEncoding):
            if not fresh:
                raise CircuitError(
                    "initialize with parameters as amplitudes must be the first operation on its qubits; "
                    f"qubits {qubits} are in use already"
                )
            self.out.starts.append(Start(qubits, None, tuple(self.angle(a) for a in operation.angles)))
        elif isinstance(gate, gates.StatePreparation):
            if fresh and not gate.controls and not gate.adjoint:
                self.out.starts.append(Start(qubits, gate.amplitudes))
            else:
                self.dense(gate.matrix(), qubits)


def spread(mask: int, qubits: Sequence[int]) -> int:
    """Bit k of a mask moved to bit ``qubits[k]``."""
    return sum([1 << qubits[k] for k in places_of(mask)])


@functools.lru_cache(maxsize=4096)
def _commuting_terms(gate: gates.Rotation) -> list[tuple[int, int, float]] | None:
    """The strings (x, z, coefficient) of a rotation's generator; None if it is better done by its eigenvectors."""
    x_masks, z_masks, coefficients = gate.pauli_terms
    moving = np.count_nonzero(x_masks) << len(gate.controls)
    if moving and (moving > 2 or not _commute(x_masks, z_masks)):
        return None
    return list(zip(x_masks.tolist(), z_masks.tolist(), coefficients.tolist(), strict=True))


def _commute(x: NDArray[np.int64], z: NDArray[np.int64]) -> bool:
    crossings = np.bitwise_count(x[:, None] & z[None, :]) + np.bitwise_count(z[:, None] & x[None, :])
    return not np.any(crossings & 1)


def place(levels: list[Level], rotation: Rotation) -> None:
    """Put a rotation into the earliest level that what it does not commute with allows."""
    kind = "rotations" if rotation.x else "phases"
    found = None
    for level in reversed(levels[-_LOOK_BACK:]):
        commutes = level.commutes(rotation)
        if level.kind == kind:
            if commutes:
                for member in level.members:
                    if member.x == rotation.x and member.z == rotation.z:
                        member.angle.add(rotation.angle)
                        return
            found = level
        if not commutes:
            break
    if found is None:
        found = Level(kind)
        levels.append(found)
    found.append(rotation)


def _euler_angles(matrix: NDArray[np.complex128]) -> tuple[float, float, float, float]:
    """Phase p and angles a, b, c with ``U = exp(i p) RZ(c) RY(b) RZ(a)``."""
    u = np.asarray(matrix, complex)
    phase = cmath.phase(u[0, 0] * u[1, 1] - u[0, 1] * u[1, 0]) / 2
    u = u * cmath.exp(-1j * phase)
    middle = 2 * math.atan2(abs(u[1, 0]), abs(u[0, 0]))
    plus = 2 * cmath.phase(u[1, 1]) if abs(u[1, 1]) > 1e-12 else 0.0
    minus = 2 * cmath.phase(u[1, 0]) if abs(u[1, 0]) > 1e-12 else 0.0
    return phase, (plus - minus) / 2, middle, (plus + minus) / 2


@functools.lru_cache(maxsize=4096)
def _eigenvectors(gate: gates.Gate) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Orthonormal eigenvectors and the eigenvalues of a fixed gate's unitary."""
    import scipy.linalg  # a few of the standard gates need it, and it takes long to import

    upper, vectors = scipy.linalg.schur(gate.target_matrix(), output="complex")
    return vectors, np.diag(upper)


@functools.lru_cache(maxsize=4096)
def _affine_permutation(gate: gates.Gate) -> tuple[tuple[int, ...], int, NDArray[np.float64]] | None:
    """If the gate takes |j> to exp(i phases[A j + b]) |A j + b>: A's columns, b and the phases; else None."""
    matrix = gate.matrix()
    size = len(matrix)
    target = np.abs(matrix).argmax(axis=0)
    values = matrix[target, np.arange(size)]
    rest = matrix.copy()
    rest[target, np.arange(size)] = 0
    if np.abs(rest).max(initial=0) > _EXACT or np.abs(np.abs(values) - 1).max() > 1e-14:
        return None
    offset = int(target[0])
    columns = tuple(int(target[1 << k]) ^ offset for k in range(gate.num_qubits))
    for j in range(size):
        image = offset
        for k in bits_of(j):
            image ^= columns[k]
        if image != target[j]:
            return None
    phases = np.zeros(size)
    phases[target] = np.angle(values)
    return columns, offset, phases


def _inverse_columns(columns: Sequence[int]) -> list[int]:
    """Columns of the inverse of an invertible matrix over GF(2), given by columns."""
    k = len(columns)
    work = list(columns)
    inverse = [1 << c for c in range(k)]
    for r in range(k):
        pivot = next(c for c in range(r, k) if work[c] >> r & 1)
        work[r], work[pivot] = work[pivot], work[r]
        inverse[r], inverse[pivot] = inverse[pivot], inverse[r]
        for c in range(k):
            if c != r and work[c] >> r & 1:
                work[c] ^= work[r]
                inverse[c] ^= inverse[r]
    return inverse
