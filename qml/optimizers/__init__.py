"""Optimizers: immutable settings; what changes during a run is a state that goes in and comes out of ``step``.

All are used in the same way, by name or as an object (``Adam(learning_rate=0.02)``). Those of the `Optimizer` kind
go step by step through minibatches; `SciPy` wraps methods that run by themselves, on all rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from qml.optimizers.gradient_descent import SGD, Adam, AdamW, RMSprop
from qml.optimizers.scipy_methods import METHODS, SciPy
from qml.optimizers.spsa import SPSA
from qml.optimizers.stepwise import Optimizer, State
from simulator.errors import unknown_name

__all__ = ["OPTIMIZERS", "SGD", "SPSA", "Adam", "AdamW", "Optimizer", "RMSprop", "SciPy", "State", "get_optimizer"]

OPTIMIZERS: Mapping[str, Optimizer | SciPy] = MappingProxyType(
    {"adam": Adam(), "adamw": AdamW(), "sgd": SGD(), "rmsprop": RMSprop(), "spsa": SPSA()}
    | {method: SciPy(method) for method in METHODS}
)


def get_optimizer(optimizer: str | Optimizer | SciPy, learning_rate: float | None = None) -> Optimizer | SciPy:
    """The optimizer of that name, or ``optimizer`` itself, with another learning rate if one is given.

    Parameters
    ----------
    optimizer : one of ``OPTIMIZERS`` (in any case; ``_`` is ``-``), or an optimizer
    learning_rate : takes the place of the optimizer's own; SciPy's methods choose their steps themselves and ignore it

    Raises
    ------
    UnknownNameError
        If there is no optimizer of that name.
    TypeError
        If ``optimizer`` is neither a name nor an optimizer.

    Examples
    --------
    >>> get_optimizer("adam", learning_rate=0.1)
    Adam(learning_rate=0.1, beta1=0.9, beta2=0.999, epsilon=1e-08)
    """
    if isinstance(optimizer, str):
        name = optimizer.lower().replace("_", "-")
        if name not in OPTIMIZERS:
            raise unknown_name("optimizer", optimizer, OPTIMIZERS)
        optimizer = OPTIMIZERS[name]
    if not isinstance(optimizer, Optimizer | SciPy):
        raise TypeError(f"optimizer must be a name, an Optimizer or SciPy(method), got {optimizer!r}")
    if learning_rate is None or isinstance(optimizer, SciPy):
        return optimizer
    return replace(optimizer, learning_rate=learning_rate)
