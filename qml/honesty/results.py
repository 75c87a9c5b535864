"""Result of a comparison: scores of all models, and paired tests of the quantum model against each other one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from qml.honesty.evaluation import Contest, ModelScores, Role
from qml.honesty.scores import Metrics
from qml.honesty.statistics import PairedTest, corrected_t_test, holm, paired_rows_test

__all__ = ["Difference", "Results", "paired_differences"]

Array = NDArray[np.float64]

SIGNIFICANT = 0.05
"""P-value below which a difference is called clear, after correction for the number of models."""

NOTICEABLE = 0.01
"""Difference of ROC AUC, or share of a mean absolute error, from which a second metric can contradict the first."""


@dataclass(frozen=True)
class Difference:
    """The quantum model minus another model, on the same rows.

    Attributes
    ----------
    name, role : str
        The other model.
    test : PairedTest
        Of the first metric: the corrected resampled t-test of the splits' differences, or with a single split the
        t-test of its rows'. Its p-value is not corrected for the number of models.
    p_value, rows_p_value : float
        P-values of ``test`` and of the test of the rows, after Holm's correction over all models that learn:
        Wilcoxon's signed-rank test, or the sign-flip test where a balanced accuracy gives rows different weights.
    wins : float
        Share of the splits in which the quantum model is better, ties counted half.
    contradicted : bool
        Whether the second metric says the opposite.
    """

    name: str
    role: Role
    test: PairedTest
    p_value: float
    rows_p_value: float
    wins: float
    contradicted: bool

    @property
    def clear(self) -> bool:
        """Whether both tests call the difference significant, and the second metric does not contradict it."""
        return self.significant and not self.contradicted

    @property
    def significant(self) -> bool:
        """Whether both tests call the difference significant."""
        return max(self.p_value, self.rows_p_value) < SIGNIFICANT


@dataclass(frozen=True)
class Results:
    """Scores of a quantum model, its twins and tuned classical models on the same splits, and paired tests of them.

    Attributes
    ----------
    metrics : Metrics
        The first decides.
    models : tuple of ModelScores
        The quantum model first, the trivial one last.
    missing : dict of str to str
        Models that could not be trained, and why.
    truth : tuple of ndarray
        True values of the test rows of each split.
    test_rows : tuple of int ndarray
        Indices of the test rows of each split.
    num_rows : int
        Number of training rows that there are in a split; fewer may have been used, by all models alike.
    folds, repeats : int
        Folds of the cross-validation and its repetitions; one fold means a single split.
    differences : tuple of Difference
        One for each model besides the quantum model.
    """

    metrics: Metrics
    models: tuple[ModelScores, ...]
    missing: dict[str, str]
    truth: tuple[NDArray[Any], ...]
    test_rows: tuple[NDArray[np.intp], ...]
    num_rows: int
    folds: int
    repeats: int
    differences: tuple[Difference, ...]

    @classmethod
    def from_contest(
        cls,
        contest: Contest,
        models: Sequence[ModelScores],
        missing: dict[str, str],
        *,
        num_rows: int,
        folds: int,
        repeats: int,
    ) -> Self:
        """Compare the scores of a contest."""
        test_rows = tuple(testing for _, testing in contest.splits)
        truth = tuple(contest.y[rows] for rows in test_rows)
        differences = paired_differences(contest.metrics, models, truth, test_rows)
        return cls(
            contest.metrics, tuple(models), missing, truth, test_rows, num_rows, folds, repeats, tuple(differences)
        )

    @property
    def quantum(self) -> ModelScores:
        """Scores of the quantum model."""
        return self.models[0]

    @property
    def num_splits(self) -> int:
        """Number of splits."""
        return len(self.truth)

    def role(self, *roles: Role) -> list[ModelScores]:
        """Return the models of some roles."""
        return [model for model in self.models if model.role in roles]

    def best(self, *roles: Role) -> ModelScores:
        """Return the model of these roles with the best mean score; classical models by default."""
        return max(self.role(*(roles or ("classical",))), key=lambda model: self.mean(model))

    def mean(self, model: ModelScores, metric: str | None = None) -> float:
        """Mean of a metric over the splits where it is defined, by default of the first metric."""
        values = model.scores[metric or self.metrics.primary]
        values = values[~np.isnan(values)]
        return float(values.mean()) if len(values) else float("nan")

    def difference(self, model: ModelScores) -> Difference:
        """Return the quantum model's difference from another model."""
        return next(difference for difference in self.differences if difference.name == model.name)

    def as_dict(self) -> dict[str, Any]:
        """Return all numbers as plain data, ready for JSON; undefined ones are None."""
        return {
            "task": self.metrics.task,
            "metric": self.metrics.primary,
            "splits": self.num_splits,
            "folds": self.folds,
            "repeats": self.repeats,
            "rows": self.num_rows,
            "test_rows": [len(rows) for rows in self.test_rows],
            "models": [_model_dict(model) for model in self.models],
            "differences": [_difference_dict(difference) for difference in self.differences],
            "missing": dict(self.missing),
        }


def paired_differences(
    metrics: Metrics,
    models: Sequence[ModelScores],
    truth: Sequence[NDArray[Any]],
    test_rows: Sequence[NDArray[np.intp]],
) -> list[Difference]:
    """Test the first model against each other one.

    Parameters
    ----------
    metrics : Metrics
    models : sequence of ModelScores
    truth : sequence of ndarray
        True values of the test rows of each split.
    test_rows : sequence of int ndarray
        Indices of the test rows of each split.
    """
    quantum, others = models[0], models[1:]
    tests, ranks = [], []
    for other in others:
        gains = [
            metrics.row_gains(t, predictions, compared)
            for t, predictions, compared in zip(truth, quantum.predictions, other.predictions, strict=True)
        ]
        if len(truth) == 1:
            tests.append(paired_rows_test(gains[0][0]))
        else:
            tests.append(
                _resampled(quantum.scores[metrics.primary] - other.scores[metrics.primary], quantum, test_rows)
            )
        ranks.append(metrics.rows_test(_row_means([ranked for _, ranked in gains], test_rows)))
    # that a model learns anything is another question than whether it is better than one that learns
    family = [number for number, other in enumerate(others) if other.role != "trivial"]
    corrected, corrected_ranks = np.array([test.p_value for test in tests]), np.array(ranks)
    corrected[family], corrected_ranks[family] = holm(corrected[family]), holm(corrected_ranks[family])
    return [
        Difference(
            other.name,
            other.role,
            test,
            float(p_value),
            float(rows_p_value),
            _wins(quantum.scores[metrics.primary] - other.scores[metrics.primary]),
            _contradicted(metrics, quantum, other, test.mean, test_rows),
        )
        for other, test, p_value, rows_p_value in zip(others, tests, corrected, corrected_ranks, strict=True)
    ]


def _resampled(differences: Array, model: ModelScores, test_rows: Sequence[NDArray[np.intp]]) -> PairedTest:
    test = float(np.mean([len(rows) for rows in test_rows]))
    return corrected_t_test(differences, float(model.train_rows.mean()), test)


def _row_means(gains: Iterable[Array], test_rows: Sequence[NDArray[np.intp]]) -> Array:
    """Average the gains of each row over the splits that test it."""
    rows, values = np.concatenate(list(test_rows)), np.concatenate(list(gains))
    _, positions = np.unique(rows, return_inverse=True)
    return np.bincount(positions, values) / np.bincount(positions)


def _wins(differences: Array) -> float:
    return float(np.mean((differences > 0) + 0.5 * (differences == 0)))


def _contradicted(
    metrics: Metrics,
    quantum: ModelScores,
    other: ModelScores,
    primary: float,
    test_rows: Sequence[NDArray[np.intp]],
) -> bool:
    name = metrics.secondary
    differences = quantum.scores[name] - other.scores[name]
    margin = NOTICEABLE
    if not metrics.higher_is_better(name):
        differences, margin = -differences, NOTICEABLE * float(np.nanmean(quantum.scores[name]))
    differences = differences[~np.isnan(differences)]
    if len(differences) == 0 or differences.mean() * primary >= 0 or abs(differences.mean()) < margin:
        return False
    return len(differences) < 2 or _resampled(differences, quantum, test_rows).p_value < SIGNIFICANT


def _model_dict(model: ModelScores) -> dict[str, Any]:
    return {
        "name": model.name,
        "role": model.role,
        "test": {
            name: _plain(float(np.nanmean(v))) if not np.isnan(v).all() else None for name, v in model.scores.items()
        },
        "test_by_split": {name: [_plain(value) for value in values] for name, values in model.scores.items()},
        "training": _plain(float(model.train_scores.mean())),
        "seconds": round(float(model.seconds.mean()), 4),
        "train_rows": int(model.train_rows.min()),
        "candidates": int(model.candidates.min()),
        "settings": [{name: str(value) for name, value in settings.items()} for settings in model.settings],
    }


def _difference_dict(difference: Difference) -> dict[str, Any]:
    test = difference.test
    return {
        "name": difference.name,
        "difference": _plain(test.mean),
        "standard_error": _plain(test.error),
        "interval": [_plain(bound) for bound in test.interval],
        "effect": _plain(test.effect),
        "wins": difference.wins,
        "p_value": difference.p_value,
        "rows_p_value": difference.rows_p_value,
        "clear": difference.clear,
    }


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
