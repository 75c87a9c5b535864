"""Checks of received messages, which clients and server have in common."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.federated.secure.messages import Message, PublicKeys
from qml.federated.secure.primitives import KEY_BYTES
from simulator.errors import QumbaError

__all__ = ["MessageError", "TooFewClientsError", "by_client", "check_enough", "check_keys", "checked_vector"]

M = TypeVar("M", bound=Message)


class MessageError(QumbaError, ValueError):
    """A message of secure aggregation is not usable: changed, repeated, incomplete, or of another round."""


class TooFewClientsError(QumbaError, ValueError):
    """Fewer clients are left in a round than the threshold of secure aggregation."""


def by_client(messages: Iterable[M], kind: type[M], round: int) -> dict[str, M]:
    """Return messages by their clients.

    Raises
    ------
    MessageError
        If one has another type, belongs to another round, or a client sent two.
    """
    received: dict[str, M] = {}
    for message in messages:
        if not isinstance(message, kind):
            raise MessageError(f"round {round} expects {kind.__name__} now, got {type(message).__name__}")
        name = f"client {message.client!r} sent {kind.__name__}"
        if message.round != round:
            raise MessageError(f"{name} of round {message.round} in round {round}")
        if message.client in received:
            raise MessageError(f"{name} twice in round {round}")
        received[message.client] = message
    return received


def check_enough(clients: Collection[Any], threshold: int, round: int, work: str) -> None:
    """Raise unless the clients reach the threshold."""
    if len(clients) < threshold:
        raise TooFewClientsError(
            f"round {round}: {len(clients)} of the {threshold} clients that secure aggregation needs {work}; "
            "repeat the round with more clients, or lower the threshold"
        )


def check_keys(keys: dict[str, PublicKeys]) -> None:
    """Raise unless all public keys are different and have the right length."""
    owners: dict[bytes, str] = {}
    for client, pair in keys.items():
        for key in (pair.sealing, pair.masking):
            if len(key) != KEY_BYTES:
                raise MessageError(f"client {client!r} sent a public key of {len(key)} bytes, expected {KEY_BYTES}")
            if key in owners:
                raise MessageError(f"clients {owners[key]!r} and {client!r} sent the same public key")
            owners[key] = client


def checked_vector(client: str, vector: ArrayLike, n_weights: int | None = None) -> NDArray[np.float64]:
    """Return a client's vector as floats; raise if it has another length, or numbers that are not finite."""
    values = np.asarray(vector, dtype=np.float64)
    expected = "(n_weights,)" if n_weights is None else f"({n_weights},)"
    if values.ndim != 1 or n_weights not in (None, len(values)):
        raise ValueError(f"the vector of client {client!r} has shape {values.shape}, expected {expected}")
    if not np.isfinite(values).all():
        raise ValueError(f"the vector of client {client!r} has {int((~np.isfinite(values)).sum())} NaN or infinities")
    return values
