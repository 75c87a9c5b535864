"""Figures of a study: for each family, a panel for each model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.study.data import AXES
from benchmarks.study.models import CONTENDERS
from benchmarks.study.published import published_curve, published_name

if TYPE_CHECKING:
    from benchmarks.study.report import Result

__all__ = ["draw_family"]

OURS, TWIN, REFERENCE = "#1f5fa8", "#d07b1c", "0.6"
COLUMNS = 4


def draw_family(results: Sequence[Result], path: Path) -> None:
    """Draw the test accuracy of each model against the size of the data set, beside all published ones.

    Parameters
    ----------
    results : sequence of Result
        All of one family.
    path : path of the PNG file
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    models = [model for model in CONTENDERS if any(r.model == model for r in results)]
    rows = -(-len(models) // COLUMNS)
    figure = Figure(figsize=(3.1 * COLUMNS, 2.3 * rows + 0.7), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    family = results[0].family
    reference = [r for r in results if r.model == "SVC"]
    for axis, model in zip(axes, models, strict=False):
        axis.set_title(model, fontsize=10)
        axis.axhline(0.5, color="0.85", linewidth=0.8)
        if model != "SVC":
            axis.plot(*_line(reference), color=REFERENCE, linewidth=2.5, alpha=0.6)
        for entangled, color, marker in ((False, TWIN, "s"), (True, OURS, "o")):
            group = [r for r in results if r.model == model and r.entangled == entangled]
            axis.plot(*published_curve(family, published_name(model, entangled)), "--", color=color, linewidth=1.2)
            sizes, scores = _line(group)
            axis.errorbar(sizes, scores, [r.deviation for r in group], fmt=f"-{marker}", color=color, ms=4, capsize=2)
        axis.grid(alpha=0.3)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axis in axes[len(models) :]:
        axis.set_axis_off()
    figure.supxlabel(AXES[family])
    figure.supylabel("test accuracy")
    figure.suptitle(
        f"{family}: here (blue), without entanglement (orange), published (dashed), SVC tuned here (grey)", fontsize=11
    )
    figure.savefig(path, dpi=90)


def _line(results: Sequence[Result]) -> tuple[list[int], list[float]]:
    return [r.size for r in results], [r.test for r in results]
