"""Secure aggregation through Flower, the client's part.

Flower starts the app anew for each message, so that the client's secrets lie in ``context.state`` between two steps: in
the memory of the SuperNode, on the client's machine, which is never sent. They are deleted after the last step, and
replaced when the next sum begins. If the SuperNode is restarted in between, they are lost, and the client has dropped
out of the sum; it takes part in the next one.

Flower stores the state after it has sent the answer of a step. Only if the app is killed between the two could the step
be repeated, by a server that asks for it a second time, as one that follows the protocol never does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from numpy.typing import ArrayLike

from qml.federated.remote_sums import Masking
from qml.federated.secure.checks import MessageError, checked_vector
from qml.federated.secure.client import SecureClient
from qml.federated.secure.fixed_point import FixedPoint
from qml.federated.secure.messages import MaskedVector, PublicKeys, RevealedShares, SealedShares
from qml.flower.library import ArrayRecord, ConfigRecord, Context, RecordDict
from qml.flower.records import unpacked_all

__all__ = ["STEPS", "begin_sum"]

SECRETS, VECTOR = "secure aggregation", "vector"


def begin_sum(context: Context, name: str, vector: ArrayLike, masking: Masking) -> PublicKeys:
    """Keep a vector, and return new public keys; the secrets of an earlier sum are forgotten."""
    values = checked_vector(name, vector)
    numbers = FixedPoint(masking.fraction_bits)
    client = SecureClient(name, round=masking.round, threshold=masking.threshold, numbers=numbers)
    keys = client.public_keys()
    context.state[SECRETS] = ConfigRecord({"client": client.to_bytes()})
    context.state[VECTOR] = ArrayRecord([values])
    return keys


def seal_shares(context: Context, name: str, question: RecordDict) -> SealedShares:
    """Return the sealed shares for the clients whose keys are in a question."""
    with remembered(context, name, question) as client:
        return client.seal_shares(unpacked_all(PublicKeys, question))


def masked_vector(context: Context, name: str, question: RecordDict) -> MaskedVector:
    """Return the masked vector for the clients whose shares are in a question."""
    with remembered(context, name, question) as client:
        return client.masked_vector(context.state[VECTOR].to_numpy_ndarrays()[0], unpacked_all(SealedShares, question))


def reveal(context: Context, name: str, question: RecordDict) -> RevealedShares:
    """Return the shares that remove the masks of the survivors in a question, and forget the secrets."""
    with remembered(context, name, question) as client:
        shares = client.reveal(list(question["config"]["survivors"]))
    del context.state[SECRETS], context.state[VECTOR]
    return shares


@contextmanager
def remembered(context: Context, name: str, question: RecordDict) -> Iterator[SecureClient]:
    """Provide the client of the step before, and keep what it learns, also if the step fails: none is repeated.

    Raises
    ------
    MessageError
        If there is none, or it is in another round.
    """
    round = question["config"]["round"]
    if SECRETS not in context.state:
        raise MessageError(
            f"client {name!r} has no secrets for round {round}: it was restarted since it sent its keys, or has "
            "revealed its shares; it takes part in the next round"
        )
    client = SecureClient.from_bytes(context.state[SECRETS]["client"])
    if client.round != round:
        raise MessageError(f"client {name!r} is in round {client.round}, got a question of round {round}")
    try:
        yield client
    finally:
        context.state[SECRETS] = ConfigRecord({"client": client.to_bytes()})


STEPS = {"shares": seal_shares, "vector": masked_vector, "reveal": reveal}
"""The steps after the keys, by the type of the query."""
