"""A kernel that makes calls on rows, as an engine does between the sweeps of a circuit."""

from simulator.engines.numba.jit import kernel
from simulator.engines.numba.kernels.row_calls import invoke_rows


@kernel
def on_rows(calls, first, last, piece, words):
    """Make calls on rows, ``piece`` of them at a time; return the first of those which a kernel refuses."""
    while first < last:
        end = min(first + piece, last)
        for k in range(len(calls)):
            if not invoke_rows(calls, k, first, end, words):
                return first
        first = end
    return last
