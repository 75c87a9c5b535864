"""The server: its state, the rounds, and what it does with updates that are late, wrong or missing."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.federated.aggregators import Aggregator, Mean
from qml.federated.clients import Client, RemoteClient, Request, RowNoise, UpdateNoise
from qml.federated.ledger import Ledger
from qml.federated.privacy import BudgetError, clipped
from qml.federated.remote_sums import RemoteSum
from qml.federated.server_state import ACCEPTED, COLUMNS, DROPPED, LATE, OUTCOMES, REFUSED, ServerState
from qml.federated.strategies import Strategy
from qml.federated.updates import SecureSum, Update, UpdateError, check_update
from simulator.errors import QumbaError

__all__ = ["QuorumError", "Server"]

log = logging.getLogger(__name__)

Array = NDArray[np.float64]

SAMPLING, FATES, SERVER_NOISE, CLIENT_NOISE = 2, 3, 4, 5
"""Second number of the seed for each use of random numbers, so that none is used twice."""


class QuorumError(QumbaError, RuntimeError):
    """Fewer usable updates than the quorum arrived in a round; the weights are those before it."""


@dataclass(eq=False)
class Server:
    """Server of a federation.

    Parameters
    ----------
    clients : mapping of str to Client
    estimator : TrainedNetwork
        Estimator with which all clients began.
    strategy : Strategy
    aggregator : Aggregator
    seed : int
    local_epochs : int
    client_fraction : float
    quorum : int
        Minimum number of accepted updates in a round.
    clip_norm : float or None
        Norm to which updates are shortened.
    dropout_rate, straggler_rate : float
        Probabilities that a client that is asked sends nothing, or too late.
    ledger : Ledger or None
        Accounts, with privacy.
    secure : SecureSum, RemoteSum or None
    n_samples : sequence of int
        Numbers of rows of the clients.
    """

    clients: Mapping[str, Client]
    estimator: Any
    strategy: Strategy
    aggregator: Aggregator
    seed: int
    local_epochs: int
    client_fraction: float
    quorum: int
    clip_norm: float | None
    dropout_rate: float
    straggler_rate: float
    ledger: Ledger | None
    secure: SecureSum | RemoteSum | None
    n_samples: Sequence[int]
    _delayed: list[Update] = field(default_factory=list, init=False)
    _failure: Exception | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.names = tuple(self.clients)
        self.place = None if self.ledger is None else self.ledger.mechanism.at

    @property
    def sampled_independently(self) -> bool:
        """Whether each client is drawn independently, as the accountant assumes where the server adds the noise."""
        return self.place == "server" and self.client_fraction < 1

    def initial_state(self) -> ServerState:
        """Return the state before the first round."""
        weights, count = self.estimator.weights_, len(self.names)
        return ServerState(
            weights,
            self.strategy.init(len(weights)),
            np.zeros(count, np.int64),
            np.zeros((0, count), np.int64),
            np.zeros((0, len(COLUMNS))),
        )

    def play(self, state: ServerState) -> ServerState:
        """Return the state after the next round, without its score.

        Raises
        ------
        BudgetError
            If the round would exceed the privacy budget; nothing has been sent.
        QuorumError
            If fewer usable updates than the quorum arrive.
        """
        started = time.perf_counter()
        number = state.rounds + 1
        asked = self._asked(number)
        participations = state.participations.copy()
        participations[asked] += 1
        epsilon = self._epsilon(number, participations)
        outcomes = np.zeros(len(self.names), np.int64)
        outcomes[asked] = DROPPED
        with np.errstate(over="ignore", invalid="ignore"):  # checked in the next lines
            if isinstance(self.secure, RemoteSum):
                accepted: list[Update] = []
                change = self._aggregated_elsewhere(self.secure, state, number, asked, outcomes)
            else:
                accepted = self._collect(state, number, asked, outcomes)
                self._check_quorum(number, asked, outcomes)
                change = self._aggregated(accepted, number, asked, outcomes)
            share = int((outcomes == ACCEPTED).sum()) / len(self.names)
            strategy, weights = self.strategy.step(state.strategy, state.weights, change, number, share)
            change_norm = float(np.linalg.norm(weights - state.weights))
        if not np.isfinite(change_norm):
            raise UpdateError(
                f"the aggregated change of round {number} is not finite: updates of finite numbers overflow; set "
                "clip_norm, or use a robust aggregator such as 'median'"
            )
        losses = [getattr(self.clients[update.client], "loss", np.nan) for update in accepted]
        open_losses = self.ledger is None and self.secure is None and losses
        row = [
            float(np.mean(losses)) if open_losses else np.nan,
            np.nan,
            epsilon,
            change_norm,
            time.perf_counter() - started,
        ]
        return ServerState(
            weights, strategy, participations, np.vstack([state.outcomes, outcomes]), np.vstack([state.numbers, row])
        )

    def _check_quorum(self, number: int, asked: NDArray[np.intp], outcomes: NDArray[np.int64]) -> None:
        needed = min(self.quorum, len(asked)) if self.sampled_independently else self.quorum
        accepted = int((outcomes == ACCEPTED).sum())
        if accepted < needed:
            counts = ", ".join(f"{OUTCOMES[k]}: {int((outcomes == k).sum())}" for k in range(1, len(OUTCOMES)))
            raise QuorumError(
                f"round {number} needs {needed} usable updates and got {accepted} ({counts}); the weights are "
                "those of the round before, and a run with resume= goes on from there"
                + (f". The last failure was: {self._failure}" if self._failure is not None else "")
            ) from self._failure

    def _asked(self, number: int) -> NDArray[np.intp]:
        """Draw the clients of a round."""
        count = len(self.names)
        rng = np.random.default_rng([self.seed, SAMPLING, number])
        if self.sampled_independently:
            return np.flatnonzero(rng.random(count) < self.client_fraction)
        return np.sort(rng.permutation(count)[: max(1, round(self.client_fraction * count))])

    def _epsilon(self, rounds: int, participations: NDArray[np.int64]) -> float:
        """Return epsilon after a round, or raise if it is over the budget."""
        if self.ledger is None:
            return np.inf
        epsilon, budget = self.ledger.epsilon(rounds, participations), self.ledger.mechanism.budget
        if budget is not None and epsilon > budget * (1 + 1e-9):
            raise BudgetError(
                f"round {rounds} would raise epsilon to {epsilon:.4g}, over the budget of {budget:.4g}; use more "
                "noise, fewer rounds or a larger budget"
            )
        return epsilon

    def _collect(
        self, state: ServerState, number: int, asked: NDArray[np.intp], outcomes: NDArray[np.int64]
    ) -> list[Update]:
        """Let the clients train; return the usable updates, and note the outcome of each client."""
        received = [(update.client, update) for update in self._delayed]
        self._delayed = []
        requests, late = self._requests(state, number, asked)
        for k, request in requests.items():
            client = self.clients[self.names[k]]
            if isinstance(client, RemoteClient):
                client.send(request)
        for k, request in requests.items():
            client = self.clients[self.names[k]]
            try:
                update = client.train(request)
            except Exception as error:  # whatever ends a client must not end the others
                log.warning("round %d: client %r failed: %s: %s", number, client.name, type(error).__name__, error)
                self._failure = error
                continue
            if k in late:
                self._delayed.append(update)
                outcomes[k] = LATE
            else:
                received.append((client.name, update))
                outcomes[k] = REFUSED
        accepted: list[Update] = []
        expected = {self.names[k] for k in asked}
        for sender, update in received:
            seen = {other.client for other in accepted}
            try:
                if update.client != sender:
                    raise UpdateError(f"update of client {sender!r}: it says that it is of client {update.client!r}")
                check_update(update, round=number, n_weights=self._length, expected=expected, seen=seen)
            except UpdateError as error:
                log.warning("%s", error)
                continue
            accepted.append(self._shortened(update))
            outcomes[self.names.index(update.client)] = ACCEPTED
        return accepted

    @property
    def _length(self) -> int:
        """Length of the vectors that the clients send."""
        return len(self.estimator.weights_) * (2 if self.strategy.uses_controls else 1)

    @property
    def _limit(self) -> float | None:
        """Norm to which updates are shortened."""
        return self.ledger.mechanism.clip if self.ledger is not None and self.place == "server" else self.clip_norm

    def _shortened(self, update: Update) -> Update:
        """Clip an update: a client may not have done so itself."""
        change, limit = np.asarray(update.change, np.float64), self._limit
        return replace(update, change=change if limit is None else clipped(change, limit))

    def _requests(
        self, state: ServerState, number: int, asked: NDArray[np.intp]
    ) -> tuple[dict[int, Request], set[int]]:
        """Return the requests of a round, without those of simulated drop-outs, and the simulated stragglers."""
        fates = np.random.default_rng([self.seed, FATES, number]).random((2, len(self.names)))
        active = [int(k) for k in asked if fates[0, k] >= self.dropout_rate]
        late = {k for k in active if fates[1, k] < self.straggler_rate}
        return {k: self._request(state, number, k) for k in active}, late

    def _request(self, state: ServerState, number: int, k: int) -> Request:
        privacy: UpdateNoise | RowNoise | None = None
        if self.ledger is not None:
            mechanism = self.ledger.mechanism
            assert mechanism.noise is not None
            if self.place == "example":
                privacy = RowNoise(mechanism.clip, mechanism.noise)
            else:
                deviation = mechanism.noise * mechanism.clip if self.place == "client" else 0.0
                shares = 1 if self.secure is None else self.quorum  # the sum of a quorum has all of the noise
                privacy = UpdateNoise(mechanism.clip, deviation / np.sqrt(shares))
        return Request(
            number,
            state.weights.copy(),
            self.local_epochs,
            seed=self.seed + (number - 1) * self.local_epochs + (k << 32),
            proximal=self.strategy.proximal,
            control=state.strategy["control"].copy() if self.strategy.uses_controls else None,
            privacy=privacy,
            noise_seed=(self.seed, CLIENT_NOISE, number, k),
        )

    def _aggregated(
        self, accepted: Sequence[Update], number: int, asked: NDArray[np.intp], outcomes: NDArray[np.int64]
    ) -> Array:
        """Combine the updates."""
        if self.secure is None and self.place in (None, "example"):
            return self.aggregator.aggregate(accepted)
        factors = self._factors(self.names.index(update.client) for update in accepted)
        vectors = {self.names[k]: np.zeros(self._length) for k in asked}
        vectors |= {update.client: update.change * factors[update.client] for update in accepted}
        if self.secure is None:
            total = np.sum(list(vectors.values()), axis=0) if vectors else np.zeros(self._length)
        else:
            assert not isinstance(self.secure, RemoteSum)
            missing = [self.names[k] for k in asked if outcomes[k] != ACCEPTED]
            total = self.secure.sum(vectors, round=number, dropped=missing) if accepted else np.zeros(self._length)
        return self._mean(total, factors, number)

    def _aggregated_elsewhere(
        self,
        secure: RemoteSum,
        state: ServerState,
        number: int,
        asked: NDArray[np.intp],
        outcomes: NDArray[np.int64],
    ) -> Array:
        """Let clients train and mask their changes; return the mean, and note the outcome of each client."""
        requests, late = self._requests(state, number, asked)
        outcomes[list(late)] = LATE

        def confirm(senders: Sequence[str]) -> None:
            outcomes[[self.names.index(name) for name in senders]] = ACCEPTED
            self._check_quorum(number, asked, outcomes)

        total = np.zeros(self._length)
        if len(requests) > len(late):
            total = secure.changes(
                {self.names[k]: request for k, request in requests.items()},
                factors=self._factors(asked),
                clip_norm=self._limit,
                length=self._length,
                late=[self.names[k] for k in late],
                confirm=confirm,
            )
        else:
            confirm([])
        return self._mean(total, self._factors(np.flatnonzero(outcomes == ACCEPTED)), number)

    def _factors(self, clients: Iterable[int]) -> dict[str, float]:
        """Return the factors of changes in a sum; with privacy of clients all count alike, as the noise is for that."""
        weighted = self.place in (None, "example") and isinstance(self.aggregator, Mean) and self.aggregator.weighted
        largest = max(self.n_samples)
        return {self.names[k]: self.n_samples[k] / largest if weighted else 1.0 for k in clients}

    def _mean(self, total: Array, factors: Mapping[str, float], number: int) -> Array:
        """Return the mean of changes of which the sum is known, with the noise of the server."""
        if self.place != "server":
            return np.asarray(total / sum(factors.values()))
        assert self.ledger is not None
        mechanism = self.ledger.mechanism
        assert mechanism.noise is not None
        rng = np.random.default_rng([self.seed, SERVER_NOISE, number])
        noise = mechanism.noise * mechanism.clip * rng.standard_normal(self._length)
        return np.asarray((total + noise) / (self.client_fraction * len(self.names)))
