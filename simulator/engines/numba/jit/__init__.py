"""How kernels are compiled: `kernel` for entry points, `part` and `inlined` for what they call.

`cache` keeps what was compiled on disk. `shortcuts` and `pipeline` leave out what kernels do not need of numba's
compilation; where they do not fit the installed numba (`compatibility`), `plain` takes their place.
"""

from __future__ import annotations

from simulator.engines.numba.jit.compatibility import obstacle
from simulator.engines.numba.jit.directory import cache_directory

if obstacle() is None:
    from simulator.engines.numba.jit.shortcuts import inlined, kernel, part
else:
    from simulator.engines.numba.jit.plain import inlined, kernel, part

__all__ = ["cache_directory", "inlined", "kernel", "part"]
