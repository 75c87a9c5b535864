"""Secure aggregation through Flower, the server's part: the four steps of the protocol, each with one type of query."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from qml.federated.clients import Request
from qml.federated.remote_sums import Masking
from qml.federated.secure.aggregation import SecureAggregation
from qml.federated.secure.checks import TooFewClientsError
from qml.federated.secure.fixed_point import FixedPoint
from qml.federated.secure.messages import MaskedVector, PublicKeys, RevealedShares, SealedShares
from qml.federated.secure.server import SecureServer
from qml.federated.statistics import Statistics
from qml.flower.fleet import Fleet
from qml.flower.library import ConfigRecord, RecordDict
from qml.flower.records import packed, packed_all, unpacked

__all__ = ["MaskedSums"]

log = logging.getLogger(__name__)

Array = NDArray[np.float64]
Confirm = Callable[[Sequence[str]], None]
M = TypeVar("M", PublicKeys, SealedShares, MaskedVector, RevealedShares)


class MaskedSums:
    """Sums over the nodes of a fleet, which mask what they send; a `RemoteSum`.

    Clients train before they send their keys, so that those that fail in training cost nothing, and the vector that
    they mask is decided before they know of any other step.
    """

    def __init__(self, fleet: Fleet, secure: SecureAggregation) -> None:
        self.fleet, self.secure = fleet, secure
        self.nodes = {client.name: client.node for client in fleet.clients}

    def moments(self, statistics: Statistics, *, round: int, confirm: Confirm) -> Array:
        """Return the sum of the moments of all clients."""
        masking = self._masking(round, len(self.nodes))
        questions = {name: packed(statistics, **self.fleet.models, **masking) for name in self.nodes}
        count = len(statistics.low)
        return self._sum("query.keys", questions, masking, length=count * (count + 3) // 2, confirm=confirm)

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
        """Let clients train, and return the sum of their changes times their factors."""
        round = next(iter(requests.values())).round
        masking = self._masking(round, len(factors), clip_norm)
        questions = {
            name: packed(request, **self.fleet.models, **masking | {"factor": factors[name]})
            for name, request in requests.items()
        }
        return self._sum("train.keys", questions, masking, length=length, late=late, confirm=confirm)

    def _masking(self, round: int, count: int, clip_norm: float | None = None) -> dict[str, Any]:
        """Return the fields of a `Masking`, as they are sent."""
        masking = Masking(round, self.secure.threshold_of(count), int(self.secure.fraction_bits), clip_norm=clip_norm)
        return {name: value for name, value in asdict(masking).items() if value is not None}

    def _sum(
        self,
        kind: str,
        questions: Mapping[str, RecordDict],
        masking: Mapping[str, Any],
        *,
        length: int,
        late: Collection[str] = (),
        confirm: Confirm,
    ) -> Array:
        """Run the four steps.

        Raises
        ------
        TooFewClientsError
            If fewer clients than the threshold are left after a step.
        MessageError
            If a message has the form of one of the protocol, but contents that it forbids; the client is named.
        """
        round, self.fleet.failure, self.secure.received_ = masking["round"], None, ()
        server = SecureServer(
            round=round,
            threshold=masking["threshold"],
            n_weights=length,
            numbers=FixedPoint(masking["fraction_bits"]),
        )
        try:
            keys = server.collect_keys(self._step(kind, questions, PublicKeys))
            announced = {message.client: packed_all(keys, round=round) for message in keys}
            inboxes = server.route_shares(self._step("query.shares", announced, SealedShares))
            awaited = {name: packed_all(inbox, round=round) for name, inbox in inboxes.items() if name not in late}
            survivors = server.collect_vectors(self._step("query.vector", awaited, MaskedVector))
            confirm(survivors)
            question = RecordDict({"config": ConfigRecord({"round": round, "survivors": survivors})})
            return server.unmask(self._step("query.reveal", dict.fromkeys(survivors, question), RevealedShares))
        except TooFewClientsError as error:
            if self.fleet.failure is None:
                raise
            raise TooFewClientsError(f"{error}. The last failure was: {self.fleet.failure}") from self.fleet.failure

    def _step(self, kind: str, questions: Mapping[str, RecordDict], message: type[M]) -> list[M]:
        """Ask clients for a message; those that fail, or answer with something else, have dropped out."""
        names = {self.nodes[name]: name for name in questions}
        received: list[M] = []
        for node, answer in self.fleet.answers(kind, {node: questions[name] for node, name in names.items()}).items():
            try:
                value = unpacked(message, answer)
                if value.client != names[node]:
                    raise ValueError(f"node {node} is client {names[node]!r}, but answered as {value.client!r}")
            except ValueError as error:
                log.warning("%s: %s", kind, error)
                self.fleet.failure = error
            else:
                received.append(value)
        self.secure.received_ = (*self.secure.received_, *received)
        return received
