"""Validation of qubits, Pauli letters, masks and coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator import pauli
from simulator.errors import ObservableError

__all__ = [
    "check_width",
    "checked_coefficient",
    "checked_coefficients",
    "checked_masks",
    "checked_qubits",
    "is_number",
    "label_masks",
]

MAX_QUBITS = 62  # maximum number of qubits of an observable; masks are int64 with the sign bit unused


def label_masks(kind: str, letters: Any) -> tuple[int, int]:
    """Return the X mask and Z mask of a Pauli ``kind``, a label or a string, whose last letter is bit 0."""
    try:
        return pauli.masks(letters)
    except (TypeError, ValueError):
        raise ObservableError(f"a Pauli {kind} consists of I, X, Y and Z, got {letters!r}") from None


def checked_qubits(owner: str, qubits: Sequence[Any]) -> tuple[int, ...]:
    """Convert distinct qubits to ints, or raise an ObservableError."""
    try:
        sequence = tuple(qubits)
    except TypeError:
        raise ObservableError(f"{owner}: expected a sequence of qubits, got {qubits!r}") from None
    for qubit in sequence:
        if isinstance(qubit, bool) or not isinstance(qubit, int | np.integer):
            raise ObservableError(f"{owner}: a qubit is an integer, got {qubit!r}")
        if qubit < 0:
            raise ObservableError(f"{owner}: a qubit is counted from 0, got {qubit}")
        check_width(int(qubit) + 1)
    out = tuple(int(qubit) for qubit in sequence)
    if len(set(out)) != len(out):
        raise ObservableError(f"{owner} takes distinct qubits, got {out}")
    return out


def check_width(num_qubits: int) -> None:
    """Raise an ObservableError if ``num_qubits`` qubits do not fit in a mask."""
    if num_qubits > MAX_QUBITS:
        raise ObservableError(f"an observable acts on qubits 0 to {MAX_QUBITS - 1}, got qubit {num_qubits - 1}")


def is_number(value: Any) -> bool:
    """Whether the value is a valid numeric operand in arithmetic with an observable."""
    return isinstance(value, Number) and not isinstance(value, bool)


def checked_coefficient(value: Any) -> float:
    """Convert one coefficient to a float."""
    return float(checked_coefficients([value])[0])


def checked_coefficients(coefficients: ArrayLike) -> NDArray[np.float64]:
    """Convert to real, finite coefficients, shape (n_terms,)."""
    values = np.array(coefficients)
    if values.dtype.kind not in "fiu" and values.size:
        raise ObservableError(f"the coefficients of an observable are real numbers, got {coefficients!r}")
    values = values.astype(float)
    if values.ndim != 1:
        raise ObservableError(f"coefficients has shape (n_terms,), got {values.shape}")
    if not np.isfinite(values).all():
        raise ObservableError("the coefficients of an observable contain NaN or infinity")
    return values


def checked_masks(name: str, masks: ArrayLike) -> NDArray[np.int64]:
    """Convert to masks of at most 62 qubits, shape (n_terms,)."""
    array = np.array(masks)
    if array.ndim != 1 or (array.dtype.kind not in "iu" and array.size):
        raise ObservableError(f"{name} is a sequence of integers, got {masks!r}")
    if array.size and (array.min() < 0 or int(array.max()) >= 1 << MAX_QUBITS):
        raise ObservableError(f"{name} are between 0 and 2**{MAX_QUBITS} - 1, got {masks!r}")
    return array.astype(np.int64)
