"""Clients: they hold rows, answer the questions of round 0, and train from the weights that the server sends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from qml.estimators.local_training import local_objective, local_steps, train_from
from qml.federated.objectives import CorrectedObjective, PrivateObjective
from qml.federated.privacy import clipped
from qml.federated.statistics import AgreementError, Description, Statistics, described, moments
from qml.federated.updates import Update
from qml.training.description import digest

__all__ = ["Client", "LocalClient", "RemoteClient", "Request", "RowNoise", "UpdateNoise", "named_clients"]

Array = NDArray[np.float64]
Transform = Callable[[Any], Any]


@dataclass(frozen=True)
class UpdateNoise:
    """Clipping of a client's update, and the noise that the client adds.

    Parameters
    ----------
    clip : float
        Maximum norm of the change of the weights.
    deviation : float
        Standard deviation of the noise, in units of the weights; 0 if the server adds it.
    """

    clip: float
    deviation: float


@dataclass(frozen=True)
class RowNoise:
    """DP-SGD in the client: maximum norm of a row's gradient, and noise multiplier."""

    clip: float
    noise: float


@dataclass(frozen=True, eq=False)
class Request:
    """What the server sends to a client in a round.

    Parameters
    ----------
    round : int
        Number of the round, counted from 1.
    weights : float ndarray, shape (n_weights,)
    epochs : int
        Number of local epochs.
    seed : int
        Seed for the minibatches.
    proximal : float
        Factor of the proximal term.
    control : float ndarray, shape (n_weights,), optional
        Control variate of the server.
    privacy : UpdateNoise or RowNoise, optional
    noise_seed : sequence of int
        Seed for the noise that the client adds.
    """

    round: int
    weights: Array
    epochs: int
    seed: int
    proximal: float = 0.0
    control: Array | None = None
    privacy: UpdateNoise | RowNoise | None = None
    noise_seed: tuple[int, ...] = ()


@runtime_checkable
class Client(Protocol):
    """Interface of a client; `LocalClient` is the one for rows in memory.

    Attributes
    ----------
    name : str
        Name, different from those of the other clients.
    """

    name: str

    def describe(self, classifier: bool, ranges: bool = True, transform: Transform | None = None) -> Description:
        """Describe the rows, after a function of the features that all clients share.

        The first call of a run is without a function; it also forgets what the client kept from an earlier run.
        """
        ...

    def moments(self, statistics: Statistics) -> Array:
        """Return the share of the means and second moments; see `qml.federated.statistics.moments`."""
        ...

    def begin(self, estimator: Any) -> None:
        """Receive the estimator, which has the shared scaling and classes."""
        ...

    def train(self, request: Request) -> Update:
        """Train from the weights of the request and return the change."""
        ...


@runtime_checkable
class RemoteClient(Client, Protocol):
    """Interface of a client that trains elsewhere, at the same time as the others."""

    def send(self, request: Request) -> None:
        """Begin to train; `train` with the same request waits for the result."""
        ...


@dataclass(eq=False)
class LocalClient:
    """Client with rows in memory.

    Parameters
    ----------
    name : str
    X : array-like, shape (n_samples, n_features)
    y : array-like, shape (n_samples,) or (n_samples, n_targets)
    sample_weight : array-like, shape (n_samples,), optional

    Attributes
    ----------
    control : float ndarray, shape (n_weights,), or None
        Control variate of `Scaffold`, the only state that the client keeps between rounds.
    loss : float
        Mean training loss of the last local epoch; NaN with privacy.
    """

    name: str
    X: Any
    y: Any
    sample_weight: Any = None
    control: Array | None = field(default=None, init=False)
    loss: float = field(default=np.nan, init=False)

    def __post_init__(self) -> None:
        if isinstance(self.X, list | tuple):
            self.X = np.asarray(self.X)
        self.y = np.asarray(self.y)

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return len(self.y)

    def digest(self) -> str:
        """Compute a digest of the rows, by which a checkpoint recognises them."""
        arrays = [np.asarray(self.X), self.y] + ([] if self.sample_weight is None else [np.asarray(self.sample_weight)])
        return digest(*(array.astype(str) if array.dtype == object else array for array in arrays))

    def describe(self, classifier: bool, ranges: bool = True, transform: Transform | None = None) -> Description:
        self.control, self.loss = None, np.nan
        self._features = self.X if transform is None else transform(self.X)
        return described(self.name, self._features, self.y, classifier, ranges)

    def moments(self, statistics: Statistics) -> Array:
        return moments(statistics, self._features, self.y)

    def begin(self, estimator: Any) -> None:
        self._estimator = estimator
        try:
            self._objective = local_objective(estimator, self._features, self.y, self.sample_weight)
        except ValueError as error:
            raise AgreementError(f"client {self.name!r}: {error}") from error

    def train(self, request: Request) -> Update:
        objective: Any = self._objective
        privacy, weights = request.privacy, request.weights
        if isinstance(privacy, RowNoise):
            if not (objective.sample_weight == 1).all():
                raise ValueError(
                    f"client {self.name!r}: privacy of rows needs rows of equal weight, because other rows' weights "
                    "would change with a row; leave out sample_weight and class_weight"
                )
            _, batch = local_steps(self._estimator, self.n_samples)
            objective = PrivateObjective(objective, privacy.clip, privacy.noise, batch, request.noise_seed)
        slope: Array | float = 0.0
        if request.control is not None:
            self.control = np.zeros_like(weights) if self.control is None else self.control
            slope = request.control - self.control
        if request.proximal or request.control is not None:
            objective = CorrectedObjective(objective, weights, request.proximal, slope)
        result = train_from(self._estimator, objective, weights, epochs=request.epochs, seed=request.seed)
        change = result.last_weights - weights
        self.loss = float(result.losses[-1]) if privacy is None and result.n_epochs else np.nan
        if isinstance(privacy, UpdateNoise):
            noise = np.random.default_rng(list(request.noise_seed)).standard_normal(len(change))
            change = clipped(change, privacy.clip) + privacy.deviation * noise
        if request.control is not None:
            change = np.concatenate([change, self._new_control(request.control, request.epochs, change)])
        return Update(self.name, request.round, change, 1 if isinstance(privacy, UpdateNoise) else self.n_samples)

    def _new_control(self, control: Array, epochs: int, change: Array) -> Array:
        """Update the control variate; return its change."""
        steps, _ = local_steps(self._estimator, self.n_samples)
        rate = self._estimator._chosen_optimizer().learning_rate
        difference = -control - change / (steps * epochs * rate)
        assert self.control is not None
        self.control = self.control + difference
        return np.asarray(difference)


def named_clients(clients: Any) -> dict[str, Client]:
    """Return clients under their names, pairs as clients with rows in memory."""
    if isinstance(clients, Mapping):
        entries = list(clients.items())
    else:
        try:
            entries = [(getattr(client, "name", f"client {k}"), client) for k, client in enumerate(clients)]
        except TypeError:
            raise TypeError(f"clients expects pairs (X, y) or Client objects, got {clients!r}") from None
    if not entries:
        raise ValueError("a federation needs one or more clients, got none")
    out: dict[str, Client] = {}
    for name, client in entries:
        if name in out:
            raise ValueError(f"two clients are called {name!r}: give each a name of its own")
        if isinstance(client, tuple | list) and len(client) in (2, 3):
            out[name] = LocalClient(str(name), *client)
        elif isinstance(client, Client) and not isinstance(client, type):
            if client.name != name:
                raise ValueError(f"the client under the name {name!r} is called {client.name!r}")
            out[name] = client
        else:
            raise TypeError(f"client {name!r} must be a pair (X, y) or a Client, got {type(client).__name__}")
    return out
