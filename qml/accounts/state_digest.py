"""Digest of any object's state: its class and attributes, all the way down, whatever wrote them into memory.

``pickle`` and ``joblib.hash`` depend on which equal strings are one object: a copy from a file has another hash.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

import numpy as np

__all__ = ["state_digest"]

PLAIN = (type(None), bool, int, float, complex, str, bytes)
NAMED = (type, types.FunctionType, types.BuiltinFunctionType, np.ufunc)


def state_digest(value: Any) -> str:
    """Return the SHA-256 digest, 64 hexadecimal digits, of an object's class and state.

    Functions are represented by their names, not by what they do.

    Raises
    ------
    TypeError
        If a part has no state that could be compared, such as an open file.
    """
    out = sha256()
    _feed(value, out.update, [])
    return out.hexdigest()


def _feed(value: Any, write: Callable[[bytes], object], parents: list[int]) -> None:
    """Write the state of a value: its kind, the number of its parts, and the parts."""

    def parts(kind: str, *values: Any) -> None:
        write(f"{kind} {len(values)}\n".encode())
        for part in values:
            _feed(part, write, [*parents, id(value)])

    kind = type(value)
    if kind in PLAIN:
        text = repr(value)
        write(f"{kind.__name__} {len(text)} {text}\n".encode("utf-8", "surrogatepass"))
        return
    if isinstance(value, NAMED):
        write(f"named {getattr(value, '__module__', '')}.{getattr(value, '__qualname__', value.__name__)}\n".encode())
        return
    if id(value) in parents:
        write(f"parent {parents[::-1].index(id(value))}\n".encode())
        return
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        write(f"array {array.dtype.str} {array.shape}\n".encode())
        if array.dtype.names is not None:  # between whose fields there may be bytes that mean nothing
            parts("fields", *(part for name in array.dtype.names for part in (name, array[name])))
        elif array.dtype == object:
            parts("list", *array.ravel().tolist())
        else:
            write(np.ascontiguousarray(array).tobytes())
    elif isinstance(value, Mapping):
        pairs = sorted(value.items(), key=lambda pair: (type(pair[0]).__name__, repr(pair[0])))
        parts("mapping", *(part for pair in pairs for part in pair))
    elif isinstance(value, list | tuple):
        parts(kind.__name__, *value)
    elif isinstance(value, set | frozenset):
        parts(kind.__name__, *sorted(value, key=repr))
    elif isinstance(value, functools.partial):
        parts("partial", value.func, value.args, value.keywords)
    else:
        reduced = value.__reduce_ex__(2)
        parts("reduced", *([reduced] if isinstance(reduced, str) else [_plain(part) for part in reduced]))


def _plain(part: Any) -> Any:
    """Return the entries of an iterator, which the state of lists and dicts is given as."""
    return list(part) if hasattr(part, "__next__") else part
