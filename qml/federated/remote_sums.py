"""Secure aggregation of clients that are elsewhere: their vectors never come to the process of the server."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from qml.federated.clients import Request
from qml.federated.privacy import clipped
from qml.federated.statistics import Statistics
from qml.federated.updates import Update

__all__ = ["Masking", "RemoteSum", "term"]

Array = NDArray[np.float64]
Confirm = Callable[[Sequence[str]], None]


@dataclass(frozen=True)
class Masking:
    """What a client has to know to make its term of a sum, and to mask it.

    Parameters
    ----------
    round : int
        Number of the round, each used once: 1 and above for updates, 0 and below for the shared statistics.
    threshold : int
        Number of clients whose shares remove the masks.
    fraction_bits : int
        Resolution of the sum; see `FixedPoint`.
    factor : float
        Factor of the client's change in the sum.
    clip_norm : float, optional
        Norm to which the client shortens its change, since the server cannot.
    """

    round: int
    threshold: int
    fraction_bits: int
    factor: float = 1.0
    clip_norm: float | None = None


def term(update: Update, masking: Masking) -> Array:
    """Return what a client adds to the sum, the same as the server would make of a change that it sees."""
    change = update.change if masking.clip_norm is None else clipped(update.change, masking.clip_norm)
    return change * masking.factor


@runtime_checkable
class RemoteSum(Protocol):
    """Interface of a secure aggregation whose clients make and mask the vectors themselves.

    ``confirm`` is called with the names of the clients that are in the sum, before their masks are removed; what it
    raises ends the round, and the server does not learn the sum.
    """

    def moments(self, statistics: Statistics, *, round: int, confirm: Confirm) -> Array:
        """Return the sum of the moments of all clients."""
        ...

    def changes(
        self,
        requests: Mapping[str, Request],
        *,
        factors: Mapping[str, float],
        clip_norm: float | None,
        length: int,
        late: Collection[str],
        confirm: Confirm,
    ) -> Array:
        """Let clients train, and return the sum of their changes times their factors, shape (length,).

        Parameters
        ----------
        requests : mapping of client names to Request
        factors : mapping of client names to float
            Factors of all clients that were to be asked, also of those that a simulation lets drop out.
        clip_norm : float or None
            Norm to which the clients shorten their changes.
        length : int
            Length of the vectors.
        late : collection of str
            Clients whose vectors are not awaited, in a simulation.
        """
        ...
