"""Targets of classifiers and regressors: encoded in ``fit``, decoded in ``predict``, compared in ``score``."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score, r2_score

from qml.checked_data import check_classification_targets
from qml.features.scaling import ScaleError, size_exponent
from simulator.backends.trait import Backend, Folder

__all__ = [
    "BackendClassifier",
    "BackendRegressor",
    "learn_classes",
    "learn_scale",
    "mean_and_deviation",
    "r_squared",
    "scaled",
]

Array = NDArray[np.float64]

MAX_EXPONENT = 1020
"""Exponent of the power of two that bounds targets, so that predictions may be sixteen times as large."""


def learn_classes(estimator: Any, y: NDArray[Any], classes: ArrayLike | None = None) -> None:
    """Learn ``classes_`` from y, or store the classes passed in.

    Raises
    ------
    ValueError
        If y does not hold classes, or holds fewer than two.
    """
    check_classification_targets(y)
    estimator.classes_ = np.unique(y if classes is None else np.asarray(classes))
    if len(estimator.classes_) < 2:
        only = estimator.classes_.tolist()[0]
        raise ValueError(f"a classifier needs samples of at least 2 classes, the data contain only one class: {only!r}")


def learn_scale(estimator: Any, y: NDArray[Any], weight: Array) -> Array:
    """Learn ``target_mean_`` and ``target_scale_`` by `mean_and_deviation`; returns `scaled`."""
    estimator.target_mean_, estimator.target_scale_ = mean_and_deviation(y, weight)
    return scaled(estimator, y)


def mean_and_deviation(y: NDArray[Any], weight: Array) -> tuple[Any, Any]:
    """Compute mean and standard deviation of targets; the deviation is 1 for a constant target.

    They are numbers, or arrays of shape (n_targets,) for y of shape (n_samples, n_targets).

    Raises
    ------
    ScaleError
        If y holds numbers beyond 1e307, around which predictions would leave the range of doubles.
    """
    y = np.asarray(y, np.float64)
    if y.ndim > 1:
        means, deviations = zip(*(mean_and_deviation(column, weight) for column in y.T), strict=True)
        return np.array(means), np.array(deviations)
    exponent = size_exponent(y)
    if exponent > MAX_EXPONENT:
        raise ScaleError(
            f"y holds {np.abs(y).max():.3g}: predictions around that would leave the range of doubles; divide y by a "
            "constant"
        )
    y_unit = np.ldexp(y, -exponent)
    mean = np.average(y_unit, weights=weight)
    spread = np.sqrt(np.average((y_unit - mean) ** 2, weights=weight))
    return float(np.ldexp(mean, exponent)), float(np.ldexp(spread, exponent)) or 1.0


def scaled(estimator: Any, y: NDArray[Any]) -> Array:
    """Scale targets to mean 0 and standard deviation 1 for training.

    Raises
    ------
    ScaleError
        If y is too far from the targets from which the scale was learnt.
    """
    with np.errstate(over="ignore"):
        out: Array = (np.asarray(y, np.float64) - estimator.target_mean_) / estimator.target_scale_
    if not np.isfinite(out).all():
        raise ScaleError(
            f"y holds {y[~np.isfinite(out)][0]:.3g}, too far from the targets that the scale was learnt from, which "
            f"have mean {np.max(np.abs(estimator.target_mean_)):.3g} and standard deviation "
            f"{np.max(estimator.target_scale_):.3g}"
        )
    return out


def r_squared(y: ArrayLike, predictions: Array, sample_weight: ArrayLike | None = None) -> float:
    """Compute scikit-learn's ``r2_score``, also for numbers whose squares leave the range of doubles."""
    truth = np.asarray(y, np.float64)
    exponent = max(size_exponent(truth), size_exponent(predictions))
    return float(r2_score(np.ldexp(truth, -exponent), np.ldexp(predictions, -exponent), sample_weight=sample_weight))


class BackendPredictor:
    """Base of estimators whose outputs, predictions and scores can be computed on a backend.

    Subclasses define how `predict` converts outputs, and how `score` rates predictions.
    """

    _outputs: Callable[..., Array]

    @abstractmethod
    def _predicted(self, outputs: Array) -> NDArray[Any]:
        """Convert outputs, shape (n_samples, n_outputs), to predictions."""

    @abstractmethod
    def _score(self, y: ArrayLike, predictions: NDArray[Any], sample_weight: ArrayLike | None = None) -> float:
        """Score predictions."""

    def predict(self, X: ArrayLike, *, backend: Backend | str | None = None, resume: Folder = None) -> NDArray[Any]:
        """Predict classes or targets, shape (n_samples,), or (n_samples, n_targets) if y had two dimensions.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        backend : Backend or "numba", optional
            Backend that runs the circuits, in place of the estimator's; see `plan`.
        resume : path, optional
            Folder in which a remote backend stores its jobs, so that an interrupted call can be resumed.
        """
        return self._predicted(self._outputs(X, backend, resume))

    def score(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        backend: Backend | str | None = None,
        resume: Folder = None,
    ) -> float:
        """Compute accuracy or R^2 of the predictions; ``backend`` and ``resume`` as in `predict`."""
        return self._score(y, self.predict(X, backend=backend, resume=resume), sample_weight)


class BackendClassifier(BackendPredictor, ClassifierMixin):
    """Classifier that predicts the class with the largest decision value; for two classes, by its sign."""

    classes_: NDArray[Any]

    def decision_function(self, X: ArrayLike, *, backend: Backend | str | None = None, resume: Folder = None) -> Array:
        """Compute decision values: shape (n_samples,), positive for ``classes_[1]``, or (n_samples, n_classes).

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        backend : Backend or "numba", optional
            Backend that runs the circuits, in place of the estimator's; see `plan`.
        resume : path, optional
            Folder in which a remote backend stores its jobs, so that an interrupted call can be resumed.
        """
        return self._decisions(self._outputs(X, backend, resume))

    def _decisions(self, outputs: Array) -> Array:
        """Convert outputs, shape (n_samples, n_outputs), to decision values: one per class, or one for two classes."""
        return outputs[:, 0] if len(self.classes_) == 2 else outputs

    def _predicted(self, outputs: Array) -> NDArray[Any]:
        decisions = self._decisions(outputs)
        return self.classes_[(decisions > 0).astype(np.intp) if decisions.ndim == 1 else decisions.argmax(axis=1)]

    def _score(self, y: ArrayLike, predictions: NDArray[Any], sample_weight: ArrayLike | None = None) -> float:
        return float(accuracy_score(y, predictions, sample_weight=sample_weight))


class BackendRegressor(BackendPredictor, RegressorMixin):
    """Regressor whose outputs are the scaled targets."""

    target_mean_: float | Array
    target_scale_: float | Array

    def _predicted(self, outputs: Array) -> Array:
        out: Array = outputs * self.target_scale_ + self.target_mean_
        return out[:, 0] if np.ndim(self.target_mean_) == 0 else out

    def _score(self, y: ArrayLike, predictions: NDArray[Any], sample_weight: ArrayLike | None = None) -> float:
        return r_squared(y, predictions, sample_weight)
