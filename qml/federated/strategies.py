"""Strategies: what the server does with the aggregated change, and what it asks of the clients' training.

As optimizers, they are immutable settings; the state of a run is an argument and a result of ``step``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from qml.settings import check_non_negative, check_positive
from simulator.names import by_name

__all__ = ["STRATEGIES", "FedAdam", "FedAvg", "FedProx", "FedYogi", "Scaffold", "Strategy", "get_strategy"]

Array = NDArray[np.float64]
State = dict[str, Array]


class Strategy:
    """Base of the strategies: by default, the aggregated change is added to the weights.

    Attributes
    ----------
    uses_controls : bool
        Whether clients correct their gradients by control variates, and send the change of theirs behind that of the
        weights.
    """

    uses_controls: ClassVar[bool] = False

    @property
    def proximal(self) -> float:
        """Factor of the proximal term in the clients' loss."""
        return 0.0

    def init(self, n_weights: int) -> State:
        """Return the state before the first round."""
        return {}

    def step(self, state: State, weights: Array, change: Array, round: int, share: float) -> tuple[State, Array]:
        """Apply the aggregated change of a round.

        Parameters
        ----------
        state : dict of str to float ndarray
        weights : float ndarray, shape (n_weights,)
        change : float ndarray, shape (n_weights,), or (2 n_weights,) with controls
        round : int
            Number of the round, counted from 1.
        share : float
            Share of all clients whose updates were aggregated.

        Returns
        -------
        state, weights
        """
        return state, weights + change


@dataclass(frozen=True)
class FedAvg(Strategy):
    """Federated averaging: ``w <- w + learning_rate * change``.

    Parameters
    ----------
    learning_rate : float
        Factor of the change on the server.

    References
    ----------
    McMahan et al., arXiv:1602.05629.
    """

    learning_rate: float = 1.0

    def __post_init__(self) -> None:
        check_positive("learning_rate", self.learning_rate)

    def step(self, state: State, weights: Array, change: Array, round: int, share: float) -> tuple[State, Array]:
        return state, weights + (change if self.learning_rate == 1.0 else self.learning_rate * change)


@dataclass(frozen=True)
class FedProx(FedAvg):
    """Federated averaging with a proximal term, ``mu / 2 |w - w_server|^2``, in the loss of each client.

    Parameters
    ----------
    learning_rate : float
    mu : float
        Factor of the term: the larger, the closer clients stay to the weights of the server.

    References
    ----------
    Li et al., arXiv:1812.06127.
    """

    mu: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_non_negative("mu", self.mu)

    @property
    def proximal(self) -> float:
        """Factor of the proximal term."""
        return self.mu


@dataclass(frozen=True)
class FedAdam(Strategy):
    """Adam on the server, with the aggregated change d in place of a gradient.

    ``m <- beta1 m + (1 - beta1) d``, ``v <- beta2 v + (1 - beta2) d^2``, ``w <- w + eta m / (sqrt(v) + tau)``, with
    ``eta = learning_rate sqrt(1 - beta2^(r + 1)) / (1 - beta1^(r + 1))`` in round r, as in Flower.

    Parameters
    ----------
    learning_rate : float
    beta1, beta2 : float
        Decay factors of the two running means, in [0, 1).
    tau : float
        Constant that keeps the quotient finite.

    References
    ----------
    Reddi et al., arXiv:2003.00295, algorithm 2.
    """

    learning_rate: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.99
    tau: float = 1e-3

    def __post_init__(self) -> None:
        check_positive("learning_rate", self.learning_rate)
        check_positive("tau", self.tau)
        for name in ("beta1", "beta2"):
            value = getattr(self, name)
            if isinstance(value, bool) or not 0 <= value < 1:
                raise ValueError(f"{name} expects a number of at least 0 and below 1, got {value!r}")

    def init(self, n_weights: int) -> State:
        return {"mean": np.zeros(n_weights), "square": np.zeros(n_weights)}

    def step(self, state: State, weights: Array, change: Array, round: int, share: float) -> tuple[State, Array]:
        mean = self.beta1 * state["mean"] + (1 - self.beta1) * change
        square = self._square(state["square"], change**2)
        weights = weights + self._rate(round) * mean / (np.sqrt(square) + self.tau)
        return {"mean": mean, "square": square}, weights

    def _square(self, square: Array, new: Array) -> Array:
        return self.beta2 * square + (1 - self.beta2) * new

    def _rate(self, round: int) -> float:
        return float(self.learning_rate * np.sqrt(1 - self.beta2 ** (round + 1)) / (1 - self.beta1 ** (round + 1)))


@dataclass(frozen=True)
class FedYogi(FedAdam):
    """Yogi on the server: as `FedAdam` with ``v <- v - (1 - beta2) d^2 sign(v - d^2)``, and a constant rate.

    Parameters
    ----------
    learning_rate, beta1, beta2, tau : float
        As in `FedAdam`.

    References
    ----------
    Reddi et al., arXiv:2003.00295, algorithm 2.
    """

    learning_rate: float = 0.01

    def _square(self, square: Array, new: Array) -> Array:
        return np.asarray(square - (1 - self.beta2) * new * np.sign(square - new))

    def _rate(self, round: int) -> float:
        return self.learning_rate


@dataclass(frozen=True)
class Scaffold(Strategy):
    """Averaging with control variates, which correct the drift of clients with different data.

    A client adds ``c - c_k`` to its gradients and sets ``c_k <- c_k - c - change / (K learning_rate)`` after K steps of
    gradient descent (option II of the paper); the server adds the mean change of the c_k, times the share of clients
    that took part, to c. It needs ``optimizer=SGD(momentum=0)`` in the estimator.

    Parameters
    ----------
    learning_rate : float
        Factor of the mean change on the server.

    References
    ----------
    Karimireddy et al., arXiv:1910.06378, algorithm 1.
    """

    learning_rate: float = 1.0

    uses_controls: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_positive("learning_rate", self.learning_rate)

    def init(self, n_weights: int) -> State:
        return {"control": np.zeros(n_weights)}

    def step(self, state: State, weights: Array, change: Array, round: int, share: float) -> tuple[State, Array]:
        of_weights, of_control = np.split(change, 2)
        return {"control": state["control"] + share * of_control}, weights + self.learning_rate * of_weights


STRATEGIES: Mapping[str, Callable[..., Strategy]] = {
    "fedavg": FedAvg,
    "fedprox": FedProx,
    "fedadam": FedAdam,
    "fedyogi": FedYogi,
    "scaffold": Scaffold,
}
"""Strategies by name."""


def get_strategy(strategy: str | Strategy) -> Strategy:
    """Return the strategy of a name, or the object itself.

    Raises
    ------
    UnknownNameError
        If the name is unknown; the nearest ones are suggested.
    """
    result: Any = by_name("strategy", strategy, STRATEGIES, (Strategy,), {})
    return result  # type: ignore[no-any-return]
