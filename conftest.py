"""Doctests of files that import an optional package are left out where it is not installed."""

from importlib.util import find_spec

OPTIONAL = {
    "pennylane": ("simulator/pennylane_device/*", "tests/simulator/pennylane_circuits.py"),
    "qiskit_machine_learning": ("simulator/qiskit_provider/gradients.py",),
}
"""Package, and the files that import it."""

collect_ignore_glob = [name for package, files in OPTIONAL.items() if find_spec(package) is None for name in files]
