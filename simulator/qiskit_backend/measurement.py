"""Expectations from counts: which bases to measure in, and what the outcomes say about each observable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.observables import PauliSum
from simulator.pauli import popcount

__all__ = ["Basis", "bases_of", "estimates"]

FloatArray = NDArray[np.float64]


@dataclass
class Basis:
    """A Pauli on each qubit, and the strings that are read from measuring it.

    Parameters
    ----------
    x, z : int
        Bit q of ``x`` for an X on qubit q, of ``z`` for a Z, of both for a Y; qubits with neither are measured too.
    terms : list of (int, int, float)
        Observable, qubits whose parity the string is, coefficient.
    """

    x: int
    z: int
    terms: list[tuple[int, int, float]]

    def takes(self, x: int, z: int) -> bool:
        """Whether a string agrees with the basis wherever both act."""
        both = (x | z) & (self.x | self.z)
        return (x ^ self.x) & both == 0 and (z ^ self.z) & both == 0

    def letters(self, width: int) -> str:
        """The Pauli measured on each qubit, first qubit first; Z where nothing else is asked for."""
        return "".join("ZXZY"[(self.x >> q & 1) + 2 * (self.z >> q & 1)] for q in range(width))


def bases_of(observables: Sequence[PauliSum]) -> tuple[list[Basis], FloatArray]:
    """Bases in which every string of the observables is measured, and the observables' multiples of the identity.

    Strings go greedily into the first basis that agrees with them on every qubit.
    """
    bases: list[Basis] = []
    constants = np.zeros(len(observables))
    for k, observable in enumerate(observables):
        masks = zip(observable.x_masks.tolist(), observable.z_masks.tolist(), observable.coefficients, strict=True)
        for x, z, coefficient in masks:
            if not x | z:
                constants[k] += coefficient
                continue
            basis = next((basis for basis in bases if basis.takes(x, z)), None)
            if basis is None:
                bases.append(basis := Basis(0, 0, []))
            basis.x, basis.z = basis.x | x, basis.z | z
            basis.terms.append((k, x | z, float(coefficient)))
    return bases, constants


def estimates(
    bases: Sequence[Basis], constants: FloatArray, counts: Sequence[Mapping[str, int]]
) -> tuple[FloatArray, FloatArray]:
    """Expectations and standard errors, each of shape (n_observables,), from the counts in each basis."""
    values, variances = constants.copy(), np.zeros(len(constants))
    for basis, found in zip(bases, counts, strict=True):
        outcomes = np.array([int(text, 2) for text in found], np.int64)
        times = np.array(list(found.values()), float)
        shares = times / times.sum()
        read = np.zeros((len(constants), len(outcomes)))
        for k, support, coefficient in basis.terms:
            read[k] += coefficient * (1.0 - 2.0 * (popcount(outcomes & support) & 1))
        means = read @ shares
        values += means
        variances += np.maximum(read**2 @ shares - means**2, 0.0) / times.sum()
    return values, np.sqrt(variances)
