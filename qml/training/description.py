"""Description of settings as text that is equal for equal values of any class, in every process."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.noise import NoiseModel
from simulator.observables import PauliSum
from simulator.observables.pauli_sum import SHOWN_TERMS

__all__ = ["data_identity", "description", "digest", "same_data", "text_digest"]

LONGEST_DESCRIPTION = 400
DEEPEST = 5
"""Maximum nesting depth of a description; a deeper object is described by the name of its class."""

ROUNDING = 1e-12
"""Differences of data, relative to its largest number, that do not make it other data."""

SUMS, _AT_ONCE = 4, 1 << 16

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def description(value: Any) -> str:
    """Describe a value by a text that is equal for equal values, in every process; a dataclass is shown by its repr.

    A field whose metadata has ``added`` is left out at its default, so that checkpoints of versions without it go on.

    Examples
    --------
    >>> from qml.losses import Huber
    >>> description([Huber(0.5), "zz"])
    "[Huber(delta=0.5), 'zz']"
    """
    text = _described(value, 0)
    if len(text) > LONGEST_DESCRIPTION:
        return f"{text[: LONGEST_DESCRIPTION // 4]}... ({len(text)} characters, sha256 {text_digest(text)[:16]})"
    return text


def _described(value: Any, depth: int) -> str:
    kind = type(value).__qualname__
    if depth > DEEPEST:
        return kind

    def inner(entry: Any) -> str:
        return _described(entry, depth + 1)

    match value:
        case None | bool() | int() | float() | complex() | str() | bytes() | np.generic():
            return repr(value)
        case np.ndarray() if value.dtype != object:
            return f"array of shape {value.shape}, sha256 {digest(value)[:16]}"
        case np.ndarray() | list():
            return f"[{', '.join(map(inner, value))}]"
        case tuple():
            return f"({', '.join(map(inner, value))}{',' * (len(value) == 1)})"
        case Mapping():
            return f"{{{', '.join(f'{inner(key)}: {inner(entry)}' for key, entry in value.items())}}}"
        case set() | frozenset():
            return f"{{{', '.join(sorted(map(inner, value)))}}}"
        case PauliSum() if value.num_terms > SHOWN_TERMS:
            return f"{value!r} (sha256 {digest(value.x_masks, value.z_masks, value.coefficients)[:16]})"
        case NoiseModel():  # its repr shows rounded numbers, in order of insertion
            places = {name: sorted(entries, key=repr) for name, entries in value.to_dict().items()}
            return f"{NoiseModel.from_dict(places)!r} (sha256 {text_digest(repr(places))[:16]})"
        case type():
            return f"{value.__module__}.{value.__qualname__}"
    if dataclasses.is_dataclass(value):
        fields = {
            field.name: getattr(value, field.name, None)
            for field in dataclasses.fields(value)
            if not (field.metadata.get("added") and getattr(value, field.name, None) == field.default)
        }
    elif hasattr(value, "__qualname__"):  # a function
        return f"{value.__module__}.{value.__qualname__}"
    elif _has_repr(type(value)):
        return _ADDRESS.sub("", repr(value))
    else:
        fields = vars(value) if hasattr(value, "__dict__") else {}
    return f"{kind}({', '.join(f'{name}={inner(entry)}' for name, entry in fields.items())})"


def _has_repr(kind: Any) -> bool:
    """Whether a class defines its own repr."""
    return kind.__repr__ is not object.__repr__


def digest(*arrays: NDArray[Any]) -> str:
    """Compute a digest of arrays: their bits, shapes and types."""
    out = hashlib.sha256()
    for array in arrays:
        out.update(f"{array.dtype}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return out.hexdigest()


def data_identity(*arrays: NDArray[Any]) -> dict[str, Any]:
    """Describe data, such as scaled features, so that `same_data` recognises it on any processor.

    Scaling and drawing give other last digits on other processors, so a digest of the bits is not enough.

    Returns
    -------
    dict
        ``"exact"``, a digest, and ``"sums"``: for each array its shape, its largest number times the square root of
        its size, and sums of its numbers with random signs, which change as much as a number does.
    """
    return {"exact": digest(*arrays), "sums": [[list(array.shape), *_sums(array)] for array in arrays]}


def same_data(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two results of `data_identity` differ by rounding at most."""
    if one["exact"] == other["exact"]:
        return True
    if len(one["sums"]) != len(other["sums"]):
        return False
    return all(
        shape == other_shape and np.allclose(sums, other_sums, rtol=0.0, atol=ROUNDING * max(scale, other_scale))
        for (shape, scale, *sums), (other_shape, other_scale, *other_sums) in zip(
            one["sums"], other["sums"], strict=True
        )
    )


def _sums(array: NDArray[Any]) -> list[float]:
    """Scale of an array and its sums, see `data_identity`."""
    numbers = array.astype(np.float64).ravel()
    rng = np.random.default_rng(0)
    out = np.zeros(SUMS)
    for begin in range(0, numbers.size, _AT_ONCE):
        part = numbers[begin : begin + _AT_ONCE]
        out += (2.0 * rng.integers(0, 2, (SUMS, part.size)) - 1.0) @ part
    return [float(np.abs(numbers).max(initial=0.0)) * numbers.size**0.5, *out.tolist()]


def text_digest(text: str) -> str:
    """Compute a digest of a text."""
    return hashlib.sha256(text.encode()).hexdigest()
