"""What a prediction costs outside of the simulator: `python -m benchmarks.deployment`.

One sample at a time on one pinned core: the engine, the collapsed model, ONNX Runtime (if installed) and the C header
(if gcc is installed), with percentiles and the sizes of the files; then streams of 8 x 8 images, by source and
concurrency. With `--board`, start and memory on one core with 256 MB, see `benchmarks.board`.
Results are compared with the engine's before they are timed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline

from benchmarks.board import board
from qml import ImagePooling, VariationalClassifier
from qml.deploy import Stream, collapse, export_c, export_onnx

EQUAL = 1e-9
WARM_UP = 200

TIMER = """
#define _POSIX_C_SOURCE 199309L
#include "model.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
static double now(void) {{ struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + 1e-9 * t.tv_nsec; }}
static int ascending(const void *a, const void *b) {{
    double d = *(const double *)a - *(const double *)b;
    return (d > 0) - (d < 0);
}}
static double times[{calls}];
int main(void) {{
    model_real x[MODEL_FEATURES], y[MODEL_VALUES], sum = 0;
    for (int k = 0; k < {calls}; ++k) {{
        for (int i = 0; i < MODEL_FEATURES; ++i) x[i] = 0.01 * ((k + 7 * i) % 100);
        double start = now();
        for (int repeat = 0; repeat < 10; ++repeat) {{ x[0] += 1e-9 * repeat; model_values(x, y); sum += y[0]; }}
        times[k] = (now() - start) / 10;
    }}
    qsort(times, {calls}, sizeof(double), ascending);
    printf("%.9g %.9g %.9g ", times[{calls} / 2], times[{calls} * 99 / 100], times[{calls} * 999 / 1000]);
    printf("%g\\n", (double)sum);
    return 0;
}}
"""
"""C program that prints percentiles of the time of a prediction, each the mean of ten."""


def percentiles(call: Callable[[], Any], calls: int) -> tuple[float, ...]:
    """Seconds below which 50, 99 and 99.9 % of the calls take."""
    for _ in range(WARM_UP):
        call()
    times = np.empty(calls)
    for k in range(calls):
        start = time.perf_counter()
        call()
        times[k] = time.perf_counter() - start
    return tuple(np.percentile(times, [50, 99, 99.9]).tolist())


def row(name: str, seconds: tuple[float, ...], note: str = "") -> None:
    numbers = " | ".join(f"{1e6 * value:8.2f}" for value in seconds)
    print(f"| {name:34} | {numbers} | {note} |", flush=True)


def one_sample(num_qubits: int, calls: int, folder: Path) -> None:
    """Print the rows of a model with this number of qubits."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, num_qubits))
    model = VariationalClassifier(epochs=2, n_qubits=num_qubits, random_state=0).fit(X, X[:, 0] * X[:, 1] > 0)
    sample, fast = X[:1].copy(), collapse(model)
    expected = model.decision_function(X)
    assert np.abs(fast.decision_function(X) - expected).max() < EQUAL
    row(f"{num_qubits} qubits, engine", percentiles(lambda: model.predict(sample), calls))
    row(f"{num_qubits} qubits, collapsed", percentiles(lambda: fast.predict(sample), calls), fast.plan.splitlines()[-1])
    onnx_row(num_qubits, model, X, calls, folder)
    c_row(num_qubits, model, X, calls, folder)


def onnx_row(num_qubits: int, model: Any, X: Any, calls: int, folder: Path) -> None:
    try:
        import onnxruntime
    except ImportError:
        print("ONNX Runtime is not installed: pip install 'qumba[onnx]'")
        return
    export_onnx(model, folder / "model.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    start = time.perf_counter()
    session = onnxruntime.InferenceSession(folder / "model.onnx", options)
    seconds = time.perf_counter() - start
    assert np.abs(session.run(None, {"X": X})[1] - model.predict_proba(X)).max() < EQUAL
    note = f"{(folder / 'model.onnx').stat().st_size / 1000:.1f} kB, {1000 * seconds:.1f} ms to load"
    row(f"{num_qubits} qubits, ONNX Runtime", percentiles(lambda: session.run(None, {"X": X[:1]}), calls), note)


def c_row(num_qubits: int, model: Any, X: Any, calls: int, folder: Path) -> None:
    compiler = shutil.which("gcc")
    if compiler is None:
        print("gcc is not installed")
        return
    for precision, weights in (("double", "full"), ("float", "int8")):
        header = export_c(model, folder / "model.h", precision=precision, weights=weights, samples=X)
        build(compiler, folder, "-DMODEL_TEST", "-x", "c", "model.h")
        subprocess.run([folder / "program"], check=True, capture_output=True)
        (folder / "main.c").write_text(TIMER.format(calls=calls))
        build(compiler, folder, "main.c")
        start = time.perf_counter()
        done = subprocess.run([folder / "program"], check=True, capture_output=True, text=True)
        total = time.perf_counter() - start
        *seconds, _ = map(float, done.stdout.split())
        note = f"{header.data_bytes} B constants, {header.stack_bytes} B stack, process of {total:.2f} s"
        row(f"{num_qubits} qubits, C {precision}, {weights}", tuple(seconds), note)


def build(compiler: str, folder: Path, *arguments: str) -> None:
    subprocess.run([compiler, "-std=c99", "-O2", *arguments, "-o", "program", "-lm"], cwd=folder, check=True)


def streams(frames: int) -> None:
    """Print frames per second and latencies of 8 x 8 images, for each source and concurrency."""
    images, digits = load_digits(n_class=2, return_X_y=True)
    model = make_pipeline(ImagePooling((2, 2)), VariationalClassifier(epochs=5, random_state=0)).fit(images, digits)
    fast = collapse(model)
    source = np.resize(images.reshape(-1, 8, 8), (frames, 8, 8))

    print("| 8 x 8 images | frames | a second | p50, ms | p99, ms | p99.9, ms |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, frame_source in (("an array", source), ("decoded in Python", Decoded(source[: frames // 10]))):
        for concurrency in ("inline", "thread", "process"):
            stream = Stream(fast, frame_source, concurrency=concurrency)  # type: ignore[arg-type]
            stream_row(f"{name}, {concurrency}", stream, consumed(stream))
        stream = Stream(fast, asynchronous(frame_source))
        stream_row(f"{name}, asyncio", stream, asyncio.run(consumed_asynchronously(stream)))

    def camera() -> Any:
        start = time.perf_counter()
        for number, image in enumerate(source[: frames // 10]):
            time.sleep(max(0.0, start + number / 1000 - time.perf_counter()))
            yield image

    stream = Stream(fast, camera(), budget_ms=5)
    stream_row("1,000 a second, budget 5 ms, thread", stream, consumed(stream))
    print(f"\n{stream.report.dropped} frames of the last row were dropped")


class Decoded:
    """Images whose bytes are decoded in Python, as a source that computes."""

    def __init__(self, images: Any) -> None:
        self.rows = [" ".join(map(str, image.ravel())) for image in images]

    def __iter__(self) -> Iterator[Any]:
        for row in self.rows:
            yield [[float(text) for text in row.split()[start : start + 8]] for start in range(0, 64, 8)]


async def asynchronous(source: Any) -> AsyncIterator[Any]:
    """Yield frames."""
    for image in source:
        yield image


def consumed(stream: Stream) -> float:
    """Ask for all predictions; returns the seconds since the first, without the start of a process."""
    results = iter(stream)
    next(results)
    start = time.perf_counter()
    for _ in results:
        pass
    return time.perf_counter() - start


async def consumed_asynchronously(stream: Stream) -> float:
    """Do the same with an asynchronous source."""
    results = aiter(stream)
    await anext(results)
    start = time.perf_counter()
    async for _ in results:
        pass
    return time.perf_counter() - start


def stream_row(name: str, stream: Stream, seconds: float) -> None:
    """Print a row of the table of streams."""
    report = stream.report
    rate = (report.predicted - 1) / seconds
    print(
        f"| {name} | {report.predicted:,} | {rate:,.0f} | {report.p50_ms:.3f} | {report.p99_ms:.3f} | "
        f"{report.p999_ms:.3f} |",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--qubits", type=int, nargs="+", default=[4, 8])
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--board", action="store_true", help="only what the programs take on a small board, emulated")
    options = parser.parse_args()
    if options.board:
        board()
        return
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if cores:
        os.sched_setaffinity(0, {min(cores)})
    print(f"| one sample, {options.calls:,} calls, microseconds |      p50 |      p99 |    p99.9 | |")
    print("|---|---:|---:|---:|---|")
    with tempfile.TemporaryDirectory() as folder:
        for num_qubits in options.qubits:
            one_sample(num_qubits, options.calls, Path(folder))
    if cores:
        os.sched_setaffinity(0, cores)
    print("\nStreams of 8 x 8 images")
    streams(options.frames)
    print(f"peak memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
