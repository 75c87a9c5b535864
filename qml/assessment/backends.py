"""Comparison of a trained model on several backends: drift of expectation values, and label flips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from qml.checked_data import validate_data
from qml.estimators.variational.circuit import VariationalEstimator
from qml.models.evaluation import BackendEvaluation
from qml.text import mathtext, one_line
from simulator.backends.trait import Backend
from simulator.display import Preformatted

__all__ = ["BackendComparison", "compare_backends"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class BackendComparison(Preformatted):
    """Results of one model on several backends; the first is the reference.

    Printed as a table; `as_dict` returns the same as data, `plot` draws it.

    Parameters
    ----------
    names : tuple of str
    observables : tuple of str
    values, standard_errors : float ndarray, shape (n_backends, n_samples, n_observables)
        Expectation values, and their shot noise.
    predictions : ndarray, shape (n_backends, n_samples)
        Labels, or predicted targets.
    scores : tuple of float, optional
        Accuracy or R^2, if the targets are known.
    is_classifier : bool
    """

    names: tuple[str, ...]
    observables: tuple[str, ...]
    values: Array
    standard_errors: Array
    predictions: NDArray[Any]
    scores: tuple[float, ...] | None
    is_classifier: bool

    @property
    def drift(self) -> Array:
        """Root mean square difference of each observable from the first backend, (n_backends, n_observables)."""
        return np.sqrt(np.mean((self.values - self.values[0]) ** 2, axis=1))

    @property
    def shot_noise(self) -> Array:
        """Drift explained by shot noise alone, (n_backends, n_observables)."""
        return np.sqrt(np.mean(self.standard_errors**2 + self.standard_errors[0] ** 2, axis=1))

    @property
    def contrast(self) -> Array:
        """Slope of each backend's expectations over the first's, (n_backends,): 1 without noise, 0 if all is lost."""
        reference = self.values[0] - self.values[0].mean(axis=0)
        others = self.values - self.values.mean(axis=1, keepdims=True)
        square = float(np.sum(reference**2))
        if square == 0.0:
            return np.full(len(self.names), np.nan)
        return np.asarray(np.sum(others * reference, axis=(1, 2)) / square)

    @property
    def changed(self) -> Array:
        """Share of flipped labels, or for a regressor the root mean square change of the predictions."""
        if self.is_classifier:
            return np.asarray(np.mean(self.predictions != self.predictions[0], axis=1))
        changes = self.predictions - self.predictions[0]
        # hypot, because squares may overflow
        return np.asarray(np.hypot.reduce(changes, axis=1) / np.sqrt(changes.shape[1]))

    def as_dict(self) -> dict[str, Any]:
        """Return the table as plain data, one entry per backend."""
        return {
            name: {
                "drift": dict(zip(self.observables, self.drift[k].tolist(), strict=True)),
                "shot_noise": dict(zip(self.observables, self.shot_noise[k].tolist(), strict=True)),
                "contrast": float(self.contrast[k]),
                "label_flips" if self.is_classifier else "rms_change": float(self.changed[k]),
                "score": None if self.scores is None else self.scores[k],
            }
            for k, name in enumerate(self.names)
        }

    def __str__(self) -> str:
        names = [one_line(name) for name in self.names]
        width = max(map(len, (*names, "backend")))
        change = "label flips" if self.is_classifier else "rms change"
        score = "accuracy" if self.is_classifier else "R^2"
        head = f"{'backend':<{width}}  {'drift':>7}  {'of it shots':>11}  {'worst':>7}  {'contrast':>8}  {change:>11}"
        lines = [head + (f"  {score:>8}" if self.scores is not None else "")]
        for k, name in enumerate(names):
            drift, noise = self.drift[k], self.shot_noise[k]
            changed = f"{self.changed[k]:>11.1%}" if self.is_classifier else f"{self.changed[k]:>11.4g}"
            line = f"{name:<{width}}  {_rms(drift):>7.4f}  {_rms(noise):>11.4f}  {drift.max():>7.4f}"
            line += f"  {self.contrast[k]:>8.3f}  {changed}"
            lines.append(line + (f"  {self.scores[k]:>8.3f}" if self.scores is not None else ""))
        lines.append("")
        worst = np.argsort(-self.drift.max(axis=0))[:3]
        named = "; ".join(f"{self.observables[k]} by {self.drift[:, k].max():.4f}" for k in worst)
        lines.append(f"observables that drift most: {named}")
        return "\n".join(lines)

    def plot(self, path: str | PathLike[str] | None = None) -> Any:
        """Draw a calibration plot, expectations over the first backend's, and the drift of each observable.

        Parameters
        ----------
        path : path, optional
            Path of the picture; requires the extra ``[plot]``.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from matplotlib.figure import Figure

        figure = Figure(figsize=(11, 4.6), layout="constrained")
        calibration, drifts = figure.subplots(1, 2)
        calibration.plot([-1, 1], [-1, 1], color="0.6", linewidth=1)
        ticks = np.arange(len(self.observables))
        names = [mathtext(name) for name in self.names]
        for k, name in enumerate(names[1:], start=1):
            color = f"C{k - 1}"
            calibration.plot(self.values[0].ravel(), self.values[k].ravel(), ".", markersize=4, alpha=0.5, color=color)
            slope = self.contrast[k]
            middle = self.values[0].mean(), self.values[k].mean()
            ends = np.array([-1.0, 1.0])
            label = f"{name}: contrast {slope:.2f}"
            calibration.plot(ends, middle[1] + slope * (ends - middle[0]), color=color, linewidth=1.5, label=label)
            width = 0.8 / (len(self.names) - 1)
            positions = ticks - 0.4 + width * (k - 0.5)
            drifts.bar(positions, self.drift[k], width, color=color, alpha=0.8, label=name)
            drifts.plot(positions, self.shot_noise[k], "_", color="black", markersize=max(4, 90 / len(ticks) * width))
        calibration.set(
            xlabel=f"expectation on {names[0]}", ylabel="expectation", xlim=(-1.05, 1.05), ylim=(-1.05, 1.05)
        )
        calibration.set_title("Calibration: a flatter line means signal lost to noise", fontsize=10)
        calibration.legend(fontsize=8, loc="upper left")
        drifts.plot([], [], "_", color="black", label="explained by shot noise")
        drifts.set(ylabel="root mean square drift", xticks=ticks)
        drifts.set_xticklabels(self.observables, rotation=90, fontsize=7)
        drifts.set_title("Drift of each observable", fontsize=10)
        drifts.legend(fontsize=8)
        if path is not None:
            figure.savefig(path, dpi=120)
        return figure


def compare_backends(
    model: VariationalEstimator,
    X: ArrayLike,
    backends: Sequence[Backend | str],
    y: ArrayLike | None = None,
    *,
    resume: str | PathLike[str] | None = None,
) -> BackendComparison:
    """Run a trained model on several backends and compare the results.

    Parameters
    ----------
    model : VariationalClassifier or VariationalRegressor
        Fitted model.
    X : array-like, shape (n_samples, n_features)
    backends : sequence of Backend, or "numba" for this engine
        Backends to compare; the first is the reference, where ``"numba"`` gives exact values.
    y : array-like, shape (n_samples,), optional
        True targets, for a comparison of scores.
    resume : path, optional
        Folder in which remote backends store their jobs.

    Returns
    -------
    BackendComparison

    Examples
    --------
    >>> from qml import VariationalClassifier
    >>> from simulator import NoiseModel, NumbaBackend, depolarizing
    >>> X = np.linspace(-1, 1, 20)[:, None]
    >>> model = VariationalClassifier(n_qubits=2, epochs=5, random_state=0).fit(X, X[:, 0] > 0)
    >>> noisy = NumbaBackend(noise=NoiseModel(after_2q=depolarizing(0.1)))
    >>> compared = compare_backends(model, X, ["numba", noisy])
    >>> bool(compared.contrast[1] < 0.9)
    True
    """
    check_is_fitted(model, "weights_")
    if len(backends) < 2:
        raise ValueError(f"a comparison needs at least two backends, got {len(backends)}")
    features = validate_data(model, X, dtype=np.float64, order="C", reset=False)
    inputs, weights = model._circuit_arguments(model.scaling_(features))
    names: list[str] = []
    values, errors, predictions = [], [], []
    for backend_or_name in backends:
        backend = model._chosen_backend(backend_or_name)
        estimate = BackendEvaluation(model.model_, backend, resume).estimate(inputs, weights)
        values.append(estimate.values)
        errors.append(estimate.standard_errors)
        predictions.append(model._predictions(estimate.values))
        names.append(_distinct(backend.name, names))
    is_classifier = hasattr(model, "classes_")
    return BackendComparison(
        names=tuple(names),
        observables=model.model_.output_names,
        values=np.array(values),
        standard_errors=np.array(errors),
        predictions=np.array(predictions),
        scores=None if y is None else tuple(model._score(np.asarray(y), row) for row in predictions),
        is_classifier=is_classifier,
    )


def _distinct(name: str, taken: Sequence[str]) -> str:
    count = sum(other == name or other.startswith(f"{name} #") for other in taken)
    return f"{name} #{count + 1}" if count else name


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2)))
