"""A Flower grid whose nodes are client apps in this process."""

from collections.abc import Iterable, Mapping

from flwr.app import Context, Error, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid
from flwr.supercore.task_identity import TaskIdentity


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
    """

    def __init__(self, apps: Mapping[int, ClientApp], configs: Mapping[int, dict]) -> None:
        self.apps = apps
        self.contexts = {node: Context(1, node, configs[node], RecordDict(), {}) for node in apps}
        self.replies: dict[str, Message] = {}
        self.sent: list[tuple[int, str]] = []

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
            TaskIdentity._node_id = node
            try:
                reply = self.apps[node](message, self.contexts[node])
            except Exception as error:
                reply = Message(Error(code=0, reason=repr(error)), reply_to=message)
            TaskIdentity._node_id = 1
            self.replies[number] = reply
            numbers.append(number)
        return numbers

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        return [self.replies[number] for number in message_ids]

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        return self.pull_messages(self.push_messages(messages))
