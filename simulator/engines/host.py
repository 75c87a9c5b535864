"""This machine as code above the engines sees it: compiled functions on arrays, and where compiled code is stored."""

from __future__ import annotations

from simulator.engines.numba import loops
from simulator.engines.numba.jit import cache_directory
from simulator.engines.numba.jit.announcement import compilation_announced
from simulator.engines.numba.kernels import activations, dense, generators, losses, rows, scales, updates
from simulator.engines.numba.simd import width as vector_width
from simulator.engines.numba.threads import limited as limited_threads

__all__ = [
    "activations",
    "cache_directory",
    "compilation_announced",
    "dense",
    "generators",
    "limited_threads",
    "loops",
    "losses",
    "rows",
    "scales",
    "updates",
    "vector_width",
]
