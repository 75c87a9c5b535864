"""State of a server, and its history in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["COLUMNS", "OUTCOMES", "RoundRecord", "ServerState"]

Array = NDArray[np.float64]

OUTCOMES = ("not asked", "accepted", "dropped", "late", "refused")
NOT_ASKED, ACCEPTED, DROPPED, LATE, REFUSED = range(len(OUTCOMES))

COLUMNS = ("loss", "score", "epsilon", "change_norm", "seconds")
"""Columns of `ServerState.numbers`."""


@dataclass(frozen=True)
class RoundRecord:
    """What happened in a round.

    Parameters
    ----------
    round : int
        Number of the round, counted from 1.
    accepted, dropped, late, refused : tuple of str
        Names of the clients whose updates were aggregated, that sent nothing, whose updates came after the end of the
        round, and whose updates did not pass the checks.
    loss : float or None
        Mean training loss of the accepted clients; None with privacy or secure aggregation.
    score : float or None
        Score on the validation data after the round, if there are any.
    epsilon : float
        Privacy loss so far; infinite without privacy.
    change_norm : float
        Norm of the change of the weights.
    n_bytes : int
        Bytes of weights and updates that crossed the network.
    seconds : float
    """

    round: int
    accepted: tuple[str, ...]
    dropped: tuple[str, ...]
    late: tuple[str, ...]
    refused: tuple[str, ...]
    loss: float | None
    score: float | None
    epsilon: float
    change_norm: float
    n_bytes: int
    seconds: float


@dataclass(frozen=True, eq=False)
class ServerState:
    """Everything that the rounds change; replaced as a whole after each.

    Parameters
    ----------
    weights : float ndarray, shape (n_weights,)
    strategy : dict of str to float ndarray
        State of the strategy.
    participations : int ndarray, shape (n_clients,)
        Number of rounds in which each client trained.
    outcomes : int ndarray, shape (n_rounds, n_clients)
        Outcome of each client in each round, an index of ``OUTCOMES``.
    numbers : float ndarray, shape (n_rounds, 5)
        Loss, score, epsilon, norm of the change and seconds of each round; NaN where there is none.
    """

    weights: Array
    strategy: dict[str, Array]
    participations: NDArray[np.int64]
    outcomes: NDArray[np.int64]
    numbers: Array

    @property
    def rounds(self) -> int:
        """Number of finished rounds."""
        return len(self.numbers)

    def records(self, names: Sequence[str]) -> list[RoundRecord]:
        """Return the history."""
        size = self.weights.nbytes * (2 if "control" in self.strategy else 1)
        out = []
        for number, (outcomes, row) in enumerate(zip(self.outcomes, self.numbers, strict=True), start=1):
            of = [tuple(names[int(k)] for k in np.flatnonzero(outcomes == code)) for code in range(len(OUTCOMES))]
            loss, score, epsilon, change_norm, seconds = row.tolist()
            received = len(of[ACCEPTED]) + len(of[LATE]) + len(of[REFUSED])
            record = RoundRecord(
                round=number,
                accepted=of[ACCEPTED],
                dropped=of[DROPPED],
                late=of[LATE],
                refused=of[REFUSED],
                loss=None if np.isnan(loss) else loss,
                score=None if np.isnan(score) else score,
                epsilon=epsilon,
                change_norm=change_norm,
                n_bytes=size * (len(names) - len(of[NOT_ASKED]) + received),
                seconds=seconds,
            )
            out.append(record)
        return out
