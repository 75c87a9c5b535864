"""The nodes of a Flower grid, as clients of a federation."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from qml.federated.clients import Request
from qml.federated.round_zero import Steps
from qml.federated.statistics import AgreementError, Description, Statistics
from qml.federated.updates import Update, UpdateError
from qml.flower.library import ConfigRecord, Grid, Message, RecordDict
from qml.flower.records import model_bytes, packed, unpacked

__all__ = ["Fleet", "FlowerClient", "connected"]

log = logging.getLogger(__name__)

Array = NDArray[np.float64]

PAUSE = 0.2  # seconds between two questions to Flower


def connected(grid: Grid, n_clients: int, timeout: float) -> list[int]:
    """Return the numbers of the nodes, as soon as there are enough."""
    end = time.monotonic() + timeout
    while len(nodes := list(grid.get_node_ids())) < n_clients:
        if time.monotonic() > end:
            raise TimeoutError(f"{len(nodes)} of {n_clients} clients connected within {timeout:g} s")
        time.sleep(PAUSE)
    return nodes


class Fleet:
    """Nodes of a Flower grid that have described their rows.

    Attributes
    ----------
    clients : list of FlowerClient
        Sorted by name, so that their order does not depend on who connected first.
    models : dict of str to bytes
        Model files that are sent with each question, since Flower's clients remember nothing: those of the fitted
        transformers, if there are any, and of the estimator, once the clients agreed on it.
    failure : Exception or None
        Last failure of a node in `answers`.
    """

    def __init__(self, grid: Grid, nodes: Sequence[int], timeout: float, ranges: bool) -> None:
        self.grid, self.timeout, self.ranges = grid, timeout, ranges
        self.models: dict[str, bytes] = {}
        self.failure: Exception | None = None
        self._shared: tuple[Any, dict[int, RecordDict]] = (None, {})
        self._estimator: Any = None
        answers = self.asked("query.describe", dict.fromkeys(nodes, self._question()))
        clients = [FlowerClient(self, node, unpacked(Description, answer)) for node, answer in answers.items()]
        self.clients = sorted(clients, key=lambda client: client.name)

    def asked(self, kind: str, questions: Mapping[int, RecordDict]) -> dict[int, RecordDict]:
        """Ask nodes at once, and return their answers; each has to answer."""
        sent, end = self.send(kind, questions), time.monotonic() + self.timeout
        return {node: self.received(node, number, end) for node, number in sent.items()}

    def answers(self, kind: str, questions: Mapping[int, RecordDict]) -> dict[int, RecordDict]:
        """Ask nodes at once, and return the answers of those that do not fail."""
        sent, end = self.send(kind, questions), time.monotonic() + self.timeout
        answers = {}
        for node, number in sent.items():
            try:
                answers[node] = self.received(node, number, end)
            except (AgreementError, TimeoutError) as error:
                log.warning("%s: %s", kind, error)
                self.failure = error
        return answers

    def send(self, kind: str, questions: Mapping[int, RecordDict]) -> dict[int, str]:
        """Send a message to each node; return the messages' numbers."""
        messages = [
            Message(content=content, message_type=kind, dst_node_id=node) for node, content in questions.items()
        ]
        return dict(zip(questions, self.grid.push_messages(messages), strict=True))

    def received(self, node: int, number: str, end: float) -> RecordDict:
        """Wait for the answer of a node to a message until the time ``end``.

        Raises
        ------
        AgreementError
            If it failed.
        TimeoutError
            If it did not answer in time.
        """
        while not (answers := list(self.grid.pull_messages([number]))):
            if time.monotonic() > end:
                raise TimeoutError(f"node {node} did not answer within {self.timeout:g} s")
            time.sleep(PAUSE)
        if answers[0].has_error():
            raise AgreementError(f"node {node} failed: {answers[0].error.reason}")
        return answers[0].content

    def described(self, node: int, transform: Steps) -> Description:
        """Return how a node describes its rows behind fitted transformers, which are sent to all nodes."""

        def question() -> RecordDict:
            self.models = {"transformers": model_bytes(Pipeline(transform.transformers))}
            return self._question()

        return unpacked(Description, self._answers_of_all("query.describe", transform, question)[node])

    def moments(self, node: int, statistics: Statistics) -> Array:
        """Return the moments of a node, of the nodes that are asked at once."""
        answers = self._answers_of_all("query.moments", statistics, lambda: packed(statistics, **self.models))
        return answers[node]["arrays"].to_numpy_ndarrays()[0]

    def begin(self, estimator: Any) -> None:
        """Take the estimator that is sent with each request."""
        if self._estimator is not estimator:
            self._estimator, self.models["model"] = estimator, model_bytes(estimator)

    def _question(self) -> RecordDict:
        """Ask for a description."""
        return RecordDict({"config": ConfigRecord({"ranges": self.ranges, **self.models})})

    def _answers_of_all(self, kind: str, subject: Any, question: Callable[[], RecordDict]) -> dict[int, RecordDict]:
        """Return the answers of all nodes, which are asked once for each subject."""
        if self._shared[0] is not subject:
            content = question()
            self._shared = subject, self.asked(kind, {client.node: content for client in self.clients})
        return self._shared[1]


class FlowerClient:
    """Client of a federation that answers through Flower."""

    def __init__(self, fleet: Fleet, node: int, description: Description) -> None:
        self.fleet, self.node, self.description = fleet, node, description
        self.name, self.loss = description.client, np.nan
        self._sent: tuple[Any, str, float] = (None, "", 0.0)

    def describe(self, classifier: bool, ranges: bool = True, transform: Any = None) -> Description:
        return self.description if transform is None else self.fleet.described(self.node, transform)

    def moments(self, statistics: Statistics) -> Array:
        return self.fleet.moments(self.node, statistics)

    def begin(self, estimator: Any) -> None:
        self.fleet.begin(estimator)

    def send(self, request: Request) -> None:
        """Send a request without waiting, so that all clients train at once."""
        records = packed(request, **self.fleet.models)
        number = self.fleet.send("train.change", {self.node: records})[self.node]
        self._sent = request, number, time.monotonic() + self.fleet.timeout

    def train(self, request: Request) -> Update:
        if self._sent[0] is not request:
            self.send(request)
        answer = self.fleet.received(self.node, *self._sent[1:])
        self.loss = float(answer["config"]["loss"])
        update = unpacked(Update, answer)
        if update.client != self.name:
            raise UpdateError(f"node {self.node} is client {self.name!r}, but sent an update as {update.client!r}")
        return update
