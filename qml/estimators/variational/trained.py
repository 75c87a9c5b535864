"""Base of the estimators that train a network; subclasses define the network and the meaning of y."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from os import PathLike
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from qml import persistence
from qml.estimators.variational.weight_decay import (
    MAX_ROWS,
    chosen_weight_decay,
    takes_weight_decay,
    with_weight_decay,
)
from qml.features.scaling import Scaling, fit_scaling
from qml.layers import Sequential
from qml.losses import Loss
from qml.optimizers import Optimizer, SciPy, State, get_optimizer
from qml.settings import check_backend, check_choice, check_flag, check_fraction, check_non_negative, check_whole
from qml.training import TrainingInterrupted, TrainingResult, train
from qml.training.checkpoints import saved_seed
from qml.training.identity import run_identity
from qml.training.layers_objective import LayersObjective
from qml.training.progress import Callback
from qml.weights import checked_sample_weight
from simulator.backends.numba_backend import NumbaBackend
from simulator.backends.plan import Plan
from simulator.backends.trait import Backend, Folder
from simulator.files import beside
from simulator.noise import NoiseModel

__all__ = ["Samples", "TrainedNetwork"]

Array = NDArray[np.float64]

MAX_FULL_BATCH = 64
AUTOMATIC_BATCH = 32

QUARTER_TURN = (-np.pi / 2, np.pi / 2)
"""Default range of scaled features, in radians."""


@dataclass(frozen=True)
class Samples:
    """Checked training data: features (n, n_features), y (n,) or (n, n_targets), positive sample weights (n,)."""

    X: Array
    y: NDArray[Any]
    weight: Array

    def take(self, rows: NDArray[np.intp]) -> Samples:
        """Select rows."""
        return Samples(self.X[rows], self.y[rows], self.weight[rows])


@dataclass(eq=False, repr=False, kw_only=True)
class TrainedNetwork(BaseEstimator):
    """Base of the estimators that train a network of layers.

    To add a model, write a dataclass with its settings and `_network`; subclass it together with `TrainedClassifier`
    for a classifier, and with `TrainedRegressor` for a regressor: these define the meaning of y. The remainder is
    inherited: scaling, training, early stopping, checkpoints, noise, backends, plans, model files.
    """

    loss: str | Loss = "mse"
    optimizer: Any = "adam"
    learning_rate: float | None = 0.05
    weight_decay: float | Literal["auto"] = 0.0
    epochs: int = 100
    batch_size: int | Literal["auto", "full"] = "auto"
    schedule: Literal["constant", "cosine"] = "cosine"
    early_stopping: bool = False
    validation_fraction: float = 0.15
    patience: int = 20
    tol: float = 0.0
    scale_features: bool = True
    entangled: bool = True
    noise: NoiseModel | None = None
    backend: Backend | str | None = None
    random_state: int | RandomState | None = None
    callback: Callback | None = None
    verbose: bool = False

    _y_is_numeric: ClassVar[bool] = False

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

    def _rows(self, X: ArrayLike, reset: bool) -> Any:
        """Return X as scikit-learn checks it, with two dimensions; ``reset`` when its shape is learnt."""
        return X

    def _class_weighted(self, samples: Samples) -> Samples:
        """Return the samples with their weights in the loss."""
        return samples

    def _labels(self, y: NDArray[Any]) -> NDArray[Any] | None:
        """Return the labels by which a validation split is stratified, or None."""
        return None

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        resume: str | PathLike[str] | None = None,
    ) -> Self:
        """Learn scaling and weights from data.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        y : array-like, shape (n_samples,), or (n_samples, n_targets)
            Classes or target values; several targets of a regressor, or labels of 0 or 1 each, are columns.
        sample_weight : array-like, shape (n_samples,), optional
            Sample weights; a weight of 0 is equivalent to omitting the sample, a weight of k to repeating it k times
            (exactly when each step uses all samples).
        resume : path, optional
            Path of a checkpoint, written during training. If it exists, training resumes from it with its seed, and the
            result equals that of an uninterrupted run; ``epochs`` may be increased, unless the schedule is
            ``"cosine"``, which depends on it. The checkpoint of a different run (other data, circuit, observables,
            noise, precision, loss, optimizer, ...) is refused, and so is one in use by another process. With a
            ``backend``, its jobs are stored beside it, in a folder with the suffix ``.jobs``.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If data or hyper-parameters are invalid, or the checkpoint belongs to a different run.
        KeyboardInterrupt
            After Ctrl-C; the estimator is then fitted with the best weights so far.
        """
        seed = None if resume is None else saved_seed(resume)
        if seed is None:
            seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        samples = self._checked_samples(X, y, sample_weight, reset=True)
        self._start(samples, seed)
        samples = self._class_weighted(samples)
        network = self._network_on(None, None if resume is None else beside(resume, ".jobs"))
        self.weight_decay_ = self._chosen_weight_decay(samples, network, seed)
        if self.early_stopping:
            rows = np.arange(len(samples.X))
            training, held_out = train_test_split(
                rows, test_size=self.validation_fraction, random_state=seed, stratify=self._labels(samples.y)
            )
            objective = self._objective(samples.take(np.sort(training)), network, samples.take(np.sort(held_out)))
        else:
            objective = self._objective(samples, network)
        self._train(objective, seed, resume)
        return self

    def _partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, classes: ArrayLike | None = None
    ) -> Self:
        """Train for one epoch on further data; the first call learns scaling and classes."""
        first = not hasattr(self, "weights_")
        samples = self._checked_samples(X, y, sample_weight, reset=first)
        if first:
            seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
            self._start(samples, seed, classes)
            self.weight_decay_ = 0.0 if self.weight_decay == "auto" else float(self.weight_decay)
        objective = self._objective(self._class_weighted(samples), self._network_on(None, None))
        self._train(objective, self._seed + self.n_iter_, further=True)
        return self

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
        count = steps * optimizer.evaluations_per_step + optimizer.evaluations_before
        if optimizer.uses_gradient:
            return evaluation.repeated(count, f"{steps:,} steps, each with its gradient by parameter shift")
        note = f"{steps:,} steps of {optimizer.evaluations_per_step} losses each, {optimizer.evaluations_before} before"
        return evaluation.repeated(count, note)

    def _plan(self, backend: Backend, scaled: Array, gradient: bool = False) -> Plan:
        """Estimate the cost of one evaluation of the network, or of its gradient."""
        plan = self.network_.plan(backend, scaled, self.weights_, gradient=gradient)
        if plan is None:
            raise ValueError(f"there is nothing to run on a backend: no layer of {self.network_!r} is a circuit")
        return plan

    def save(self, path: str | PathLike[str], extra: Any = None) -> None:
        """Write the estimator, fitted or not, to a file; see `qml.persistence.estimators.save`."""
        persistence.save(self, path, extra)

    def without_entanglement(self) -> Self:
        """Return an unfitted copy whose circuits have no gates on two or more qubits.

        Compare it with the original to see what entanglement contributes: everything else is the same, the number of
        weights as well, though those of removed gates have no effect.

        Returns
        -------
        Self
            With ``entangled=False``. Circuits that prepare amplitudes on several qubits have no such copy, and its
            ``fit`` raises a CircuitError.

        References
        ----------
        Bowles, Ahmed and Schuld, arXiv:2403.07059.
        """
        return clone(self).set_params(entangled=False)

    def _checked_samples(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, reset: bool) -> Samples:
        self._check_settings()
        features, targets = validate_data(
            self,
            self._rows(X, reset),
            y,
            dtype=np.float64,
            order="C",
            reset=reset,
            y_numeric=self._y_is_numeric,
            multi_output=True,
        )
        if targets.ndim > 1:
            targets = self._checked_columns(targets)
        weight = checked_sample_weight(sample_weight, features)
        samples = Samples(features, targets, weight)
        return samples if weight.all() else samples.take(np.flatnonzero(weight))

    def _checked_columns(self, y: NDArray[Any]) -> NDArray[Any]:
        """Return targets of two dimensions after a check, with one dimension if they are a column of one target."""
        return y

    def _check_settings(self) -> None:
        check_whole("epochs", self.epochs, least=0)
        check_whole("batch_size", self.batch_size, instead=["auto", "full"])
        check_whole("patience", self.patience)
        check_fraction("validation_fraction", self.validation_fraction)
        check_non_negative("tol", self.tol)
        if self.weight_decay != "auto":
            check_non_negative("weight_decay", self.weight_decay)
        check_choice("schedule", self.schedule, ("constant", "cosine"))
        check_flag("entangled", self.entangled)
        if self.noise is not None and not isinstance(self.noise, NoiseModel):
            raise TypeError(f"noise expects a NoiseModel such as NoiseModel(depolarizing(0.01)), got {self.noise!r}")
        if self.noise is not None and self.backend is not None:
            raise ValueError("noise is what this engine simulates, a backend brings its own: give one of the two")

    def _start(self, samples: Samples, seed: int, classes: ArrayLike | None = None) -> None:
        """Learn scaling and targets, and draw the initial weights."""
        num_outputs = self._learn_targets(samples, classes)
        identity = Scaling(np.zeros(self.n_features_in_), np.ones(self.n_features_in_), angle_range=None)
        self.scaling_ = self._fit_scaling(samples) if self.scale_features else identity
        num_features = self.scaling_.num_outputs
        self._seed = seed
        network = self._network(num_features, num_outputs).with_sizes(num_features, num_outputs)
        self.network_ = network if self.entangled else network.without_entanglement()
        self.weights_ = self._last_weights = self._initial_weights(samples, np.random.default_rng(seed))
        self._optimizer_state: State | None = None
        self.n_iter_ = self.best_epoch_ = 0
        self.loss_history_ = np.empty(0)
        self.validation_scores_: Array | None = None

    def _initial_weights(self, samples: Samples, rng: np.random.Generator) -> Array:
        """Draw the initial weights of the network."""
        return self.network_.initial_weights(rng)

    def _fit_scaling(self, samples: Samples) -> Scaling:
        """Learn how features are scaled for the network."""
        return fit_scaling(samples.X, samples.weight, self.n_features_in_, QUARTER_TURN)

    def _objective(self, samples: Samples, network: Sequential, aside: Samples | None = None) -> LayersObjective:
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
            validation=None if aside is None else self._objective(aside, network),
        )

    def _chosen_weight_decay(self, samples: Samples, network: Sequential, seed: int) -> float:
        """Return the setting, or what is best on held-out rows."""
        if self.weight_decay != "auto":
            return float(self.weight_decay)
        optimizer = get_optimizer(self.optimizer, learning_rate=self.learning_rate)
        remote = self.backend is not None  # each try would cost as much as the run
        if remote or len(samples.X) > MAX_ROWS or not takes_weight_decay(optimizer):
            return 0.0

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
            return self._objective(samples.take(rows), network)

        try:
            columns = np.column_stack([samples.X, self._encode_targets(samples.y)])
            return chosen_weight_decay(objective, training, columns, seed)
        except TrainingInterrupted as stop:
            raise KeyboardInterrupt("stopped while the weight decay was chosen, before training") from stop

    def _train(
        self,
        objective: LayersObjective,
        seed: int,
        resume: str | PathLike[str] | None = None,
        *,
        further: bool = False,
    ) -> None:
        optimizer = self._chosen_optimizer()
        try:
            result = train(
                objective,
                self._last_weights,
                optimizer,
                epochs=1 if further else self.epochs,
                batch_size=self._batch_size(objective.n_samples),
                rng=seed,
                patience=self.patience if self.early_stopping and not further else None,
                tol=self.tol,
                schedule="constant" if further else self.schedule,
                callback=self.callback,
                verbose=self.verbose and not further,
                resume=resume,
                fingerprint={} if resume is None else run_identity(objective, self._last_weights, self._described()),
                optimizer_state=self._state_for(optimizer),
            )
        except TrainingInterrupted as stop:
            self._keep(stop.result, further)
            raise KeyboardInterrupt(stop.result.message) from None
        self._keep(result, further)

    def _chosen_optimizer(self) -> Optimizer | SciPy:
        """Return the optimizer of the run."""
        optimizer = get_optimizer(self.optimizer, learning_rate=self.learning_rate)
        return with_weight_decay(optimizer, getattr(self, "weight_decay_", 0.0))

    def _described(self) -> dict[str, Any]:
        """Return the settings of circuit and observables, for the message that refuses a foreign checkpoint."""
        return {}

    def _batch_size(self, n_samples: int) -> int:
        """Number of samples per step."""
        if self.batch_size == "auto":
            return n_samples if n_samples <= MAX_FULL_BATCH else AUTOMATIC_BATCH
        return n_samples if self.batch_size == "full" else min(self.batch_size, n_samples)

    def _state_for(self, optimizer: Optimizer | SciPy) -> State | None:
        """Return the optimizer's state so far, or None if the optimizer has changed since."""
        state = self._optimizer_state
        if state is None:
            return None
        return state if state.keys() == optimizer.init(self._last_weights).keys() else None

    def _network_on(self, backend: Backend | str | None, resume: Folder) -> Sequential:
        """Return the network with its circuits on a call's backend, else on the estimator's or with its noise."""
        return self.network_.on(self.backend if backend is None else backend, self.noise, resume, self._seed)

    def _keep(self, result: TrainingResult, further: bool) -> None:
        self.weights_ = result.last_weights if further else result.weights
        self._last_weights = result.last_weights
        self._optimizer_state = result.optimizer_state
        self.best_epoch_ = self.n_iter_ + (result.n_epochs if further else result.best_epoch)
        self.n_iter_ += result.n_epochs
        self.loss_history_ = np.concatenate([self.loss_history_, result.losses])
        self.validation_scores_ = result.validation_scores

    def _outputs(self, X: ArrayLike, backend: Backend | str | None = None, resume: Folder = None) -> Array:
        """Compute outputs of the network, shape (n_samples, n_outputs)."""
        check_is_fitted(self, "weights_")
        features = validate_data(self, self._rows(X, reset=False), dtype=np.float64, order="C", reset=False)
        return self._network_on(backend, resume).forward(self.scaling_(features), self.weights_)
