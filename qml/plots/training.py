"""Pictures of a training run, as PNG files."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.plots.canvas import BLUE, DOTS_PER_INCH, GREY, ORANGE, label, new_figure, save
from simulator.circuit import Circuit

__all__ = ["plot_circuit", "plot_comparison", "plot_confusion", "plot_predictions", "plot_training"]


def plot_training(
    losses: ArrayLike,
    validation_scores: ArrayLike | None,
    path: str | PathLike[str],
    *,
    score_name: str = "score (minus loss)",
    best_epoch: int | None = None,
) -> None:
    """Draw the training loss, and under it the validation score, over the epochs.

    Parameters
    ----------
    losses : array-like, shape (n_epochs,)
    validation_scores : array-like, shape (n_epochs,), or None
    path : path of a PNG file
    score_name : str
    best_epoch : int, optional
        Counted from 1; marked as the epoch whose weights were kept.
    """
    losses = np.asarray(losses, dtype=float)
    panels = 1 if validation_scores is None else 2
    figure = new_figure(6.4, 2.4 + 2.0 * panels)
    axes = figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0]
    epochs = np.arange(1, len(losses) + 1)
    marker = "o" if len(losses) < 3 else None
    axes[0].plot(epochs, losses, color=BLUE, marker=marker)
    axes[0].set_ylabel("training loss")
    axes[0].set_ylim(bottom=0 if losses.min(initial=0) >= 0 else None)
    if validation_scores is not None:
        axes[1].plot(epochs, np.asarray(validation_scores), color=ORANGE, marker=marker)
        axes[1].set_ylabel(f"validation {label(score_name, 30)}")
    if best_epoch is not None:
        for row, axis in enumerate(axes):
            axis.axvline(best_epoch, color=GREY, linestyle=":", label=f"epoch {best_epoch} kept" if row == 0 else None)
        axes[0].legend(frameon=False)
    axes[-1].set_xlabel("epoch")
    axes[-1].xaxis.get_major_locator().set_params(integer=True)
    save(figure, axes, path)


def plot_confusion(matrix: NDArray[np.int64], labels: Sequence[object], path: str | PathLike[str]) -> None:
    """Draw a confusion matrix: counts as numbers, and the share of each true class as shade.

    Parameters
    ----------
    matrix : int ndarray, shape (n_classes, n_classes)
        Rows are true classes.
    labels : sequence, length n_classes
    path : path of a PNG file
    """
    n_classes = len(labels)
    side = 2.6 + 0.42 * max(n_classes, 3)
    figure = new_figure(side + 0.8, side)
    axis = figure.subplots()
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    image = axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(matrix.shape):
        if matrix[row, column]:
            color = "white" if shares[row, column] > 0.5 else "black"
            axis.text(column, row, str(matrix[row, column]), ha="center", va="center", color=color, fontsize=9)
    names = [label(name) for name in labels]
    axis.set_xticks(range(n_classes), names, rotation=45 if n_classes * max(map(len, names)) > 24 else 0)
    axis.set_yticks(range(n_classes), names)
    axis.set_xlabel("predicted class")
    axis.set_ylabel("true class")
    figure.colorbar(image, ax=axis, label="share of the true class", fraction=0.046)
    save(figure, [], path)


def plot_predictions(truth: ArrayLike, predicted: ArrayLike, name: str, path: str | PathLike[str]) -> None:
    """Draw predicted against true values of a regression's target.

    Parameters
    ----------
    truth, predicted : array-like, shape (n_test,)
    name : str
        Name of the target.
    path : path of a PNG file
    """
    figure = new_figure(5.2, 5.0)
    axis = figure.subplots()
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    ends = [min(truth.min(), predicted.min()), max(truth.max(), predicted.max())]
    axis.plot(ends, ends, color=GREY, linestyle=":", label="perfect")
    axis.plot(truth, predicted, "o", color=BLUE, alpha=0.5, markersize=4, markeredgewidth=0)
    axis.set_xlabel(f"true {label(name, 30)}")
    axis.set_ylabel(f"predicted {label(name, 30)}")
    axis.set_aspect("equal")
    axis.legend(frameon=False)
    save(figure, [axis], path)


def plot_comparison(
    names: Sequence[str],
    test_scores: Sequence[float],
    errors: Sequence[float],
    train_scores: Sequence[float],
    score_name: str,
    path: str | PathLike[str],
) -> None:
    """Draw each model's test score with its standard error, and its training score.

    Parameters
    ----------
    names : sequence of str
        The first is drawn in another colour than the rest.
    test_scores, errors, train_scores : sequences of float
    score_name : str
    path : path of a PNG file
    """
    figure = new_figure(6.4, 1.4 + 0.5 * len(names))
    axis = figure.subplots()
    for row, (score, error, train) in enumerate(zip(test_scores, errors, train_scores, strict=True)):
        color = BLUE if row == 0 else ORANGE
        axis.errorbar(score, row, xerr=error, fmt="o", color=color, capsize=3)
        axis.plot(train, row, "o", color=color, fillstyle="none")
        axis.annotate(f"{score:.3f}", (score, row), (0, 6), textcoords="offset points", ha="center", fontsize=9)
    axis.errorbar([], [], xerr=[], fmt="o", color=GREY, capsize=3, label="test rows, ± standard error")
    axis.plot([], [], "o", color=GREY, fillstyle="none", label="training rows")
    axis.set_yticks(range(len(names)), [label(name, 40) for name in names])
    axis.set_ylim(len(names) - 0.5, -0.7)
    axis.set_xlabel(label(score_name, 40))
    axis.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    save(figure, [axis], path)


def plot_circuit(circuit: Circuit, path: str | PathLike[str]) -> None:
    """Draw a circuit with Qiskit's drawer.

    Parameters
    ----------
    circuit : Circuit
    path : path of a PNG file
    """
    figure = circuit.draw("mpl", fold=24, scale=0.6)
    figure.savefig(path, dpi=DOTS_PER_INCH, bbox_inches="tight")
