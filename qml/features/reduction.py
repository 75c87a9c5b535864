"""Reduction to as many features as qubits."""

from __future__ import annotations

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from qml.checked_data import validate_data
from qml.features.scaling import check_result

__all__ = ["QubitReducer"]

SMALLEST, LARGEST = 1e-140, 1e140
"""Bounds between which sums of squares are doubles of full precision."""


class QubitReducer(TransformerMixin, BaseEstimator):
    """Principal components if there are more features than qubits; otherwise the unchanged features.

    A plain :class:`sklearn.decomposition.PCA` refuses more components than features or samples, so a pipeline written
    for one table breaks on a narrower one; this one does not.

    Parameters
    ----------
    n_qubits : int
        The most features that may come out.
    whiten : bool
        Whether components are scaled to unit variance.
    random_state : int, RandomState or None
        Seed for the randomised solver, which PCA selects for very large matrices.

    Attributes
    ----------
    pca_ : PCA or None
        ``None`` if the features pass unchanged.
    explained_variance_ratio_ : float
        Share of the variance that is kept, 1 if the features pass unchanged.
    n_features_in_ : int
    feature_names_in_ : ndarray of str, only if ``X`` had column names

    Notes
    -----
    PCA goes by variance, so features in different units want a ``StandardScaler`` in front.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from qml.features import QubitReducer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> make_pipeline(StandardScaler(), QubitReducer(6)).fit_transform(X).shape
    (569, 6)
    """

    def __init__(
        self, n_qubits: int = 8, *, whiten: bool = False, random_state: int | RandomState | None = None
    ) -> None:
        self.n_qubits = n_qubits
        self.whiten = whiten
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: object = None) -> QubitReducer:
        """Learn the principal components, if there are too many features.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If ``n_qubits`` is not a positive integer, ``X`` is not a finite matrix, or squares of its largest number
            are not normal doubles.
        """
        n_qubits: object = self.n_qubits  # callers may ignore the annotation
        if not isinstance(n_qubits, int | np.integer) or n_qubits < 1:
            raise ValueError(f"n_qubits takes a positive integer, got {self.n_qubits!r}")
        features = validate_data(self, X, dtype=np.float64)
        self.pca_: PCA | None = None
        self.explained_variance_ratio_ = 1.0
        if self.n_features_in_ > self.n_qubits:
            largest = np.abs(features).max()
            if largest > 0 and not SMALLEST < largest < LARGEST:
                raise ValueError(
                    "principal components need the squares of X, which leave the range of doubles: X holds "
                    f"numbers of up to {largest:.3g}; multiply it by a constant"
                )
            n_components = min(int(self.n_qubits), len(features))  # few samples span few directions
            self.pca_ = PCA(n_components, whiten=self.whiten, random_state=self.random_state).fit(features)
            self.explained_variance_ratio_ = float(self.pca_.explained_variance_ratio_.sum())
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """Reduce to at most ``n_qubits`` columns.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)

        Returns
        -------
        float ndarray, shape (n_samples, min(n_features, n_qubits))
        """
        check_is_fitted(self)
        features = validate_data(self, X, dtype=np.float64, reset=False)
        if self.pca_ is None:
            return features.copy()
        with np.errstate(over="ignore", invalid="ignore"):
            components: NDArray[np.float64] = self.pca_.transform(features)
            check_result(features, components)
        return components

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Return the names "pca0", "pca1", ..., or those of the input if the features do not change.

        Parameters
        ----------
        input_features : array-like of str, optional

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        return names if self.pca_ is None else self.pca_.get_feature_names_out()
