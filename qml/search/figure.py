"""Figure of a search; matplotlib is imported when it is drawn."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np

from qml.plots.canvas import BLUE, GREY, ORANGE, label, new_figure, save
from qml.search.importance import parameter_importance

__all__ = ["plot_search"]

COLORS = {"quantum": BLUE, "classical": ORANGE}

MOST_PARAMETERS = 10
"""Number of parameters whose importance is drawn."""


def plot_search(search: Any, path: str | PathLike[str] | None = None) -> Any:
    """Draw the scores of the trials, the importance of parameters, and the families or the Pareto front.

    The importance is left out if no parameter has enough complete trials.

    Parameters
    ----------
    search : QuantumSearchCV, fitted
    path : path of a PNG file, optional

    Returns
    -------
    matplotlib Figure
    """
    importance = list(parameter_importance(search.trials_).items())[:MOST_PARAMETERS]
    rows = [row for row in search.leaderboard_ if np.isfinite(row.score)]
    height = max(3.6, 1.2 + 0.3 * max(len(rows), len(importance)))
    widths = (4, 3, 4) if importance else (4, 4)
    axes = new_figure(13.5 * sum(widths) / 11, height).subplots(1, len(widths), width_ratios=widths)
    history, last = axes[0], axes[-1]
    _history(history, search)
    if importance:
        _importance(axes[1], importance)
    if len(search.objectives) > 1:
        _front(last, search)
    else:
        _families(last, rows, search.leaderboard_.metric)
    save(history.figure, list(axes), path)
    return history.figure


def _history(axis: Any, search: Any) -> None:
    complete = [record for record in search.trials_ if record.complete]
    pruned = [record for record in search.trials_ if not record.complete and np.isfinite(record.score)]
    for kind, color in COLORS.items():
        records = [record for record in complete if record.kind == kind]
        if not records:
            continue
        numbers, scores = [r.number + 1 for r in records], [r.score for r in records]
        axis.plot(numbers, scores, "o", color=color, markersize=4, label=f"{kind}, complete")
        ends = [*numbers, len(search.trials_)]
        axis.step(ends, np.maximum.accumulate([*scores, -np.inf]), where="post", color=color)
    numbers, scores = [r.number + 1 for r in pruned], [r.score for r in pruned]
    if pruned:
        axis.plot(numbers, scores, "x", color=GREY, markersize=4, label="pruned")
    low = np.quantile([record.score for record in complete], 0.1)
    high = max(record.score for record in complete)
    axis.set_ylim(bottom=low - 0.6 * (high - low) - 0.01, top=high + 0.15 * (high - low) + 0.01)
    axis.set_xlabel("trial")
    axis.set_ylabel(label(search.leaderboard_.metric, 30))
    axis.set_title("Trials; lines: best so far")
    axis.legend(fontsize="small", loc="best")


def _importance(axis: Any, importance: list[tuple[str, float]]) -> None:
    axis.barh([label(name, 24) for name, _ in importance], [share for _, share in importance], color=BLUE)
    axis.invert_yaxis()
    axis.set_xlim(0, 1)
    axis.set_xlabel("explained share of the ranks")
    axis.set_title("Parameters of quantum models")


def _families(axis: Any, rows: list[Any], metric: str) -> None:
    for position, row in enumerate(rows):
        spread = row.spread if np.isfinite(row.spread) else 0.0
        axis.errorbar(row.score, position, xerr=spread, fmt="o", color=COLORS[row.kind], capsize=2)
    axis.set_yticks(range(len(rows)), [label(row.model, 30) for row in rows])
    axis.invert_yaxis()
    axis.set_xlabel(label(f"{metric}: mean and deviation of the folds", 60))
    axis.locator_params(axis="x", nbins=6)
    axis.set_title("Best trial of each model")


def _front(axis: Any, search: Any) -> None:
    complete = [record for record in search.trials_ if record.complete and record.kind == "quantum"]
    front = search.pareto_front_
    axis.plot([r.costs[0] for r in complete], [r.score for r in complete], "o", color=GREY, markersize=4, alpha=0.6)
    axis.plot([r.costs[0] for r in front], [r.score for r in front], "o", color=BLUE, label="Pareto front")
    for record in front[:6]:
        axis.annotate(
            label(record.family.removesuffix("Classifier").removesuffix("Regressor"), 18),
            (record.costs[0], record.score),
            xytext=(4, -9),
            textcoords="offset points",
            fontsize="small",
        )
    axis.set_xlabel(label(search.objectives[1].replace("_", " "), 30))
    axis.set_ylabel(label(search.leaderboard_.metric, 30))
    if search.objectives[1] in ("seconds", "inference"):
        axis.set_xscale("log")
    axis.set_title("Quantum models: score and cost")
    axis.legend(fontsize="small", loc="lower right")
