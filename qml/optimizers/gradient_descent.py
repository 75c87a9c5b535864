"""Gradient descent: with momentum, and with an adaptive step size for each weight."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from qml.optimizers.stepwise import Optimizer, State, require
from simulator.engines.host import updates


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent with momentum: ``v <- momentum v + g``, ``w <- w - learning_rate v``.

    Parameters
    ----------
    learning_rate : scale of a step
    momentum : share of the last velocity that remains, in [0, 1)
    nesterov : whether to step along ``g + momentum v`` instead of ``v``
        (Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013)
    """

    learning_rate: float = 0.05
    momentum: float = 0.9
    nesterov: bool = False

    gives_warnings: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "momentum", least=0.0, below=1.0)
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov of SGD needs a momentum > 0, got 0")

    def init(self, weights: np.ndarray) -> State:
        """Return a velocity of 0."""
        return {"velocity": np.zeros_like(weights)}

    def step(self, state: State, weights: np.ndarray, gradient: np.ndarray) -> tuple[State, np.ndarray]:
        """Take one step."""
        new_weights, velocity = np.empty(weights.shape), np.empty(weights.shape)
        settings = float(self.learning_rate), float(self.momentum), self.nesterov
        updates.momentum(settings, weights, gradient, state["velocity"], new_weights, velocity)
        return {"velocity": velocity}, new_weights


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam: steps along the running mean of the gradient, divided by the root of its running mean square.

    Parameters
    ----------
    learning_rate : approximate maximum change of a weight in one step
    beta1, beta2 : decay factors of the two running means, in [0, 1)
    epsilon : constant that keeps the quotient finite

    References
    ----------
    Kingma and Ba, arXiv:1412.6980, algorithm 1.
    """

    learning_rate: float = 0.05
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    gives_warnings: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "beta1", least=0.0, below=1.0)
        require(self, "beta2", least=0.0, below=1.0)
        require(self, "epsilon", above=0.0)

    def init(self, weights: np.ndarray) -> State:
        """Return means of 0 and a step count of 0."""
        return {"step": 0, "mean": np.zeros_like(weights), "mean_square": np.zeros_like(weights)}

    def step(self, state: State, weights: np.ndarray, gradient: np.ndarray) -> tuple[State, np.ndarray]:
        """Take one step; both means are corrected for their initial value of 0."""
        step = state["step"] + 1
        corrections = 1.0 - self.beta1**step, 1.0 - self.beta2**step
        new_weights, mean, mean_square = np.empty(weights.shape), np.empty(weights.shape), np.empty(weights.shape)
        former = state["mean"], state["mean_square"]
        updates.adam(self._settings, corrections, weights, gradient, *former, new_weights, mean, mean_square)
        return {"step": step, "mean": mean, "mean_square": mean_square}, new_weights

    @cached_property
    def _settings(self) -> tuple[float, ...]:
        return float(self.learning_rate), float(self.beta1), float(self.beta2), float(self.epsilon), self._shrinkage

    @property
    def _shrinkage(self) -> float:
        """Share by which each step shrinks the weights."""
        return 0.0


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with weight decay: each step also shrinks every weight by the share ``learning_rate * weight_decay``.

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon : as in `Adam`
    weight_decay : rate of the decay, decoupled from the scale of the gradient

    References
    ----------
    Loshchilov and Hutter, arXiv:1711.05101, algorithm 2.
    """

    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "weight_decay", least=0.0)

    @property
    def _shrinkage(self) -> float:
        return float(self.learning_rate * self.weight_decay)


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """RMSProp: steps along the gradient, divided by the root of its running mean square.

    Parameters
    ----------
    learning_rate : scale of a step
    decay : decay factor of the mean square, in [0, 1)
    momentum : share of the last step that remains, in [0, 1)
    epsilon : constant that keeps the quotient finite

    References
    ----------
    Hinton, "Neural Networks for Machine Learning", lecture 6e (2012).
    """

    learning_rate: float = 0.01
    decay: float = 0.99
    momentum: float = 0.0
    epsilon: float = 1e-8

    gives_warnings: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "decay", least=0.0, below=1.0)
        require(self, "momentum", least=0.0, below=1.0)
        require(self, "epsilon", above=0.0)

    def init(self, weights: np.ndarray) -> State:
        """Return a mean square and a velocity of 0."""
        return {"mean_square": np.zeros_like(weights), "velocity": np.zeros_like(weights)}

    def step(self, state: State, weights: np.ndarray, gradient: np.ndarray) -> tuple[State, np.ndarray]:
        """Take one step."""
        new_weights, mean_square, velocity = (np.empty(weights.shape) for _ in range(3))
        settings = float(self.learning_rate), float(self.decay), float(self.momentum), float(self.epsilon)
        former = state["mean_square"], state["velocity"]
        updates.rmsprop(settings, weights, gradient, *former, new_weights, mean_square, velocity)
        return {"mean_square": mean_square, "velocity": velocity}, new_weights
