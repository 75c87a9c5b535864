"""What the variational classifier and regressor share: everything but the meaning of y."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from typing import Any, Literal, Self

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from qml import persistence
from qml.ansatze import INITIAL_SPREAD, Ansatz, get_ansatz
from qml.feature_maps import Encoding, FeatureMap, get_feature_map
from qml.features.scaling import Scaling, fit_scaling
from qml.losses import Loss
from qml.models.evaluation import BackendEvaluation, Evaluation, get_evaluation
from qml.models.layered import layered_model
from qml.models.observables import LinearReadout, Observable
from qml.models.quantum_model import QuantumModel
from qml.optimizers import SPSA, Optimizer, SciPy, State, get_optimizer
from qml.settings import check_backend, check_choice, check_fraction, check_non_negative, check_whole
from qml.training import TrainingInterrupted, TrainingResult, train
from qml.training.checkpoints import saved_seed
from qml.training.layers_objective import ModelObjective
from qml.training.progress import Callback
from qml.weights import checked_sample_weight
from simulator.backends.numba_backend import NumbaBackend
from simulator.backends.plan import Plan
from simulator.backends.trait import Backend
from simulator.circuit import Circuit
from simulator.noise import NoiseModel

__all__ = ["VariationalEstimator"]

Array = NDArray[np.float64]

AUTOMATIC_QUBITS = (4, 8)  # at least, at most
MAX_FULL_BATCH = 64
AUTOMATIC_BATCH = 32


@dataclass(frozen=True)
class Samples:
    """Checked training data: features (n, n_features), y (n,), positive sample weights (n,)."""

    X: Array
    y: NDArray[Any]
    weight: Array

    def take(self, rows: NDArray[np.intp]) -> Samples:
        return Samples(self.X[rows], self.y[rows], self.weight[rows])


class VariationalEstimator(BaseEstimator):
    """A circuit and a linear readout, trained together; subclasses store the parameters and say what y means."""

    feature_map: str | FeatureMap
    ansatz: str | Ansatz
    n_layers: int
    n_qubits: int | None
    observables: str | Sequence[Observable]
    model: QuantumModel | None
    scale_features: bool
    loss: str | Loss
    optimizer: Any
    learning_rate: float | None
    epochs: int
    batch_size: int | Literal["auto", "full"]
    schedule: Literal["constant", "cosine"]
    early_stopping: bool
    validation_fraction: float
    patience: int
    tol: float
    random_state: int | RandomState | None
    precision: Literal["double", "single"]
    noise: NoiseModel | None
    backend: Backend | str | None
    callback: Callback | None
    verbose: bool

    _y_is_numeric = False

    @abstractmethod
    def _learn_targets(self, samples: Samples, classes: ArrayLike | None) -> int:
        """Learn classes or scale of y; returns the number of outputs."""

    @abstractmethod
    def _encode_targets(self, y: NDArray[Any]) -> NDArray[Any]:
        """Targets in the form that the loss takes."""

    @abstractmethod
    def _training_loss(self) -> Loss:
        """The loss, once the targets are learnt."""

    @abstractmethod
    def _emphasised(self, samples: Samples) -> Samples:
        """The samples with the weights they have in the loss."""

    @abstractmethod
    def _labels(self, y: NDArray[Any]) -> NDArray[Any] | None:
        """What a validation split keeps the shares of, if anything."""

    @abstractmethod
    def _predictions(self, values: Array) -> NDArray[Any]:
        """What `predict` makes of expectation values, shape (n_samples, n_observables)."""

    @abstractmethod
    def _score(self, y: ArrayLike, predictions: NDArray[Any]) -> float:
        """What `score` makes of predictions."""

    @property
    def circuit_(self) -> Circuit:
        """The circuit, with inputs and weights as parameters."""
        return self.model_.circuit

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        resume: str | PathLike[str] | None = None,
    ) -> Self:
        """Learn scaling, weights and readout from data.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        y : array-like, shape (n_samples,)
        sample_weight : array-like, shape (n_samples,), optional
            A weight of 0 is as if the sample were missing, of k as if it were there k times (exactly so when each step
            uses all samples).
        resume : path, optional
            A checkpoint is kept there while training. If one is there already, training goes on from it and ends as if
            it had never stopped. With a ``backend``, its jobs are kept beside it, in a folder named ``.jobs``.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If data or hyper-parameters make no sense, or the checkpoint belongs to another run.
        KeyboardInterrupt
            After Ctrl-C, once the best weights so far are kept: the estimator is fitted.
        """
        seed = None if resume is None else saved_seed(resume)
        if seed is None:
            seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        samples = self._checked_samples(X, y, sample_weight, reset=True)
        self._start(samples, seed)
        samples = self._emphasised(samples)
        evaluation = self._evaluation(None, None if resume is None else f"{fspath(resume)}.jobs")
        if self.early_stopping:
            rows = np.arange(len(samples.X))
            kept, aside = train_test_split(
                rows, test_size=self.validation_fraction, random_state=seed, stratify=self._labels(samples.y)
            )
            objective = self._objective(samples.take(np.sort(kept)), evaluation, samples.take(np.sort(aside)))
        else:
            objective = self._objective(samples, evaluation)
        self._train(objective, seed, resume)
        return self

    def _partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, classes: ArrayLike | None = None
    ) -> Self:
        """One pass over some more data; scaling and classes are learnt in the first call."""
        first = not hasattr(self, "weights_")
        samples = self._checked_samples(X, y, sample_weight, reset=first)
        if first:
            seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
            self._start(samples, seed, classes)
        objective = self._objective(self._emphasised(samples), self._evaluation(None, None))
        self._train(objective, self._seed + self.n_iter_, further=True)
        return self

    def plan(self, X: ArrayLike, backend: Backend | str | None = None, *, y: ArrayLike | None = None) -> Plan:
        """What it takes to predict on a backend, or to train there; nothing is sent.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        backend : Backend, optional
            By default the estimator's own.
        y : array-like, shape (n_samples,), optional
            With targets, the plan is that of ``fit(X, y)`` with this backend, all epochs; the estimator need not be
            fitted. Without, of ``predict(X)``.

        Returns
        -------
        Plan
            To be printed; ``as_dict()`` gives it as data.
        """
        if y is not None:
            planned = clone(self).set_params(backend=self._chosen_backend(backend))
            return planned._plan_of_fit(X, y)
        check_is_fitted(self, "weights_")
        features = validate_data(self, X, dtype=np.float64, order="C", reset=False)
        inputs = self.model_.inputs_of(self.scaling_(features))
        evaluation = BackendEvaluation(self.model_, self._chosen_backend(backend))
        return evaluation.plan(inputs, self.weights_[: self.model_.num_weights])

    def _chosen_backend(self, backend: Backend | str | None) -> Backend:
        """The backend of a call, else the estimator's own, else the engine."""
        chosen = check_backend(self.backend if backend is None else backend)
        return NumbaBackend(noise=self.noise, precision=self.precision) if chosen is None else chosen

    def _plan_of_fit(self, X: ArrayLike, y: ArrayLike) -> Plan:
        samples = self._checked_samples(X, y, None, reset=True)
        self._start(samples, seed=0)
        inputs = self.model_.inputs_of(self.scaling_(samples.X))
        batch = self._batch_size(len(inputs))
        steps = self.epochs * -(-len(inputs) // batch)
        evaluation = BackendEvaluation(self.model_, self._chosen_backend(None))
        weights = self.weights_[: self.model_.num_weights]
        optimizer = get_optimizer(self.optimizer)
        uses_gradient = not isinstance(optimizer, SPSA) and getattr(optimizer, "uses_gradient", True)
        step = evaluation.plan(inputs[:batch], weights, gradient=uses_gradient)
        if isinstance(optimizer, SPSA):
            losses = 2 * (steps + optimizer.calibration_steps)
            return step.repeated(losses, f"{steps:,} steps of two losses each, and {optimizer.calibration_steps} more")
        if isinstance(optimizer, SciPy):
            return step.repeated(self.epochs, "an iteration of a SciPy method may take several times one evaluation")
        return step.repeated(steps, f"{steps:,} steps, each with its gradient by parameter shift")

    def save(self, path: str | PathLike[str], extra: Any = None) -> None:
        """Write the estimator, fitted or not, as data: see `qml.persistence.estimators.save`."""
        persistence.save(self, path, extra)

    def _checked_samples(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, reset: bool) -> Samples:
        self._check_settings()
        features, targets = validate_data(
            self, X, y, dtype=np.float64, order="C", reset=reset, y_numeric=self._y_is_numeric
        )
        weight = checked_sample_weight(sample_weight, features)
        samples = Samples(features, targets, weight)
        return samples if weight.all() else samples.take(np.flatnonzero(weight))

    def _check_settings(self) -> None:
        check_whole("n_layers", self.n_layers)
        check_whole("n_qubits", self.n_qubits, instead=[None])
        check_whole("epochs", self.epochs, least=0)
        check_whole("batch_size", self.batch_size, instead=["auto", "full"])
        check_whole("patience", self.patience)
        check_fraction("validation_fraction", self.validation_fraction)
        check_non_negative("tol", self.tol)
        check_choice("schedule", self.schedule, ("constant", "cosine"))
        check_choice("precision", self.precision, ("double", "single"))
        if self.noise is not None and self.backend is not None:
            raise ValueError("noise is what this engine simulates, a backend brings its own: give one of the two")
        if self.model is not None and not isinstance(self.model, QuantumModel):
            raise TypeError(f"model expects a QuantumModel or None, got {self.model!r}")

    def _start(self, samples: Samples, seed: int, classes: ArrayLike | None = None) -> None:
        """Learn scaling and targets, and draw the weights to start from."""
        num_outputs = self._learn_targets(samples, classes)
        rng = np.random.default_rng(seed)
        if self.model is None:
            feature_map, ansatz = get_feature_map(self.feature_map), get_ansatz(self.ansatz)
            num_qubits = self._choose_qubits(feature_map)
            self.scaling_ = self._scaling(samples, feature_map.max_features(num_qubits), feature_map.angle_range)
            self.model_ = layered_model(
                feature_map,
                ansatz,
                num_features=self.scaling_.num_outputs,
                num_layers=self.n_layers,
                num_qubits=num_qubits,
                observables=self.observables,
                precision=self.precision,
            )
            initial = ansatz.initial_weights(num_qubits, self.n_layers, rng)
            of_the_map = rng.normal(0.0, INITIAL_SPREAD, self.model_.num_weights - len(initial))
            initial = np.concatenate([of_the_map, initial])
        else:
            if self.n_features_in_ != self.model.num_features:
                raise ValueError(f"the model takes {self.model.num_features} features, X has {self.n_features_in_}")
            self.scaling_ = self._scaling(samples, self.n_features_in_, (-np.pi / 2, np.pi / 2))
            self.model_ = self.model
            initial = rng.normal(0.0, INITIAL_SPREAD, self.model.num_weights)
        self.readout_ = LinearReadout(len(self.model_.observables), num_outputs)
        self.weights_ = self._last_weights = np.concatenate([initial, self.readout_.initial_weights(rng)])
        self._seed = seed
        self._optimizer_state: State | None = None
        self.n_iter_ = self.best_epoch_ = 0
        self.loss_history_ = np.empty(0)
        self.validation_scores_: Array | None = None

    def _choose_qubits(self, feature_map: FeatureMap) -> int:
        if self.n_qubits is not None:
            return self.n_qubits
        if isinstance(feature_map, Encoding):
            return feature_map.circuit.num_qubits
        return int(np.clip(feature_map.num_qubits(self.n_features_in_), *AUTOMATIC_QUBITS))

    def _scaling(self, samples: Samples, max_features: int, angle_range: tuple[float, float] | None) -> Scaling:
        if self.scale_features:
            return fit_scaling(samples.X, samples.weight, max_features, angle_range)
        return Scaling(np.zeros(self.n_features_in_), np.ones(self.n_features_in_), angle_range=None)

    def _objective(
        self, samples: Samples, evaluation: Evaluation | None, aside: Samples | None = None
    ) -> ModelObjective:
        return ModelObjective(
            self.model_,
            self.readout_,
            inputs=self.model_.inputs_of(self.scaling_(samples.X)),
            targets=self._encode_targets(samples.y),
            sample_weight=samples.weight / samples.weight.mean(),
            loss=self._training_loss(),
            validation=None if aside is None else self._objective(aside, evaluation),
            evaluation=evaluation,
        )

    def _train(
        self,
        objective: ModelObjective,
        seed: int,
        resume: str | PathLike[str] | None = None,
        *,
        further: bool = False,
    ) -> None:
        optimizer = get_optimizer(self.optimizer, learning_rate=self.learning_rate)
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
                fingerprint=objective.fingerprint(self._last_weights) if resume is not None else "",
                optimizer_state=self._state_for(optimizer),
            )
        except TrainingInterrupted as stop:
            self._keep(stop.result, further)
            raise KeyboardInterrupt(stop.result.message) from None
        self._keep(result, further)

    def _batch_size(self, n_samples: int) -> int:
        """Samples a step."""
        if self.batch_size == "auto":
            return n_samples if n_samples <= MAX_FULL_BATCH else AUTOMATIC_BATCH
        return n_samples if self.batch_size == "full" else min(self.batch_size, n_samples)

    def _state_for(self, optimizer: Optimizer | SciPy) -> State | None:
        """The optimizer's state so far, unless it is that of another one: training may go on with a different one."""
        state = self._optimizer_state
        if state is None or not isinstance(optimizer, Optimizer):
            return None
        return state if state.keys() == optimizer.init(self._last_weights).keys() else None

    def _evaluation(self, backend: Backend | str | None, resume: str | PathLike[str] | None) -> Evaluation | None:
        """Where expectations come from: the backend of a call, else the estimator's backend or noise."""
        chosen = self.backend if backend is None else backend
        return get_evaluation(self.model_, chosen, self.noise, resume, self._seed)

    def _keep(self, result: TrainingResult, further: bool) -> None:
        self.weights_ = result.last_weights if further else result.weights
        self._last_weights = result.last_weights
        self._optimizer_state = result.optimizer_state
        self.best_epoch_ = self.n_iter_ + (result.n_epochs if further else result.best_epoch)
        self.n_iter_ += result.n_epochs
        self.loss_history_ = np.concatenate([self.loss_history_, result.losses])
        self.validation_scores_ = result.validation_scores

    def _outputs(
        self, X: ArrayLike, backend: Backend | str | None = None, resume: str | PathLike[str] | None = None
    ) -> Array:
        """Outputs of the readout, shape (n_samples, n_outputs)."""
        check_is_fitted(self, "weights_")
        features = validate_data(self, X, dtype=np.float64, order="C", reset=False)
        split = self.model_.num_weights
        evaluation = self._evaluation(backend, resume)
        scaled, weights = self.scaling_(features), self.weights_[:split]
        if evaluation is None:
            values = self.model_.forward(scaled, weights)
        else:
            values = evaluation.expectations(self.model_.inputs_of(scaled), weights)
        return self._read_out(values)

    def _read_out(self, values: Array) -> Array:
        """Outputs (n_samples, n_outputs) for expectation values (n_samples, n_observables)."""
        return self.readout_.outputs(values, self.weights_[self.model_.num_weights :])
