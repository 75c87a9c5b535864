"""Paired test of the best quantum model against the best classical one, and the verdict in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.honesty.scores import Metrics
from qml.honesty.statistics import PairedTest, corrected_t_test, paired_rows_test

__all__ = ["Comparison", "Contender", "compare", "verdict"]

SIGNIFICANT = 0.05
"""P-value below which a difference is called clear."""


ROUNDING = 1e-12
"""Difference of scores below which models do equally well."""


@dataclass(frozen=True)
class Contender:
    """The best model of a kind, as the paired test takes it.

    Attributes
    ----------
    name : str
    trials, families : int
        Numbers of trials and of models among which it was chosen; in a nested search, per outer fold.
    scores : tuple of float
        Scores of the folds.
    predictions : tuple of ndarray
        Predictions of each fold's rows.
    """

    name: str
    trials: int
    families: int
    scores: tuple[float, ...]
    predictions: tuple[NDArray[Any], ...]

    @property
    def mean(self) -> float:
        """Mean score."""
        return float(np.mean(self.scores))


@dataclass(frozen=True)
class Comparison:
    """Paired test of the best quantum model against the best classical one.

    Attributes
    ----------
    quantum, classical : Contender
    test : PairedTest
        Corrected resampled t-test of the folds' scores, or with one fold the t-test of the rows.
    rows_p_value : float
        P-value of the test of rows: Wilcoxon's, or sign flips for a balanced accuracy.
    unseen : bool
        Whether the scores are those of rows that no trial has seen.
    metric : str
        Name of the score.
    """

    quantum: Contender
    classical: Contender
    test: PairedTest
    rows_p_value: float
    unseen: bool
    metric: str

    @property
    def clear(self) -> bool:
        """Whether both tests call the difference significant."""
        return max(self.test.p_value, self.rows_p_value) < SIGNIFICANT


def compare(
    quantum: Contender,
    classical: Contender,
    truth: Sequence[NDArray[Any]],
    train_rows: float,
    metrics: Metrics,
    *,
    unseen: bool,
    metric: str,
) -> Comparison:
    """Test the best quantum model against the best classical one on the same folds.

    Parameters
    ----------
    quantum, classical : Contender
    truth : sequence of ndarray
        True values of each fold's rows.
    train_rows : float
        Mean number of training rows of a fold.
    metrics : Metrics
    unseen : bool
    metric : str
    """
    gains = [
        metrics.row_gains(values, predictions, others)
        for values, predictions, others in zip(truth, quantum.predictions, classical.predictions, strict=True)
    ]
    if len(truth) > 1:
        differences = np.array(quantum.scores) - np.array(classical.scores)
        test = corrected_t_test(differences, train_rows, float(np.mean([len(values) for values in truth])))
    else:
        test = paired_rows_test(gains[0][0])
    rows_p_value = metrics.rows_test(np.concatenate([ranked for _, ranked in gains]))
    return Comparison(quantum, classical, test, rows_p_value, unseen, metric)


def verdict(comparison: Comparison | None) -> str:
    """Say in words which of two models is better, whether that is clear, and how many trials it took."""
    if comparison is None:
        return (
            "There are no classical models to compare with: search with classical=True to know what the circuits add."
        )
    quantum, classical, test = comparison.quantum, comparison.classical, comparison.test
    budget = f"the best of {_budget(quantum)}", f"the best of {_budget(classical)}"
    if abs(test.mean) < ROUNDING:
        sentence = f"{quantum.name}, {budget[0]}, and {classical.name}, {budget[1]}, do equally well"
    else:
        direction = "better" if test.mean > 0 else "worse"
        sentence = (
            f"{quantum.name}, {budget[0]}, is {abs(test.mean):.3f} of {comparison.metric} {direction} than "
            f"{classical.name}, {budget[1]}"
        )
    low, high = test.interval
    numbers = f"p = {test.p_value:.2g} by t-test and {comparison.rows_p_value:.2g} by a test of the rows"
    if high - low < ROUNDING < abs(test.mean):
        numbers = (
            "the difference is the same on each fold, from which a t-test learns nothing; "
            f"p = {comparison.rows_p_value:.2g} by a test of the rows"
        )
    elif np.isfinite(low) and np.isfinite(high):
        numbers = f"95 % interval {low:+.3f} to {high:+.3f}; {numbers}"
    if comparison.clear:
        conclusion = "a clear difference"
    else:
        conclusion = "too uncertain to tell them apart"
    if comparison.clear and test.mean > 0 and not comparison.unseen:
        conclusion = "clear on the folds that chose them, which is no evidence for other rows"
    where = (
        "These scores are of rows that no trial has seen."
        if comparison.unseen
        else "These are the scores by which the models were chosen, so both are flattering: nested=5 gives scores of "
        "rows that no trial has seen."
    )
    evidence = (
        "" if comparison.clear and test.mean > 0 else " There is no evidence that the quantum part adds anything."
    )
    return f"{sentence} ({numbers}): {conclusion}. {where}{evidence}"


def _budget(contender: Contender) -> str:
    trials = "trial" if contender.trials == 1 else "trials"
    models = "model" if contender.families == 1 else "models"
    return f"{contender.trials} {trials} of {contender.families} {models}"
