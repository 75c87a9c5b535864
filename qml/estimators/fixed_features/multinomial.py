"""Multinomial logistic regression by L-BFGS in coordinates in which the loss is nearly round."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from qml.library_threads import one_blas_thread

__all__ = ["fit_multinomial"]

Array = NDArray[np.float64]

ROWS = 512
"""Rows of features at a time, which stay in the second-level cache between the two products with them."""

CORRECTIONS = 20
"""Number of pairs of steps and gradients from which L-BFGS estimates the curvature."""

SMALLEST = 1e-14
"""Eigenvalues of the metric are at least this part of the largest one: features may be linearly dependent."""


def fit_multinomial(
    model: LogisticRegression,
    features: NDArray[Any],
    classes: NDArray[np.intp],
    weight: Array,
    *,
    tolerance: float,
    max_iter: int,
) -> bool:
    """Fit scikit-learn's model to three or more classes; return whether the gradient fell below a tolerance.

    The minimum is that of ``LogisticRegression(C=C).fit``. Its own solvers need hundreds of passes over features that
    are as correlated as those of random circuits (L-BFGS), or a matrix of all coefficients of all classes in each step
    (Newton's method). With p_a the probability of class a, the second derivatives are the mean of
    ``(p_a delta_ab - p_a p_b) x x^T`` over the rows x. At equal probabilities they are a multiple of the mean of
    ``x x^T`` for each class, plus the regularisation. Coordinates in which this metric is the identity need far
    fewer passes, but more where classes are separated and hardly regularised.

    Parameters
    ----------
    model : LogisticRegression
        Its ``C`` is used; its fitted attributes are set if True is returned.
    features : float ndarray, shape (n_samples, n_features)
    classes : int ndarray, shape (n_samples,)
        Class of each sample; each of 0, 1, ... occurs.
    weight : float ndarray, shape (n_samples,), positive
    tolerance : float
        Largest entry of the gradient of the mean loss, as in scikit-learn.
    max_iter : int
        Maximum number of iterations.

    Returns
    -------
    bool
        False if rounding or the number of iterations ended the search before; the model is then as it was.
    """
    with one_blas_thread():
        loss = _Loss(features, classes, weight, model.C)

        def stop(_: Array) -> None:
            if loss.largest <= tolerance:
                raise StopIteration

        options = {"maxiter": max_iter, "maxfun": 2 * max_iter, "maxcor": CORRECTIONS, "ftol": 0, "gtol": 0}
        result = minimize(loss, np.zeros(loss.size), jac=True, method="L-BFGS-B", callback=stop, options=options)
        loss(result.x)  # the last point of a line search that failed was another one
    if not loss.largest <= tolerance:
        return False
    coefficients = loss.coefficients(result.x)
    model.coef_ = np.ascontiguousarray(coefficients[:-1].T)
    model.intercept_ = coefficients[-1].copy()
    model.classes_ = np.arange(loss.n_classes)
    model.n_iter_ = np.array([result.nit], np.int32)
    model.n_features_in_ = features.shape[1]
    return True


class _Loss:
    """Regularised mean loss and its gradient as a function of whitened coefficients.

    Attributes
    ----------
    largest : float
        Largest entry of the gradient with respect to the coefficients themselves, at the latest point.
    """

    def __init__(self, features: NDArray[Any], classes: NDArray[np.intp], weight: Array, C: float) -> None:
        self.features, self.classes = features, classes
        self.n_classes = int(classes.max()) + 1
        self.weight = weight / weight.sum()
        self.ridge = 1 / (C * weight.sum())
        self.size = (features.shape[1] + 1) * self.n_classes
        self.largest = np.inf
        metric = self._second_moments() * (1 - 1 / self.n_classes) / self.n_classes
        np.einsum("ii->i", metric)[:-1] += self.ridge  # not for the intercept
        values, vectors = np.linalg.eigh(metric)
        self.axes = vectors / np.sqrt(np.maximum(values, SMALLEST * values[-1]))

    def coefficients(self, point: Array) -> Array:
        """Compute coefficients, and the intercepts in the last row, shape (n_features + 1, n_classes)."""
        return self.axes @ point.reshape(-1, self.n_classes)  # type: ignore[no-any-return]

    def __call__(self, point: Array) -> tuple[float, Array]:
        coefficients = self.coefficients(point)
        slopes, intercepts = coefficients[:-1], coefficients[-1]
        value = 0.5 * self.ridge * np.vdot(slopes, slopes)
        gradient = np.zeros_like(coefficients)
        gradient[:-1] = self.ridge * slopes
        for rows, weight in self._blocks():
            block = np.asarray(self.features[rows], np.float64)
            true = np.arange(len(block)), self.classes[rows]
            outputs = block @ slopes + intercepts
            outputs -= outputs.max(axis=1, keepdims=True)
            of_true = outputs[true]
            np.exp(outputs, out=outputs)
            sums = outputs.sum(axis=1)
            value += weight @ (np.log(sums) - of_true)
            outputs *= (weight / sums)[:, None]
            outputs[true] -= weight
            gradient[:-1] += block.T @ outputs
            gradient[-1] += outputs.sum(axis=0)
        self.largest = float(np.abs(gradient).max())
        return float(value), (self.axes.T @ gradient).ravel()

    def _second_moments(self) -> Array:
        """Compute the weighted mean of ``x x^T`` over the rows x of features and a 1."""
        n_features = self.features.shape[1]
        moments = np.zeros((n_features + 1, n_features + 1))
        moments[-1, -1] = 1
        for rows, weight in self._blocks():
            block = np.asarray(self.features[rows], np.float64)
            weighted = block * weight[:, None]
            moments[:-1, :-1] += block.T @ weighted
            moments[-1, :-1] += weighted.sum(axis=0)
        moments[:-1, -1] = moments[-1, :-1]
        return moments

    def _blocks(self) -> Any:
        for first in range(0, len(self.features), ROWS):
            rows = slice(first, first + ROWS)
            yield rows, self.weight[rows]
