"""Scaling of features to rotation angles."""

from __future__ import annotations

from math import isfinite
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from qml.checked_data import validate_data
from qml.features.scaling import check_result
from qml.weights import checked_sample_weight

__all__ = ["AngleScaler"]


class AngleScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Maps each feature linearly onto a range of angles.

    Angles repeat after 2 pi, so raw features must not be used as angles: 0 and 6.28 would be the same point. A
    range of pi, as by default, gives every value of the training data an angle of its own.

    Parameters
    ----------
    angle_range : (float, float), radians
        The angles of a feature's lowest and highest value. The default lets ``RY`` reach every latitude between the
        two sides of the equator, so that the expectation of X grows with the feature.
    n_std : float or None
        ``None``: the range spans the smallest to the largest value seen in ``fit``. A number ``k``: it spans the mean
        minus to the mean plus ``k`` standard deviations, which one outlier cannot squeeze.
    clip : bool
        Whether values outside that span get the range's end. Otherwise (the default) they get angles outside the
        range, and nothing is lost until they wrap around.

    Attributes
    ----------
    center_ : float ndarray, shape (n_features,)
        The value that becomes the middle of the range.
    scale_ : float ndarray, shape (n_features,)
        Radians per unit of the feature; 0 for a feature that was constant, whose angle is always the middle.
    n_features_in_ : int
    feature_names_in_ : ndarray of str, only if ``X`` had column names

    Examples
    --------
    >>> from qml.features import AngleScaler
    >>> AngleScaler(angle_range=(-1, 1)).fit_transform([[0.0, 5.0], [10.0, 5.0], [5.0, 5.0]])
    array([[-1.,  0.],
           [ 1.,  0.],
           [ 0.,  0.]])
    """

    def __init__(
        self,
        angle_range: tuple[float, float] = (-np.pi / 2, np.pi / 2),
        *,
        n_std: float | None = None,
        clip: bool = False,
    ) -> None:
        self.angle_range = angle_range
        self.n_std = n_std
        self.clip = clip

    def fit(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> AngleScaler:
        """Learn the span of each feature.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like, shape (n_samples,), optional
            A sample of weight 0 counts as absent; the other weights matter with ``n_std`` only.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter makes no sense, or ``X`` is not a finite matrix.
        """
        low, high = self._checked_range()
        features = validate_data(self, X, dtype=np.float64)
        weights = None
        if sample_weight is not None:
            weights = checked_sample_weight(sample_weight, features)
            features, weights = features[weights > 0], weights[weights > 0]

        # Halves before sums: the span of finite numbers may overflow, half of it may not.
        lowest, highest = features.min(axis=0), features.max(axis=0)
        half_width = highest / 2 - lowest / 2
        if self.n_std is None:
            self.center_ = lowest / 2 + highest / 2
        else:
            unit = np.where(half_width > 0, half_width, 1.0)
            position = features / unit - lowest / unit  # 0 to 2: its squares cannot overflow
            mean = np.average(position, axis=0, weights=weights)
            deviation = np.sqrt(np.average((position - mean) ** 2, axis=0, weights=weights))
            self.center_ = 2 * (lowest / 2 + unit * (mean / 2))
            half_width = self.n_std * deviation * half_width

        constant = half_width <= 10 * np.finfo(np.float64).eps * np.abs(self.center_)
        half_width[constant] = 1.0
        with np.errstate(over="ignore"):
            scale = (high / 2 - low / 2) / half_width
        if not np.isfinite(scale).all():
            column = int(np.argmin(half_width))
            raise ValueError(
                f"column {column} of X spans {2 * half_width[column]:.3g}, too little to be scaled in doubles; "
                "multiply it by a constant"
            )
        self.scale_ = np.where(constant, 0.0, scale)
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """Compute the angles of the features, in radians.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)

        Returns
        -------
        float ndarray, shape (n_samples, n_features)
        """
        check_is_fitted(self)
        low, high = self._checked_range()
        features = validate_data(self, X, dtype=np.float64, reset=False)
        with np.errstate(over="ignore", invalid="ignore"):
            angles = (features - self.center_) * self.scale_ + (low / 2 + high / 2)
            angles = np.clip(angles, low, high) if self.clip else angles
            check_result(features, angles)
        return angles

    def inverse_transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """Compute the features from the angles; a constant feature returns its constant.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features), radians

        Returns
        -------
        float ndarray, shape (n_samples, n_features)
        """
        check_is_fitted(self)
        low, high = self._checked_range()
        angles = validate_data(self, X, dtype=np.float64, reset=False)
        constant = self.scale_ == 0
        moved = (angles - (low / 2 + high / 2)) / np.where(constant, 1.0, self.scale_)
        return self.center_ + np.where(constant, 0.0, moved)

    def _checked_range(self) -> tuple[float, float]:
        ends: Any = self.angle_range
        if len(ends) != 2 or not all(isinstance(end, Real) and isfinite(end) for end in ends):
            raise ValueError(f"angle_range takes two finite angles in radians, got {ends!r}")
        low, high = float(ends[0]), float(ends[1])
        if not low < high:
            raise ValueError(f"angle_range takes a lower and a higher angle, got ({low}, {high})")
        if self.n_std is not None and not 0 < self.n_std < np.inf:
            raise ValueError(f"n_std takes None or a positive number of standard deviations, got {self.n_std!r}")
        return low, high
