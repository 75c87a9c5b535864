"""Quantum kernel in the interface of scikit-learn's Gaussian processes, with the bandwidth as a hyper-parameter."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.gaussian_process.kernels import Hyperparameter
from sklearn.gaussian_process.kernels import Kernel as CovarianceFunction

from qml.estimators.kernel_methods.kernel_estimator import Basis
from qml.kernels import Kernel

__all__ = ["Stretched", "TrainingRows"]

Array = NDArray[np.float64]

STEPS: dict[type, float] = {np.float64: 1e-5, np.float32: 1e-2}
"""Step in the logarithm of the stretch for central differences; the error is about 1e-10 (double), 1e-4 (single)."""


class TrainingRows:
    """Gram matrices of one set of rows stretched by any factor; the most recent ones are cached.

    Tuning evaluates many amplitudes and noise levels at the same stretch.

    Parameters
    ----------
    kernel : Kernel, fitted
    rows : Basis
        Unstretched rows with their features, so that a kernel on a backend does not measure them again.
    gram : float ndarray, shape (n_samples, n_samples)
        Gram matrix of the unstretched rows.
    """

    def __init__(self, kernel: Kernel, rows: Basis, gram: Array) -> None:
        self._kernel = kernel
        self._rows = rows
        self._grams = {1.0: gram}
        self._slopes: dict[float, Array] = {}

    def gram(self, stretch: float) -> Array:
        """Return the Gram matrix at a stretch, shape (n_samples, n_samples)."""
        if stretch not in self._grams:
            self._grams = {stretch: self._compute(stretch)}
        return self._grams[stretch]

    def slope(self, stretch: float) -> Array:
        """Differentiate the Gram matrix with respect to the logarithm of the stretch."""
        if stretch not in self._slopes:
            step = STEPS[self._kernel.dtype]
            up, down = (self._compute(stretch * np.exp(sign * step)) for sign in (1, -1))
            self._slopes = {stretch: (up - down) / (2 * step)}
        return self._slopes[stretch]

    def basis(self, stretch: float) -> Basis:
        """Return the stretched rows with their features."""
        if stretch == 1.0:
            return self._rows
        stretched = stretch * self._rows.samples
        return Basis(stretched, self._kernel.features(stretched))

    def _compute(self, stretch: float) -> Array:
        return np.asarray(self._kernel.gram(self.basis(stretch).features), np.float64)

    def __deepcopy__(self, memo: dict[int, Any]) -> TrainingRows:
        return self  # scikit-learn copies kernels at each step; the cache must survive


class Stretched(CovarianceFunction):
    """Covariance of training rows, which are passed as row indices.

    Parameters
    ----------
    rows : TrainingRows
    stretch : float
        Factor that multiplies the scaled features, in addition to the kernel's bandwidth.
    stretch_bounds : (float, float) or "fixed"
    """

    def __init__(
        self, rows: TrainingRows, stretch: float = 1.0, stretch_bounds: tuple[float, float] | str = (0.1, 10.0)
    ) -> None:
        self.rows = rows
        self.stretch = stretch
        self.stretch_bounds = stretch_bounds

    @property
    def hyperparameter_stretch(self) -> Hyperparameter:
        """Hyper-parameter that scikit-learn tunes."""
        return Hyperparameter("stretch", "numeric", self.stretch_bounds)

    def __call__(self, X: ArrayLike, Y: ArrayLike | None = None, eval_gradient: bool = False) -> Any:
        """Compute the covariance of rows indexed by ``X`` (n, 1) and ``Y`` (m, 1); derivative (n, n, 1 or 0)."""
        first = np.asarray(X, np.intp)[:, 0]
        second = first if Y is None else np.asarray(Y, np.intp)[:, 0]
        block = np.ix_(first, second)
        covariance = self.rows.gram(self.stretch)[block]
        if not eval_gradient:
            return covariance
        if self.hyperparameter_stretch.fixed:
            return covariance, np.empty((*covariance.shape, 0))
        return covariance, self.rows.slope(self.stretch)[block][..., None]

    def diag(self, X: ArrayLike) -> Array:
        """Compute variances, shape (n,)."""
        return np.diag(self.rows.gram(self.stretch))[np.asarray(X, np.intp)[:, 0]].copy()

    def is_stationary(self) -> bool:
        """Whether the covariance depends on differences of features only; in general it does not."""
        return False
