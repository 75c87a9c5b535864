"""Pictures of kernels. Each function returns the figure, and writes a PNG file if it is given a path."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from qml.assessment.kernels import Concentration, spectrum
from qml.kernels.kernel import Kernel
from qml.plots.canvas import COLORS, GREY, label, new_figure, save

__all__ = ["plot_concentration", "plot_kernel_matrix", "plot_spectrum"]

SMALLEST_SHARE = 1e-16
"""Smallest eigenvalue drawn: smaller ones are rounding errors."""


def plot_kernel_matrix(
    K: Kernel | ArrayLike,
    y: ArrayLike | None = None,
    path: str | PathLike[str] | None = None,
    *,
    X: ArrayLike | None = None,
    title: str = "",
) -> Any:
    """Draw a Gram matrix, its samples sorted by class: a kernel that fits the labels shows blocks on the diagonal.

    Parameters
    ----------
    K : array-like, shape (n, n), or Kernel
        Gram matrix, or a kernel together with ``X``; an unfitted kernel is fitted to X and y first.
    y : array-like, shape (n,), optional
        Classes. Numbers of a regression are sorted by size.
    path : path of a PNG file, optional
    X : array-like, shape (n, n_features), optional
        Samples of which the kernel's matrix is drawn.
    title : str

    Returns
    -------
    matplotlib Figure
    """
    title = title or (f"Gram matrix of {type(K).__name__}" if isinstance(K, Kernel) else "Gram matrix")
    matrix = _gram(K, X, y)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"K must be a square Gram matrix, got shape {matrix.shape}")
    figure = new_figure(5.4, 4.6)
    axis = figure.subplots()
    if y is not None:
        labels = np.asarray(y)
        if labels.shape != (len(matrix),):
            raise ValueError(f"y must have one label per sample, shape ({len(matrix)},), got {labels.shape}")
        order = np.argsort(labels, kind="stable")
        matrix = matrix[np.ix_(order, order)]
    image = axis.imshow(matrix, cmap="cividis", vmin=min(0.0, matrix.min()), vmax=max(1.0, matrix.max()))
    if y is not None:
        _mark_classes(axis, labels[order])
    axis.set_title(label(title, 60))
    figure.colorbar(image, ax=axis, label="kernel", fraction=0.046)
    save(figure, [], path)
    return figure


def plot_spectrum(
    matrices: Mapping[str, ArrayLike | Kernel] | Kernel | ArrayLike,
    path: str | PathLike[str] | None = None,
    *,
    X: ArrayLike | None = None,
) -> Any:
    """Draw the eigenvalues of Gram matrices as shares of their trace, the identity's beside them.

    Parameters
    ----------
    matrices : array-like, shape (n, n), or Kernel, or mapping from str to these
        Gram matrices by name; kernels need ``X``.
    path : path of a PNG file, optional
    X : array-like, shape (n, n_features), optional
        Samples of which the kernels' matrices are drawn.

    Returns
    -------
    matplotlib Figure
    """
    figure = new_figure(6.4, 4.0)
    axis = figure.subplots()
    if not isinstance(matrices, Mapping):
        matrices = {type(matrices).__name__ if isinstance(matrices, Kernel) else "Gram matrix": matrices}
    for number, (name, matrix) in enumerate(matrices.items()):
        shares = spectrum(_gram(matrix, X))
        shares = shares / shares.sum()
        shown = shares[shares > SMALLEST_SHARE]
        axis.plot(np.arange(1, len(shown) + 1), shown, color=COLORS[number % len(COLORS)], label=label(name, 30))
        if number == 0:
            axis.axhline(1 / len(shares), color=GREY, linestyle=":", label="identity")
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel("number of the eigenvalue")
    axis.set_ylabel("share of the trace")
    axis.set_title("Eigenvalues of the Gram matrix")
    axis.legend(frameon=False)
    save(figure, [axis], path)
    return figure


def plot_concentration(results: Mapping[str, Concentration], path: str | PathLike[str] | None = None) -> Any:
    """Draw the deviation of a kernel's entries over the number of features, on a logarithmic scale.

    A straight line downwards is exponential concentration: the matrix decays to the identity.

    Parameters
    ----------
    results : mapping from str to Concentration
        Results of `qml.assessment.kernels.concentration`, by name.
    path : path of a PNG file, optional

    Returns
    -------
    matplotlib Figure
    """
    figure = new_figure(6.4, 4.0)
    axis = figure.subplots()
    for number, (name, one) in enumerate(results.items()):
        color = COLORS[number % len(COLORS)]
        axis.plot(
            one.num_features, one.deviations, "o-", color=color, label=f"{label(name, 30)} (x {one.decay:.2f} each)"
        )
    axis.set_yscale("log")
    axis.set_xlabel("features")
    axis.set_ylabel("deviation of the entries off the diagonal")
    axis.set_title("Concentration of the kernel")
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.legend(frameon=False)
    save(figure, [axis], path)
    return figure


def _gram(K: Kernel | ArrayLike, X: ArrayLike | None, y: ArrayLike | None = None) -> Any:
    """Return a Gram matrix: the array itself, or a kernel's on the samples."""
    if not isinstance(K, Kernel):
        return np.asarray(K, float)
    if X is None:
        raise ValueError(f"the matrix of a kernel is one of samples: pass X=... with {type(K).__name__}")
    kernel = K if hasattr(K, "n_features_in_") else clone(K).fit(X, y)
    return np.asarray(kernel(X), float)


def _mark_classes(axis: Any, labels: Any) -> None:
    """Draw ticks in the middle of each class of sorted labels, and lines between classes, unless there are too many."""
    classes, first, count = np.unique(labels, return_index=True, return_counts=True)
    if len(classes) > 20:
        axis.set_xlabel("samples, in the order of y")
        return
    middles = first + (count - 1) / 2
    names = [label(name) for name in classes]
    axis.set_xticks(middles, names, rotation=45 if sum(map(len, names)) > 30 else 0)
    axis.set_yticks(middles, names, rotation=90, va="center")
    for edge in first[1:]:
        axis.axhline(edge - 0.5, color="white", linewidth=0.8)
        axis.axvline(edge - 0.5, color="white", linewidth=0.8)
    axis.set_xlabel("samples, sorted by class")
