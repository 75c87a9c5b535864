"""Optimizers: immutable settings; what changes during a run is a state that goes in and comes out of ``step``.

All are used in the same way, by name or as an object (``Adam(learning_rate=0.02)``). Those of the `Optimizer` kind
go step by step through minibatches; `SciPy` wraps methods that run by themselves, on all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from qml.optimizers.gradient_descent import SGD, Adam, AdamW, RMSprop
from qml.optimizers.scipy_methods import METHODS, SciPy
from qml.optimizers.spsa import SPSA
from qml.optimizers.stepwise import Optimizer, State
from simulator.names import by_name

__all__ = ["OPTIMIZERS", "SGD", "SPSA", "Adam", "AdamW", "Optimizer", "RMSprop", "SciPy", "State", "get_optimizer"]

OPTIMIZERS: Mapping[str, Callable[..., Optimizer | SciPy]] = {
    "adam": Adam,
    "adamw": AdamW,
    "sgd": SGD,
    "rmsprop": RMSprop,
    "spsa": SPSA,
    **{method: partial(SciPy, method) for method in METHODS},
}
"""Optimizers by name; ``get_optimizer`` passes options on to them."""


def get_optimizer(
    optimizer: str | Optimizer | SciPy, learning_rate: float | None = None, **options: Any
) -> Optimizer | SciPy:
    """The optimizer of a name, or the object itself, with another learning rate where one is given.

    Parameters
    ----------
    optimizer : str, Optimizer or SciPy
        One of ``OPTIMIZERS``, in any case.
    learning_rate : float, optional
        Replaces the optimizer's own; SciPy's methods choose their steps themselves and ignore it.
    **options
        Settings for the optimizer of that name, such as ``beta1=0.8``.

    Raises
    ------
    UnknownNameError
        If there is no such name, or the optimizer of that name has no such setting; the nearest ones are given.
    TypeError
        If it is neither a name nor an optimizer, or options come with an object.

    Examples
    --------
    >>> get_optimizer("adam", learning_rate=0.1)
    Adam(learning_rate=0.1, beta1=0.9, beta2=0.999, epsilon=1e-08)
    """
    chosen = by_name("optimizer", optimizer, OPTIMIZERS, (Optimizer, SciPy), options)
    if learning_rate is None or isinstance(chosen, SciPy):
        return chosen
    return replace(chosen, learning_rate=learning_rate)
