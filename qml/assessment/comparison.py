"""Comparison of a quantum model with classical ones on the same rows, and the significance of the difference."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, t
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    mean_absolute_error,
    precision_recall_fscore_support,
    r2_score,
    root_mean_squared_error,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

__all__ = ["ClassScore", "Comparison", "Result", "Split", "baselines", "compare", "paired_difference", "standard_error"]

Task = Literal["classification", "regression"]

MAX_SVM_ROWS = 10_000
"""Maximum number of rows for a support vector machine (quadratic time; seconds at this size) and training scores."""

SIGNIFICANT = 0.05
"""P-value below which a difference is called clear."""


@dataclass(frozen=True)
class Split:
    """Training and test rows: features (n, n_features) and targets (n,)."""

    X_train: NDArray[np.float64]
    y_train: NDArray[Any]
    X_test: NDArray[np.float64]
    y_test: NDArray[Any]


@dataclass(frozen=True)
class Result:
    """Result of one model.

    Attributes
    ----------
    name : str
    role : {"quantum", "classical", "trivial"}
    scores : dict of str to float
        Scores on the test rows; the first is the main one.
    train_score : float
        First score on the training rows, or on a random subset if there are very many.
    seconds : float
        Training time in seconds.
    predictions : ndarray, shape (n_test,)
    """

    name: str
    role: Literal["quantum", "classical", "trivial"]
    scores: dict[str, float]
    train_score: float
    seconds: float
    predictions: NDArray[Any]


@dataclass(frozen=True)
class ClassScore:
    """Precision, recall and F1 of one class, and its number of test rows."""

    label: Any
    precision: float
    recall: float
    f1: float
    rows: int


@dataclass(frozen=True)
class Comparison:
    """Models trained and tested on the same rows.

    Attributes
    ----------
    task : {"classification", "regression"}
    results : tuple of Result
        The quantum model first, then the classical ones, the trivial one last.
    y_test : ndarray, shape (n_test,)
    labels : ndarray, shape (n_classes,), or None for regression
    """

    task: Task
    results: tuple[Result, ...]
    y_test: NDArray[Any]
    labels: NDArray[Any] | None = None

    @property
    def quantum(self) -> Result:
        """The quantum model's result."""
        return self.results[0]

    @property
    def best_classical(self) -> Result:
        """The best classical model's result on the test rows."""
        classical = [result for result in self.results if result.role == "classical"]
        return max(classical, key=lambda result: next(iter(result.scores.values())))

    def confusion(self) -> NDArray[np.int64]:
        """Count test rows by true class (row) and class predicted by the quantum model (column)."""
        return confusion_matrix(self.y_test, self.quantum.predictions, labels=self.labels)

    def class_scores(self) -> list[ClassScore]:
        """Compute the scores of each class for the quantum model."""
        columns = precision_recall_fscore_support(
            self.y_test, self.quantum.predictions, labels=self.labels, zero_division=0.0
        )
        assert self.labels is not None
        return [
            ClassScore(label.item(), float(precision), float(recall), float(f1), int(rows))
            for label, precision, recall, f1, rows in zip(self.labels, *columns, strict=True)
        ]

    def verdict(self) -> str:
        """Summarise which model is better, by how much, and whether the difference is significant."""
        best, trivial = self.best_classical, self.results[-1]
        difference, error, probability = paired_difference(self, best)
        rows = f"{len(self.y_test)} test rows"
        unit, size = self._unit(abs(difference))
        clear = probability < SIGNIFICANT
        if difference == 0:
            verdict = f"The quantum model and the {best.name} do equally well on the {rows}"
        else:
            better, worse = (f"The {best.name}", "the quantum model")
            if difference < 0:
                better, worse = "The quantum model", f"the {best.name}, the best classical model"
            verdict = f"{better} is {size} {unit} better than {worse}"
            if np.isfinite(error):
                verdict += f" (± {self._unit(error)[1]} standard error on {rows})"
            verdict += ": a clear difference" if clear else ": too small to tell them apart"
        verdict += "."
        advantage, _, probability = paired_difference(self, trivial)
        if not (advantage < 0 and probability < SIGNIFICANT):
            verdict += f" It is not clearly better than the {trivial.name} either."
        return verdict

    def _unit(self, difference: float) -> tuple[str, str]:
        if self.task == "classification":
            return "points", f"{100 * difference:.1f}"
        return "of R²", f"{difference:.3f}"


def paired_difference(comparison: Comparison, other: Result) -> tuple[float, float, float]:
    """Compute by how much ``other`` is better than the quantum model on the same test rows.

    Returns
    -------
    difference : float
        Difference in accuracy, or in R².
    error : float
        Its standard error, from the rows' differences.
    probability : float
        P-value of the difference: McNemar's exact test of the rows that only one of them predicts
        correctly, or for regression the paired t-test of the squared errors.
    """
    truth, quantum, classical = comparison.y_test, comparison.quantum.predictions, other.predictions
    n = len(truth)
    if comparison.task == "classification":
        gain = (classical == truth).astype(float) - (quantum == truth)
        only_classical, only_quantum = int((gain > 0).sum()), int((gain < 0).sum())
        discordant = only_classical + only_quantum
        probability = binomtest(only_classical, discordant).pvalue if discordant else 1.0
        return float(gain.mean()), float(gain.std(ddof=1) / np.sqrt(n)), float(probability)
    gain = ((truth - quantum) ** 2 - (truth - classical) ** 2) / truth.var()
    error = float(gain.std(ddof=1) / np.sqrt(n))
    probability = 2 * t.sf(abs(gain.mean()) / error, n - 1) if error > 0 else float(gain.mean() == 0)
    return float(gain.mean()), error, float(probability)


def standard_error(comparison: Comparison, result: Result) -> float:
    """Compute the standard error of a result's first score, from the test rows."""
    truth, predicted = comparison.y_test, result.predictions
    if comparison.task == "classification":
        rows = (truth == predicted).astype(float)
    else:
        rows = (truth - predicted) ** 2 / truth.var()
    return float(rows.std(ddof=1) / np.sqrt(len(rows)))


def baselines(task: Task, seed: int = 0, n_components: int | None = None) -> dict[str, BaseEstimator]:
    """Return unfitted classical models with common settings; the last is the trivial one.

    Parameters
    ----------
    task : {"classification", "regression"}
    seed : int
    n_components : int, optional
        Number of principal components that the quantum model uses instead of the features. The classical models use all
        features; an additional support vector machine uses these components only.
    """
    if task == "classification":
        linear = {"logistic regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))}
        trivial = {"majority class": DummyClassifier()}
    else:
        linear = {"ridge regression": make_pipeline(StandardScaler(), Ridge())}
        trivial = {"mean of the target": DummyRegressor()}
    machines = {"RBF SVM": _support_vector_machine(task, seed)}
    if n_components is not None:
        machines[f"RBF SVM, {n_components} components"] = _support_vector_machine(task, seed, PCA(n_components))
    return linear | machines | trivial


def _support_vector_machine(task: Task, seed: int, *steps: BaseEstimator) -> BaseEstimator:
    if task == "classification":
        return make_pipeline(StandardScaler(), *steps, SVC(random_state=seed))
    return TransformedTargetRegressor(make_pipeline(StandardScaler(), *steps, SVR()), transformer=StandardScaler())


def compare(
    model: Any,
    seconds: float,
    split: Split,
    task: Task,
    *,
    classical: Mapping[str, BaseEstimator] | None = None,
    seed: int = 0,
) -> Comparison:
    """Train classical models on the training rows of a quantum model, and test all on the same test rows.

    Parameters
    ----------
    model : fitted classifier or regressor
    seconds : float
        Training time of the model in seconds.
    split : Split
    task : {"classification", "regression"}
    classical : mapping of names to estimators, optional
        Models to compare with, by default `baselines`; the last is the trivial one.
    seed : int
        Seed for the baselines, and for the sample of rows on which a support vector machine is trained.
    """
    few = split
    if len(split.y_train) > MAX_SVM_ROWS:
        rows = np.random.default_rng(seed).choice(len(split.y_train), MAX_SVM_ROWS, replace=False)
        few = replace(split, X_train=split.X_train[rows], y_train=split.y_train[rows])
    results = [_result("quantum model", "quantum", model, seconds, few, task)]
    classical = baselines(task, seed) if classical is None else classical
    for position, (name, baseline) in enumerate(classical.items(), 1):
        training = split
        if "SVM" in name and few is not split:
            name, training = f"{name} ({MAX_SVM_ROWS} rows)", few
        start = time.perf_counter()
        baseline.fit(training.X_train, training.y_train)
        elapsed = time.perf_counter() - start
        role: Literal["classical", "trivial"] = "trivial" if position == len(classical) else "classical"
        results.append(_result(name, role, baseline, elapsed, few, task))
    labels = None
    if task == "classification":
        labels = np.unique(np.concatenate([split.y_train, split.y_test]))
    return Comparison(task, tuple(results), split.y_test, labels)


def _result(
    name: str, role: Literal["quantum", "classical", "trivial"], model: Any, seconds: float, split: Split, task: Task
) -> Result:
    predictions = model.predict(split.X_test)
    truth, fitted = split.y_test, model.predict(split.X_train)
    if task == "classification":
        scores = {
            "accuracy": accuracy_score(truth, predictions),
            "balanced accuracy": balanced_accuracy_score(truth, predictions),
            "macro F1": f1_score(truth, predictions, average="macro", zero_division=0.0),
        }
        train_score = accuracy_score(split.y_train, fitted)
    else:
        scores = {
            "R²": r2_score(truth, predictions),
            "mean absolute error": mean_absolute_error(truth, predictions),
            "RMSE": root_mean_squared_error(truth, predictions),
        }
        train_score = r2_score(split.y_train, fitted)
    scores = {metric: float(value) for metric, value in scores.items()}
    return Result(name, role, scores, float(train_score), seconds, predictions)
