"""Gradient descent: with momentum, and with an adaptive step size for each weight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from qml.optimizers.stepwise import CompiledOptimizer, require
from simulator.caching import cached_property
from simulator.engines.host import updates


@dataclass(frozen=True)
class SGD(CompiledOptimizer):
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

    arrays: ClassVar[tuple[str, ...]] = ("velocity",)

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "momentum", least=0.0, below=1.0)
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov of SGD needs a momentum > 0, got 0")

    @property
    def _update(self) -> tuple[Callable[..., None], tuple[float, ...]]:
        return updates.momentum, (float(self.learning_rate), float(self.momentum), bool(self.nesterov))


@dataclass(frozen=True)
class Adam(CompiledOptimizer):
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

    arrays: ClassVar[tuple[str, ...]] = ("mean", "mean_square")
    counts_steps: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "beta1", least=0.0, below=1.0)
        require(self, "beta2", least=0.0, below=1.0)
        require(self, "epsilon", above=0.0)

    @property
    def _update(self) -> tuple[Callable[..., None], tuple[float, ...]]:
        return updates.adam, self._settings

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
class RMSprop(CompiledOptimizer):
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

    arrays: ClassVar[tuple[str, ...]] = ("mean_square", "velocity")

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "decay", least=0.0, below=1.0)
        require(self, "momentum", least=0.0, below=1.0)
        require(self, "epsilon", above=0.0)

    @property
    def _update(self) -> tuple[Callable[..., None], tuple[float, ...]]:
        settings = float(self.learning_rate), float(self.decay), float(self.momentum), float(self.epsilon)
        return updates.rmsprop, settings
