"""Kernel-target alignment as a function of feature scales and circuit weights, with its derivative."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.kernels.alignment import alignment_and_gradient, target_kernel
from qml.kernels.composite import leaves, value_and_partials
from qml.kernels.embedding import EmbeddingKernel
from qml.kernels.kernel import Kernel
from qml.kernels.projected import ProjectedKernel
from qml.optimizers.objective import Objective, Rows
from simulator.caching import cached_property
from simulator.calculations.gradients import adjoint_sweep, state_sweep
from simulator.calculations.statevector import expectations, states

__all__ = ["AlignmentObjective", "TrainedPart"]

Array = NDArray[Any]

Derivative = Callable[[Array], Array]
"""From a kernel matrix to the derivative with respect to its entries, both (n_samples, n_samples) and symmetric."""


@dataclass(frozen=True)
class TrainedPart:
    """Quantum kernel as a function of logarithms of the features' scales, then the weights.

    Parameters
    ----------
    kernel : FidelityKernel or ProjectedKernel
        Fitted.
    prefix : str
        Prefix of its settings in the kernel that it is part of.
    num_features : int
    scales, weights : bool
        Whether to train the scales, and the weights.
    """

    kernel: EmbeddingKernel
    prefix: str
    num_features: int
    scales: bool
    weights: bool

    def initial(self) -> Array:
        """Return the starting point of training: the kernel's scales and weights."""
        scales = np.zeros(self.num_features if self.scales else 0)
        return np.concatenate([scales, self._initial_weights() if self.weights else np.zeros(0)])

    def values(self, parameters: Array) -> tuple[Array, Array]:
        """Scales, shape (n_features,), and weights, shape (n_weights,)."""
        scales = np.broadcast_to(np.asarray(self.kernel.bandwidth_, np.float64), (self.num_features,))
        if not self.scales:
            return scales.copy(), parameters
        split = self.num_features
        return scales * np.exp(parameters[:split]), parameters[split:] if self.weights else self._initial_weights()

    def settings(self, parameters: Array) -> dict[str, Any]:
        """Return the settings of the trained kernel, by name."""
        scales, weights = self.values(parameters)
        learnt: dict[str, Any] = {"bandwidth": scales} | ({"weights": weights} if len(weights) else {})
        if isinstance(self.kernel, ProjectedKernel):
            learnt["gamma"] = self.kernel.gamma_  # the value at which training took place
        return {f"{self.prefix}{name}": value for name, value in learnt.items()}

    def matrix(self, X: Array, parameters: Array) -> Array:
        """Compute the exact kernel matrix, shape (n_samples, n_samples)."""
        scales, weights = self.values(parameters)
        encoding, program = self.kernel.prepare(X.shape[1])
        inputs = encoding.angles(X * scales)
        if isinstance(self.kernel, ProjectedKernel):
            features = expectations(program, inputs, weights) * self.kernel.scales(program.num_qubits)
            return self._outer(features)[0]
        psi = states(program, inputs, weights)
        return (np.abs(psi @ psi.conj().T) ** 2).astype(np.float64)

    def gradient(self, X: Array, parameters: Array, derivative: Derivative) -> Array:
        """Differentiate a function of the kernel matrix with respect to the parameters, in one sweep.

        ``derivative`` is called once, with the matrix, and may run other sweeps.
        """
        scales, weights = self.values(parameters)
        encoding, program = self.kernel.prepare(X.shape[1])
        scaled = X * scales
        inputs = encoding.angles(scaled)
        if isinstance(self.kernel, ProjectedKernel):
            factors = self.kernel.scales(program.num_qubits)
            K, pullback = self._outer(expectations(program, inputs, weights) * factors)
            seeds = pullback(derivative(K)) * factors
            _, by_weights, by_inputs = adjoint_sweep(program, inputs, weights, seeds, self.scales)
        else:
            by_weights, by_inputs = state_sweep(
                program, inputs, weights, lambda psi: _state_derivative(psi, derivative), self.scales
            )
        parts = []
        if self.scales:
            assert by_inputs is not None
            by_scaled = by_inputs if encoding.data is None else encoding.data.pullback(scaled, by_inputs)
            parts.append((by_scaled * scaled).sum(axis=0))
        if self.weights:
            parts.append(by_weights)
        return np.concatenate(parts)

    def _initial_weights(self) -> Array:
        return self.kernel.weight_values(self.kernel.encoding(self.num_features))

    def _outer(self, features: Array) -> tuple[Array, Derivative]:
        """Compute the kernel matrix of features, and the pullback of a symmetric derivative to the features."""
        assert isinstance(self.kernel, ProjectedKernel)
        K = np.empty((len(features), len(features)))
        self.kernel.fill_gram(features, None, K, None)
        if self.kernel.outer == "linear":
            return K, lambda v: 2.0 * v @ features
        factor = -4.0 * self.kernel.gamma_

        def pullback(v: Array) -> Array:
            weighted = v * K
            return factor * (weighted.sum(axis=1)[:, None] * features - weighted @ features)  # type: ignore[no-any-return]

        return K, pullback


def _state_derivative(psi: Array, derivative: Derivative) -> Array:
    """Differentiate a function of the fidelities of states with respect to the states."""
    overlaps = psi @ psi.conj().T  # <psi_j|psi_i>
    by_kernel = derivative(np.abs(overlaps).astype(np.float64) ** 2)
    return 4.0 * (by_kernel * overlaps) @ psi  # type: ignore[no-any-return]


@dataclass(frozen=True)
class AlignmentObjective(Objective):
    """One minus the alignment of a batch, as a function of the parameters of the trained parts, one after another.

    Parameters
    ----------
    kernel : Kernel
        Fitted.
    X : float64 ndarray, shape (n_samples, n_features)
    target : float64 ndarray, shape (n_samples, n_samples)
    leaves : tuple of (TrainedPart or ndarray of shape (n_samples, n_samples))
        Kernels inside the kernel, in order; those that are not trained as their matrices.
    centered : bool
    """

    kernel: Kernel
    X: Array
    target: Array
    leaves: tuple[TrainedPart | Array, ...]
    centered: bool

    @classmethod
    def of(cls, kernel: Kernel, X: Array, y: ArrayLike, train: str, centered: bool) -> AlignmentObjective:
        """The objective of a fitted kernel and labelled samples."""

        def prepared(prefix: str, leaf: Kernel) -> TrainedPart | Array:
            if not isinstance(leaf, EmbeddingKernel):
                return np.asarray(leaf(X), np.float64)
            if isinstance(leaf, ProjectedKernel) and leaf.outer not in ("gaussian", "linear"):
                raise ValueError(f'a projected kernel is trained with outer "gaussian" or "linear", got {leaf.outer!r}')
            return TrainedPart(leaf, prefix, X.shape[1], train != "weights", train != "bandwidth")

        parts = tuple(prepared(prefix, leaf) for prefix, leaf in leaves(kernel))
        return cls(kernel, X, target_kernel(y), parts, centered)

    @property
    def n_samples(self) -> int:
        """Number of training rows."""
        return len(self.X)

    @property
    def trained(self) -> list[TrainedPart]:
        """Parts that are trained."""
        return [leaf for leaf in self.leaves if isinstance(leaf, TrainedPart)]

    def initial(self) -> Array:
        """Return the starting point of training: the parts' scales and weights."""
        return np.concatenate([part.initial() for part in self.trained])

    def settings(self, weights: Array) -> dict[str, Any]:
        """Return the settings of the trained kernel, by name."""
        pairs = zip(self.trained, self._split(weights), strict=True)
        return {name: value for part, values in pairs for name, value in part.settings(values).items()}

    def value_and_gradient(self, weights: Array, rows: Rows) -> tuple[float, Array]:
        """Compute the loss of a batch and its derivative, in one sweep of each part."""
        X, trained, parameters = self.X[rows], self.trained, self._split(weights)
        matrices: list[Array] = []
        gradients = [np.zeros(0)] * len(trained)
        alignment, by_part = 0.0, [np.zeros(0)] * len(trained)

        def sweep(index: int) -> None:
            """Sweep a part and keep its states during the next ones, because the derivative needs all parts."""
            nonlocal alignment, by_part
            if index == len(trained):
                alignment, by_part = self._alignment_and_gradient(matrices, rows)
                return

            def derivative(K: Array) -> Array:
                matrices.append(K)
                sweep(index + 1)
                return by_part[index]

            gradients[index] = trained[index].gradient(X, parameters[index], derivative)

        sweep(0)
        return 1.0 - alignment, -np.concatenate(gradients)

    def value(self, weights: Array, rows: Rows) -> float:
        """Compute the loss of a batch."""
        pairs = zip(self.trained, self._split(weights), strict=True)
        matrices = [part.matrix(self.X[rows], values) for part, values in pairs]
        return 1.0 - self._alignment_and_gradient(matrices, rows)[0]

    def validation_score(self, weights: Array) -> float | None:
        """Return None: no samples are held out."""
        return None

    def _alignment_and_gradient(self, matrices: list[Array], rows: Rows) -> tuple[float, list[Array]]:
        """Compute the alignment from the matrices of the trained parts, and its derivatives with respect to these."""
        of_trained = iter(matrices)
        of_leaves = (next(of_trained) if isinstance(leaf, TrainedPart) else leaf[rows][:, rows] for leaf in self.leaves)
        K, partials = value_and_partials(self.kernel, of_leaves)
        alignment, by_kernel = alignment_and_gradient(K, self.target[rows][:, rows], self.centered)
        by_leaf = zip(self.leaves, partials, strict=True)
        return alignment, [by_kernel * partial for leaf, partial in by_leaf if isinstance(leaf, TrainedPart)]

    def _split(self, weights: Array) -> list[Array]:
        """Split parameters into those of each trained part."""
        return np.split(weights, self._boundaries)

    @cached_property
    def _boundaries(self) -> Array:
        """Positions at which the parameters of the second, third, ... trained part begin."""
        return np.cumsum([len(part.initial()) for part in self.trained])[:-1]
