"""Estimators on quantum kernels: scikit-learn's solvers, given a Gram matrix.

scikit-learn does the optimisation in `fit`. What it found is kept as plain arrays: the kernel's features of the
training rows that count, and the coefficients of their kernel functions, so that fitted estimators are data.
"""

from qml.kernel_estimators.clusters import QuantumKernelKMeans, QuantumSpectralClustering
from qml.kernel_estimators.components import QuantumKernelPCA
from qml.kernel_estimators.gaussian_processes import QuantumGaussianProcessClassifier, QuantumGaussianProcessRegressor
from qml.kernel_estimators.outliers import QuantumOneClassSVM
from qml.kernel_estimators.ridge import QuantumKernelRidge
from qml.kernel_estimators.support_vectors import QuantumKernelClassifier, QuantumKernelRegressor

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
