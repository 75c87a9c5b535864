"""Aggregators: from the updates of a round to one change of the weights.

Apart from the mean, they bound the influence of some clients that send arbitrary updates. All need to see each update,
so that only the mean works with secure aggregation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from qml.federated.updates import Update, stacked
from qml.settings import check_flag, check_whole
from simulator.names import by_name

__all__ = [
    "AGGREGATORS",
    "Aggregator",
    "Bulyan",
    "Krum",
    "Mean",
    "Median",
    "MultiKrum",
    "TrimmedMean",
    "get_aggregator",
]

Array = NDArray[np.float64]


@runtime_checkable
class Aggregator(Protocol):
    """Interface of an aggregator."""

    def aggregate(self, updates: Sequence[Update]) -> Array:
        """Combine one or more checked updates of a round into one change, shape (n_weights,)."""
        ...


@dataclass(frozen=True)
class Mean:
    """Mean of the changes.

    Parameters
    ----------
    weighted : bool
        Whether a client counts with its number of samples; otherwise all count alike.

    References
    ----------
    McMahan et al., arXiv:1602.05629.
    """

    weighted: bool = True

    def __post_init__(self) -> None:
        check_flag("weighted", self.weighted)

    def aggregate(self, updates: Sequence[Update]) -> Array:
        return shares(updates, self.weighted) @ stacked(updates)


@dataclass(frozen=True)
class MultiKrum:
    """Weighted mean of the updates that are closest to their neighbours.

    The score of an update is the sum of its squared distances to the ``n - n_malicious - 2`` closest others; the
    updates with the lowest scores are averaged.

    Parameters
    ----------
    n_malicious : int
        Number of malicious clients to tolerate; at least ``2 n_malicious + 3`` updates are needed.
    n_selected : int, optional
        Number of updates that are averaged; by default all but ``n_malicious``.

    References
    ----------
    Blanchard et al., arXiv:1703.02757.
    """

    n_malicious: int = 1
    n_selected: int | None = None

    def __post_init__(self) -> None:
        check_whole("n_malicious", self.n_malicious, least=0)
        check_whole("n_selected", self.n_selected, instead=[None])

    def aggregate(self, updates: Sequence[Update]) -> Array:
        _require(self, updates, 2 * self.n_malicious + 3)
        count = len(updates) - self.n_malicious if self.n_selected is None else self.n_selected
        selected = [updates[k] for k in closest_updates(stacked(updates), self.n_malicious, count)]
        return shares(selected) @ stacked(selected)


@dataclass(frozen=True)
class Krum:
    """The one update that is closest to its neighbours; see `MultiKrum`.

    Parameters
    ----------
    n_malicious : int
        Number of malicious clients to tolerate; at least ``2 n_malicious + 3`` updates are needed.

    References
    ----------
    Blanchard et al., arXiv:1703.02757.
    """

    n_malicious: int = 1

    def __post_init__(self) -> None:
        check_whole("n_malicious", self.n_malicious, least=0)

    def aggregate(self, updates: Sequence[Update]) -> Array:
        _require(self, updates, 2 * self.n_malicious + 3)
        changes = stacked(updates)
        return changes[closest_updates(changes, self.n_malicious, 1)[0]]


@dataclass(frozen=True)
class TrimmedMean:
    """Mean of each weight's changes without the lowest and the highest ones.

    Parameters
    ----------
    fraction : float
        Share of the changes left out at either end, below 0.5; their number is rounded down.

    References
    ----------
    Yin et al., arXiv:1803.01498.
    """

    fraction: float = 0.2

    def __post_init__(self) -> None:
        if isinstance(self.fraction, bool) or not 0 <= self.fraction < 0.5:
            raise ValueError(f"fraction expects a number of at least 0 and below 0.5, got {self.fraction!r}")

    def aggregate(self, updates: Sequence[Update]) -> Array:
        cut = int(self.fraction * len(updates))
        ordered = np.sort(stacked(updates), axis=0)
        return np.asarray(ordered[cut : len(ordered) - cut].mean(axis=0))


@dataclass(frozen=True)
class Median:
    """Median of each weight's changes.

    References
    ----------
    Yin et al., arXiv:1803.01498.
    """

    def aggregate(self, updates: Sequence[Update]) -> Array:
        return np.asarray(np.median(stacked(updates), axis=0))


@dataclass(frozen=True)
class Bulyan:
    """Mean of the changes closest to the median, weight by weight, among the updates that `MultiKrum` selects.

    Parameters
    ----------
    n_malicious : int
        Number f of malicious clients to tolerate; at least ``4 f + 3`` updates are needed. Of n updates, ``n - 2 f``
        are selected, and ``n - 4 f`` changes of each weight averaged.

    Notes
    -----
    The selection ranks all updates once, as in Flower; the paper ranks the remaining ones again after each choice.

    References
    ----------
    El Mhamdi, Guerraoui and Rouault, arXiv:1802.07927.
    """

    n_malicious: int = 1

    def __post_init__(self) -> None:
        check_whole("n_malicious", self.n_malicious, least=0)

    def aggregate(self, updates: Sequence[Update]) -> Array:
        _require(self, updates, 4 * self.n_malicious + 3)
        changes = stacked(updates)
        selected = changes[closest_updates(changes, self.n_malicious, len(changes) - 2 * self.n_malicious)]
        count = len(changes) - 4 * self.n_malicious
        order = np.argsort(np.abs(selected - np.median(selected, axis=0)), axis=0, kind="stable")[:count]
        return np.asarray(np.take_along_axis(selected, order, axis=0).mean(axis=0))


AGGREGATORS: Mapping[str, Callable[..., Aggregator]] = {
    "mean": Mean,
    "krum": Krum,
    "multikrum": MultiKrum,
    "trimmed_mean": TrimmedMean,
    "median": Median,
    "bulyan": Bulyan,
}
"""Aggregators by name."""


def get_aggregator(aggregator: str | Aggregator) -> Aggregator:
    """Return the aggregator of a name, or the object itself.

    Raises
    ------
    UnknownNameError
        If the name is unknown; the nearest ones are suggested.
    """
    result: Any = by_name("aggregator", aggregator, AGGREGATORS, (Aggregator,), {})
    return result  # type: ignore[no-any-return]


def shares(updates: Sequence[Update], weighted: bool = True) -> Array:
    """Return the weight of each update in a mean, shape (n_updates,), with sum 1."""
    counts = np.array([update.n_samples if weighted else 1 for update in updates], np.float64)
    return np.asarray(counts / counts.sum())


def closest_updates(changes: Array, n_malicious: int, count: int) -> NDArray[np.intp]:
    """Return the indices of the changes with the lowest Krum scores, best first.

    Parameters
    ----------
    changes : float ndarray, shape (n_updates, n_weights)
    n_malicious : int
    count : int
        Number of indices.
    """
    with np.errstate(over="ignore"):  # infinitely far
        distances = np.square(changes[:, None] - changes).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    neighbours = max(1, len(changes) - n_malicious - 2)
    scores = np.sort(distances, axis=1)[:, :neighbours].sum(axis=1)
    return np.argsort(scores, kind="stable")[:count]


def _require(aggregator: Any, updates: Sequence[Update], least: int) -> None:
    """Raise unless there are enough updates for the guarantee of the aggregator."""
    if len(updates) < least:
        raise ValueError(
            f"{aggregator!r} needs {least} or more updates in a round, got {len(updates)}; tolerate fewer malicious "
            "clients, raise quorum and client_fraction, or use 'median'"
        )
