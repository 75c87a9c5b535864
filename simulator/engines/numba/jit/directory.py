"""Cache directory of compiled kernels, named after a digest of all kernel sources and the versions."""

from __future__ import annotations

import functools
import hashlib
import os
import sys
import tempfile
import warnings
from pathlib import Path

import llvmlite
import numba

from simulator.engines.numba.jit.compatibility import obstacle

ENGINE = Path(__file__).parents[1]
_SOURCES = ("dialect", "simd", "processor.py", "jit", "kernels", "layout", "../../range_reduction.py")


@functools.cache
def cache_directory() -> Path | None:
    """Return the cache directory of compiled kernels, or None if it is not writable.

    The environment variable ``QUMBA_CACHE_DIR`` replaces the user's cache directory.
    """
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    root = os.environ.get("QUMBA_CACHE_DIR") or os.path.join(home, "qumba")
    directory = Path(root, f"kernels-{digest(sys.version, obstacle())}")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return directory
    except OSError as error:
        warn_once(f"compiled kernels cannot be kept in {directory} ({error}); every process compiles them anew")
        return None


def digest(*conditions: object) -> str:
    """Return a digest of all kernel sources, the releases of numba and llvmlite, and further ``conditions``."""
    out = hashlib.sha256(f"{numba.__version__} {llvmlite.__version__} {conditions} ".encode())
    out.update(_source_digest())
    return out.hexdigest()[:16]


@functools.cache
def _source_digest() -> bytes:
    out = hashlib.sha256()
    for source in _SOURCES:
        for path in sorted((ENGINE / source).glob("*.py")) if (ENGINE / source).is_dir() else [ENGINE / source]:
            out.update(path.read_bytes())
    return out.digest()


@functools.cache
def warn_once(message: str) -> None:
    """Warn once per process and message."""
    warnings.warn(message, RuntimeWarning, stacklevel=3)
