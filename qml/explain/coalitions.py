"""Expected outputs when some columns are known: the game whose players are the columns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qml.explain.inputs import InputColumn

__all__ = ["MAX_EXACT", "all_coalitions", "coalition_values", "exact_shapley", "feature_masks", "permutation_shapley"]

Array = NDArray[np.float64]
Masks = NDArray[np.bool_]

MAX_EXACT = 12
"""Maximum number of players of which all coalitions are evaluated."""

ROWS_AT_ONCE = 1 << 12
"""Number of rows that are composed at a time: they and their predictions stay in a cache, which is 2.5 times as fast as
32 768 at a time (10 columns, 4 qubits)."""


def all_coalitions(count: int) -> Masks:
    """Return all subsets of the players, shape (2^count, count); player i is in subset s if bit i of s is set."""
    return (np.arange(1 << count)[:, None] >> np.arange(count) & 1).astype(np.bool_)


def feature_masks(masks: Masks, columns: tuple[InputColumn, ...], num_features: int) -> Masks:
    """Return which features are known if these columns are, shape (n_masks, num_features)."""
    out = np.zeros((len(masks), num_features), np.bool_)
    for number, column in enumerate(columns):
        out[:, list(column.features)] = masks[:, number, None]
    return out


def coalition_values(function: Callable[[Array], Array], background: Array, row: Array, known: Masks) -> Array:
    """Compute ``v(S) = mean over background rows b of f(x_S, b_rest)``, shape (n_masks, n_outputs).

    Parameters
    ----------
    function : callable
        Rows to outputs, shape (n_rows, n_outputs).
    background : float ndarray, shape (n_background, n_features)
    row : float ndarray, shape (n_features,)
    known : bool ndarray, shape (n_masks, n_features)
        Features that are taken from the row.
    """
    step = max(1, ROWS_AT_ONCE // len(background))
    parts = []
    for start in range(0, len(known), step):
        masks = known[start : start + step]
        rows = np.where(masks[:, None, :], row, background).reshape(-1, len(row))
        values = function(rows)
        parts.append(values.reshape(len(masks), len(background), -1).mean(axis=1))
    return np.concatenate(parts)


def exact_shapley(values: Array) -> Array:
    """Compute Shapley values, shape (n_players, n_outputs), from the values of all coalitions.

    ``phi_i = sum over S without i of |S|! (n - |S| - 1)! / n! (v(S and i) - v(S))``.

    Parameters
    ----------
    values : float ndarray, shape (2^n_players, n_outputs)
        In the order of `all_coalitions`.
    """
    count = len(values).bit_length() - 1
    subsets = np.arange(len(values))
    sizes = all_coalitions(count).sum(axis=1)
    weights = np.ones(max(count, 1)) / max(count, 1)  # s! (n - s - 1)! / n!, from one s to the next
    for size in range(1, count):
        weights[size] = weights[size - 1] * size / (count - size)
    out = np.empty((count, values.shape[1]))
    for player in range(count):
        without = subsets[subsets >> player & 1 == 0]
        out[player] = weights[sizes[without]] @ (values[without | 1 << player] - values[without])
    return out


def permutation_shapley(
    value: Callable[[Masks], Array], count: int, n_permutations: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Estimate Shapley values from random orders, each with its reverse; return them and their standard errors.

    Parameters
    ----------
    value : callable
        Masks of players, shape (n_masks, count), to values, shape (n_masks, n_outputs).
    count : int
        Number of players.
    n_permutations : int
        Number of pairs of orders; at least 2.
    rng : Generator
    """
    orders = [order for _ in range(n_permutations) for order in _with_reverse(rng.permutation(count))]
    masks = np.zeros((len(orders), count + 1, count), np.bool_)
    for number, order in enumerate(orders):
        for place, player in enumerate(order):
            masks[number, place + 1 :, player] = True
    sets, places = np.unique(masks.reshape(-1, count), axis=0, return_inverse=True)  # few players: many sets recur
    values = value(sets)[places.ravel()].reshape(len(orders), count + 1, -1)
    gains = np.empty((len(orders), count, values.shape[2]))
    for number, order in enumerate(orders):
        gains[number, order] = np.diff(values[number], axis=0)
    pairs = gains.reshape(n_permutations, 2, count, -1).mean(axis=1)
    return pairs.mean(axis=0), pairs.std(axis=0, ddof=1) / np.sqrt(n_permutations)


def _with_reverse(order: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return order, order[::-1]
