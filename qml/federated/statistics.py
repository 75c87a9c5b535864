"""Round 0: what clients tell about their rows, and what they agree on.

Clients send their column names, classes and ranges, the server compares them, and a sum over the clients, secure if it
can be, gives means and covariances.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import _get_feature_names

from simulator.errors import QumbaError

__all__ = [
    "AgreementError",
    "Description",
    "Statistics",
    "agreed",
    "described",
    "moments",
]

Array = NDArray[np.float64]


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
