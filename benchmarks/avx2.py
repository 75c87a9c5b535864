"""Option ``--avx2`` of the benchmarks: all libraries without AVX-512, as on a machine that lacks it.

numba, XLA, OpenBLAS, oneDNN and NumPy are told by variables of the environment, qsim before it is imported. The
compiled parts of Qulacs, scaluq, Aer and MindQuantum have no such instructions (none in their disassembly). What cannot
be restricted is named, and has more than such a machine would give it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

VARIABLES = {
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "+avx2,+avx,+fma,+f16c,+bmi,+bmi2,+lzcnt,+movbe,+popcnt,+sse4.2,+sse4.1,+ssse3,+sse3,+cx16",
    "OPENBLAS_CORETYPE": "Haswell",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR",
}
XLA = "--xla_cpu_max_isa=AVX2"
UNRESTRICTED = {
    "catalyst": "its runtime is Lightning's",
    "lightning": "it selects kernels by the processor",
}
_DONE = "BENCHMARK_AVX2"


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--avx2``."""
    parser.add_argument("--avx2", action="store_true", help="restrict all libraries that allow it to AVX2")


def apply(options: argparse.Namespace, libraries: Sequence[str]) -> None:
    """Start this program again with the variables of ``--avx2``, if it is set, and name what they do not restrict."""
    if not options.avx2:
        return
    if _DONE not in os.environ:
        flags = f"{os.environ.get('XLA_FLAGS', '')} {XLA}".strip()
        sys.stdout.flush()
        os.execve(sys.executable, sys.orig_argv, os.environ | VARIABLES | {"XLA_FLAGS": flags, _DONE: "1"})
    names = dict.fromkeys(library.partition(":")[0] for library in libraries)
    exceptions = "; ".join(f"{name} ({UNRESTRICTED[name]})" for name in names if name in UNRESTRICTED)
    print(f"restricted to AVX2, except {exceptions or 'none'}", flush=True)


def import_qsimcirq() -> Any:
    """Import qsimcirq, which has a build for each set of instructions and chooses one when it is imported."""
    if _DONE in os.environ:
        decision: Any = ModuleType("qsimcirq.qsim_decide")
        decision.detect_instructions = lambda: 1  # AVX2
        decision.detect_gpu = decision.detect_custatevec = lambda: -1  # none
        sys.modules["qsimcirq.qsim_decide"] = decision
    import qsimcirq

    return qsimcirq
