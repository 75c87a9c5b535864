"""Constructors of the kernel estimators, which dataclasses generate: what code calls by position stays in its place."""

import inspect

import pytest
from sklearn.base import clone

import qml
from qml.estimators import kernel_methods, random_features

SHARED = {"kernel": "fidelity", "feature_map": "zz", "reps": None, "n_qubits": None}
KERNEL = {"bandwidth": "auto", "scale_features": True, "entangled": True, "precision": "double", "random_state": None}
MACHINE = {"tol": 1e-3, "max_iter": -1}
PROCESS = {"amplitude": 1.0, "optimizer": "fmin_l_bfgs_b", "n_restarts_optimizer": 0}

POSITIONAL = {
    "QuantumKernelClassifier": SHARED,
    "QuantumKernelRegressor": SHARED,
    "QuantumKernelRidge": SHARED,
    "QuantumOneClassSVM": SHARED,
    "QuantumGaussianProcessClassifier": SHARED,
    "QuantumGaussianProcessRegressor": SHARED,
    "QuantumKernelPCA": {"n_components": None} | SHARED,
    "QuantumKernelKMeans": {"n_clusters": 8} | SHARED,
    "QuantumSpectralClustering": {"n_clusters": 8} | SHARED,
    "NystroemFeatures": {"kernel": None},
    "RandomQuantumFeatures": {"n_components": 256},
}
KEYWORDS = {
    "QuantumKernelClassifier": KERNEL | MACHINE | {"C": 1.0, "class_weight": None, "probability": True},
    "QuantumKernelRegressor": KERNEL | MACHINE | {"C": 1.0, "epsilon": 0.1},
    "QuantumKernelRidge": KERNEL | {"alpha": 1.0},
    "QuantumOneClassSVM": KERNEL | MACHINE | {"nu": 0.5},
    "QuantumGaussianProcessClassifier": KERNEL | PROCESS | {"max_iter_predict": 100},
    "QuantumGaussianProcessRegressor": KERNEL | PROCESS | {"noise_level": 0.1, "alpha": 1e-10},
    "QuantumKernelPCA": KERNEL | {"eigen_solver": "auto"},
    "QuantumKernelKMeans": KERNEL | {"n_init": 10, "max_iter": 300, "tol": 1e-4},
    "QuantumSpectralClustering": KERNEL | {"n_components": None, "assign_labels": "kmeans", "n_init": 10},
    "NystroemFeatures": {"n_landmarks": 100, "selection": "uniform", "random_state": None},
    "RandomQuantumFeatures": {
        "n_qubits": 4, "gamma": "scale", "circuit": None, "observables": "z", "shots": None, "precision": "double",
        "backend": None, "resume": None, "random_state": None,
    },
}  # fmt: skip


def test_every_estimator_is_listed():
    assert set(POSITIONAL) == set(KEYWORDS) == {*kernel_methods.__all__, *random_features.__all__}


@pytest.mark.parametrize("name", POSITIONAL)
class TestConstructors:
    def test_order_and_defaults(self, name):
        parameters = inspect.signature(getattr(qml, name)).parameters.values()
        positional = [(p.name, p.default) for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        assert positional == list(POSITIONAL[name].items())
        assert {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY} == KEYWORDS[name]

    def test_settings_are_only_stored_and_cloned(self, name):
        settings = {key: object() for key in (POSITIONAL[name] | KEYWORDS[name])}
        estimator = getattr(qml, name)(**settings)
        assert vars(estimator) == settings
        plain = getattr(qml, name)()
        assert clone(plain).get_params() == plain.get_params() == POSITIONAL[name] | KEYWORDS[name]
