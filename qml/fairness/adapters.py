"""Classifiers as Fairlearn expects them."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import has_fit_parameter

__all__ = ["FairlearnScores", "WeightedClone", "fairlearn_modules", "quiet"]


class FairlearnScores(ClassifierMixin, BaseEstimator):
    """Scores of the positive class of a fitted classifier, for labels 0 and 1."""

    def __init__(self, model: Any, positive: Any) -> None:
        self.model, self.positive = model, positive
        self.classes_ = np.array([0, 1])

    def fit(self, X: Any, y: Any) -> Self:
        return self

    def predict(self, X: Any) -> NDArray[np.intp]:
        return (np.asarray(self.model.predict(X)) == self.positive).astype(int)

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        if hasattr(self.model, "predict_proba"):
            (place,) = np.flatnonzero(np.asarray(self.model.classes_) == self.positive)
            return np.asarray(self.model.predict_proba(X))[:, place]
        if hasattr(self.model, "decision_function"):
            scores = np.asarray(self.model.decision_function(X))
            return scores if self.model.classes_[1] == self.positive else -scores
        return self.predict(X).astype(float)


class WeightedClone(ClassifierMixin, BaseEstimator):
    """Clone of a classifier that takes weights of rows, drawing rows by weight where the classifier takes none."""

    def __init__(self, model: Any, random_state: int | None) -> None:
        self.model, self.random_state = model, random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        y, weight = np.asarray(y), None if sample_weight is None else np.asarray(sample_weight, float)
        self.model_ = clone(self.model)
        self.classes_ = np.array([0, 1])
        name = _weight_option(self.model_)
        if weight is None:
            self.model_.fit(X, y)
        elif name is not None:
            self.model_.fit(X, y, **{name: weight * (len(weight) / weight.sum())})
        else:
            rng = np.random.default_rng(self.random_state)
            rows = rng.choice(len(y), size=len(y), p=weight / weight.sum())
            for label in np.unique(y):  # a class that was drawn by chance in no row
                if not (y[rows] == label).any():
                    rows[0] = np.flatnonzero(y == label)[0]
            self.model_.fit(X.iloc[rows] if hasattr(X, "iloc") else np.asarray(X)[rows], y[rows])
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        return np.asarray(self.model_.predict(X))


def _weight_option(model: Any) -> str | None:
    """Return the name of the option of ``fit`` that takes weights of rows, of a pipeline that of its last step."""
    if hasattr(model, "steps"):
        name, last = model.steps[-1]
        return f"{name}__sample_weight" if has_fit_parameter(last, "sample_weight") else None
    return "sample_weight" if has_fit_parameter(model, "sample_weight") else None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hide the warnings of pandas about how Fairlearn uses it."""
    with warnings.catch_warnings():
        for category in (FutureWarning, DeprecationWarning, PendingDeprecationWarning):
            warnings.filterwarnings("ignore", category=category, module=r"fairlearn\..*|pandas\..*")
        yield


def fairlearn_modules() -> tuple[Any, Any]:
    """Return Fairlearn's modules ``reductions`` and ``postprocessing``; an ImportError names the extra."""
    try:
        from fairlearn import postprocessing, reductions
    except ImportError as error:
        raise ImportError("mitigate needs the extra [fairness]: pip install 'qumba[fairness]'") from error
    return reductions, postprocessing
