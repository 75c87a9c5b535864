"""Classical kernels with the same interface, so that comparing needs only another name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics.pairwise import pairwise_kernels

from qml.kernels.kernel import Kernel
from qml.settings import check_choice

__all__ = ["CLASSICAL", "RBF", "ClassicalKernel", "Laplacian", "Linear", "Polynomial", "scale_gamma"]

Array = NDArray[Any]

SMALLEST, LARGEST = 1e-300, 1e300
"""Variances between can be multiplied by numbers of features and inverted."""

CLASSICAL = ("linear", "polynomial", "rbf", "laplacian")

SETTINGS = {
    "linear": ("Linear", ()),
    "polynomial": ("Polynomial", ("degree", "gamma", "coef0")),
    "rbf": ("RBF", ("gamma",)),
    "laplacian": ("Laplacian", ("gamma",)),
}
"""Function that makes each kernel, and the settings that it has."""


class ClassicalKernel(Kernel):
    """Kernel of scikit-learn, `sklearn.metrics.pairwise`; `RBF`, `Linear`, `Polynomial` and `Laplacian` are shorter.

    Parameters
    ----------
    name : {"linear", "polynomial", "rbf", "laplacian"}
    gamma : float, "scale" or "auto"
        As in `sklearn.svm.SVC`: "scale" is one over the number of features times their variance, "auto" one over the
        number of features.
    degree : float
        Degree of the polynomial kernel.
    coef0 : float
        Constant term of the polynomial kernel.
    """

    def __init__(
        self, name: str = "rbf", *, gamma: float | str = "scale", degree: float = 3, coef0: float = 1.0
    ) -> None:
        self.name = name
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0

    def __repr__(self) -> str:
        """Return the call that makes this kernel, with the settings that are not the defaults."""
        if type(self) is not ClassicalKernel or self.name not in CLASSICAL:
            return str(super().__repr__())
        function, names = SETTINGS[self.name]
        defaults = inspect.signature(ClassicalKernel).parameters
        changed = [name for name in names if getattr(self, name) != defaults[name].default]
        return f"{function}({', '.join(f'{name}={getattr(self, name)!r}' for name in changed)})"

    def diag(self, X: ArrayLike) -> Array:
        rows = self._checked(X)
        return np.array([self._block(row, row)[0, 0] for row in rows[:, None]])

    def learn(self, X: Array, y: NDArray[Any] | None) -> None:
        check_choice("kernel", self.name, CLASSICAL)
        self.gamma_ = self._gamma(X)

    def _gamma(self, X: Array) -> float:
        if self.gamma == "scale":
            return scale_gamma(X)
        if self.gamma == "auto":
            return 1.0 / X.shape[1]
        if isinstance(self.gamma, str) or not 0 < self.gamma < np.inf:
            raise ValueError(f'gamma is a positive number, "scale" or "auto", got {self.gamma!r}')
        return float(self.gamma)

    def compute_features(self, X: Array) -> Array:
        return X

    def fill_gram(self, A: Array, B: Array | None, out: Array, progress: Callable[[int], object] | None) -> None:
        out[...] = self._block(A, B)

    def _block(self, A: Array, B: Array | None) -> Array:
        check_choice("kernel", self.name, CLASSICAL)
        settings: dict[str, Any] = {}
        if self.name != "linear":
            settings["gamma"] = self.gamma_ if hasattr(self, "gamma_") else self._gamma(A)
        if self.name == "polynomial":
            settings |= {"degree": self.degree, "coef0": self.coef0}
        with np.errstate(over="ignore", invalid="ignore"):
            K: Array = pairwise_kernels(A, B, metric=self.name, **settings)
        if not np.isfinite(K).all():
            largest = max(np.abs(X).max() for X in (A, B) if X is not None)
            raise ValueError(
                f"the {self.name} kernel of features of up to {largest:.3g} leaves the range of doubles; multiply "
                "them by a constant"
            )
        return K


def scale_gamma(X: Array, sample_weight: Array | None = None) -> float:
    """Compute one over the number of features times their variance, as ``gamma="scale"`` in `sklearn.svm.SVC`.

    A sample weight of k counts like k equal rows.

    Raises
    ------
    ValueError
        If the variance leaves the range of doubles.
    """
    with np.errstate(over="ignore"):
        if sample_weight is None:
            variance = float(X.var())
        else:
            mean = np.average(X, axis=0, weights=sample_weight).mean()
            variance = float(np.average((X - mean) ** 2, axis=0, weights=sample_weight).mean())
    if variance == 0 and X.min() == X.max():
        return 1.0
    if not SMALLEST < variance < LARGEST:
        raise ValueError(
            f"gamma='scale' needs the variance of X, which leaves the range of doubles: X holds numbers of up to "
            f"{np.abs(X).max():.3g}; multiply it by a constant"
        )
    return 1.0 / (X.shape[1] * variance)


def RBF(gamma: float | str = "scale") -> ClassicalKernel:
    """Return the kernel ``exp(-gamma |x - y|^2)``; ``gamma`` as in `ClassicalKernel`."""
    return ClassicalKernel("rbf", gamma=gamma)


def Laplacian(gamma: float | str = "scale") -> ClassicalKernel:
    """Return the kernel ``exp(-gamma |x - y|_1)``; ``gamma`` as in `ClassicalKernel`."""
    return ClassicalKernel("laplacian", gamma=gamma)


def Linear() -> ClassicalKernel:
    """Return the kernel ``x @ y``."""
    return ClassicalKernel("linear")


def Polynomial(degree: float = 3, gamma: float | str = "scale", coef0: float = 1.0) -> ClassicalKernel:
    """Return the kernel ``(gamma x @ y + coef0) ** degree``; ``gamma`` as in `ClassicalKernel`."""
    return ClassicalKernel("polynomial", degree=degree, gamma=gamma, coef0=coef0)
