"""Figure of a comparison; matplotlib is imported when it is drawn."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np

from qml.plots.canvas import BLUE, GREY, ORANGE, label, new_figure, save

__all__ = ["plot_comparison"]

COLORS = {"quantum": BLUE, "twin": BLUE, "readout": ORANGE, "classical": ORANGE, "trivial": GREY}


def plot_comparison(comparison: Any, path: str | PathLike[str] | None = None) -> Any:
    """Draw the scores of all models, and the quantum model's differences with their 95 % intervals.

    Parameters
    ----------
    comparison : BaselineComparison
        What `qml.honesty.compare_baselines` returns.
    path : path of a PNG file, optional

    Returns
    -------
    matplotlib Figure
    """
    metric, models = comparison.metrics.primary, comparison.models
    figure = new_figure(9.6, 1.4 + 0.42 * len(models))
    scores, differences = figure.subplots(1, 2, width_ratios=(3, 2), sharey=True)
    for row, model in enumerate(models):
        values, color = model.scores[metric], COLORS[model.role]
        spread = np.linspace(-0.15, 0.15, len(values)) if len(values) > 1 else np.zeros(1)
        scores.plot(values, row + spread, ".", color=color, alpha=0.35)
        scores.plot(comparison.mean(model), row, "o", color=color)
        scores.plot(model.train_scores.mean(), row, "|", color=GREY, markersize=14)
        if row > 0:
            test = comparison.difference(model).test
            differences.plot(test.mean, row, "o", color=color)
            if np.isfinite(test.interval).all():
                differences.plot(test.interval, [row, row], color=color, linewidth=2)
    low = min(float(np.nanmin(model.scores[metric])) for model in models)
    scores.set_xlim(left=max(low - 0.05, -1.0))  # a mad R² would squeeze all others
    scores.set_yticks(range(len(models)), [label(model.name, 30) for model in models])
    scores.invert_yaxis()
    scores.set_xlabel(f"{metric} on test rows (|: on training rows)")
    differences.axvline(0.0, color=GREY, linestyle=":")
    differences.set_xlabel("quantum model minus other, 95 % interval")
    scores.set_title("Scores")
    differences.set_title("Right of 0: quantum model better")
    save(figure, [scores, differences], path)
    return figure
