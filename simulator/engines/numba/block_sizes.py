"""Sizes that suit this machine's processors: of a large state's blocks, of a tile's states, of one thread's work."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import numpy as np

from simulator.engines.numba import simd
from simulator.engines.numba.options import Options
from simulator.engines.numba.processor import unit_bytes

_LEAST_BITS = 10  # minimum number of qubits of a block, the number for which phases are computed at a time
_SUB_BYTES = 1 << 14  # bytes of a part of a block, which fits in the first-level cache
_TILE_QUBITS = 12, 14  # bounds of the number of qubits of a tile's states, between which it depends on the cache
_SEGMENT_PASSES = 4  # maximum number of passes of a segment, where they take less time than a trip to a cache
_STREAMED_PASSES = 8  # the same where states come from memory
_SEGMENT_BITS = 6  # qubits of a segment's blocks, two of which fit in the first-level cache
_STREAMED_SHARE = 4  # ratio of the second-level cache and two blocks of states that come from memory
_KEPT_SHARE = 2  # minimum ratio of a processor's share of the largest cache and the states that a visit keeps
_SHARED_GAIN = 1.3  # least ratio of the times of single states and of tiles in the shared cache, of 14 to 16 qubits
_SERIAL_VECTORS = 7_000  # vectors processed in the time that pays for a second thread
_CACHE_BYTES = {1: 1 << 15, 2: 1 << 20, 3: 0}  # assumed bytes of the cache of a level that the system does not report


@functools.cache
def cache_bytes(level: int = 2) -> int:
    """Size in bytes of a core's data cache of level 1 or 2, or of a cache of level 3, which several cores share."""
    index = 0 if level == 1 else level
    try:
        text = Path(f"/sys/devices/system/cpu/cpu0/cache/index{index}/size").read_text().strip()
        return int(text[:-1]) << {"K": 10, "M": 20}[text[-1]]
    except (OSError, ValueError, KeyError):
        return _CACHE_BYTES[level]


@functools.cache
def cache_share() -> int:
    """Size in bytes of a processor's share of the cache of level 3; of its cache of level 2 if that is larger."""
    try:
        text = Path("/sys/devices/system/cpu/cpu0/cache/index3/shared_cpu_list").read_text().strip()
        spans = [part.split("-") for part in text.split(",")]
        sharers = sum(int(span[-1]) - int(span[0]) + 1 for span in spans)
    except (OSError, ValueError):
        sharers = os.cpu_count() or 1
    return max(cache_bytes(3) // sharers, cache_bytes(2))


@functools.cache
def tile_bytes() -> int:
    """Maximum size of a tile with several states: two such tiles and more fit in the first-level cache."""
    return 1 << max((cache_bytes(1) // 3).bit_length() - 1, 0)


def batch_qubits(options: Options) -> int:
    """Maximum number of qubits such that the two states of a tile fit in the second-level cache."""
    if options.batch_qubits is not None:
        return options.batch_qubits
    fewest, most = _TILE_QUBITS
    return min(max((cache_bytes() // _states_bytes(0)).bit_length() - 1, fewest), most)


def is_streamed(num_qubits: int) -> bool:
    """Whether passes read a tile's two states from memory: no cache has room for them and for anything else."""
    return _states_bytes(num_qubits) >= cache_share()


def fits_shared_cache(num_qubits: int) -> bool:
    """Whether a processor's share of the largest cache has room for the two states of a tile of samples."""
    return _states_bytes(num_qubits) <= cache_share()


def _states_bytes(num_qubits: int) -> int:
    """Size of the two states of a tile of samples."""
    return (4 * simd.VECTOR_BYTES) << num_qubits


def suit_shared_cache(samples: int, num_qubits: int, amplitude_bytes: int, options: Options) -> bool:
    """Whether tiles of samples whose two states do not fit in the second-level cache are faster than single states.

    They are if they fit in a processor's share of the largest cache, or if two single states do not fit in the
    second-level cache either, and if this machine's processors, not only the threads in use, all have tiles to work on.
    """
    if options.batch_qubits is not None or num_qubits >= options.big_qubits:
        return False
    processors = os.cpu_count() or 1
    tile = _states_bytes(num_qubits) // 2
    tile_samples = tile // (amplitude_bytes << num_qubits)
    together = processors * tile_samples  # samples at work at the same time
    rounds = -(-samples // together)
    return (
        (fits_shared_cache(num_qubits) or 2 * amplitude_bytes << num_qubits > cache_bytes())
        and processors <= max(options.keep_bytes // tile, options.fewest_tiles)
        and samples * _SHARED_GAIN >= rounds * together
    )


def segment_sizes(num_qubits: int, options: Options) -> tuple[int, int]:
    """Maximum number of fused passes that are applied to a block of a tile at a time, and the qubits of such a block.

    Blocks of two states fit in the first-level cache, or, where the states come from memory, in the second-level cache.
    Units of 32 bytes or fewer take longer for a pass than its vectors take from the second-level cache.
    """
    longest, bits = _SEGMENT_PASSES if unit_bytes() == simd.VECTOR_BYTES else 1, _SEGMENT_BITS
    if is_streamed(num_qubits):
        blocks = cache_bytes() // _STREAMED_SHARE // _states_bytes(0)
        longest, bits = _STREAMED_PASSES, max(blocks.bit_length() - 1, bits)
    return longest if options.segment_passes is None else options.segment_passes, bits


def keeps_states(groups: int, tile_bytes: int) -> bool:
    """Whether a visit keeps the states of a tile before and behind each group of passes, which then fit in a cache."""
    return (groups + 2) * tile_bytes <= cache_share() // _KEPT_SHARE


def serial_work(options: Options) -> int:
    """Number of floats that one thread processes before a second one pays off."""
    if options.serial_work is not None:
        return options.serial_work
    return _SERIAL_VECTORS * simd.width(np.float64)


def block_bits(num_qubits: int, states: int, amplitude_bytes: int, options: Options) -> int:
    """Number of qubits of a block such that ``states`` blocks fit in half of a core's second-level cache.

    Each processor has at least one block to work on. The number depends on the machine's processors but not on the
    number of threads, so results do not depend on the latter.
    """
    if options.block_bits is not None:
        return options.block_bits
    room = cache_bytes() // (2 * states * amplitude_bytes)
    shared = ((os.cpu_count() or 1) - 1).bit_length()
    return max(min(room.bit_length() - 1, num_qubits - shared), _LEAST_BITS)


def part_bits(amplitude_bytes: int, options: Options) -> int:
    """Number of qubits of a part of a block; consecutive passes that stay within parts are executed part by part."""
    if options.part_bits is not None:
        return options.part_bits
    return max((_SUB_BYTES // amplitude_bytes).bit_length() - 1, _LEAST_BITS)
