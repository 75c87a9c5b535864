"""Probabilities from the decision values of a support vector machine."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.svm import SVC
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import _ovr_decision_function

__all__ = ["class_margins", "fit_sharpness", "votes"]

Array = NDArray[np.float64]

FOLDS = 5
SHARPNESS_LOGARITHM = (-6.0, 6.0)


def votes(outputs: Array, num_classes: int) -> Array:
    """Decision values for two classes, shape (n_samples,); for more, votes of the pairs (n_samples, n_classes)."""
    if num_classes == 2:
        return outputs[:, 0]
    return _ovr_decision_function(outputs < 0, -outputs, num_classes)


def class_margins(outputs: Array, num_classes: int) -> Array:
    """Compute the margin of each class over its strongest rival, shape (n_samples, n_classes).

    Negative for all classes except the one that wins all its pairs. If no class wins all its pairs, the one with the
    most votes gets the largest margin.

    Parameters
    ----------
    outputs : float ndarray, shape (n_samples, n_outputs)
        Decision values, positive for the first class of each pair; with two classes, for the second.
    num_classes : int
    """
    if num_classes == 2:
        return np.column_stack([-outputs[:, 0], outputs[:, 0]])
    margins = np.full((len(outputs), num_classes), np.inf)
    for column, (i, j) in enumerate(combinations(range(num_classes), 2)):
        margins[:, i] = np.minimum(margins[:, i], outputs[:, column])
        margins[:, j] = np.minimum(margins[:, j], -outputs[:, column])
    winners = votes(outputs, num_classes).argmax(axis=1)
    rows = np.flatnonzero(margins.argmax(axis=1) != winners)
    largest = margins[rows].max(axis=1)
    margins[rows, winners[rows]] = largest + 1e-6 * np.maximum(1.0, np.abs(largest))
    return margins


def fit_sharpness(
    solver: SVC, gram: Array, y: NDArray[Any], weight: Array, random_state: int | RandomState | None
) -> float:
    """Find the factor at which a softmax of margins has the highest likelihood on held-out rows.

    On its training rows a support vector machine is overconfident. The only row of a class cannot be held out; in that
    case the training rows are used.

    Parameters
    ----------
    solver : SVC, with a decision for each pair of classes
    gram : float ndarray, shape (n_samples, n_samples)
    y : int ndarray, shape (n_samples,)
        Class indices.
    weight : float ndarray, shape (n_samples,)
    random_state : int, RandomState or None
        Seed for the folds.

    References
    ----------
    Guo et al., arXiv:1706.04599 (one factor for all classes keeps the predicted class the most probable one); targets a
    little below 1 as in Platt, Probabilistic outputs for support vector machines (1999).
    """
    smallest = int(np.bincount(y).min())
    if smallest < 2:
        outputs = solver.fit(gram, y, sample_weight=weight).decision_function(gram)
    else:
        seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
        folds = StratifiedKFold(min(FOLDS, smallest), shuffle=True, random_state=seed)
        outputs = cross_val_predict(
            solver, gram, y, cv=folds, method="decision_function", params={"sample_weight": weight}
        )
    num_classes = int(y.max()) + 1
    margins = class_margins(outputs.reshape(len(y), -1), num_classes)
    doubt = 1.0 / (weight.sum() + 2.0)
    targets = np.full((len(y), num_classes), doubt / (num_classes - 1))
    targets[np.arange(len(y)), y] = 1.0 - doubt

    def loss(logarithm: float) -> float:
        return -float(weight @ np.sum(targets * log_softmax(np.exp(logarithm) * margins, axis=1), axis=1))

    return float(np.exp(minimize_scalar(loss, bounds=SHARPNESS_LOGARITHM, method="bounded").x))
