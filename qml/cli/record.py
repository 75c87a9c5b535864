"""What a training run stores in the model file beside the model, so that a model card can be written from it."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.accounts.scores import score_rows
from qml.cli.report import Facts, pooled_predictions
from qml.fairness.groups import SensitiveError
from qml.fairness.report import LabelsError, fairness_of_predictions
from qml.fairness.results import FairnessReport
from qml.honesty import BaselineComparison

__all__ = ["fairness_of", "training_record"]


def fairness_of(
    sensitive: dict[str, list[str]], positive: Any, comparison: BaselineComparison
) -> tuple[FairnessReport | None, str | None]:
    """Compare the groups of the test rows by the quantum model's predictions.

    Parameters
    ----------
    sensitive : dict of str to list of str
        Groups of all rows by sensitive column.
    positive : label or None
        The class that counts as being selected.
    comparison : BaselineComparison

    Returns
    -------
    report : FairnessReport or None
    obstacle : str or None
        Why there is none, if there are sensitive columns.
    """
    if not sensitive:
        return None, None
    truth, predictions = pooled_predictions(comparison)
    rows = np.concatenate(comparison.test_rows[: comparison.folds])
    columns = {name: [cells[row] for row in rows] for name, cells in sensitive.items()}
    try:
        name = comparison.quantum.name
        return fairness_of_predictions(
            truth, predictions, columns, task=comparison.metrics.task, positive=positive, model=name
        ), None
    except LabelsError:
        return None, "groups are not compared: there are more than two classes, say by --positive which one counts"
    except SensitiveError as error:
        return None, f"groups are not compared on the test rows: {error}"


def training_record(
    facts: Facts, comparison: BaselineComparison, fairness: FairnessReport | None, *, rows: int, seconds: float
) -> dict[str, Any]:
    """Return plain values: data, split, scores with intervals, comparison, times, versions.

    Parameters
    ----------
    facts : Facts
    comparison : BaselineComparison
    fairness : FairnessReport or None
    rows : int
        Number of rows that the model in the file was trained on.
    seconds : float
        Time of its training.
    """
    truth, predictions = pooled_predictions(comparison)
    metric = comparison.metrics.primary
    models = [
        {"name": model.name, "role": model.role, "score": _finite(comparison.mean(model, metric))}
        for model in comparison.models
    ]
    best = comparison.best() if comparison.role("classical") else None
    split = (
        f"one split: {rows:,} rows to train on, {len(truth):,} to test on"
        if comparison.num_splits == 1
        else f"{comparison.folds}-fold cross-validation: each row was predicted by a model that was not trained on it, "
        f"with the same settings as the one here, which was trained on all {rows:,} rows"
    )
    scored = score_rows(truth, predictions, classification=comparison.metrics.task == "classification").as_dict()
    return {
        "title": facts.title,
        "data": list(facts.data),
        "notes": list(facts.notes),
        "split": split,
        "scored": scored,
        "metric": metric,
        "models": models,
        "best_classical": None if best is None else f"{best.name}, {metric} {comparison.mean(best, metric):.4g}",
        "verdict": [comparison.verdict()],
        "training_rows": rows,
        "seconds": round(seconds, 3),
        "versions": facts.versions,
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "fairness_text": None if fairness is None else str(fairness),
    }


def _finite(value: float | NDArray[np.float64]) -> float | None:
    return float(value) if np.isfinite(value) else None
