"""The app of the server: a federation whose clients are Flower's nodes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state

from qml import persistence
from qml.estimators.local_training import with_weights
from qml.federated.clients import Request
from qml.federated.federation import Federation
from qml.federated.round_zero import begin_together
from qml.federated.server import QuorumError
from qml.federated.statistics import AgreementError, Description, Statistics
from qml.federated.strategies import get_strategy
from qml.federated.updates import Update, UpdateError
from qml.flower.library import ArrayRecord, ConfigRecord, Context, Grid, Message, RecordDict, ServerApp, Strategy
from qml.flower.records import model_bytes, packed, unpacked
from qml.settings import check_positive, check_whole

__all__ = ["server_app"]

Array = NDArray[np.float64]

PAUSE = 0.2  # seconds between two questions to Flower


def server_app(
    model: Any,
    strategy: Any = "fedavg",
    rounds: int = 20,
    *,
    path: str | PathLike[str],
    n_clients: int = 2,
    timeout: float = 3600.0,
    resume: str | PathLike[str] | None = None,
    **settings: Any,
) -> ServerApp:
    """Return the Flower app of the server.

    Parameters
    ----------
    model : TrainedNetwork
        Estimator that trains a network, such as `VariationalClassifier`; the clients have the same.
    strategy : str, qml.federated strategy, or flwr.serverapp.strategy.Strategy
        With the first two, the rounds are those of `Federation`, whose results are the same in one process. One of
        Flower's own strategies is started as it is, after the scaling has been agreed on.
    rounds : int
    path : path
        Model file, written after the last round. With the rounds of `Federation`, ``qml.load(path, return_extra=True)``
        also returns a dict with ``epsilon`` and ``history``, a list of one dict for each round.
    n_clients : int
        Number of clients to wait for before the first round; those that connect by then take part.
    timeout : float
        Maximum time to wait for the clients, and for their answers in a round, in seconds.
    resume : path, optional
        Checkpoint of `Federation.fit`, from which a server that was stopped goes on; not with Flower's strategies.
    settings
        Further arguments of `Federation`, such as ``local_epochs``, ``aggregator``, ``privacy``, ``quorum`` and
        ``random_state``. With one of Flower's strategies, ``local_epochs`` and ``random_state`` only.

    Returns
    -------
    flwr.serverapp.ServerApp
        To be named as ``serverapp`` in the app's pyproject.toml.

    Raises
    ------
    ImportError
        If Flower is not installed.
    TypeError
        If the model is a pipeline, or a setting is unknown.
    ValueError
        If a setting is invalid.
    """
    if isinstance(model, Pipeline):
        raise TypeError("server_app trains an estimator; let the clients' data function do the steps before it")
    if "secure" in settings or "clients" in settings:
        raise TypeError("server_app makes its clients, and sees their updates: it takes neither clients nor secure")
    check_whole("rounds", rounds)
    check_whole("n_clients", n_clients)
    check_positive("timeout", timeout)
    flowers = isinstance(strategy, Strategy)
    if flowers:
        unknown = settings.keys() - {"local_epochs", "random_state"} | ({"resume"} if resume is not None else set())
        if unknown:
            raise TypeError(f"Flower's strategies do not take {sorted(unknown)}: set up the strategy itself")
    else:
        Federation([], strategy=strategy, rounds=rounds, **settings)  # an unknown setting is an error here
        if resume is not None and get_strategy(strategy).uses_controls:
            raise ValueError("resume needs the clients' control variates, which stay with the clients: use 'fedavg'")
    app = ServerApp()

    @app.main()
    def main(grid: Grid, context: Context) -> None:
        fleet = Fleet(grid, connected(grid, n_clients, timeout), timeout, ranges=settings.get("reference") is None)
        if flowers:
            persistence.save(flower_rounds(model, fleet, strategy, rounds, **settings), path)
            return
        federation = Federation(fleet.clients, strategy=strategy, rounds=rounds, **settings)
        trained = federation.fit(model, resume=resume)
        history = [{name: plain(value) for name, value in asdict(record).items()} for record in federation.history_]
        persistence.save(trained, path, extra={"epsilon": federation.epsilon_, "history": history})

    return app


def plain(value: Any) -> Any:
    """Return a value that a model file takes beside the model."""
    return list(value) if isinstance(value, tuple) else value


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
    """

    def __init__(self, grid: Grid, nodes: Sequence[int], timeout: float, ranges: bool) -> None:
        self.grid, self.timeout = grid, timeout
        self.model: tuple[Any, bytes] = (None, b"")
        self._moments: tuple[Any, dict[int, Array]] = (None, {})
        question = RecordDict({"config": ConfigRecord({"ranges": ranges})})
        answers = self.asked("query.describe", dict.fromkeys(nodes, question))
        clients = [FlowerClient(self, node, unpacked(Description, answer)) for node, answer in answers.items()]
        self.clients = sorted(clients, key=lambda client: client.name)

    def asked(self, kind: str, questions: dict[int, RecordDict]) -> dict[int, RecordDict]:
        """Ask nodes at once, and return their answers; each has to answer."""
        sent, end = self.send(kind, questions), time.monotonic() + self.timeout
        return {node: self.received(node, number, end) for node, number in sent.items()}

    def send(self, kind: str, questions: dict[int, RecordDict]) -> dict[int, str]:
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

    def moments(self, statistics: Statistics) -> dict[int, Array]:
        """Return the moments of all nodes, which are asked once."""
        if self._moments[0] is not statistics:
            answers = self.asked("query.moments", {client.node: packed(statistics) for client in self.clients})
            shares = {node: answer["arrays"].to_numpy_ndarrays()[0] for node, answer in answers.items()}
            self._moments = statistics, shares
        return self._moments[1]

    def begin(self, estimator: Any) -> None:
        """Take the estimator that is sent with each request."""
        if self.model[0] is not estimator:
            self.model = estimator, model_bytes(estimator)


class FlowerClient:
    """Client of a federation that answers through Flower."""

    def __init__(self, fleet: Fleet, node: int, description: Description) -> None:
        self.fleet, self.node, self.description = fleet, node, description
        self.name, self.loss = description.client, np.nan
        self._sent: tuple[Any, str, float] = (None, "", 0.0)

    def describe(self, classifier: bool, ranges: bool = True, transform: Any = None) -> Description:
        return self.description

    def moments(self, statistics: Statistics) -> Array:
        return self.fleet.moments(statistics)[self.node]

    def begin(self, estimator: Any) -> None:
        self.fleet.begin(estimator)

    def send(self, request: Request) -> None:
        """Send a request without waiting, so that all clients train at once."""
        records = packed(request, model=self.fleet.model[1])
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


def flower_rounds(
    model: Any, fleet: Fleet, strategy: Strategy, rounds: int, local_epochs: int = 1, random_state: Any = None
) -> Any:
    """Agree on the scaling, and leave the rounds to one of Flower's strategies."""
    state = model.random_state if random_state is None else random_state
    seed = int(check_random_state(state).randint(np.iinfo(np.int32).max))
    estimator = begin_together(model, fleet.clients, seed).estimator
    config = {"model": fleet.model[1], "epochs": local_epochs, "seed": seed}
    result = strategy.start(
        fleet.grid,
        ArrayRecord([estimator.weights_]),
        num_rounds=rounds,
        timeout=fleet.timeout,
        train_config=ConfigRecord(config),
        evaluate_config=ConfigRecord(config),
    )
    if not result.train_metrics_clientapp:
        raise QuorumError(f"no client answered in {rounds} rounds of {type(strategy).__name__}; their logs say why")
    (weights,) = result.arrays.to_numpy_ndarrays()
    losses = np.array([metrics["loss"] for metrics in result.train_metrics_clientapp.values()])
    return with_weights(estimator, weights, losses, rounds * local_epochs)
