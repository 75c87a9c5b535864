"""Estimators on quantum kernels: scikit-learn's solvers, given a Gram matrix.

scikit-learn does the optimisation in `fit`. The result is stored as plain arrays: the kernel's features of the training
rows with non-zero coefficients, and these coefficients, so that a fitted estimator can be saved without pickling.
"""

from qml.estimators.kernel_methods.clusters import QuantumKernelKMeans, QuantumSpectralClustering
from qml.estimators.kernel_methods.components import QuantumKernelPCA
from qml.estimators.kernel_methods.gaussian_processes import (
    QuantumGaussianProcessClassifier,
    QuantumGaussianProcessRegressor,
)
from qml.estimators.kernel_methods.outliers import QuantumOneClassSVM
from qml.estimators.kernel_methods.ridge import QuantumKernelRidge
from qml.estimators.kernel_methods.support_vectors import QuantumKernelClassifier, QuantumKernelRegressor

__all__ = [
    "QuantumGaussianProcessClassifier",
    "QuantumGaussianProcessRegressor",
    "QuantumKernelClassifier",
    "QuantumKernelKMeans",
    "QuantumKernelPCA",
    "QuantumKernelRegressor",
    "QuantumKernelRidge",
    "QuantumOneClassSVM",
    "QuantumSpectralClustering",
]
