"""Pictures of a model as a function of its weights or of a feature."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.models.quantum_model import QuantumModel
from qml.plots.canvas import COLORS, ORANGE, fitted_model, label, new_figure, save

__all__ = ["plot_fourier_spectrum", "plot_loss_landscape"]


def plot_loss_landscape(
    model: Any,
    X: ArrayLike,
    y: ArrayLike,
    path: str | PathLike[str] | None = None,
    *,
    span: float = np.pi,
    resolution: int = 25,
    random_state: int | None = 0,
) -> Any:
    """Draw the training loss in the plane of two random orthogonal directions through the weights of an estimator.

    Each direction has, on average, length 1 in every weight, so that a distance of pi turns angles by about pi.

    Parameters
    ----------
    model : fitted estimator that is trained step by step
    X : array-like, shape (n_samples, n_features)
    y : array-like, shape (n_samples,)
    path : path of a PNG file, optional
    span : float
        Largest distance from the weights in each direction.
    resolution : int
        Points in each direction; the loss is computed at their square.
    random_state : int or None
        Seed for the directions.

    Returns
    -------
    matplotlib Figure

    References
    ----------
    Li et al., arXiv:1712.09913.
    """
    estimator = fitted_model(
        model, "loss_history_", "plot_loss_landscape draws estimators that are trained step by step"
    )
    weights = estimator.weights_
    if len(weights) < 2:
        raise ValueError(f"a plane of weights needs at least 2 of them, {type(estimator).__name__} has {len(weights)}")
    directions = np.linalg.qr(np.random.default_rng(random_state).normal(size=(len(weights), 2)))[0].T
    directions = directions * np.sqrt(len(weights))
    places = np.linspace(-span, span, resolution)
    points = [weights + a * directions[0] + b * directions[1] for b in places for a in places]
    losses = estimator.losses_at(X, y, np.array(points)).reshape(resolution, resolution)
    figure = new_figure(5.8, 4.8)
    axis = figure.subplots()
    image = axis.contourf(places, places, losses, levels=24, cmap="cividis")
    axis.contour(places, places, losses, levels=12, colors="white", linewidths=0.4, alpha=0.6)
    axis.plot(0, 0, marker="*", markersize=14, color=ORANGE, markeredgecolor="white", linestyle="", label="weights")
    axis.set_xlabel("distance along the first direction")
    axis.set_ylabel("distance along the second direction")
    axis.set_title(f"Loss landscape of {type(estimator).__name__}")
    axis.legend(loc="upper right")
    figure.colorbar(image, ax=axis, label="training loss")
    save(figure, [], path)
    return figure


def plot_fourier_spectrum(
    model: QuantumModel,
    weights: ArrayLike,
    path: str | PathLike[str] | None = None,
    *,
    feature: int = 0,
    at: ArrayLike | None = None,
    max_frequency: int = 16,
) -> Any:
    """Draw the sizes of the Fourier coefficients of a model's outputs in one feature.

    The outputs of a circuit whose generators have integer gaps are trigonometric polynomials of integer frequencies.

    Parameters
    ----------
    model : QuantumModel
        Model whose inputs are the features, in radians.
    weights : array-like, shape (n_weights,), radians
    path : path of a PNG file, optional
    feature : int
        Feature that varies.
    at : array-like, shape (n_features,), optional
        Values of the other features, 0 by default.
    max_frequency : int
        Largest frequency that is drawn.

    Returns
    -------
    matplotlib Figure

    References
    ----------
    Schuld, Sweke and Meyer, arXiv:2008.08605.
    """
    sizes = fourier_sizes(model, weights, feature, at, max_frequency)
    figure = new_figure(6.4, 3.8)
    axis = figure.subplots()
    names = model.output_names[: len(COLORS)]
    width = 0.8 / len(names)
    for number, name in enumerate(names):
        places = np.arange(max_frequency + 1) + (number - (len(names) - 1) / 2) * width
        axis.bar(places, sizes[number], width, color=COLORS[number], label=label(name, 24))
    axis.set_xlabel(f"frequency in feature {feature}")
    axis.set_ylabel("size of the coefficient")
    axis.set_title("Fourier spectrum")
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.legend(
        frameon=False, title=None if len(names) == model.num_outputs else f"first of {model.num_outputs} outputs"
    )
    save(figure, [axis], path)
    return figure


def fourier_sizes(
    model: QuantumModel, weights: ArrayLike, feature: int, at: ArrayLike | None, max_frequency: int
) -> NDArray[np.float64]:
    """Compute ``|c_k|`` of ``sum_k c_k exp(i k x)`` for k from 0 to ``max_frequency``, shape (n_outputs, ...)."""
    if not 0 <= feature < model.num_features:
        raise ValueError(f"feature must be one of 0 to {model.num_features - 1}, got {feature}")
    num_points = 4 * (max_frequency + 1)
    X = np.tile(np.zeros(model.num_features) if at is None else np.asarray(at, float), (num_points, 1))
    X[:, feature] = 2 * np.pi * np.arange(num_points) / num_points
    coefficients = np.fft.rfft(model.forward(X, weights), axis=0)[: max_frequency + 1] / num_points
    return np.abs(coefficients).T
