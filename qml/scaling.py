"""Features into the range a feature map works in, learnt from the training data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Scaling", "fit_scaling"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scaling:
    """Centres features, mixes or stretches them, and bends them into a range of angles.

    Parameters
    ----------
    mean : float ndarray, shape (n_features,)
    factor : float ndarray, shape (n_features,) or (n_features, n_components)
        What the centred features are multiplied by: each by its number, or as a matrix (principal components).
        Zero for a feature or component that was constant.
    angle_range : (float, float) or None
        The range; ``None`` leaves the numbers as they are, with mean 0 and standard deviation 1.
    """

    mean: Array
    factor: Array
    angle_range: tuple[float, float] | None

    @property
    def num_outputs(self) -> int:
        """Features or components that come out."""
        return self.factor.shape[-1]

    def __call__(self, X: Array) -> Array:
        """Scaled features, shape (n_samples, n_features or n_components)."""
        centred = X - self.mean
        z = centred * self.factor if self.factor.ndim == 1 else centred @ self.factor
        if self.angle_range is None:
            return z
        low, high = self.angle_range
        return (low + high) / 2 + (high - low) / np.pi * np.arctan(z)


def fit_scaling(
    X: Array, sample_weight: Array, max_features: int | None, angle_range: tuple[float, float] | None
) -> Scaling:
    """Learn a scaling.

    Each feature gets weighted mean 0 and standard deviation 1. If there are more than ``max_features``, the leading
    principal components of that take their place, again with standard deviation 1. An arctangent bends the numbers
    into the range, nearly linear within a standard deviation: outliers neither squeeze the others nor wrap around.

    Parameters
    ----------
    X : float ndarray, shape (n_samples, n_features)
    sample_weight : float ndarray, shape (n_samples,), positive
        A weight of k counts like k equal rows.
    max_features : int or None
    angle_range : (float, float) or None
    """
    largest = np.abs(X).max(axis=0)
    unit = np.where(largest > 0, largest, 1.0)  # squares of huge or tiny numbers leave the range of doubles
    share = sample_weight / sample_weight.sum()
    scaled = X / unit
    mean = share @ scaled
    spread = np.sqrt(share @ (scaled - mean) ** 2)
    constant = spread <= 10 * np.finfo(np.float64).eps * np.abs(mean)
    factor = np.where(constant, 0.0, 1.0 / np.where(constant, 1.0, spread))
    if max_features is not None and X.shape[1] > max_features:
        components = _principal_components((scaled - mean) * factor, share, max_features)
        return Scaling(mean * unit, (factor / unit)[:, None] * components, angle_range)
    return Scaling(mean * unit, factor / unit, angle_range)


def _principal_components(standardised: Array, share: Array, count: int) -> Array:
    """Leading components as columns, shape (n_features, count), scaled so that each has standard deviation 1.

    scikit-learn's PCA knows no weights. The sign is fixed by each component's largest entry.
    """
    _, deviations, rows = np.linalg.svd(np.sqrt(share)[:, None] * standardised, full_matrices=False)
    kept = min(count, int(np.sum(deviations > 1e-10 * deviations.max(initial=0.0))))
    rows = rows[:kept]
    signs = np.sign(rows[np.arange(kept), np.abs(rows).argmax(axis=1)])
    out = np.zeros((standardised.shape[1], count))
    out[:, :kept] = (rows * (signs / deviations[:kept])[:, None]).T
    return out
