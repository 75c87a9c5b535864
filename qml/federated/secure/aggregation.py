"""Secure aggregation of the clients of one process."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.federated.secure.checks import checked_vector
from qml.federated.secure.client import SecureClient
from qml.federated.secure.fixed_point import FixedPoint
from qml.federated.secure.messages import Message
from qml.federated.secure.server import SecureServer
from qml.settings import check_whole

__all__ = ["SecureAggregation"]


@dataclass
class SecureAggregation:
    """Sums of which the server learns nothing but the result, by pairwise masks that cancel.

    In each round, every client adds to its vector a mask of its own and one for each other client. The secrets behind
    the masks are shared among the clients, so that ``threshold`` of them can remove what is left by clients that drop
    out. A server that follows the protocol sees uniformly random numbers from each client and the sum of all, even if
    it conspires with fewer than ``threshold`` clients.

    What the sum itself tells is not hidden: noise protects against that. A server that lies, by giving clients false
    keys or different lists of survivors, is not detected; this takes keys that are signed by somebody else.

    Parameters
    ----------
    threshold : int, optional
        Number of clients, at least 2, that have to remain to the end of a round; by default more than two thirds.
    fraction_bits : int, from 0 to 126
        Numbers are rounded to multiples of ``2**-fraction_bits``: a sum of n vectors is off by at most
        ``n * 2**-(fraction_bits + 1)``, besides the rounding of a float64. The magnitude of each number is limited to
        ``2**(127 - fraction_bits) / n``.

    Attributes
    ----------
    received_ : tuple of messages
        Everything that the server received in the last round.

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    Bonawitz et al., "Practical secure aggregation for privacy-preserving machine learning", CCS 2017; arXiv:1611.04482.

    Examples
    --------
    >>> secure = SecureAggregation(threshold=2)
    >>> secure.sum({"a": [1.0, 2.0], "b": [0.5, -1.0], "c": [9.0, 9.0]}, round=0, dropped=["c"])
    array([1.5, 1. ])
    """

    threshold: int | None = None
    fraction_bits: int = 64
    received_: tuple[Message, ...] = field(default=(), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.threshold is not None:
            check_whole("threshold", self.threshold, least=2)
        FixedPoint(self.fraction_bits)

    def threshold_of(self, count: int) -> int:
        """Return the threshold of a round in which ``count`` clients are asked."""
        return max(2, count * 2 // 3 + 1) if self.threshold is None else self.threshold

    def sum(
        self,
        vectors: Mapping[str, ArrayLike],
        *,
        round: int,
        dropped: Collection[str] = (),
        silent: Collection[str] = (),
    ) -> NDArray[np.float64]:
        """Return the sum of the vectors of the clients that did not drop out.

        Parameters
        ----------
        vectors : dict from str to array-like, shape (n_weights,)
            Vector of each client; those of clients that drop out are not needed, and not used.
        round : int
            Number of the round, to which all messages are bound.
        dropped : collection of str
            Clients that leave after they shared their secrets and before they send their vector.
        silent : collection of str
            Clients that leave after they sent their vector, which is in the sum.

        Returns
        -------
        float ndarray, shape (n_weights,)

        Raises
        ------
        TooFewClientsError
            If fewer clients than the threshold are left.
        ValueError
            If the vectors differ in length, or one has a NaN or an infinity; the client is named.
        OverflowError
            If the sum could overflow.
        """
        names = sorted({*vectors, *dropped})
        remaining = [name for name in names if name not in dropped]
        threshold = self.threshold_of(len(names))
        numbers = FixedPoint(self.fraction_bits)
        values = {name: checked_vector(name, vectors[name]) for name in remaining}
        n_weights = len(values[remaining[0]]) if remaining else 0
        for name, vector in values.items():
            checked_vector(name, vector, n_weights)
        clients = {name: SecureClient(name, round=round, threshold=threshold, numbers=numbers) for name in names}
        server = SecureServer(round=round, threshold=threshold, n_weights=n_weights, numbers=numbers)

        keys = [clients[name].public_keys() for name in names]
        announced = server.collect_keys(keys)
        shares = [clients[name].seal_shares(announced) for name in names]
        inboxes = server.route_shares(shares)
        masked = [clients[name].masked_vector(values[name], inboxes[name]) for name in remaining]
        self.received_ = (*keys, *shares, *masked)
        survivors = server.collect_vectors(masked)
        revealed = [clients[name].reveal(survivors) for name in survivors if name not in silent]
        self.received_ += tuple(revealed)
        return server.unmask(revealed)
