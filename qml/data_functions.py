"""What a feature map does to the data before the circuit: functions from features to angles, with their derivative.

A circuit takes angles that are affine in its parameters. Everything else, such as ``(pi - x0) * (pi - x1)``, is
computed here for all samples at once, and differentiated by a vector-Jacobian product.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Amplitudes", "DataFunction", "OwnFunction", "Products"]

Matrix = NDArray[np.float64]


class DataFunction(Protocol):
    """A function from features to the values of a circuit's inputs, and its derivative."""

    def __call__(self, X: Matrix) -> Matrix:
        """Inputs of the circuit, shape (n_samples, n_inputs), from features (n_samples, n_features)."""

    def pullback(self, X: Matrix, cotangent: Matrix) -> Matrix:
        """From d loss / d inputs (n_samples, n_inputs) to d loss / d features (n_samples, n_features)."""


@dataclass(frozen=True)
class OwnFunction:
    """A data function made of two plain functions.

    Parameters
    ----------
    function : callable
        Features (n_samples, n_features) to inputs (n_samples, n_inputs).
    gradient : callable, optional
        ``gradient(X, cotangent)``: d loss / d inputs to d loss / d features. Only derivatives with respect to the data
        need it; training does not.

    Examples
    --------
    >>> square = OwnFunction(lambda X: X**2, lambda X, cotangent: 2 * X * cotangent)
    >>> square.pullback(np.array([[3.0]]), np.array([[1.0]]))
    array([[6.]])
    """

    function: Callable[[Matrix], Matrix]
    gradient: Callable[[Matrix, Matrix], Matrix] | None = None

    def __call__(self, X: Matrix) -> Matrix:
        """Inputs of the circuit, shape (n_samples, n_inputs)."""
        return np.asarray(self.function(X), np.float64)

    def pullback(self, X: Matrix, cotangent: Matrix) -> Matrix:
        """D loss / d features, shape (n_samples, n_features)."""
        if self.gradient is None:
            raise ValueError("this data function was given no gradient, so there is no derivative with respect to X")
        return np.asarray(self.gradient(X, cotangent), np.float64)


@dataclass(frozen=True)
class Products:
    """One input a subset S of the features: the feature itself, or ``prod(center - x_j for j in S)`` of several.

    Parameters
    ----------
    subsets : tuple of tuple of int
    center : float, radians
        Qiskit's data map has pi; with 0 a pair gives the plain product.
    """

    subsets: tuple[tuple[int, ...], ...]
    center: float = np.pi

    def __call__(self, X: Matrix) -> Matrix:
        """Inputs of the circuit, shape (n_samples, n_subsets)."""
        out = np.empty((len(X), len(self.subsets)))
        for k, subset in enumerate(self.subsets):
            columns = X[:, list(subset)]
            out[:, k] = columns[:, 0] if len(subset) == 1 else np.prod(self.center - columns, axis=1)
        return out

    def pullback(self, X: Matrix, cotangent: Matrix) -> Matrix:
        """D loss / d features, shape (n_samples, n_features)."""
        out = np.zeros_like(X)
        for k, subset in enumerate(self.subsets):
            if len(subset) == 1:
                out[:, subset[0]] += cotangent[:, k]
                continue
            for feature in subset:
                rest = [j for j in subset if j != feature]
                out[:, feature] -= cotangent[:, k] * np.prod(self.center - X[:, rest], axis=1)
        return out


@dataclass(frozen=True)
class Amplitudes:
    """Each row divided by its norm; a row of zeros, which has no direction, becomes the first basis state.

    Its derivative at a row of zeros is taken as zero.
    """

    def __call__(self, X: Matrix) -> Matrix:
        """Amplitudes, shape (n_samples, n_features)."""
        out, _ = _normalized(X)
        out[~X.any(axis=1), 0] = 1.0
        return out

    def pullback(self, X: Matrix, cotangent: Matrix) -> Matrix:
        """D loss / d features, shape (n_samples, n_features)."""
        unit, norm = _normalized(X)
        across = cotangent - unit * np.sum(unit * cotangent, axis=1, keepdims=True)
        return np.divide(across, norm, out=np.zeros_like(X), where=norm > 0)


def _normalized(X: Matrix) -> tuple[Matrix, Matrix]:
    """Rows of norm 1 (zero rows stay), and the norms (n_samples, 1); squares of huge or tiny entries are avoided."""
    largest = np.abs(X).max(axis=1, keepdims=True)
    scaled = X / np.where(largest > 0, largest, 1.0)
    norm = np.linalg.norm(scaled, axis=1, keepdims=True)
    return scaled / np.where(norm > 0, norm, 1.0), norm * largest
