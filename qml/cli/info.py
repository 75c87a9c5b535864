"""Show installed versions, and the sizes that this machine can simulate."""

from __future__ import annotations

import argparse

__all__ = ["ARGUMENTS", "add_arguments", "run"]

ARGUMENTS = ""
PACKAGES = ("qumba", "numpy", "scipy", "numba", "llvmlite", "scikit-learn", "qiskit", "tqdm", "matplotlib")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command: none."""


def run(options: argparse.Namespace) -> int:
    """Print one line per fact."""
    import os
    import platform

    from qml.text import one_line
    from simulator import get_num_threads
    from simulator.engines import host
    from simulator.memory import available_bytes
    from simulator.version import installed_version

    facts = [("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")]
    for package in PACKAGES:
        missing = "missing" + (" (pip install 'qumba[plot]')" if package == "matplotlib" else "")
        facts.append((package, installed_version(package) or missing))
    available = available_bytes()
    doubles, singles = host.vector_width("float64"), host.vector_width("float32")
    facts += [
        ("threads", f"{get_num_threads()} of {os.cpu_count()} processors (QUMBA_NUM_THREADS changes it)"),
        ("vectors", f"{doubles} doubles or {singles} singles; processor: {_processor()}"),
        ("kernel cache", str(host.cache_directory() or "none: every process compiles again (QUMBA_CACHE_DIR)")),
        ("memory", f"{available / 2**30:.1f} GiB available"),
        ("largest state", f"{_max_qubits(available, 16)} qubits, or {_max_qubits(available, 8)} in single precision"),
    ]
    width = max(len(name) for name, _ in facts)
    for name, fact in facts:
        print(one_line(f"{name.ljust(width)}  {fact}"))
    return 0


def _max_qubits(available: int, amplitude_bytes: int) -> int:
    return max((available // amplitude_bytes).bit_length() - 1, 0)


def _processor() -> str:
    """Return the processor's name in LLVM, and its widest vectors."""
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features()
    widest = next((name for name in ("avx512f", "avx2", "avx", "sse2", "neon") if features.get(name)), "no vectors")
    return f"{llvm.get_host_cpu_name()}, {widest}"
