"""Tables of a comparison, as blocks of a report."""

from __future__ import annotations

import numpy as np

from qml.assessment.report import Block, Grid, Items, Paragraph, number
from qml.honesty.results import Difference, Results
from qml.honesty.statistics import deviation
from qml.honesty.verdict import verdict

__all__ = ["comparison_blocks"]


def comparison_blocks(comparison: Results) -> list[Block]:
    """Return the table of scores, the table of differences, the verdict, and what is missing."""
    blocks: list[Block] = [_scores(comparison), _differences(comparison), Paragraph(verdict(comparison))]
    if comparison.missing:
        blocks.append(Items(tuple(f"not compared: {name} ({why})" for name, why in comparison.missing.items())))
    return blocks


def _scores(comparison: Results) -> Grid:
    metrics = comparison.metrics
    if comparison.num_splits == 1:
        where = f"on {len(comparison.truth[0])} test rows"
    else:
        where = f"mean of {comparison.num_splits} splits"
    rows = []
    for model in comparison.models:
        cells = [number(comparison.mean(model, name)) for name in metrics.names]
        if comparison.num_splits > 1:
            cells[0] += f" ± {number(deviation(model.scores[metrics.primary]))}"
        rows.append((model.name, *cells, number(float(model.train_scores.mean())), f"{model.seconds.mean():.2f}"))
    return Grid((where, *metrics.names, f"training {metrics.primary}", "seconds"), tuple(rows))


def _differences(comparison: Results) -> Grid:
    header: tuple[str, ...] = (
        "quantum model minus",
        "difference",
        "95 % interval",
        "effect d",
        "p, t-test",
        f"p, {comparison.metrics.rows_test_name}",
    )
    if comparison.num_splits > 1:
        header += ("wins",)
    return Grid(header, tuple(_difference(comparison, difference) for difference in comparison.differences))


def _difference(comparison: Results, difference: Difference) -> tuple[str, ...]:
    test = difference.test
    low, high = (f"{bound:+.3f}" for bound in test.interval)
    cells = (
        difference.name,
        f"{test.mean:+.3f}",
        f"{low} to {high}" if np.isfinite(test.error) else "unknown",
        f"{test.effect:+.2f}" if np.isfinite(test.effect) else "-",
        f"{difference.p_value:.3g}",
        f"{difference.rows_p_value:.3g}",
    )
    return (*cells, f"{difference.wins:.0%}") if comparison.num_splits > 1 else cells
