"""The app of a client: it answers from rows that do not leave it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from qml.estimators.local_training import with_weights
from qml.federated.clients import LocalClient, Request, RowNoise, UpdateNoise
from qml.federated.privacy import GaussianMechanism
from qml.federated.remote_sums import Masking, term
from qml.federated.round_zero import Steps, split_model
from qml.federated.statistics import Description, Statistics
from qml.federated.updates import Update
from qml.flower.library import ArrayRecord, ClientApp, Context, Message, MetricRecord, RecordDict
from qml.flower.masking import STEPS, begin_sum
from qml.flower.records import model_from, packed, unpacked
from qml.settings import check_whole

__all__ = ["client_app"]

Data = tuple[Any, Any]

OWN = ("backend", "callback", "verbose")
"""Settings that each client has for itself: they are not sent."""


def client_app(
    model: Any, X: Any, y: Any = None, *, privacy: GaussianMechanism | None = None, secure: bool | int = False
) -> ClientApp:
    """Return the Flower app of a client.

    It trains this model only: the server's has to have the same settings, but for ``backend``, ``callback`` and
    ``verbose``, which are the client's own. It answers `server_app`, with any of its strategies.

    Parameters
    ----------
    model : TrainedNetwork or Pipeline
        Estimator that trains a network, such as `VariationalClassifier`, or a pipeline that ends with one.
    X : array-like, shape (n_samples, n_features), or callable
        Rows, or a function of Flower's Context that returns ``(X, y)``; ``context.node_config`` has what
        ``flower-supernode --node-config`` was given.
    y : array-like, shape (n_samples,), optional
        Targets; not with a function.
    privacy : GaussianMechanism, optional
        Least noise and largest clipping norm with which the client trains; requests for less privacy are refused. The
        server decides how many rounds there are, and so on epsilon.
    secure : bool or int
        Whether the client refuses to send an update, or sums of round 0, that are not masked by secure aggregation; as
        an integer, also the smallest threshold to which it agrees. Where the server aggregates securely, clients that
        do not insist mask theirs too.

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
        If there are no targets, or targets and a function, or the model cannot be trained in a federation.
    ValueError
        If ``privacy`` has a budget in place of noise, or ``secure`` is an integer below 2.
    """
    split_model(model)
    if callable(X) == (y is not None):
        raise TypeError(f"client_app expects X and y, or one function of Flower's Context, got y={type(y).__name__}")
    if privacy is not None and privacy.noise is None:
        raise ValueError("privacy of a client needs noise: a budget is kept by the server, which knows all rounds")
    if not isinstance(secure, bool):
        check_whole("secure", secure, least=2)
    rows: Callable[[Context], Data] = X if callable(X) else lambda context: (X, y)
    app = ClientApp()

    def described(
        message: Message, context: Context, all_steps: bool = False
    ) -> tuple[LocalClient, Description, Steps]:
        """Return the client, whose features have gone through the transformers of a message, if there are any yet."""
        client = LocalClient(client_name(context), *rows(context))
        config = message.content["config"]
        content = config.get("transformers")
        steps = Steps([] if content is None else model_from(content).steps)
        if all_steps or content is not None:
            check_agreed(model, steps, client.name)
        return client, client.describe(is_classifier(model), config.get("ranges", True), steps), steps

    def begun(message: Message, context: Context) -> tuple[LocalClient, Any, Steps]:
        """Return the client, ready to train the estimator of a message."""
        client, _, steps = described(message, context, all_steps=True)
        estimator = agreed_model(split_model(model)[2], model_from(message.content["config"]["model"]), client.name)
        client.begin(estimator)
        return client, estimator, steps

    def trained(message: Message, context: Context, masking: Masking | None) -> tuple[LocalClient, Update]:
        """Return the client and its update; control variates lie in Flower's state."""
        client, _, _ = begun(message, context)
        request = unpacked(Request, message.content)
        check_privacy(privacy, request, client.name, 1 if masking is None else masking.threshold)
        if "control" in context.state:
            client.control = context.state["control"].to_numpy_ndarrays()[0]
        update = client.train(request)
        if client.control is not None:
            context.state["control"] = ArrayRecord([client.control])
        return client, update

    @app.query("describe")
    def describe(message: Message, context: Context) -> Message:
        return Message(content=packed(described(message, context)[1]), reply_to=message)

    @app.query("moments")
    def moments(message: Message, context: Context) -> Message:
        check_plain(secure, context)
        client, _, _ = described(message, context)
        share = client.moments(unpacked(Statistics, message.content))
        return Message(content=RecordDict({"arrays": ArrayRecord([share])}), reply_to=message)

    @app.train("change")
    def change(message: Message, context: Context) -> Message:
        check_plain(secure, context)
        client, update = trained(message, context, None)
        return Message(content=packed(update, loss=client.loss), reply_to=message)

    @app.query("keys")
    def keys_and_moments(message: Message, context: Context) -> Message:
        masking = agreed_masking(secure, message, context)
        client, _, _ = described(message, context)
        share = client.moments(unpacked(Statistics, message.content))
        return Message(content=packed(begin_sum(context, client.name, share, masking)), reply_to=message)

    @app.train("keys")
    def keys_and_change(message: Message, context: Context) -> Message:
        masking = agreed_masking(secure, message, context)
        client, update = trained(message, context, masking)
        keys = begin_sum(context, client.name, term(update, masking), masking)
        return Message(content=packed(keys), reply_to=message)

    def answering(step: Callable[[Context, str, RecordDict], Any]) -> Callable[[Message, Context], Message]:
        return lambda message, context: Message(
            content=packed(step(context, client_name(context), message.content)), reply_to=message
        )

    for kind, step in STEPS.items():
        app.query(kind)(answering(step))

    @app.train()
    def train(message: Message, context: Context) -> Message:
        check_plain(secure, context)
        client, _, _ = begun(message, context)
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
        check_plain(secure, context)
        client, estimator, steps = begun(message, context)
        (weights,) = message.content["arrays"].to_numpy_ndarrays()
        with_weights(estimator, weights, np.empty(0), 0)
        score = float(estimator.score(steps(client.X), client.y))
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


def check_plain(secure: bool | int, context: Context) -> None:
    """Raise if a client insists on secure aggregation."""
    if secure:
        raise ValueError(
            f"client {client_name(context)!r} sends what it learns from its rows behind masks only: use "
            "server_app(..., secure=SecureAggregation())"
        )


def agreed_masking(secure: bool | int, message: Message, context: Context) -> Masking:
    """Return how the server asks for a vector, unless the client insists on a larger threshold."""
    masking = unpacked(Masking, message.content)
    least = 2 if isinstance(secure, bool) else secure
    if masking.threshold < least:
        raise ValueError(
            f"client {client_name(context)!r} agrees to thresholds of {least} or more, the server asked for "
            f"{masking.threshold}"
        )
    return masking


def check_privacy(privacy: GaussianMechanism | None, request: Request, name: str, terms: int = 1) -> None:
    """Raise unless a request has the noise and the clipping that a client insists on.

    Nobody sees less than the sum of ``terms`` changes, which together have the noise.
    """
    if privacy is None:
        return
    assert privacy.noise is not None
    asked = request.privacy
    if isinstance(asked, RowNoise):
        enough = privacy.at == "example" and asked.noise >= privacy.noise
    elif isinstance(asked, UpdateNoise):
        least = privacy.noise * asked.clip / np.sqrt(terms) if privacy.at == "client" else 0.0
        enough = privacy.at != "example" and asked.deviation >= least
    if asked is None or not enough or asked.clip > privacy.clip:
        raise ValueError(f"client {name!r} trains with {privacy!r}, the server asked for {asked!r}")


def check_agreed(model: Any, steps: Steps, name: str) -> None:
    """Raise unless the received transformers are those of the client's model; they get its own settings."""
    transformers, _, _ = split_model(model)
    if len(transformers) != len(steps.transformers):
        raise ValueError(
            f"client {name!r} has {len(transformers)} transformers before its estimator, the server sent "
            f"{len(steps.transformers)}"
        )
    for (_, transformer), (_, received) in zip(transformers, steps.transformers, strict=True):
        agreed_model(transformer, received, name)


def agreed_model(model: Any, received: Any, name: str) -> Any:
    """Return a received estimator or transformer with the client's own settings.

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
            f"client {name!r} uses {model!r}, the server asked for {received!r}, which differs in {sorted(different)}"
        )
    return received.set_params(**private)
