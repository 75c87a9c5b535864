"""Optimizers: immutable settings; the state of a run is an argument and a result of ``step``.

All are used in the same way, by name or as an object (``Adam(learning_rate=0.02)``). An `Optimizer` takes one step
per minibatch; `SciPy` wraps methods with a loop of their own, on all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, cast

from qml.optimizers.coordinates import NFT, Rotosolve
from qml.optimizers.gradient_descent import SGD, Adam, AdamW, RMSprop
from qml.optimizers.natural_gradient import MomentumNaturalGradient, NaturalGradient
from qml.optimizers.qnspsa import QNSPSA
from qml.optimizers.scipy_methods import METHODS, SciPy
from qml.optimizers.shot_adaptive import ShotAdaptiveAdam
from qml.optimizers.spsa import SPSA
from qml.optimizers.stepwise import Optimizer, State
from qml.optimizers.umda import UMDA
from simulator.lazy import only_public
from simulator.names import by_name

__all__ = [
    "NFT",
    "OPTIMIZERS",
    "QNSPSA",
    "SGD",
    "SPSA",
    "UMDA",
    "Adam",
    "AdamW",
    "MomentumNaturalGradient",
    "NaturalGradient",
    "Optimizer",
    "RMSprop",
    "Rotosolve",
    "SciPy",
    "ShotAdaptiveAdam",
    "State",
    "get_optimizer",
]

__dir__ = only_public(__name__)

OPTIMIZERS: Mapping[str, Callable[..., Optimizer | SciPy]] = {
    "adam": Adam,
    "adamw": AdamW,
    "shot_adaptive_adam": ShotAdaptiveAdam,
    "sgd": SGD,
    "rmsprop": RMSprop,
    "natural_gradient": NaturalGradient,
    "momentum_natural_gradient": MomentumNaturalGradient,
    "spsa": SPSA,
    "qnspsa": QNSPSA,
    "rotosolve": Rotosolve,
    "nft": NFT,
    "umda": UMDA,
    **{method: partial(SciPy, method) for method in METHODS},
}
"""Optimizers by name; ``get_optimizer`` passes its options to them."""


def get_optimizer(
    optimizer: str | Optimizer | SciPy, learning_rate: float | None = None, **options: Any
) -> Optimizer | SciPy:
    """Return the optimizer of a name, or the object itself, with ``learning_rate`` if it is given.

    Parameters
    ----------
    optimizer : str, Optimizer or SciPy
        Key of ``OPTIMIZERS``, in upper or lower case, or an optimizer.
    learning_rate : float, optional
        Learning rate that replaces the optimizer's; methods that choose their steps (`Rotosolve`, `NFT`, `UMDA`,
        SciPy's) ignore it.
    **options
        Settings for the optimizer of that name, such as ``beta1=0.8``.

    Raises
    ------
    UnknownNameError
        If the name is unknown, or the optimizer of that name has no such setting; the nearest names are suggested.
    TypeError
        If ``optimizer`` is neither a name nor an optimizer, or options are passed together with an object.

    Examples
    --------
    >>> get_optimizer("adam", learning_rate=0.1)
    Adam(learning_rate=0.1, beta1=0.9, beta2=0.999, epsilon=1e-08)
    """
    result = by_name("optimizer", optimizer, OPTIMIZERS, (Optimizer, SciPy), options)
    if learning_rate is None or result.chooses_steps:
        return result
    return replace(cast(Optimizer, result), learning_rate=learning_rate)
