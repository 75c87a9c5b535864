"""Figures of an explanation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from os import PathLike
from typing import Any

import numpy as np

from qml.explain.gates import GateImportance
from qml.explain.importances import Dependence
from qml.explain.narrative import output_name
from qml.explain.results import Results
from qml.plots.canvas import BLUE, COLORS, GREY, ORANGE, label, new_figure, save

__all__ = ["draw", "draw_curves", "draw_dependence"]

SHOWN_COLUMNS = 12
"""Maximum number of columns or layers in a panel."""

SHOWN_CURVES = 40
"""Maximum number of curves of single rows."""

ACROSS = 3
"""Number of panels in a row of the figure."""


def draw(explanation: Results, path: str | PathLike[str] | None = None) -> Any:
    """Draw all parts in one figure."""
    panels: list[Callable[[Any], None]] = [
        lambda axis: _importances(axis, explanation),
        lambda axis: _contributions(axis, explanation),
    ]
    panels += [partial(_dependence, explanation=explanation, item=item) for item in explanation.dependence[:2]]
    if explanation.faithfulness is not None:
        panels.append(lambda axis: _deletion(axis, explanation))
    gates = explanation.gates
    if gates is not None:
        panels.append(lambda axis: _gates(axis, gates))
    if explanation.sobol is not None:
        panels.append(lambda axis: _sobol(axis, explanation))
    return _figure(panels, explanation.model, path)


def draw_dependence(explanation: Results) -> Any:
    """Draw the dependence on the most important columns."""
    panels = [partial(_dependence, explanation=explanation, item=item) for item in explanation.dependence]
    return _figure(panels, None, None, across=2)


def draw_curves(explanation: Results) -> Any:
    """Draw the deletion and insertion curves."""
    return _figure([lambda axis: _deletion(axis, explanation)], None, None)


def _figure(
    panels: Sequence[Callable[[Any], None]], title: str | None, path: str | PathLike[str] | None, across: int = ACROSS
) -> Any:
    columns = min(across, len(panels))
    rows = -(-len(panels) // columns)
    figure = new_figure(4.2 * columns, 3.2 * rows)
    axes = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axis, panel in zip(axes, panels, strict=False):
        panel(axis)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    if title is not None:
        figure.suptitle(label(title, 80))
    save(figure, axes, path)
    return figure


def _importances(axis: Any, explanation: Results) -> None:
    axis.set_title("importance of the columns")
    shown = explanation.order[:SHOWN_COLUMNS][::-1]
    values = np.abs(explanation.attributions.values).mean(axis=0)[shown] / len(explanation.outputs)
    left = np.zeros(len(shown))
    places = np.arange(len(shown))
    for number, name in enumerate(explanation.outputs[: len(COLORS)]):
        axis.barh(places, values[:, number], left=left, color=COLORS[number], label=label(name))
        left += values[:, number]
    others = values[:, len(COLORS) :].sum(axis=1)
    if others.any():
        axis.barh(places, others, left=left, color=GREY, label="others")
    axis.set_yticks(places, [label(explanation.columns[k], 20) for k in shown])
    axis.set_xlabel("mean |Shapley value|")
    if len(explanation.outputs) > 1:
        axis.legend(frameon=False, fontsize=8)


def _contributions(axis: Any, explanation: Results) -> None:
    axis.set_title("contributions, explained rows")
    shown = explanation.order[:SHOWN_COLUMNS][::-1]
    values = np.array([explanation.contributions(row) for row in range(len(explanation.rows))])[:, shown]
    places = np.arange(len(shown))
    spread = np.linspace(-0.25, 0.25, len(values)) if len(values) > 1 else np.zeros(1)
    for row, offset in zip(values, spread, strict=True):
        axis.scatter(row, places + offset, s=14, c=[BLUE if value < 0 else ORANGE for value in row])
    axis.axvline(0.0, color=GREY, linewidth=0.8)
    axis.set_yticks(places, [label(explanation.columns[k], 20) for k in shown])
    axis.set_xlabel(f"change of the {label(explanation.quantity)}")


def _dependence(axis: Any, explanation: Results, item: Dependence) -> None:
    axis.set_title(label(item.name, 30))
    words = item.values and isinstance(item.values[0], str)
    places = np.arange(len(item.values)) if words else np.asarray(item.values, np.float64)
    for number, name in enumerate(explanation.outputs[: len(COLORS)]):
        if len(explanation.outputs) == 1:
            for curve in item.individual[number][:SHOWN_CURVES]:
                axis.plot(places, curve, color=GREY, alpha=0.25, linewidth=0.7)
        axis.plot(
            places, item.average[number], "o-" if words else "-", color=COLORS[number], linewidth=2, label=label(name)
        )
    if words:
        axis.set_xticks(places, [label(value, 10) for value in item.values], rotation=30 if len(places) > 3 else 0)
    if len(explanation.outputs) > 1:
        axis.legend(frameon=False, fontsize=8)
    axis.set_ylabel(label(output_name(explanation, 0), 30) if len(explanation.outputs) == 1 else explanation.quantity)


def _deletion(axis: Any, explanation: Results) -> None:
    curves = explanation.faithfulness
    assert curves is not None
    areas = curves.areas
    axis.set_title("removing and inserting columns")
    places = np.arange(len(curves.deletion))
    for name, color in (("deletion", ORANGE), ("insertion", BLUE)):
        axis.plot(
            places, getattr(curves, name), "o-", markersize=3, color=color, label=f"{name}, area {areas[name]:.2f}"
        )
        random = f"random_{name}"
        axis.plot(places, getattr(curves, random), "--", color=color, label=f"random order, {areas[random]:.2f}")
    axis.set_xlabel("columns removed or inserted")
    axis.set_ylabel("share of the difference left")
    axis.legend(frameon=False, fontsize=8)


def _gates(axis: Any, gates: GateImportance) -> None:
    axis.set_title(f"layers: {gates.measure.split(' with')[0].split(' on')[0]}")
    shown = np.sort(np.argsort(-np.abs(gates.values), kind="stable")[:SHOWN_COLUMNS])[::-1]
    values = gates.values[shown]
    places = np.arange(len(shown))
    axis.barh(places, values, color=[BLUE if value < 0 else ORANGE for value in values])
    if gates.errors is not None:
        axis.errorbar(values, places, xerr=gates.errors[shown], fmt="none", color=GREY)
    axis.axvline(0.0, color=GREY, linewidth=0.8)
    axis.set_yticks(places, [label(gates.names[k], 22) for k in shown])
    axis.set_xlabel("Shapley value")


def _sobol(axis: Any, explanation: Results) -> None:
    indices = explanation.sobol
    assert indices is not None
    axis.set_title("Fourier series: shares of the variance")
    count = min(len(explanation.angles), SHOWN_COLUMNS)
    first = np.nanmean(indices.first_order, axis=1)[:count][::-1]
    total = np.nanmean(indices.total, axis=1)[:count][::-1]
    places = np.arange(count)
    axis.barh(places, total, color="#56B4E9", label="with others")
    axis.barh(places, first, color=BLUE, label="alone")
    axis.set_yticks(places, [label(name, 20) for name in explanation.angles[:count][::-1]])
    axis.set_xlabel("share of the variance over all angles")
    axis.legend(frameon=False, fontsize=8)
