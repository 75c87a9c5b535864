"""Comparison of a quantum model with classical ones that get the same rows and the same tuning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold, train_test_split
from sklearn.utils import check_random_state

from qml.checked_data import check_classification_targets
from qml.honesty.comparison import BaselineComparison
from qml.honesty.evaluation import Contest, Split, run_contest
from qml.honesty.opponents import Candidates, Task
from qml.honesty.scores import choose_metrics
from qml.settings import check_whole
from simulator.masked import check_unmasked

__all__ = ["MAX_ROWS", "compare_baselines", "compare_on_split", "cross_validation_splits", "limited"]

MAX_ROWS = 10_000
"""Default maximum number of training rows: support vector machines take a time that grows with their square."""

MIN_FITS = 10
"""Number of splits that the default number of repeats reaches: fewer give wide intervals."""


def compare_baselines(
    estimator: Any,
    X: Any,
    y: ArrayLike,
    *,
    cv: int = 5,
    repeats: int | None = None,
    candidates: int = 4,
    grid: Mapping[str, Any] | None = None,
    max_rows: int | None = MAX_ROWS,
    seconds: float | None = None,
    twin: bool = True,
    random_state: int | np.random.RandomState | None = None,
    announce: Callable[[str], None] = lambda _: None,
) -> BaselineComparison:
    """Compare a quantum model with classical ones that get the same rows and the same tuning, and with its twins.

    In repeated cross-validation, all models are trained and tested on the same folds: the quantum model; the same
    without entanglement, if it defines `without_entanglement`; a linear model of the features that its circuit gets;
    logistic or ridge regression, a support vector machine, a neural network, gradient boosting and, up to 2000 rows, a
    random forest. Classical models are tuned within each fold. Scores are compared by the corrected resampled t-test,
    rows by Wilcoxon's signed-rank test (for a balanced accuracy, by sign flips), both with Holm's correction. Where
    the most frequent class has twice the rows of the rarest, balanced accuracy decides, otherwise accuracy, and for a
    regression R²; ROC AUC and the mean absolute error must not contradict. If the estimator has a ``class_weight``,
    the classical models use it too. All models, quantum and classical, are trained and evaluated on one thread.

    Parameters
    ----------
    estimator : classifier or regressor
        The quantum model, alone or in a pipeline or search of scikit-learn; it is not changed.
    X : array-like or data frame, shape (n_samples, n_features)
        Classical models get these features; if they are not finite numbers, after the estimator's own pipeline.
    y : array-like, shape (n_samples,)
    cv : int
        Number of folds.
    repeats : int, optional
        Number of repetitions of the cross-validation; by default such that there are at least 10 splits.
    candidates : int
        Number of settings that each model is tuned over, the usual ones first. The quantum model keeps its settings
        unless there is a ``grid``, and the verdict says so.
    grid : mapping from parameter names to lists or distributions, optional
        What candidates of the quantum model are drawn from, as in scikit-learn's ``RandomizedSearchCV``.
    max_rows : int, optional
        Maximum number of training rows for all models alike.
    seconds : float, optional
        Time after which a model tries no further candidate of a split; the verdict says who got fewer.
    twin : bool
        Whether to train the model without entanglement too.
    random_state : int, RandomState or None
        Seed for folds, candidates and models, of the estimator too where it has none.
    announce : callable
        Receives the name of each model before it is trained.

    Returns
    -------
    BaselineComparison
        Printed as a table with a verdict; `as_dict`, `plot`.

    Raises
    ------
    ValueError
        If there are fewer rows of a class than folds, or X holds text and the estimator has no pipeline for it.
    TypeError
        If the estimator is neither a classifier nor a regressor.

    References
    ----------
    Bowles, Ahmed and Schuld, arXiv:2403.07059, on comparisons that favour quantum models; Nadeau and Bengio, Machine
    Learning 52 (2003) 239; Holm, Scand. J. Statist. 6 (1979) 65.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from qml import KitchenSinksClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> result = compare_baselines(KitchenSinksClassifier(), X, y, cv=3, repeats=1, candidates=1, random_state=0)
    >>> [model.name for model in result.models][:3]
    ['quantum model', 'without entanglement', 'without the circuit']
    """
    task = _task(estimator)
    targets = _checked_targets(task, X, y)
    check_whole("cv", cv, least=2)
    check_whole("repeats", repeats, instead=[None])
    check_whole("candidates", candidates)
    check_whole("max_rows", max_rows, least=10, instead=[None])
    if seconds is not None and not seconds > 0:
        raise ValueError(f"seconds expects a positive number or None, got {seconds!r}")
    check_unmasked(X, "X")
    features = X if hasattr(X, "iloc") else np.asarray(X)
    seed = int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
    repeats = max(1, -(-MIN_FITS // cv)) if repeats is None else repeats
    splits = cross_validation_splits(task, targets, cv, repeats, seed)
    num_rows = len(splits[0][0])
    contest = Contest(
        features,
        targets,
        [(limited(task, targets, training, max_rows, seed), testing) for training, testing in splits],
        choose_metrics(task, targets),
        candidates,
        seconds,
        seed,
    )
    models, missing = run_contest(
        contest, _seeded(estimator, seed), Candidates(drawn=grid or {}), twin=twin, announce=announce
    )
    return BaselineComparison.from_contest(contest, models, missing, num_rows=num_rows, folds=cv, repeats=repeats)


def compare_on_split(
    fitted: Any,
    seconds: float,
    X: NDArray[np.float64],
    y: NDArray[Any],
    split: Split,
    *,
    candidates: int = 4,
    max_rows: int | None = MAX_ROWS,
    twin: bool = True,
    seed: int = 0,
    announce: Callable[[str], None] = lambda _: None,
) -> BaselineComparison:
    """Compare a fitted quantum model with classical models on one split, as `compare_baselines` does on many.

    If there are more than ``max_rows`` training rows, the quantum model is trained once more, on the rows that the
    others get.

    Parameters
    ----------
    fitted : fitted classifier or regressor
    seconds : float
        Its training time in seconds.
    X, y : ndarray
    split : (training rows, test rows)
    candidates, max_rows, announce
        As in `compare_baselines`.
    twin : bool
        Whether to train the quantum model without entanglement too.
    seed : int
    """
    task = _task(fitted)
    training, testing = split
    rows = limited(task, y, training, max_rows, seed)
    contest = Contest(X, y, [(rows, testing)], choose_metrics(task, y[training]), candidates, None, seed)
    known = (fitted, seconds) if len(rows) == len(training) else None
    copy = _quiet(clone(fitted))
    models, missing = run_contest(contest, copy, Candidates(), fitted=known, twin=twin, announce=announce)
    return BaselineComparison.from_contest(contest, models, missing, num_rows=len(training), folds=1, repeats=1)


def cross_validation_splits(task: Task, y: NDArray[Any], folds: int, repeats: int, seed: int) -> list[Split]:
    """Return the splits of a repeated cross-validation, stratified by class.

    Raises
    ------
    ValueError
        If there are fewer rows, or rows of a class, than folds.
    """
    if task == "classification":
        labels, counts = np.unique(y, return_counts=True)
        if len(labels) < 2:
            raise ValueError(f"y holds one class only, {labels[0]}; a comparison needs at least two")
        if counts.min() < folds:
            rarest = labels[counts.argmin()]
            raise ValueError(
                f"cv={folds} needs {folds} rows of each class, class {rarest} has {counts.min()}: use fewer folds or "
                "leave the class out"
            )
        splitter = RepeatedStratifiedKFold(n_splits=folds, n_repeats=repeats, random_state=seed)
        return list(splitter.split(np.zeros(len(y)), y))
    if len(y) < 2 * folds:
        raise ValueError(f"cv={folds} needs at least {2 * folds} rows, got {len(y)}: use fewer folds")
    return list(RepeatedKFold(n_splits=folds, n_repeats=repeats, random_state=seed).split(np.zeros(len(y))))


def limited(task: Task, y: NDArray[Any], rows: NDArray[np.intp], max_rows: int | None, seed: int) -> NDArray[np.intp]:
    """Return a random sample of rows if there are more than ``max_rows``, stratified by class."""
    if max_rows is None or len(rows) <= max_rows:
        return rows
    labels = y[rows] if task == "classification" else None
    if labels is not None and np.unique(labels, return_counts=True)[1].min() < 2:
        labels = None
    sample, _ = train_test_split(rows, train_size=max_rows, random_state=seed, stratify=labels)
    return np.sort(sample)


def _task(estimator: Any) -> Task:
    if not hasattr(estimator, "fit"):
        raise TypeError(
            f"estimator expects a classifier or regressor such as VariationalClassifier(), got {estimator!r}"
        )
    if is_classifier(estimator):
        return "classification"
    if is_regressor(estimator):
        return "regression"
    raise TypeError(f"estimator expects a classifier or regressor, got a {type(estimator).__name__}")


def _checked_targets(task: Task, X: Any, y: ArrayLike) -> NDArray[Any]:
    check_unmasked(y, "y")
    targets = np.asarray(y)
    if targets.ndim != 1:
        raise ValueError(f"y expects one target per row, shape (n_samples,), got shape {targets.shape}")
    if np.ndim(X) != 2 or len(X) != len(targets):
        raise ValueError(f"X expects shape ({len(targets)}, n_features) to match y, got {np.shape(X)}")
    if task == "classification":
        check_classification_targets(targets)
        return targets
    values = targets.astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("y expects finite numbers, got NaN or infinity")
    if np.ptp(values) == 0:
        raise ValueError(f"y is always {values[0]:g}: there is nothing to compare")
    return values


def _seeded(estimator: Any, seed: int) -> Any:
    """Return an unfitted copy without a progress bar whose parts without a seed have this one."""
    copy = _quiet(clone(estimator))
    unset = [
        name
        for name, value in copy.get_params(deep=True).items()
        if value is None and name.split("__")[-1] == "random_state"
    ]
    return copy.set_params(**dict.fromkeys(unset, seed))


def _quiet(estimator: Any) -> Any:
    """Turn off the progress bars of an estimator, of which a comparison would show one for each of many fits."""
    shown = [name for name, value in estimator.get_params(deep=True).items() if name.endswith("verbose") and value]
    return estimator.set_params(**dict.fromkeys(shown, False))
