"""Deletion and insertion curves: whether the columns that an explanation names are those that move the output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.explain.coalitions import coalition_values, feature_masks
from qml.explain.outputs import Explained, explained
from qml.settings import check_whole

__all__ = ["DeletionCurves", "curves", "deletion_curves", "output_of_rows"]

Array = NDArray[np.float64]

LEAST = 0.1
"""Smallest mean difference of the rows from the mean output, in standard deviations of the background's outputs."""


@dataclass(frozen=True)
class DeletionCurves:
    """Share of the difference from the mean output that is left when columns are removed or inserted.

    Attributes
    ----------
    deletion, insertion : float ndarray, shape (n_columns + 1,)
        After each column in the order of the explanation, the column that supports the output most first.
    random_deletion, random_insertion : float ndarray, shape (n_columns + 1,)
        In random orders.
    """

    deletion: Array
    insertion: Array
    random_deletion: Array
    random_insertion: Array

    @property
    def areas(self) -> dict[str, float]:
        """Area under each curve; a good order has a small one for deletion, and a large one for insertion."""
        return {
            name: float(np.trapezoid(getattr(self, name), dx=1 / (len(self.deletion) - 1)))
            for name in ("deletion", "random_deletion", "insertion", "random_insertion")
        }

    @property
    def better_than_random(self) -> bool:
        """Whether both areas are on the right side of those of random orders."""
        areas = self.areas
        return areas["deletion"] < areas["random_deletion"] and areas["insertion"] > areas["random_insertion"]


def deletion_curves(
    model: Any,
    background: ArrayLike,
    X: ArrayLike,
    attributions: ArrayLike,
    *,
    n_random: int = 20,
    groups: Mapping[str, Sequence[int]] | None = None,
    random_state: Any = None,
) -> DeletionCurves:
    """Measure an explanation: remove columns in its order, and compare with random orders.

    A removed column takes the values of the background, over which outputs are averaged. With
    ``s = sign(f(x) - E f)``, the curve is ``sum_x s (v(S) - E f) / sum_x |f(x) - E f|`` over the rows: 1 with all
    columns, 0 with none. Of several outputs, that of the predicted class counts.

    Parameters
    ----------
    model : fitted classifier or regressor, TableModel, or callable
    background : array-like or data frame, shape (n_background, n_features)
    X : array-like or data frame, shape (n_samples, n_features)
    attributions : array-like, shape (n_samples, n_columns, n_outputs), or (n_samples, n_columns) for one output
        Attributions of any method, such as `shapley_values` or `integrated_gradients`.
    n_random : int
        Number of random orders for each row.
    groups : mapping from names to numbers of features, optional
    random_state : int, Generator or None

    Raises
    ------
    ValueError
        If shapes do not fit, or the rows have nearly the mean output.

    References
    ----------
    Petsiuk, Das and Saenko, "RISE", arXiv:1806.07421.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(20, 3))
    >>> deletion_curves(lambda X: X[:, 0], X, X[:5], X[:5] * [1, 0, 0], random_state=0).deletion.round(6)
    array([1., 0., 0., 0.])
    """
    check_whole("n_random", n_random)
    function, rows = explained(model, background, groups)
    explained_rows = function.inputs.rows(X)
    values = np.asarray(attributions, np.float64)
    expected = (len(explained_rows), len(function.inputs.columns), len(function.names))
    if values.shape not in (expected, expected[:2]) or (values.ndim == 2 and expected[2] > 1):
        alternative = f" or {expected[:2]}" if expected[2] == 1 else f", the last axis for {function.names}"
        raise ValueError(f"attributions must have shape {expected}{alternative}, got {values.shape}")
    values = values.reshape(expected)
    return curves(function, rows, explained_rows, values, n_random, np.random.default_rng(random_state))


def output_of_rows(function: Explained, outputs: Array) -> NDArray[np.intp]:
    """Return the number of the output that counts for each row: of several classes, the predicted one."""
    if function.is_classifier and outputs.shape[1] > 1:
        return outputs.argmax(axis=1)
    return np.zeros(len(outputs), np.intp)


def curves(
    function: Explained, background: Array, rows: Array, values: Array, n_random: int, rng: np.random.Generator
) -> DeletionCurves:
    """Compute deletion curves of checked rows; parameters as of `deletion_curves`."""
    columns, count = function.inputs.columns, len(function.inputs.columns)
    outputs, base = function(rows), function(background).mean(axis=0)
    explained_outputs = output_of_rows(function, outputs)
    sums, total = np.zeros((2 + 2 * n_random, count + 1)), 0.0
    for row, output, phi, k in zip(rows, outputs, values, explained_outputs, strict=True):
        difference = output[k] - base[k]
        sign = 1.0 if difference >= 0 else -1.0
        order = np.argsort(-sign * phi[:, k], kind="stable")
        orders = [order, *(rng.permutation(count) for _ in range(n_random))]
        masks = np.concatenate([masks for order in orders for masks in _nested(order)])
        left = coalition_values(function, background, row, feature_masks(masks, columns, len(row)))[:, k]
        sums += sign * (left.reshape(len(orders) * 2, count + 1) - base[k])
        total += abs(difference)
    least = LEAST * float(np.std(function(background), axis=0)[explained_outputs].sum())
    if total <= max(least, 1e-12 * float(np.abs(outputs).sum())):
        raise ValueError("the rows have nearly the mean output of the background: explain rows that differ from it")
    sums /= total
    return DeletionCurves(sums[0], sums[1], sums[2::2].mean(axis=0), sums[3::2].mean(axis=0))


def _nested(order: NDArray[np.intp]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the sets of columns that are left after each deletion, and those present after each insertion."""
    present = np.zeros((len(order) + 1, len(order)), np.bool_)
    for place, column in enumerate(order):
        present[place + 1 :, column] = True
    return ~present, present
