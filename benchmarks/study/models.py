"""Models of the study, with the grids that are searched for each of them.

Grids are the published ones (`hyperparameter_settings.py` of the study's repository) where the setting exists here;
docs/study.md lists the differences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

from qml import (
    BoltzmannClassifier,
    CircuitCentricClassifier,
    ConvolutionalClassifier,
    DressedClassifier,
    KitchenSinksClassifier,
    MetricLearningClassifier,
    QuantumKernelClassifier,
    ReservoirClassifier,
    ReuploadingClassifier,
    TreeTensorClassifier,
    VariationalClassifier,
)
from qml.feature_maps import FeatureMap, get_feature_map

__all__ = ["CONTENDERS", "Contender", "Grid"]

Grid = Mapping[str, list[Any]]

MAX_KERNEL_QUBITS = 12
"""Maximum number of qubits of a kernel; more features are replaced by principal components.

The published kernel of IQP circuits ends at 12 features as well.
"""

RATES = [0.001, 0.01, 0.1]
STRENGTHS = [0.1, 1.0, 10.0, 100.0]
BANDWIDTHS = [0.25, 0.5, 1.0, 2.0, 4.0]
SHORT_RATES = [0.01, 0.1]
SHORT_STRENGTHS = [1.0, 100.0]


@dataclass(frozen=True)
class Contender:
    """A model that takes part.

    Parameters
    ----------
    name : str
    make : callable
        Function of the number of features that returns the unfitted estimator.
    grid : mapping from parameter names to lists
        Grid of the full study.
    short_grid : mapping from parameter names to lists
        Grid of the small study.
    published : str, optional
        Published model that it is compared with.
    published_twin : str, optional
        Published model that its copy without entanglement is compared with.
    quantum, trained, twin : bool
        Whether it is a quantum model, whether it is trained in epochs, whether it has a copy without entanglement.
    max_rows : int, optional
        Maximum number of training rows for which it takes part.
    """

    name: str
    make: Callable[[int], Any]
    grid: Grid
    short_grid: Grid
    published: str | None = None
    published_twin: str | None = None
    quantum: bool = True
    trained: bool = True
    twin: bool = True
    max_rows: int | None = None


def _kernel(kernel: str, feature_map: str, extra: int = 0) -> Callable[[int], QuantumKernelClassifier]:
    def make(n_features: int) -> QuantumKernelClassifier:
        qubits = min(n_features, MAX_KERNEL_QUBITS) + extra
        return QuantumKernelClassifier(kernel, feature_map, n_qubits=qubits, bandwidth=1.0, probability=False)

    return make


def _chains(steps: list[int], times: list[float]) -> list[FeatureMap]:
    return [get_feature_map("hamiltonian", steps=step, time=time) for step in steps for time in times]


def _iqp(repetitions: list[int]) -> list[FeatureMap]:
    return [get_feature_map("iqp", reps=reps) for reps in repetitions]


CONTENDERS: Mapping[str, Contender] = {
    contender.name: contender
    for contender in (
        Contender(
            "re-uploading",
            lambda n_features: ReuploadingClassifier(n_qubits=4, loss="cross_entropy", weight_decay=0.1),
            {"learning_rate": RATES, "n_layers": [1, 5, 10, 15]},
            {"learning_rate": SHORT_RATES, "n_layers": [5]},
            "DataReuploadingClassifier",
            "DataReuploadingClassifierSeparable",
        ),
        Contender(
            "dressed",
            lambda n_features: DressedClassifier(angles_per_qubit=1),
            {"learning_rate": RATES, "n_layers": [1, 5, 10, 15]},
            {"learning_rate": SHORT_RATES, "n_layers": [5]},
            "DressedQuantumCircuitClassifier",
            "DressedQuantumCircuitClassifierSeparable",
        ),
        Contender(
            "IQP variational",
            lambda n_features: VariationalClassifier("iqp"),
            {"learning_rate": RATES, "n_layers": [1, 5, 10, 15], "feature_map": _iqp([1, 5, 10])},
            {"learning_rate": SHORT_RATES, "n_layers": [5], "feature_map": _iqp([1])},
            "IQPVariationalClassifier",
        ),
        Contender(
            "layered variational",
            lambda n_features: VariationalClassifier("reuploading"),
            {"learning_rate": RATES, "n_layers": [1, 3, 5, 10]},
            {"learning_rate": SHORT_RATES, "n_layers": [3]},
            None,
            "SeparableVariationalClassifier",
        ),
        Contender(
            "circuit-centric",
            lambda n_features: CircuitCentricClassifier(),
            {"learning_rate": RATES, "n_copies": [1, 2, 3], "n_layers": [1, 5, 10]},
            {"learning_rate": SHORT_RATES, "n_copies": [2], "n_layers": [5]},
            "CircuitCentricClassifier",
            twin=False,
        ),
        Contender(
            "tree tensor",
            lambda n_features: TreeTensorClassifier(),
            {"learning_rate": RATES},
            {"learning_rate": SHORT_RATES},
            "TreeTensorClassifier",
        ),
        Contender(
            "convolutional",
            lambda n_features: ConvolutionalClassifier(),
            {"learning_rate": RATES},
            {"learning_rate": SHORT_RATES},
        ),
        Contender(
            "Boltzmann",
            lambda n_features: BoltzmannClassifier(),
            {"learning_rate": RATES, "visible": ["single", "half", "all"]},
            {"learning_rate": SHORT_RATES, "visible": ["all"]},
            "QuantumBoltzmannMachine",
            "QuantumBoltzmannMachineSeparable",
        ),
        Contender(
            "metric learning",
            lambda n_features: MetricLearningClassifier(),
            {"learning_rate": RATES, "reps": [1, 3, 4]},
            {"learning_rate": SHORT_RATES, "reps": [3]},
            "QuantumMetricLearner",
        ),
        Contender(
            "IQP kernel",
            _kernel("fidelity", "iqp"),
            {"reps": [1, 5, 10], "C": STRENGTHS, "bandwidth": BANDWIDTHS},
            {"reps": [1], "C": SHORT_STRENGTHS, "bandwidth": BANDWIDTHS},
            "IQPKernelClassifier",
            "SeparableKernelClassifier",
            trained=False,
            max_rows=2000,
        ),
        Contender(
            "projected kernel",
            _kernel("projected", "hamiltonian", extra=1),
            {"feature_map": _chains([1, 3, 5], [0.01, 0.1, 1.0]), "C": STRENGTHS},
            {"feature_map": _chains([1], [0.1, 1.0]), "C": SHORT_STRENGTHS},
            "ProjectedQuantumKernel",
            trained=False,
            twin=False,  # the encoding has two-qubit gates only
            max_rows=2000,
        ),
        Contender(
            "kitchen sinks",
            lambda n_features: KitchenSinksClassifier(),
            {"n_components": [40, 400, 2000, 8000]},
            {"n_components": [40, 2000]},
            "QuantumKitchenSinks",
            trained=False,
        ),
        Contender(
            "reservoir",
            lambda n_features: ReservoirClassifier(),
            {"C": STRENGTHS},
            {"C": SHORT_STRENGTHS},
            trained=False,
        ),
        Contender(
            "SVC",
            lambda n_features: SVC(),
            {"gamma": [0.001, 0.01, 0.1, 1.0], "C": STRENGTHS},
            {"gamma": [0.001, 0.01, 0.1, 1.0], "C": STRENGTHS},
            "SVC",
            quantum=False,
            trained=False,
            twin=False,
        ),
        Contender(
            "MLP",
            lambda n_features: MLPClassifier(batch_size=32, max_iter=3000),
            {
                "learning_rate_init": RATES,
                "hidden_layer_sizes": [(100,), (10, 10, 10, 10), (50, 10, 5)],
                "alpha": [0.01, 0.001, 0.0001],
            },
            {"learning_rate_init": SHORT_RATES, "hidden_layer_sizes": [(100,), (50, 10, 5)], "alpha": [0.001]},
            "MLPClassifier",
            quantum=False,
            trained=False,
            twin=False,
        ),
        Contender(
            "gradient boosting",
            lambda n_features: HistGradientBoostingClassifier(),
            {"learning_rate": [0.03, 0.1, 0.3], "max_leaf_nodes": [4, 8, 31], "min_samples_leaf": [5, 20]},
            {"learning_rate": [0.1], "max_leaf_nodes": [4, 31], "min_samples_leaf": [5, 20]},
            quantum=False,
            trained=False,
            twin=False,
        ),
    )
}
"""The models by name, quantum ones first."""
