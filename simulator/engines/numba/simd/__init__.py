"""Explicit vector type for numba: ``<8 x double>`` and ``<16 x float>`` as first-class values.

Plain loops over interleaved arrays reach 5-12 GFLOP/s per core, because LLVM does not vectorise short inner loops whose
arrays may alias; kernels written with this type are four times as fast and still read as arithmetic. LLVM splits the
vectors on machines with narrower registers, so the same source works there. A vector is 64 bytes wide. Importing this
folder compiles nothing.
"""

from __future__ import annotations

from simulator.engines.numba.simd.arrays import (
    bit_length,
    count_ones,
    cycles,
    doubles,
    entry,
    fetch_add,
    like,
    look,
    publish,
    relax,
    replace,
    section,
    table_view,
    trailing_zeros,
)
from simulator.engines.numba.simd.lanes import (
    exceeds,
    exchange0,
    exchange1,
    exchange2,
    exchange3,
    interleaved,
    lane_signs,
    lane_sum,
    lanes_of,
)
from simulator.engines.numba.simd.samples import column_of, parts_of, repeated, rounded
from simulator.engines.numba.simd.sines import sincos
from simulator.engines.numba.simd.vectors import (
    VECTOR_BYTES,
    Vector,
    aligned_empty,
    aligned_zeros,
    data_pointer,
    llvm_type,
    load,
    prefetch,
    splat,
    store,
    vector_pointer,
    width,
)

__all__ = [
    "VECTOR_BYTES",
    "Vector",
    "aligned_empty",
    "aligned_zeros",
    "bit_length",
    "column_of",
    "count_ones",
    "cycles",
    "data_pointer",
    "doubles",
    "entry",
    "exceeds",
    "exchange0",
    "exchange1",
    "exchange2",
    "exchange3",
    "fetch_add",
    "interleaved",
    "lane_signs",
    "lane_sum",
    "lanes_of",
    "like",
    "llvm_type",
    "load",
    "look",
    "parts_of",
    "prefetch",
    "publish",
    "relax",
    "repeated",
    "replace",
    "rounded",
    "section",
    "sincos",
    "splat",
    "store",
    "table_view",
    "trailing_zeros",
    "vector_pointer",
    "width",
]
