"""Data functions of features that must be in a domain: from -1 to 1, or bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ArcCosines", "Bits"]

Matrix = NDArray[np.float64]

ROUNDING = 1e-12
"""Tolerance for features beyond the end of their domain, to allow for rounding."""


@dataclass(frozen=True)
class ArcCosines:
    """The arccosine of powers of the features, which must be from -1 to 1; derivatives at the ends are taken as zero.

    Parameters
    ----------
    powers : tuple of int
        Inputs are the arccosines of all features to the first power here, then to the second, ...
    """

    powers: tuple[int, ...] = (1,)

    def __call__(self, X: Matrix) -> Matrix:
        """Inputs of the circuit, shape (n_samples, n_powers * n_features), radians."""
        _check_values(
            X,
            np.abs(X) <= 1.0 + ROUNDING,
            "from -1 to 1, because their arccosine is taken",
            "sklearn's MinMaxScaler((-1, 1), clip=True) brings them there",
        )
        bounded = np.clip(X, -1.0, 1.0)
        return np.hstack([np.arccos(bounded**power) for power in self.powers])

    def pullback(self, X: Matrix, cotangent: Matrix) -> Matrix:
        """D loss / d features, shape (n_samples, n_features)."""
        out = np.zeros_like(X)
        for power, part in zip(self.powers, np.split(cotangent, len(self.powers), axis=1), strict=True):
            height = np.sqrt(np.maximum((1.0 - X**power) * (1.0 + X**power), 0.0))
            slope = part * power * X ** (power - 1)
            out -= np.divide(slope, height, out=np.zeros_like(X), where=height > 0)
        return out


@dataclass(frozen=True)
class Bits:
    """The features themselves, which must be 0 or 1; the derivative is that of the identity."""

    def __call__(self, X: Matrix) -> Matrix:
        """Inputs of the circuit, shape (n_samples, n_features)."""
        _check_values(
            X,
            (X == 0.0) | (X == 1.0),
            "0 or 1 for basis encoding",
            "(X > threshold).astype(float) makes them so; an estimator needs as many qubits as features, and a kernel "
            "the bandwidth 1",
        )
        return X

    def pullback(self, X: Matrix, cotangent: Matrix) -> Matrix:
        """D loss / d features, shape (n_samples, n_features)."""
        return cotangent


def _check_values(X: Matrix, valid: NDArray[np.bool_], expected: str, advice: str) -> None:
    """Raise unless all features are valid; names the first one that is not."""
    if not valid.all():
        row, column = (int(i) for i in np.argwhere(~valid)[0])
        raise ValueError(f"features must be {expected}; column {column} has {X[row, column]} in row {row} ({advice})")
