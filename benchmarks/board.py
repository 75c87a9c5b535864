"""The budget of a small board, emulated: one pinned core and 256 MB of address space.

Each program is started anew and predicts one sample, without this library: the C header, and ONNX Runtime if it is
installed; then a saved collapsed model, with this library. A program that does not fit is tried again with twice the
memory. Memory is the program's own account (`/proc/self/status`), as the operating system counts that of the parent.
"""

from __future__ import annotations

import importlib.util
import os
import pickle
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline

from qml import ImagePooling, VariationalClassifier
from qml.deploy import collapse, export_c, export_onnx

BUDGET = 256
"""Address space of the board, in units of 1,048,576 bytes."""

LARGEST = 4096
RUNS = 7

C_PROGRAM = """
#include "model.h"
#include <stdio.h>
#include <string.h>
int main(void) {
    const model_real x[MODEL_FEATURES] = {SAMPLE};
    char line[256];
    printf("%s\\n", model_class_name(model_class(x)));
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status)) if (!strncmp(line, "Vm", 2)) fputs(line, stdout);
    return 0;
}
"""

ONNX_PROGRAM = """
import numpy, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession("model.onnx", options)
print(session.run(None, {"X": numpy.array([[SAMPLE]])})[0][0])
print(open("/proc/self/status").read())
"""

PYTHON_PROGRAM = """
import pickle, numpy
model = pickle.load(open("model.pickle", "rb"))
print(model.predict(numpy.array([SAMPLE])))
print(open("/proc/self/status").read())
"""


def board() -> None:
    """Print seconds to the first prediction and peak memory of each program."""
    images, digits = load_digits(n_class=4, return_X_y=True)
    model = make_pipeline(ImagePooling((4, 4)), VariationalClassifier(n_qubits=4, epochs=15, random_state=0))
    model.fit(images, digits)
    sample = ", ".join(f"{value:.1f}" for value in images[0])
    expected = str(model.predict(images[:1])[0])
    print(f"Small board: one core, {BUDGET} MB of address space; a classifier of four digits, 64 features, 4 qubits\n")
    print("| program | files, kB | address space given, MB | seconds to the first prediction | memory, MB |")
    print("|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compiler = shutil.which("gcc") or shutil.which("cc")
        for precision, weights in (("double", "full"), ("float", "int8")) if compiler else ():
            export_c(model, folder / "model.h", precision=precision, weights=weights, samples=images)  # type: ignore[arg-type]
            (folder / "main.c").write_text(C_PROGRAM.replace("SAMPLE", sample))
            subprocess.run([compiler, "-std=c99", "-Os", "main.c", "-o", "program", "-lm"], cwd=folder, check=True)  # type: ignore[list-item]
            row(f"C, {precision}, {weights}", [str(folder / "program")], folder, "program", expected)
        if importlib.util.find_spec("onnxruntime"):
            export_onnx(model, folder / "model.onnx")
            program = ONNX_PROGRAM.replace("SAMPLE", sample)
            row("ONNX Runtime in Python", [sys.executable, "-c", program], folder, "model.onnx", expected)
        (folder / "model.pickle").write_bytes(pickle.dumps(collapse(model)))
        program = PYTHON_PROGRAM.replace("SAMPLE", sample)
        row("this library, collapsed", [sys.executable, "-c", program], folder, "model.pickle", expected)


def row(name: str, command: list[str], folder: Path, file: str, expected: str) -> None:
    """Print a program's row, with the smallest address space in which it works."""
    megabytes = BUDGET
    while run(command, folder, megabytes, expected) is None:
        megabytes *= 2
        if megabytes > LARGEST:
            print(f"| {name} | | over {LARGEST} | | |")
            return
    results = [result for _ in range(RUNS) if (result := run(command, folder, megabytes, expected)) is not None]
    seconds, memory = (statistics.median(values) for values in zip(*results, strict=True))
    size = (folder / file).stat().st_size / 1000
    print(f"| {name} | {size:.1f} | {megabytes} | {seconds:.3f} | {memory:.1f} |", flush=True)


def run(command: list[str], folder: Path, megabytes: int, expected: str) -> tuple[float, float] | None:
    """Start a program; returns the seconds to its first line and its peak memory in MB, or None if it fails."""
    core = min(os.sched_getaffinity(0))

    def limit() -> None:
        os.sched_setaffinity(0, {core})
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))

    threads = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL", "NUMBA")}
    python = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)) or os.getcwd()}
    start = time.perf_counter()
    with subprocess.Popen(
        command, cwd=folder, preexec_fn=limit, env={**os.environ, **threads, **python}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        first = process.stdout.readline().strip()
        seconds = time.perf_counter() - start
        status = dict(line.split(":", 1) for line in process.stdout if ":" in line)
    if process.returncode:
        return None
    if first != expected:
        raise AssertionError(f"{command[0]} predicts {first}, the model {expected}")
    return seconds, int(status["VmHWM"].split()[0]) / 1000
