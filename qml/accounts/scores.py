"""Scores of predictions on test rows, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.fairness.estimates import Estimate

__all__ = ["ScoredRows", "score_rows"]

Array = NDArray[np.float64]

LEVEL = 0.95
RESAMPLES = 1000


@dataclass(frozen=True)
class ScoredRows:
    """Scores of predictions on test rows.

    Attributes
    ----------
    task : {"classification", "regression"}
    n_rows : int
    scores : dict of str to Estimate
        With bootstrap percentile intervals of 95 %.
    """

    task: str
    n_rows: int
    scores: dict[str, Estimate]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        scores = {name: score.as_dict() for name, score in self.scores.items()}
        return {"task": self.task, "rows": self.n_rows, "scores": scores}


def score_rows(
    y: ArrayLike,
    predicted: ArrayLike,
    probability: ArrayLike | None = None,
    *,
    classification: bool,
    random_state: int | None = 0,
) -> ScoredRows:
    """Score predictions, and bootstrap the rows for intervals.

    Parameters
    ----------
    y, predicted : array-like, shape (n_rows,)
    probability : array-like, shape (n_rows,), optional
        Probability of the second of two classes, for ROC AUC and Brier score.
    classification : bool
    random_state : int, optional
        Seed of the resamples.
    """
    truth, guess = np.asarray(y), np.asarray(predicted)
    if truth.shape != guess.shape or truth.ndim != 1 or not len(truth):
        raise ValueError(f"expected a prediction for each of {truth.shape} true values, got {guess.shape}")
    values = None if probability is None else np.asarray(probability, float)
    metrics = _of_classes(truth, guess, values) if classification else _of_quantities(truth, guess)
    rng = np.random.default_rng(random_state)
    count = len(truth)
    draws = [np.bincount(rng.integers(count, size=count), minlength=count).astype(float) for _ in range(RESAMPLES)]
    scores = {}
    for name, metric in metrics.items():
        drawn = np.array([metric(weights) for weights in draws])
        defined = drawn[np.isfinite(drawn)]
        low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) if len(defined) else (np.nan, np.nan)
        scores[name] = Estimate(float(metric(np.ones(count))), float(low), float(high))
    return ScoredRows("classification" if classification else "regression", count, scores)


def _of_classes(
    truth: NDArray[Any], guess: NDArray[Any], probability: Array | None
) -> dict[str, Callable[[Array], float]]:
    labels, codes = np.unique(truth, return_inverse=True)
    correct = (truth == guess).astype(float)

    def balanced(weights: Array) -> float:
        rows = np.bincount(codes, weights, len(labels))
        with np.errstate(invalid="ignore", divide="ignore"):
            return float(np.nanmean(np.bincount(codes, weights * correct, len(labels)) / rows))

    metrics: dict[str, Callable[[Array], float]] = {
        "accuracy": lambda weights: float(weights @ correct / weights.sum()),
        "balanced accuracy": balanced,
    }
    if probability is not None and len(labels) == 2:
        _, ranks = np.unique(probability, return_inverse=True)
        squares = (probability - codes) ** 2

        def area(weights: Array) -> float:
            positive, negative = np.bincount(ranks, weights * codes), np.bincount(ranks, weights * (1 - codes))
            pairs = positive.sum() * negative.sum()
            below = np.cumsum(negative) - negative / 2  # ties count half
            return float(positive @ below / pairs) if pairs else np.nan

        metrics["ROC AUC"] = area
        metrics["Brier score"] = lambda weights: float(weights @ squares / weights.sum())
    return metrics


def _of_quantities(truth: NDArray[Any], guess: NDArray[Any]) -> dict[str, Callable[[Array], float]]:
    truth, guess = truth.astype(float), guess.astype(float)
    errors = guess - truth

    def determination(weights: Array) -> float:
        mean = weights @ truth / weights.sum()
        variance = weights @ (truth - mean) ** 2
        return float(1 - weights @ errors**2 / variance) if variance > 0 else np.nan

    return {
        "R2": determination,
        "mean absolute error": lambda weights: float(weights @ np.abs(errors) / weights.sum()),
        "RMSE": lambda weights: float(np.sqrt(weights @ errors**2 / weights.sum())),
    }
