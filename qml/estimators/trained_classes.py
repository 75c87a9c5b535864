"""Base of the classifiers that train weights: classes, and how much each counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import column_or_1d

from qml.estimators.targets import BackendClassifier, learn_classes
from qml.estimators.trained import Samples, TrainedEstimator
from qml.weights import weighted_by_class

__all__ = ["TrainedOnClasses"]


@dataclass(eq=False, repr=False, kw_only=True)
class TrainedOnClasses(BackendClassifier, TrainedEstimator):
    """Base of the classifiers that train weights on samples of two or more classes."""

    class_weight: Mapping[Any, float] | Literal["balanced"] | None = None

    def _learn_classes(self, y: NDArray[Any], classes: ArrayLike | None = None) -> None:
        """Learn ``classes_``; labels outside the classes passed in are refused."""
        learn_classes(self, y, classes)
        self._class_indices(y)

    def _class_indices(self, y: NDArray[Any]) -> NDArray[np.intp]:
        """Return the position of each label in ``classes_``."""
        unseen = np.setdiff1d(y, self.classes_)
        if len(unseen):
            raise ValueError(f"y contains labels that are not among the classes {self.classes_}: {unseen}")
        return np.searchsorted(self.classes_, y)

    def _class_weighted(self, samples: Samples) -> Samples:
        if self.class_weight is None:
            return samples
        indices = self._class_indices(samples.y)
        return replace(samples, weight=weighted_by_class(self.class_weight, self.classes_, indices, samples.weight))

    def _checked_columns(self, y: NDArray[Any]) -> NDArray[Any]:
        return column_or_1d(y, warn=True)  # type: ignore[no-any-return]

    def _labels(self, y: NDArray[Any]) -> NDArray[Any] | None:
        return y
