"""Explanations of logged predictions: the Shapley values of each row, for the background of an explanation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from qml.explain.explanation import Explanation
from qml.explain.faithfulness import output_of_rows
from qml.explain.outputs import explained
from qml.explain.shapley import attributions

__all__ = ["row_explainer"]

TOLERANCE = 1e-9
"""Largest absolute deviation of mean outputs of the background of one and the same model: rounding, with a margin."""


def row_explainer(model: Any, explanation: Any) -> Callable[[Any], list[dict[str, Any]]]:
    """Return a function that explains rows by Shapley values, with respect to the background of an explanation.

    Parameters
    ----------
    model : fitted estimator or TableModel
        The model that is logged.
    explanation : Explanation
        As `qml.explain.explain` returns it for this model.

    Returns
    -------
    callable
        From features to one dict for each row: the output that counts, its value, its mean over the background, and
        the Shapley value of each column, which add up to the difference. A row's values do not depend on the others.

    Raises
    ------
    TypeError
        If it is neither an `Explanation` nor a function.
    ValueError
        If it is an explanation of another model.
    """
    if not isinstance(explanation, Explanation):
        raise TypeError(
            f"explain expects what qml.explain.explain returns, or a function of rows, got {type(explanation).__name__}"
        )
    background, inputs = explanation.background, explanation.inputs
    function = explained(model, background if inputs.table is not None else inputs.restored(background))[0]
    function = replace(function, inputs=inputs)
    mean = function(background).mean(axis=0)
    expected = explanation.attributions.base
    if function.names != explanation.outputs or not np.allclose(mean, expected, rtol=0, atol=TOLERANCE):
        raise ValueError(
            f"the explanation is of another model: the mean output of its background is {expected.tolist()}, that of "
            f"the logged model {mean.tolist()}; explain the model that is logged"
        )

    def explain_row(row: Any) -> dict[str, Any]:
        result = attributions(function, background, row[None], rng=np.random.default_rng(0))
        number = int(output_of_rows(function, result.outputs)[0])
        return {
            "output": function.names[number],
            "value": float(result.outputs[0, number]),
            "average": float(result.base[number]),
            "shapley": dict(zip(inputs.names, result.values[0, :, number].tolist(), strict=True)),
        }

    return lambda X: [explain_row(row) for row in inputs.rows(X)] if len(X) else []
