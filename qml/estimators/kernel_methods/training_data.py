"""Checked training data of kernel estimators, without repeated rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.checked_data import validate_data
from qml.estimators.kernel_methods.distinct_rows import DistinctRows, distinct_rows
from qml.estimators.targets import learn_classes, learn_scale
from qml.weights import checked_sample_weight, weighted_by_class

__all__ = ["class_rows", "only_features", "target_rows"]

Array = NDArray[np.float64]


def class_rows(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None,
    class_weight: Mapping[Any, float] | Literal["balanced"] | None,
) -> tuple[DistinctRows, Array]:
    """Return rows with class indices, and their weights in the loss: sample weights times class weights."""
    estimator._check_settings()
    checked, labels = validate_data(estimator, X, y, dtype=np.float64, order="C")
    weight = checked_sample_weight(sample_weight, checked)
    weighted = np.flatnonzero(weight)
    indices = np.zeros(len(labels), np.intp)
    learn_classes(estimator, labels[weighted])
    indices[weighted] = np.searchsorted(estimator.classes_, labels[weighted])
    rows = distinct_rows(checked, indices, weight)
    assert rows.y is not None
    return rows, weighted_by_class(class_weight, estimator.classes_, rows.y, rows.weight)


def target_rows(estimator: Any, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> DistinctRows:
    """Return rows with scaled targets."""
    estimator._check_settings()
    checked, targets = validate_data(estimator, X, y, dtype=np.float64, order="C", y_numeric=True)
    weight = checked_sample_weight(sample_weight, checked)
    rows = distinct_rows(checked, targets.astype(np.float64), weight)
    assert rows.y is not None
    return DistinctRows(rows.X, learn_scale(estimator, rows.y, rows.weight), rows.weight, rows.first)


def only_features(estimator: Any, X: ArrayLike, sample_weight: ArrayLike | None = None) -> tuple[Array, Array]:
    """Return checked features (n_samples, n_features) and weights (n_samples,), without merging rows."""
    estimator._check_settings()
    checked = validate_data(estimator, X, dtype=np.float64, order="C", ensure_min_samples=2)
    return checked, checked_sample_weight(sample_weight, checked)
