"""PennyLane's own device tests on our device and on `lightning.qubit`: `python -m benchmarks.pennylane_suite`.

Makes an environment with PennyLane and what its tests need (`--environment`, kept for the next time), installs this
checkout there, and runs `pl-device-test` for both devices: as it is, with `--skip-ops` (which calls a refusal a pass)
and, if asked, with shots. Ends with status 1 if a test fails on ours, or fewer pass than on `lightning.qubit`.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.measure import ROOT

DEVICES = ("qumba", "lightning.qubit")
REQUIREMENTS = ROOT / "benchmarks" / "requirements" / "pennylane.txt"


def prepare(environment: Path) -> Path:
    """The environment's folder of programs; everything is installed."""
    programs = environment / "bin"
    if not programs.exists():
        venv.create(environment, with_pip=True)
    subprocess.run([programs / "pip", "install", "--quiet", "-e", str(ROOT), "-r", str(REQUIREMENTS)], check=True)
    return programs


def run(programs: Path, device: str, options: list[str]) -> dict[str, int]:
    """How many tests passed, failed, were skipped, ..."""
    environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    command = [str(programs / "pl-device-test"), "--device", device, *options, "-q"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", done.stdout.splitlines()[-1])}
    if "passed" not in counts:
        sys.exit(f"{' '.join(command)}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    if counts.get("failed"):
        print(*(line for line in done.stdout.splitlines() if line.startswith("FAILED")), sep="\n")
    return counts


def main() -> None:
    """Run the tests and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environment", type=Path, default=ROOT / ".peers" / "pennylane")
    parser.add_argument("--shots", type=int, help="run them with so many shots too")
    arguments = parser.parse_args()
    programs = prepare(arguments.environment)
    modes = [["--shots", "None"], ["--shots", "None", "--skip-ops"]]
    if arguments.shots:
        modes.append(["--shots", str(arguments.shots)])
    worse = False
    for options in modes:
        found = {device: run(programs, device, options) for device in DEVICES}
        for device, counts in found.items():
            told = ", ".join(f"{counts.get(word, 0)} {word}" for word in ("passed", "failed", "skipped", "xfailed"))
            print(f"{' '.join(options):24} {device:16} {told}", flush=True)
        ours, theirs = (found[device] for device in DEVICES)
        worse |= bool(ours.get("failed")) or ours["passed"] < theirs["passed"]
    sys.exit(worse)


if __name__ == "__main__":
    main()
