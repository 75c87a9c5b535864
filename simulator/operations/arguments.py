"""Conversion and checks of arguments: qubits, integers, seeds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from simulator.errors import CircuitError

__all__ = ["as_qubits", "check_seed", "whole_number"]


def as_qubits(qubits: Any) -> tuple[Any, ...]:
    """Convert qubits or classical bits, one or several, to a tuple; the gate validates them."""
    return tuple(qubits) if isinstance(qubits, Iterable) else (qubits,)


def whole_number(owner: str, name: str, value: Any) -> int:
    """Convert ``value`` to an int, or raise a CircuitError that names the owner and the argument."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise CircuitError(f"{owner}: {name} must be an integer, got {value!r}")
    return int(value)


def check_seed(seed: Any) -> None:
    """Raise a ValueError unless the seed is None, an integer of 0 or more, or a Generator."""
    if not (
        seed is None
        or isinstance(seed, np.random.Generator)
        or (isinstance(seed, int | np.integer) and not isinstance(seed, bool) and seed >= 0)
    ):
        raise ValueError(f"seed is None or an integer of 0 or more, got {seed!r}")
