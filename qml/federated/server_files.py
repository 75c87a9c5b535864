"""Checkpoints of a server, in the files and with the locks of training checkpoints."""

from __future__ import annotations

from typing import Any

import numpy as np

from qml.federated.round_zero import Beginning
from qml.federated.server import Server
from qml.federated.server_state import COLUMNS, ServerState
from qml.training.description import description, digest
from qml.training.progress import RunState

__all__ = ["identity", "run_state", "server_state"]

STRATEGY = "strategy."
CONTROL = "control of client "


def run_state(state: ServerState, server: Server) -> RunState:
    """Return the state as that of a training run, with what only a server has in place of the optimizer's state."""
    arrays: dict[str, Any] = {STRATEGY + name: value for name, value in state.strategy.items()}
    if server.strategy.uses_controls:
        for k, client in enumerate(server.clients.values()):
            control = getattr(client, "control", None)
            arrays[f"{CONTROL}{k}"] = np.zeros_like(state.weights) if control is None else control
    arrays |= {"participations": state.participations, "outcomes": state.outcomes, "numbers": state.numbers}
    return RunState(
        weights=state.weights,
        optimizer_state=arrays,
        steps=state.rounds,
        batch=0,
        loss_sum=0.0,
        gradient_norm_sum=0.0,
        seconds=0.0,
        seed=server.seed,
        best_weights=state.weights,
    )


def server_state(stored: RunState, start: ServerState, server: Server) -> ServerState:
    """Return the state that a checkpoint holds; the clients' control variates are given back to them.

    Raises
    ------
    ValueError
        If it is not the state of a server with these clients.
    """
    arrays: dict[str, Any] = dict(stored.optimizer_state)
    rounds, count = stored.steps, len(server.names)
    shapes = {"outcomes": (rounds, count), "numbers": (rounds, len(COLUMNS)), "participations": (count,)}
    for name, shape in shapes.items():
        if np.shape(arrays[name]) != shape:
            raise ValueError(f"the checkpoint makes no sense: {name} has shape {np.shape(arrays[name])}, not {shape}")
    if server.strategy.uses_controls and rounds:
        for k, client in enumerate(server.clients.values()):
            client.control = arrays[f"{CONTROL}{k}"]  # type: ignore[attr-defined]
    return ServerState(
        stored.weights,
        {name: arrays[STRATEGY + name] for name in start.strategy},
        arrays["participations"],
        arrays["outcomes"],
        arrays["numbers"],
    )


def identity(federation: Any, server: Server, beginning: Beginning) -> dict[str, Any]:
    """Return what a checkpoint must agree with: name -> JSON value."""
    estimator = beginning.estimator
    scaling = estimator.scaling_
    return {
        "kind of run": "federation",
        "strategy": description(server.strategy),
        "aggregator": description(server.aggregator),
        "clients": description(list(server.names)),
        "rows of the clients": digest(*(np.array(_rows(client)) for client in server.clients.values())),
        "number of weights": len(estimator.weights_),
        "initial weights": digest(estimator.weights_),
        "scaling": digest(scaling.mean, scaling.factor),
        "optimizer": description(estimator._chosen_optimizer()),
        "loss": description(estimator._training_loss()),
        "batch size": description(estimator.batch_size),
        "estimator": description({name: description(value) for name, value in estimator._described().items()}),
        "local epochs": federation.local_epochs,
        "share of clients": federation.client_fraction,
        "quorum": federation.quorum,
        "clip_norm": federation.clip_norm,
        "faults": [federation.dropout_rate, federation.straggler_rate],
        "privacy": description(federation.privacy_),
        "secure aggregation": None if server.secure is None else type(server.secure).__name__,
    }


def _rows(client: Any) -> str:
    """Return a digest of a client's rows, where it has one."""
    return str(client.digest()) if hasattr(client, "digest") else str(client.name)
