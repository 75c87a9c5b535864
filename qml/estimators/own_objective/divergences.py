"""Differences between distributions of bit strings: values and, beside them, derivatives.

A distribution is an array of ``2**n`` probabilities; bit q of the index is bit q of the string.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator.caching import cached_property
from simulator.pauli import walsh_hadamard

__all__ = [
    "Divergence",
    "MaximumMeanDiscrepancy",
    "NegativeLogLikelihood",
    "checked_probabilities",
    "total_variation",
]

Array = NDArray[np.float64]

LEAST_PROBABILITY = 1e-12
"""Added to probabilities before the logarithm in training: a string that the model never gives has a finite loss."""


class Divergence(Protocol):
    """Interface of a loss for exact probabilities."""

    def value(self, probabilities: Array, target: Array) -> float:
        """Compute the divergence of two distributions, shape (2**n,) each."""
        ...

    def gradient(self, probabilities: Array, target: Array) -> Array:
        """Differentiate with respect to the probabilities, shape (2**n,)."""
        ...


@dataclass(frozen=True)
class MaximumMeanDiscrepancy:
    """Squared maximum mean discrepancy ``(p - q)^T K (p - q)`` for a mean of Gaussian kernels.

    ``K[x, y]`` is the mean over s of ``exp(-d(x, y) / (2 s**2))``, with d the number of bits that differ, which is the
    squared distance of the strings. K is diagonal after a Walsh-Hadamard transform, so that nothing of size 4**n is
    computed.

    Parameters
    ----------
    bandwidths : sequence of float
        The standard deviations s.
    num_bits : int

    References
    ----------
    Liu and Wang, arXiv:1804.04168; in the Walsh-Hadamard basis, Recio-Armengol, Ahmed and Bowles, arXiv:2503.02934.
    """

    bandwidths: Sequence[float]
    num_bits: int

    @cached_property
    def _eigenvalues(self) -> Array:
        """Eigenvalues of K over 2**n, by the bits of the Walsh-Hadamard index."""
        factors = np.exp(-0.5 / np.square(np.asarray(self.bandwidths, np.float64)))[:, None]
        ones = np.bitwise_count(np.arange(2**self.num_bits))
        return np.mean((0.5 + 0.5 * factors) ** (self.num_bits - ones) * (0.5 - 0.5 * factors) ** ones, axis=0)

    def smoothed(self, values: Array) -> Array:
        """Multiply by K, shape (2**n,)."""
        return walsh_hadamard(self._eigenvalues * walsh_hadamard(values))

    def value(self, probabilities: Array, target: Array) -> float:
        difference = probabilities - target
        return float(difference @ self.smoothed(difference))

    def gradient(self, probabilities: Array, target: Array) -> Array:
        return 2.0 * self.smoothed(probabilities - target)

    def unbiased_value(self, frequencies: Array, shots: int, target: Array) -> float:
        """Estimate the value without bias from frequencies of two or more independent samples."""
        smoothed = self.smoothed(frequencies)
        of_pairs = (shots * float(frequencies @ smoothed) - 1.0) / (shots - 1)  # without pairs of a sample and itself
        return of_pairs - 2.0 * float(target @ smoothed) + float(target @ self.smoothed(target))


@dataclass(frozen=True)
class NegativeLogLikelihood:
    """Mean negative log-likelihood, which is the Kullback-Leibler divergence plus the entropy of the data."""

    def value(self, probabilities: Array, target: Array) -> float:
        seen = np.flatnonzero(target)
        return float(-target[seen] @ np.log(probabilities[seen] + LEAST_PROBABILITY))

    def gradient(self, probabilities: Array, target: Array) -> Array:
        return -target / (probabilities + LEAST_PROBABILITY)


def total_variation(probabilities: Any, target: Any) -> float:
    """Compute half the sum of the absolute differences of two distributions, from 0 to 1."""
    return 0.5 * float(np.abs(np.asarray(probabilities) - np.asarray(target)).sum())


def checked_probabilities(values: ArrayLike, size: int) -> Array:
    """Return a distribution as an array, shape (size,).

    Raises
    ------
    ValueError
        If these are not ``size`` numbers of at least 0 with sum 1.
    """
    probabilities = np.asarray(values, np.float64)
    if len(probabilities) != size or probabilities.min() < 0 or not np.isclose(probabilities.sum(), 1.0):
        raise ValueError(
            f"expected rows, or {size} probabilities with sum 1, got {len(probabilities)} numbers between "
            f"{probabilities.min(initial=np.inf):.3g} and {probabilities.max(initial=-np.inf):.3g} with sum "
            f"{probabilities.sum():.3g}"
        )
    return probabilities
