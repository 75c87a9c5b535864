"""What a decision log costs: `python -m benchmarks.decision_log`.

Microseconds for each logged row, for single rows and batches, with and without waiting for the disk; lines verified in
a second. Predictions are computed before, so that only the log is timed.
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


def microseconds(log: DecisionLog, X: np.ndarray, model: VariationalClassifier, seconds: float) -> float:
    """Median time for each row of a batch."""
    labels, probability = model.predict(X), model.predict_proba(X)
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        log.append("predict", X, prediction=labels, probability=probability)
        times.append(time.perf_counter() - start)
    return 1e6 * statistics.median(times) / len(X)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each row of the table (2)")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 8))
    model = VariationalClassifier(n_qubits=4, epochs=2, random_state=0).fit(X, X[:, 0] > 0)
    print("| rows a call | us a row | us a row, on the disk |")
    print("|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for rows in (1, 32, 1000):
            cells = []
            for sync in (False, True):
                with DecisionLog(Path(folder) / f"{rows}-{sync}.jsonl", model, sync=sync) as log:
                    cells.append(microseconds(log, X[:rows], model, options.seconds))
            print(f"| {rows} | {cells[0]:.1f} | {cells[1]:.1f} |", flush=True)
        path = Path(folder) / "long.jsonl"
        with DecisionLog(path, model, probability=True) as log:
            for start in range(0, options.lines, 1000):
                rows = min(1000, options.lines - start)
                log.wrap().predict(X[:rows])
            head = log.head
        start_time = time.perf_counter()
        result = verify(path, head)
        seconds = time.perf_counter() - start_time
        assert result.intact
        assert result.decisions == options.lines
        size = path.stat().st_size / 1e6
        rate = result.lines / seconds
        print(f"\n{result.lines:,} lines, {size:.1f} MB, verified in {seconds:.2f} s: {rate:,.0f} a second")


if __name__ == "__main__":
    main()
