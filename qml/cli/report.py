"""Content of the report on a training run: what was trained, how it compares, and the numbers as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from qml.assessment.report import Block, Grid, Heading, Items, Listing, Paragraph, Picture
from qml.fairness.results import FairnessReport
from qml.honesty import BaselineComparison

__all__ = ["Facts", "confusion", "pooled_predictions", "report_blocks", "report_json"]


MAX_CLASSES = 15
"""Maximum number of classes that the report lists one by one; all are in report.json."""


@dataclass(frozen=True)
class Facts:
    """The content of a report besides the scores.

    Attributes
    ----------
    title : str
    data : tuple of str
        Sentences on the data: rows, columns, what was left out.
    settings : dict
        Settings of the model; plain values only.
    model : tuple of str
        Sentences on the model: its circuit, its weights, its training.
    sizes : dict of str to int
        Sizes of the circuit, angles in it and weights of the classical layers, as far as the model has them.
    circuit_text : str, optional
        Drawing of the circuit.
    loss_history : float ndarray, shape (n_epochs,)
    validation_scores : float ndarray, shape (n_epochs,), or None
    best_epoch : int or None
        Number of the best epoch, counted from 1.
    notes : tuple of str
        Notes on deviations from the request.
    versions : dict of str to str
    """

    title: str
    data: tuple[str, ...]
    settings: dict[str, Any]
    model: tuple[str, ...]
    sizes: dict[str, int]
    circuit_text: str | None
    loss_history: NDArray[np.float64]
    validation_scores: NDArray[np.float64] | None
    best_epoch: int | None
    notes: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)


def report_blocks(
    facts: Facts,
    comparison: BaselineComparison,
    pictures: Sequence[Picture] = (),
    search: Sequence[Block] = (),
    fairness: Sequence[Block] = (),
) -> list[Block]:
    """Make the report, with the verdict first.

    Parameters
    ----------
    facts : Facts
    comparison : BaselineComparison
    pictures : sequence of Picture
    search : sequence of Block
        Leaderboard of the search that found the model, if there was one.
    fairness : sequence of Block
        Report on groups.
    """
    blocks: list[Block] = [Heading(facts.title), Items(facts.data)]
    if facts.notes:
        blocks.append(Items(facts.notes))
    blocks += comparison.blocks()
    if comparison.metrics.task == "classification":
        blocks += _class_blocks(comparison)
    blocks += fairness
    if search:
        blocks += [Heading("The search"), *search]
    blocks += [
        Heading("The quantum model"),
        Paragraph(" ".join(facts.model)),
        Paragraph("Settings: " + ", ".join(f"{name}={value}" for name, value in facts.settings.items()) + "."),
    ]
    blocks += pictures
    if facts.circuit_text is not None:
        blocks.append(Listing(facts.circuit_text))
    if facts.versions:
        blocks.append(Paragraph("Made with " + ", ".join(f"{name} {v}" for name, v in facts.versions.items()) + "."))
    return blocks


def report_json(
    facts: Facts,
    comparison: BaselineComparison,
    fairness: FairnessReport | None = None,
    more: Mapping[str, Any] | None = None,
) -> str:
    """Format all numbers of the report as JSON text, with ``more`` entries."""
    content: dict[str, Any] = {
        "title": facts.title,
        "data": list(facts.data),
        "notes": list(facts.notes),
    }
    content |= comparison.as_dict()
    content["test_rows"] = len(np.unique(np.concatenate(comparison.test_rows)))
    content["quantum_model"] = {
        "settings": {name: _plain(value) for name, value in facts.settings.items()},
        **facts.sizes,
        "best_epoch": facts.best_epoch,
        "loss_history": _finite(facts.loss_history),
        "validation_scores": None if facts.validation_scores is None else _finite(facts.validation_scores),
    }
    content["versions"] = facts.versions
    if fairness is not None:
        content["fairness"] = fairness.as_dict()
    if comparison.metrics.labels is not None:
        content["classes"] = [_plain(label) for label in comparison.metrics.labels]
        content["confusion"] = confusion(comparison).tolist()
        content["class_scores"] = [
            {"class": _plain(label), "precision": precision, "recall": recall, "f1": f1, "rows": rows}
            for label, precision, recall, f1, rows in _class_scores(comparison)
        ]
    return json.dumps(content | dict(more or {}), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def pooled_predictions(comparison: BaselineComparison) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return true values and the quantum model's predictions of all test rows, each row once.

    In a repeated cross-validation, these are the predictions of the first repetition.
    """
    count = comparison.folds
    return (
        np.concatenate(comparison.truth[:count]),
        np.concatenate(comparison.quantum.predictions[:count]),
    )


def confusion(comparison: BaselineComparison) -> NDArray[np.int64]:
    """Count test rows by true class (row) and class predicted by the quantum model (column)."""
    truth, predictions = pooled_predictions(comparison)
    return confusion_matrix(truth, predictions, labels=comparison.metrics.labels)


def _class_scores(comparison: BaselineComparison) -> list[tuple[Any, float, float, float, int]]:
    truth, predictions = pooled_predictions(comparison)
    labels = comparison.metrics.labels
    assert labels is not None
    columns = precision_recall_fscore_support(truth, predictions, labels=labels, zero_division=0.0)
    return [
        (label, float(precision), float(recall), float(f1), int(rows))
        for label, precision, recall, f1, rows in zip(labels, *columns, strict=True)
    ]


def _class_blocks(comparison: BaselineComparison) -> list[Block]:
    assert comparison.metrics.labels is not None
    labels = tuple(str(label) for label in comparison.metrics.labels)
    by_class = _class_scores(comparison)
    many = len(labels) > MAX_CLASSES
    if many:
        by_class = sorted(by_class, key=lambda scores: scores[3])[:MAX_CLASSES]
    scores = tuple(
        (str(label), f"{precision:.3f}", f"{recall:.3f}", f"{f1:.3f}", str(rows))
        for label, precision, recall, f1, rows in by_class
    )
    if many:
        return [
            Heading(f"The {MAX_CLASSES} worst of {len(labels)} classes"),
            Grid(("class", "precision", "recall", "F1", "test rows"), scores),
            Paragraph("Most frequent confusions:"),
            Grid(("true class", "predicted as", "test rows"), _frequent_confusions(labels, confusion(comparison))),
        ]
    counts = tuple(
        (label, *(str(count) if count else "." for count in row))
        for label, row in zip(labels, confusion(comparison), strict=True)
    )
    return [
        Heading("Class by class"),
        Grid(("class", "precision", "recall", "F1", "test rows"), scores),
        Grid(("true class, predicted:", *labels), counts),
    ]


def _frequent_confusions(labels: tuple[str, ...], counts: NDArray[np.int64]) -> tuple[tuple[str, str, str], ...]:
    """Return the most frequent pairs of a true and another, predicted class."""
    wrong = counts - np.diag(np.diag(counts))
    order = np.argsort(-wrong, axis=None, kind="stable")[:MAX_CLASSES]
    pairs = zip(*np.unravel_index(order, wrong.shape), strict=True)
    return tuple((labels[true], labels[other], str(wrong[true, other])) for true, other in pairs if wrong[true, other])


def _finite(values: NDArray[np.float64]) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


def _plain(value: Any) -> Any:
    """Convert a value for JSON: NumPy scalars to Python scalars, other objects to text."""
    value = value.item() if isinstance(value, np.generic) else value
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
