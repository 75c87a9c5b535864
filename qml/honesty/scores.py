"""Scores of a model on test rows, and the error of each row that they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)

from qml.honesty.opponents import Task
from qml.honesty.statistics import sign_flip_test, signed_rank_test

__all__ = ["Metrics", "choose_metrics", "class_outputs"]

Array = NDArray[np.float64]

UNEVEN = 2.0
"""Ratio of the most to the least frequent class from which classes are called uneven."""

ERRORS = ("mean absolute error", "RMSE")
"""Metrics of which less is better."""


@dataclass(frozen=True)
class Metrics:
    """Metrics by which models are compared; the first decides, the second must not contradict it.

    Attributes
    ----------
    task : {"classification", "regression"}
    names : tuple of str
    labels : ndarray, shape (n_classes,), or None for regression
    uneven : bool
        Whether the classes have very different numbers of rows.
    """

    task: Task
    names: tuple[str, ...]
    labels: NDArray[Any] | None = None
    uneven: bool = False

    @property
    def primary(self) -> str:
        """Metric that decides."""
        return self.names[0]

    @property
    def secondary(self) -> str:
        """Metric that must not contradict."""
        return self.names[1]

    def evaluate(self, truth: NDArray[Any], predictions: NDArray[Any], outputs: Array | None) -> dict[str, float]:
        """Compute all metrics; NaN where one is undefined, such as ROC AUC without scores or with one class only.

        Parameters
        ----------
        truth, predictions : ndarray, shape (n_test,)
        outputs : float ndarray, shape (n_test, n_classes), or None
            Scores of the classes, the higher the likelier.
        """
        return {name: self._metric(name, truth, predictions, outputs) for name in self.names}

    def main(self, truth: NDArray[Any], predictions: NDArray[Any]) -> float:
        """Compute the metric that decides."""
        return self._metric(self.primary, truth, predictions, None)

    def row_gains(self, truth: NDArray[Any], first: NDArray[Any], second: NDArray[Any]) -> tuple[Array, Array]:
        """Compute by how much ``first`` predicts each row better than ``second``.

        Returns
        -------
        gains : float ndarray, shape (n_test,)
            Their mean is the difference of the metric that decides.
        ranked : float ndarray, shape (n_test,)
            What the test of rows takes: the same for classes, differences of absolute errors for a regression.
        """
        if self.task == "regression":
            errors = [np.abs(truth - predictions) for predictions in (first, second)]
            variance = truth.var() if truth.var() > 0 else 1.0
            return (errors[1] ** 2 - errors[0] ** 2) / variance, errors[1] - errors[0]
        gains = (first == truth).astype(float) - (second == truth)
        if self.primary == "balanced accuracy":
            labels, positions, counts = np.unique(truth, return_inverse=True, return_counts=True)
            gains *= (len(truth) / (len(labels) * counts))[positions]
        return gains, gains

    def rows_test(self, differences: Array) -> float:
        """Compute the p-value of the test of rows: by ranks, or by sign flips where rows have their class's weight."""
        return sign_flip_test(differences) if self.primary == "balanced accuracy" else signed_rank_test(differences)

    @property
    def rows_test_name(self) -> str:
        """Name of the test of rows."""
        return "sign-flip" if self.primary == "balanced accuracy" else "Wilcoxon"

    def higher_is_better(self, name: str) -> bool:
        """Return whether more of a metric is better."""
        return name not in ERRORS

    def size(self, difference: float) -> str:
        """Format the size of a difference of the metric that decides."""
        if self.task == "classification":
            return f"{100 * abs(difference):.1f} points of {self.primary}"
        return f"{abs(difference):.3f} of R²"

    def bounds(self, interval: tuple[float, float]) -> str:
        """Format an interval of differences in the unit of `size`."""
        factor, digits = (100, 1) if self.task == "classification" else (1, 3)
        low, high = (round(factor * bound, digits) + 0.0 for bound in interval)  # no -0.0
        return f"{low:.{digits}f} to {high:.{digits}f}"

    def _metric(self, name: str, truth: NDArray[Any], predictions: NDArray[Any], outputs: Array | None) -> float:
        match name:
            case "accuracy":
                return float(np.mean(truth == predictions))
            case "balanced accuracy":
                return _balanced_accuracy(truth, predictions)
            case "ROC AUC":
                return np.nan if outputs is None else _roc_auc(truth, outputs, self.labels)
            case "R²":
                return float(r2_score(truth, predictions)) if len(truth) > 1 else np.nan
            case "mean absolute error":
                return float(mean_absolute_error(truth, predictions))
            case "RMSE":
                return float(root_mean_squared_error(truth, predictions))
        raise ValueError(f"unknown metric {name!r}")


def choose_metrics(task: Task, y: NDArray[Any]) -> Metrics:
    """Choose metrics: balanced accuracy and ROC AUC where classes are uneven, accuracy and ROC AUC otherwise."""
    if task == "regression":
        return Metrics(task, ("R²", "mean absolute error", "RMSE"))
    labels, counts = np.unique(y, return_counts=True)
    if counts.max() >= UNEVEN * counts.min():
        return Metrics(task, ("balanced accuracy", "ROC AUC", "accuracy"), labels, uneven=True)
    return Metrics(task, ("accuracy", "ROC AUC", "balanced accuracy"), labels)


def class_outputs(model: Any, X: Any, labels: NDArray[Any]) -> Array | None:
    """Return a score for each class, shape (n, n_classes), or None if the model only predicts labels."""
    outputs = None
    for method in ("predict_proba", "decision_function"):
        if hasattr(model, method):
            outputs = np.asarray(getattr(model, method)(X), np.float64)
            break
    if outputs is None or not np.isfinite(outputs).all():
        return None
    if outputs.ndim == 1:
        outputs = np.column_stack([-outputs, outputs])
    classes = np.asarray(model.classes_)
    if outputs.shape[1] != len(classes):  # one column per pair of classes
        return None
    scores = np.full((len(outputs), len(labels)), outputs.min(initial=0.0) - 1.0)
    scores[:, np.searchsorted(labels, classes)] = outputs
    return scores


def _balanced_accuracy(truth: NDArray[Any], predictions: NDArray[Any]) -> float:
    right = truth == predictions
    return float(np.mean([right[truth == label].mean() for label in np.unique(truth)]))


def _roc_auc(truth: NDArray[Any], outputs: Array, labels: NDArray[Any] | None) -> float:
    """Area under the ROC curve; for more than two classes, the mean over each class against all others."""
    assert labels is not None
    columns = [1] if len(labels) == 2 else range(len(labels))
    present = [c for c in columns if 0 < (truth == labels[c]).sum() < len(truth)]
    if not present:
        return np.nan
    return float(np.mean([roc_auc_score(truth == labels[c], outputs[:, c]) for c in present]))
