"""Kernels for many samples: a transformer to a few hundred features, and any linear model behind it.

A Gram matrix of 100,000 samples would take 80 GB. What the transformers here cost, in entries of the kernel or
in circuits, is proportional to the number of samples.
"""

from qml.estimators.random_features.nystroem import NystroemFeatures
from qml.estimators.random_features.random_features import RandomQuantumFeatures

__all__ = ["NystroemFeatures", "RandomQuantumFeatures"]
