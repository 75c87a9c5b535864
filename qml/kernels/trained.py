"""Kernels trained on labels: feature scales and circuit weights that maximise the alignment with the target."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from qml.kernels.alignment import alignment_and_gradient, target_kernel
from qml.kernels.embedding import EmbeddingKernel
from qml.kernels.fidelity import FidelityKernel
from qml.kernels.kernel import Kernel
from qml.kernels.projected import ProjectedKernel
from qml.optimizers import get_optimizer
from qml.optimizers.objective import Objective, Rows
from qml.settings import check_choice
from qml.training import train
from simulator.backends.plan import Plan
from simulator.backends.trait import Backend, Folder
from simulator.calculations.gradients import adjoint_sweep, state_sweep
from simulator.calculations.statevector import expectations, states
from simulator.program.program import Program

__all__ = ["AlignmentObjective", "TrainedKernel"]

Array = NDArray[Any]

TRAINED = ("bandwidth", "weights", "both")


class TrainedKernel(Kernel):
    """Quantum kernel whose feature scales, circuit weights, or both, maximise kernel-target alignment.

    The gradient of the alignment of a minibatch (all its pairs) is exact and takes two adjoint sweeps' time, whatever
    the number of scales and weights.

    Parameters
    ----------
    kernel : FidelityKernel or ProjectedKernel, optional
        Initial kernel, by default ``FidelityKernel(bandwidth="auto")``. A projected kernel needs the gaussian or the
        linear outer function. Matrices are exact in training, whatever its ``shots``.
    train : {"bandwidth", "weights", "both"}
        "bandwidth" is a separate scale for each feature, "weights" are the parameters of the circuit that take no
        feature.
    centered : bool
        Whether the alignment is centred.
    optimizer : str or Optimizer
    learning_rate : float, optional
    epochs : int
    batch_size : int
        Number of samples per step; a step uses all their pairs.
    random_state : int, numpy RandomState or None
    verbose : bool

    Attributes
    ----------
    kernel_ : FidelityKernel or ProjectedKernel
        Fitted kernel, with the learnt ``bandwidth`` and ``weights``.
    initial_alignment_, alignment_ : float
        Alignment over all training samples, before and after training.
    loss_history_ : list of float
        One minus the mean alignment of the batches of each epoch.

    References
    ----------
    Hubregtsen et al., arXiv:2105.02276.
    """

    def __init__(
        self,
        kernel: EmbeddingKernel | None = None,
        *,
        train: str = "bandwidth",
        centered: bool = True,
        optimizer: Any = "adam",
        learning_rate: float | None = None,
        epochs: int = 50,
        batch_size: int = 64,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.kernel = kernel
        self.train = train
        self.centered = centered
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.random_state = random_state
        self.verbose = verbose

    def learn(self, X: Array, y: Array | None) -> None:
        check_choice("train", self.train, TRAINED)
        if y is None:
            raise ValueError("a trained kernel needs y, the targets to align with")
        start = self._start()
        if not isinstance(start, EmbeddingKernel):
            raise TypeError(f"kernel must be a FidelityKernel or a ProjectedKernel, got {start!r}")
        first = clone(start).set_params(backend=None).fit(X, y)
        objective = AlignmentObjective.of(first, X, y, self.train, self.centered)
        initial = objective.initial()
        if not len(initial):
            raise ValueError(f"train={self.train!r} needs a feature map with weights; this one has none")
        result = train(
            objective,
            initial,
            get_optimizer(self.optimizer, self.learning_rate),
            epochs=self.epochs,
            batch_size=self.batch_size,
            rng=check_random_state(self.random_state).randint(2**31),
            verbose=bool(self.verbose),
        )
        self.initial_alignment_ = 1.0 - objective.value(initial, slice(None))
        last = 1.0 - objective.value(result.weights, slice(None))
        best = result.weights if last > self.initial_alignment_ else initial
        self.alignment_ = max(last, self.initial_alignment_)
        self.loss_history_ = [record.loss for record in result.history]
        bandwidth, weights = objective.settings(best)
        learnt: dict[str, Any] = {"bandwidth": bandwidth} | ({"weights": weights} if len(weights) else {})
        if isinstance(first, ProjectedKernel):
            learnt["gamma"] = first.gamma_  # what training took place with
        self.kernel_ = clone(start).set_params(**learnt).fit(X, y)

    def _start(self) -> EmbeddingKernel:
        return FidelityKernel(bandwidth="auto") if self.kernel is None else self.kernel

    def compute_features(self, X: Array) -> Array:
        return self._fitted().compute_features(X)

    def fill_gram(self, A: Array, B: Array | None, out: Array, progress: Callable[[int], object] | None) -> None:
        self._fitted().fill_gram(A, B, out, progress)

    def fill(self, X: Array, Y: Array | None, out: Array) -> None:
        self._fitted().fill(X, Y, out)

    def finish(self, out: Array, symmetric: bool) -> None:
        self._fitted().finish(out, symmetric)

    def on(self, backend: Backend | str | None, resume: Folder = None) -> Self:
        other = copy.copy(self)
        other.kernel_ = self._fitted().on(backend, resume)
        return other

    def without_entanglement(self) -> Self:
        return clone(self).set_params(kernel=self._start().without_entanglement())

    def plan(self, X: ArrayLike, Y: ArrayLike | None = None, backend: Backend | str | None = None) -> Plan:
        kernel = self.kernel_ if hasattr(self, "kernel_") else self._start()
        return kernel.plan(X, Y, backend)

    @property
    def measures_features(self) -> bool:
        return self._fitted().measures_features

    @property
    def backend(self) -> Backend | str | None:  # type: ignore[override]
        """That of the kernel in it."""
        return (self.kernel_ if hasattr(self, "kernel_") else self._start()).backend

    def diag(self, X: ArrayLike) -> Array:
        return self._fitted().diag(X)

    @property
    def dtype(self) -> type:
        return self._fitted().dtype

    def _fitted(self) -> EmbeddingKernel:
        check_is_fitted(self, "kernel_")
        return self.kernel_


@dataclass(frozen=True)
class AlignmentObjective(Objective):
    """One minus the alignment of a batch, as a function of logarithms of the features' scales, then the weights.

    Parameters
    ----------
    kernel : FidelityKernel or ProjectedKernel
        Fitted.
    X : float64 ndarray, shape (n_samples, n_features)
    target : float64 ndarray, shape (n_samples, n_samples)
    scales, weights : bool
        Whether to train the scales, and the weights.
    centered : bool
    """

    kernel: EmbeddingKernel
    X: Array
    target: Array
    scales: bool
    weights: bool
    centered: bool

    @classmethod
    def of(cls, kernel: EmbeddingKernel, X: Array, y: ArrayLike, train: str, centered: bool) -> AlignmentObjective:
        """The objective of a fitted kernel and labelled samples."""
        if isinstance(kernel, ProjectedKernel) and kernel.outer not in ("gaussian", "linear"):
            raise ValueError(f'a projected kernel is trained with outer "gaussian" or "linear", got {kernel.outer!r}')
        return cls(kernel, X, target_kernel(y), train != "weights", train != "bandwidth", centered)

    @property
    def n_samples(self) -> int:
        """Number of training rows."""
        return len(self.X)

    def initial(self) -> Array:
        """Return the starting point of training: the kernel's scales and weights."""
        scales = np.zeros(self.X.shape[1] if self.scales else 0)
        return np.concatenate([scales, self._own_weights() if self.weights else np.zeros(0)])

    def settings(self, parameters: Array) -> tuple[Array, Array]:
        """Scales, shape (n_features,), and weights, shape (n_weights,)."""
        scales = np.broadcast_to(np.asarray(self.kernel.bandwidth_, np.float64), self.X.shape[1:])
        if not self.scales:
            return scales.copy(), parameters
        split = self.X.shape[1]
        return scales * np.exp(parameters[:split]), parameters[split:] if self.weights else self._own_weights()

    def value_and_gradient(self, weights: Array, rows: Rows) -> tuple[float, Array]:
        """Compute the loss of a batch and its derivative."""
        scales, circuit_weights = self.settings(weights)
        X, target = self.X[rows], self._target(rows)
        encoding, program = self.kernel.prepare(X.shape[1])
        scaled = X * scales
        inputs = encoding.angles(scaled)
        value, by_weights, by_inputs = self._sweep(program, inputs, circuit_weights, target, self.scales)
        parts = []
        if self.scales:
            assert by_inputs is not None
            by_scaled = by_inputs if encoding.data is None else encoding.data.pullback(scaled, by_inputs)
            parts.append((by_scaled * scaled).sum(axis=0))
        if self.weights:
            parts.append(by_weights)
        return 1.0 - value, -np.concatenate(parts)

    def value(self, weights: Array, rows: Rows) -> float:
        """Compute the loss of a batch."""
        scales, circuit_weights = self.settings(weights)
        X = self.X[rows]
        encoding, program = self.kernel.prepare(X.shape[1])
        inputs = encoding.angles(X * scales)
        if isinstance(self.kernel, ProjectedKernel):
            features = expectations(program, inputs, circuit_weights) * self.kernel.scales(program.num_qubits)
            K, _ = self._outer(features)
        else:
            psi = states(program, inputs, circuit_weights)
            K = np.abs(psi @ psi.conj().T) ** 2
        return 1.0 - alignment_and_gradient(K.astype(np.float64), self._target(rows), self.centered)[0]

    def validation_score(self, weights: Array) -> float | None:
        """Return None: no samples are held out."""
        return None

    def _target(self, rows: Rows) -> Array:
        return self.target[rows][:, rows]

    def _own_weights(self) -> Array:
        return self.kernel.weight_values(self.kernel.encoding(self.X.shape[1]))

    def _sweep(
        self, program: Program, inputs: Array, weights: Array, target: Array, derive: bool
    ) -> tuple[float, Array, Array | None]:
        """Compute the alignment, and its derivatives with respect to weights and inputs."""
        value = 0.0
        if isinstance(self.kernel, ProjectedKernel):
            factors = self.kernel.scales(program.num_qubits)
            features = expectations(program, inputs, weights) * factors
            K, pullback = self._outer(features)
            value, by_kernel = alignment_and_gradient(K, target, self.centered)
            _, by_weights, by_inputs = adjoint_sweep(program, inputs, weights, pullback(by_kernel) * factors, derive)
            return value, by_weights, by_inputs

        def cotangent(psi: Array) -> Array:
            nonlocal value
            overlaps = psi @ psi.conj().T  # <psi_j|psi_i>
            value, by_kernel = alignment_and_gradient(np.abs(overlaps).astype(np.float64) ** 2, target, self.centered)
            return 4.0 * (by_kernel * overlaps) @ psi  # type: ignore[no-any-return]

        by_weights, by_inputs = state_sweep(program, inputs, weights, cotangent, derive)
        return value, by_weights, by_inputs

    def _outer(self, features: Array) -> tuple[Array, Callable[[Array], Array]]:
        """Compute the kernel matrix of features, and the pullback of a symmetric derivative to the features."""
        assert isinstance(self.kernel, ProjectedKernel)
        K = np.empty((len(features), len(features)))
        self.kernel.fill_gram(features, None, K, None)
        if self.kernel.outer == "linear":
            return K, lambda v: 2.0 * v @ features
        factor = -4.0 * self.kernel.gamma_

        def pullback(v: Array) -> Array:
            both = v * K
            return factor * (both.sum(axis=1)[:, None] * features - both @ features)  # type: ignore[no-any-return]

        return K, pullback
