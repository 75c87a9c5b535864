"""Scaling of features into the range of a feature map, learnt from the training data."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulator.errors import QumbaError

__all__ = [
    "ScaleError",
    "Scaling",
    "check_result",
    "component_factors",
    "explained_variance_ratio",
    "fit_joint_scaling",
    "fit_linear_scaling",
    "fit_scaling",
    "size_exponent",
]

Array = NDArray[np.float64]

SMALLEST, LARGEST = 2.0**-1020, 2.0**1020
"""About 1e-307 and 1e307: larger standard deviations can be inverted, smaller absolute values subtracted."""


class ScaleError(QumbaError, ValueError):
    """Finite numbers leave the range of doubles when they are scaled."""


@dataclass(frozen=True)
class Scaling:
    """Centres features, mixes or stretches them, and bends them into a range of angles.

    Parameters
    ----------
    mean : float ndarray, shape (n_features,)
    factor : float ndarray, shape (n_features,) or (n_features, n_components)
        Factor of each centred feature, or matrix that multiplies them (principal components).
        Zero for a feature or component that was constant.
    angle_range : (float, float) or None
        Range of angles; ``None`` leaves the numbers unchanged.
    """

    mean: Array
    factor: Array
    angle_range: tuple[float, float] | None

    @classmethod
    def identity(cls, num_features: int) -> Scaling:
        """Return the scaling that changes nothing."""
        return cls(np.zeros(num_features), np.ones(num_features), angle_range=None)

    @property
    def num_outputs(self) -> int:
        """Number of output features or components."""
        return self.factor.shape[-1]

    def __call__(self, X: Array) -> Array:
        """Scale features, shape (n_samples, n_features or n_components).

        Raises
        ------
        ScaleError
            If a number is so far from the training data that the result leaves the range of doubles.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            centred = X - self.mean
            z = centred * self.factor if self.factor.ndim == 1 else centred @ self.factor
            if self.angle_range is not None:
                low, high = self.angle_range
                z = (low + high) / 2 + (high - low) / np.pi * np.arctan(z)  # infinity has an arctangent
            check_result(X, z)
        return z


def fit_scaling(X: Array, sample_weight: Array, max_features: int, angle_range: tuple[float, float] | None) -> Scaling:
    """Learn a scaling.

    For angles, each feature gets mean 0 and standard deviation 1. If there are more than ``max_features``, the leading
    principal components of that take their place, again with standard deviation 1. An arctangent bends the numbers
    into the range, nearly linear within a standard deviation: outliers neither squeeze the others nor wrap around.

    Without a range (for amplitudes) each feature is divided by its largest absolute value and not centred, because a
    state does not change when all its amplitudes change their sign.

    Parameters
    ----------
    X : float ndarray, shape (n_samples, n_features)
    sample_weight : float ndarray, shape (n_samples,), positive
        A weight of k counts like k equal rows.
    max_features : int
    angle_range : (float, float) or None

    Raises
    ------
    ScaleError
        If a column holds numbers at the ends of the range of doubles.
    """
    largest = np.abs(X).max(axis=0)
    unit = np.where(largest > 0, largest, 1.0)  # squares of huge or tiny numbers leave the range of doubles
    share = sample_weight / sample_weight.sum()
    scaled = X / unit
    mean, factor = np.zeros_like(unit), np.ones_like(unit)
    if angle_range is not None:
        mean = share @ scaled
        spread = np.sqrt(share @ (scaled - mean) ** 2)
        constant = spread <= 10 * np.finfo(np.float64).eps * np.abs(mean)
        factor = np.where(constant, 0.0, 1.0 / np.where(constant, 1.0, spread))
    _check_sizes(largest, unit, factor)
    if X.shape[1] > max_features:
        components = component_factors((scaled - mean) * factor, share, max_features, angle_range is not None)
        return Scaling(mean * unit, (factor / unit)[:, None] * components, angle_range)
    return Scaling(mean * unit, factor / unit, angle_range)


def fit_standardisation(X: Array, sample_weight: Array, deviation: float = 1.0) -> Scaling:
    """Learn the scaling to mean 0 and this standard deviation of each feature; see `fit_scaling`."""
    scaling = fit_scaling(X, sample_weight, X.shape[1], (-np.pi / 2, np.pi / 2))
    return replace(scaling, factor=scaling.factor * deviation, angle_range=None)


def fit_joint_scaling(X: Array, largest: float) -> Scaling:
    """Learn one linear function for all features that maps the smallest of their values to 0, the largest to a number.

    Parameters
    ----------
    X : float ndarray, shape (n_samples, n_features)
    largest : float
        Result for the largest value of X.

    Raises
    ------
    ScaleError
        If X holds numbers at the ends of the range of doubles.
    """
    low, high = X.min(), X.max()
    spread = high / 2 - low / 2
    _check_sizes(np.array([spread]), np.array([1.0]), np.array([1.0]))
    factor = largest / 2 / spread if spread > SMALLEST else 0.0
    return Scaling(np.full(X.shape[1], low), np.full(X.shape[1], factor), angle_range=None)


def fit_linear_scaling(X: Array, sample_weight: Array, max_features: int, jointly: bool = False) -> Scaling:
    """Learn a linear scaling for kernels, which have a bandwidth and do not need a range.

    Features get mean 0 and standard deviation 1. If there are more than ``max_features``, the leading principal
    components take their place; they keep their sizes relative to each other, so that distances are those of the
    features as far as components show them, and get a mean variance of 1.

    Parameters
    ----------
    X : float ndarray, shape (n_samples, n_features)
    sample_weight : float ndarray, shape (n_samples,), positive
        A weight of k counts like k equal rows.
    max_features : int
    jointly : bool
        Whether all features are divided by one number, so that they keep their relative sizes.

    Raises
    ------
    ScaleError
        If a column holds numbers at the ends of the range of doubles.
    """
    share = sample_weight / sample_weight.sum()
    largest = np.abs(X).max(axis=None if jointly else 0)
    unit = np.where(largest > 0, largest, 1.0) * np.ones(X.shape[1])
    scaled = X / unit
    mean = share @ scaled
    spread = np.sqrt(share @ (scaled - mean) ** 2)
    spread = np.where(spread <= 10 * np.finfo(np.float64).eps * np.abs(mean), 0.0, spread)
    common = np.sqrt(np.mean(spread**2)) if jointly else spread
    factor = np.divide(1.0, common, out=np.zeros_like(spread), where=spread > 0)
    _check_sizes(np.abs(X).max(axis=0), unit, factor)
    if X.shape[1] <= max_features:
        return Scaling(mean * unit, factor / unit, None)
    components, deviations = _principal_components((scaled - mean) * factor, share, max_features)
    size = np.sqrt(np.mean(deviations**2))
    return Scaling(mean * unit, (factor / unit)[:, None] * components / (size if size > 0 else 1.0), None)


def component_factors(rows: Array, share: Array, count: int, standardised: bool) -> Array:
    """Return the matrix that turns rows into their leading principal components, shape (n_features, count).

    Parameters
    ----------
    rows : float ndarray, shape (n_samples, n_features)
    share : float ndarray, shape (n_samples,), with sum 1
        Share of each row in means.
    count : int
        Number of components; those along which there is nothing are zero.
    standardised : bool
        Whether each component gets a mean square of 1.
    """
    components, deviations = _principal_components(rows, share, count)
    return components / np.where(deviations > 0, deviations, np.inf) if standardised else components


def explained_variance_ratio(X: Array, sample_weight: Array, count: int) -> float:
    """Compute the share of the standardised features' variance that lies along their leading principal components."""
    rows, share = fit_standardisation(X, sample_weight)(X), sample_weight / sample_weight.sum()
    variances = np.linalg.svd(np.sqrt(share)[:, None] * rows, compute_uv=False) ** 2
    return float(variances[:count].sum() / max(variances.sum(), SMALLEST))


def size_exponent(values: Array) -> int:
    """Return the exponent of the smallest power of two above all absolute values.

    Division by this power of two changes no digit, and squares of the quotients stay in the range of doubles.
    """
    return int(np.frexp(np.abs(values).max(initial=0.0))[1])


def check_result(X: Array, result: Array) -> None:
    """Raise a ScaleError that names a number of X if a result computed from finite X is not finite.

    To be called where NumPy's warnings of an overflow are off.

    Parameters
    ----------
    X : float ndarray, shape (n_samples, n_features), finite
    result : float ndarray, shape (n_samples, n_outputs)
    """
    if math.isfinite(np.add.reduce(result, axis=None)):  # fast path: a NaN or an infinity makes the sum non-finite
        return
    finite = np.isfinite(result)
    if not finite.all():
        row = int(np.argwhere(~finite)[0, 0])
        column = int(np.abs(X[row]).argmax())
        raise ScaleError(
            f"X[{row}, {column}] is {X[row, column]:.3g}, too large or too far from the training data: the result "
            "leaves the range of doubles; divide X by a constant"
        )


def _check_sizes(largest: Array, unit: Array, factor: Array) -> None:
    """Raise unless ``factor / unit`` is a double, and so are differences of numbers up to ``largest``."""
    varies = factor > 0
    too_small = varies & (unit / np.where(varies, factor, 1.0) < SMALLEST)
    wrong = too_small | (varies & (largest > LARGEST))
    if wrong.any():
        column = int(wrong.argmax())
        size, action = ("small", "multiply") if too_small[column] else ("large", "divide")
        raise ScaleError(
            f"column {column} of X holds numbers of up to {largest[column]:.3g}, too {size} to be scaled in doubles; "
            f"{action} it by a constant"
        )


def _principal_components(rows: Array, share: Array, count: int) -> tuple[Array, Array]:
    """Compute the leading components as columns, shape (n_features, count), and the root mean square along each.

    scikit-learn's PCA knows no weights. The sign is fixed by each component's largest entry; components along which
    there is nothing are zero.
    """
    _, deviations, components = np.linalg.svd(np.sqrt(share)[:, None] * rows, full_matrices=False)
    num_components = min(count, int(np.sum(deviations > 1e-10 * deviations.max(initial=0.0))))
    components = components[:num_components]
    signs = np.sign(components[np.arange(num_components), np.abs(components).argmax(axis=1)])
    out, along = np.zeros((rows.shape[1], count)), np.zeros(count)
    out[:, :num_components], along[:num_components] = (components * signs[:, None]).T, deviations[:num_components]
    return out, along
