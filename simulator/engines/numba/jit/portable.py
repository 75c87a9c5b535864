"""Kernels shipped with the package as LLVM bitcode, whose object code is made in a tenth of the time of compiling.

The bitcode is optimised and typed; only the instructions of the processor at hand are missing. It fits one release of
numba and llvmlite, one Python, one operating system and architecture, one width of registers, and one text of the
kernel sources: the name of an archive has a digest of all of them, so that archives for several may lie side by side.
``python -m release.portable_kernels`` writes archives; without one that fits, kernels are compiled.

Loading an archive runs its code. Therefore only the package's own directory is searched, and only files that nobody
can write who cannot write this source file.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import stat
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from llvmlite import binding
from numba.core import serialize
from numba.core.compiler import CompileResult

from simulator.engines.numba.jit.compatibility import obstacle
from simulator.engines.numba.jit.directory import ENGINE, digest
from simulator.engines.numba.jit.library import KernelLibrary
from simulator.engines.numba.processor import native_bytes

DIRECTORY = ENGINE / "portable"


def archive_path() -> Path:
    """Return the place of the archive that fits this process, whether or not it exists."""
    python, triple = f"{sys.implementation.cache_tag}{sys.abiflags}", binding.get_process_triple()
    bits = 8 * native_bytes()
    return DIRECTORY / f"{python}-{triple}-{bits}-{digest(python, triple, bits)}.zip"


def load(function: Any, signature: Any, context: Any) -> Any:
    """Return a kernel's `CompileResult` for a signature, or None if no archive has it."""
    if obstacle() is not None or not function.__module__.startswith("simulator."):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(_protected_bytes(archive_path()))) as archive:
            content = archive.read(_member(function, signature))
        if hashlib.sha256(content[32:]).digest() != content[:32]:
            return None
        (name, bitcode), *description = pickle.loads(content[32:])
        library = _library(context.codegen(), name, bitcode)
        return CompileResult._rebuild(_ContextOf(context, library), None, *description)._replace(target_context=context)
    except Exception:  # no archive, an incomplete or a broken one: compiling is always correct
        return None


def pack(dispatchers: Iterable[Any]) -> bytes:
    """Return an archive of all kernels that this process has compiled."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for dispatcher in dispatchers:
            for signature, result in dispatcher.overloads.items():
                _, *description = result._reduce()
                library = result.library
                content = serialize.dumps(((library.name, library._final_module.as_bitcode()), *description))
                member = zipfile.ZipInfo(_member(dispatcher.py_func, signature))  # without a date
                archive.writestr(member, hashlib.sha256(content).digest() + content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _member(function: Any, signature: Any) -> str:
    types = hashlib.sha256(str(tuple(signature)).encode()).hexdigest()[:16]
    return f"{function.__module__}.{function.__qualname__}-{types}"


def _protected_bytes(path: Path) -> bytes:
    """Read a file that is protected at least as well as this source file, or raise a PermissionError."""
    with open(path, "rb") as file:
        _check_protection(os.stat(path.parent), os.stat(Path(__file__).parent))
        _check_protection(os.fstat(file.fileno()), os.stat(__file__))
        return file.read()


def _check_protection(status: os.stat_result, source: os.stat_result) -> None:
    others = stat.S_IWGRP | stat.S_IWOTH
    if status.st_uid != source.st_uid or status.st_mode & others & ~source.st_mode:
        raise PermissionError("a file of portable kernels can be written by more users than the source files")


def _library(codegen: Any, name: str, bitcode: bytes) -> Any:
    """Emit object code from bitcode, and keep it for the cache."""
    library = KernelLibrary(codegen, name)
    library.enable_object_caching()
    library._final_module = binding.parse_bitcode(bitcode)
    library._finalize_final_module()
    return library


class _ContextOf:
    """Target context, and code generator, of a library that exists already."""

    def __init__(self, context: Any, library: Any) -> None:
        self._context, self._library = context, library

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def codegen(self) -> _ContextOf:
        return self

    def unserialize_library(self, state: None) -> Any:
        return self._library
