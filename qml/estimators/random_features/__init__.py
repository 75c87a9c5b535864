"""Kernel approximations for many samples: transformers to a few hundred features, to be followed by a linear model.

A Gram matrix of 100,000 samples would take 80 GB. The cost of these transformers, in kernel entries or circuits, is
proportional to the number of samples.
"""

from qml.estimators.random_features.nystroem import NystroemFeatures
from qml.estimators.random_features.random_features import RandomQuantumFeatures

__all__ = ["NystroemFeatures", "RandomQuantumFeatures"]
