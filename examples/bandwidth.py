"""Bandwidth, and kernels that see nothing
=======================================

A quantum kernel multiplies its features by a bandwidth. If that is too large, every sample is similar only to itself,
the more so the more qubits there are (arXiv:2208.11060); if too small, all samples are alike. In between lies a kernel
that can learn; `bandwidth="auto"` looks for it.

Run with `python examples/bandwidth.py`.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from qumba import FidelityKernel

X, y = load_breast_cancer(return_X_y=True)
X, y = StandardScaler().fit_transform(X)[:200], y[:200]
BANDWIDTHS = np.geomspace(0.01, 4, 12)
off_diagonal = ~np.eye(len(X), dtype=bool)

figure, (kernels, scores) = plt.subplots(1, 2, figsize=(9, 3.6))
for num_qubits in (4, 8, 12):
    means, accuracies = [], []
    for bandwidth in BANDWIDTHS:
        K = FidelityKernel("zz", bandwidth=bandwidth).fit(X[:, :num_qubits])(X[:, :num_qubits])
        means.append(K[off_diagonal].mean())
        accuracies.append(cross_val_score(SVC(kernel="precomputed"), K, y, cv=5).mean())
    print(f"{num_qubits:2} qubits: best accuracy {max(accuracies):.3f} at {BANDWIDTHS[np.argmax(accuracies)]:.2f}")
    kernels.loglog(BANDWIDTHS, means, "o-", label=f"{num_qubits} qubits")
    scores.semilogx(BANDWIDTHS, accuracies, "o-")
kernels.set_ylabel("mean similarity of two different samples")
scores.set_ylabel("accuracy, 5-fold cross-validation")
scores.axhline(max(y.mean(), 1 - y.mean()), color="grey", linestyle=":")
scores.text(BANDWIDTHS[0], max(y.mean(), 1 - y.mean()), "most frequent class", va="bottom", fontsize=8)
for axis in (kernels, scores):
    axis.set_xlabel("bandwidth")
kernels.legend()
figure.tight_layout()
plt.show()
