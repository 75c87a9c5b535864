"""What a study consists of: data sets, grids, folds, seeds; and the cells that follow from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any

from benchmarks.study.data import SYNTHETIC, sizes
from benchmarks.study.models import CONTENDERS, Grid
from qml.losses import CrossEntropy

__all__ = ["SETTINGS", "Cell", "Setting", "cells", "identity"]

REVISION = 2
"""Revision of the protocol; a study does not continue one with another."""

ALL = tuple(range(2, 21))


@dataclass(frozen=True, order=True)
class Cell:
    """The unit of a study: one model on one data set."""

    family: str
    size: int
    model: str
    entangled: bool = True

    @property
    def title(self) -> str:
        """Name for tables."""
        return self.model if self.entangled else f"{self.model}, no entanglement"

    def __str__(self) -> str:
        return f"{self.family} {self.size}, {self.title}"


@dataclass(frozen=True)
class Setting:
    """Settings of a study.

    Parameters
    ----------
    sizes : mapping from families to sizes
        In the order in which they are run.
    models : tuple of str
    short : bool
        Whether the short grids are searched.
    folds : int
        Number of folds of the search.
    seeds : int
        Number of fits with the best setting, with seeds 0, 1, ...
    epochs : int
        Epochs for 240 training rows; on more rows there are as many steps.
    grids : mapping from models to grids
        Grids in place of those of `CONTENDERS`.
    """

    sizes: Mapping[str, tuple[int, ...]]
    models: tuple[str, ...] = tuple(CONTENDERS)
    short: bool = False
    folds: int = 5
    seeds: int = 5
    epochs: int = 100
    grids: Mapping[str, Grid] = field(default_factory=dict)

    def grid(self, model: str) -> Grid:
        """Return the grid of a model."""
        if model in self.grids:
            return self.grids[model]
        return CONTENDERS[model].short_grid if self.short else CONTENDERS[model].grid


DIMENSIONS = ("linearly_separable", "hidden_manifold", "two_curves")

SETTINGS: Mapping[str, Setting] = {
    "small": Setting(
        {family: (10, 4) if family in DIMENSIONS else (16, 4) for family in SYNTHETIC}
        | {"mnist_pca-": (10,), "digits": (10,)},
        short=True,
        folds=3,
        epochs=50,
    ),
    "full": Setting(
        dict.fromkeys(SYNTHETIC, ALL) | {"mnist_pca-": ALL, "mnist_pca": ALL, "digits": (2, 10, 20)},
    ),
    "hard": Setting(
        {"linearly_separable": tuple(range(11, 21)), "two_curves_diff": tuple(range(16, 21)), "mnist_pca": (20,)},
        models=("re-uploading", "SVC", "MLP"),
        epochs=400,
        grids={
            "re-uploading": {
                "n_qubits": [6],
                "batch_size": [240],
                "weight_decay": [0.0],
                "learning_rate": [0.01, 0.05],
                "n_layers": [1, 6],
                "loss": ["cross_entropy", CrossEntropy(label_smoothing=0.2)],
            }
        },
    ),
}
"""Settings by name. ``"hard"`` are the splits on which the published training of re-uploading failed; its candidates of
re-uploading were chosen on other draws of these families."""


def cells(setting: Setting, mnist: str | None = None) -> Iterator[Cell]:
    """Return the cells of a study in the order in which they are run: families take turns.

    Families whose data are missing are left out.
    """
    depth = max(map(len, setting.sizes.values()))
    for k in range(depth):
        for family, chosen in setting.sizes.items():
            available = [size for size in chosen if size in sizes(family, mnist)]
            if k >= len(available):
                continue
            for model in setting.models:
                contender = CONTENDERS[model]
                if family == "mnist_pca" and contender.max_rows is not None:
                    continue
                yield Cell(family, available[k], model)
                if contender.twin:
                    yield Cell(family, available[k], model, entangled=False)


def identity(setting: Setting) -> dict[str, Any]:
    """Return what two runs must have in common to share a folder, as JSON values."""
    described = asdict(setting) | {"sizes": {family: list(chosen) for family, chosen in setting.sizes.items()}}
    del described["grids"]  # all grids follow
    grids = {
        model: {name: [repr(value) for value in values] for name, values in setting.grid(model).items()}
        for model in setting.models
    }
    estimators = {model: repr(CONTENDERS[model].make(10)) for model in setting.models}
    versions = {name: version(name) for name in ("qumba", "numpy", "scikit-learn")}
    described |= {"models": estimators, "grids": grids}
    return {"revision": REVISION, "setting": described} | versions
