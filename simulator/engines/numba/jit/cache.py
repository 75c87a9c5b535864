"""Disk cache of compiled kernels, whose failures never stop a calculation.

numba's own cache notices an edit only in the file of the function itself, refuses to work at all where no
directory is writable, and fails at every call once one of its files is truncated. Here the cache lives in one
directory for all kernels (`directory`), and any failure leads to a new compilation and one warning.
"""

from __future__ import annotations

import pickle
import zlib
from pathlib import Path
from typing import Any

from numba.core import serialize
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator
from numba.core.sigutils import normalize_signature

from simulator.engines.numba.jit import portable
from simulator.engines.numba.jit.compatibility import obstacle, supported
from simulator.engines.numba.jit.directory import cache_directory, warn_once


class _Locator(_CacheLocator):  # type: ignore[misc]
    """Location of all kernels' cache files in one directory, keyed by the directory's name."""

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

    def reduce(self, data: Any) -> tuple[int, bytes]:
        """Return what a file holds of a kernel, with its checksum: damaged code would compute something else."""
        content = serialize.dumps(super().reduce(data))
        return zlib.crc32(content), content

    def rebuild(self, target_context: Any, reduced_data: tuple[int, bytes]) -> Any:
        checksum, content = reduced_data
        if zlib.crc32(content) != checksum:
            raise ValueError("the file of a kernel is damaged")
        return super().rebuild(target_context, pickle.loads(content))


class _Cache(FunctionCache):  # type: ignore[misc]
    """numba's cache of one function, with every failure treated as a miss."""

    _impl_class = _Implementation

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            if obstacle() is None:  # such kernels need nothing of what numba prepares for a compilation
                loaded = self._load_overload(sig, target_context)
            else:
                loaded = super().load_overload(sig, target_context)
            if loaded is not None and loaded.signature.args != normalize_signature(sig)[0]:
                return None  # a damaged index can name the file of another kernel
            return loaded
        except Exception:  # a truncated or foreign file may raise any error; compiling is always correct
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except Exception as error:
            try:  # the index itself may be the broken file, so it is started again
                self.flush()
                super().save_overload(sig, data)
            except Exception:
                warn_once(f"a compiled kernel could not be kept in {self.cache_path} ({error})")


class LazyCache:
    """Cache that looks up its directory at the first compilation, so that importing does not access the disk."""

    def __init__(self, py_func: Any) -> None:
        self._py_func = py_func
        self._cache: _Cache | None = None

    def _get(self) -> _Cache | None:
        if self._cache is None and cache_directory() is not None:
            try:
                self._cache = _Cache(self._py_func)
            except Exception as error:  # the classes of another numba release may raise any error
                warn_once(
                    f"compiled kernels cannot be kept with this numba ({error}); every process compiles them anew"
                )
        return self._cache

    @property
    def cache_path(self) -> str:
        cache = self._get()
        return "" if cache is None else cache.cache_path

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        cache = self._get()
        loaded = None if cache is None else cache.load_overload(sig, target_context)
        if loaded is None:
            loaded = portable.load(self._py_func, sig, target_context)
            if loaded is not None:
                self.save_overload(sig, loaded)
        if loaded is None and obstacle() is not None:
            warn_once(
                f"{obstacle()}: kernels are compiled without shortcuts, with the same results in about four times the "
                f"time; {supported()} is faster"
            )
        return loaded

    def save_overload(self, sig: Any, data: Any) -> None:
        cache = self._get()
        if cache is not None:
            cache.save_overload(sig, data)

    def enable(self) -> None: ...

    def disable(self) -> None: ...

    def flush(self) -> None: ...
