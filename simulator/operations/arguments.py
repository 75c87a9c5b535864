"""What callers give as qubits and numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from simulator.errors import CircuitError

__all__ = ["as_qubits", "whole_number"]


def as_qubits(qubits: Any) -> tuple[Any, ...]:
    """Qubits, or classical bits, as a tuple; one alone needs no brackets. What they are is for the gate to check."""
    return tuple(qubits) if isinstance(qubits, Iterable) else (qubits,)


def whole_number(owner: str, name: str, value: Any) -> int:
    """``value`` as an int, or a CircuitError that says whose argument of which name is none."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise CircuitError(f"{owner}: {name} must be a whole number, got {value!r}")
    return int(value)
