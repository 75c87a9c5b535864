"""Tables of the target of each model and family: a mean test accuracy within 0.02 of the published one, or better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.study.data import AXES
from benchmarks.study.markdown import markdown

if TYPE_CHECKING:
    from benchmarks.study.report import Result

__all__ = ["TOLERANCE", "shortfalls_of_families", "shortfalls_of_sizes"]

TOLERANCE = 0.02
"""Largest difference to a published mean accuracy at which the target is met."""

TEST_ROWS = {"mnist_pca": 1902, "mnist_pca-": 250}
"""Number of test rows of a family, for the standard error of a score; 60 for the synthetic ones."""


def shortfalls_of_families(results: Sequence[Result]) -> str:
    """Return a row for each model: its mean difference to the published accuracy in each family, and the verdict.

    A difference is over the sizes that were published; one below ``-TOLERANCE`` is bold.
    """
    compared = [r for r in results if r.published is not None]
    families = [family for family in AXES if any(r.family == family for r in compared)]
    rows = []
    for title in dict.fromkeys(r.title for r in compared):
        differences = [_difference([r for r in compared if (r.title, r.family) == (title, f)]) for f in families]
        known = [value for value in differences if value is not None]
        met = sum(_is_met(value) for value in known)
        shown = ["" if d is None else f"{d:+.3f}" if _is_met(d) else f"**{d:+.3f}**" for d in differences]
        rows.append([title, *shown, f"{met} of {len(known)}"])
    return markdown(["model", *families, "met"], rows)


def shortfalls_of_sizes(results: Sequence[Result]) -> str:
    """Return a row for each cell whose accuracy is more than ``TOLERANCE`` below the published one, worst first.

    The last two columns say what the difference may come from: its size in standard errors of a score of the test rows,
    and whether the training rows are fitted as well as in the published run.
    """
    below = [r for r in results if r.published is not None and not _is_met(r.test - r.published)]
    rows = []
    for r in sorted(below, key=lambda r: r.test - (r.published or 0.0)):
        assert r.published is not None
        count = TEST_ROWS.get(r.family, 60)
        deviation = math.sqrt(max(r.published * (1 - r.published), 1 / count) / count)
        train = f"{r.train:.3f}" if r.published_train is None else f"{r.train:.3f} ({r.published_train:.3f})"
        difference = r.test - r.published
        scores = [f"{r.test:.3f}", f"{r.published:.3f}", f"{difference:+.3f}", f"{-difference / deviation:.1f}", train]
        rows.append([f"{r.family} {r.size}", r.title, *scores])
    header = [
        "data set",
        "model",
        "here",
        "published",
        "difference",
        "standard errors",
        "training accuracy (published)",
    ]
    return markdown(header, rows) if rows else "None."


def _difference(results: Sequence[Result]) -> float | None:
    if not results:
        return None
    return float(np.mean([r.test - r.published for r in results if r.published is not None]))


def _is_met(difference: float) -> bool:
    return difference >= -TOLERANCE - 1e-9  # published accuracies have four digits
