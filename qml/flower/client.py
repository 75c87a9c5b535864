"""The app of a client: it answers from rows that do not leave it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from qml.estimators.local_training import with_weights
from qml.federated.clients import LocalClient, Request, RowNoise, UpdateNoise
from qml.federated.privacy import GaussianMechanism
from qml.federated.statistics import Statistics
from qml.flower.library import ArrayRecord, ClientApp, Context, Message, MetricRecord, RecordDict
from qml.flower.records import model_from, packed, unpacked

__all__ = ["client_app"]

Data = tuple[Any, Any]

OWN = ("backend", "callback", "verbose")
"""Settings that each client has for itself: they are not sent."""


def client_app(model: Any, X: Any, y: Any = None, *, privacy: GaussianMechanism | None = None) -> ClientApp:
    """Return the Flower app of a client.

    It trains this model only: the server's has to have the same settings, but for ``backend``, ``callback`` and
    ``verbose``, which are the client's own. It answers `server_app`, with any of its strategies.

    Parameters
    ----------
    model : TrainedNetwork
        Estimator that trains a network, such as `VariationalClassifier`.
    X : array-like, shape (n_samples, n_features), or callable
        Rows, or a function of Flower's Context that returns ``(X, y)``; ``context.node_config`` has what
        ``flower-supernode --node-config`` was given.
    y : array-like, shape (n_samples,), optional
        Targets; not with a function.
    privacy : GaussianMechanism, optional
        Least noise and largest clipping norm with which the client trains; requests for less privacy are refused. The
        server decides how many rounds there are, and so on epsilon.

    Returns
    -------
    flwr.clientapp.ClientApp
        To be named as ``clientapp`` in the app's pyproject.toml. The client's name in errors and in the history is
        ``name`` of the node's configuration, else its ``partition-id``, else Flower's number of the node.

    Raises
    ------
    ImportError
        If Flower is not installed.
    TypeError
        If there are no targets, or targets and a function.
    ValueError
        If ``privacy`` has a budget in place of noise.
    """
    if callable(X) == (y is not None):
        raise TypeError(f"client_app expects X and y, or one function of Flower's Context, got y={type(y).__name__}")
    if privacy is not None and privacy.noise is None:
        raise ValueError("privacy of a client needs noise: a budget is kept by the server, which knows all rounds")
    rows: Callable[[Context], Data] = X if callable(X) else lambda context: (X, y)
    app = ClientApp()

    def client_of(context: Context) -> LocalClient:
        return LocalClient(client_name(context), *rows(context))

    def begun(message: Message, context: Context) -> tuple[LocalClient, Any]:
        """Return the client, ready to train the estimator of a message."""
        client = client_of(context)
        estimator = agreed_model(model, model_from(message.content["config"]["model"]), client.name)
        client.describe(is_classifier(model))
        client.begin(estimator)
        return client, estimator

    @app.query("describe")
    def describe(message: Message, context: Context) -> Message:
        description = client_of(context).describe(is_classifier(model), message.content["config"]["ranges"])
        return Message(content=packed(description), reply_to=message)

    @app.query("moments")
    def moments(message: Message, context: Context) -> Message:
        client = client_of(context)
        client.describe(is_classifier(model))
        share = client.moments(unpacked(Statistics, message.content))
        return Message(content=RecordDict({"arrays": ArrayRecord([share])}), reply_to=message)

    @app.train("change")
    def change(message: Message, context: Context) -> Message:
        client, _ = begun(message, context)
        request = unpacked(Request, message.content)
        check_privacy(privacy, request, client.name)
        if "control" in context.state:
            client.control = context.state["control"].to_numpy_ndarrays()[0]
        update = client.train(request)
        if client.control is not None:
            context.state["control"] = ArrayRecord([client.control])
        return Message(content=packed(update, loss=client.loss), reply_to=message)

    @app.train()
    def train(message: Message, context: Context) -> Message:
        client, _ = begun(message, context)
        (weights,) = message.content["arrays"].to_numpy_ndarrays()
        config = message.content["config"]
        request = Request(
            config["server-round"],
            weights,
            config["epochs"],
            seed=config["seed"] + (config["server-round"] - 1) * config["epochs"] + (context.node_id % 2**31 << 32),
            proximal=float(config.get("proximal-mu", 0.0)),
        )
        check_privacy(privacy, request, client.name)
        update = client.train(request)
        return reply(message, {"num-examples": update.n_samples, "loss": client.loss}, weights + update.change)

    @app.evaluate()
    def evaluate(message: Message, context: Context) -> Message:
        client, estimator = begun(message, context)
        (weights,) = message.content["arrays"].to_numpy_ndarrays()
        with_weights(estimator, weights, np.empty(0), 0)
        score = float(estimator.score(client.X, client.y))
        return reply(message, {"num-examples": client.n_samples, "score": score})

    return app


def client_name(context: Context) -> str:
    """Return the name of a client."""
    return str(context.node_config.get("name", context.node_config.get("partition-id", context.node_id)))


def reply(message: Message, metrics: dict[str, float], weights: Any = None) -> Message:
    """Return the answer that Flower's strategies expect."""
    records: dict[str, Any] = {"metrics": MetricRecord(metrics)}
    if weights is not None:
        records["arrays"] = ArrayRecord([weights])
    return Message(content=RecordDict(records), reply_to=message)


def check_privacy(privacy: GaussianMechanism | None, request: Request, name: str) -> None:
    """Raise unless a request has the noise and the clipping that a client insists on."""
    if privacy is None:
        return
    assert privacy.noise is not None
    asked = request.privacy
    if isinstance(asked, RowNoise):
        enough = privacy.at == "example" and asked.noise >= privacy.noise
    elif isinstance(asked, UpdateNoise):
        least = privacy.noise * asked.clip if privacy.at == "client" else 0.0
        enough = privacy.at != "example" and asked.deviation >= least
    if asked is None or not enough or asked.clip > privacy.clip:
        raise ValueError(f"client {name!r} trains with {privacy!r}, the server asked for {asked!r}")


def agreed_model(model: Any, received: Any, name: str) -> Any:
    """Return the received estimator with the client's own settings.

    Raises
    ------
    ValueError
        If its other settings differ from those of the client's model.
    """
    local, remote = model.get_params(deep=False), received.get_params(deep=False)
    private = {key: local.pop(key) for key in OWN if key in local}
    if local.get("class_weight") == "balanced":
        local["class_weight"] = remote.get("class_weight")  # by then the weights of all clients' classes
    shared = local.keys() | remote.keys() - set(OWN)
    different = {key for key in shared if repr(local.get(key)) != repr(remote.get(key))}
    if type(model) is not type(received) or different:
        raise ValueError(
            f"client {name!r} trains {model!r}, the server asked for {received!r}, which differs in {sorted(different)}"
        )
    return received.set_params(**private)
