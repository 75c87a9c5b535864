"""Shapley values of columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.explain.coalitions import (
    MAX_EXACT,
    Masks,
    all_coalitions,
    coalition_values,
    exact_shapley,
    feature_masks,
    permutation_shapley,
)
from qml.explain.outputs import Explained, explained, squeezed
from qml.settings import check_choice, check_whole
from simulator.errors import ParameterError

__all__ = ["Attributions", "attributions", "shapley_values"]

Array = NDArray[np.float64]
Method = Literal["auto", "exact", "permutations"]


@dataclass(frozen=True)
class Attributions:
    """Shapley values of some rows.

    Attributes
    ----------
    values : float ndarray, shape (n_rows, n_columns, n_outputs)
    errors : float ndarray of the same shape, or None
        Standard errors of the estimates; None if the values are exact.
    outputs : float ndarray, shape (n_rows, n_outputs)
    base : float ndarray, shape (n_outputs,)
        Mean output of the background. For each row, base and values add up to the output.
    """

    values: Array
    errors: Array | None
    outputs: Array
    base: Array


@overload
def shapley_values(
    model: Any,
    background: Any,
    X: Any,
    *,
    method: Method = ...,
    n_permutations: int = ...,
    groups: Mapping[str, Sequence[int]] | None = ...,
    random_state: Any = ...,
    errors: Literal[False] = ...,
) -> Array: ...
@overload
def shapley_values(
    model: Any,
    background: Any,
    X: Any,
    *,
    method: Method = ...,
    n_permutations: int = ...,
    groups: Mapping[str, Sequence[int]] | None = ...,
    random_state: Any = ...,
    errors: Literal[True],
) -> tuple[Array, Array]: ...
def shapley_values(
    model: Any,
    background: ArrayLike,
    X: ArrayLike,
    *,
    method: Method = "auto",
    n_permutations: int = 50,
    groups: Mapping[str, Sequence[int]] | None = None,
    random_state: Any = None,
    errors: bool = False,
) -> Array | tuple[Array, Array]:
    """Divide the difference between a row's output and the mean output of a background among the columns.

    The value of a set of columns is the mean output over background rows that take these columns from the row
    (interventional Shapley values). All ``2^n_columns`` sets are evaluated for up to 12 columns, so that the values are
    exact for this background; for more, random orders of the columns are, each with its reverse.

    Parameters
    ----------
    model : fitted classifier or regressor, TableModel, or callable
        Quantum or classical. Outputs are probabilities if the model has them, otherwise decision values or predictions;
        of two classes, those of ``classes_[1]``. A callable maps rows to outputs, (n_rows,) or (n_rows, n_outputs).
    background : array-like or data frame, shape (n_background, n_features)
        Rows of reference, for example 100 training rows; one row gives the values with respect to that baseline.
    X : array-like or data frame, shape (n_samples, n_features)
    method : {"auto", "exact", "permutations"}
    n_permutations : int
        Number of pairs of random orders.
    groups : mapping from names to numbers of features, optional
        Features that are explained together. Those of a table's column always are.
    random_state : int, Generator or None
        Seed for random orders.
    errors : bool
        Whether to return standard errors too; they are 0 for exact values.

    Returns
    -------
    float ndarray, shape (n_samples, n_columns), or (n_samples, n_columns, n_outputs) for several outputs
        With ``errors``, two of them.

    Raises
    ------
    ParameterError
        If ``method="exact"`` and there are more than 12 columns.
    ValueError
        If shapes do not fit, numbers are not finite, or the model is random.

    References
    ----------
    Lundberg and Lee, "A unified approach to interpreting model predictions", arXiv:1705.07874.
    Mitchell, Cooper, Frank and Holmes, "Sampling permutations for Shapley value estimation", arXiv:2104.12199: orders
    with their reverses.

    Examples
    --------
    >>> background, row = np.zeros((1, 2)), np.array([[2.0, 3.0]])
    >>> shapley_values(lambda X: X[:, 0] * X[:, 1] + X[:, 0], background, row)     # the product is shared
    array([[5., 3.]])
    """
    function, rows = explained(model, background, groups)
    result = attributions(
        function,
        rows,
        function.inputs.rows(X),
        method=method,
        n_permutations=n_permutations,
        rng=np.random.default_rng(random_state),
    )
    if not errors:
        return squeezed(result.values)
    return squeezed(result.values), squeezed(np.zeros_like(result.values) if result.errors is None else result.errors)


def attributions(
    function: Explained,
    background: Array,
    rows: Array,
    *,
    method: Method = "auto",
    n_permutations: int = 50,
    rng: np.random.Generator,
) -> Attributions:
    """Compute Shapley values of checked rows; parameters as of `shapley_values`."""
    check_choice("method", method, ("auto", "exact", "permutations"))
    check_whole("n_permutations", n_permutations, least=2)
    columns, count = function.inputs.columns, len(function.inputs.columns)
    if method == "exact" and count > MAX_EXACT:
        raise ParameterError(
            f"exact Shapley values need all 2^{count} sets of {count} columns; the limit is {MAX_EXACT} columns: use "
            'method="permutations", or groups of columns'
        )
    exact = method == "exact" or (method == "auto" and count <= MAX_EXACT)
    known = feature_masks(all_coalitions(count), columns, rows.shape[1]) if exact else np.zeros((0, 0), np.bool_)
    values, errors = [], []
    for row in rows:
        if exact:
            values.append(exact_shapley(coalition_values(function, background, row, known)))
            continue

        def value(masks: Masks, row: Array = row) -> Array:
            return coalition_values(function, background, row, feature_masks(masks, columns, len(row)))

        estimate, error = permutation_shapley(value, count, n_permutations, rng)
        values.append(estimate)
        errors.append(error)
    return Attributions(
        np.array(values), np.array(errors) if errors else None, function(rows), function(background).mean(axis=0)
    )
