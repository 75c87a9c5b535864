"""Descent along gradients: plain with momentum, and with a step of its own for each weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qml.optimizers.stepwise import Optimizer, State, require


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent with momentum: ``v <- momentum v + g``, ``w <- w - learning_rate v``.

    Parameters
    ----------
    learning_rate : scale of a step
    momentum : how much of the last velocity remains, in [0, 1)
    nesterov : step along ``g + momentum v`` instead of ``v``
        (Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013)
    """

    learning_rate: float = 0.05
    momentum: float = 0.9
    nesterov: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "momentum", least=0.0, below=1.0)
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov of SGD needs a momentum > 0, got 0")

    def init(self, weights: np.ndarray) -> State:
        """No velocity."""
        return {"velocity": np.zeros_like(weights)}

    def step(self, state: State, weights: np.ndarray, gradient: np.ndarray) -> tuple[State, np.ndarray]:
        """One step down."""
        velocity = self.momentum * state["velocity"] + gradient
        direction = gradient + self.momentum * velocity if self.nesterov else velocity
        return {"velocity": velocity}, weights - self.learning_rate * direction


@dataclass(frozen=True)
class Adam(Optimizer):
    """Steps of the running mean of the gradient over the root of its running mean square.

    Parameters
    ----------
    learning_rate : about the largest change of a weight in one step
    beta1, beta2 : memories of the two means, in [0, 1)
    epsilon : keeps the quotient finite

    References
    ----------
    Kingma and Ba, arXiv:1412.6980, algorithm 1.
    """

    learning_rate: float = 0.05
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "beta1", least=0.0, below=1.0)
        require(self, "beta2", least=0.0, below=1.0)
        require(self, "epsilon", above=0.0)

    def init(self, weights: np.ndarray) -> State:
        """Both means 0, no step taken."""
        return {"step": 0, "mean": np.zeros_like(weights), "mean_square": np.zeros_like(weights)}

    def step(self, state: State, weights: np.ndarray, gradient: np.ndarray) -> tuple[State, np.ndarray]:
        """One step; both means are corrected for having started at 0."""
        step = state["step"] + 1
        mean = self.beta1 * state["mean"] + (1.0 - self.beta1) * gradient
        mean_square = self.beta2 * state["mean_square"] + (1.0 - self.beta2) * gradient**2
        corrected_mean = mean / (1.0 - self.beta1**step)
        corrected_square = mean_square / (1.0 - self.beta2**step)
        change = self.learning_rate * corrected_mean / (np.sqrt(corrected_square) + self.epsilon)
        return {"step": step, "mean": mean, "mean_square": mean_square}, weights - change


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam, and beside it every weight shrinks by ``learning_rate * weight_decay`` of itself in each step.

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon : as in `Adam`
    weight_decay : the shrinking, decoupled from the gradient's scale

    References
    ----------
    Loshchilov and Hutter, arXiv:1711.05101, algorithm 2.
    """

    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "weight_decay", least=0.0)

    def step(self, state: State, weights: np.ndarray, gradient: np.ndarray) -> tuple[State, np.ndarray]:
        """Adam's step from the weights, shrunk."""
        return super().step(state, weights - self.learning_rate * self.weight_decay * weights, gradient)


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """Steps of the gradient over the root of its running mean square.

    Parameters
    ----------
    learning_rate : scale of a step
    decay : memory of the mean square, in [0, 1)
    momentum : how much of the last step remains, in [0, 1)
    epsilon : keeps the quotient finite

    References
    ----------
    Hinton, "Neural Networks for Machine Learning", lecture 6e (2012).
    """

    learning_rate: float = 0.01
    decay: float = 0.99
    momentum: float = 0.0
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "decay", least=0.0, below=1.0)
        require(self, "momentum", least=0.0, below=1.0)
        require(self, "epsilon", above=0.0)

    def init(self, weights: np.ndarray) -> State:
        """Mean square and velocity 0."""
        return {"mean_square": np.zeros_like(weights), "velocity": np.zeros_like(weights)}

    def step(self, state: State, weights: np.ndarray, gradient: np.ndarray) -> tuple[State, np.ndarray]:
        """One step."""
        mean_square = self.decay * state["mean_square"] + (1.0 - self.decay) * gradient**2
        velocity = self.momentum * state["velocity"] + gradient / (np.sqrt(mean_square) + self.epsilon)
        return {"mean_square": mean_square, "velocity": velocity}, weights - self.learning_rate * velocity
