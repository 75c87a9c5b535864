"""A quantum kernel as scikit-learn's Gaussian processes know kernels, with the bandwidth as a hyper-parameter."""

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
"""Of the logarithm of the stretch in the derivative by central differences: exact to about 1e-10, or 1e-4."""


class TrainingRows:
    """Gram matrices of one set of rows stretched by any factor; the latest are remembered.

    Tuning asks for many amplitudes and noise levels at the same stretch.

    Parameters
    ----------
    kernel : Kernel, fitted
    rows : Basis
        As they are; a kernel that measures is not asked for their features again.
    gram : float ndarray, shape (n_samples, n_samples)
        Of the rows as they are.
    """

    def __init__(self, kernel: Kernel, rows: Basis, gram: Array) -> None:
        self._kernel = kernel
        self._rows = rows
        self._known = {1.0: gram}
        self._slopes: dict[float, Array] = {}

    def gram(self, stretch: float) -> Array:
        """Gram matrix, shape (n_samples, n_samples)."""
        if stretch not in self._known:
            self._known = {stretch: self._compute(stretch)}
        return self._known[stretch]

    def slope(self, stretch: float) -> Array:
        """Its derivative with respect to the logarithm of the stretch."""
        if stretch not in self._slopes:
            step = STEPS[self._kernel.dtype]
            up, down = (self._compute(stretch * np.exp(sign * step)) for sign in (1, -1))
            self._slopes = {stretch: (up - down) / (2 * step)}
        return self._slopes[stretch]

    def basis(self, stretch: float) -> Basis:
        """The stretched rows with the kernel's features of them."""
        if stretch == 1.0:
            return self._rows
        stretched = stretch * self._rows.samples
        return Basis(stretched, self._kernel.features(stretched))

    def _compute(self, stretch: float) -> Array:
        return np.asarray(self._kernel.gram(self.basis(stretch).features), np.float64)

    def __deepcopy__(self, memo: dict[int, Any]) -> TrainingRows:
        return self  # scikit-learn copies kernels at each step


class Stretched(CovarianceFunction):
    """Covariance of training rows, given by their numbers.

    Parameters
    ----------
    rows : TrainingRows
    stretch : float
        What scaled features are multiplied by: a factor of the kernel's bandwidth.
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
        """What scikit-learn tunes."""
        return Hyperparameter("stretch", "numeric", self.stretch_bounds)

    def __call__(self, X: ArrayLike, Y: ArrayLike | None = None, eval_gradient: bool = False) -> Any:
        """Covariance of rows numbered ``X`` (n, 1) and ``Y`` (m, 1), and its derivative (n, n, 1) or (n, n, 0)."""
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
        """Variances, shape (n,)."""
        return np.diag(self.rows.gram(self.stretch))[np.asarray(X, np.intp)[:, 0]].copy()

    def is_stationary(self) -> bool:
        """Whether it depends on differences of features only; in general not."""
        return False
