"""The Nystroem method: features from the kernel entries with a few landmarks."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.validation import check_is_fitted

from qml.checked_data import validate_data
from qml.estimators.random_features.landmarks import ROWS_AT_ONCE, SELECTIONS, select_landmarks
from qml.estimators.saved import Saved
from qml.estimators.search_space import Searchable, Trial
from qml.kernels import FidelityKernel, Kernel, get_kernel
from qml.settings import check_choice, check_whole

__all__ = ["NystroemFeatures"]

Array = NDArray[np.float64]

SAMPLES_TO_LEARN_FROM = 2000

SMALLEST_EIGENVALUE = 1e-10
"""Smallest eigenvalue used, relative to the largest: smaller ones would amplify rounding errors."""


@dataclass(eq=False, repr=False)
class NystroemFeatures(Saved, Searchable, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Features whose inner products approximate a kernel, from its entries with a few landmarks.

    ``phi(x) = K_LL^(-1/2) k_L(x)`` for landmarks L, so that ``phi(x) . phi(y)`` is exact where x or y is a landmark.
    With all samples as landmarks, a linear model on these features equals the kernel model.

    Parameters
    ----------
    kernel : str or Kernel, optional
        See `qml.kernels.get_kernel`. By default the fidelity kernel of the IQP map (see `PauliMap`) at an automatic
        bandwidth, for features of mean 0. The kernel is fitted to at most 2000 samples.
    n_landmarks : int
        Maximum number of landmarks; never more than the number of samples.
    selection : {"uniform", "leverage", "kmeans"}
        Uniformly random samples; random samples with probabilities proportional to ridge leverage scores, which prefer
        samples unlike the others; or the centres of clusters, which are not samples.
    random_state : int, RandomState or None

    Attributes
    ----------
    kernel_ : Kernel
        The fitted kernel.
    landmarks_ : float ndarray, shape (n_landmarks, n_features)
    landmark_features_ : ndarray, shape (n_landmarks, ...)
        Features of each landmark in the kernel, so that a kernel on a backend measures them once.
    normalization_ : float ndarray, shape (n_landmarks, n_components)
        Square root of the pseudo-inverse of the landmarks' Gram matrix.
    n_components_ : int
        Number of output features: fewer than landmarks where these are linearly dependent in feature space.
    n_features_in_ : int
    feature_names_in_ : ndarray of str, only if ``X`` had column names

    References
    ----------
    Williams and Seeger, "Using the Nystroem method to speed up kernel machines", NeurIPS 2000; Musco and Musco,
    arXiv:1605.07583 (leverage scores); Zhang, Tsang and Kwok, "Improved Nystroem low-rank approximation and error
    analysis", ICML 2008 (k-means).

    Examples
    --------
    >>> import numpy as np
    >>> from qml.kernels import FidelityKernel
    >>> X = np.random.default_rng(0).uniform(-1, 1, (200, 3))
    >>> features = NystroemFeatures("angle", n_landmarks=60, random_state=0).fit_transform(X)
    >>> features.shape  # the states of this kernel span fewer dimensions
    (200, 27)
    >>> bool(np.allclose(features @ features.T, FidelityKernel("angle")(X)))
    True
    """

    kernel: str | Kernel | None = None
    _: KW_ONLY
    n_landmarks: int = 100
    selection: Literal["uniform", "leverage", "kmeans"] = "uniform"
    random_state: int | RandomState | None = None

    def search_space(self, trial: Trial) -> dict[str, Any]:
        return super().search_space(trial) | {
            "n_landmarks": trial.suggest_int("n_landmarks", 20, 200, log=True),
            "selection": trial.suggest_categorical("selection", ["uniform", "leverage", "kmeans"]),
            "kernel": trial.suggest_categorical("kernel", ["zz", "angle", "iqp"]),
        }

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Fit the kernel and choose the landmarks.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        y : array-like, shape (n_samples,), optional
            Targets; only some kernels use them.
        """
        check_whole("n_landmarks", self.n_landmarks)
        check_choice("selection", self.selection, SELECTIONS)
        features = validate_data(self, X, dtype=np.float64, order="C")
        targets = None if y is None else column_or_1d(y, warn=True)
        check_consistent_length(features, targets)
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        kernel = FidelityKernel("iqp", bandwidth="auto") if self.kernel is None else clone(get_kernel(self.kernel))
        learning_rows = np.sort(np.random.default_rng(seed).permutation(len(features))[:SAMPLES_TO_LEARN_FROM])
        self.kernel_ = kernel.fit(features[learning_rows], None if targets is None else targets[learning_rows])
        self.landmarks_ = select_landmarks(self.kernel_, features, self.n_landmarks, self.selection, seed)
        self.landmark_features_ = np.ascontiguousarray(self.kernel_.features(self.landmarks_))
        landmark_gram = self.kernel_.gram(self.landmark_features_)
        eigenvalues, vectors = np.linalg.eigh(np.asarray(landmark_gram, np.float64))
        significant = eigenvalues > SMALLEST_EIGENVALUE * eigenvalues[-1]
        self.normalization_ = vectors[:, significant] / np.sqrt(eigenvalues[significant])
        self.n_components_ = int(significant.sum())
        return self

    def transform(self, X: ArrayLike) -> Array:
        """Compute features of each sample, shape (n_samples, n_components), in chunks of some thousand samples."""
        check_is_fitted(self, "normalization_")
        samples = validate_data(self, X, dtype=np.float64, order="C", reset=False)
        out = np.empty((len(samples), self.normalization_.shape[1]))
        for first in range(0, len(samples), ROWS_AT_ONCE):
            rows = slice(first, first + ROWS_AT_ONCE)
            block = self.kernel_.gram(self.kernel_.features(samples[rows]), self.landmark_features_)
            np.matmul(np.asarray(block, np.float64), self.normalization_, out=out[rows])
        return out

    @property
    def _n_features_out(self) -> int:
        return len(self.normalization_.T)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        return tags
