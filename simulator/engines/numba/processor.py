"""Registers and arithmetic units of the processor that numba compiles for."""

from __future__ import annotations

import functools

from llvmlite.binding import get_host_cpu_features, get_host_cpu_name, get_process_triple
from numba.core import config

# Families, by LLVM's names, with registers of 32 bytes and units of 16, which take an instruction in two halves.
_TAKE_HALVES = {"bdver1", "bdver2", "bdver3", "bdver4", "btver2", "znver1"}


@functools.cache
def _widest_register() -> int:
    text = config.CPU_FEATURES
    features = dict.fromkeys(text.replace("+", "").split(","), True) if text else get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx") else 16


def native_bytes() -> int:
    """Size in bytes of the widest vector register of the processor that numba compiles for: 64, 32 or 16."""
    return _widest_register()


@functools.cache
def unit_bytes() -> int:
    """Size in bytes of the widest vector that the processor's arithmetic units take as a whole, at most a register."""
    halves = (config.CPU_NAME or get_host_cpu_name()) in _TAKE_HALVES
    return min(native_bytes(), 16) if halves else native_bytes()


@functools.cache
def register_constraint() -> str | None:
    """LLVM's letter for a vector register of `native_bytes` in inline assembly; None if it is not known."""
    if native_bytes() > _widest_register():
        return None
    machine = get_process_triple().partition("-")[0]
    if machine in ("x86_64", "amd64"):
        return "v" if native_bytes() == 64 else "x"
    return "w" if machine in ("aarch64", "arm64") else None
