"""Run the task in each library: lines of code, loss, accuracy and seconds of training.

Training time is that of the whole script minus that of the script with one step, so imports and compilation do not
count. Losses after the same number of steps must agree to `TOLERANCE` before times are shown; optimizers place their epsilon differently. Qiskit Machine Learning,
which runs one circuit after the other, takes few steps, and its time is extrapolated. TorchQuantum needs an environment
of its own: `.peers/torchquantum/bin/pip install torch torchquantum`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

STEPS, FEW = 40, 3
TOLERANCE = 1e-3
ROOT = Path(__file__).parents[2]
OWN_ENVIRONMENT = {"torchquantum": ROOT / ".peers" / "torchquantum" / "bin" / "python"}
SLOW = {"qiskit_machine_learning"}


def run(library: str, steps: int) -> tuple[float, float, float]:
    """Return loss, accuracy and seconds of a script with a number of steps."""
    python = str(OWN_ENVIRONMENT.get(library, sys.executable))
    environment = os.environ | {"STEPS": str(steps), "PYTHONPATH": str(ROOT)}
    command = [python, "-m", f"benchmarks.coming_from.with_{library}"]
    start = time.perf_counter()
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(done.stderr.splitlines()[-1])
    loss, accuracy = map(float, done.stdout.split()[-2:])
    return loss, accuracy, seconds


def main() -> None:
    """Print the table."""
    libraries = [path.stem.removeprefix("with_") for path in sorted(Path(__file__).parent.glob("with_*.py"))]
    expected = {steps: run("qumba", steps)[0] for steps in (FEW, STEPS)}
    print(f"{'library':26} {'lines':>5} {'loss':>8} {'accuracy':>8} {'seconds':>8}")
    for library in libraries:
        steps = FEW if library in SLOW else STEPS
        text = (Path(__file__).parent / f"with_{library}.py").read_text()
        lines = len([line for line in text.splitlines() if line.strip()])
        try:
            run(library, 1)  # whatever is compiled or cached on first use
            once = min(run(library, 1)[2] for _ in range(2))
            loss, accuracy, seconds = run(library, steps)
        except (RuntimeError, OSError) as error:
            print(f"{library:26} {lines:5}  not run: {error}")
            continue
        if abs(loss - expected[steps]) > TOLERANCE:
            print(f"{library:26} {lines:5} {loss:8.4f}  another loss than {expected[steps]:.4f}: not timed")
            continue
        per_step = max(seconds - once, 0.0) / (steps - 1)
        shown = f"{accuracy:8.3f}" if steps == STEPS else f"{'-':>8}"
        note = "" if steps == STEPS else f" (from {steps} steps)"
        print(f"{library:26} {lines:5} {loss:8.4f} {shown} {STEPS * per_step:8.2f}{note}")


if __name__ == "__main__":
    main()
