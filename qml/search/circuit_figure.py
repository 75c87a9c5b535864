"""Figure of a search for circuits; matplotlib is imported when it is drawn."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np

from qml.plots.canvas import BLUE, GREY, ORANGE, new_figure, save

__all__ = ["plot_evolution"]


def plot_evolution(result: Any, path: str | PathLike[str] | None = None) -> Any:
    """Draw values by generation, and scores against two-qubit gates.

    Parameters
    ----------
    result : EvolvedCircuit
    path : path of a PNG file, optional

    Returns
    -------
    matplotlib Figure
    """
    figure = new_figure(9.5, 3.8)
    left, right = figure.subplots(1, 2)
    generations = np.array([each.generation for each in result.history])
    values = np.array([each.value for each in result.history])
    numbers = np.unique(generations)
    best = [values[generations == number].max() for number in numbers]
    left.plot(generations, values, "o", color=GREY, markersize=4, alpha=0.5, label="layout")
    left.step(numbers, np.maximum.accumulate(best), where="post", color=BLUE, label="best so far")
    low = min(np.quantile(values, 0.1), best[0])
    high = max(best)
    left.set_ylim(low - 0.1 * (high - low) - 0.01, high + 0.1 * (high - low) + 0.01)
    left.set_xlabel("generation")
    left.set_ylabel(f"{_metric(result)} on held-out rows, minus price")
    left.set_title("Values of the layouts")
    left.xaxis.get_major_locator().set_params(integer=True)
    left.legend(fontsize="small", loc="best")
    counts = np.array([each.two_qubit_gates for each in result.history])
    scores = np.array([each.score for each in result.history])
    right.plot(counts, scores, "o", color=GREY, markersize=4, alpha=0.5, label="layout")
    right.plot([result.best.two_qubit_gates], [result.best.score], "D", color=ORANGE, label="selected")
    bottom = min(float(np.quantile(scores, 0.1)), result.best.score)
    top = float(scores.max())
    right.set_ylim(bottom - 0.1 * (top - bottom) - 0.01, top + 0.1 * (top - bottom) + 0.01)
    right.set_xlabel("two-qubit gates")
    right.set_ylabel(f"{_metric(result)} on held-out rows")
    right.set_title("Score and cost")
    right.xaxis.get_major_locator().set_params(integer=True)
    right.legend(fontsize="small", loc="best")
    save(figure, [left, right], path)
    return figure


def _metric(result: Any) -> str:
    return "$R^2$" if result.metric == "R^2" else str(result.metric)
