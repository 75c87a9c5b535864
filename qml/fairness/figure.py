"""Figure of a fairness report; matplotlib is imported when it is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np

from qml.fairness.words import WORDS
from qml.plots.canvas import BLUE, COLORS, GREY, ORANGE, label, new_figure, save

__all__ = ["draw", "draw_mitigation"]


def draw(report: Any, path: str | PathLike[str] | None = None) -> Any:
    """Draw the rates of all groups with their intervals, one row of panels for each sensitive column.

    Parameters
    ----------
    report : FairnessReport
    path : path of a PNG file, optional

    Returns
    -------
    matplotlib Figure
    """
    panels, of_classes = WORDS[report.task].panels, report.task == "classification"
    sizes = [len(column.labels) for column in report.columns]
    figure = new_figure(9.6, 0.9 + sum(0.75 + 0.3 * size for size in sizes))
    grid = figure.subplots(
        len(sizes),
        len(panels),
        squeeze=False,
        sharex=of_classes or "col",
        height_ratios=[0.75 + 0.3 * size for size in sizes],
    )
    for number, (axes, column) in enumerate(zip(grid, report.columns, strict=True)):
        color = COLORS[number % len(COLORS)]
        places = np.arange(len(column.labels))
        for axis, name in zip(axes, panels, strict=True):
            rates = column.rates[name]
            for place, rate in zip(places, rates, strict=True):
                axis.plot([rate.low, rate.high], [place, place], color=color, linewidth=2)
                axis.plot(rate.value, place, "o", color=color)
            axis.axvline(report.overall[name].value, color=GREY, linestyle=":")
            axis.set_yticks(places, [label(text, 22) for text in column.labels] if axis is axes[0] else [])
            axis.set_ylim(len(places) - 0.5, -0.5)
            if of_classes:
                axis.set_xlim(-0.02, 1.02)
            if number == 0:
                axis.set_title(name, fontsize="medium")
        axes[0].set_ylabel(label(column.name, 24))
    meaning = "mean residual: target minus prediction; "
    if of_classes:
        meaning = f"share of the group (selected: predicted {label(report.positive, 20)}; "
    interval = f"{100 * report.level:g} % intervals"
    figure.supxlabel(f"{meaning}dotted: all rows; {interval}" + ")" * of_classes, fontsize="small")
    save(figure, [axis for axes in grid for axis in axes], path)
    return figure


def draw_mitigation(mitigation: Any, gaps: Sequence[str], path: str | PathLike[str] | None = None) -> Any:
    """Draw accuracy and gaps before and after a mitigation.

    Parameters
    ----------
    mitigation : Mitigation
    gaps : sequence of str
        Names of the gaps to draw.
    path : path of a PNG file, optional

    Returns
    -------
    matplotlib Figure
    """
    columns = [column.name for column in mitigation.before.columns]
    names = ["accuracy", *(f"{name}: {gap}" for name in columns for gap in gaps)]
    figure = new_figure(9.6, 1.3 + 0.42 * len(names))
    axis = figure.subplots()
    for report, color, shift, when in (
        (mitigation.before, GREY, -0.14, "before"),
        (mitigation.after, BLUE, 0.14, f"after ({mitigation.method})"),
    ):
        values = [report.overall["accuracy"], *(report[name].gaps[gap] for name in columns for gap in gaps)]
        for row, value in enumerate(values):
            axis.plot([value.low, value.high], [row + shift] * 2, color=color, linewidth=2)
            axis.plot(value.value, row + shift, "o", color=color, label=when if row == 0 else None)
    axis.axvline(0.0, color=ORANGE, linestyle=":")
    axis.set_yticks(range(len(names)), [label(name, 52) for name in names])
    axis.invert_yaxis()
    axis.legend(loc="lower right")
    axis.set_title(f"Constraint: {mitigation.constraint.replace('_', ' ')}; 95 % intervals", fontsize="medium")
    save(figure, [axis], path)
    return figure
