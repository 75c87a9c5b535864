"""Splits of a data set over simulated clients, as in the literature on federated learning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.utils import _safe_indexing, check_consistent_length, check_random_state

from qml.checked_data import check_classification_targets
from qml.settings import check_non_negative, check_positive, check_whole

__all__ = ["SPLITS", "dirichlet_split", "feature_split", "iid_split", "quantity_split"]

Client = tuple[Any, Any]
Seed = int | RandomState | None


def iid_split(X: Any, y: Any, n_clients: int, random_state: Seed = None) -> list[Client]:
    """Split rows at random into parts whose sizes differ by at most 1.

    Parameters
    ----------
    X : array-like, shape (n_samples, n_features)
    y : array-like, shape (n_samples,) or (n_samples, n_targets)
    n_clients : int
    random_state : int, RandomState or None

    Returns
    -------
    list of (X, y)
        One pair per client, none empty; each row is in exactly one of them, in the order of X.

    Raises
    ------
    ValueError
        If there are fewer rows than clients.
    """
    n_samples = _checked(X, y, n_clients)
    order = check_random_state(random_state).permutation(n_samples)
    return _parts(X, y, np.array_split(order, n_clients))


def dirichlet_split(X: Any, y: Any, n_clients: int, alpha: float, random_state: Seed = None) -> list[Client]:
    """Split rows so that clients have different proportions of the classes.

    The rows of each class are divided over the clients by a draw from a symmetric Dirichlet distribution: equally for
    ``alpha -> infinity``, each class at few clients for a small alpha.

    Parameters
    ----------
    X : array-like, shape (n_samples, n_features)
    y : array-like, shape (n_samples,)
        Classes.
    n_clients : int
    alpha : float
        Concentration, above 0.
    random_state : int, RandomState or None

    Returns
    -------
    list of (X, y)
        One pair per client; each row is in exactly one of them, in the order of X. A client that the draws leave empty
        takes one row from the largest.

    Raises
    ------
    ValueError
        If there are fewer rows than clients, alpha is not positive, or y does not hold classes.

    References
    ----------
    Hsu, Qi and Brown, arXiv:1909.06335; class by class as in Li, Diao, Chen and He, arXiv:2102.02079.

    Examples
    --------
    >>> y = np.repeat([0, 1], 50)
    >>> [np.bincount(part, minlength=2).tolist() for _, part in dirichlet_split(y[:, None], y, 2, 1e6, 0)]
    [[25, 25], [25, 25]]
    """
    check_positive("alpha", alpha)
    _checked(X, y, n_clients)
    labels = np.asarray(y)
    if labels.ndim != 1:
        raise ValueError(f"dirichlet_split expects one class per row, got y of shape {labels.shape}")
    check_classification_targets(labels)
    rng = check_random_state(random_state)
    parts: list[list[int]] = [[] for _ in range(n_clients)]
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        for part, piece in zip(parts, np.split(rows, _cuts(rng, n_clients, alpha, len(rows))), strict=True):
            part.extend(piece.tolist())
    return _parts(X, y, _filled([np.array(part, np.intp) for part in parts]))


def quantity_split(X: Any, y: Any, n_clients: int, alpha: float, random_state: Seed = None) -> list[Client]:
    """Split rows at random into parts whose shares are drawn from a symmetric Dirichlet distribution.

    Parameters
    ----------
    X : array-like, shape (n_samples, n_features)
    y : array-like, shape (n_samples,) or (n_samples, n_targets)
    n_clients : int
    alpha : float
        Concentration, above 0: the larger, the more equal the sizes.
    random_state : int, RandomState or None

    Returns
    -------
    list of (X, y)
        As from `dirichlet_split`.

    References
    ----------
    Li, Diao, Chen and He, arXiv:2102.02079.
    """
    check_positive("alpha", alpha)
    n_samples = _checked(X, y, n_clients)
    rng = check_random_state(random_state)
    order = rng.permutation(n_samples)
    return _parts(X, y, _filled(np.split(order, _cuts(rng, n_clients, alpha, n_samples))))


def feature_split(X: Any, y: Any, n_clients: int, noise: float, random_state: Seed = None) -> list[Client]:
    """Split rows at random and shift the features of the clients: client k of K gets noise of scale ``noise k / K``.

    Parameters
    ----------
    X : array-like of numbers, shape (n_samples, n_features)
    y : array-like, shape (n_samples,) or (n_samples, n_targets)
    n_clients : int
    noise : float
        Standard deviation of the Gaussian noise of the last client, in standard deviations of each feature.
    random_state : int, RandomState or None

    Returns
    -------
    list of (X, y)
        As from `iid_split`, with noise in X.

    References
    ----------
    Li, Diao, Chen and He, arXiv:2102.02079 (feature distribution skew by noise).
    """
    check_non_negative("noise", noise)
    rng = check_random_state(random_state)
    deviation = noise * np.std(np.asarray(X, np.float64), axis=0)
    parts = iid_split(X, y, n_clients, rng)
    return [
        (part + deviation * (k / n_clients) * rng.standard_normal(np.shape(part)), labels)
        for k, (part, labels) in enumerate(parts, start=1)
    ]


SPLITS: Mapping[str, Callable[..., list[Client]]] = {
    "iid": iid_split,
    "dirichlet": dirichlet_split,
    "quantity": quantity_split,
    "feature": feature_split,
}
"""Splits by name; all but the first take a number for the skew after that of the clients."""


def _checked(X: Any, y: Any, n_clients: int) -> int:
    """Return the number of rows; raise unless there is one per client."""
    check_whole("n_clients", n_clients)
    check_consistent_length(X, y)
    n_samples = len(y)
    if n_samples < n_clients:
        raise ValueError(f"n_samples = {n_samples} is too few for {n_clients} clients: each needs a row")
    return n_samples


def _cuts(rng: RandomState, n_clients: int, alpha: float, count: int) -> NDArray[np.intp]:
    """Draw shares and return the positions at which ``count`` rows are cut."""
    drawn = rng.dirichlet(np.full(n_clients, alpha))
    if not np.isfinite(drawn).all():  # all gamma variates of a tiny alpha underflow: one client gets everything
        drawn = np.eye(n_clients)[rng.randint(n_clients)]
    return np.round(np.cumsum(drawn)[:-1] * count).astype(np.intp)


def _filled(parts: list[NDArray[np.intp]]) -> list[NDArray[np.intp]]:
    """Give each empty part one row of the largest."""
    for k, part in enumerate(parts):
        if not len(part):
            largest = int(np.argmax([len(other) for other in parts]))
            parts[k], parts[largest] = parts[largest][-1:], parts[largest][:-1]
    return parts


def _parts(X: Any, y: Any, rows: list[NDArray[np.intp]]) -> list[Client]:
    X, y = (np.asarray(values) if isinstance(values, list | tuple) else values for values in (X, y))
    return [(_safe_indexing(X, np.sort(part)), _safe_indexing(y, np.sort(part))) for part in rows]
