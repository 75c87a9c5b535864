"""The classical models that a quantum model is compared with, and the tuning that each of them gets."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import loguniform
from sklearn.base import BaseEstimator, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_selection import SelectKBest, f_classif, f_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    KFold,
    ParameterSampler,
    ShuffleSplit,
    StratifiedKFold,
    StratifiedShuffleSplit,
)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from threadpoolctl import threadpool_limits

from simulator.engines.host import limited_threads

__all__ = [
    "Candidates",
    "Opponent",
    "Settings",
    "Task",
    "Tuned",
    "linear_readout",
    "opponents",
    "single_threaded",
    "take",
    "trivial",
]

Task = Literal["classification", "regression"]
Settings = dict[str, Any]

BOOSTING, FOREST = "gradient boosting", "random forest"

MAX_SHORT_ROWS = 200
"""Maximum number of training rows for which tree ensembles have 50 trees instead of 100."""

MAX_FOREST_ROWS = 2000
"""Maximum number of training rows for which a random forest is among the opponents; gradient boosting always is."""

MAX_TREE_FEATURES = 500
"""Maximum number of features that tree ensembles see, those most related to the target: boosting of 5,000 takes
12 seconds for each fit to 225 rows, of 500 one second."""

MAX_FOLDED_ROWS = 60
"""Maximum number of training rows for which candidates are compared on three folds; beyond, on one held-out quarter."""

MAX_LBFGS_ROWS = 2000
"""Maximum number of training rows for which neural networks are trained by L-BFGS, which is faster on small data."""


@dataclass(frozen=True)
class Candidates:
    """Settings among which a model is tuned: the usual ones first, then fixed alternatives, then random draws.

    Parameters
    ----------
    listed : sequence of dict
        The first settings that are tried; the model's usual ones, ``{}``, come before.
    drawn : mapping of names to lists or distributions
        What further settings are drawn from.
    """

    listed: Sequence[Settings] = ()
    drawn: Mapping[str, Any] = field(default_factory=dict)

    def first(self, count: int, seed: int) -> list[Settings]:
        """Return ``count`` settings, or as many as there are."""
        settings: list[Settings] = [{}, *self.listed][:count]
        if len(settings) < count and self.drawn:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # a grid with fewer points than are asked for
                settings += ParameterSampler(self.drawn, count - len(settings), random_state=seed)
        return settings


@dataclass(frozen=True)
class Opponent:
    """A classical model and its candidates. The name is shown; the estimator is unfitted."""

    name: str
    estimator: BaseEstimator
    candidates: Candidates


class Tuned:
    """An estimator that tries candidates on held-out rows of its training data, and is fitted with the best.

    Parameters
    ----------
    estimator : scikit-learn estimator
    candidates : Candidates
    count : int
        Number of candidates.
    score : callable
        ``score(fitted, X, y)``, higher is better.
    stratify : bool
        Whether folds have the same shares of the classes.
    seconds : float, optional
        Time after which no further candidate is tried.
    seed : int
        Seed for folds and random candidates.

    Attributes
    ----------
    model_ : fitted estimator
    settings_ : dict
        Settings of the best candidate; empty if these are the usual ones.
    num_tried_ : int
        Number of candidates tried.
    """

    def __init__(
        self,
        estimator: Any,
        candidates: Candidates,
        count: int,
        score: Callable[[Any, Any, Any], float],
        *,
        stratify: bool,
        seconds: float | None = None,
        seed: int = 0,
    ) -> None:
        self.estimator = estimator
        self.candidates = candidates
        self.count = count
        self.score = score
        self.stratify = stratify
        self.seconds = seconds
        self.seed = seed

    def fit(self, X: Any, y: NDArray[Any], sample_weight: NDArray[np.float64] | None = None) -> Tuned:
        """Try the candidates, then fit the best to all rows."""
        settings = self.candidates.first(self.count, self.seed)
        splits = _inner_splits(y, self.stratify, self.seed) if len(settings) > 1 else []
        start = time.perf_counter()
        scores: list[float] = []
        for candidate in settings if splits else settings[:1]:
            if scores and self.seconds is not None and time.perf_counter() - start > self.seconds:
                break
            if splits:
                scores.append(self._held_out_score(candidate, X, y, sample_weight, splits))
        self.num_tried_ = max(len(scores), 1)
        self.settings_ = settings[int(np.nanargmax(scores))] if np.isfinite(scores).any() else settings[0]
        self.model_ = self._fitted(self.settings_, X, y, sample_weight)
        return self

    def _held_out_score(
        self,
        settings: Settings,
        X: Any,
        y: NDArray[Any],
        weight: NDArray[np.float64] | None,
        splits: list[tuple[NDArray[np.intp], NDArray[np.intp]]],
    ) -> float:
        scores = []
        for training, held_out in splits:
            part = None if weight is None else weight[training]
            model = self._fitted(settings, take(X, training), y[training], part)
            scores.append(self.score(model, take(X, held_out), y[held_out]))
        return float(np.mean(scores))

    def _fitted(self, settings: Settings, X: Any, y: NDArray[Any], weight: NDArray[np.float64] | None) -> Any:
        model = clone(self.estimator).set_params(**settings)
        if weight is None:
            return model.fit(X, y)
        name, last = "sample_weight", model
        while isinstance(last, Pipeline):
            name, last = f"model__{name}", last.steps[-1][1]
        return model.fit(X, y, **{name: weight})


def take(X: Any, rows: NDArray[np.intp]) -> Any:
    """Select rows of an array or a data frame."""
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


def opponents(task: Task, n_features: int, n_rows: int, seed: int) -> list[Opponent]:
    """Return the classical opponents: linear model, support vector machine, neural network, trees.

    Parameters
    ----------
    task : {"classification", "regression"}
    n_features : int
    n_rows : int
        Number of training rows; a random forest takes part up to `MAX_FOREST_ROWS`.
    seed : int
    """
    few = n_rows <= MAX_LBFGS_ROWS
    network: Settings = {"max_iter": 300, "random_state": seed, "hidden_layer_sizes": (50,)}
    network |= {"solver": "lbfgs"} if few else {"early_stopping": True}
    num_trees = 50 if n_rows <= MAX_SHORT_ROWS else 100
    gamma = 1 / max(n_features, 1)
    networks = Candidates(
        [
            {"model__alpha": 1.0},
            {"model__alpha": 0.1, "model__hidden_layer_sizes": (16,)},
            {"model__alpha": 10.0, "model__hidden_layer_sizes": (100,)},
        ],
        {"model__alpha": loguniform(1e-4, 30), "model__hidden_layer_sizes": [(8,), (16,), (50,), (100,), (50, 50)]},
    )
    machines = Candidates(
        [{"model__C": 10.0}, {"model__C": 10.0, "model__gamma": 0.2 * gamma}, {"model__gamma": 3 * gamma}],
        {"model__C": loguniform(0.1, 1e3), "model__gamma": loguniform(0.03 * gamma, 10 * gamma)},
    )
    boosting = Candidates(
        [
            {"model__min_samples_leaf": 5, "model__max_leaf_nodes": 8},
            {"model__learning_rate": 0.05, "model__max_leaf_nodes": 8, "model__min_samples_leaf": 10},
            {"model__learning_rate": 0.2, "model__max_leaf_nodes": 4, "model__min_samples_leaf": 5},
        ],
        {
            "model__learning_rate": loguniform(0.02, 0.4),
            "model__max_leaf_nodes": [3, 4, 8, 15, 31],
            "model__min_samples_leaf": [3, 5, 10, 20],
        },
    )
    forests = Candidates(
        [{"model__max_features": 0.5}, {"model__min_samples_leaf": 3}, {"model__max_features": 1.0}],
        {"model__max_features": ["sqrt", 0.3, 0.5, 1.0], "model__min_samples_leaf": [1, 2, 3, 5, 10]},
    )
    if task == "classification":
        models = [
            ("RBF SVM", SVC(random_state=seed), machines),
            ("neural network", MLPClassifier(**network), networks),
            (BOOSTING, HistGradientBoostingClassifier(max_iter=num_trees, random_state=seed), boosting),
            (FOREST, RandomForestClassifier(num_trees, random_state=seed), forests),
        ]
    else:
        models = [
            ("RBF SVM", SVR(), machines),
            ("neural network", MLPRegressor(**network), networks),
            (BOOSTING, HistGradientBoostingRegressor(max_iter=num_trees, random_state=seed), boosting),
            (FOREST, RandomForestRegressor(num_trees, random_state=seed), forests),
        ]
    if n_rows > MAX_FOREST_ROWS:
        models.pop()
    return [linear_readout(task), *(_opponent(task, n_features, *each) for each in models)]


def _opponent(task: Task, n_features: int, name: str, model: BaseEstimator, candidates: Candidates) -> Opponent:
    """Return an opponent with scaling; trees see a selection of very many features, which their name tells."""
    selected = None
    if name in (BOOSTING, FOREST) and n_features > MAX_TREE_FEATURES:
        selected = MAX_TREE_FEATURES
        name = f"{name} ({selected} best features)"
    return Opponent(name, _standardised(task, model, selected), _renamed(task, candidates))


def linear_readout(task: Task) -> Opponent:
    """Return logistic or ridge regression with its candidates."""
    strengths = [0.1, 10.0, 0.01]
    if task == "classification":
        candidates = Candidates([{"model__C": value} for value in strengths], {"model__C": loguniform(1e-3, 1e3)})
        estimator = _standardised(task, LogisticRegression(max_iter=2000))
        return Opponent("logistic regression", estimator, candidates)
    candidates = Candidates([{"model__alpha": 10 * v} for v in strengths], {"model__alpha": loguniform(1e-3, 1e3)})
    return Opponent("ridge regression", _standardised(task, Ridge()), _renamed(task, candidates))


def trivial(task: Task) -> Opponent:
    """Return the model that ignores the features."""
    if task == "classification":
        return Opponent("majority class", DummyClassifier(), Candidates())
    return Opponent("mean of the target", DummyRegressor(), Candidates())


@contextmanager
def single_threaded() -> Iterator[None]:
    """Use one thread for simulations, scikit-learn and libraries inside the context.

    On small data, and on a machine with other work, threads of scikit-learn that wait for each other take a hundred
    times longer; and times of models are compared.
    """
    with threadpool_limits(1), limited_threads(1):
        yield


def _standardised(task: Task, model: BaseEstimator, selected: int | None = None) -> BaseEstimator:
    """Return a pipeline that scales, and selects features by their relation to the target in the training rows."""
    steps: list[tuple[str, Any]] = [("scaler", StandardScaler())]
    if selected is not None:
        steps.append(("selection", SelectKBest(_strengths if task == "classification" else _correlations, k=selected)))
    pipeline = Pipeline([*steps, ("model", model)])
    if task == "classification":
        return pipeline
    return TransformedTargetRegressor(pipeline, transformer=StandardScaler())


def _strengths(X: Any, y: Any) -> NDArray[np.float64]:
    """Return F statistics of features for classes; 0 of constant features."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of constant features
        return np.nan_to_num(f_classif(X, y)[0], posinf=np.finfo(float).max)


def _correlations(X: Any, y: Any) -> NDArray[np.float64]:
    """Return F statistics of features for a quantity; 0 of constant features."""
    strengths = np.abs(f_regression(X, y)[0])  # negative where rounding makes the correlation of a copy exceed 1
    return np.nan_to_num(strengths, posinf=np.finfo(float).max)


def _renamed(task: Task, candidates: Candidates) -> Candidates:
    """Name the parameters as they are called inside of the scaling of a regression's target."""
    if task == "classification":
        return candidates
    listed = [{f"regressor__{name}": value for name, value in settings.items()} for settings in candidates.listed]
    return Candidates(listed, {f"regressor__{name}": value for name, value in candidates.drawn.items()})


def _inner_splits(y: NDArray[Any], stratify: bool, seed: int) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Return the splits on which candidates are compared; none if there are too few rows of a class."""
    rarest = int(np.unique(y, return_counts=True)[1].min()) if stratify else len(y)
    if rarest < 2 or len(y) < 6:
        return []
    splitter: Any
    if len(y) > MAX_FOLDED_ROWS:
        splitter = (StratifiedShuffleSplit if stratify else ShuffleSplit)(1, test_size=0.25, random_state=seed)
    else:
        kind = StratifiedKFold if stratify else KFold
        splitter = kind(min(3, rarest), shuffle=True, random_state=seed)
    return list(splitter.split(np.zeros(len(y)), y))
