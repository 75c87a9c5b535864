"""Facts for a model card: data, preprocessing, settings, costs and limits of a fitted model."""

from __future__ import annotations

from typing import Any

import numpy as np

from qml.assessment.model_facts import circuit_of
from qml.assessment.report import Grid
from qml.tables import TableModel
from simulator.errors import counted

__all__ = ["cost_lines", "data_lines", "limit_lines", "preprocessing_lines", "settings_grid"]

HIDDEN = ("callback", "model", "resume", "verbose")
"""Settings that say nothing about the model."""

FEW_ROWS = 1000


def data_lines(record: dict[str, Any]) -> list[str]:
    """Return sentences on the training data."""
    lines = [str(line) for line in record.get("data", [])]
    if record.get("data_sha256"):
        lines.append(f"SHA-256 of the features and the target: {record['data_sha256']}")
    return lines


def preprocessing_lines(model: Any) -> list[str]:
    """Return sentences on how columns become features."""
    if isinstance(model, TableModel):
        lines = []
        for column in model.schema.columns:
            if column.kind == "number":
                text = f"{column.name}: number" + (
                    f", empty cells become {column.fill:g}" if model.schema.impute else ""
                )
            else:
                text = f"{column.name}: one of {len(column.categories)} categories, one-hot"
            lines.append(text)
        lines += [f"{entry.name}: left out ({entry.reason})" for entry in model.schema.left_out]
        model = model.estimator
    elif hasattr(model, "steps"):
        lines = [f"{name}: {step!r}" for name, step in model.steps[:-1]]
    else:
        lines = []
    if getattr(model, "scaling_", None) is not None:
        lines.append("features are scaled to angles as learnt from the training rows (scaling_)")
    return lines


def settings_grid(model: Any) -> Grid:
    """Return the settings of a model."""
    settings = {name: value for name, value in model.get_params(deep=False).items() if name not in HIDDEN}
    return Grid(("setting", "value"), tuple((name, str(value)) for name, value in sorted(settings.items())))


def cost_lines(model: Any, record: dict[str, Any], sizes: dict[str, int]) -> tuple[str, ...]:
    """Return what training and a prediction cost, in circuits and seconds."""
    rows, seconds = record.get("training_rows"), record.get("seconds")
    lines = [f"training took {seconds:.3g} s" if seconds is not None else "seconds of training: not in the model file"]
    epochs = getattr(model, "n_iter_", None)
    angles = sizes.get("angles")
    if angles is not None and isinstance(epochs, int | np.integer):
        text = f"training went through the rows {epochs} times"
        if rows is not None:
            circuits = int(epochs) * int(rows)
            text += (
                f": {circuits:,} simulated circuits, each with its gradient; on hardware, the parameter-shift rule "
                f"would run {2 * angles + 1:,} circuits for each"
            )
        else:
            text += "; the number of rows is not in the model file"
        lines.append(text)
    if hasattr(model, "support_"):
        lines.append(
            f"a prediction compares a row with {counted(len(model.support_), 'support vector')}: as many circuits on "
            "hardware with a fidelity kernel"
        )
    elif circuit_of(model) is not None:
        lines.append("a prediction is one circuit for each row")
    if "weights" in sizes:
        lines.append(f"{sizes['weights']:,} weights, {sizes['angles']:,} of them angles of the circuit")
    return tuple(lines)


def limit_lines(model: Any, record: dict[str, Any]) -> tuple[str, ...]:
    """Return limits that follow from the fit."""
    estimator = model.estimator if isinstance(model, TableModel) else model
    lines = [
        "the model answers for any input, also far from the rows it was trained on, where its answers mean nothing"
    ]
    rows = record.get("training_rows")
    if rows is not None and rows < FEW_ROWS:
        lines.append(f"it was trained on {rows:,} rows only; other rows would have made another model")
    if hasattr(estimator, "classes_"):
        lines.append("it knows no class but those above, and cannot say that a row belongs to none")
    if record.get("best_classical"):
        lines.append(f"the best classical model on the same rows: {record['best_classical']}")
    if isinstance(model, TableModel) and model.schema.sensitive:
        lines.append(
            f"{', '.join(model.schema.sensitive)} is not a feature, but other columns may stand for it: see what "
            "qumba fairness says about proxies"
        )
    return tuple(lines)
