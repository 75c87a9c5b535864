"""A run on a quantum computer
===========================

Train a classifier here, then run it on one of IBM's quantum computers, or on a fake device with realistic noise.

`python examples/hardware.py` needs no account. `python examples/hardware.py ibm_torino` uses your saved account
(docs/hardware.md explains how to save one), shows what the run will cost, and asks before it sends anything.
"""

import sys
from importlib.util import find_spec

from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split

from qml import VariationalClassifier, compare_backends

if not all(map(find_spec, ("qiskit_ibm_runtime", "qiskit_aer", "matplotlib"))):
    print("this example needs two extras: pip install 'qumba[ibm,plot]'")
    sys.exit()

from simulator.qiskit_backend import QiskitBackend

# Train here, where a gradient takes milliseconds. Few qubits and a short circuit keep the noise of the device low.
X_train, X_test, y_train, y_test = train_test_split(
    *load_iris(return_X_y=True), stratify=load_iris().target, random_state=0
)
classifier = VariationalClassifier(n_qubits=4, n_layers=1, epochs=40, random_state=0).fit(X_train, y_train)
print(f"accuracy here: {classifier.score(X_test, y_test):.3f}\n")

# The device: the name on the command line, or a fake one.
if len(sys.argv) > 1:
    from qiskit_ibm_runtime import QiskitRuntimeService

    backend = QiskitBackend(QiskitRuntimeService().backend(sys.argv[1]), shots=2000, resilience_level=1, progress=True)
else:
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    backend = QiskitBackend(FakeManilaV2(), shots=2000, seed=0)

# Show what the run will cost. Making the plan sends nothing.
few = slice(0, 20)
print(classifier.plan(X_test[few], backend))
if len(sys.argv) > 1 and input("\nsend it? [y/n] ") != "y":
    sys.exit()

# Run it. The folder records the jobs: if the connection breaks, running this again continues where it stopped.
accuracy = classifier.score(X_test[few], y_test[few], backend=backend, resume="iris-jobs")
print(f"\naccuracy there: {accuracy:.3f}")

# Show where the results differ, and how much of that is shot noise. This reuses the results of the jobs above.
comparison = compare_backends(classifier, X_test[few], ["numba", backend], y_test[few], resume="iris-jobs")
print(f"\n{comparison}")
figure = comparison.plot()
