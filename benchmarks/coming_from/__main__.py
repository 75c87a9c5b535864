"""Run the task in each library, or in those named: lines of code, loss, accuracy and seconds of training.

Seconds are processor time in one thread, of the whole script minus that of the script with one step, so imports and
compilation do not count. Losses after the same number of steps must agree before times are shown. Qiskit Machine
Learning, which runs one circuit after the other, takes few steps, and its time is extrapolated. sQUlearn and
TorchQuantum, which needs a Qiskit of 2023, have an environment each:

    python3.11 -m venv .peers/squlearn && .peers/squlearn/bin/pip install -r benchmarks/requirements/squlearn.txt
    python3.11 -m venv .peers/torchquantum
    .peers/torchquantum/bin/pip install --no-deps -r benchmarks/requirements/torchquantum.txt
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
from pathlib import Path

STEPS, FEW = 40, 2
TOLERANCE = 1e-3
"""Maximum difference of losses; optimizers place their epsilon differently."""
TOLERANCES = {"squlearn": 5e-3}
"""The same for a library with another Adam: sQUlearn corrects its averages for one step fewer."""
ROOT = Path(__file__).parents[2]
OWN_ENVIRONMENTS = {name: ROOT / ".peers" / name / "bin" / "python" for name in ("squlearn", "torchquantum")}
SLOW = {"qiskit_machine_learning"}
MANY = {"qumba": 4000}
"""Number of steps that are timed where 40 take less than the processor time of the imports varies."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def call(library: str, arguments: list[str], **environment: str) -> tuple[str, float]:
    """Return what Python prints in a library's environment, and its processor time in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [str(OWN_ENVIRONMENTS.get(library, sys.executable)), *arguments],
        env=os.environ | ONE_THREAD | {"PYTHONPATH": str(ROOT)} | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(done.stderr.splitlines()[-1])
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run(library: str, steps: int) -> tuple[float, float, float]:
    """Return loss, accuracy and seconds of a script with a number of steps."""
    printed, seconds = call(library, ["-m", f"benchmarks.coming_from.with_{library}"], STEPS=str(steps))
    loss, accuracy = map(float, printed.split()[-2:])
    return loss, accuracy, seconds


def measure(library: str, expected: dict[int, float]) -> str:
    """Return version, loss, accuracy and seconds of a library as columns of the table."""
    name = library.replace("_", "-")
    version = call(library, ["-c", f"from importlib.metadata import version; print(version('{name}'))"])[0].strip()
    steps = FEW if library in SLOW else STEPS
    if library not in SLOW:
        run(library, 1)  # whatever is compiled or cached on first use
    once = min(run(library, 1)[2] for _ in range(1 if library in SLOW else 2))
    loss, accuracy, seconds = run(library, steps)
    if abs(loss - expected[steps]) > TOLERANCES.get(library, TOLERANCE):
        return f"{version:>8} {loss:8.4f}  another loss than {expected[steps]:.4f}: not timed"
    timed = MANY.get(library, steps)
    if timed != steps:
        _, _, seconds = run(library, timed)
    per_step = max(seconds - once, 0.0) / (timed - 1)
    if steps == STEPS:
        return f"{version:>8} {loss:8.4f} {accuracy:8.3f} {STEPS * per_step:8.3f}"
    return f"{version:>8} {loss:8.4f} {'-':>8} {STEPS * per_step:8.3f}  (from {steps} steps)"


def main() -> None:
    """Print the table."""
    libraries = [path.stem.removeprefix("with_") for path in sorted(Path(__file__).parent.glob("with_*.py"))]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("libraries", nargs="*", help=f"some of {', '.join(libraries)}; all by default")
    names = parser.parse_args().libraries
    if unknown := set(names) - set(libraries):
        parser.error(f"unknown libraries: {', '.join(sorted(unknown))}; known are {', '.join(libraries)}")
    expected = {steps: run("qumba", steps)[0] for steps in (FEW, STEPS)}
    print(f"{'library':26} {'lines':>5} {'version':>8} {'loss':>8} {'accuracy':>8} {'seconds':>8}")
    for library in names or libraries:
        text = (Path(__file__).parent / f"with_{library}.py").read_text()
        lines = len([line for line in text.splitlines() if line.strip()])
        try:
            columns = measure(library, expected)
        except (RuntimeError, OSError) as error:
            columns = f"not run: {error}"
        print(f"{library:26} {lines:5} {columns}", flush=True)


if __name__ == "__main__":
    main()
