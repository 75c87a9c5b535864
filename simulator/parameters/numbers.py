"""Checks of the numbers and names that expressions are made of, and how these are written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from simulator.errors import ParameterError

__all__ = ["checked_name", "finite_real", "operand", "plain", "signed"]


def checked_name(kind: str, name: Any) -> str:
    """Return a name, or raise a ParameterError if it is not a non-empty string."""
    if not isinstance(name, str) or not name:
        raise ParameterError(f"the name of a {kind} must be a non-empty string, got {name!r}")
    return name


def operand(value: Any, operation: str) -> float:
    """Validate a numeric operand; arrays give NotImplemented, so that NumPy works element by element."""
    if type(value) is float and math.isfinite(value):
        return value
    if isinstance(value, np.ndarray | Sequence) and not isinstance(value, str):
        return NotImplemented
    return finite_real(value, f"the number to {operation}")


def finite_real(value: Any, what: str, alternative: str = "") -> float:
    """Convert to a float, or raise a ParameterError that says ``what`` must be a finite real number."""
    if not isinstance(value, bool) and isinstance(value, Real):  # np.bool_ is not Real
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    raise ParameterError(f"{what} must be a finite real number{alternative}, got {value!r}")


def plain(number: float) -> str:
    """Write a number, integers without a point."""
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def signed(number: float, size: str, first: bool) -> str:
    """Write a term of a sum: the sign of ``number`` before its magnitude ``size``."""
    if first:
        return f"-{size}" if number < 0 else size
    return f" - {size}" if number < 0 else f" + {size}"
