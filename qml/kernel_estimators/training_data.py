"""Checked training data of kernel estimators, each row there once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, validate_data

from qml.kernel_estimators.distinct_rows import DistinctRows, distinct_rows

__all__ = ["class_rows", "encode_classes", "only_features", "scale_targets", "target_rows"]

Array = NDArray[np.float64]


def encode_classes(estimator: Any, y: NDArray[Any]) -> NDArray[np.intp]:
    """Learn ``classes_``; returns their indices, shape (n_samples,)."""
    check_classification_targets(y)
    estimator.classes_, indices = np.unique(y, return_inverse=True)
    if len(estimator.classes_) < 2:
        only = estimator.classes_.tolist()[0]
        raise ValueError(f"a classifier needs samples of at least 2 classes, the data contain only one class: {only!r}")
    return indices


def scale_targets(estimator: Any, y: Array, weight: Array) -> Array:
    """Learn ``target_mean_`` and ``target_scale_``; returns targets of mean 0 and standard deviation 1."""
    estimator.target_mean_ = float(np.average(y, weights=weight))
    spread = float(np.sqrt(np.average((y - estimator.target_mean_) ** 2, weights=weight)))
    estimator.target_scale_ = spread if spread > 0 else 1.0
    return (y - estimator.target_mean_) / estimator.target_scale_


def class_rows(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None,
    class_weight: Mapping[Any, float] | Literal["balanced"] | None,
) -> tuple[DistinctRows, Array]:
    """Rows with class indices, and the weights they have in the loss: those of samples times those of classes."""
    estimator._check_settings()
    checked, labels = validate_data(estimator, X, y, dtype=np.float64, order="C")
    weight = _check_sample_weight(sample_weight, checked, dtype=np.float64, ensure_non_negative=True)
    kept = np.flatnonzero(weight)
    indices = np.zeros(len(labels), np.intp)
    indices[kept] = encode_classes(estimator, labels[kept])
    rows = distinct_rows(checked, indices, weight)
    if class_weight is None:
        return rows, rows.weight
    known = estimator.classes_[rows.y]
    factors = compute_class_weight(class_weight, classes=estimator.classes_, y=known, sample_weight=rows.weight)
    return rows, rows.weight * factors[rows.y]


def target_rows(estimator: Any, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> DistinctRows:
    """Rows with scaled targets."""
    estimator._check_settings()
    checked, targets = validate_data(estimator, X, y, dtype=np.float64, order="C", y_numeric=True)
    weight = _check_sample_weight(sample_weight, checked, dtype=np.float64, ensure_non_negative=True)
    rows = distinct_rows(checked, targets.astype(np.float64), weight)
    assert rows.y is not None
    return DistinctRows(rows.X, scale_targets(estimator, rows.y, rows.weight), rows.weight, rows.first)


def only_features(estimator: Any, X: ArrayLike, sample_weight: ArrayLike | None = None) -> tuple[Array, Array]:
    """Features (n_samples, n_features) and weights (n_samples,), as they came."""
    estimator._check_settings()
    checked = validate_data(estimator, X, dtype=np.float64, order="C", ensure_min_samples=2)
    return checked, _check_sample_weight(sample_weight, checked, dtype=np.float64, ensure_non_negative=True)
