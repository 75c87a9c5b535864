"""Common parts of all plots: colours, figures without a window, PNG files; matplotlib is imported on use."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

from qml.text import mathtext, one_line

__all__ = [
    "BLUE",
    "COLORS",
    "DOTS_PER_INCH",
    "GREY",
    "ORANGE",
    "fitted_model",
    "label",
    "model_name",
    "new_figure",
    "save",
]

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#666666"
COLORS = (BLUE, ORANGE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Of the palette of Okabe and Ito, told apart by all common kinds of colour vision."""

DOTS_PER_INCH = 150


def new_figure(width: float, height: float) -> Any:
    """Create a figure of a given size in inches."""
    from matplotlib.figure import Figure  # not pyplot: no window, no global state, any thread

    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Any, axes: Sequence[Any], path: str | PathLike[str] | None) -> None:
    """Take the upper and right edge from the axes, give them a grid, and write the file, if there is a path."""
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25)
    if path is not None:
        figure.savefig(path, dpi=DOTS_PER_INCH)


def label(name: object, limit: int = 14) -> str:
    """Prepare text for a picture: cut it to at most ``limit`` characters, and escape formulas."""
    text = one_line(name)
    return mathtext(text if len(text) <= limit else text[: limit - 1] + "…")


def fitted_model(model: Any, attribute: str, purpose: str) -> Any:
    """Return the estimator with a learnt attribute: the model itself, or the last step of a pipeline.

    Raises
    ------
    TypeError
        If it has no such attribute; the message starts with ``purpose``.
    """
    estimator = model.steps[-1][1] if hasattr(model, "steps") else model
    if not hasattr(estimator, attribute):
        raise TypeError(f"{purpose}, after fit, which learns {attribute}; got {one_line(repr(model))}")
    return estimator


def model_name(model: Any) -> str:
    """Return the class of a model, of a pipeline that of its last step."""
    return type(model.steps[-1][1] if hasattr(model, "steps") else model).__name__
