"""Width of the registers of the processor that numba compiles for."""

from __future__ import annotations

import functools

from llvmlite.binding import get_host_cpu_features
from numba.core import config


@functools.cache
def native_bytes() -> int:
    """Size in bytes of the widest vector register of the processor that numba compiles for: 64, 32 or 16."""
    text = config.CPU_FEATURES
    features = dict.fromkeys(text.replace("+", "").split(","), True) if text else get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx") else 16
