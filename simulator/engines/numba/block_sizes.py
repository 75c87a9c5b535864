"""How many qubits of a large state's block fit in the caches of this machine's processors."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from simulator.engines.numba.options import Options

_FEWEST_BLOCKS = 3  # bits: at least so many blocks that all threads have some
_LEAST_BITS = 10  # qubits of a block: as many as phases are made for at a time
_SUB_BYTES = 1 << 14  # of a part of a block that fits in the first-level cache
_CACHE_BYTES = 1 << 20  # of the second-level cache, where the system does not tell


@functools.cache
def cache_bytes() -> int:
    """Size of a core's second-level cache."""
    try:
        text = Path("/sys/devices/system/cpu/cpu0/cache/index2/size").read_text().strip()
        return int(text[:-1]) << {"K": 10, "M": 20}[text[-1]]
    except (OSError, ValueError, KeyError):
        return _CACHE_BYTES


def block_bits(num_qubits: int, states: int, amplitude_bytes: int, options: Options) -> int:
    """Qubits of a block, of which ``states`` fit in half of a core's second-level cache.

    It depends on the machine's processors, not on how many threads are used: results do not either.
    """
    if options.block_bits is not None:
        return options.block_bits
    room = cache_bytes() // (2 * states * amplitude_bytes)
    shared = max(_FEWEST_BLOCKS, (2 * (os.cpu_count() or 1) - 1).bit_length())
    return max(min(room.bit_length() - 1, num_qubits - shared), _LEAST_BITS)


def part_bits(amplitude_bytes: int, options: Options) -> int:
    """Qubits of a part of a block: consecutive passes that move amplitudes within parts are done part by part."""
    if options.part_bits is not None:
        return options.part_bits
    return max((_SUB_BYTES // amplitude_bytes).bit_length() - 1, _LEAST_BITS)
