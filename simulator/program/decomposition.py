"""Decomposition of gates into rotations about Pauli strings, CNOTs and NOTs, and dense matrices.

* A declared generator whose strings commute is a rotation about each of them, or about strings of Z between quarter
  turns if these are fewer; any other is one about strings of Z between its eigenvectors.
* A unitary on one qubit is given by its Euler angles, a diagonal by the Walsh-Hadamard transform of its phases.
* A permutation of basis states ``|j> -> |A j + b>`` over GF(2) is CNOTs and NOTs, up to phases.
* An exchange of two basis states, up to phases, is a NOT with controls between CNOTs.
* A sum of two Pauli strings is a rotation about one string and another string.
* Any other fixed unitary on several qubits is a dense matrix.
* A control multiplies the generator by ``(1 +- Z) / 2``.

A gate is decomposed once; `simulator.program.lowering` then places the steps on qubits.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator import gates, pauli
from simulator.parameters import Expression, Parameter
from simulator.pauli import places_of
from simulator.program.subspaces import pivots
from simulator.program.unitaries import (
    EXACT,
    TwoStrings,
    affine_map,
    eigenvectors,
    euler_angles,
    permutation,
    two_strings,
)
from simulator.range_reduction import reduced

_SMALL = 4  # maximum number of qubits of gates whose steps are cached, and of matrices whose form is sought


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
        steps = _composite(gate)
        return None if steps is None else _with_one_phase(steps)
    if isinstance(gate, gates.Rotation):
        return _with_one_phase(_rotation(gate))
    if isinstance(gate, gates.Diagonal):
        return _with_one_phase(_phases(gate.phases, gate.controls))
    return _with_one_phase(_fixed(gate))


def _with_one_phase(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Steps with the sum of their global phases in place of each of them."""
    constant, factors, out = 0.0, dict[int, float](), list[Step]()
    for step in steps:
        if isinstance(step, StringRotation) and not step.xs and not step.zs:
            constant += step.constant
            for k, factor in step.factors:
                factors[k] = factors.get(k, 0.0) + factor
        else:
            out.append(step)
    if constant or factors:
        out.append(StringRotation((), (), constant, tuple(factors.items())))
    return tuple(out)


_kept = functools.lru_cache(maxsize=4096)(_decomposed)


def _composite(gate: gates.Composite) -> list[Step] | None:
    angles = [Parameter(f"angle {k}") for k in range(gate.num_params)]
    numbers = {angle: k for k, angle in enumerate(angles)}
    out: list[Step] = []
    for operation in gate.expand(range(gate.num_qubits), angles):
        steps = decompose(operation.gate)
        if steps is None:
            return None
        out += (_inside(step, operation, numbers) for step in steps)
    return out


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
    terms = [*zip(x_masks.tolist(), z_masks.tolist(), coefficients.tolist(), strict=True)]
    moving = [x for x, _, _ in terms if x]
    if moving and not _commute(x_masks, z_masks):
        values, vectors = gate.spectrum
        diagonal = _diagonal(pauli.walsh_hadamard(values) / len(values), gate.controls, parametrised=True)
        yield from _between(vectors, tuple(range(len(gate.controls), gate.num_qubits)), diagonal)
    elif len(moving) << len(gate.controls) > 2 * len(pivots(moving)):
        yield from _made_diagonal(terms, gate.controls)
    else:
        for x, z, c in terms:
            yield from _controlled(x, z, 2 * c, gate.controls, parametrised=True)


def _made_diagonal(terms: Sequence[tuple[int, int, float]], controls: tuple[int, ...]) -> Iterator[Step]:
    """Rotations about commuting strings, as phases between quarter turns: one for each dimension of the masks x.

    Let P be one of the strings and q a qubit of its mask x. A quarter turn about ``Q = Z_q P`` makes P a Z_q, and each
    string S that does not commute with Q ``-i Q S``. All commute with Z_q then: no mask x has q any more.
    """
    split, turns = len(controls), list[tuple[tuple[int, ...], tuple[int, ...]]]()
    while moving := [(x, z) for x, z, _ in terms if x]:
        about_x, about_z = moving[0]
        about_z ^= about_x & -about_x
        turned = []
        for x, z, c in terms:
            if ((x & about_z).bit_count() + (z & about_x).bit_count()) & 1:
                new_x, new_z = x ^ about_x, z ^ about_z
                ys = (about_x & about_z).bit_count() + (x & z).bit_count() - (new_x & new_z).bit_count()
                quarters = ys + 2 * (about_z & x).bit_count() - 1
                x, z, c = new_x, new_z, -c if quarters & 2 else c
            turned.append((x, z, c))
        terms = turned
        xs, zs = (tuple([split + place for place in places_of(mask)]) for mask in (about_x, about_z))
        turns.append((xs, zs))
    for xs, zs in turns:
        yield StringRotation(xs, zs, math.pi / 2)
    for _, z, c in terms:
        yield from _controlled(0, z, 2 * c, controls, parametrised=True)
    for xs, zs in reversed(turns):
        yield StringRotation(xs, zs, -math.pi / 2)


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
    sizes = np.abs(coefficients)
    for z in np.flatnonzero(sizes > EXACT * (sizes.max() if parametrised else 1.0)).tolist():
        yield from _controlled(0, z, 2 * float(coefficients[z]), values, parametrised)


def _phases(phases: NDArray[np.float64], values: Sequence[int]) -> Iterator[Step]:
    """``diag(exp(i phases))`` on the targets."""
    return _diagonal(-pauli.walsh_hadamard(reduced(np.asarray(phases, float))) / len(phases), values)


def _fixed(gate: gates.Gate) -> Iterator[Step]:
    exact = permutation(gate.matrix()) if gate.num_qubits <= _SMALL else None
    affine = None if exact is None else affine_map(exact[0])
    if exact is not None and affine is not None:
        yield from _permutation(*affine)
        if np.any(exact[1]):
            yield from _phases(exact[1], ())
        return
    targets = tuple(range(len(gate.controls), gate.num_qubits))
    if gate.controls and 1 < len(targets) <= _SMALL:
        exact = permutation(gate.target_matrix())
    if not getattr(gate, "is_unitary", True):
        yield Matrix(tuple(range(gate.num_qubits)), gate.matrix(), unitary=False)
    elif gate.is_diagonal:
        yield from _phases(np.angle(np.diag(gate.target_matrix())), gate.controls)
    elif exact is not None and len(targets) > 1 and (steps := _exchange(gate, *exact)) is not None:
        yield from steps
    elif not gate.controls:
        yield from _unitary(gate.target_matrix(), targets)
    else:
        vectors, values = eigenvectors(gate.target_matrix())
        yield from _between(vectors, targets, _phases(np.angle(values), gate.controls))


def _exchange(gate: gates.Gate, images: list[int], phases: NDArray[np.float64]) -> list[Step] | None:
    """Steps of a gate that exchanges two basis states of its targets, up to phases: a controlled NOT between CNOTs.

    None if the images of the targets' states are others than those of an exchange.
    """
    exchanged = [j for j, image in enumerate(images) if image != j]
    if len(exchanged) != 2:
        return None
    split, (first, second) = len(gate.controls), exchanged
    place = (first ^ second).bit_length() - 1  # of the bit that is flipped; the CNOTs make the others equal
    others = [k for k in range(gate.num_targets) if k != place]
    values = (*gate.controls, *(first >> k & 1 for k in others))
    flip = gates.X.controlled(len(values), values)
    on = gates.Operation(flip, (*range(split), *(split + k for k in others), split + place), ())
    cnots = [Cnot(split + place, split + k) for k in others if (first ^ second) >> k & 1]
    flips = [_inside(step, on, {}) for step in decompose(flip) or ()]
    return [*cnots, *flips, *cnots, *(_phases(phases, gate.controls) if np.any(phases) else ())]


def _between(vectors: NDArray[np.complex128], qubits: tuple[int, ...], diagonal: Iterable[Step]) -> Iterator[Step]:
    """Diagonal steps between eigenvectors: first the inverse of the vectors' matrix, last this matrix.

    On one qubit it is ``RZ(c) RY(b)`` up to what commutes with the diagonal.
    """
    if len(qubits) > 1:
        yield from _unitary(vectors.conj().T, qubits)
        yield from diagonal
        yield from _unitary(vectors, qubits)
        return
    _, _, middle, last = euler_angles(vectors)
    if abs(last) > EXACT:
        yield StringRotation((), qubits, -last)
    yield StringRotation(qubits, qubits, -middle)
    yield from diagonal
    yield StringRotation(qubits, qubits, middle)
    if abs(last) > EXACT:
        yield StringRotation((), qubits, last)


def _unitary(matrix: NDArray[np.complex128], qubits: tuple[int, ...]) -> Iterator[Step]:
    if len(qubits) > 1:
        form = two_strings(matrix) if len(qubits) <= _SMALL else None
        if form is None:
            yield Matrix(qubits, matrix, unitary=True)
        else:
            yield from _of_two_strings(form, qubits)
        return
    phase, first, second, third = euler_angles(matrix)
    yield StringRotation((), (), -2 * phase)
    if max(abs(first + third), abs(abs(third) - math.pi / 2)) <= EXACT:
        yield StringRotation(qubits, (), -second if third > 0 else second)
        return
    for xs, angle in (((), first), (qubits, second), ((), third)):
        if abs(angle) > EXACT:
            yield StringRotation(xs, qubits, angle)


def _of_two_strings(form: TwoStrings, qubits: tuple[int, ...]) -> Iterator[Step]:
    x, z, about_x, about_z, angle, phase = form

    def on(mask: int) -> tuple[int, ...]:
        return tuple([qubits[place] for place in places_of(mask)])

    yield StringRotation(on(about_x), on(about_z), angle)
    phase += (x & z).bit_count() * math.pi / 2
    if z:
        yield StringRotation((), on(z), math.pi)
        phase += math.pi / 2
    yield StringRotation((), (), -2 * phase)
    yield from map(Not, on(x))


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
