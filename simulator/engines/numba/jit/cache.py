"""The disk cache of compiled kernels, which never stands in the way.

numba's own cache notices an edit only in the file of the function itself, refuses to work at all where no
directory is writable, and fails at every call once one of its files is truncated. Here the cache lives in a
directory named after a digest of all kernel sources and the versions, and whatever goes wrong with it
means compiling anew, said once.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import llvmlite
import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator

_SOURCES = ("simd.py", "jit", "kernels", "layout", "../../range_reduction.py")


@functools.cache
def cache_directory() -> Path | None:
    """Where compiled kernels are kept, or None where nothing can be written.

    ``QUMBA_CACHE_DIR`` names another place than the user's cache directory.
    """
    digest = hashlib.sha256(f"{numba.__version__} {llvmlite.__version__} {sys.version}".encode())
    here = Path(__file__).parent.parent
    for source in _SOURCES:
        for path in sorted((here / source).glob("*.py")) if (here / source).is_dir() else [here / source]:
            digest.update(path.read_bytes())
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    root = os.environ.get("QUMBA_CACHE_DIR") or os.path.join(home, "qumba")
    directory = Path(root, f"kernels-{digest.hexdigest()[:16]}")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return directory
    except OSError as error:
        _warn_once(f"compiled kernels can not be kept in {directory} ({error}); every process compiles them anew")
        return None


@functools.cache
def _warn_once(message: str) -> None:
    warnings.warn(message, RuntimeWarning, stacklevel=3)


class _Locator(_CacheLocator):  # type: ignore[misc]
    """Every kernel's cache files in the one directory, keyed by the directory's name."""

    def __init__(self, py_func: Any, directory: Path) -> None:
        self._line, self._directory = py_func.__code__.co_firstlineno, directory

    def get_cache_path(self) -> str:
        return str(self._directory)

    def get_source_stamp(self) -> str:
        return self._directory.name

    def get_disambiguator(self) -> str:
        return str(self._line)


class _Implementation(CompileResultCacheImpl):  # type: ignore[misc]
    def __init__(self, py_func: Any) -> None:
        directory = cache_directory()
        assert directory is not None
        self._lineno = py_func.__code__.co_firstlineno
        self._locator = _Locator(py_func, directory)
        module = py_func.__module__.replace(".", "_")
        self._filename_base = self.get_filename_base(f"{module}.{py_func.__qualname__}", "")


class _Cache(FunctionCache):  # type: ignore[misc]
    """numba's cache of one function, for which every failure is a miss."""

    _impl_class = _Implementation

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # a truncated or foreign file may fail in any way; the answer is always to compile
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except Exception as error:
            try:  # the index itself may be the broken file: start it again
                self.flush()
                super().save_overload(sig, data)
            except Exception:
                _warn_once(f"a compiled kernel could not be kept in {self.cache_path} ({error})")


class LazyCache:
    """Finds the directory at the first compilation, so that importing touches no disk."""

    def __init__(self, py_func: Any) -> None:
        self._py_func = py_func
        self._cache: _Cache | None = None

    def _get(self) -> _Cache | None:
        if self._cache is None and cache_directory() is not None:
            self._cache = _Cache(self._py_func)
        return self._cache

    @property
    def cache_path(self) -> str:
        cache = self._get()
        return "" if cache is None else cache.cache_path

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        cache = self._get()
        return None if cache is None else cache.load_overload(sig, target_context)

    def save_overload(self, sig: Any, data: Any) -> None:
        cache = self._get()
        if cache is not None:
            cache.save_overload(sig, data)

    def enable(self) -> None: ...

    def disable(self) -> None: ...

    def flush(self) -> None: ...
