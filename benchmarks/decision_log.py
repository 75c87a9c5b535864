"""What a decision log costs: `python -m benchmarks.decision_log`.

Microseconds for each logged row, for single rows and batches, with and without waiting for the disk; lines verified in
a second. Predictions are computed before, so that only the log is timed. Processor time is given beside the time of a
clock, since the latter says little while other programs use the machine.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from qml import VariationalClassifier
from qml.accounts import DecisionLog, verify


def microseconds(log: DecisionLog, X: np.ndarray, model: VariationalClassifier, seconds: float) -> tuple[float, float]:
    """Median time for each row of a batch, by the clock and of the processor."""
    labels, probability = model.predict(X), model.predict_proba(X)
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter(), time.process_time()
        log.append("predict", X, prediction=labels, probability=probability)
        times.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    clock, processor = (1e6 * statistics.median(column) / len(X) for column in zip(*times, strict=True))
    return clock, processor


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each row of the table (2)")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 8))
    model = VariationalClassifier(n_qubits=4, epochs=2, random_state=0).fit(X, X[:, 0] > 0)
    print("| rows a call | us a row | of the processor | us a row, on the disk | of the processor |")
    print("|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for rows in (1, 32, 1000):
            cells = []
            for sync in (False, True):
                with DecisionLog(Path(folder) / f"{rows}-{sync}.jsonl", model, sync=sync) as log:
                    cells += microseconds(log, X[:rows], model, options.seconds)
            print(f"| {rows} | {' | '.join(f'{cell:.1f}' for cell in cells)} |", flush=True)
        path = Path(folder) / "long.jsonl"
        with DecisionLog(path, model, probability=True) as log:
            for start in range(0, options.lines, 1000):
                rows = min(1000, options.lines - start)
                log.wrap().predict(X[:rows])
            head = log.head
        begin = time.perf_counter(), time.process_time()
        result = verify(path, head)
        seconds, processor = time.perf_counter() - begin[0], time.process_time() - begin[1]
        assert result.intact
        assert result.decisions == options.lines
        size = path.stat().st_size / 1e6
        rate = result.lines / processor
        print(f"\n{result.lines:,} lines, {size:.1f} MB, verified in {seconds:.2f} s")
        print(f"{processor:.2f} s of the processor: {rate:,.0f} lines for each of these")


if __name__ == "__main__":
    main()
