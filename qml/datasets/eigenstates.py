"""Ground states by exact diagonalisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.settings import check_whole
from simulator.observables import PauliSum

__all__ = ["check_size", "ground_states"]

MAX_QUBITS = 16
"""A sparse matrix of 16 qubits has millions of entries; more would take minutes for each state."""

DENSE_QUBITS = 4
"""Up to this, diagonalising the dense matrix is faster than the Lanczos method."""

SMALLEST_GAP = 1e-9
"""Relative to the norm of the Hamiltonian; below it, the ground state is not one state to working precision."""

TIE = 1e-6
"""Relative difference below which two amplitudes count as equally large when the sign is fixed."""


def ground_states(hamiltonians: Sequence[PauliSum], num_qubits: int) -> NDArray[Any]:
    """Ground state of each Hamiltonian.

    Parameters
    ----------
    hamiltonians : sequence of PauliSum
    num_qubits : int
        At most 16.

    Returns
    -------
    ndarray, shape (n_hamiltonians, 2**num_qubits)
        Normalised amplitudes, for `AmplitudeMap` or ``Circuit.initialize``; float if all Hamiltonians are real
        matrices, else complex. The phase is fixed: the largest amplitude, the first of equals, is positive.

    Raises
    ------
    ValueError
        If an argument makes no sense, or a ground state is degenerate: it would depend on rounding. Subtracting a
        symmetry of the Hamiltonian picks the state that has its eigenvalue 1.

    Examples
    --------
    >>> from simulator import X, Z
    >>> from qml.datasets import ground_states
    >>> ground_states([-Z(0) @ Z(1) - 0.5 * (X(0) + X(1))], 2).round(3).tolist()
    [[0.653, 0.271, 0.271, 0.653]]
    """
    check_size(num_qubits, least=1)
    if isinstance(hamiltonians, PauliSum):
        raise ValueError(f"hamiltonians expects a sequence of PauliSums, got one: {hamiltonians!r}; put it into a list")
    for hamiltonian in hamiltonians:
        if not isinstance(hamiltonian, PauliSum):
            raise ValueError(f"hamiltonians expects PauliSums, got {hamiltonian!r}")
        if not hamiltonian.num_qubits:
            raise ValueError(
                f"hamiltonians expects operators other than multiples of the identity, got {hamiltonian!r}"
            )
        hamiltonian.check_fits(num_qubits)
    if not len(hamiltonians):
        raise ValueError("hamiltonians is empty: expected at least one PauliSum")
    real = all(not (np.bitwise_count(h.x_masks & h.z_masks) & 1).any() for h in hamiltonians)
    return np.array([_ground_state(h, num_qubits, real) for h in hamiltonians])


def check_size(num_qubits: int, least: int) -> None:
    """Raise unless the states of this number of qubits can be computed."""
    check_whole("num_qubits", num_qubits, least=least)
    if num_qubits > MAX_QUBITS:
        raise ValueError(f"num_qubits expects at most {MAX_QUBITS} for exact diagonalisation, got {num_qubits}")


def _ground_state(hamiltonian: PauliSum, num_qubits: int, real: bool) -> NDArray[Any]:
    from scipy.sparse.linalg import eigsh

    matrix = _sparse(hamiltonian, num_qubits, real)
    if num_qubits <= DENSE_QUBITS:
        energies, states = np.linalg.eigh(matrix.toarray())
    else:
        # A fixed start makes the result reproducible; a random one overlaps with the ground state whatever it is.
        start = np.random.RandomState(0).standard_normal(1 << num_qubits)
        energies, states = eigsh(matrix, k=2, which="SA", v0=start)
        states = states[:, energies.argsort()]
        energies.sort()
    scale = np.abs(hamiltonian.coefficients).sum()
    if energies[1] - energies[0] <= SMALLEST_GAP * scale:
        raise ValueError(
            f"the ground state of {hamiltonian!r} is degenerate: {energies[0]:.6g} twice; expected one lowest "
            "state, as after subtracting a symmetry"
        )
    state = states[:, 0]
    sizes = np.abs(state)
    first = state[np.argmax(sizes >= (1 - TIE) * sizes.max())]
    return state * (np.conj(first) / np.abs(first))


def _sparse(hamiltonian: PauliSum, num_qubits: int, real: bool) -> Any:
    """Matrix in compressed rows; strings with the same flips share one generalised diagonal."""
    from scipy.sparse import coo_array

    j = np.arange(1 << num_qubits)
    flips, group = np.unique(hamiltonian.x_masks, return_inverse=True)
    values = np.zeros((len(flips), len(j)), complex)
    for k, x, z, c in zip(group, hamiltonian.x_masks, hamiltonian.z_masks, hamiltonian.coefficients, strict=True):
        values[k] += c * 1j ** (int(x & z).bit_count() % 4) * (1.0 - 2.0 * (np.bitwise_count(j & z) & 1))
    rows, columns = j ^ flips[:, None], np.broadcast_to(j, values.shape)
    entries = values.real if real else values
    return coo_array((entries.ravel(), (rows.ravel(), columns.ravel())), shape=(len(j), len(j))).tocsr()
