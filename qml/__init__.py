"""Hybrid quantum-classical machine learning: scikit-learn estimators on a batched statevector engine.

Names are imported when they are first used, so ``import qml`` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qml.ansatze import BasicEntangling, NLocal, StronglyEntangling, ansatz_circuit
    from qml.assessment.backends import compare_backends
    from qml.estimators.kernel_methods import (
        QuantumGaussianProcessClassifier,
        QuantumGaussianProcessRegressor,
        QuantumKernelClassifier,
        QuantumKernelKMeans,
        QuantumKernelPCA,
        QuantumKernelRegressor,
        QuantumKernelRidge,
        QuantumOneClassSVM,
        QuantumSpectralClustering,
    )
    from qml.estimators.random_features import NystroemFeatures, RandomQuantumFeatures
    from qml.estimators.variational.classifier import VariationalClassifier
    from qml.estimators.variational.regressor import VariationalRegressor
    from qml.feature_maps import (
        AmplitudeMap,
        AngleMap,
        ChebyshevMap,
        Encoding,
        HamiltonianMap,
        HighDimensionalMap,
        HubregtsenMap,
        PauliMap,
        QAOAMap,
    )
    from qml.feature_maps.data_functions import OwnFunction
    from qml.features import AngleScaler, ImagePooling, QubitReducer, SumFeatures, tabular_preprocessor
    from qml.kernels import ClassicalKernel, FidelityKernel, ProjectedKernel, TrainedKernel, get_kernel
    from qml.models.layered import layered_model
    from qml.models.qiskit_models import model_from_qiskit
    from qml.models.quantum_model import QuantumModel
    from qml.optimizers import SGD, SPSA, Adam, AdamW, RMSprop, SciPy
    from qml.persistence.estimators import load, save

__all__ = [
    "SGD",
    "SPSA",
    "Adam",
    "AdamW",
    "AmplitudeMap",
    "AngleMap",
    "AngleScaler",
    "BasicEntangling",
    "ChebyshevMap",
    "ClassicalKernel",
    "Encoding",
    "FidelityKernel",
    "HamiltonianMap",
    "HighDimensionalMap",
    "HubregtsenMap",
    "ImagePooling",
    "NLocal",
    "NystroemFeatures",
    "OwnFunction",
    "PauliMap",
    "ProjectedKernel",
    "QAOAMap",
    "QuantumGaussianProcessClassifier",
    "QuantumGaussianProcessRegressor",
    "QuantumKernelClassifier",
    "QuantumKernelKMeans",
    "QuantumKernelPCA",
    "QuantumKernelRegressor",
    "QuantumKernelRidge",
    "QuantumModel",
    "QuantumOneClassSVM",
    "QuantumSpectralClustering",
    "QubitReducer",
    "RMSprop",
    "RandomQuantumFeatures",
    "SciPy",
    "StronglyEntangling",
    "SumFeatures",
    "TrainedKernel",
    "VariationalClassifier",
    "VariationalRegressor",
    "ansatz_circuit",
    "compare_backends",
    "get_kernel",
    "layered_model",
    "load",
    "model_from_qiskit",
    "save",
    "tabular_preprocessor",
]

_MODULES = {
    "ansatze": ("BasicEntangling", "NLocal", "StronglyEntangling", "ansatz_circuit"),
    "assessment.backends": ("compare_backends",),
    "estimators.variational.classifier": ("VariationalClassifier",),
    "feature_maps.data_functions": ("OwnFunction",),
    "feature_maps": (
        "AmplitudeMap",
        "AngleMap",
        "ChebyshevMap",
        "Encoding",
        "HamiltonianMap",
        "HighDimensionalMap",
        "HubregtsenMap",
        "PauliMap",
        "QAOAMap",
    ),
    "features": ("AngleScaler", "ImagePooling", "QubitReducer", "SumFeatures", "tabular_preprocessor"),
    "estimators.random_features": ("NystroemFeatures", "RandomQuantumFeatures"),
    "estimators.kernel_methods": (
        "QuantumGaussianProcessClassifier",
        "QuantumGaussianProcessRegressor",
        "QuantumKernelClassifier",
        "QuantumKernelKMeans",
        "QuantumKernelPCA",
        "QuantumKernelRegressor",
        "QuantumKernelRidge",
        "QuantumOneClassSVM",
        "QuantumSpectralClustering",
    ),
    "kernels": ("ClassicalKernel", "FidelityKernel", "ProjectedKernel", "TrainedKernel", "get_kernel"),
    "models.layered": ("layered_model",),
    "models.quantum_model": ("QuantumModel",),
    "optimizers": ("SGD", "SPSA", "Adam", "AdamW", "RMSprop", "SciPy"),
    "persistence": ("load", "save"),
    "models.qiskit_models": ("model_from_qiskit",),
    "estimators.variational.regressor": ("VariationalRegressor",),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            value = getattr(importlib.import_module(f"qml.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
