"""Stored scores and times of the published study, in `published.csv`.

The file's columns: family, size, model (the name of its class there), mean training and test accuracy of the seeds with
the best grid point, `corrected` (below), the standard deviation of the test accuracy over seeds, the number of fits of
the search, and the mean seconds per fit (192 rows in the synthetic families; the hardware is not recorded).

`corrected`: in "two curves, difference", the stored test accuracy of three models is that of the training rows: it
equals the training accuracy for each seed, and is not always a multiple of 1/60, as a score of 60 rows is. For the SVC
(degrees 16 to 20) the true value was found by fitting it with its stored settings on the same rows, which reproduces
its training accuracy there and both scores in the 109 other synthetic data sets. For the MLP (degrees 13 to 20) and
the separable variational model (all degrees) it is "unknown", and they are not compared there.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from benchmarks.study.models import CONTENDERS

__all__ = ["Published", "published", "published_curve", "published_name"]


@dataclass(frozen=True)
class Published:
    """Stored result of a model on a data set; None where it is not known."""

    test: float | None
    stored: float
    train: float
    seconds: float | None


def published(family: str, size: int, name: str | None) -> Published | None:
    """Return the stored result of a published model, or None if there is none."""
    return None if name is None else _table().get((family, size, name))


def published_name(model: str, entangled: bool) -> str | None:
    """Return the name of the published model that a model of this study is compared with."""
    contender = CONTENDERS[model]
    return contender.published if entangled else contender.published_twin


def published_curve(family: str, name: str | None) -> tuple[list[int], list[float]]:
    """Return the sizes and test accuracies of a published model in a family, where they are known."""
    known = {size: row.test for (of, size, model), row in _table().items() if (of, model) == (family, name)}
    curve = sorted((size, test) for size, test in known.items() if test is not None)
    return [size for size, _ in curve], [test for _, test in curve]


@cache
def _table() -> Mapping[tuple[str, int, str], Published]:
    lines = files("benchmarks.study").joinpath("published.csv").read_text().splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return {(row["family"], int(row["size"]), row["model"]): _entry(row) for row in rows}


def _entry(row: Mapping[str, str]) -> Published:
    stored = float(row["test"])
    known = {"": stored, "unknown": None}
    test = known[row["corrected"]] if row["corrected"] in known else float(row["corrected"])
    return Published(test, stored, float(row["train"]), float(row["seconds"]) if row["seconds"] else None)
