"""Objective of metric learning: the Hilbert-Schmidt distance between the mean states of classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.feature_maps import Encoding
from qml.layers import Sequential
from qml.optimizers.objective import Objective, Rows
from simulator.caching import cached_property
from simulator.calculations.gradients import state_sweep
from simulator.calculations.statevector import states
from simulator.engines.trait import StateCotangent
from simulator.program.program import Program

__all__ = ["Embedding", "HilbertSchmidtObjective"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Embedding:
    """Layers before a circuit, if any, and the circuit: features to states, with the weights of both.

    Parameters
    ----------
    encoding : Encoding
        Feature map; its weights come after those of ``before``.
    before : Sequential, optional
        Layers that bring the features to the number that the feature map takes.
    precision : {"double", "single"}
    """

    encoding: Encoding
    before: Sequential | None
    precision: str

    @cached_property
    def program(self) -> Program:
        """Program of the circuit."""
        encoding = self.encoding
        return Program(encoding.circuit, (), encoding.inputs, encoding.weights, self.precision)

    def split(self, weights: Array) -> tuple[Array, Array]:
        """Return the weights of the layers before the circuit, and those of the circuit."""
        count = 0 if self.before is None else self.before.num_weights
        return weights[:count], weights[count:]

    def features(self, X: Array, weights: Array) -> Array:
        """Compute the features that the feature map takes."""
        return X if self.before is None else self.before.forward(X, self.split(weights)[0])

    def states(self, X: Array, weights: Array) -> NDArray[Any]:
        """Compute states, shape (n_samples, 2**n_qubits)."""
        return states(self.program, self.encoding.angles(self.features(X, weights)), self.split(weights)[1])

    def gradient(self, X: Array, weights: Array, cotangent: StateCotangent) -> Array:
        """Differentiate a function of all states with respect to the weights; ``cotangent`` as in `state_sweep`."""
        outer, inner = self.split(weights)
        if self.before is None:
            by_inner, _ = state_sweep(self.program, self.encoding.angles(X), inner, cotangent)
            return by_inner
        by_weights = np.empty(0)

        def rest(features: Array, rows: slice) -> Array:
            nonlocal by_weights
            angles = self.encoding.angles(features)
            by_weights, by_angles = state_sweep(self.program, angles, inner, cotangent, inputs=True)
            assert by_angles is not None
            return by_angles if self.encoding.data is None else self.encoding.data.pullback(features, by_angles)

        by_outer, _ = self.before.sweep(X, outer, rest, inputs=False)
        return np.concatenate([by_outer, by_weights])


@dataclass(frozen=True)
class HilbertSchmidtObjective(Objective):
    """One minus half the mean squared Hilbert-Schmidt distance between the mean states of two classes.

    For the mean states ``rho`` of the classes, ``1 - mean over a < b of tr (rho_a - rho_b)**2 / 2``: from 0, if classes
    are single states that are orthogonal to each other, to 1. A batch takes the classes of which it has samples, with
    the mean states of these samples.

    Parameters
    ----------
    embedding : Embedding
    X : float ndarray, shape (n_samples, n_features)
        Scaled features.
    shares : float ndarray, shape (n_samples, n_classes)
        Weight of each sample in the mean state of its class, up to a factor; 0 for other classes.
    """

    embedding: Embedding
    X: Array
    shares: Array
    validation: HilbertSchmidtObjective | None = None

    @property
    def n_samples(self) -> int:
        """Number of training rows."""
        return len(self.X)

    def value_and_gradient(self, weights: Array, rows: Rows) -> tuple[float, Array]:
        """Compute the loss of a batch and its gradient, shape (n_weights,)."""
        pairs = self._pairs(rows)
        value = 0.0

        def cotangent(psi: NDArray[Any]) -> NDArray[Any]:
            nonlocal value
            overlaps = psi @ psi.conj().T
            value = _loss(pairs, overlaps)
            return -4.0 * (pairs * overlaps) @ psi  # type: ignore[no-any-return]

        gradient = self.embedding.gradient(self.X[rows], weights, cotangent)
        return value, gradient

    def value(self, weights: Array, rows: Rows) -> float:
        """Compute the loss of a batch."""
        psi = self.embedding.states(self.X[rows], weights)
        return _loss(self._pairs(rows), psi @ psi.conj().T)

    def validation_score(self, weights: Array) -> float | None:
        """Compute the negative loss on the held-out samples; None if there are none."""
        return None if self.validation is None else -self.validation.value(weights, slice(None))

    def _pairs(self, rows: Rows) -> Array:
        """Factor of each fidelity in the mean squared distance over two, shape (n, n)."""
        shares = self.shares[rows]
        totals = shares.sum(axis=0)
        shares = shares[:, totals > 0] / totals[totals > 0]
        count = shares.shape[1]
        if count == 1:
            return np.zeros((len(shares),) * 2)
        # the sum over a < b of (v_a - v_b)(v_a - v_b)^T is count * sum_a v_a v_a^T - (sum_a v_a)(sum_a v_a)^T
        total = shares.sum(axis=1)
        return (count * shares @ shares.T - np.outer(total, total)) / (count * (count - 1))  # type: ignore[no-any-return]


def _loss(pairs: Array, overlaps: NDArray[Any]) -> float:
    return 1.0 - float((pairs * np.abs(overlaps) ** 2).sum())
