"""Constructors of observables: Pauli operators, projectors, and Hermitian matrices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from simulator import pauli
from simulator.errors import ObservableError
from simulator.observables.checks import checked_qubits
from simulator.observables.pauli_sum import PauliSum
from simulator.precision import tolerance_for

__all__ = ["Hermitian", "I", "Projector", "X", "Y", "Z"]

MAX_PROJECTOR_QUBITS = 20


def I() -> PauliSum:  # noqa: E743
    """Identity operator, which does not act on any qubit.

    Examples
    --------
    >>> (I() - Z(0)) / 2
    0.5 * I() - 0.5 * Z(0)
    """
    return PauliSum([0], [0], [1.0])


def X(qubit: int) -> PauliSum:
    """Pauli X on one qubit."""
    bit = _bit("X", qubit)
    return PauliSum([bit], [0], [1.0])


def Y(qubit: int) -> PauliSum:
    """Pauli Y on one qubit."""
    bit = _bit("Y", qubit)
    return PauliSum([bit], [bit], [1.0])


def Z(qubit: int) -> PauliSum:
    """Pauli Z on one qubit."""
    bit = _bit("Z", qubit)
    return PauliSum([0], [bit], [1.0])


def Projector(bits: str | Sequence[int], qubits: Sequence[int]) -> PauliSum:
    """Projector onto basis states, whose expectation is the probability of measuring ``bits`` on ``qubits``.

    Parameters
    ----------
    bits : str or sequence of int
        A string is read as a bit string of `Circuit.sample`: its last character belongs to ``qubits[0]``.
        In a sequence of integers ``bits[k]`` belongs to ``qubits[k]``.
    qubits : sequence of int
        At most 20, because the sum has ``2**len(qubits)`` strings.

    Raises
    ------
    ObservableError
        If ``bits`` and ``qubits`` differ in length, a bit is not 0 or 1, or a qubit is not an index.

    Examples
    --------
    >>> Projector("10", [0, 1]) == Projector([0, 1], [0, 1])
    True
    """
    positions = checked_qubits("Projector", qubits)
    if not isinstance(bits, Iterable):
        raise ObservableError(
            f"the bits of a Projector are a label such as '10' or a sequence of 0 and 1, got {bits!r}"
        )
    values: list[Any] = [*reversed(bits)] if isinstance(bits, str) else [*bits]
    if len(values) != len(positions):
        raise ObservableError(f"Projector needs one bit per qubit, got {len(values)} bits for {len(positions)} qubits")
    if any(isinstance(v, bool) or v not in (0, 1, "0", "1") for v in values):
        raise ObservableError(f"the bits of a Projector are 0 or 1, got {bits!r}")
    if len(values) > MAX_PROJECTOR_QUBITS:
        raise ObservableError(f"a Projector takes at most {MAX_PROJECTOR_QUBITS} qubits, got {len(values)}")
    ones = pauli.mask_of([int(v) for v in values])
    subsets = np.arange(1 << len(values))
    signs = 1.0 - 2.0 * (np.bitwise_count(subsets & ones) & 1)
    return PauliSum(np.zeros_like(subsets), pauli.spread(subsets, positions), signs / len(subsets))


def Hermitian(matrix: ArrayLike, qubits: Sequence[int]) -> PauliSum:
    """Pauli sum of a Hermitian matrix on some qubits.

    Parameters
    ----------
    matrix : complex array_like, shape (2**k, 2**k)
        Little-endian: ``qubits[0]`` is the lowest bit of its index.
    qubits : sequence of k int

    Returns
    -------
    PauliSum
        At most ``4**k`` strings, computed in O(k 4**k) by Walsh-Hadamard transforms.

    Raises
    ------
    ObservableError
        If the shape does not match ``qubits``, an entry is NaN or infinite, or the matrix is not Hermitian.

    Examples
    --------
    >>> Hermitian([[1, 0], [0, 0]], [2])
    0.5 * I() + 0.5 * Z(2)
    """
    positions = checked_qubits("Hermitian", qubits)
    try:
        values = np.array(matrix, complex)
    except (TypeError, ValueError):
        raise ObservableError("Hermitian: the matrix is not numeric") from None
    size = 1 << len(positions)
    if values.shape != (size, size):
        raise ObservableError(
            f"Hermitian: a matrix on {len(positions)} qubits has shape ({size}, {size}), got {values.shape}"
        )
    if not np.isfinite(values).all():
        raise ObservableError("Hermitian: the matrix contains NaN or infinity")
    deviation = np.abs(values - values.conj().T).max()
    allowed = tolerance_for(matrix) * max(1.0, np.abs(values).max())
    if deviation > allowed:
        raise ObservableError(f"the matrix is not Hermitian: |M - M^dagger| = {deviation:.3g} (allowed {allowed:.3g})")
    x, z, coefficients = pauli.decompose(values)
    return PauliSum(pauli.spread(x, positions), pauli.spread(z, positions), coefficients)


def _bit(letter: str, qubit: Any) -> int:
    return 1 << checked_qubits(letter, (qubit,))[0]
