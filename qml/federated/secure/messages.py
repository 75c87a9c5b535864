"""What the clients and the server of secure aggregation send each other, in the order of a round."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["MaskedVector", "Message", "PublicKeys", "RevealedShares", "SealedShares"]


@dataclass(frozen=True)
class PublicKeys:
    """Public keys of a client, to the server and on to all clients.

    Attributes
    ----------
    client : str
    round : int
    sealing : bytes, 32
        X25519 key by which other clients seal their shares for this one.
    masking : bytes, 32
        X25519 key by which other clients agree on a mask with this one.
    """

    client: str
    round: int
    sealing: bytes
    masking: bytes


@dataclass(frozen=True)
class SealedShares:
    """Shares of a client's secrets, to the server and on to their receivers.

    Attributes
    ----------
    client : str
    round : int
    commitment : bytes, 32
        Hash of the seed of the client's own mask.
    sealed : dict from str to bytes
        For each other client, its shares of the private masking key and of the seed, which only it can open.
    """

    client: str
    round: int
    commitment: bytes
    sealed: Mapping[str, bytes]


@dataclass(frozen=True)
class MaskedVector:
    """A client's vector with all its masks, to the server.

    Attributes
    ----------
    client : str
    round : int
    values : uint64 ndarray, shape (n_weights, 2)
        Low and high words of integers modulo 2**128.
    """

    client: str
    round: int
    values: NDArray[np.uint64]


@dataclass(frozen=True)
class RevealedShares:
    """A client's shares of the secrets that remove the masks, to the server.

    Attributes
    ----------
    client : str
    round : int
    seeds : dict from str to int
        Shares of the seeds of the clients whose vectors are in the sum.
    keys : dict from str to int
        Shares of the private masking keys of the clients that dropped out.
    """

    client: str
    round: int
    seeds: Mapping[str, int]
    keys: Mapping[str, int]


Message = PublicKeys | SealedShares | MaskedVector | RevealedShares
