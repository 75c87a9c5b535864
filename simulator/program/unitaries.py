"""Forms of small unitaries that tell what they are made of, found in the numbers of their matrices."""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator import pauli

EXACT = 2e-15  # bound of entries, coefficients and angles that count as zero


class TwoStrings(NamedTuple):
    """``exp(i phase) A exp(-i angle/2 P)``, a sum of two Pauli strings.

    Parameters
    ----------
    x, z : int
        Masks of A, of which z is 0 if it can be.
    about_x, about_z : int
        Masks of P.
    angle, phase : float
    """

    x: int
    z: int
    about_x: int
    about_z: int
    angle: float
    phase: float


def two_strings(matrix: NDArray[np.complex128]) -> TwoStrings | None:
    """Write a unitary that is the sum of two Pauli strings as a rotation and a string; None for others.

    ``a A + b B = A (a + b A B)``, where ``b A B / a`` is ``-i tan(angle/2) P``, because it is a string up to a factor.
    The larger of a and b tells the phase: the other one may be a rounding error.
    """
    index = np.arange(len(matrix))
    if np.count_nonzero(np.abs(matrix) > EXACT) > 2 * len(matrix):
        return None
    shifted = matrix[index ^ index[:, None], index]  # [x, i] = M[i ^ x, i]
    ys = np.bitwise_count(index & index[:, None]).astype(np.int64)
    coefficients = pauli.walsh_hadamard(shifted) * (-1j) ** (ys % 4) / len(matrix)
    xs, zs = np.nonzero(np.abs(coefficients) > EXACT)
    if len(xs) != 2:
        return None
    (z, x, a), (other_z, other_x, b) = sorted(zip(zs.tolist(), xs.tolist(), coefficients[xs, zs].tolist(), strict=True))
    about_x, about_z = x ^ other_x, z ^ other_z
    quarters = (x & z).bit_count() + (other_x & other_z).bit_count() - (about_x & about_z).bit_count()
    turned = b * 1j ** (quarters + 2 * (z & other_x).bit_count() + 1)  # sin(angle/2) where a is cos(angle/2)
    sign = math.copysign(1.0, (turned * a.conjugate()).real)
    angle, phase = 2 * sign * math.atan2(abs(b), abs(a)), cmath.phase(max(a, sign * turned, key=abs))
    return TwoStrings(x, z, about_x, about_z, angle, phase)


def euler_angles(matrix: NDArray[np.complex128]) -> tuple[float, float, float, float]:
    """Phase p and angles a, b, c with ``U = exp(i p) RZ(c) RY(b) RZ(a)``, a up to pi and c up to pi/2 in magnitude."""
    u = np.asarray(matrix, complex)
    phase = cmath.phase(u[0, 0] * u[1, 1] - u[0, 1] * u[1, 0]) / 2
    u = u * cmath.exp(-1j * phase)
    middle = 2 * math.atan2(abs(u[1, 0]), abs(u[0, 0]))
    plus = 2 * cmath.phase(u[1, 1]) if abs(u[1, 1]) > EXACT else 0.0
    minus = 2 * cmath.phase(u[1, 0]) if abs(u[1, 0]) > EXACT else 0.0
    first, last = (plus - minus) / 2, (plus + minus) / 2
    half_turns = round(last / math.pi)  # RZ(pi) RY(b) is RY(-b) RZ(pi)
    turns = round((first + half_turns * math.pi) / (2 * math.pi))
    first, last = first + (half_turns - 2 * turns) * math.pi, last - half_turns * math.pi
    return phase + turns * math.pi, first, -middle if half_turns % 2 else middle, last


def eigenvectors(unitary: NDArray[np.complex128]) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Orthonormal eigenvectors and eigenvalues of a unitary, to a rounding error times the square of its size.

    They are those of the Hermitian part of ``exp(-i turn) U``, whose eigenvalues are ``cos(angle - turn)``. Two of them
    are as far apart as those of U, up to the sine of the distance of the turn from the mean of their two angles.
    """
    angles = np.angle(np.linalg.eigvals(unitary))
    means = np.sort(((angles[:, None] + angles) / 2)[np.triu_indices(len(angles), 1)] % math.pi)
    gaps = np.diff(means, append=means[:1] + math.pi)
    widest = int(gaps.argmax())
    turned = unitary * cmath.exp(-1j * (means[widest] + gaps[widest] / 2))
    _, vectors = np.linalg.eigh((turned + turned.conj().T) / 2)
    return vectors, (vectors.conj() * (unitary @ vectors)).sum(axis=0)


def permutation(matrix: NDArray[np.complex128]) -> tuple[list[int], NDArray[np.float64]] | None:
    """Images and phases if the matrix maps |j> to exp(i phases[images[j]]) |images[j]>; else None."""
    size = len(matrix)
    row, column = np.nonzero(np.abs(matrix.T) > EXACT)[::-1]
    if len(row) != size or np.any(column != np.arange(size)) or len(set(row.tolist())) < size:
        return None
    values = matrix[row, column]
    if np.abs(np.abs(values) - 1).max() > 1e-14:
        return None
    phases = np.zeros(size)
    phases[row] = np.angle(values)
    return row.tolist(), phases


def affine_map(images: Sequence[int]) -> tuple[list[int], int] | None:
    """Columns of A and b if ``images[j]`` is ``A j + b`` over GF(2); else None."""
    offset = images[0]
    columns = [images[1 << k] ^ offset for k in range(len(images).bit_length() - 1)]
    expected = [offset]
    for column in columns:
        expected += [image ^ column for image in expected]
    return (columns, offset) if expected == images else None
