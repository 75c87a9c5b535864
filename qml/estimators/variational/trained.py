"""Base of the estimators that train a network; subclasses define the network and the meaning of y."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from qml.checked_data import validate_data
from qml.estimators.search_space import Trial
from qml.estimators.trained import Samples, TrainedEstimator
from qml.estimators.twins import Entangled
from qml.estimators.variational.weight_decay import (
    MAX_ROWS,
    chosen_weight_decay,
    takes_weight_decay,
    with_weight_decay,
)
from qml.features.scaling import Scaling, fit_scaling
from qml.layers import Sequential
from qml.losses import Loss
from qml.models.evaluation import check_noise
from qml.optimizers import Optimizer, SciPy, get_optimizer
from qml.settings import check_backend, check_non_negative
from qml.training import TrainingInterrupted, TrainingResult, train
from qml.training.identity import run_identity
from qml.training.layers_objective import LayersObjective
from simulator.backends.numba_backend import NumbaBackend
from simulator.backends.plan import Plan
from simulator.backends.trait import Backend, Folder
from simulator.noise import NoiseModel

__all__ = ["TrainedNetwork"]

Array = NDArray[np.float64]

QUARTER_TURN = (-np.pi / 2, np.pi / 2)
"""Default range of scaled features, in radians."""


@dataclass(eq=False, repr=False, kw_only=True)
class TrainedNetwork(Entangled, TrainedEstimator):
    """Base of the estimators that train a network of layers.

    To add a model, write a dataclass with its settings and `_network`; subclass it together with `TrainedClassifier`
    for a classifier, and with `TrainedRegressor` for a regressor: these define the meaning of y. The remainder is
    inherited: scaling, training, early stopping, checkpoints, noise, backends, plans, model files.
    """

    loss: str | Loss = "mse"
    weight_decay: float | Literal["auto"] | None = 0.0
    scale_features: bool = True
    noise: NoiseModel | None = None
    backend: Backend | str | None = None

    _searched_decays: ClassVar[Sequence[float | None]] = (0.0, 0.001, 0.01, 0.1)

    @abstractmethod
    def _network(self, n_features: int, n_outputs: int) -> Sequential:
        """Return the network for these numbers of features and outputs; its first and last size may stay open."""

    @abstractmethod
    def _learn_targets(self, samples: Samples, classes: ArrayLike | None) -> int:
        """Learn the classes or the scale of y; return the number of outputs."""

    @abstractmethod
    def _encode_targets(self, y: NDArray[Any]) -> NDArray[Any]:
        """Return targets in the form that the loss takes."""

    @abstractmethod
    def _training_loss(self) -> Loss:
        """Return the loss for the encoded targets."""

    def search_space(self, trial: Trial) -> dict[str, Any]:
        settings = super().search_space(trial)
        if settings["optimizer"] == "adam":
            settings["weight_decay"] = trial.suggest_categorical("weight_decay", self._searched_decays)
        return settings

    def _partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, classes: ArrayLike | None = None
    ) -> Self:
        """Train for one epoch on further data; the first call learns scaling and classes."""
        first = not hasattr(self, "weights_")
        samples = self._checked_samples(X, y, sample_weight, reset=first)
        if first:
            seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
            self._start(samples, seed, classes)
            self.weight_decay_ = self._untried_weight_decay()
        objective = self._objective(self._class_weighted(samples))
        self._train(objective, self._seed + self.n_iter_, further=True)
        return self

    def losses_at(self, X: ArrayLike, y: ArrayLike, weights: ArrayLike) -> Array:
        """Compute the training loss on data at given weights.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        y : array-like, shape (n_samples,) or (n_samples, n_targets)
        weights : array-like, shape (n_points, n_weights)

        Returns
        -------
        float ndarray, shape (n_points,)
        """
        check_is_fitted(self, "weights_")
        points = np.asarray(weights, np.float64)
        if points.ndim != 2 or points.shape[1] != len(self.weights_):
            raise ValueError(f"weights must have shape (n_points, {len(self.weights_)}), got {points.shape}")
        objective = self._objective(self._class_weighted(self._checked_samples(X, y, None, reset=False)))
        return np.array([objective.value(point, slice(None)) for point in points])

    def plan(self, X: ArrayLike, backend: Backend | str | None = None, *, y: ArrayLike | None = None) -> Plan:
        """Estimate the cost of prediction or training on a backend; nothing is sent.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        backend : Backend, optional
            Backend to plan for; by default the estimator's.
        y : array-like, shape (n_samples,), optional
            With targets, the plan is for ``fit(X, y)`` with this backend, all epochs; the estimator need not be fitted.
            Without, the plan is for ``predict(X)``.

        Returns
        -------
        Plan
            Cost estimate; print it, or use ``as_dict()`` for the numbers.
        """
        if y is not None:
            planned = clone(self).set_params(backend=self._chosen_backend(backend))
            return planned._plan_of_fit(X, y)
        check_is_fitted(self, "weights_")
        features = validate_data(self, self._rows(X, reset=False), dtype=np.float64, order="C", reset=False)
        return self._plan(self._chosen_backend(backend), self.scaling_(features))

    def _chosen_backend(self, backend: Backend | str | None) -> Backend:
        """Return the backend of a call, else the estimator's, else the engine."""
        checked = check_backend(self.backend if backend is None else backend)
        return self._engine() if checked is None else checked

    def _engine(self) -> NumbaBackend:
        """Return the engine as a backend."""
        return NumbaBackend(noise=self.noise)

    def _plan_of_fit(self, X: ArrayLike, y: ArrayLike) -> Plan:
        samples = self._checked_samples(X, y, None, reset=True)
        self._start(samples, seed=0)
        features = self.scaling_(samples.X)
        batch = self._batch_size(len(features))
        steps = self.epochs * -(-len(features) // batch)
        optimizer = get_optimizer(self.optimizer)
        evaluation = self._plan(self._chosen_backend(None), features[:batch], gradient=optimizer.uses_gradient)
        if optimizer.evaluations_per_step is None:
            note = "an iteration of a SciPy method may take several times one evaluation"
            return evaluation.repeated(self.epochs, note)
        per_step = optimizer.evaluations(self.network_.spectra() if optimizer.chooses_steps else ())
        count = steps * per_step + optimizer.evaluations_before
        if optimizer.uses_gradient:
            return evaluation.repeated(count, f"{steps:,} steps, each with its gradient by parameter shift")
        note = f"{steps:,} steps of {per_step} losses each, {optimizer.evaluations_before} before"
        return evaluation.repeated(count, note)

    def _plan(self, backend: Backend, scaled: Array, gradient: bool = False) -> Plan:
        """Estimate the cost of one evaluation of the network, or of its gradient."""
        plan = self.network_.plan(backend, scaled, self.weights_, gradient=gradient)
        if plan is None:
            raise ValueError(f"there is nothing to run on a backend: no layer of {self.network_!r} is a circuit")
        return plan

    def _check_settings(self) -> None:
        super()._check_settings()
        if self.weight_decay not in ("auto", None):
            check_non_negative("weight_decay", self.weight_decay)
        check_noise(self.noise, self.backend)

    def _start(self, samples: Samples, seed: int, classes: ArrayLike | None = None) -> None:
        """Learn scaling and targets, and draw the initial weights."""
        self._seed = seed
        num_outputs = self._learn_targets(samples, classes)
        self.scaling_ = self._fit_scaling(samples) if self.scale_features else Scaling.identity(self.n_features_in_)
        num_features = self.scaling_.num_outputs
        network = self._network(num_features, num_outputs).with_sizes(num_features, num_outputs)
        self.network_ = network if self.entangled else network.without_entanglement()
        self._begin(self._initial_weights(samples, np.random.default_rng(seed)))

    def _initial_weights(self, samples: Samples, rng: np.random.Generator) -> Array:
        """Draw the initial weights of the network."""
        return self.network_.initial_weights(rng)

    def _fit_scaling(self, samples: Samples) -> Scaling:
        """Learn how features are scaled for the network."""
        return fit_scaling(samples.X, samples.weight, self.n_features_in_, QUARTER_TURN)

    def _objective(self, samples: Samples, aside: Samples | None = None, jobs: Folder = None) -> LayersObjective:
        network = self._network_on(None, jobs)
        return self._objective_of(network, samples, None if aside is None else self._objective_of(network, aside))

    def _objective_of(
        self, network: Sequential, samples: Samples, validation: LayersObjective | None = None
    ) -> LayersObjective:
        fixed, trained = network.split_fixed()
        if trained is None:
            raise ValueError(f"there is nothing to train: {network!r} has no weights")
        scaled = self.scaling_(samples.X)
        return LayersObjective(
            trained,
            inputs=scaled if fixed is None else fixed(scaled),
            targets=self._encode_targets(samples.y),
            sample_weight=samples.weight / samples.weight.mean(),
            loss=self._training_loss(),
            validation=validation,
        )

    def _identity(self, objective: LayersObjective) -> dict[str, Any]:
        return run_identity(objective, self._last_weights, self._described())

    def _learn_settings(self, samples: Samples, seed: int) -> None:
        self.weight_decay_ = self._chosen_weight_decay(samples, seed)

    @property
    def _fitted_network(self) -> Sequential:
        """The trained network, for attributes that are parts of it.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        if not hasattr(self, "network_"):
            check_is_fitted(self, "network_")
        return self.network_

    @property
    def _automatic_decay(self) -> float:
        """Weight decay that None stands for."""
        return 0.0

    def _untried_weight_decay(self) -> float:
        """Return the weight decay of a run that tries none: the setting, or for None what the optimizer can do."""
        if self.weight_decay is None:
            return self._automatic_decay if takes_weight_decay(get_optimizer(self.optimizer)) else 0.0
        return 0.0 if self.weight_decay == "auto" else float(self.weight_decay)

    def _chosen_weight_decay(self, samples: Samples, seed: int) -> float:
        """Return the setting, or what is best on held-out rows."""
        if self.weight_decay != "auto":
            return self._untried_weight_decay()
        optimizer = super()._chosen_optimizer()
        remote = self.backend is not None  # each try would cost as much as the run
        if remote or len(samples.X) > MAX_ROWS or not takes_weight_decay(optimizer):
            return 0.0
        network = self._network_on(None, None)

        def training(objective: LayersObjective, weight_decay: float) -> TrainingResult:
            return train(
                objective,
                self._last_weights,
                with_weight_decay(optimizer, weight_decay),
                epochs=self.epochs,
                batch_size=self._batch_size(objective.n_samples),
                rng=seed,
                schedule=self.schedule,
            )

        def objective(rows: NDArray[np.intp]) -> LayersObjective:
            return self._objective_of(network, samples.take(rows))

        try:
            columns = np.column_stack([samples.X, self._encode_targets(samples.y)])
            return chosen_weight_decay(objective, training, columns, seed)
        except TrainingInterrupted as stop:
            raise KeyboardInterrupt("stopped while the weight decay was chosen, before training") from stop

    def _chosen_optimizer(self) -> Optimizer | SciPy:
        return with_weight_decay(super()._chosen_optimizer(), getattr(self, "weight_decay_", 0.0))

    def _described(self) -> dict[str, Any]:
        """Return the settings of circuit and observables, for the message that refuses a foreign checkpoint."""
        return {}

    def _network_on(self, backend: Backend | str | None, resume: Folder) -> Sequential:
        """Return the network with its circuits on a call's backend, else on the estimator's or with its noise."""
        return self.network_.on(self.backend if backend is None else backend, self.noise, resume, self._seed)

    def _outputs(self, X: ArrayLike, backend: Backend | str | None = None, resume: Folder = None) -> Array:
        """Compute outputs of the network, shape (n_samples, n_outputs)."""
        check_is_fitted(self, "weights_")
        features = validate_data(self, self._rows(X, reset=False), dtype=np.float64, order="C", reset=False)
        return self._network_on(backend, resume).forward(self.scaling_(features), self.weights_)
