"""What an explanation says about the model and the rows, besides numbers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.explain.coalitions import MAX_EXACT
from qml.explain.outputs import Explained
from qml.honesty.twins import innermost, preprocessing
from qml.text import one_line
from simulator.errors import counted

__all__ = ["angle_names", "facts", "model_name", "notes"]

Array = NDArray[np.float64]

CORRELATED = 0.7
"""Absolute correlation of two columns from which a note is added."""

NAMED = 3
"""Maximum number of pairs of columns, or of rows, that a note names."""


def model_name(function: Explained) -> str:
    """Return the class of the model, with the steps of a pipeline and the target of a table."""
    estimator = function.estimator
    name = type(estimator).__name__ if hasattr(estimator, "fit") else getattr(estimator, "__name__", "a function")
    if hasattr(estimator, "steps"):
        name = " > ".join(type(step).__name__ for _, step in estimator.steps)
    table = function.inputs.table
    return name if table is None else f"{name} for {table.schema.target}"


def facts(
    function: Explained, reference: Array, background: Array, rows: Array, random_state: int | None
) -> dict[str, str]:
    """Return facts about model and rows, by name."""
    estimator = innermost(function.estimator)
    out = {"model": one_line(" ".join(repr(estimator).split()))} if hasattr(estimator, "get_params") else {}
    circuit = getattr(estimator, "circuit_", None)
    if circuit is not None:
        out["circuit"] = (
            f"{counted(circuit.num_qubits, 'qubit')}, {counted(len(circuit.operations), 'gate')}, "
            f"depth {circuit.depth()}"
        )
    if hasattr(estimator, "weights_"):
        out["trained weights"] = str(len(estimator.weights_))
    of_classes = f" of {', '.join(function.names)}" if function.is_classifier else ""
    out["explained"] = function.quantity + of_classes
    out["rows of reference"] = f"{len(reference)}, of which {len(background)} as the background of Shapley values"
    out["explained rows"] = str(len(rows))
    out["seed"] = "none: another call draws other rows" if random_state is None else str(random_state)
    return out


def angle_names(function: Explained) -> tuple[str, ...]:
    """Return the names of the features of the Fourier series: those of the columns, if each has an angle of its own."""
    scaling = getattr(innermost(function.estimator), "scaling_", None)
    count = 0 if scaling is None else scaling.num_outputs
    if preprocessing(function.estimator) is None and count == function.inputs.num_features:
        return tuple(function.inputs.feature_names)
    return tuple(f"component {k}" for k in range(count))


def notes(function: Explained, reference: Array, background: Array, rows: Array, max_background: int) -> Iterator[str]:
    """Yield what to keep in mind."""
    columns = function.inputs.columns
    alone = [(column.name, column.features[0]) for column in columns if len(column.features) == 1]
    varying = [(name, j) for name, j in alone if np.ptp(reference[:, j]) > 0]
    pairs = []
    if len(varying) > 1:
        correlations: Any = np.corrcoef(reference[:, [j for _, j in varying]], rowvar=False)
        for a, b in combinations(range(len(varying)), 2):
            if abs(correlations[a, b]) >= CORRELATED:
                pairs.append((abs(correlations[a, b]), varying[a][0], varying[b][0], correlations[a, b]))
    if pairs:
        pairs.sort(key=lambda pair: -pair[0])
        named = ", ".join(f"{first} and {second} ({value:+.2f})" for _, first, second, value in pairs[:NAMED])
        more = f" and {counted(len(pairs) - NAMED, 'other pair')}" if len(pairs) > NAMED else ""
        yield (
            f"Correlated columns: {named}{more}. Shapley values, permutations and curves vary one without the other, "
            "so they also look at rows that do not occur, and divide between the two what either could explain."
        )
    low, high = reference.min(axis=0), reference.max(axis=0)
    outside = [(i, name) for i, row in enumerate(rows) for name, j in alone if not low[j] <= row[j] <= high[j]]
    if outside:
        named = ", ".join(f"row {i} in {name}" for i, name in outside[:NAMED])
        more = " and others" if len(outside) > NAMED else ""
        yield f"Outside the range of the rows of reference, so predicted by extrapolation: {named}{more}."
    if len(background) < min(max_background, len(reference)):
        yield (
            f"The background has only {counted(len(background), 'row')}, because each explained row takes many sets of "
            "columns; its mean is that of few rows."
        )
    if len(columns) > MAX_EXACT:
        yield (
            f"{len(columns)} columns are more than the {MAX_EXACT} of which all sets are evaluated: Shapley values are "
            "estimates."
        )
    if function.quantity == "decision value":
        yield "The model has no probabilities; decision values have no unit: only their order and sign have a meaning."
    yield (
        "An explanation says what the model does, not why the world is so: a column can matter to the model without "
        "being a cause, and a cause can be missing from the data."
    )
