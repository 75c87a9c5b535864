"""Checks of hyper-parameters, done in ``fit``: constructors only store."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from numbers import Integral, Real
from typing import Any

import numpy as np

from simulator.backends.trait import Backend
from simulator.errors import CircuitError, unknown_name
from simulator.memory import check_state

__all__ = [
    "check_backend",
    "check_choice",
    "check_circuit_size",
    "check_flag",
    "check_flags",
    "check_fraction",
    "check_layers",
    "check_non_negative",
    "check_positive",
    "check_qubits",
    "check_whole",
]


MAX_QUBITS = 10_000
"""Maximum number of qubits of circuits that settings ask for, which take seconds to build. More than some thirty can be
simulated only without entanglement."""

MAX_LAYERS = 100_000
"""Maximum number of layers or repetitions of a circuit, which take some 15 s to build with two qubits."""


def check_whole(
    name: str, value: Any, least: int = 1, instead: Collection[Any] = (), error: type[ValueError] = ValueError
) -> None:
    """Raise ``error`` unless the value is an integer of at least ``least``, or one of ``instead``."""
    if not any(value is other or (isinstance(other, str) and value == other) for other in instead) and (
        isinstance(value, bool) or not isinstance(value, Integral) or value < least
    ):
        others = "".join(f", or {other!r}" for other in instead)
        raise error(f"{name} expects an integer of {least} or more{others}, got {value!r}")


def check_layers(name: str, value: Any) -> None:
    """Raise a `CircuitError` unless the value is an integer from 1 to `MAX_LAYERS`."""
    check_whole(name, value, error=CircuitError)
    if value > MAX_LAYERS:
        raise CircuitError(f"{name} expects at most {MAX_LAYERS:,}, got {value:,}")


def check_circuit_size(name: str, num_qubits: Any) -> None:
    """Raise a `CircuitError` if a circuit would have more than `MAX_QUBITS`; other values are for other checks."""
    if isinstance(num_qubits, Integral) and int(num_qubits) > MAX_QUBITS:
        raise CircuitError(f"{name} expects at most {MAX_QUBITS:,} qubits, got {int(num_qubits):,}")


def check_qubits(n_qubits: int | None, precision: str, backend: Any = None) -> None:
    """Raise `StateTooLargeError` if not even one state of ``n_qubits`` fits; backends have limits of their own."""
    if n_qubits is not None and backend in (None, "numba"):
        check_state(int(n_qubits), 1, precision)
    check_circuit_size("n_qubits", n_qubits)


def check_non_negative(name: str, value: Any) -> None:
    """Raise unless the value is a finite number of 0 or more."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) < float("inf"):
        raise ValueError(f"{name} expects a finite number of 0 or more, got {value!r}")


def check_positive(name: str, value: Any) -> None:
    """Raise unless the value is a finite number above 0."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < float(value) < float("inf"):
        raise ValueError(f"{name} expects a finite number above 0, got {value!r}")


def check_fraction(name: str, value: Any) -> None:
    """Raise unless the value lies strictly between 0 and 1."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < float(value) < 1:
        raise ValueError(f"{name} expects a number between 0 and 1, got {value!r}")


def check_flag(name: str, value: Any) -> None:
    """Raise unless the value is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} expects True or False, got {value!r}")


def check_flags(estimator: Any) -> None:
    """Check the settings of an estimator that are declared as ``bool``.

    ``verbose`` may be a number, as in scikit-learn.
    """
    for setting in fields(estimator):
        if setting.type in (bool, "bool") and setting.name != "verbose":
            check_flag(setting.name, getattr(estimator, setting.name))


def check_choice(name: str, value: Any, options: Collection[str]) -> None:
    """Raise unless the value is one of the options."""
    if value not in options:
        raise unknown_name(name, value, options)


def check_backend(backend: Any) -> Backend | None:
    """Check a backend and return it; None for the engine, which is called directly."""
    if backend is None or (isinstance(backend, str) and backend == "numba"):
        return None
    if not isinstance(backend, Backend):
        raise TypeError(
            f"backend expects a Backend such as simulator.qiskit_backend.QiskitBackend(...), 'numba' or None, "
            f"got {backend!r}"
        )
    return backend
