"""Engine compiled by numba: vectors, threads, tables and kernels."""

import os
import sys
import warnings


def _drop_thread_count_of_numba() -> None:
    """Remove a ``NUMBA_NUM_THREADS`` below 1, with which numba cannot be imported, and warn about it."""
    name = "NUMBA_NUM_THREADS"
    text = os.environ.get(name, "")
    try:
        refused = int(text) < 1
    except ValueError:  # numba reports this itself and can be imported
        refused = False
    if refused and "numba" not in sys.modules:
        del os.environ[name]
        warnings.warn(
            f"{name}={text!r} is not a sensible number of threads; it is removed from the environment", stacklevel=2
        )


_drop_thread_count_of_numba()  # before any module of this folder imports numba
