"""A Flower grid whose nodes are client apps in this process."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest
from sklearn.datasets import load_iris

pytest.importorskip("flwr")

from flwr.app import Context, Error, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid
from flwr.supercore.task_identity import TaskIdentity

import qml
from qml.federated import dirichlet_split
from qml.flower import client_app, server_app

ROUNDING = 1e-12
X, Y = load_iris(return_X_y=True)
CLIENTS = dirichlet_split(X, Y, 3, 1.0, 0)
NAMES = ("north", "south", "west")
NODES = dict(zip(NAMES, (30, 10, 20), strict=True))


class Silence(Exception):
    """Raised by an app whose machine is gone: there is no answer, not even an error."""


class LocalGrid(Grid):
    """Deliver messages when they are pushed.

    Parameters
    ----------
    apps : dict of int to ClientApp
        App of each node.
    configs : dict of int to dict
        Configuration of each node.

    Attributes
    ----------
    sent : list of (int, str)
        Node and type of each message, in order.
    received : list of Message
        All that came from the nodes.
    """

    def __init__(self, apps: Mapping[int, ClientApp], configs: Mapping[int, dict]) -> None:
        self.apps = apps
        self.contexts = {node: Context(1, node, configs[node], RecordDict(), {}) for node in apps}
        self.replies: dict[str, Message] = {}
        self.sent: list[tuple[int, str]] = []
        self.received: list[Message] = []

    def set_run(self, run: object) -> None:
        raise NotImplementedError

    @property
    def run(self) -> object:
        raise NotImplementedError

    def create_message(self, *arguments: object) -> Message:
        raise NotImplementedError

    def get_node_ids(self) -> Iterable[int]:
        return list(self.apps)

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        numbers = []
        for message in messages:
            node, number = message.metadata.dst_node_id, f"message {len(self.sent)}"
            self.sent.append((node, message.metadata.message_type))
            numbers.append(number)
            TaskIdentity._node_id = node
            try:
                reply = self.apps[node](message, self.contexts[node])
            except Silence:
                continue
            except Exception as error:
                reply = Message(Error(code=0, reason=repr(error)), reply_to=message)
            finally:
                TaskIdentity._node_id = 1
            self.replies[number] = reply
            self.received.append(reply)
        return numbers

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        return [self.replies[number] for number in message_ids if number in self.replies]

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        return self.pull_messages(self.push_messages(messages))


def grid_of(model: object, clients: Sequence = CLIENTS, *, own: Mapping | None = None, **settings: object) -> LocalGrid:
    """A grid whose nodes are numbered in another order than their names; ``own`` are models of some clients."""
    apps = {
        NODES[name]: client_app((own or {}).get(name, model), *data, **settings)
        for name, data in zip(NAMES, clients, strict=True)
    }
    return LocalGrid(apps, {NODES[name]: {"name": name} for name in NAMES})


def run(
    grid: LocalGrid, model: object, path: Path, *arguments: object, timeout: float = 5, **settings: object
) -> object:
    """The trained model, from the file that the server writes."""
    app = server_app(model, *arguments, path=path, n_clients=3, timeout=timeout, **settings)
    app(grid, Context(1, 0, {}, RecordDict(), {}))
    return qml.load(path)
