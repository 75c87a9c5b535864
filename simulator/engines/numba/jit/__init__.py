"""Compilation of kernels: `kernel` for entry points, `part` and `inlined` for the functions they call.

`bridged` is for entry points that compiled loops call, too. `cache` stores compiled code on disk. `shortcuts` and
`pipeline` omit the parts of numba's compilation that kernels do not need; if they do not support the installed numba
(`compatibility`), `plain` replaces them.
"""

from __future__ import annotations

from simulator.engines.numba.jit.compatibility import obstacle
from simulator.engines.numba.jit.directory import cache_directory

if obstacle() is None:
    from simulator.engines.numba.jit.shortcuts import bridged, inlined, kernel, part
else:
    from simulator.engines.numba.jit.plain import bridged, inlined, kernel, part

__all__ = ["bridged", "cache_directory", "inlined", "kernel", "part"]
