"""Kernels trained on labels: feature scales and circuit weights that maximise the alignment with the target."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Self

from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from qml.kernels.alignment_objective import AlignmentObjective
from qml.kernels.composite import leaves
from qml.kernels.embedding import EmbeddingKernel
from qml.kernels.fidelity import FidelityKernel
from qml.kernels.kernel import Kernel
from qml.optimizers import get_optimizer
from qml.settings import check_choice
from qml.training import train
from simulator.backends.plan import Plan
from simulator.backends.trait import Backend, Folder

__all__ = ["TrainedKernel"]

Array = NDArray[Any]

TRAINED = ("bandwidth", "weights", "both")


class TrainedKernel(Kernel):
    """Kernel whose feature scales, circuit weights, or both, maximise kernel-target alignment.

    The gradient of the alignment of a minibatch (all its pairs) is exact and takes two adjoint sweeps' time, whatever
    the number of scales and weights.

    Parameters
    ----------
    kernel : Kernel, optional
        Initial kernel, by default ``FidelityKernel(bandwidth="auto")``: a fidelity or projected kernel, or a composite
        kernel with at least one of these; these parts are trained together, and all others stay as they are fitted. A
        projected kernel needs the gaussian or the linear outer function. Matrices are exact in training, whatever its
        ``shots``.
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
    kernel_ : Kernel
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
        kernel: Kernel | None = None,
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
        if not isinstance(start, Kernel) or not any(isinstance(leaf, EmbeddingKernel) for _, leaf in leaves(start)):
            raise TypeError(
                f"kernel must be a FidelityKernel or a ProjectedKernel, or a composite kernel with one, got {start!r}"
            )
        fitted = clone(start).on(None).fit(X, y)
        objective = AlignmentObjective.of(fitted, X, y, self.train, self.centered)
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
        final = 1.0 - objective.value(result.weights, slice(None))
        best = result.weights if final > self.initial_alignment_ else initial
        self.alignment_ = max(final, self.initial_alignment_)
        self.loss_history_ = [record.loss for record in result.history]
        self.kernel_ = clone(start).set_params(**objective.settings(best)).fit(X, y)

    def _start(self) -> Kernel:
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
        if hasattr(self, "kernel_"):
            other.kernel_ = self.kernel_.on(backend, resume)
        else:
            other.kernel = self._start().on(backend, resume)
        return other

    def without_entanglement(self) -> Self:
        return clone(self).set_params(kernel=self._start().without_entanglement())

    def resuming(self, resume: Folder) -> Self:
        other = copy.copy(self)
        other.kernel_ = self._fitted().resuming(resume)
        return other

    def stored_features(self, features: Array, samples: Array) -> Array:
        return self._fitted().stored_features(features, samples)

    def plan_with_stored(self, X: Array, samples: Array) -> Plan:
        return self._fitted().plan_with_stored(X, samples)

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

    def _fitted(self) -> Kernel:
        check_is_fitted(self, "kernel_")
        return self.kernel_
