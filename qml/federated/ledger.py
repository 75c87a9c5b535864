"""Ledger of a private run: how much each client has taken part, and epsilon after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qml.federated.privacy import GaussianMechanism

__all__ = ["Ledger"]


@dataclass(frozen=True)
class Ledger:
    """Epsilon of a run as a function of how often each client has trained.

    Parameters
    ----------
    mechanism : GaussianMechanism
        Mechanism with its noise.
    client_fraction : float
        Probability with which a client takes part in a round; lowers epsilon only where the server adds the noise.
    steps : mapping of str to (int, float)
        For the privacy of rows: number of steps of each client in a round, and the sampling rate of its rows.
    """

    mechanism: GaussianMechanism
    client_fraction: float
    steps: Mapping[str, tuple[int, float]]

    @classmethod
    def planned(
        cls,
        mechanism: GaussianMechanism,
        client_fraction: float,
        steps: Mapping[str, tuple[int, float]],
        rounds: int,
    ) -> Ledger:
        """Return the ledger of a run of some rounds; noise that is not given is found for the budget."""
        if mechanism.noise is not None:
            return cls(mechanism, client_fraction, steps)
        cases = set(cls(mechanism, client_fraction, steps)._cases(rounds, [rounds] * len(steps)))
        calibrated = mechanism
        for rate, count in sorted(cases, key=lambda case: -case[0] * case[1] ** 0.5):  # the first is mostly enough
            if calibrated.noise is None or calibrated.epsilon(rate, count) > float(mechanism.budget or 0.0):
                calibrated = max(calibrated, mechanism.calibrated(rate, count), key=lambda each: each.noise or 0.0)
        return cls(calibrated, client_fraction, steps)

    def epsilon(self, rounds: int, participations: NDArray[np.int64] | Sequence[int]) -> float:
        """Compute epsilon after some rounds.

        Parameters
        ----------
        rounds : int
            Number of rounds so far.
        participations : sequence of int
            Number of rounds in which each client trained.
        """
        return max(self.mechanism.epsilon(rate, count) for rate, count in set(self._cases(rounds, participations)))

    def _cases(self, rounds: int, participations: NDArray[np.int64] | Sequence[int]) -> list[tuple[float, int]]:
        """Return sampling rates and numbers of steps of which the worst counts."""
        if self.mechanism.at == "server":
            return [(self.client_fraction, rounds)]
        if self.mechanism.at == "client":
            return [(1.0, int(max(participations)))]
        pairs = zip(self.steps.values(), participations, strict=True)
        return [(rate, count * int(rounds_of_client)) for (count, rate), rounds_of_client in pairs]
