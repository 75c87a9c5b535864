"""The app of the server: a federation whose clients are Flower's nodes."""

from __future__ import annotations

from dataclasses import asdict
from os import PathLike
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from qml import persistence
from qml.estimators.local_training import with_weights
from qml.federated.federation import Federation
from qml.federated.round_zero import begin_together, split_model
from qml.federated.secure.aggregation import SecureAggregation
from qml.federated.server import QuorumError
from qml.federated.strategies import get_strategy
from qml.flower.fleet import Fleet, connected
from qml.flower.library import ArrayRecord, ConfigRecord, Context, Grid, ServerApp, Strategy
from qml.flower.masked_sums import MaskedSums
from qml.flower.records import model_bytes
from qml.settings import check_positive, check_whole

__all__ = ["server_app"]


def server_app(
    model: Any,
    strategy: Any = "fedavg",
    rounds: int = 20,
    *,
    path: str | PathLike[str],
    n_clients: int = 2,
    timeout: float = 3600.0,
    secure: SecureAggregation | None = None,
    resume: str | PathLike[str] | None = None,
    **settings: Any,
) -> ServerApp:
    """Return the Flower app of the server.

    Parameters
    ----------
    model : TrainedNetwork or Pipeline
        Estimator that trains a network, such as `VariationalClassifier`, or a pipeline that ends with one; the clients
        have the same. Model files have to be able to hold it, as it is sent in one.
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
    secure : SecureAggregation, optional
        The clients mask what they send in round 0 and in each later round, so that the server learns sums only. They
        clip their changes themselves. Not with Flower's strategies.
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
        If the model cannot be trained or stored in a model file, or a setting is unknown.
    ValueError
        If a setting is invalid.
    """
    split_model(model)
    model_bytes(model)  # what cannot be sent is an error here
    if "clients" in settings:
        raise TypeError("server_app makes its clients from the nodes that connect: it does not take clients")
    if secure is not None and not isinstance(secure, SecureAggregation):
        raise TypeError(f"secure expects a SecureAggregation or None, got {secure!r}")
    check_whole("rounds", rounds)
    check_whole("n_clients", n_clients)
    check_positive("timeout", timeout)
    flowers = isinstance(strategy, Strategy)
    if flowers:
        others = {name for name, value in (("secure", secure), ("resume", resume)) if value is not None}
        if unknown := settings.keys() - {"local_epochs", "random_state"} | others:
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
        sums = None if secure is None else MaskedSums(fleet, secure)
        federation = Federation(fleet.clients, strategy=strategy, rounds=rounds, secure=sums, **settings)
        trained = federation.fit(model, resume=resume)
        history = [{name: plain(value) for name, value in asdict(record).items()} for record in federation.history_]
        persistence.save(trained, path, extra={"epsilon": federation.epsilon_, "history": history})

    return app


def plain(value: Any) -> Any:
    """Return a value that a model file takes beside the model."""
    return list(value) if isinstance(value, tuple) else value


def flower_rounds(
    model: Any, fleet: Fleet, strategy: Strategy, rounds: int, local_epochs: int = 1, random_state: Any = None
) -> Any:
    """Agree on the scaling, and leave the rounds to one of Flower's strategies."""
    state = model.random_state if random_state is None else random_state
    seed = int(check_random_state(state).randint(np.iinfo(np.int32).max))
    beginning = begin_together(model, fleet.clients, seed)
    config = {**fleet.models, "epochs": local_epochs, "seed": seed}
    result = strategy.start(
        fleet.grid,
        ArrayRecord([beginning.estimator.weights_]),
        num_rounds=rounds,
        timeout=fleet.timeout,
        train_config=ConfigRecord(config),
        evaluate_config=ConfigRecord(config),
    )
    if not result.train_metrics_clientapp:
        raise QuorumError(f"no client answered in {rounds} rounds of {type(strategy).__name__}; their logs say why")
    (weights,) = result.arrays.to_numpy_ndarrays()
    losses = np.array([metrics["loss"] for metrics in result.train_metrics_clientapp.values()])
    return beginning.model(with_weights(beginning.estimator, weights, losses, rounds * local_epochs))
