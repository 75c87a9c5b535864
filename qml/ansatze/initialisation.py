"""Rules for the weights of an ansatz before training, several of them against barren plateaus."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.ansatze.mirrored import Mirrored
from qml.ansatze.trait import Ansatz
from simulator.names import by_name

__all__ = [
    "INITIALISATIONS",
    "BetaAngles",
    "GaussianDepth",
    "IdentityBlocks",
    "Initialisation",
    "SmallAngles",
    "get_initialisation",
]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Initialisation:
    """The ansatz's rule, and base of the other ones."""

    def prepared(self, ansatz: Ansatz) -> Ansatz:
        """Return the ansatz that the rule is for, which may have another structure."""
        return ansatz

    def draw(self, ansatz: Ansatz, num_qubits: int, num_layers: int, rng: np.random.Generator) -> Array:
        """Draw the weights of the prepared ansatz, shape (num_weights,), in radians."""
        return ansatz.initial_weights(num_qubits, num_layers, rng)


@dataclass(frozen=True)
class SmallAngles(Initialisation):
    """Normal with a small standard deviation: a circuit close to its entangling gates alone.

    Parameters
    ----------
    spread : float
        Standard deviation in radians.
    """

    spread: float = 0.01

    def __post_init__(self) -> None:
        _check_positive(self, "spread")

    def draw(self, ansatz: Ansatz, num_qubits: int, num_layers: int, rng: np.random.Generator) -> Array:
        """Draw the weights."""
        return rng.normal(0.0, self.spread, ansatz.num_weights(num_qubits, num_layers))


@dataclass(frozen=True)
class GaussianDepth(Initialisation):
    """Normal with variance ``1 / (4 S (L + 2))`` for L layers and observables on S qubits.

    Parameters
    ----------
    locality : int
        Number of qubits that an observable acts on, S.

    References
    ----------
    Zhang, Liu, Hsieh, Tao, arXiv:2203.09376.
    """

    locality: int = 2

    def __post_init__(self) -> None:
        _check_positive(self, "locality")

    def draw(self, ansatz: Ansatz, num_qubits: int, num_layers: int, rng: np.random.Generator) -> Array:
        """Draw the weights."""
        spread = 0.5 / math.sqrt(self.locality * (num_layers + 2))
        return rng.normal(0.0, spread, ansatz.num_weights(num_qubits, num_layers))


@dataclass(frozen=True)
class BetaAngles(Initialisation):
    """Beta distribution on the angles from 0 to ``width``.

    Parameters
    ----------
    a, b : float
        Shape parameters of the distribution; `fitted` estimates them from data.
    width : float
        Largest angle in radians.

    References
    ----------
    Kulshrestha and Safro, arXiv:2204.13751.
    """

    a: float = 2.0
    b: float = 2.0
    width: float = 1.0

    def __post_init__(self) -> None:
        for name in ("a", "b", "width"):
            _check_positive(self, name)

    @classmethod
    def fitted(cls, X: ArrayLike, width: float = 1.0) -> BetaAngles:
        """Return the distribution with mean and variance of the features, each brought to the range from 0 to 1.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        width : float

        Raises
        ------
        ValueError
            If no feature varies.
        """
        features = np.asarray(X, float)
        low, high = features.min(axis=0), features.max(axis=0)
        if not (high > low).any():
            raise ValueError("a Beta distribution is fitted to features that vary, got constant ones only")
        shares = ((features - low)[:, high > low] / (high - low)[high > low]).ravel()
        mean, variance = float(shares.mean()), float(shares.var())
        count = mean * (1.0 - mean) / variance - 1.0
        return cls(max(mean * count, 1e-3), max((1.0 - mean) * count, 1e-3), width)

    def draw(self, ansatz: Ansatz, num_qubits: int, num_layers: int, rng: np.random.Generator) -> Array:
        """Draw the weights."""
        return self.width * rng.beta(self.a, self.b, ansatz.num_weights(num_qubits, num_layers))


@dataclass(frozen=True)
class IdentityBlocks(Initialisation):
    """Random angles with which every two layers are the identity: the ansatz becomes `Mirrored`.

    Gradients of the first step are then those of a shallow circuit. With a feature map that encodes the data before
    each layer, these stand inside the blocks, which are not the identity.

    References
    ----------
    Grant, Wossnig, Ostaszewski, Benedetti, arXiv:1903.05076.
    """

    def prepared(self, ansatz: Ansatz) -> Ansatz:
        """Return the ansatz with every second layer mirrored."""
        return Mirrored(ansatz)


INITIALISATIONS: Mapping[str, Callable[..., Initialisation]] = {
    "ansatz": Initialisation,
    "small_angles": SmallAngles,
    "gaussian_depth": GaussianDepth,
    "beta": BetaAngles,
    "identity_blocks": IdentityBlocks,
}
"""Rules for initial weights by name; ``"ansatz"`` is the rule of the ansatz."""


def get_initialisation(initialisation: str | Initialisation) -> Initialisation:
    """Return the rule of a name, or the object itself.

    Raises
    ------
    UnknownNameError
        If the name is unknown; the nearest names are suggested.
    TypeError
        If ``initialisation`` is neither a name nor a rule.

    Examples
    --------
    >>> get_initialisation("gaussian_depth")
    GaussianDepth(locality=2)
    """
    return by_name("initialisation", initialisation, INITIALISATIONS, Initialisation)


def _check_positive(rule: Initialisation, name: str) -> None:
    value = getattr(rule, name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError(f"{name} of {type(rule).__name__} expects a number > 0, got {value!r}")
