"""From a trained model to microseconds
====================================

A trained model of few qubits is a small real function. `collapse` computes it without a simulator, `export_onnx` and
`export_c` write it down for other programs; all give the same answers.

Run with `python examples/microseconds.py`.
"""

import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_iris

from qml.deploy import collapse, export_c, export_qasm
from qumba import VariationalClassifier

X, y = load_iris(return_X_y=True)
classifier = VariationalClassifier(n_layers=2, epochs=30, random_state=0).fit(X, y)
fast = collapse(classifier)
assert np.allclose(fast.predict_proba(X), classifier.predict_proba(X), atol=1e-10)


def latencies(model, repetitions=500):
    """Measure the time of a prediction of one sample, in microseconds."""
    times = []
    for row in np.resize(np.arange(len(X)), repetitions):
        start = time.perf_counter()
        model.predict(X[row : row + 1])
        times.append(1e6 * (time.perf_counter() - start))
    return np.array(times[50:])


figure, axis = plt.subplots(figsize=(6.4, 3.6))
for name, model in (("the estimator", classifier), ("collapsed", fast)):
    times = latencies(model)
    print(f"{name:14} median {np.median(times):6.1f} us, 99 % below {np.quantile(times, 0.99):6.1f} us")
    axis.ecdf(times, label=name)
axis.set_xscale("log")
axis.set_xlabel("microseconds for one sample, checks of the input included")
axis.set_ylabel("share of predictions")
axis.legend()
with tempfile.TemporaryDirectory() as folder:
    export_c(classifier, Path(folder) / "iris.h")
    export_qasm(classifier, Path(folder) / "iris.qasm")
    print(*((file.name, f"{file.stat().st_size} bytes") for file in sorted(Path(folder).iterdir())))
plt.show()
