"""Pictures of a training run. Each function returns the figure, and writes a PNG file if it is given a path."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from qml.plots.canvas import BLUE, GREY, ORANGE, fitted_model, label, new_figure, save

__all__ = ["draw_predictions", "draw_training", "plot_predictions", "plot_training"]


def plot_training(model: Any, path: str | PathLike[str] | None = None) -> Any:
    """Draw the training loss of a fitted estimator over the epochs, and under it the validation score.

    Parameters
    ----------
    model : estimator with ``loss_history_``, or a pipeline that ends in one
    path : path of a PNG file, optional

    Returns
    -------
    matplotlib Figure
    """
    estimator = fitted_model(model, "loss_history_", "plot_training draws estimators that are trained step by step")
    return draw_training(
        estimator.loss_history_,
        estimator.validation_scores_,
        path,
        best_epoch=estimator.best_epoch_,
        title=f"Training of {type(estimator).__name__}",
    )


def draw_training(
    losses: ArrayLike,
    validation_scores: ArrayLike | None,
    path: str | PathLike[str] | None = None,
    *,
    score_name: str = "score (minus loss)",
    best_epoch: int | None = None,
    title: str = "Training",
) -> Any:
    """Draw the training loss, and under it the validation score, over the epochs.

    Parameters
    ----------
    losses : array-like, shape (n_epochs,)
    validation_scores : array-like, shape (n_epochs,), or None
    path : path of a PNG file, optional
    score_name : str
    best_epoch : int, optional
        Counted from 1; marked as the epoch whose weights were kept.
    title : str
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
    figure.suptitle(label(title, 60))
    save(figure, axes, path)
    return figure


def plot_predictions(
    model: Any, X: ArrayLike, y: ArrayLike, path: str | PathLike[str] | None = None, *, name: str = "y"
) -> Any:
    """Draw a regressor's predictions over the true values.

    Parameters
    ----------
    model : fitted regressor
    X : array-like, shape (n_samples, n_features)
    y : array-like, shape (n_samples,)
    path : path of a PNG file, optional
    name : str
        Name of the target.

    Returns
    -------
    matplotlib Figure
    """
    return draw_predictions(y, model.predict(X), name, path)


def draw_predictions(truth: ArrayLike, predicted: ArrayLike, name: str, path: str | PathLike[str] | None = None) -> Any:
    """Draw predicted against true values of a regression's target.

    Parameters
    ----------
    truth, predicted : array-like, shape (n_test,)
    name : str
        Name of the target.
    path : path of a PNG file, optional
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
    axis.set_title("Predictions")
    save(figure, [axis], path)
    return figure
