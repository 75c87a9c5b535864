"""What a quantum estimator is without its entanglement, and what its circuit gets to see."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

__all__ = ["circuit_inputs", "innermost", "preprocessing", "twin_of"]

WRAPPED = ("estimator", "regressor", "classifier")
"""Parameters under which scikit-learn's searches and target transformers hold the estimator that they wrap."""


def twin_of(estimator: Any) -> Any | None:
    """Return an unfitted copy whose circuits do not entangle, or None if the estimator does not define one.

    Pipelines, searches and target transformers keep everything but the estimator in them.
    """
    if hasattr(estimator, "without_entanglement"):
        return estimator.without_entanglement()
    inner = _held(estimator)
    if inner is None:
        return None
    name, held = inner
    twin = twin_of(held)
    return None if twin is None else clone(estimator).set_params(**{name: twin})


def innermost(estimator: Any) -> Any:
    """Return the estimator at the end of pipelines and inside of searches; the fitted one if these are fitted."""
    for fitted in ("best_estimator_", "regressor_", "estimator_"):
        if hasattr(estimator, fitted):
            return innermost(getattr(estimator, fitted))
    inner = _held(estimator)
    return estimator if inner is None else innermost(inner[1])


def preprocessing(estimator: Any) -> Any | None:
    """Return the steps of a pipeline before the last one, or None for an estimator that is not a pipeline."""
    if hasattr(estimator, "steps"):
        front = estimator[:-1]
        return front if len(front) else None
    for held in ("best_estimator_", *WRAPPED):
        if hasattr(estimator, held):
            return preprocessing(getattr(estimator, held))
    return None


def circuit_inputs(fitted: Any, X: Any) -> NDArray[np.float64]:
    """Compute the features that a fitted estimator gives to its circuit: after its pipeline and its scaling.

    Parameters
    ----------
    fitted : fitted estimator
    X : array-like, shape (n_samples, n_features)

    Returns
    -------
    float ndarray, shape (n_samples, n_scaled_features)
        A layer that is trained with the circuit is not included.
    """
    front = preprocessing(fitted)
    features = np.asarray(X if front is None else front.transform(X), np.float64)
    scaling = getattr(innermost(fitted), "scaling_", None)
    return features if scaling is None else np.asarray(scaling(features), np.float64)


def _held(estimator: Any) -> tuple[str, Any] | None:
    """Return the parameter that holds the wrapped estimator, and that estimator."""
    if hasattr(estimator, "steps"):
        return estimator.steps[-1]
    for name in WRAPPED:
        held = getattr(estimator, name, None)
        if hasattr(held, "fit"):
            return name, held
    return None
