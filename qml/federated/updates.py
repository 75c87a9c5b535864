"""Values that cross the boundary between a client and the server, and the check of what a client sends."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from simulator.errors import QumbaError

__all__ = ["SecureSum", "Update", "UpdateError", "check_update", "stacked"]

Array = NDArray[np.float64]


class UpdateError(QumbaError, ValueError):
    """An update is not usable: not finite, of another shape or round, a second one, or from an unknown client."""


@dataclass(frozen=True, eq=False)
class Update:
    """Result of one client in one round.

    Parameters
    ----------
    client : str
        Name of the client.
    round : int
        Number of the round, counted from 1.
    change : float ndarray, shape (n_weights,)
        Weights after local training, minus those that the server sent.
    n_samples : int
        Number of rows of the client, its weight in means.
    """

    client: str
    round: int
    change: Array
    n_samples: int


@runtime_checkable
class SecureSum(Protocol):
    """Interface of a secure aggregation: the server learns a sum of vectors and no single vector."""

    def sum(self, vectors: Mapping[str, Array], *, round: int, dropped: Collection[str] = ()) -> Array:
        """Compute the sum of the vectors of the clients that did not drop out.

        Parameters
        ----------
        vectors : mapping of client names to float ndarrays, shape (n,) each
            Vectors of all clients that took part in the round's key exchange, also of those that drop out later.
        round : int
            Number of the round, each used once: 1 and above for updates, 0 and below for the shared statistics.
        dropped : collection of str
            Names of the clients that dropped out after the key exchange.

        Returns
        -------
        float ndarray, shape (n,)

        Raises
        ------
        ValueError
            If fewer clients than the threshold remain.
        """
        ...


def check_update(
    update: Update, *, round: int, n_weights: int, expected: Collection[str], seen: Collection[str]
) -> None:
    """Check an update before it is aggregated.

    Parameters
    ----------
    update : Update
    round : int
        Number of the current round.
    n_weights : int
    expected : collection of str
        Names of the clients that were asked in this round.
    seen : collection of str
        Names of the clients whose updates of this round have been accepted.

    Raises
    ------
    UpdateError
        If the update is from a client that was not asked, from another round (a late or replayed message), the second
        one of its client, of the wrong shape, not finite, or has no positive integer number of samples.
    """
    name = f"update of client {update.client!r}"
    if update.client not in expected:
        raise UpdateError(f"{name}: the client was not asked in round {round}")
    if update.round != round:
        raise UpdateError(f"{name}: expected round {round}, got round {update.round!r}; it is late or replayed")
    if update.client in seen:
        raise UpdateError(f"{name}: a second update in round {round}; the first one counts")
    if isinstance(update.n_samples, bool) or not isinstance(update.n_samples, Integral) or update.n_samples < 1:
        raise UpdateError(f"{name}: expected a positive integer number of samples, got {update.n_samples!r}")
    change = np.asarray(update.change)
    if change.shape != (n_weights,) or change.dtype.kind not in "fiu":
        raise UpdateError(
            f"{name}: expected {n_weights} real numbers of shape ({n_weights},), got shape {change.shape} of type "
            f"{change.dtype}"
        )
    if not np.isfinite(change).all():
        raise UpdateError(f"{name}: {int((~np.isfinite(change)).sum())} of {n_weights} numbers are not finite")


def stacked(updates: Iterable[Update]) -> Array:
    """Return the changes as rows, shape (n_clients, n_weights)."""
    return np.stack([np.asarray(update.change, np.float64) for update in updates])
