"""Pictures of a classifier: confusion, calibration, decision regions.

Each function returns the figure, and writes a PNG file if it is given a path.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.plots.canvas import BLUE, COLORS, GREY, label, model_name, new_figure, save

__all__ = ["draw_confusion", "plot_calibration", "plot_confusion", "plot_decision_boundary"]

MARKERS = "os^Dv<>P*X"
"""One for each class, so that classes differ by more than colour."""


def plot_confusion(model: Any, X: ArrayLike, y: ArrayLike, path: str | PathLike[str] | None = None) -> Any:
    """Draw the confusion matrix of a classifier: counts as numbers, and the share of each true class as shade.

    Parameters
    ----------
    model : fitted classifier
    X : array-like, shape (n_samples, n_features)
    y : array-like, shape (n_samples,)
        True classes.
    path : path of a PNG file, optional

    Returns
    -------
    matplotlib Figure
    """
    from sklearn.metrics import confusion_matrix

    predictions = model.predict(X)
    labels = np.union1d(np.asarray(y), predictions)
    return draw_confusion(confusion_matrix(y, predictions, labels=labels), labels.tolist(), path)


def draw_confusion(matrix: NDArray[np.int64], labels: Sequence[object], path: str | PathLike[str] | None = None) -> Any:
    """Draw a confusion matrix: counts as numbers, and the share of each true class as shade.

    Parameters
    ----------
    matrix : int ndarray, shape (n_classes, n_classes)
        Rows are true classes.
    labels : sequence, length n_classes
    path : path of a PNG file, optional
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
    axis.set_title("Confusion matrix")
    save(figure, [], path)
    return figure


def plot_calibration(
    model: Any, X: ArrayLike, y: ArrayLike, path: str | PathLike[str] | None = None, *, n_bins: int = 10
) -> Any:
    """Draw how often the predicted class is right, over the probability that the classifier gives it.

    Points on the diagonal are calibrated, points below it overconfident. Each bin holds as many samples.

    Parameters
    ----------
    model : fitted classifier with ``predict_proba``
    X : array-like, shape (n_samples, n_features)
    y : array-like, shape (n_samples,)
    path : path of a PNG file, optional
    n_bins : int
        Maximum number of bins.

    Returns
    -------
    matplotlib Figure
    """
    probabilities = np.asarray(model.predict_proba(X), float)
    confidence = probabilities.max(axis=1)
    correct = np.asarray(model.classes_)[probabilities.argmax(axis=1)] == np.asarray(y)
    bins = [part for part in np.array_split(np.argsort(confidence, kind="stable"), n_bins) if len(part)]
    means, rates = (np.array([values[part].mean() for part in bins]) for values in (confidence, correct))
    errors = np.sqrt(rates * (1 - rates) / [len(part) for part in bins])
    figure = new_figure(5.0, 5.4)
    axis, histogram = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    start = 1 / probabilities.shape[1]
    axis.plot([start, 1], [start, 1], color=GREY, linestyle=":", label="calibrated")
    axis.errorbar(means, rates, yerr=errors, fmt="o-", color=BLUE, capsize=3, label="samples, ± standard error")
    axis.set_ylabel("share of correct predictions")
    axis.set_ylim(-0.03, 1.03)
    axis.set_title(f"Calibration of {model_name(model)}")
    axis.legend(frameon=False, loc="lower right")
    histogram.hist(confidence, bins=20, range=(start, 1), color=BLUE)
    histogram.set_xlabel("probability of the predicted class")
    histogram.set_ylabel("samples")
    save(figure, [axis, histogram], path)
    return figure


def plot_decision_boundary(
    model: Any, X: ArrayLike, y: ArrayLike, path: str | PathLike[str] | None = None, *, resolution: int = 60
) -> Any:
    """Draw the regions in which a classifier predicts each class, with samples in them.

    Of more than two features, the plane of the two leading principal components through the mean is drawn; samples
    are projected onto it, so that they may lie in another region than the one that they are predicted from.

    Parameters
    ----------
    model : fitted classifier
    X : array-like, shape (n_samples, n_features)
        Samples of at least two features.
    y : array-like, shape (n_samples,)
        Their classes.
    path : path of a PNG file, optional
    resolution : int
        Points in each direction at which the classifier predicts.

    Returns
    -------
    matplotlib Figure
    """
    rows, truth = np.asarray(X, float), np.asarray(y)
    names = [str(name) for name in getattr(X, "columns", [f"feature {k}" for k in range(rows.shape[1])])]
    if rows.ndim != 2 or rows.shape[1] < 2:
        raise ValueError(f"X must have shape (n_samples, 2 or more features), got {rows.shape}")
    if rows.shape[1] == 2:
        points, back = rows, None
    else:
        from sklearn.decomposition import PCA

        back = PCA(2).fit(rows)
        points = back.transform(rows)
        names = [f"component {k + 1} ({share:.0%})" for k, share in enumerate(back.explained_variance_ratio_)]
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.08 * np.where(high > low, high - low, 1.0)
    axes = [np.linspace(a, b, resolution) for a, b in zip(low - margin, high + margin, strict=True)]
    grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    inputs = grid if back is None else back.inverse_transform(grid)
    frame: Any = X
    predicted = model.predict(type(frame)(inputs, columns=frame.columns) if hasattr(X, "columns") else inputs)
    classes = np.union1d(truth, predicted)
    from matplotlib.colors import ListedColormap

    palette = [COLORS[k % len(COLORS)] for k in range(len(classes))]
    figure = new_figure(5.8, 4.8)
    axis = figure.subplots()
    regions = np.searchsorted(classes, predicted).reshape(resolution, resolution)
    limits = {"vmin": -0.5, "vmax": len(classes) - 0.5}
    axis.pcolormesh(*axes, regions, cmap=ListedColormap(palette), alpha=0.25, shading="nearest", **limits)
    for number, name in enumerate(classes):
        inside = points[truth == name]
        style = {"color": palette[number], "marker": MARKERS[number % len(MARKERS)]}
        axis.scatter(*inside.T, s=22, edgecolors="white", linewidths=0.5, label=label(name), **style)
    axis.set_xlabel(label(names[0], 30))
    axis.set_ylabel(label(names[1], 30))
    axis.set_title(f"Decision regions of {model_name(model)}")
    axis.legend(title="class", loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    save(figure, [], path)
    return figure
