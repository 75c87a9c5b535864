"""Base of the estimators that train weights; subclasses define the objective."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from qml.checked_data import validate_data
from qml.estimators.saved import Saved
from qml.estimators.search_space import Searchable, Trial
from qml.optimizers import Optimizer, SciPy, State, get_optimizer
from qml.settings import check_flags, check_fraction, check_non_negative, check_whole
from qml.training import Objective, Schedule, TrainingInterrupted, TrainingResult, get_schedule, train
from qml.training.checkpoints import saved_seed
from qml.training.progress import Callback
from qml.weights import checked_sample_weight
from simulator.backends.trait import Folder
from simulator.files import beside

__all__ = ["Samples", "TrainedEstimator"]

Array = NDArray[np.float64]

MAX_FULL_BATCH = 64
AUTOMATIC_BATCH = 32


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
class TrainedEstimator(Saved, Searchable, BaseEstimator):
    """Base of the estimators whose weights minimise an objective.

    To add a family, define `_start`, which learns everything but the weights and draws these, `_objective`, and
    `_identity`. The remainder is inherited: training, early stopping, checkpoints, model files.
    """

    optimizer: Any = "adam"
    learning_rate: float | None = 0.05
    epochs: int = 100
    batch_size: int | Literal["auto", "full"] = "auto"
    schedule: str | Schedule = "cosine"
    early_stopping: bool = False
    validation_fraction: float = 0.15
    patience: int = 20
    tol: float = 0.0
    random_state: int | RandomState | None = None
    callback: Callback | Sequence[Callback] | None = None
    verbose: bool = False
    warm_start: bool = False

    _y_is_numeric: ClassVar[bool] = False

    @abstractmethod
    def _start(self, samples: Samples, seed: int, classes: ArrayLike | None = None) -> None:
        """Learn everything but the weights from the samples, and pass the initial weights to `_begin`."""

    @abstractmethod
    def _objective(self, samples: Samples, aside: Samples | None = None, jobs: Folder = None) -> Objective:
        """Return the loss of the samples as a function of the weights.

        Parameters
        ----------
        samples : Samples
        aside : Samples, optional
            Held-out samples, for the validation score.
        jobs : path, optional
            Folder in which a remote backend stores its jobs.
        """

    @abstractmethod
    def _identity(self, objective: Any) -> dict[str, Any]:
        """Return what a checkpoint must agree with, besides the arguments of `train`: name -> JSON value."""

    def search_space(self, trial: Trial) -> dict[str, Any]:
        return super().search_space(trial) | {
            "optimizer": trial.suggest_categorical("optimizer", ["adam", "rmsprop"]),
            "learning_rate": trial.suggest_float("learning_rate", 0.005, 0.3, log=True),
            "epochs": trial.suggest_int("epochs", 20, 100, log=True),
        }

    def _rows(self, X: ArrayLike, reset: bool) -> Any:
        """Return X as scikit-learn checks it, with two dimensions; ``reset`` when its shape is learnt."""
        return X

    def _checked_columns(self, y: NDArray[Any]) -> NDArray[Any]:
        """Return targets of two dimensions after a check, with one dimension if they are a column of one target."""
        return y

    def _learn_settings(self, samples: Samples, seed: int) -> None:
        """Choose the settings that are learnt from the weighted samples, if there are any."""

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
        *,
        validation_data: tuple[ArrayLike, ArrayLike] | None = None,
    ) -> Self:
        """Learn scaling and weights from data.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        y : array-like, shape (n_samples,), or (n_samples, n_targets)
            Classes or target values; where several targets, or labels of 0 or 1 each, are possible, they are columns.
        sample_weight : array-like, shape (n_samples,), optional
            Sample weights; a weight of 0 is equivalent to omitting the sample, a weight of k to repeating it k times
            (exactly when each step uses all samples).
        resume : path, optional
            Path of a checkpoint, written during training. If it exists, training resumes from it with its seed, and the
            result equals that of an uninterrupted run; ``epochs`` may be increased, unless the schedule depends on
            it, as ``"cosine"`` does. The checkpoint of a different run (other data, circuit, observables,
            noise, precision, loss, optimizer, ...) is refused, and so is one in use by another process. With a
            ``backend``, its jobs are stored beside it, in a folder with the suffix ``.jobs``.
        validation_data : tuple (X, y), optional
            Samples that are not trained on. The negative mean loss on them is recorded in ``validation_scores_``, the
            weights with the lowest loss on them are kept, and with ``early_stopping`` they decide when to stop, in
            place of a part of the training data.

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
        continued = self.warm_start and hasattr(self, "weights_")
        if continued and resume is not None:
            raise ValueError("warm_start continues from this estimator, resume from a file: give one of the two")
        seed: int | None = getattr(self, "_seed", None) if continued else None if resume is None else saved_seed(resume)
        if seed is None:
            seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        samples = self._checked_samples(X, y, sample_weight, reset=not continued)
        if not continued:
            self._start(samples, seed)
            self._seed = seed  # decides which samples are held out, also when training continues
        samples = self._class_weighted(samples)
        if not continued:
            self._learn_settings(samples, seed)
        aside = None if validation_data is None else self._validation_samples(validation_data)
        if aside is None and self.early_stopping:
            rows = np.arange(len(samples.X))
            training, held_out = train_test_split(
                rows, test_size=self.validation_fraction, random_state=seed, stratify=self._labels(samples.y)
            )
            samples, aside = samples.take(np.sort(training)), samples.take(np.sort(held_out))
        objective = self._objective(samples, aside, None if resume is None else beside(resume, ".jobs"))
        # minibatches of a continued run are drawn anew, the held-out samples stay the same
        self._train(objective, seed + self.n_iter_, resume)
        return self

    def _validation_samples(self, validation_data: Any) -> Samples:
        """Check validation data like training data."""
        try:
            X, y = validation_data
        except (TypeError, ValueError):
            raise ValueError(f"validation_data expects a tuple (X, y), got {type(validation_data).__name__}") from None
        return self._class_weighted(self._checked_samples(X, y, None, reset=False))

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

    def _check_settings(self) -> None:
        check_flags(self)
        check_whole("epochs", self.epochs, least=0)
        check_whole("batch_size", self.batch_size, instead=["auto", "full"])
        check_whole("patience", self.patience)
        check_fraction("validation_fraction", self.validation_fraction)
        check_non_negative("tol", self.tol)
        get_schedule(self.schedule)

    def _begin(self, weights: Array) -> None:
        """Set the initial weights and an empty history."""
        self.weights_ = self._last_weights = weights
        self._optimizer_state: State | None = None
        self.n_iter_ = self.best_epoch_ = 0
        self.loss_history_ = np.empty(0)
        self.validation_scores_: Array | None = None

    def _train(
        self,
        objective: Objective,
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
                fingerprint={} if resume is None else self._identity(objective),
                optimizer_state=self._state_for(optimizer),
            )
        except TrainingInterrupted as stop:
            self._keep(stop.result, further)
            raise KeyboardInterrupt(stop.result.message) from None
        self._keep(result, further)

    def _chosen_optimizer(self) -> Optimizer | SciPy:
        """Return the optimizer of the run; an object keeps its learning rate unless another than the default is set."""
        default = not isinstance(self.optimizer, str) and self.learning_rate == type(self).learning_rate
        return get_optimizer(self.optimizer, learning_rate=None if default else self.learning_rate)

    def _batch_size(self, n_samples: int) -> int:
        """Number of samples per step."""
        if self.batch_size == "auto":
            whole = n_samples <= MAX_FULL_BATCH or get_optimizer(self.optimizer).chooses_steps  # would fit each batch
            return n_samples if whole else AUTOMATIC_BATCH
        return n_samples if self.batch_size == "full" else min(self.batch_size, n_samples)

    def _state_for(self, optimizer: Optimizer | SciPy) -> State | None:
        """Return the optimizer's state so far, or None if the optimizer has changed since."""
        state = self._optimizer_state
        if state is None:
            return None
        return state if state.keys() == optimizer.init(self._last_weights).keys() else None

    def _keep(self, result: TrainingResult, further: bool) -> None:
        self.weights_ = result.last_weights if further else result.weights
        self._last_weights = result.last_weights
        self._optimizer_state = result.optimizer_state
        self.best_epoch_ = self.n_iter_ + (result.n_epochs if further else result.best_epoch)
        scores = result.validation_scores
        if scores is not None and self.n_iter_:  # epochs without validation data have no score
            earlier = np.full(self.n_iter_, np.nan) if self.validation_scores_ is None else self.validation_scores_
            scores = np.concatenate([earlier, scores])
        self.n_iter_ += result.n_epochs
        self.loss_history_ = np.concatenate([self.loss_history_, result.losses])
        self.validation_scores_ = scores
