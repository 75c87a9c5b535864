"""The search as a scikit-learn estimator."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.metrics import accuracy_score, get_scorer, get_scorer_names, r2_score
from sklearn.pipeline import Pipeline
from sklearn.utils import Tags, check_random_state
from sklearn.utils._tags import ClassifierTags, RegressorTags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from qml import persistence
from qml.checked_data import check_classification_targets, validate_data
from qml.honesty.baselines import cross_validation_splits
from qml.honesty.scores import choose_metrics
from qml.search.costs import COSTS
from qml.search.evaluation import Task
from qml.search.families import families_for
from qml.search.fitting import Options, search
from qml.settings import check_choice, check_flag, check_whole
from simulator.backends.trait import Backend
from simulator.names import choose

__all__ = ["QuantumSearchCV"]

Array = NDArray[np.float64]

SCORE = "score"
"""Name of the first objective."""


def _has(method: str) -> Callable[[QuantumSearchCV], bool]:
    def check(search: QuantumSearchCV) -> bool:
        if search.task != "classification":
            return False
        return not hasattr(search, "best_estimator_") or hasattr(search.best_estimator_, method)

    return check


class QuantumSearchCV(BaseEstimator):
    """Search for the best quantum model of a table: models, their settings, and what comes before them.

    A trial draws a model and settings from the spaces that the estimators define (`search_space`), and is scored by
    cross-validation. Trials whose score after part of their training, or of their folds, is below the median of the
    others are pruned. Every third trial is a classical model; the leaderboard compares the best of both kinds. The
    search itself predicts with the best quantum model, trained on all rows.

    Parameters
    ----------
    task : {"classification", "regression"}
    n_trials : int
        Number of trials, those of classical models included; with a study, those that it holds already, too.
    timeout : float, optional
        Seconds after which no trial is started. In a nested search each of its parts gets an equal share.
    cv : int
        Number of folds on which a trial is scored.
    study : path, optional
        Journal file of the study. If it exists, the search resumes from it, also after ``kill -9``; the same seed then
        gives the same trials as an uninterrupted search. The study of another search (other data, folds, models, ...)
        is refused, and so is one in use by another process.
    random_state : int, RandomState or None
        Seed for folds, trials and models. The same seed gives the same trials if ``n_jobs`` is 1.
    models : sequence of str or estimator, optional
        Quantum models to search, by name such as ``"VariationalClassifier"``, ``"variational"`` or ``"kernel"``, or as
        estimators, whose settings outside their space stay; by default all that suit the data.
    classical : bool
        Whether classical models are searched too.
    objectives : sequence of str
        ``"score"`` first; then any of ``"two_qubit_gates"``, ``"depth"``, ``"seconds"`` and ``"inference"``
        (microseconds per row), each to be made small. With more than one nothing is pruned, and `pareto_front_` has the
        trade-offs.
    backend : Backend, optional
        Backend for which gates and depth are counted, after transpilation; by default the circuit as written.
    scoring : str or callable, optional
        Scorer of scikit-learn, higher is better; by default accuracy, balanced accuracy where one class has twice the
        rows of another, or R².
    nested : int, optional
        Number of outer folds. On each a whole search is done without the rows of the fold, which then score its best
        models: `outer_scores_` and the leaderboard's verdict are of rows that no trial has seen.
    pruner : {"median", "halving"} or None
        Rule that stops trials early: below the median of the others, successive halving, or none.
    ensemble : int
        Number of models that predict together, by their mean probabilities or, if one has none, by vote; a regression
        takes the mean. They are the best of different families as far as there are enough. In a nested search, the
        classical models form an ensemble, too.
    warm_starts : bool
        Whether the first ten quantum trials are settings that won on data sets like this one, see `qml.search.starts`.
        Otherwise they are the usual settings of the models.
    n_jobs : int, optional
        Number of trials at a time, on joblib's backend (processes; with ``parallel_backend("dask")`` a cluster).
    verbose : bool
        Whether to show progress: the best score so far and the time left.

    Attributes
    ----------
    best_estimator_ : estimator or Pipeline
        Best quantum model, trained on all rows; with ``ensemble`` above 1 a `VotingClassifier` or `VotingRegressor`.
    best_score_ : float
        Mean score of its trial; chosen as the best of many, so it flatters.
    best_params_ : dict
        Settings of the model of this trial.
    best_trial_ : TrialRecord
    leaderboard_ : Leaderboard
        One row per model family, and the verdict; print it.
    trials_ : list of TrialRecord
        All finished trials in order, those that were pruned or failed included.
    pareto_front_ : list of TrialRecord
        Complete quantum trials that no other beats in every objective.
    outer_scores_ : float ndarray, shape (nested,), or None
        Scores of the best quantum models of a nested search on the outer folds.
    fit_seconds_, seconds_ : float
        Seconds of the fits and predictions of the trials with the last training, and of the whole search.
    classes_ : ndarray, shape (n_classes,), only for classification
    n_features_in_ : int
    feature_names_in_ : ndarray of str, only if ``X`` had column names

    References
    ----------
    Akiba et al., "Optuna", arXiv:1907.10902; Bergstra et al., "Algorithms for hyper-parameter optimization" (2011);
    Cawley and Talbot, "On over-fitting in model selection", JMLR 11 (2010) 2079.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> search = QuantumSearchCV(n_trials=4, cv=3, models=["KitchenSinks", "Reservoir"], random_state=0).fit(X, y)
    >>> bool(search.score(X, y) > 0.9)
    True
    >>> len(search.trials_), len(search.leaderboard_)
    (4, 7)
    """

    def __init__(
        self,
        task: Literal["classification", "regression"] = "classification",
        n_trials: int = 50,
        timeout: float | None = None,
        cv: int = 3,
        study: str | PathLike[str] | None = None,
        random_state: int | np.random.RandomState | None = None,
        *,
        models: Sequence[Any] | None = None,
        classical: bool = True,
        objectives: Sequence[str] = (SCORE,),
        backend: Backend | None = None,
        scoring: str | Callable[[Any, Any, Any], float] | None = None,
        nested: int | None = None,
        pruner: Literal["median", "halving"] | None = "median",
        ensemble: int = 1,
        warm_starts: bool = True,
        n_jobs: int | None = None,
        verbose: bool = False,
    ) -> None:
        self.task = task
        self.n_trials = n_trials
        self.timeout = timeout
        self.cv = cv
        self.study = study
        self.random_state = random_state
        self.models = models
        self.classical = classical
        self.objectives = objectives
        self.backend = backend
        self.scoring = scoring
        self.nested = nested
        self.pruner = pruner
        self.ensemble = ensemble
        self.warm_starts = warm_starts
        self.n_jobs = n_jobs
        self.verbose = verbose

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        if self.task == "regression":
            tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
        else:
            tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
        return tags

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Search, and train the best quantum model on all rows.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        y : array-like, shape (n_samples,)

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If data or settings are invalid: no trials, fewer rows of a class than folds, one class only.
        StudyMismatchError
            If the study belongs to another search.
        StudyLockedError
            If another process is searching with it.
        SearchFailedError
            If no quantum trial could be completed; the message has the first error.
        KeyboardInterrupt
            After Ctrl-C; the search is then fitted with the best of the trials so far, if there are any.
        """
        start = time.perf_counter()
        self._check_settings()
        regression = self.task == "regression"
        features, targets = validate_data(
            self, X, y, dtype=np.float64, order="C", y_numeric=regression, ensure_min_samples=2
        )
        if regression:
            targets = targets.astype(np.float64)
        else:
            check_classification_targets(targets)
            self.classes_ = np.unique(targets)
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        result = search(features, targets, seed, self._options(), self._task)
        for name, value in result.attributes().items():
            setattr(self, name, value)
        if hasattr(self, "feature_names_in_"):
            together = isinstance(self.best_estimator_, VotingClassifier | VotingRegressor)
            for model in [self.best_estimator_, *(self.best_estimator_.estimators_ if together else ())]:
                first = model[0] if isinstance(model, Pipeline) else model
                first.feature_names_in_ = self.feature_names_in_  # as if it had been fitted to the frame
        self.seconds_ = time.perf_counter() - start
        if result.interrupted:
            raise KeyboardInterrupt(f"the search was interrupted after {len(self.trials_)} trials")
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict classes or targets with the best quantum model, shape (n_samples,)."""
        return np.asarray(self._best().predict(self._features(X)))

    @available_if(_has("predict_proba"))
    def predict_proba(self, X: ArrayLike) -> Array:
        """Predict class probabilities, shape (n_samples, n_classes), if the best model has them."""
        return np.asarray(self._best().predict_proba(self._features(X)))

    @available_if(_has("decision_function"))
    def decision_function(self, X: ArrayLike) -> Array:
        """Compute decision values, shape (n_samples,) for two classes, else (n_samples, n_classes)."""
        return np.asarray(self._best().decision_function(self._features(X)))

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Compute accuracy, or R² of a regression."""
        metric = r2_score if self.task == "regression" else accuracy_score
        return float(metric(y, self.predict(X), sample_weight=sample_weight))

    def save(self, path: str | PathLike[str], extra: Any = None) -> None:
        """Write the best quantum model to a file, see `qml.persistence.estimators.save`; the search is not in it."""
        persistence.save(self._best(), path, extra)

    def plot(self, path: str | PathLike[str] | None = None) -> Any:
        """Draw the scores of the trials, the importance of the parameters, and the families or the Pareto front.

        Parameters
        ----------
        path : path of a PNG file, optional

        Returns
        -------
        matplotlib Figure
        """
        from qml.search.figure import plot_search

        self._best()
        return plot_search(self, path)

    def _best(self) -> Any:
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_

    def _features(self, X: ArrayLike) -> Any:
        """Return checked features, with the names that the best model knows."""
        features = validate_data(self, X, dtype=np.float64, order="C", reset=False)
        if not hasattr(self, "feature_names_in_"):
            return features
        import pandas as pd

        return pd.DataFrame(features, columns=self.feature_names_in_)

    def _task(self, X: Array, y: NDArray[Any], seed: int) -> tuple[Task, dict[str, str]]:
        """Return folds, models and rules for these data, and the models left out."""
        metrics = choose_metrics(self.task, y)
        folds = cross_validation_splits(self.task, y, self.cv, 1, seed)
        families, left_out = families_for(
            self.task,
            self.models,
            classical=self.classical,
            n_rows=len(y),
            n_features=X.shape[1],
            seed=seed,
        )
        scorer = get_scorer(self.scoring) if isinstance(self.scoring, str) else self.scoring
        costs = tuple(self.objectives)[1:]
        return Task(X, y, folds, families, metrics, scorer, costs, self.backend, seed), left_out

    def _options(self) -> Options:
        return Options(
            task=self.task,
            n_trials=self.n_trials,
            timeout=self.timeout,
            cv=self.cv,
            nested=self.nested,
            pruner=self.pruner,
            ensemble=self.ensemble,
            warm_starts=self.warm_starts,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
            scoring=self.scoring,
            study=self.study,
        )

    def _check_settings(self) -> None:
        check_choice("task", self.task, ("classification", "regression"))
        check_whole("n_trials", self.n_trials)
        check_whole("cv", self.cv, least=2)
        check_whole("ensemble", self.ensemble)
        check_whole("nested", self.nested, least=2, instead=[None])
        check_flag("classical", self.classical)
        check_flag("warm_starts", self.warm_starts)
        if self.timeout is not None and not self.timeout > 0:
            raise ValueError(f"timeout expects a positive number of seconds or None, got {self.timeout!r}")
        if isinstance(self.objectives, str) or not len(self.objectives) or self.objectives[0] != SCORE:
            raise ValueError(f"objectives expects a sequence that begins with {SCORE!r}, got {self.objectives!r}")
        for name in self.objectives[1:]:
            choose("objective", name, list(COSTS))
        if isinstance(self.scoring, str):
            choose("metric", self.scoring, get_scorer_names())
        elif self.scoring is not None and not callable(self.scoring):
            raise TypeError(f"scoring expects the name of a metric, a scorer or None, got {self.scoring!r}")
