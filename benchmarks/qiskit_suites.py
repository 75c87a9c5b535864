"""Tests of Qiskit and of Qiskit Machine Learning on this engine: `python -m benchmarks.qiskit_suites`.

The tests come from the source distributions of the installed versions, fetched by pip. They run unchanged; before they
are imported, the names of the simulators they test are exchanged. Needs `ddt`, `sparse`, `qiskit-aer`,
`qiskit-machine-learning`.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import tarfile
import time
import unittest
import warnings
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

FOLDER = Path(__file__).parents[1] / ".peers" / "suites"


class Suite(NamedTuple):
    """Test modules of a source distribution, and what is put in place of the simulators there."""

    package: str
    modules: tuple[str, ...]
    exchange: Callable[[], None]


def exchange_primitives() -> None:
    """Our primitives under the names of Qiskit's."""
    from qiskit import primitives
    from qiskit.primitives import statevector_estimator, statevector_sampler

    from simulator.qiskit_provider import Estimator, Sampler

    for module in (primitives, statevector_sampler):
        module.StatevectorSampler = Sampler
    for module in (primitives, statevector_estimator):
        module.StatevectorEstimator = Estimator


def exchange_backends() -> None:
    """Our backend under the names of Qiskit's two simulators and Aer's."""
    import qiskit_aer
    from qiskit.providers import basic_provider, fake_provider

    from simulator.qiskit_provider import QumbaBackend

    class Generic(QumbaBackend):
        """Takes the arguments of Qiskit's generic backend; `seed` is of its random noise, which we have not."""

        def __init__(self, num_qubits: int, basis_gates: Any = None, **arguments: Any) -> None:
            pairs = [(a, b) for a in range(num_qubits) for b in range(num_qubits) if a != b]
            super().__init__(num_qubits, basis_gates, coupling_map=arguments.get("coupling_map") or pairs)

    fake_provider.GenericBackendV2 = Generic
    basic_provider.BasicSimulator = QumbaBackend
    qiskit_aer.AerSimulator = QumbaBackend


SUITES = {
    "statevector_sampler": Suite("qiskit", ("test.python.primitives.test_statevector_sampler",), exchange_primitives),
    "statevector_estimator": Suite(
        "qiskit", ("test.python.primitives.test_statevector_estimator",), exchange_primitives
    ),
    "backend_sampler": Suite("qiskit", ("test.python.primitives.test_backend_sampler_v2",), exchange_backends),
    "backend_estimator": Suite("qiskit", ("test.python.primitives.test_backend_estimator_v2",), exchange_backends),
    "machine_learning": Suite("qiskit-machine-learning", (), exchange_primitives),  # all of its tests
}
# what is not installed here: PyTorch, a notebook's kernel, NLopt, and data that no distribution of the package holds
IN_THE_WAY = (
    "test.connectors",
    "test.test_readme_sample",
    "test.optimizers.test_nlopts",
    "test.datasets.test_entanglement_concentration",
)


def sources(package: str) -> Path:
    """The folder that holds the package's tests, fetched once."""
    version = metadata.version(package)
    name = f"{package.replace('-', '_')}-{version}"
    if not (FOLDER / name / "test").exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        print(f"Fetching the tests of {package} {version}", file=sys.stderr)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        subprocess.run([*command, "--dest", str(FOLDER), f"{package}=={version}"], check=True)
        with tarfile.open(FOLDER / f"{name}.tar.gz") as archive:
            # only the tests: beside them the package itself would be imported instead of the installed one
            members = [member for member in archive.getmembers() if member.name.startswith(f"{name}/test/")]
            archive.extractall(FOLDER, members, filter="data")
    return FOLDER / name


class Recorder(unittest.TextTestResult):
    """Keeps the outcome of each test in a file, as soon as it is known."""

    path: Path | None = None
    outcomes: ClassVar[dict[str, str]] = {}

    def addSuccess(self, test: Any) -> None:
        super().addSuccess(test)
        self.keep(test, "passed")

    def addFailure(self, test: Any, err: Any) -> None:
        super().addFailure(test, err)
        self.keep(test, "failed")

    def addError(self, test: Any, err: Any) -> None:
        super().addError(test, err)
        self.keep(test, "failed")

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.keep(test, "failed")

    def addSkip(self, test: Any, reason: str) -> None:
        super().addSkip(test, reason)
        self.keep(test, f"skipped: {reason}")

    def keep(self, test: Any, outcome: str) -> None:
        """Write it down."""
        self.outcomes[test.id()] = outcome
        if self.path is not None:
            temporary = self.path.with_suffix(".tmp")
            temporary.write_text(json.dumps(self.outcomes, indent=1))
            temporary.replace(self.path)


def run(name: str, only: str, own: bool, results: Path | None) -> bool:
    """Run a suite in this process and print its counts; whether all passed."""
    suite = SUITES[name]
    folder = sources(suite.package)
    sys.path.insert(0, str(folder))
    if not own:
        suite.exchange()
    modules = suite.modules or tuple(
        ".".join(path.relative_to(folder).with_suffix("").parts) for path in sorted(folder.glob("test/**/test_*.py"))
    )
    Recorder.path = results
    if results is not None and results.exists():
        Recorder.outcomes.update(json.loads(results.read_text()))
    known = frozenset(Recorder.outcomes)
    tests = unittest.TestSuite()
    for module in modules:
        if module.startswith(IN_THE_WAY):
            continue
        warnings.simplefilter("ignore")
        found = unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(module))
        tests.addTests(test for test in each(found) if only in test.id() and test.id() not in known)
    begin = time.perf_counter()
    unittest.TextTestRunner(verbosity=0, buffer=True, resultclass=Recorder).run(tests)
    kinds = [outcome.partition(":")[0] for outcome in Recorder.outcomes.values()]
    counts = {kind: kinds.count(kind) for kind in ("passed", "failed", "skipped")}
    print(
        f"{name}{', as it came' * own}: {counts['passed']} passed, {counts['failed']} failed, "
        f"{counts['skipped']} skipped; {tests.countTestCases()} run now in {time.perf_counter() - begin:.0f} s"
    )
    for test, outcome in sorted(Recorder.outcomes.items()):
        if outcome != "passed":
            print(f"  {test}: {outcome}")
    return not counts["failed"]


def each(tests: Any) -> Iterator[unittest.TestCase]:
    """The single tests of a suite."""
    for test in tests:
        if isinstance(test, unittest.TestSuite):
            yield from each(test)
        else:
            yield test


def main() -> None:
    """Run the suites, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"of {', '.join(SUITES)}; all by default")
    parser.add_argument("--only", default="", help="of a suite only tests whose name, with its module, contains this")
    parser.add_argument("--own", action="store_true", help="leave Qiskit's own primitives and backends in place")
    parser.add_argument("--results", type=Path, help="keep outcomes of a suite here; tests that have one are not run")
    options = parser.parse_args()
    unknown = set(options.suites) - set(SUITES)
    if unknown:
        parser.error(f"no suite {', '.join(sorted(unknown))}; there are {', '.join(SUITES)}")
    if len(options.suites) == 1:
        sys.exit(not run(options.suites[0], options.only, options.own, options.results))
    if options.results is not None:
        parser.error("--results is for one suite")
    command = [sys.executable, "-m", "benchmarks.qiskit_suites", "--only", options.only, *["--own"] * options.own]
    codes = [subprocess.run([*command, name], check=False) for name in options.suites or SUITES]
    sys.exit(any(code.returncode for code in codes))


if __name__ == "__main__":
    main()
