"""Reusable buffers, aligned to pages."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.engines.numba import simd

_KEEP_BYTES = 1 << 27  # bytes above which a buffer is returned to the system; smaller ones have sizes of powers of two
_PAGE_BYTES = 4096  # alignment of buffers, so that the cache sets of their contents are known
_buffers = threading.local()  # .free: buffers by element type and exponent of the size


def _free() -> dict[tuple[Any, int], list[NDArray[Any]]]:
    try:
        return _buffers.free  # type: ignore[no-any-return]
    except AttributeError:
        _buffers.free = {}
        return _buffers.free


def allocate(size: int, dtype: Any, zeros: bool = True) -> NDArray[Any]:
    """Array of shape (size,), aligned to a page: zeros, or arbitrary contents if the caller overwrites all of them."""
    return simd.aligned_zeros(size, dtype, _PAGE_BYTES) if zeros else simd.aligned_empty(size, dtype, _PAGE_BYTES)


def take(size: int, dtype: type[np.floating[Any]]) -> NDArray[Any]:
    """Take an aligned buffer of at least ``size`` elements with arbitrary contents; return it with `give` after use."""
    bits = max(size - 1, 1023).bit_length()
    if (1 << bits) * 8 > _KEEP_BYTES:
        return allocate(size, dtype)
    free = _free().get((dtype, bits))
    return free.pop() if free else allocate(1 << bits, dtype)


def give(buffer: NDArray[Any]) -> None:
    """Return a buffer for reuse by the next `take` of this thread."""
    size = len(buffer)
    if size & (size - 1) == 0 and size * 8 <= _KEEP_BYTES:
        _free().setdefault((buffer.dtype.type, size.bit_length() - 1), []).append(buffer)
