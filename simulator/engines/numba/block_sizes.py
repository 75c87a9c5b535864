"""Sizes that suit this machine's processors: of a large state's blocks, of a tile's states, of one thread's work."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import numpy as np

from simulator.engines.numba import simd
from simulator.engines.numba.options import Options

_FEWEST_BLOCKS = 3  # minimum number of bits of the number of blocks, so that all threads have work
_LEAST_BITS = 10  # minimum number of qubits of a block, the number for which phases are computed at a time
_SUB_BYTES = 1 << 14  # bytes of a part of a block, which fits in the first-level cache
_TILE_QUBITS = 12, 14  # bounds of the number of qubits of a tile's states, between which it depends on the cache
_SERIAL_VECTORS = 7_000  # vectors processed in the time that pays for a second thread
_FIRST_CACHE_BYTES = 1 << 15  # assumed bytes of the first-level cache if the system does not report it
_CACHE_BYTES = 1 << 20  # and of the second level


@functools.cache
def cache_bytes() -> int:
    """Size of a core's second-level cache in bytes."""
    return _reported_bytes(2, _CACHE_BYTES)


@functools.cache
def tile_bytes() -> int:
    """Maximum size of a tile with several states: two such tiles and more fit in the first-level cache."""
    third = _reported_bytes(0, _FIRST_CACHE_BYTES) // 3
    return 1 << max(third.bit_length() - 1, 0)


def _reported_bytes(index: int, otherwise: int) -> int:
    try:
        text = Path(f"/sys/devices/system/cpu/cpu0/cache/index{index}/size").read_text().strip()
        return int(text[:-1]) << {"K": 10, "M": 20}[text[-1]]
    except (OSError, ValueError, KeyError):
        return otherwise


def batch_qubits(options: Options) -> int:
    """Maximum number of qubits such that the two states of a tile fit in the second-level cache."""
    if options.batch_qubits is not None:
        return options.batch_qubits
    fewest, most = _TILE_QUBITS
    return min(max((cache_bytes() // (4 * simd.VECTOR_BYTES)).bit_length() - 1, fewest), most)


def serial_work(options: Options) -> int:
    """Number of floats that one thread processes before a second one pays off."""
    if options.serial_work is not None:
        return options.serial_work
    return _SERIAL_VECTORS * simd.width(np.float64)


def block_bits(num_qubits: int, states: int, amplitude_bytes: int, options: Options) -> int:
    """Number of qubits of a block such that ``states`` blocks fit in half of a core's second-level cache.

    It depends on the machine's processors but not on the number of threads, so results do not depend on the latter.
    """
    if options.block_bits is not None:
        return options.block_bits
    room = cache_bytes() // (2 * states * amplitude_bytes)
    shared = max(_FEWEST_BLOCKS, (2 * (os.cpu_count() or 1) - 1).bit_length())
    return max(min(room.bit_length() - 1, num_qubits - shared), _LEAST_BITS)


def part_bits(amplitude_bytes: int, options: Options) -> int:
    """Number of qubits of a part of a block; consecutive passes that stay within parts are executed part by part."""
    if options.part_bits is not None:
        return options.part_bits
    return max((_SUB_BYTES // amplitude_bytes).bit_length() - 1, _LEAST_BITS)
