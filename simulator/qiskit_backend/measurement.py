"""Expectations from counts: measurement bases for the observables, and estimates from the outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import PauliList

from simulator.observables import PauliSum
from simulator.pauli import popcount

__all__ = ["Basis", "bases_of", "estimates", "num_groups"]

FloatArray = NDArray[np.float64]

SHUFFLES = 8
"""Number of random orders tried in the search for few bases."""

MAX_SHUFFLED_STRINGS = 5000
"""Number of Pauli strings above which random orders take longer to try than they save."""


@dataclass
class Basis:
    """A Pauli on each qubit, and the strings that are read from measuring it.

    Parameters
    ----------
    x, z : int
        Masks: bit q of ``x`` is set for an X on qubit q, of ``z`` for a Z, of both for a Y. Qubits with neither are
        measured too.
    terms : list of (int, int, float)
        Index of the observable, mask of the qubits whose parity gives the string, coefficient.
    """

    x: int
    z: int
    terms: list[tuple[int, int, float]]

    def is_compatible(self, x: int, z: int) -> bool:
        """Whether a string agrees with the basis wherever both act."""
        both = (x | z) & (self.x | self.z)
        return (x ^ self.x) & both == 0 and (z ^ self.z) & both == 0

    def letters(self, width: int) -> str:
        """Return the Pauli to measure on each qubit, starting with the first; Z if no string acts there."""
        return "".join("ZXZY"[(self.x >> q & 1) + 2 * (self.z >> q & 1)] for q in range(width))


def bases_of(observables: Sequence[PauliSum]) -> tuple[list[Basis], FloatArray]:
    """Choose bases in which every string of the observables is measured; also return the constants of the observables.

    Each string goes into the first basis that agrees with it on every qubit. This is done in the original order and
    in several random orders (always the same ones), and the result with the fewest bases is taken. For all pairs of
    qubits, as in projected kernels of order 2, this gives a third of the bases on 10 qubits.
    """
    strings: list[tuple[int, int, int, float]] = []
    constants = np.zeros(len(observables))
    for k, observable in enumerate(observables):
        masks = zip(observable.x_masks.tolist(), observable.z_masks.tolist(), observable.coefficients, strict=True)
        for x, z, coefficient in masks:
            if x | z:
                strings.append((k, x, z, float(coefficient)))
            else:
                constants[k] += coefficient
    rng = np.random.default_rng(0)
    orders = [np.arange(len(strings))]
    if len(strings) <= MAX_SHUFFLED_STRINGS:
        orders += [rng.permutation(len(strings)) for _ in range(SHUFFLES)]
    return min((_first_fit([strings[i] for i in order]) for order in orders), key=len), constants


def num_groups(observables: Sequence[PauliSum]) -> int:
    """Count the bases in which Qiskit's estimators measure the observables."""
    masks = [(o.x_masks.tolist(), o.z_masks.tolist()) for o in observables]
    strings = sorted({(x, z) for xs, zs in masks for x, z in zip(xs, zs, strict=True) if x | z})
    if not strings:
        return 0
    width = max(x | z for x, z in strings).bit_length()
    bits = [[[mask >> q & 1 for q in range(width)] for mask in masks] for masks in zip(*strings, strict=True)]
    x_bits, z_bits = np.array(bits, bool)
    return len(PauliList.from_symplectic(z_bits, x_bits).group_commuting(qubit_wise=True))


def _first_fit(strings: Sequence[tuple[int, int, int, float]]) -> list[Basis]:
    bases: list[Basis] = []
    for k, x, z, coefficient in strings:
        basis = next((basis for basis in bases if basis.is_compatible(x, z)), None)
        if basis is None:
            bases.append(basis := Basis(0, 0, []))
        basis.x, basis.z = basis.x | x, basis.z | z
        basis.terms.append((k, x | z, coefficient))
    return bases


def estimates(
    bases: Sequence[Basis], constants: FloatArray, counts: Sequence[Mapping[str, int]]
) -> tuple[FloatArray, FloatArray]:
    """Compute expectations and standard errors, each of shape (n_observables,), from the counts in each basis."""
    values, variances = constants.copy(), np.zeros(len(constants))
    for basis, counts_in_basis in zip(bases, counts, strict=True):
        outcomes = np.array([int(text, 2) for text in counts_in_basis], np.int64)
        shots = np.array(list(counts_in_basis.values()), float)
        frequencies = shots / shots.sum()
        measured = np.zeros((len(constants), len(outcomes)))
        for k, support, coefficient in basis.terms:
            measured[k] += coefficient * (1.0 - 2.0 * (popcount(outcomes & support) & 1))
        means = measured @ frequencies
        values += means
        variances += np.maximum(measured**2 @ frequencies - means**2, 0.0) / shots.sum()
    return values, np.sqrt(variances)
