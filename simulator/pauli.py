"""Pauli strings as two bit masks.

A string is ``i**popcount(x & z) * X**x * Z**z``: bit q of ``x`` puts an X on qubit q, bit q of ``z`` a Z, and both
together a Y. The coefficients of a Hermitian operator in these strings are real.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LETTERS = "IXZY"  # index: x bit + 2 * z bit

ROUNDING = 1e-14
"""Coefficients of a matrix below this share of its largest one are taken as zero: they are rounding errors."""


def walsh_hadamard(values: NDArray[Any]) -> NDArray[Any]:
    """Compute ``out[z] = sum_j (-1)**popcount(j & z) values[j]`` along the last axis, whose length is a power of 2."""
    out = np.array(values)
    half = 1
    while half < out.shape[-1]:
        pairs = out.reshape(*out.shape[:-1], -1, 2, half)
        low, high = pairs[..., 0, :].copy(), pairs[..., 1, :]
        pairs[..., 0, :] += high
        pairs[..., 1, :] = low - high
        half *= 2
    return out


def mask_of(bits: Sequence[int]) -> int:
    """Return the mask whose bit k is ``bits[k]``."""
    return sum(bit << k for k, bit in enumerate(bits))


def places_of(mask: int) -> list[int]:
    """Return the positions of the set bits of a mask, in increasing order."""
    out = []
    while mask:
        out.append((mask & -mask).bit_length() - 1)
        mask &= mask - 1
    return out


def popcount(masks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the set bits of each mask."""
    return np.bitwise_count(masks).astype(np.int64)


def spread(masks: NDArray[np.int64], positions: Sequence[int]) -> NDArray[np.int64]:
    """Move bit k of each mask to bit ``positions[k]``."""
    out = np.zeros_like(masks)
    for k, position in enumerate(positions):
        out |= (masks >> k & 1) << position
    return out


def gather(masks: NDArray[np.int64], positions: Sequence[int]) -> NDArray[np.int64]:
    """Move bit ``positions[k]`` of each mask to bit k, and drop the others: the inverse of `spread`."""
    out = np.zeros_like(masks)
    for k, position in enumerate(positions):
        out |= (masks >> position & 1) << k
    return out


def decompose(matrix: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Decompose a Hermitian matrix into Pauli strings, without those whose coefficients are rounding errors.

    Parameters
    ----------
    matrix : complex ndarray, shape (2**k, 2**k)
        Little-endian: bit q of an index is qubit q.

    Returns
    -------
    x_masks, z_masks : int64 ndarray, shape (n_terms,)
    coefficients : float64 ndarray, shape (n_terms,)
    """
    size = len(matrix)
    j = np.arange(size)
    x = j[:, None]
    shifted = np.asarray(matrix, complex)[j[None, :] ^ x, j[None, :]]  # [x, j] = M[j ^ x, j]
    phase = (-1j) ** (popcount(x & j[None, :]) % 4)
    coefficients = (phase * walsh_hadamard(shifted)).real / size
    keep = np.abs(coefficients) > ROUNDING * np.abs(coefficients).max(initial=0.0)
    x_masks, z_masks = np.nonzero(keep)
    return x_masks.astype(np.int64), z_masks.astype(np.int64), coefficients[keep]


def matrix(x_mask: int, z_mask: int, num_qubits: int) -> NDArray[np.complex128]:
    """Return the dense matrix of one Pauli string, shape (2**num_qubits, 2**num_qubits)."""
    j = np.arange(1 << num_qubits)
    out = np.zeros((len(j), len(j)), complex)
    out[j ^ x_mask, j] = 1j ** ((x_mask & z_mask).bit_count() % 4) * (1 - 2 * (popcount(j & z_mask) & 1))
    return out


def masks(label: str) -> tuple[int, int]:
    """Return the masks of a label such as ``"XIZ"``; the last character is qubit 0, as in Qiskit."""
    x = z = 0
    for qubit, letter in enumerate(reversed(label)):
        code = _LETTERS.find(letter)
        if code < 0:
            raise ValueError(f"a Pauli label consists of I, X, Y and Z, got {label!r}")
        x |= (code & 1) << qubit
        z |= (code >> 1) << qubit
    return x, z


def label(x_mask: int, z_mask: int, num_qubits: int) -> str:
    """Return the label of a pair of masks, with qubit 0 last."""
    codes = ((x_mask >> q & 1) + 2 * (z_mask >> q & 1) for q in reversed(range(num_qubits)))
    return "".join(_LETTERS[code] for code in codes)
