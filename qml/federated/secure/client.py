"""The part of a client in a round of secure aggregation."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from hashlib import sha256
from typing import Self

from numpy.typing import ArrayLike

from qml.federated.secure.checks import MessageError, by_client, check_enough, check_keys, checked_vector
from qml.federated.secure.fixed_point import FixedPoint, add, subtract
from qml.federated.secure.messages import MaskedVector, PublicKeys, RevealedShares, SealedShares
from qml.federated.secure.primitives import (
    KeyPair,
    commitment,
    context,
    mask,
    masking_purpose,
    random_key,
    seal,
    unseal,
)
from qml.federated.secure.shamir import SHARE_BYTES, split

__all__ = ["SecureClient"]


class SecureClient:
    """A client for one round: its keys, seed and masks are drawn anew, and each method is called once, in order.

    `public_keys`, `seal_shares`, `masked_vector`, `reveal`. A repeated step is refused, since two masked vectors under
    the same masks would give away their difference, and two lists of survivors both secrets of a client. Between steps,
    a process that ends can keep the client as bytes, `to_bytes`, and go on with `from_bytes`.

    Parameters
    ----------
    name : str
    round : int
        Number of the round; messages of other rounds are refused.
    threshold : int
        Number of clients whose shares remove the masks.
    numbers : FixedPoint
        Resolution and range of the sums.

    References
    ----------
    Bonawitz et al., "Practical secure aggregation for privacy-preserving machine learning", CCS 2017, figure 4 for an
    honest but curious server; arXiv:1611.04482.
    """

    def __init__(self, name: str, *, round: int, threshold: int, numbers: FixedPoint | None = None) -> None:
        self.name, self.round, self.threshold = name, round, threshold
        self.numbers = FixedPoint() if numbers is None else numbers
        self._sealing, self._masking = KeyPair.generate(), KeyPair.generate()
        self._seed = random_key()
        self._keys: dict[str, PublicKeys] = {}
        self._own_shares: bytes = b""
        self._received: dict[str, bytes] = {}
        self._next_step = "public_keys"

    def public_keys(self) -> PublicKeys:
        """Return the public keys of this round."""
        self._begin("public_keys", then="seal_shares")
        return PublicKeys(self.name, self.round, sealing=self._sealing.public, masking=self._masking.public)

    def seal_shares(self, keys: Iterable[PublicKeys]) -> SealedShares:
        """Return shares of the private masking key and of the seed, sealed for each of the other clients.

        Parameters
        ----------
        keys : iterable of PublicKeys
            Those of all clients of the round, as the server sent them.

        Raises
        ------
        TooFewClientsError
            If there are fewer clients than the threshold.
        MessageError
            If keys are missing, repeated, changed, or of another round.
        """
        self._begin("seal_shares", then="masked_vector")
        self._keys = by_client(keys, PublicKeys, self.round)
        check_keys(self._keys)
        check_enough(self._keys, self.threshold, self.round, "sent their keys")
        listed = self._keys.get(self.name)
        if listed is None or (listed.sealing, listed.masking) != (self._sealing.public, self._masking.public):
            raise MessageError(f"client {self.name!r} received other public keys under its name, or none")
        names = sorted(self._keys)
        positions = range(1, len(names) + 1)
        key_shares = split(self._masking.private, self.threshold, positions)
        seed_shares = split(self._seed, self.threshold, positions)
        sealed = {}
        for name, key_share, seed_share in zip(names, key_shares, seed_shares, strict=True):
            shares = key_share.to_bytes(SHARE_BYTES, "big") + seed_share.to_bytes(SHARE_BYTES, "big")
            if name == self.name:
                self._own_shares = shares
            else:
                sealed[name] = seal(self._sealing_key(name), shares, self._route(self.name, name))
        return SealedShares(self.name, self.round, commitment(self._seed), sealed)

    def masked_vector(self, vector: ArrayLike, shares: Iterable[SealedShares]) -> MaskedVector:
        """Return the vector plus the client's own mask and a mask for each client that shared its secrets.

        Of each pair of clients, one adds and the other subtracts their common mask, so that these cancel in the sum.

        Parameters
        ----------
        vector : array-like, shape (n_weights,)
        shares : iterable of SealedShares
            Those of the other clients that were sealed for this one; clients without shares have left the round.

        Raises
        ------
        TooFewClientsError
            If fewer clients than the threshold shared their secrets, this one included.
        MessageError
            If shares belong to another round or client.
        ValueError
            If the vector has a NaN or an infinity.
        OverflowError
            If the sum could overflow.
        """
        values = self.numbers.encode(checked_vector(self.name, vector), terms=len(self._keys) or 1)
        self._begin("masked_vector", then="reveal")
        received = by_client(shares, SealedShares, self.round)
        for name, message in received.items():
            if name == self.name or name not in self._keys or self.name not in message.sealed:
                raise MessageError(f"client {self.name!r} received shares from {name!r} that are not for it")
        check_enough([*received, self.name], self.threshold, self.round, "shared their secrets")
        self._received = {name: message.sealed[self.name] for name, message in received.items()}
        values = add(values, mask(self._seed, len(values)))
        for name in received:
            shared = mask(self._masking_key(name), len(values))
            values = add(values, shared) if self.name < name else subtract(values, shared)
        return MaskedVector(self.name, self.round, values)

    def reveal(self, survivors: Collection[str]) -> RevealedShares:
        """Return this client's shares: of the survivors' seeds, and of the masking keys of those that dropped out.

        Never both of one client: with both, the server could unmask that client's vector.

        Parameters
        ----------
        survivors : collection of str
            Clients whose masked vectors the server has.

        Raises
        ------
        TooFewClientsError
            If there are fewer survivors than the threshold.
        MessageError
            If a survivor did not share its secrets, or its shares cannot be opened.
        """
        participants = {*self._received, self.name}
        check_enough(set(survivors), self.threshold, self.round, "sent their masked vectors")
        if unknown := sorted(set(survivors) - participants):
            raise MessageError(f"client {self.name!r} has no shares of the survivors {unknown}")
        self._begin("reveal", then="nothing")
        seeds, keys = {}, {}
        for name in sorted(participants):
            key_share, seed_share = self._opened(name)
            if name in survivors:
                seeds[name] = seed_share
            else:
                keys[name] = key_share
        return RevealedShares(self.name, self.round, seeds, keys)

    def to_bytes(self) -> bytes:
        """Return everything that the client knows between two steps, its private keys included: it must not be sent.

        Only the newest bytes may be used again, since older ones would repeat a step.
        """
        data = {
            "name": self.name,
            "round": self.round,
            "threshold": self.threshold,
            "fraction_bits": self.numbers.fraction_bits,
            "sealing": self._sealing.private.hex(),
            "masking": self._masking.private.hex(),
            "seed": self._seed.hex(),
            "keys": {name: [keys.sealing.hex(), keys.masking.hex()] for name, keys in self._keys.items()},
            "own_shares": self._own_shares.hex(),
            "received": {name: sealed.hex() for name, sealed in self._received.items()},
            "next_step": self._next_step,
        }
        text = json.dumps(data).encode()
        return sha256(text).hexdigest().encode() + b" " + text

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Return the client of `to_bytes`.

        Raises
        ------
        MessageError
            If the bytes are not as `to_bytes` returned them; a client with another seed would spoil the sum.
        """
        checksum, _, text = content.partition(b" ")
        if content.startswith(b"{"):  # of an earlier version
            text = content
        elif checksum != sha256(text).hexdigest().encode():
            raise MessageError("expected the bytes that to_bytes returned, their checksum is not that of their content")
        data = json.loads(text)
        numbers = FixedPoint(data["fraction_bits"])
        client = cls(data["name"], round=data["round"], threshold=data["threshold"], numbers=numbers)
        client._sealing = KeyPair.from_private(bytes.fromhex(data["sealing"]))
        client._masking = KeyPair.from_private(bytes.fromhex(data["masking"]))
        client._seed, client._own_shares = bytes.fromhex(data["seed"]), bytes.fromhex(data["own_shares"])
        client._keys = {
            name: PublicKeys(name, client.round, *map(bytes.fromhex, pair)) for name, pair in data["keys"].items()
        }
        client._received = {name: bytes.fromhex(sealed) for name, sealed in data["received"].items()}
        client._next_step = data["next_step"]
        return client

    def _begin(self, step: str, then: str) -> None:
        if step != self._next_step:
            raise RuntimeError(f"client {self.name!r} expects {self._next_step} next in round {self.round}, got {step}")
        self._next_step = then

    def _opened(self, name: str) -> tuple[int, int]:
        """Return this client's shares of another's masking key and seed."""
        shares = self._own_shares
        if name != self.name:
            shares = unseal(self._sealing_key(name), self._received[name], self._route(name, self.name))
        return int.from_bytes(shares[:SHARE_BYTES], "big"), int.from_bytes(shares[SHARE_BYTES:], "big")

    def _route(self, sender: str, receiver: str) -> bytes:
        return context("shares", self.round, sender, receiver)

    def _sealing_key(self, other: str) -> bytes:
        return self._sealing.agree(
            self._keys[other].sealing, context("sealing", self.round, *sorted((self.name, other)))
        )

    def _masking_key(self, other: str) -> bytes:
        return self._masking.agree(self._keys[other].masking, masking_purpose(self.round, self.name, other))
