"""Checks of the contents of a model file: only what `save` writes, in possible sizes, with valid settings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

__all__ = ["LEFT_OUT", "check_learnt", "check_settings", "check_sizes", "random_state"]

LEFT_OUT = ("backend", "callback", "memory", "resume")
"""Settings that `save` never writes: code, connections, and folders (joblib executes the contents of ``memory``)."""

SIZES = ("features_per_qubit", "n_jobs", "n_qubits", "num_qubits", "reps", "steps")
LARGEST = 1 << 16
"""Largest product of the sizes of a circuit that is built when a model predicts."""

MERSENNE_TWISTER = "MT19937"
STATE_LENGTH = 624
"""Length of the state of a Mersenne Twister."""


def check_settings(estimator: Any, parameters: Mapping[str, Any]) -> None:
    """Raise unless the settings of an estimator, built from ``parameters``, are valid and such that `save` writes."""
    for name in LEFT_OUT:
        if parameters.get(name) is not None:
            raise ValueError(f"it sets {name}, which is never stored in a model file")
    if hasattr(estimator, "_check_settings"):
        estimator._check_settings()
    elif hasattr(estimator, "_parameter_constraints"):  # scikit-learn's own
        estimator._validate_params()


def check_learnt(estimator: Any, names: Mapping[str, Any]) -> None:
    """Raise if a learnt attribute would replace a setting, a method or another attribute of the class."""
    settings = estimator.get_params(deep=False)
    for name in names:
        if not name.isidentifier() or name in settings or hasattr(type(estimator), name):
            raise ValueError(f"{name!r} is not a learnt attribute of {type(estimator).__name__}")


def check_sizes(kind: str, data: Mapping[str, Any]) -> None:
    """Raise if the circuit of a part, described in a few bytes, would take hours to build."""
    sizes: dict[str, int] = {}
    for name, value in _pairs([data.get("parameters"), data.get("learnt")]):
        if name in SIZES and type(value) is int:
            sizes[name] = max(abs(value), sizes.get(name, 1))
    if math.prod(sizes.values()) > LARGEST:
        raise ValueError(f"{kind} of {', '.join(f'{name}={value}' for name, value in sizes.items())} is too large")


def _pairs(data: Any) -> Iterator[tuple[Any, Any]]:
    """Iterate over names and values at all depths."""
    if isinstance(data, dict):
        entries = list(data.items())
        yield from entries
        for _, value in entries:
            yield from _pairs(value)
    elif isinstance(data, list):
        if len(data) == 2 and isinstance(data[0], str):  # of a stored dict
            yield data[0], data[1]
        for value in data:
            yield from _pairs(value)


def random_state(state: Mapping[str, Any]) -> np.random.RandomState:
    """Return a random state; NumPy does not check the position, and would read outside the state."""
    inner = state["state"]
    key, position = np.asarray(inner["key"]), inner["pos"]
    if (
        state["bit_generator"] != MERSENNE_TWISTER
        or key.shape != (STATE_LENGTH,)
        or key.dtype != np.uint32
        or type(position) is not int
        or not 0 <= position <= STATE_LENGTH
    ):
        raise ValueError("expected the state of a Mersenne Twister: 624 numbers and a position among them")
    out = np.random.RandomState()
    out.set_state(dict(state))
    return out
