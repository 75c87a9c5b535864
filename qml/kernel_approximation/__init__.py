"""Kernels for many samples: a transformer to a few hundred features, and any linear model behind it.

A Gram matrix of 100,000 samples would take 80 GB. What the transformers here cost, in entries of the kernel or
in circuits, is proportional to the number of samples.
"""

from qml.kernel_approximation.nystroem import NystroemFeatures
from qml.kernel_approximation.random_features import RandomQuantumFeatures

__all__ = ["NystroemFeatures", "RandomQuantumFeatures"]
