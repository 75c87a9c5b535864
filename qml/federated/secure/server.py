"""The part of the server in a round of secure aggregation."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from qml.federated.secure.checks import MessageError, by_client, check_enough, check_keys
from qml.federated.secure.fixed_point import WORDS, FixedPoint, add, subtract
from qml.federated.secure.messages import MaskedVector, PublicKeys, RevealedShares, SealedShares
from qml.federated.secure.primitives import KeyPair, commitment, mask, masking_purpose
from qml.federated.secure.shamir import combine

__all__ = ["SecureServer"]


class SecureServer:
    """The server for one round; each method is called once, in order, with the messages that have arrived.

    `collect_keys`, `route_shares`, `collect_vectors`, `unmask`. Clients that send nothing in a step have dropped out.

    Parameters
    ----------
    round : int
        Number of the round; messages of other rounds are refused.
    threshold : int
        Number of clients whose shares remove the masks.
    n_weights : int
        Length of the vectors.
    numbers : FixedPoint
        Resolution and range of the sums, the same as the clients'.

    References
    ----------
    Bonawitz et al., "Practical secure aggregation for privacy-preserving machine learning", CCS 2017, figure 4 for an
    honest but curious server; arXiv:1611.04482.
    """

    def __init__(self, *, round: int, threshold: int, n_weights: int, numbers: FixedPoint | None = None) -> None:
        self.round, self.threshold, self.n_weights = round, threshold, n_weights
        self.numbers = FixedPoint() if numbers is None else numbers
        self._keys: dict[str, PublicKeys] = {}
        self._shares: dict[str, SealedShares] = {}
        self._vectors: dict[str, MaskedVector] = {}

    def collect_keys(self, messages: Iterable[PublicKeys]) -> list[PublicKeys]:
        """Return the public keys to send to all clients of the round.

        Raises
        ------
        TooFewClientsError
            If there are fewer clients than the threshold.
        MessageError
            If keys are repeated, malformed, or of another round.
        """
        keys = by_client(messages, PublicKeys, self.round)
        check_keys(keys)
        check_enough(keys, self.threshold, self.round, "sent their keys")
        self._keys = keys
        return list(keys.values())

    def route_shares(self, messages: Iterable[SealedShares]) -> dict[str, list[SealedShares]]:
        """Return the sealed shares to send to each client, without those that it sent or cannot open.

        Raises
        ------
        TooFewClientsError
            If fewer clients than the threshold shared their secrets.
        MessageError
            If a client is unknown, repeated, of another round, or left out the shares of another.
        """
        shares = by_client(messages, SealedShares, self.round)
        for name, message in shares.items():
            if name not in self._keys or set(message.sealed) != self._keys.keys() - {name}:
                raise MessageError(f"client {name!r} has to seal shares for {sorted(self._keys.keys() - {name})}")
        check_enough(shares, self.threshold, self.round, "shared their secrets")
        self._shares = shares
        return {
            receiver: [
                SealedShares(sender, self.round, message.commitment, {receiver: message.sealed[receiver]})
                for sender, message in shares.items()
                if sender != receiver
            ]
            for receiver in shares
        }

    def collect_vectors(self, messages: Iterable[MaskedVector]) -> list[str]:
        """Return the survivors to ask for shares: the clients whose masked vectors have arrived.

        Raises
        ------
        TooFewClientsError
            If fewer clients than the threshold sent theirs.
        MessageError
            If a client is unknown, repeated, or of another round, or its vector has a wrong length or type.
        """
        vectors = by_client(messages, MaskedVector, self.round)
        for name, message in vectors.items():
            if name not in self._shares:
                raise MessageError(f"client {name!r} sent a masked vector, but did not share its secrets")
            if message.values.shape != (self.n_weights, WORDS) or message.values.dtype != np.uint64:
                raise MessageError(
                    f"client {name!r} sent {message.values.dtype} of shape {message.values.shape}, expected uint64 of "
                    f"shape ({self.n_weights}, {WORDS})"
                )
        check_enough(vectors, self.threshold, self.round, "sent their masked vectors")
        self._vectors = vectors
        return sorted(vectors)

    def unmask(self, messages: Iterable[RevealedShares]) -> NDArray[np.float64]:
        """Return the sum of the survivors' vectors, shape (n_weights,).

        Raises
        ------
        TooFewClientsError
            If fewer survivors than the threshold revealed their shares.
        MessageError
            If a client is unknown, repeated or of another round, revealed shares of the wrong clients, or its shares do
            not give what was announced.
        """
        revealed = by_client(messages, RevealedShares, self.round)
        survivors, dropped = self._vectors.keys(), self._shares.keys() - self._vectors.keys()
        for name, message in revealed.items():
            if name not in survivors or message.seeds.keys() != survivors or message.keys.keys() != dropped:
                raise MessageError(
                    f"client {name!r} has to reveal shares of the seeds of {sorted(survivors)} and of the keys of "
                    f"{sorted(dropped)}"
                )
        check_enough(revealed, self.threshold, self.round, "revealed their shares")
        positions = {name: position for position, name in enumerate(sorted(self._keys), start=1)}
        total = np.zeros((self.n_weights, WORDS), dtype=np.uint64)
        for name in survivors:
            seed = combine(
                {positions[other]: message.seeds[name] for other, message in revealed.items()}, self.threshold
            )
            if commitment(seed) != self._shares[name].commitment:
                raise MessageError(f"the shares of the seed of {name!r} do not give the seed that it announced")
            total = add(total, subtract(self._vectors[name].values, mask(seed, self.n_weights)))
        for name in sorted(dropped):
            key = combine({positions[other]: message.keys[name] for other, message in revealed.items()}, self.threshold)
            pair = KeyPair.from_private(key)
            if pair.public != self._keys[name].masking:
                raise MessageError(f"the shares of the masking key of {name!r} do not give the key that it announced")
            for other in survivors:  # what the other added or subtracted for the client that dropped out
                key = pair.agree(self._keys[other].masking, masking_purpose(self.round, name, other))
                shared = mask(key, self.n_weights)
                total = subtract(total, shared) if other < name else add(total, shared)
        return self.numbers.decode(total)
