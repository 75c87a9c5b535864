"""Properties of state vectors: reduced states, entropy, fidelity, and variances of observables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator.errors import CircuitError, ObservableError
from simulator.memory import check_matrix
from simulator.observables import PauliSum
from simulator.pauli import walsh_hadamard

_NORM_TOLERANCE = 1e-4  # deviation of the norm from 1; allows for single-precision rounding of many gates
_PART_BITS = 20  # number of qubits of the slices in which a large state is copied


def reduced_density_matrix(state: ArrayLike, qubits: Sequence[int]) -> NDArray[Any]:
    """Compute the density matrix of some qubits of a pure state, the others traced out.

    Parameters
    ----------
    state : complex array_like, shape (2**n,)
    qubits : sequence of k int
        ``qubits[0]`` is the lowest bit of the result's index.

    Returns
    -------
    complex ndarray, shape (2**k, 2**k)
        Positive semidefinite, of trace 1.

    Raises
    ------
    CircuitError
        If the state is not a normalised vector of ``2**n`` numbers or the qubits are not distinct qubits of it.
    StateTooLargeError
        If the result does not fit in memory.
    """
    psi = _checked(state)
    traced_to = _distinct(qubits, psi.size.bit_length() - 1)
    dtype = np.result_type(psi, np.complex64)
    check_matrix(len(traced_to), dtype.itemsize)
    out = np.zeros((1 << len(traced_to),) * 2, dtype)
    for part in _parts(psi, traced_to):
        out += part @ part.conj().T
    return out


def entropy(state: ArrayLike, qubits: Sequence[int], base: float = 2.0) -> float:
    """Compute the entanglement entropy between some qubits of a pure state and the others.

    Parameters
    ----------
    state : complex array_like, shape (2**n,)
    qubits : sequence of int
    base : float
        Base of the logarithm; 2 gives bits.

    Returns
    -------
    float
        ``-sum p log p`` over the squared Schmidt coefficients; from 0 to the number of qubits on the smaller side.
    """
    psi = _array(state)
    n = psi.size.bit_length() - 1
    subsystem = _distinct(qubits, n)
    smaller = subsystem if 2 * len(subsystem) <= n else [q for q in range(n) if q not in subsystem]
    values = np.linalg.eigvalsh(reduced_density_matrix(psi, smaller))
    values = values[values > 0]
    return float(max(-(values * np.log(values)).sum() / np.log(base), 0.0))


def fidelity(first: ArrayLike, second: ArrayLike) -> float:
    """Compute ``|<first|second>|**2`` of two pure states, shape (2**n,) each."""
    a, b = _checked(first), _checked(second)
    if a.shape != b.shape:
        raise CircuitError(f"fidelity compares states of one size, got {a.size} and {b.size} amplitudes")
    return float(abs(np.vdot(a, b)) ** 2)


def apply(observable: PauliSum, state: ArrayLike) -> NDArray[Any]:
    """Apply an observable to a state; strings with the same X mask share one Walsh-Hadamard transform.

    Parameters
    ----------
    observable : PauliSum
        Observable with any number of strings; the cost is n 2**n per distinct X mask.
    state : complex array_like, shape (2**n,)

    Returns
    -------
    complex ndarray, shape (2**n,)

    Raises
    ------
    ObservableError
        If the observable acts on more qubits than the state has.
    """
    psi = _array(state)
    observable.check_fits(psi.size.bit_length() - 1)
    out = np.zeros(psi.shape, np.result_type(psi, np.complex64))
    index = np.arange(psi.size)
    x_masks = observable.x_masks
    for first in np.flatnonzero(np.r_[True, x_masks[1:] != x_masks[:-1]]) if len(x_masks) else ():
        x = int(x_masks[first])
        members = np.flatnonzero(x_masks == x)
        z = observable.z_masks[members]
        # X^x Z^z with the factor i^|x & z| takes amplitude j to j ^ x with the sign of z at j
        factors = observable.coefficients[members] * 1j ** (np.bitwise_count(x & z) % 4)
        diagonal = np.zeros(psi.size, complex)
        diagonal[z] = factors
        out += (walsh_hadamard(diagonal) * psi)[index ^ x]
    return out


def variance(observable: PauliSum, state: ArrayLike) -> float:
    """Compute ``<O**2> - <O>**2`` of a normalised state, without forming ``O**2``.

    Parameters
    ----------
    observable : PauliSum
    state : complex array_like, shape (2**n,)
    """
    if not isinstance(observable, PauliSum):
        raise ObservableError(f"an observable is a PauliSum such as Z(0) @ Z(1), got {observable!r}")
    psi = _checked(state)
    moved = apply(observable, psi)
    mean = np.vdot(psi, moved).real
    return float(np.linalg.norm(moved - mean * psi) ** 2)


def _array(state: ArrayLike) -> NDArray[Any]:
    if hasattr(state, "statevector"):
        raise CircuitError(f"a state is a vector of 2**n numbers, got {state!r}; its method statevector() returns one")
    psi = np.asarray(state)
    if psi.ndim != 1 or psi.size < 2 or psi.size & (psi.size - 1) or psi.dtype.kind not in "fiuc":
        raise CircuitError(f"a state is a vector of 2**n numbers, got shape {psi.shape} of {psi.dtype}")
    return psi


def _checked(state: ArrayLike) -> NDArray[Any]:
    psi = _array(state)
    norm = float(np.linalg.norm(psi))
    if not abs(norm - 1) <= _NORM_TOLERANCE:
        raise CircuitError(f"a state has norm 1, got {norm:.6g}")
    return psi


def _distinct(qubits: Sequence[int], n: int) -> list[int]:
    distinct = list(qubits)
    if any(isinstance(q, bool) or not isinstance(q, int | np.integer) or not 0 <= q < n for q in distinct):
        raise CircuitError(f"qubits of a state of {n} qubits are 0 to {n - 1}, got {distinct}")
    if len(set(distinct)) != len(distinct):
        raise CircuitError(f"distinct qubits expected, got {distinct}")
    return distinct


def _parts(psi: NDArray[Any], qubits: Sequence[int]) -> Iterator[NDArray[Any]]:
    """Yield column blocks of the state as a matrix, rows indexed by ``qubits`` and columns by the other qubits."""
    n = psi.size.bit_length() - 1
    others = [q for q in range(n) if q not in qubits]
    inner = others[: max(_PART_BITS - len(qubits), 0)]
    outer = others[len(inner) :]
    tensor = psi.reshape((2,) * n).transpose([n - 1 - q for q in (*outer[::-1], *qubits[::-1], *inner[::-1])])
    for bits in np.ndindex(*(2,) * len(outer)):
        yield tensor[bits].reshape(1 << len(qubits), -1)
