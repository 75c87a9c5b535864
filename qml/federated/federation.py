"""A federation in one process: clients, server, privacy and checkpoints behind one ``fit``."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state

from qml.estimators.local_training import local_steps, with_weights
from qml.federated.aggregators import Aggregator, Mean, get_aggregator
from qml.federated.clients import Client, named_clients
from qml.federated.ledger import Ledger
from qml.federated.privacy import BudgetError, GaussianMechanism
from qml.federated.remote_sums import RemoteSum
from qml.federated.round_zero import Beginning, begin_together, split_model
from qml.federated.server import Server
from qml.federated.server_files import identity, run_state, server_state
from qml.federated.server_state import RoundRecord, ServerState
from qml.federated.strategies import Strategy, get_strategy
from qml.federated.updates import SecureSum
from qml.files.container import ModelFileError
from qml.optimizers import SGD, Adam, RMSprop
from qml.settings import check_non_negative, check_positive, check_whole
from qml.training.checkpoints import Checkpoints, saved_seed

__all__ = ["Federation"]

log = logging.getLogger(__name__)

Array = NDArray[np.float64]

GRADIENT_ONLY = (SGD, Adam, RMSprop)
"""Optimizers that learn of the rows by gradients only, which have noise; losses and metrics have none."""


@dataclass(eq=False)
class Federation:
    """Clients that train one model together, without sharing their rows.

    In round 0 the clients agree on columns, classes and scaling. In each later round, clients train from the weights of
    the server for some epochs, and the server combines the changes. All of it happens in this process, reproducibly.

    Parameters
    ----------
    clients : sequence or mapping
        Pairs (X, y), triples (X, y, sample_weight) or `Client` objects; as a mapping, under their names. Pairs in a
        sequence are named ``"client 0"`` and so on.
    strategy : {"fedavg", "fedprox", "fedadam", "fedyogi", "scaffold"} or Strategy
    aggregator : {"mean", "krum", "multikrum", "trimmed_mean", "median", "bulyan"} or Aggregator
    rounds : int
    local_epochs : int
        Number of epochs of each client in a round. The optimizer starts anew in each round, at a constant rate.
    client_fraction : float
        Share of the clients that are asked in a round. Where the server adds noise for privacy, each client is drawn
        independently with this probability.
    quorum : int
        Minimum number of usable updates in a round.
    clip_norm : float, optional
        Norm to which updates are shortened, also without privacy.
    dropout_rate, straggler_rate : float
        Simulated faults: probabilities that a client that is asked sends nothing, or sends its update after the end of
        the round, when it is refused.
    privacy : GaussianMechanism, optional
    secure : SecureAggregation, optional
        Secure aggregation, of the statistics of round 0 and of the updates: the server sees sums only.
    reference : tuple (X, y), optional
        Public rows from which scaling and classes are learnt. Otherwise they are learnt from exact sums over the
        clients' rows, which the epsilon of ``privacy`` does not cover.
    classes : array-like, optional
        All classes; by default those that occur.
    random_state : int, RandomState or None
        Seed for everything; by default that of the model.
    callback : callable, optional
        Called with the `RoundRecord` after each round; training stops when it returns True.

    Attributes
    ----------
    history_ : list of RoundRecord
    epsilon_ : float
        Privacy loss of the run; infinite without privacy.
    privacy_ : GaussianMechanism or None
        Mechanism with the noise that was used.
    weights_ : float ndarray, shape (n_weights,)
    client_names_ : list of str
    stop_reason_ : {"rounds", "budget", "callback", "interrupted"}

    References
    ----------
    McMahan et al., arXiv:1602.05629; Kairouz et al., "Advances and open problems in federated learning",
    arXiv:1912.04977.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from qml import VariationalClassifier
    >>> from qml.federated import dirichlet_split
    >>> X, y = load_iris(return_X_y=True)
    >>> clients = dirichlet_split(X, y, n_clients=5, alpha=100, random_state=0)
    >>> federation = Federation(clients, rounds=20, local_epochs=2, random_state=0)
    >>> clf = federation.fit(VariationalClassifier(n_layers=2))
    >>> clf.score(X, y) > 0.9, len(federation.history_)
    (True, 20)
    """

    clients: Sequence[Any] | Mapping[str, Any]
    strategy: str | Strategy = "fedavg"
    aggregator: str | Aggregator = "mean"
    _: KW_ONLY
    rounds: int = 20
    local_epochs: int = 1
    client_fraction: float = 1.0
    quorum: int = 1
    clip_norm: float | None = None
    dropout_rate: float = 0.0
    straggler_rate: float = 0.0
    privacy: GaussianMechanism | None = None
    secure: SecureSum | RemoteSum | None = None
    reference: tuple[Any, Any] | None = None
    classes: ArrayLike | None = None
    random_state: int | RandomState | None = None
    callback: Callable[[RoundRecord], Any] | None = None

    def fit(
        self,
        model: Any,
        *,
        validation_data: tuple[Any, Any] | None = None,
        resume: str | PathLike[str] | None = None,
    ) -> Any:
        """Train a clone of a model over all clients.

        Parameters
        ----------
        model : estimator or Pipeline
            An estimator that trains a network, such as `VariationalClassifier`, or a pipeline that ends with one. Its
            optimizer, learning rate, batch size and loss are used; ``epochs`` and ``schedule`` are not.
        validation_data : tuple (X, y), optional
            Rows of the server on which the model is scored after each round.
        resume : path, optional
            Checkpoint, written after each round. If it exists, the run goes on from it, and the result equals that of
            an uninterrupted run; ``rounds`` may be increased, unless the noise is found for a budget. It holds the
            seed, and so the noise: keep it secret.

        Returns
        -------
        estimator
            Fitted, in the form of ``model``, which is not changed; ``loss_history_`` has one entry per round.

        Raises
        ------
        ValueError
            If a setting or the data of a client are invalid (`AgreementError`, which names the client), the budget does
            not allow the first round (`BudgetError`), or the checkpoint belongs to another run.
        QuorumError
            If fewer usable updates than the quorum arrive in a round.
        CheckpointLockedError
            If another server uses the checkpoint.
        KeyboardInterrupt
            After Ctrl-C; weights and history of the finished rounds are kept.
        """
        clients = named_clients(self.clients)
        strategy, aggregator = get_strategy(self.strategy), get_aggregator(self.aggregator)
        estimator = split_model(model)[2]
        self._check(len(clients), strategy, aggregator, estimator)
        if strategy.uses_controls:
            aggregator = Mean(weighted=False)
        seed = None if resume is None else saved_seed(resume)
        if seed is None:
            state = estimator.random_state if self.random_state is None else self.random_state
            seed = int(check_random_state(state).randint(np.iinfo(np.int32).max))
        beginning = begin_together(
            model,
            list(clients.values()),
            seed,
            secure=self.secure,
            reference=self.reference,
            classes=self.classes,
        )
        server = self._server(clients, strategy, aggregator, beginning, seed)
        self.client_names_ = list(clients)
        self.privacy_ = None if server.ledger is None else server.ledger.mechanism
        checkpoints = Checkpoints(resume, {} if resume is None else identity(self, server, beginning))
        with checkpoints.held():
            start = server.initial_state()
            stored = checkpoints.start(run_state(start, server))
            try:
                state = server_state(stored, start, server)
            except (ValueError, KeyError) as error:
                raise ModelFileError(resume or "", str(error)) from None
            self._keep(state)
            try:
                for following in self._played(server, state, self._scorer(beginning, validation_data)):
                    state = following
                    checkpoints.save(run_state(state, server), now=True)
                    self._keep(state)
                    if self.callback is not None and self.callback(self.history_[-1]):
                        self.stop_reason_ = "callback"
                        break
            except KeyboardInterrupt:
                self.stop_reason_ = "interrupted"
                message = f"federation interrupted after {len(self.history_)} of {self.rounds} rounds; weights_ is kept"
                if checkpoints.path is not None:
                    message += f"; {checkpoints.path} goes on from here"
                log.warning(message)
                raise KeyboardInterrupt(message) from None
        epochs = state.rounds * self.local_epochs
        return beginning.model(with_weights(beginning.estimator, state.weights, state.numbers[:, 0].copy(), epochs))

    def _played(self, server: Server, state: ServerState, score: Callable[[Array], float]) -> Any:
        """Iterate over the states after each round."""
        self.stop_reason_ = "rounds"
        while state.rounds < self.rounds:
            try:
                state = server.play(state)
            except BudgetError as error:
                if not state.rounds:
                    raise
                log.warning("%s; the run ends after round %d", error, state.rounds)
                self.stop_reason_ = "budget"
                return
            state.numbers[-1, 1] = score(state.weights)
            yield state

    def _keep(self, state: ServerState) -> None:
        self.weights_ = state.weights
        self.history_ = state.records(self.client_names_)
        none = np.inf if self.privacy is None else 0.0
        self.epsilon_ = self.history_[-1].epsilon if self.history_ else none

    def _server(
        self,
        clients: Mapping[str, Client],
        strategy: Strategy,
        aggregator: Aggregator,
        beginning: Beginning,
        seed: int,
    ) -> Server:
        n_samples = [description.n_samples for description in beginning.descriptions]
        ledger = None
        if self.privacy is not None:
            steps = {}
            for name, count in zip(clients, n_samples, strict=True):
                per_epoch, batch = local_steps(beginning.estimator, count)
                steps[name] = (per_epoch * self.local_epochs, batch / count)
            ledger = Ledger.planned(self.privacy, self.client_fraction, steps, self.rounds)
            if self.reference is None:
                log.warning(
                    "epsilon covers the updates, not the sums of round 0, from which the scaling is learnt; give "
                    "public rows as reference=(X, y) to learn it from them"
                )
        return Server(
            clients,
            beginning.estimator,
            strategy,
            aggregator,
            seed,
            local_epochs=self.local_epochs,
            client_fraction=self.client_fraction,
            quorum=self.quorum,
            clip_norm=self.clip_norm,
            dropout_rate=self.dropout_rate,
            straggler_rate=self.straggler_rate,
            ledger=ledger,
            secure=self.secure,
            n_samples=n_samples,
        )

    def _scorer(self, beginning: Beginning, validation_data: Any) -> Callable[[Array], float]:
        """Return the score as a function of the weights; NaN without validation data."""
        if validation_data is None:
            return lambda weights: np.nan
        X, y = validation_data
        features = beginning.transformed(X)

        def score(weights: Array) -> float:
            model = copy.copy(beginning.estimator)
            model.weights_ = weights
            return float(model.score(features, y))

        return score

    def _check(self, count: int, strategy: Strategy, aggregator: Aggregator, estimator: Any) -> None:
        check_whole("rounds", self.rounds)
        check_whole("local_epochs", self.local_epochs)
        check_whole("quorum", self.quorum)
        check_positive("client_fraction", self.client_fraction)
        if self.client_fraction > 1:
            raise ValueError(f"client_fraction expects a share of at most 1, got {self.client_fraction!r}")
        for name in ("dropout_rate", "straggler_rate"):
            check_non_negative(name, getattr(self, name))
            if getattr(self, name) > 1:
                raise ValueError(f"{name} expects a probability of at most 1, got {getattr(self, name)!r}")
        if self.clip_norm is not None:
            check_positive("clip_norm", self.clip_norm)
        asked = max(1, round(self.client_fraction * count))
        if self.quorum > asked:
            raise ValueError(f"quorum={self.quorum} cannot be met: {asked} of {count} clients are asked in a round")
        if self.privacy is not None and not isinstance(self.privacy, GaussianMechanism):
            raise TypeError(f"privacy expects a GaussianMechanism or None, got {self.privacy!r}")
        if self.secure is not None and not isinstance(self.secure, SecureSum | RemoteSum):
            raise TypeError(f"secure expects an object with sum, such as SecureAggregation(), got {self.secure!r}")
        if not isinstance(aggregator, Mean):
            reason = None
            if self.secure is not None:
                reason = "secure aggregation shows the server a sum only"
            elif self.privacy is not None and self.privacy.at != "example":
                reason = "the noise of privacy is calibrated for a sum"
            elif strategy.uses_controls:
                reason = f"{type(strategy).__name__} averages control variates"
            if reason is not None:
                raise ValueError(
                    f"aggregator={self.aggregator!r} needs each update by itself, and {reason}: use 'mean'"
                )
        if strategy.uses_controls:
            self._check_controls(strategy, estimator)
        optimizer = estimator._chosen_optimizer()
        if self.privacy is not None and self.privacy.at == "example" and not isinstance(optimizer, GRADIENT_ONLY):
            raise ValueError(
                f"privacy of rows needs an optimizer that uses nothing but gradients, such as 'sgd' or 'adam', got "
                f"{optimizer!r}"
            )

    def _check_controls(self, strategy: Strategy, estimator: Any) -> None:
        optimizer = estimator._chosen_optimizer()
        if not isinstance(optimizer, SGD) or optimizer.momentum:
            raise ValueError(
                f"{type(strategy).__name__} computes control variates from steps of plain gradient descent: set "
                f"optimizer=SGD(momentum=0) in the estimator, got {optimizer!r}"
            )
        if self.privacy is not None or self.clip_norm is not None:
            raise ValueError(
                f"{type(strategy).__name__} sends control variates beside the change, which clipping and noise are not "
                "for: use strategy='fedavg' or 'fedprox'"
            )
