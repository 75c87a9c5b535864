"""Round 0: what clients tell about their rows, and rows that have the agreed statistics.

Clients send their column names, classes and ranges, the server compares them, and a sum over the clients, secure if it
can be, gives means and covariances. From these, each party makes the same artificial rows, and the estimator learns its
scaling from them as it would from data: no row leaves its client.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import _get_feature_names

from simulator.errors import QumbaError

__all__ = [
    "AgreementError",
    "Description",
    "Statistics",
    "agreed",
    "artificial_rows",
    "described",
    "moments",
    "same_scaling",
]

Array = NDArray[np.float64]
Coupling = Literal["equal", "alternating", "normal"]

NEGLIGIBLE = 1e-200
"""Weight of the rows that hold the ranges: too small to change a mean, enough to change a maximum."""

DRAWN_ROWS = 256
"""Number of artificial rows with given covariances, beyond two per feature: enough for landmarks and components."""


class AgreementError(QumbaError, ValueError):
    """Clients cannot be trained together: other columns, other kinds of targets, NaN, or one class only."""


@dataclass(frozen=True, eq=False)
class Description:
    """What a client tells about its rows in round 0.

    Parameters
    ----------
    client : str
    n_samples : int
    shape : tuple of int
        Shape of a row.
    names : tuple of str or None
        Column names, if X has any.
    classes : ndarray or None
        Sorted classes of y; None for a regressor.
    counts : int ndarray or None
        Number of rows of each class.
    n_targets : int
        Number of columns of y; 0 if y has one dimension.
    low, high : float ndarray, shape (n_columns,)
        Range of each feature, and for a regressor of each target behind them.
    """

    client: str
    n_samples: int
    shape: tuple[int, ...]
    names: tuple[str, ...] | None
    classes: NDArray[Any] | None
    counts: NDArray[np.int64] | None
    n_targets: int
    low: Array
    high: Array


@dataclass(frozen=True, eq=False)
class Statistics:
    """What all parties know after round 0.

    Parameters
    ----------
    n_samples : int
        Number of rows of all clients.
    shape, names, classes, counts, n_targets, low, high
        As in `Description`, of all clients together.
    mean : float ndarray, shape (n_columns,)
    covariance : float ndarray, shape (n_columns, n_columns)
        Of the rows as a population, in units of the ranges: each column is divided by ``high - low``.
    """

    n_samples: int
    shape: tuple[int, ...]
    names: tuple[str, ...] | None
    classes: NDArray[Any] | None
    counts: NDArray[np.int64] | None
    n_targets: int
    low: Array
    high: Array
    mean: Array = field(default_factory=lambda: np.zeros(0))
    covariance: Array = field(default_factory=lambda: np.zeros((0, 0)))

    @property
    def span(self) -> Array:
        """Width of each range; 1 for a constant column."""
        width = self.high - self.low
        return np.where(width > 0, width, 1.0)

    def with_moments(self, total: Array) -> Statistics:
        """Return the statistics with the sum over the clients of their `moments`."""
        count = len(self.low)
        mean, second = total[:count], np.zeros((count, count))
        second[np.triu_indices(count)] = total[count:]
        second = np.triu(second) + np.triu(second, 1).T
        covariance = second - np.outer(mean, mean)
        return replace(self, mean=self.low + self.span * mean, covariance=covariance)


def columns(X: Any, y: Any, classes: NDArray[Any] | None) -> Array:
    """Return the features, and for a regressor the targets, as columns of numbers."""
    features = np.asarray(X, np.float64).reshape(len(X), -1)
    if classes is not None:
        return features
    return np.concatenate([features, np.asarray(y, np.float64).reshape(len(features), -1)], axis=1)


def described(client: str, X: Any, y: Any, classifier: bool, ranges: bool = True) -> Description:
    """Describe the rows of a client.

    Parameters
    ----------
    client : str
    X, y : array-like
    classifier : bool
    ranges : bool
        Whether to tell the ranges; otherwise `Description.low` and `high` are empty.

    Raises
    ------
    AgreementError
        If X or y holds NaN or infinity, something that is not a number, or no rows.
    """
    labels = np.asarray(y)
    if not len(labels) or np.shape(X)[0] != len(labels):
        raise AgreementError(
            f"client {client!r}: expected one or more rows and as many targets, got {np.shape(X)} and {labels.shape}"
        )
    classes = counts = None
    if classifier:
        classes, counts = np.unique(labels, return_counts=True)
        if labels.dtype.kind == "f" and not np.isfinite(labels).all():
            raise AgreementError(f"client {client!r}: y contains NaN or infinity; remove these rows")
        if labels.ndim > 1:
            classes, counts = np.array([0, 1]), np.ones(2, np.int64)
    try:
        values = columns(X, y, classes)
    except (TypeError, ValueError) as error:
        raise AgreementError(f"client {client!r}: X and y must be numbers ({error})") from error
    if not np.isfinite(values).all():
        column = int(np.argmin(np.isfinite(values).all(axis=0)))
        place = f"column {column} of X" if column < np.prod(np.shape(X)[1:]) else "y"
        raise AgreementError(f"client {client!r}: {place} contains NaN or infinity; impute or remove these rows")
    names = _get_feature_names(X)
    return Description(
        client,
        len(labels),
        np.shape(X)[1:],
        None if names is None else tuple(map(str, names)),
        classes,
        counts,
        labels.shape[1] if labels.ndim > 1 else 0,
        values.min(axis=0) if ranges else np.zeros(0),
        values.max(axis=0) if ranges else np.zeros(0),
    )


def agreed(
    descriptions: Sequence[Description], classes: Any = None, reference: Description | None = None
) -> Statistics:
    """Compare the clients' descriptions, and combine them.

    Parameters
    ----------
    descriptions : sequence of Description
    classes : array-like, optional
        All classes; by default those of the clients together, or of the reference.
    reference : Description, optional
        Description of public rows, whose ranges and classes count instead of the clients'.

    Raises
    ------
    AgreementError
        If a client has other columns, targets of another kind, or unknown classes; it is named. If all clients together
        have one class only.
    """
    sources = descriptions if reference is None else [reference]
    first = sources[0]
    for other in descriptions:
        _check_columns(first, other)
    out = Statistics(
        sum(description.n_samples for description in descriptions),
        first.shape,
        first.names,
        None,
        None,
        first.n_targets,
        np.min([description.low for description in sources], axis=0),
        np.max([description.high for description in sources], axis=0),
    )
    if first.classes is None:
        return out
    every = [source.classes for source in sources if source.classes is not None]
    known = np.unique(np.concatenate(every) if classes is None else np.asarray(classes))
    counts = np.zeros(len(known), np.int64)
    for description in (*descriptions, *sources):
        assert description.classes is not None
        unknown = np.setdiff1d(description.classes, known)
        if len(unknown):
            raise AgreementError(
                f"client {description.client!r} has the classes {unknown.tolist()}, which are not among "
                f"{known.tolist()}"
            )
    for source in sources:
        for label, count in zip(source.classes, source.counts, strict=True):  # type: ignore[arg-type]
            counts[np.searchsorted(known, label)] += count
    if len(known) < 2:
        raise AgreementError(f"a classifier needs 2 or more classes, all clients together have one: {known.tolist()}")
    return replace(out, classes=known, counts=counts)


def moments(statistics: Statistics, X: Any, y: Any) -> Array:
    """Return a client's share of the means and second moments, shape (n_columns (n_columns + 3) / 2,), in [0, 1].

    Columns are brought to [0, 1] by the agreed ranges, and sums divided by the number of rows of all clients, so that
    the sum over the clients is a mean, and squares lose no digits.
    """
    unit = (columns(X, y, statistics.classes) - statistics.low) / statistics.span
    second = unit.T @ unit
    return np.concatenate([unit.sum(axis=0), second[np.triu_indices(len(second))]]) / statistics.n_samples


def artificial_rows(statistics: Statistics, coupling: Coupling, seed: int = 0) -> tuple[Any, Any, Array]:
    """Make rows that have the agreed statistics.

    Parameters
    ----------
    statistics : Statistics
    coupling : {"equal", "alternating", "normal"}
        ``"equal"`` and ``"alternating"``: with the given means, variances and ranges; all columns rise together, or
        every second one falls. ``"normal"``: with the given means and covariances.
    seed : int
        Seed for the normal rows.

    Returns
    -------
    X, y : ndarray or DataFrame, ndarray
    sample_weight : float ndarray, shape (n_rows,)
    """
    if coupling == "normal":
        rows, weight = _normal(statistics, seed)
    else:
        rows, weight = _with_ranges(statistics, np.arange(len(statistics.mean)) % 2 * (coupling == "alternating"))
    features = rows[:, : int(np.prod(statistics.shape))]
    X: Any = features.reshape(len(rows), *statistics.shape)
    if statistics.names is not None:
        import pandas as pd

        X = pd.DataFrame(features, columns=list(statistics.names))
    numbers = np.arange(len(rows))
    if statistics.classes is None:
        targets = rows[:, features.shape[1] :]
        return X, targets if statistics.n_targets else targets[:, 0], weight
    if statistics.n_targets:
        return X, (numbers[:, None] + np.arange(statistics.n_targets)) % 2, weight
    return X, statistics.classes[numbers % len(statistics.classes)], weight


def same_scaling(first: Any, second: Any) -> bool:
    """Whether two estimators that have begun have the same scaling and initial weights, up to rounding."""
    pairs = ((first.scaling_.factor, second.scaling_.factor), (first.weights_, second.weights_))
    return all(a.shape == b.shape and np.allclose(a, b, rtol=1e-6, atol=1e-9) for a, b in pairs)


def _check_columns(first: Description, other: Description) -> None:
    """Raise unless two clients have the same columns and kind of targets."""
    both = f"client {other.client!r}", f"client {first.client!r}"
    if other.shape != first.shape:
        raise AgreementError(f"{both[0]} has rows of shape {other.shape}, {both[1]} of {first.shape}")
    if other.names != first.names:
        if other.names is None or first.names is None:
            named = both if first.names is None else both[::-1]
            raise AgreementError(
                f"{named[0]} has column names and {named[1]} has none: give all of them names, or none"
            )
        same = sorted(other.names) == sorted(first.names)
        place = next(k for k, pair in enumerate(zip(other.names, first.names, strict=True)) if pair[0] != pair[1])
        raise AgreementError(
            f"{both[0]} has {'the features in another order' if same else 'other features'} than {both[1]}: column "
            f"{place} is {other.names[place]!r} instead of {first.names[place]!r}"
        )
    if other.n_targets != first.n_targets:
        raise AgreementError(f"{both[0]} has {other.n_targets or 1} columns of y, {both[1]} {first.n_targets or 1}")
    if first.classes is not None and other.classes is not None:
        kinds = [("U" if classes.dtype.kind in "UOS" else "n") for classes in (first.classes, other.classes)]
        if kinds[0] != kinds[1]:
            raise AgreementError(
                f"{both[0]} has labels such as {other.classes.tolist()[0]!r}, {both[1]} such as "
                f"{first.classes.tolist()[0]!r}: use the same labels everywhere"
            )


def _with_ranges(statistics: Statistics, falling: NDArray[Any]) -> tuple[Array, Array]:
    """Make at most 4 n + 3 rows with the given means, variances and ranges.

    As a function of u, uniform on [0, 1], each column takes its lowest value, its mean and its highest value on three
    intervals whose lengths give its variance (in the opposite order where it is falling); each part of [0, 1] without a
    change is a row, weighted by its length.
    """
    mean, low, high = statistics.mean, statistics.low, statistics.high
    variance = np.maximum(np.diag(statistics.covariance), 0.0) * statistics.span**2
    at_low, at_high = np.zeros_like(mean), np.zeros_like(mean)
    np.divide(variance, (mean - low) * statistics.span, out=at_low, where=mean > low)
    np.divide(variance, (high - mean) * statistics.span, out=at_high, where=high > mean)
    changes = np.stack([at_low, 1.0 - at_high])
    ends = np.unique(np.clip(np.append(np.where(falling, 1.0 - changes, changes), [0.0, 1.0]), 0.0, 1.0))
    middles, weight = ((ends[:-1] + ends[1:]) / 2)[:, None], np.diff(ends)
    u = np.where(falling, 1.0 - middles, middles)
    rows = np.where(u < changes[0], low, np.where(u > changes[1], high, mean))
    return np.vstack([rows, low, high]), np.append(weight, [NEGLIGIBLE, NEGLIGIBLE])


def _normal(statistics: Statistics, seed: int) -> tuple[Array, Array]:
    """Draw normal rows and correct them so that mean and covariance are exactly the given ones."""
    count = len(statistics.mean)
    n_rows = DRAWN_ROWS + 2 * count
    drawn = np.random.default_rng([seed, 0, 1]).standard_normal((n_rows, count))
    drawn -= drawn.mean(axis=0)
    drawn = np.sqrt(n_rows) * np.linalg.svd(drawn, full_matrices=False)[0]  # columns with unit covariance
    eigenvalues, vectors = np.linalg.eigh(statistics.covariance)
    root = vectors * np.sqrt(np.maximum(eigenvalues, 0.0))
    return statistics.mean + (drawn @ root.T) * statistics.span, np.ones(n_rows)
