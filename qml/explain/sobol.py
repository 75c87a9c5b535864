"""Shares of the variance of a Fourier series that belong to each feature and to each group of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qml.diagnostics.fourier import FourierSpectrum

__all__ = ["SobolIndices", "sobol_indices"]

Array = NDArray[np.float64]

CONSTANT = 1e-24
"""Variances below this, relative to the mean square, are rounding errors."""


@dataclass(frozen=True)
class SobolIndices:
    """Shares of the variance of each output over all angles.

    Attributes
    ----------
    features : tuple of int
    variances : float ndarray, shape (n_outputs,)
    shares : dict from tuples of features to float ndarrays, shape (n_outputs,)
        Share of each set of features that occur in a frequency together; the shares of an output add up to 1.
    first_order, total : float ndarray, shape (n_features, n_outputs)
        Share of each feature alone, and of all sets with it. NaN for an output that is constant.
    """

    features: tuple[int, ...]
    variances: Array
    shares: dict[tuple[int, ...], Array]

    @property
    def first_order(self) -> Array:
        """Share of each feature alone."""
        none = np.zeros_like(self.variances)
        return np.array([self.shares.get((feature,), none) for feature in self.features])

    @property
    def total(self) -> Array:
        """Share of all sets of features with each feature."""
        none = np.zeros_like(self.variances)
        return np.array([sum((v for k, v in self.shares.items() if j in k), none) for j in self.features])


def sobol_indices(spectrum: FourierSpectrum) -> SobolIndices:
    """Compute Sobol indices from the coefficients of a Fourier series, without sampling.

    By Parseval's theorem, the variance over angles that are independent and uniform on the circle is
    ``sum_{k != 0} |c_k|^2``, and the part of a set of features is the sum over frequencies k that are not zero in these
    features and zero in all others. For frequencies without a common period, the mean is that over all real numbers.

    Parameters
    ----------
    spectrum : FourierSpectrum

    References
    ----------
    Sobol, Mathematics and Computers in Simulation 55 (2001) 271.

    Examples
    --------
    >>> from qml import QuantumModel
    >>> from qml.explain import fourier_spectrum
    >>> from simulator import Circuit, ParameterVector, Z
    >>> x = ParameterVector("x", 2)
    >>> model = QuantumModel(Circuit(2).ry(x[0], 0).ry(x[1], 1), inputs=x, observables=Z(0) @ Z(1) + Z(0))
    >>> indices = sobol_indices(fourier_spectrum(model, [[0.0, 0.0]]))       # cos x0 (cos x1 + 1)
    >>> indices.first_order[:, 0].round(12), indices.total[:, 0].round(12)
    (array([0.66666667, 0.        ]), array([1.        , 0.33333333]))
    """
    powers = np.abs(spectrum.coefficients) ** 2
    sums: dict[tuple[int, ...], Array] = {}
    axes = tuple(range(1, powers.ndim))
    for pattern in np.ndindex(*(2,) * len(spectrum.features)):
        if not any(pattern):
            continue
        part = powers
        for axis, (occurs, frequencies) in enumerate(zip(pattern, spectrum.frequencies, strict=True), start=1):
            selected = np.flatnonzero((frequencies != 0.0) == bool(occurs))
            part = np.take(part, selected, axis=axis)
        group = tuple(feature for feature, occurs in zip(spectrum.features, pattern, strict=True) if occurs)
        sums[group] = part.sum(axis=axes)
    variances = np.asarray(sum(sums.values()), np.float64)
    constant = variances <= CONSTANT * powers.sum(axis=axes)
    variances = np.where(constant, 0.0, variances)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = {group: np.where(constant, np.nan, total / variances) for group, total in sums.items()}
    return SobolIndices(spectrum.features, variances, shares)
