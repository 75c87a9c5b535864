"""Reservoirs with memory: qubits whose inputs are replaced at each step, while the others keep their mixed state."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.library_threads import one_blas_thread
from simulator.memory import check_count
from simulator.observables import PauliSum
from simulator.pauli import popcount

__all__ = ["ReservoirMemory", "few_threads"]

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

ENTRIES_AT_ONCE = 1 << 22
"""Maximum number of entries of density matrices that are read out at once: 64 MB."""


MAX_SERIAL_SIZE = 64
"""Maximum dimension of states whose matrices are multiplied on one thread: a second one gains nothing with 6 qubits."""


class ReservoirMemory:
    """Dynamics of a reservoir: input qubits are reset at each step, then all evolve under one Hamiltonian.

    At each step, the state ``rho`` becomes ``U (psi psi^dagger (x) tr_inputs(rho)) U^dagger`` with
    ``U = exp(-i H time)`` and the product state ``psi`` of the inputs, RY(angle) on each. Between two steps,
    observables are read out at ``virtual_nodes`` equally spaced times. The state is that of the memory, which is all
    qubits but the inputs; a step applies the channel ``sum_j K_j rho K_j^dagger`` with ``K_j = <j| U |psi>`` to it.

    Parameters
    ----------
    hamiltonian : float ndarray, shape (2**n, 2**n)
        Real and symmetric. The inputs are the first qubits.
    num_inputs : int
        Number of input qubits, less than n.
    time : float
        Duration of a step.
    virtual_nodes : int
        Number of readouts during a step, the last at its end.
    observables : sequence of PauliSum

    References
    ----------
    Fujii and Nakajima, arXiv:1602.08159.
    """

    def __init__(
        self, hamiltonian: Array, num_inputs: int, time: float, virtual_nodes: int, observables: Sequence[PauliSum]
    ) -> None:
        matrices = virtual_nodes * len(observables)
        check_count("virtual_nodes", "matrices of the readout", matrices, 16 * len(hamiltonian) ** 2)
        self._inputs, self._memory = 1 << num_inputs, len(hamiltonian) >> num_inputs
        with few_threads(len(hamiltonian)):
            self._prepare(hamiltonian, time, virtual_nodes, observables)

    def _prepare(self, hamiltonian: Array, time: float, virtual_nodes: int, observables: Sequence[PauliSum]) -> None:
        size = len(hamiltonian)
        energies, vectors = np.linalg.eigh(hamiltonian)

        def evolution(duration: float) -> ComplexArray:
            return (vectors * np.exp(-1j * duration * energies)) @ vectors.T

        # [input before, input after, memory after, memory before]: the inputs are the lowest bits of an index
        blocks = evolution(time).reshape(self._memory, self._inputs, self._memory, self._inputs)
        self._kraus = np.ascontiguousarray(blocks.transpose(3, 1, 0, 2)).reshape(self._inputs, -1)
        readouts = np.empty((virtual_nodes, len(observables), size, size), np.complex128)
        for node in range(virtual_nodes):
            evolved = evolution(time * (node + 1) / virtual_nodes)
            # E^dagger (O_1 E, O_2 E, ...): one large product of matrices in place of two small ones per observable
            images = np.stack([_applied(observable, evolved) for observable in observables], axis=1)
            products = evolved.conj().T @ images.reshape(size, -1)
            readouts[node] = products.reshape(size, len(observables), size).swapaxes(0, 1)
        # tr(O rho) of Hermitian matrices is the inner product of their real and imaginary parts
        self._readouts = readouts.reshape(virtual_nodes * len(observables), -1).view(np.float64).T

    @property
    def num_features(self) -> int:
        """Number of features of each step: observables times virtual nodes."""
        return self._readouts.shape[1]

    def initial_state(self, num_series: int) -> ComplexArray:
        """Return the memory in the state ``|0...0>`` for each series, shape (n_series, 2**m, 2**m)."""
        state = np.zeros((num_series, self._memory, self._memory), np.complex128)
        state[:, 0, 0] = 1
        return state

    def run(self, angles: Array, state: ComplexArray) -> tuple[Array, ComplexArray]:
        """Feed in series of inputs.

        Parameters
        ----------
        angles : float ndarray, shape (n_series, n_steps, n_inputs), radians
        state : complex ndarray, shape (n_series, 2**m, 2**m)
            Density matrix of the m memory qubits of each series.

        Returns
        -------
        features : float ndarray, shape (n_series, n_steps, n_features)
            Expectation values, ordered by virtual node, then by observable.
        state : complex ndarray, shape (n_series, 2**m, 2**m)
            After the last step.
        """
        with few_threads(self._memory * self._inputs):
            return self._run(angles, state)

    def _run(self, angles: Array, state: ComplexArray) -> tuple[Array, ComplexArray]:
        n_series, n_steps, _ = angles.shape
        features = np.empty((n_series, n_steps, self.num_features))
        entries = n_series * (self._memory * self._inputs) ** 2
        at_once = max(1, ENTRIES_AT_ONCE // entries)
        for first in range(0, n_steps, at_once):
            steps = slice(first, first + at_once)
            amplitudes = _input_amplitudes(angles[:, steps])
            states = np.empty((*amplitudes.shape[:2], self._memory, self._memory), np.complex128)
            for step in range(amplitudes.shape[1]):
                states[:, step] = state
                state = self._step(amplitudes[:, step], state)
            features[:, steps] = self._read_out(amplitudes, states)
        return features, state

    def _step(self, amplitudes: Array, state: ComplexArray) -> ComplexArray:
        kraus = (amplitudes @ self._kraus).reshape(-1, self._inputs, self._memory, self._memory)
        after: ComplexArray = (kraus @ state[:, np.newaxis] @ kraus.conj().swapaxes(2, 3)).sum(axis=1)
        return after

    def _read_out(self, amplitudes: Array, states: ComplexArray) -> Array:
        joint = np.einsum("stab,sti,stj->staibj", states, amplitudes, amplitudes)
        return joint.reshape(*states.shape[:2], -1).view(np.float64) @ self._readouts


def few_threads(size: int) -> AbstractContextManager[Any]:
    """Return a context in which BLAS uses one thread for states of a small dimension, see `one_blas_thread`."""
    return one_blas_thread() if size <= MAX_SERIAL_SIZE else nullcontext()


def _applied(observable: PauliSum, columns: ComplexArray) -> ComplexArray:
    """Multiply the matrix of the observable, which has one entry per row and string, by a matrix of as many rows."""
    j = np.arange(len(columns))
    out = np.zeros_like(columns)
    for x, z, coefficient in zip(observable.x_masks, observable.z_masks, observable.coefficients, strict=True):
        phases = coefficient * 1j ** (int(x & z).bit_count() % 4) * (1.0 - 2.0 * (popcount(j & z) & 1))
        out[j ^ x] += phases[:, np.newaxis] * columns
    return out


def _input_amplitudes(angles: Array) -> Array:
    """Compute amplitudes of RY(angle) on each input, shape (n_series, n_steps, 2**n_inputs)."""
    qubits = np.stack([np.cos(angles / 2), np.sin(angles / 2)], axis=-1)
    shape = angles.shape[:2]
    return reduce(
        lambda low, high: (high[..., :, np.newaxis] * low[..., np.newaxis, :]).reshape(*shape, -1),
        np.moveaxis(qubits, 2, 0),
    )
