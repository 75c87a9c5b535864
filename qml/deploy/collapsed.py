"""Estimators that predict by a collapsed graph."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from qml.checked_data import validate_data
from qml.deploy.models import CollapsedModel, collapsed_model
from qml.deploy.row_kernel import RowProgram

__all__ = ["CollapsedClassifier", "CollapsedRegressor", "collapse"]

Array = NDArray[np.float64]

DOUBLE = np.dtype(np.float64)

NUMBERS_AT_ONCE = 1 << 22
"""Maximum number of intermediate values of a batch: 32 MB of doubles."""


def collapse(model: Any) -> CollapsedClassifier | CollapsedRegressor:
    """Turn a fitted model into one that predicts a sample in microseconds, without simulating its circuit.

    With fixed weights, a circuit is an exact function of its inputs: a Fourier sum of their angles, or a few matrices
    that act on the encoded state. The form with fewer operations is taken; the estimator's ``plan`` says which, and how
    large it is. Kernel models store the states of their support vectors, networks become layers of matrices, and
    scalers of a pipeline are included. Predictions equal the model's to rounding, about 1e-12 (1e-6 for models with
    ``precision="single"``, as the collapsed model computes in double precision).

    Parameters
    ----------
    model : estimator or Pipeline
        Fitted classifier or regressor of this library, or a pipeline that ends with one.

    Returns
    -------
    CollapsedClassifier or CollapsedRegressor

    Raises
    ------
    CannotCollapseError
        If the model has noise, a backend, shots or custom Python code, or is too large: circuits of more than 10
        qubits that are no Fourier sum, Boltzmann machines of more than 8 interacting qubits, more than 4096 support
        vectors, more than 16 million constants.
    NotFittedError
        If the model is not fitted.
    TypeError
        If it is not a classifier or regressor of this library.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from qml import VariationalClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = VariationalClassifier(epochs=5, random_state=0).fit(X, y)
    >>> fast = collapse(clf)
    >>> bool(np.abs(fast.predict_proba(X) - clf.predict_proba(X)).max() < 1e-10)
    True
    >>> print(fast.plan)
    circuit 0: ..., ... operations a sample...
    model: ... numbers (... kB), ... operations a sample
    """
    collapsed = collapsed_model(model)
    kind = CollapsedRegressor if collapsed.task == "regression" else CollapsedClassifier
    return kind(model)._learn(model, collapsed)


class CollapsedEstimator(BaseEstimator):
    """Base of the two estimators: a path without checks for a single sample, and NumPy for many."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, X: ArrayLike, y: ArrayLike, **fit_params: Any) -> Self:
        """Fit a clone of the estimator and collapse it.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        y : array-like, shape (n_samples,)
        **fit_params
            Further arguments of the estimator's ``fit``.
        """
        model = clone(self.estimator).fit(X, y, **fit_params)
        return self._learn(model, collapsed_model(model))

    @property
    def plan(self) -> str:
        """Form of each circuit, and the size and cost of the model, as text."""
        check_is_fitted(self, "collapsed_")
        return self.collapsed_.description

    def _learn(self, model: Any, collapsed: CollapsedModel) -> Self:
        self.estimator_ = model
        self.collapsed_ = collapsed
        self.n_features_in_ = collapsed.num_features
        if collapsed.feature_names:
            self.feature_names_in_ = np.array(collapsed.feature_names, dtype=object)
        self._row_program = RowProgram(collapsed.graph)
        self._num_values = collapsed.graph.size(collapsed.graph.outputs["values"])
        largest = max(1, sum(node.size for node in collapsed.graph.nodes))
        self._rows_at_once = max(1, NUMBERS_AT_ONCE // largest)
        return self

    def _single(self, X: Any) -> Array | None:
        """Compute the outputs of one sample, shape (n_outputs,); None if X is not a plain array with one row."""
        if type(X) is not np.ndarray or X.dtype != DOUBLE or X.size != self._row_size():
            return None
        flags = X.flags
        if not flags.c_contiguous or not flags.writeable or X.ndim > 2 or (X.ndim == 2 and len(X) != 1):
            return None
        out = self._row_program(X if X.ndim == 1 else X[0])
        if out is None:
            column = int(np.flatnonzero(~np.isfinite(X.ravel()))[0])
            raise ValueError(f"the sample contains {X.ravel()[column]} in column {column}; features must be finite")
        if not np.isfinite(out[0]):
            raise _outside(X.ravel())
        return out

    def _row_size(self) -> int:
        try:
            return self.n_features_in_
        except AttributeError:
            check_is_fitted(self, "collapsed_")
            raise

    def _many(self, X: ArrayLike) -> dict[str, Array]:
        """Compute the outputs of many samples."""
        check_is_fitted(self, "collapsed_")
        if np.ndim(X) == 1:
            X = np.asarray(X)[None] if len(X) == self.n_features_in_ else X  # type: ignore[arg-type]
        rows = validate_data(self, X, dtype=np.float64, order="C", reset=False)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            parts = [
                self.collapsed_.graph.evaluate(rows[first : first + self._rows_at_once])
                for first in range(0, len(rows), self._rows_at_once)
            ]
        out = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        finite = np.isfinite(out["values"]).all(axis=1)
        if not finite.all():
            raise _outside(rows[int(np.argmin(finite))])
        return out


class CollapsedClassifier(ClassifierMixin, CollapsedEstimator):
    """Classifier without a circuit, made by `collapse`.

    Methods take many samples, shape (n_samples, n_features), or a single one of shape (n_features,), for which they
    return a single class or row. A single sample as a contiguous float64 array is not checked beyond its size and
    finite numbers, and takes microseconds.

    Parameters
    ----------
    estimator : estimator or Pipeline
        Classifier to collapse; `fit` fits a clone of it.

    Attributes
    ----------
    estimator_ : estimator or Pipeline
        Fitted classifier.
    collapsed_ : CollapsedModel
        Graph of the predictions, and what its outputs mean.
    classes_ : ndarray, shape (n_classes,)
    n_features_in_ : int
    feature_names_in_ : ndarray of str, only if ``X`` had column names
    """

    def _learn(self, model: Any, collapsed: CollapsedModel) -> Self:
        super()._learn(model, collapsed)
        assert collapsed.classes is not None
        self.classes_ = collapsed.classes
        self._labels = collapsed.task == "labels"
        return self

    def predict(self, X: ArrayLike) -> Any:
        """Predict classes, shape (n_samples,), or labels, shape (n_samples, n_labels)."""
        out = self._single(X)
        if out is None:
            predictions = self._predicted(self._many(X)["values"])
            return predictions[0] if np.ndim(X) == 1 else predictions
        if self._labels:
            present = (out[: self._num_values] > 0).astype(np.intp)
            return present if X.ndim == 1 else present[None]  # type: ignore[union-attr]
        if self._num_values == 1:
            index = 1 if out[0] > 0 else 0
        else:
            index = int(out[: self._num_values].argmax())
        return self.classes_[index] if X.ndim == 1 else self.classes_[index : index + 1]  # type: ignore[union-attr]

    @available_if(lambda self: hasattr(self.estimator, "decision_function"))
    def decision_function(self, X: ArrayLike) -> Any:
        """Compute decision values, if the model has them: (n_samples,) for two classes, else (n_samples, n_classes)."""
        out = self._single(X)
        values = self._many(X)["values"] if out is None else out[None, : self._num_values].copy()
        decisions = values[:, 0] if self._num_values == 1 and not self._labels else values
        return decisions[0] if np.ndim(X) == 1 else decisions

    @available_if(lambda self: _gives_probabilities(self))
    def predict_proba(self, X: ArrayLike) -> Array:
        """Predict class probabilities, shape (n_samples, n_classes), if the model has them."""
        out = self._single(X)
        probabilities = self._many(X)["probabilities"] if out is None else out[None, self._num_values :].copy()
        return probabilities[0] if np.ndim(X) == 1 else probabilities

    def _predicted(self, values: Array) -> NDArray[Any]:
        if self._labels:
            return (values > 0).astype(np.intp)
        return self.classes_[(values[:, 0] > 0).astype(np.intp) if self._num_values == 1 else values.argmax(axis=1)]


class CollapsedRegressor(RegressorMixin, CollapsedEstimator):
    """Regressor without a circuit, made by `collapse`.

    `predict` takes many samples, shape (n_samples, n_features), or a single one of shape (n_features,), as in
    `CollapsedClassifier`.

    Parameters
    ----------
    estimator : estimator or Pipeline
        Regressor to collapse; `fit` fits a clone of it.

    Attributes
    ----------
    estimator_ : estimator or Pipeline
        Fitted regressor.
    collapsed_ : CollapsedModel
        Graph of the predictions.
    n_features_in_ : int
    feature_names_in_ : ndarray of str, only if ``X`` had column names
    """

    def predict(self, X: ArrayLike) -> Any:
        """Predict targets, shape (n_samples,), or (n_samples, n_targets) if y had two dimensions."""
        out = self._single(X)
        values = self._many(X)["values"] if out is None else out[None]
        predictions = values[:, 0] if self.collapsed_.one_target else values
        return predictions[0] if np.ndim(X) == 1 else predictions


def _gives_probabilities(classifier: CollapsedClassifier) -> bool:
    if hasattr(classifier, "collapsed_"):
        return "probabilities" in classifier.collapsed_.graph.outputs
    return hasattr(classifier.estimator, "predict_proba")


def _outside(sample: Array) -> ValueError:
    return ValueError(
        f"the model has no value for the sample {sample.tolist()}: a feature is too large, or outside the domain of "
        "the feature map"
    )
