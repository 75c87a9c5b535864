"""Decomposition of gates into rotations about Pauli strings, CNOTs and NOTs, and dense matrices.

* A declared generator whose strings commute is a rotation about each of them; any other is one about strings of Z
  between its eigenvectors.
* A unitary on one qubit is given by its Euler angles, a diagonal by the Walsh-Hadamard transform of its phases.
* A permutation of basis states ``|j> -> |A j + b>`` over GF(2) is CNOTs and NOTs, up to phases.
* Any other fixed unitary on several qubits is a dense matrix.
* A control multiplies the generator by ``(1 +- Z) / 2``.

A gate is decomposed once; `simulator.program.lowering` then places the steps on qubits.
"""

from __future__ import annotations

import cmath
import functools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator import gates, pauli
from simulator.parameters import Expression, Parameter
from simulator.pauli import places_of
from simulator.range_reduction import reduced

_EXACT = 1e-15
_SMALL = 4  # maximum number of qubits of gates whose steps are cached and that are tested for being permutations


class StringRotation(NamedTuple):
    """``exp(-i angle/2 P)``; about the empty string, a global phase.

    Parameters
    ----------
    xs, zs : tuple of int
        Indices of the gate's qubits that have an X and a Z in P; a Y has both.
    constant : float
    factors : tuple of (int, float)
        The angle is ``constant + sum(factor * angles[k] for k, factor in factors)`` of the gate's angles.
    """

    xs: tuple[int, ...]
    zs: tuple[int, ...]
    constant: float
    factors: tuple[tuple[int, float], ...] = ()


class Cnot(NamedTuple):
    """A CNOT between two of the gate's qubits."""

    control: int
    target: int


class Not(NamedTuple):
    """A NOT of one of the gate's qubits."""

    target: int


class Matrix(NamedTuple):
    """A dense matrix on some of the gate's qubits; the first qubit is the lowest bit of its index."""

    qubits: tuple[int, ...]
    matrix: NDArray[np.complex128]
    unitary: bool


Step = StringRotation | Cnot | Not | Matrix


def decompose(gate: gates.Gate) -> tuple[Step, ...] | None:
    """Steps of a gate in the order of application; None if the gate or a part of it prepares amplitudes."""
    return _kept(gate) if gate.num_qubits <= _SMALL else _decomposed(gate)


def _decomposed(gate: gates.Gate) -> tuple[Step, ...] | None:
    if isinstance(gate, gates.StatePreparation | gates.AmplitudeEncoding):
        return None
    if isinstance(gate, gates.Composite):
        return _composite(gate)
    if isinstance(gate, gates.Rotation):
        return tuple(_rotation(gate))
    if isinstance(gate, gates.Diagonal):
        return tuple(_phases(gate.phases, gate.controls))
    return tuple(_fixed(gate))


_kept = functools.lru_cache(maxsize=4096)(_decomposed)


def _composite(gate: gates.Composite) -> tuple[Step, ...] | None:
    angles = [Parameter(f"angle {k}") for k in range(gate.num_params)]
    numbers = {angle: k for k, angle in enumerate(angles)}
    out: list[Step] = []
    for operation in gate.expand(range(gate.num_qubits), angles):
        steps = decompose(operation.gate)
        if steps is None:
            return None
        out += (_inside(step, operation, numbers) for step in steps)
    return tuple(out)


def _inside(step: Step, operation: gates.Operation, numbers: dict[Parameter, int]) -> Step:
    """Rewrite a step of an operation inside a composite in terms of the composite's qubits and angles."""
    qubits = operation.qubits
    if isinstance(step, Cnot):
        return Cnot(qubits[step.control], qubits[step.target])
    if isinstance(step, Not):
        return Not(qubits[step.target])
    if isinstance(step, Matrix):
        return Matrix(tuple(qubits[q] for q in step.qubits), step.matrix, step.unitary)
    constant, factors = step.constant, []
    for k, factor in step.factors:
        angle = operation.angles[k]
        if isinstance(angle, Expression):
            constant += factor * angle.constant
            factors += [(numbers[parameter], factor * c) for parameter, c in angle.terms.items()]
        else:
            constant += factor * angle
    return StringRotation(
        tuple(qubits[q] for q in step.xs), tuple(qubits[q] for q in step.zs), constant, tuple(factors)
    )


def _rotation(gate: gates.Rotation) -> Iterator[Step]:
    x_masks, z_masks, coefficients = gate.pauli_terms
    moving = np.count_nonzero(x_masks) << len(gate.controls)
    if moving and (moving > 2 or not _commute(x_masks, z_masks)):
        values, vectors = gate.spectrum
        targets = tuple(range(len(gate.controls), gate.num_qubits))
        yield from _unitary(vectors.conj().T, targets)
        yield from _diagonal(pauli.walsh_hadamard(values) / len(values), gate.controls, parametrised=True)
        yield from _unitary(vectors, targets)
        return
    for x, z, c in zip(x_masks.tolist(), z_masks.tolist(), coefficients.tolist(), strict=True):
        yield from _controlled(x, z, 2 * c, gate.controls, parametrised=True)


def _commute(x: NDArray[np.int64], z: NDArray[np.int64]) -> bool:
    crossings = np.bitwise_count(x[:, None] & z[None, :]) + np.bitwise_count(z[:, None] & x[None, :])
    return not np.any(crossings & 1)


def _controlled(x: int, z: int, factor: float, values: Sequence[int], parametrised: bool = False) -> Iterator[Step]:
    """Rotations by ``factor``, or by ``factor`` times the gate's angle, conditioned on the controls' values.

    The string's masks number the targets, which come after the controls. There is one string per subset of controls.
    """
    split = len(values)
    off = sum((not value) << k for k, value in enumerate(values))
    xs = tuple(q + split for q in places_of(x))
    for subset in range(1 << split):
        share = factor * 0.5**split * (-1.0) ** (subset & ~off).bit_count()
        zs = tuple(places_of(z << split | subset))
        yield StringRotation(xs, zs, 0.0, ((0, share),)) if parametrised else StringRotation(xs, zs, share)


def _diagonal(coefficients: NDArray[np.float64], values: Sequence[int], parametrised: bool = False) -> Iterator[Step]:
    """``exp(-i angle sum_z c_z Z**z)`` on the targets, for the angle 1 or the gate's angle."""
    for z in np.flatnonzero(np.abs(coefficients) > _EXACT).tolist():
        yield from _controlled(0, z, 2 * float(coefficients[z]), values, parametrised)


def _phases(phases: NDArray[np.float64], values: Sequence[int]) -> Iterator[Step]:
    """``diag(exp(i phases))`` on the targets."""
    return _diagonal(-pauli.walsh_hadamard(reduced(np.asarray(phases, float))) / len(phases), values)


def _fixed(gate: gates.Gate) -> Iterator[Step]:
    permutation = _affine_permutation(gate.matrix()) if gate.num_qubits <= _SMALL else None
    if permutation is not None:
        columns, offset, phases = permutation
        yield from _permutation(columns, offset)
        if np.any(phases):
            yield from _phases(phases, ())
        return
    targets = tuple(range(len(gate.controls), gate.num_qubits))
    if not getattr(gate, "is_unitary", True):
        yield Matrix(tuple(range(gate.num_qubits)), gate.matrix(), unitary=False)
    elif gate.is_diagonal:
        yield from _phases(np.angle(np.diag(gate.target_matrix())), gate.controls)
    elif not gate.controls:
        yield from _unitary(gate.target_matrix(), targets)
    else:
        vectors, values = _eigenvectors(gate.target_matrix())
        yield from _unitary(vectors.conj().T, targets)
        yield from _phases(np.angle(values), gate.controls)
        yield from _unitary(vectors, targets)


def _unitary(matrix: NDArray[np.complex128], qubits: tuple[int, ...]) -> Iterator[Step]:
    if len(qubits) > 1:
        yield Matrix(qubits, matrix, unitary=True)
        return
    phase, first, second, third = _euler_angles(matrix)
    yield StringRotation((), (), -2 * phase)
    for xs, angle in (((), first), (qubits, second), ((), third)):
        if abs(angle) > _EXACT:
            yield StringRotation(xs, qubits, angle)


def _euler_angles(matrix: NDArray[np.complex128]) -> tuple[float, float, float, float]:
    """Phase p and angles a, b, c with ``U = exp(i p) RZ(c) RY(b) RZ(a)``."""
    u = np.asarray(matrix, complex)
    phase = cmath.phase(u[0, 0] * u[1, 1] - u[0, 1] * u[1, 0]) / 2
    u = u * cmath.exp(-1j * phase)
    middle = 2 * math.atan2(abs(u[1, 0]), abs(u[0, 0]))
    plus = 2 * cmath.phase(u[1, 1]) if abs(u[1, 1]) > 1e-12 else 0.0
    minus = 2 * cmath.phase(u[1, 0]) if abs(u[1, 0]) > 1e-12 else 0.0
    return phase, (plus - minus) / 2, middle, (plus + minus) / 2


def _eigenvectors(unitary: NDArray[np.complex128]) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Orthonormal eigenvectors and eigenvalues of a unitary."""
    import scipy.linalg  # slow to import, and few standard gates need it

    upper, vectors = scipy.linalg.schur(unitary, output="complex")
    return vectors, np.diag(upper)


def _affine_permutation(
    matrix: NDArray[np.complex128],
) -> tuple[list[int], int, NDArray[np.float64]] | None:
    """Columns of A, b and the phases if the matrix maps |j> to exp(i phases[A j + b]) |A j + b>; else None."""
    size = len(matrix)
    row, column = np.nonzero(np.abs(matrix.T) > _EXACT)[::-1]
    if len(row) != size or np.any(column != np.arange(size)):
        return None
    values = matrix[row, column]
    if np.abs(np.abs(values) - 1).max() > 1e-14:
        return None
    target = row.tolist()
    offset = target[0]
    columns = [target[1 << k] ^ offset for k in range(size.bit_length() - 1)]
    images = [offset]
    for image_of_bit in columns:
        images += [image ^ image_of_bit for image in images]
    if images != target:
        return None
    phases = np.zeros(size)
    phases[row] = np.angle(values)
    return columns, offset, phases


def _permutation(columns: Sequence[int], offset: int) -> Iterator[Step]:
    """CNOTs and NOTs for ``|j> -> |A j + offset>``: the elimination that reduces A to the identity, reversed."""
    remaining = list(columns)
    cnots: list[Step] = []
    for pivot, column in enumerate(remaining):
        added = []
        if not column >> pivot & 1:
            added.append((column.bit_length() - 1, pivot))
            column |= 1 << pivot
        added += [(pivot, row) for row in places_of(column) if row != pivot]
        for control, target in added:
            remaining[:] = [row ^ (row >> control & 1) << target for row in remaining]
        cnots += (Cnot(*cnot) for cnot in added)
    yield from reversed(cnots)
    yield from (Not(target) for target in places_of(offset))
