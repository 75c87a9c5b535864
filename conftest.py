"""Which files pytest looks into for doctests.

Files that import an optional package are left out where it is not installed; so are modules that replace themselves by
the module of another name, of which pytest would import a second copy.
"""

from importlib.util import find_spec

OPTIONAL = {
    "pennylane": (
        "simulator/pennylane_device/*",
        "tests/simulator/pennylane_circuits.py",
        "tests/qml/pennylane_models.py",
    ),
    "qiskit_machine_learning": ("simulator/qiskit_provider/gradients.py",),
    "torch": ("qml/torch.py",),
    "jax": ("qml/jax.py",),
    "flwr": ("qml/flower/*", "tests/qml/flower/local_grid.py"),
}
"""Package, and the files that import it."""

collect_ignore_glob = [name for package, files in OPTIONAL.items() if find_spec(package) is None for name in files]

ALIASES = ("qml/checkpoints.py", "qml/kernel_inspection.py")

SITE = ("docs/*.py", "docs/extensions/*")  # settings of Sphinx, which run only there

TYPED = ("tests/typed/*",)  # read by type checkers, run by nobody

collect_ignore_glob += ALIASES + SITE + TYPED
