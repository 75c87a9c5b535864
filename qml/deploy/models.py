"""Fitted estimators and pipelines as collapsed graphs."""

from __future__ import annotations

import hashlib
import platform
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from qml.deploy.circuits import CannotCollapseError, Choice, check_size, quantum_outputs
from qml.deploy.graph import Graph, Target
from qml.deploy.kernel_machines import pair_margins, pair_votes
from qml.deploy.kernel_models import class_fidelities, expansion, latent_probabilities
from qml.deploy.networks import network_outputs, scaled_features
from qml.deploy.transformers import transformed
from qml.estimators.fixed_features.kitchen_sinks import KitchenSinks
from qml.estimators.fixed_features.linear_readout import FixedFeatures
from qml.estimators.fixed_features.reservoir import Reservoir
from qml.estimators.kernel_methods.gaussian_processes import (
    QuantumGaussianProcessClassifier,
    QuantumGaussianProcessRegressor,
)
from qml.estimators.kernel_methods.ridge import QuantumKernelRidge
from qml.estimators.kernel_methods.support_vectors import QuantumKernelClassifier, QuantumKernelRegressor
from qml.estimators.own_objective.metric_learning import MetricLearningClassifier
from qml.estimators.variational.classifier import TrainedClassifier
from qml.estimators.variational.fidelity_cost import WeightedFidelityCost
from qml.estimators.variational.reuploading import ReuploadingClassifier
from qml.estimators.variational.trained import TrainedNetwork
from qml.kernels.composite import leaves
from qml.tables import TableModel
from simulator.version import library_version

__all__ = ["CollapsedModel", "collapsed_model", "decided", "feature_names", "opened_model"]

Array = NDArray[np.float64]

DOUBLE, SINGLE = 1e-8, 1e-3
"""Tolerances of the comparison with the model, by the precision of its simulation."""

SEED = 5
"""Seed of the samples of the comparison."""

EXPANSIONS = QuantumKernelClassifier | QuantumKernelRegressor | QuantumKernelRidge | QuantumGaussianProcessRegressor
"""Estimators that predict by a sum of kernel functions; of a Gaussian process, the mean."""

SHARES = QuantumGaussianProcessClassifier | MetricLearningClassifier
"""Classifiers whose outputs are class probabilities."""

PREDICTORS = TrainedNetwork | FixedFeatures | EXPANSIONS | SHARES
"""Estimators that can be written as a graph if what they are made of can."""

Task = Literal["classification", "labels", "regression"]


@dataclass
class CollapsedModel:
    """Graph of a model, and what its outputs mean.

    Parameters
    ----------
    graph : Graph
        Output ``"values"``: decision values as of ``decision_function`` (one column for two classes), or the predicted
        targets; of a classifier with nothing but probabilities, these, or the difference of two. Output
        ``"probabilities"``, of a classifier that has them: one per class.
    task : {"classification", "labels", "regression"}
        ``"labels"``: each column of the values is a label that is present if it is positive.
    classes : ndarray, shape (n_classes,), or None
    one_target : bool
        Whether predictions have shape (n_samples,).
    choices : list of Choice
        Forms of the circuits.
    name : str
        Class of the estimator.
    feature_names : list of str
        Empty if the model was fitted without names.
    """

    graph: Graph
    task: Task
    classes: NDArray[Any] | None = None
    one_target: bool = True
    choices: list[Choice] = field(default_factory=list)
    name: str = ""
    feature_names: list[str] = field(default_factory=list)

    @property
    def num_features(self) -> int:
        """Number of features of a sample."""
        return self.graph.num_features

    @property
    def digest(self) -> str:
        """SHA-256 of operations, constants and classes: equal for two exports of a kind that are of the same model."""
        digest = hashlib.sha256()
        for node in self.graph.nodes:
            digest.update(f"{node.operation} {node.arguments} {node.size}\n".encode())
            for constant in node.constants:
                digest.update(constant.tobytes())
        classes = None if self.classes is None else self.classes.tolist()
        digest.update(f"{self.graph.outputs} {self.task} {classes}".encode())
        return digest.hexdigest()

    @property
    def versions(self) -> dict[str, str]:
        """Versions of this library and of Python that made the model."""
        return {"qumba": library_version(), "python": platform.python_version()}

    @property
    def description(self) -> str:
        """Form of each circuit, and the size and cost of the whole, as text of some lines."""
        lines = []
        for number, choice in enumerate(self.choices):
            others = "".join(f"; {form}: {cost:,}" for form, (_, cost) in choice.alternatives.items())
            lines.append(f"circuit {number}: {choice.form}, {choice.operations:,} operations a sample{others}")
        size = self.graph.num_numbers
        lines.append(f"model: {size:,} numbers ({8 * size / 1000:,.1f} kB), {self.graph.cost:,} operations a sample")
        return "\n".join(lines)


def collapsed_model(model: Any, names: Sequence[str] | None = None, target: Target = "python") -> CollapsedModel:
    """Write a fitted estimator, or a pipeline that ends with one, as a graph.

    Parameters
    ----------
    model : estimator or Pipeline
    names : sequence of str, optional
        Feature names; by default those that the model was fitted with.
    target : {"python", "c", "onnx"}
        What the graph is for; decides between the forms of circuits.

    Raises
    ------
    CannotCollapseError
        If the model has noise, a backend, shots or custom Python code, or is too large; the text says which.
    NotFittedError
        If the model is not fitted.
    TypeError
        If it is not a classifier or regressor of this library.
    """
    estimator, graph, x = opened_model(model, target)
    out = _of_estimator(graph, x, estimator)
    out.graph = graph.pruned()
    out.name = type(estimator).__name__
    out.feature_names = feature_names(model, names)
    check_size(out.graph)
    _check_equal(model, out, SINGLE if _is_single(estimator) else DOUBLE)
    return out


def _is_single(estimator: Any) -> bool:
    """Return whether a model, or a part of its kernel, is simulated in single precision."""
    kernels = [kernel for _, kernel in leaves(estimator.kernel_)] if hasattr(estimator, "kernel_") else []
    return getattr(estimator, "precision", "double") == "single" or any(k.dtype == np.float32 for k in kernels)


def feature_names(model: Any, names: Sequence[str] | None = None) -> list[str]:
    """Return the names of a model's features: those given, else those that it was fitted with, if any.

    Raises
    ------
    ValueError
        If there are not as many names as features.
    """
    if names is None:
        names = getattr(model, "feature_names_in_", [])
    elif len(names) != model.n_features_in_:
        raise ValueError(f"expected {model.n_features_in_} feature names, got {len(names)}")
    return [str(name) for name in names]


def opened_model(model: Any, target: Target = "python") -> tuple[Any, Graph, int]:
    """Check a model; return its last estimator, and a graph with the steps of the pipeline before it, and their node.

    Raises
    ------
    CannotCollapseError, NotFittedError, TypeError
        As in `collapsed_model`.
    """
    estimator = model
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    if not isinstance(estimator, PREDICTORS) or not hasattr(estimator, "predict"):
        raise TypeError(
            "expected a fitted classifier or regressor of qml, or a pipeline that ends with one, "
            f"got {type(estimator).__name__}{_inside(estimator)}"
        )
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        raise NotFittedError(f"{type(estimator).__name__} is not fitted: call fit before it is exported") from None
    for setting in ("noise", "backend"):
        if getattr(estimator, setting, None) is not None:
            raise CannotCollapseError(
                f"{type(estimator).__name__} predicts with {setting}={getattr(estimator, setting)!r}, which is not a "
                f"fixed function of the features; set_params({setting}=None) predicts without it"
            )
    graph = Graph(int(model.n_features_in_), target)
    x, steps = 0, model
    while isinstance(steps, Pipeline):
        for _, step in steps.steps[:-1]:
            x = x if step is None else transformed(graph, x, step)
        steps = steps.steps[-1][1]
    return estimator, graph, x


def _inside(model: Any) -> str:
    """Say where a model that is not an estimator of this library has one, if it has."""
    if isinstance(model, TableModel):
        return ", whose attribute estimator is one"
    if hasattr(model, "best_estimator_"):
        return ", whose attribute best_estimator_ may be one"
    return ": export each of its estimators_ by itself" if hasattr(model, "estimators_") else ""


def _of_estimator(graph: Graph, x: int, estimator: Any) -> CollapsedModel:
    """Add an estimator's scaling, network or kernel, and what it makes of their outputs."""
    if isinstance(estimator, EXPANSIONS):
        outputs, choices = expansion(graph, x, estimator)
    elif isinstance(estimator, QuantumGaussianProcessClassifier):
        outputs, choices = latent_probabilities(graph, x, estimator)
    elif isinstance(estimator, MetricLearningClassifier):
        outputs, choices = class_fidelities(graph, x, estimator)
    elif isinstance(estimator, TrainedNetwork):
        scaled = scaled_features(graph, x, estimator.scaling_)
        outputs, choices = network_outputs(graph, scaled, list(estimator.network_), estimator.weights_)
    else:
        outputs, choices = _fixed_features(graph, x, estimator)
    return decided(graph, outputs, estimator, choices)


def decided(graph: Graph, outputs: int, estimator: Any, choices: list[Choice]) -> CollapsedModel:
    """Add what an estimator makes of its outputs: decision values and probabilities, or targets."""
    if not hasattr(estimator, "classes_"):
        scale, mean = np.atleast_1d(estimator.target_scale_), np.atleast_1d(estimator.target_mean_)
        graph.outputs["values"] = graph.affine(outputs, np.diag(np.broadcast_to(scale, graph.size(outputs))), mean)
        return CollapsedModel(graph, "regression", None, np.ndim(estimator.target_mean_) == 0, choices)
    return _of_classifier(graph, outputs, estimator, choices)


def _of_classifier(graph: Graph, outputs: int, estimator: Any, choices: list[Choice]) -> CollapsedModel:
    classes = np.asarray(estimator.classes_)
    if isinstance(estimator, SHARES):
        graph.outputs["values"] = graph.affine(outputs, [[-1.0], [1.0]]) if len(classes) == 2 else outputs
        graph.outputs["probabilities"] = outputs
        return CollapsedModel(graph, "classification", classes, True, choices)
    if isinstance(estimator, QuantumKernelClassifier):
        graph.outputs["values"] = outputs if len(classes) == 2 else pair_votes(graph, outputs, len(classes))
        if estimator.sharpness_ is not None:
            logits = graph.scaled(pair_margins(graph, outputs, len(classes)), estimator.sharpness_)
            graph.outputs["probabilities"] = graph.function("softmax", logits)
        return CollapsedModel(graph, "classification", classes, True, choices)
    if isinstance(estimator, ReuploadingClassifier) and estimator._by_fidelity:
        outputs = _distance_decisions(graph, outputs, len(classes))
    graph.outputs["values"] = outputs
    labels = isinstance(estimator, TrainedClassifier) and estimator._has_labels
    if hasattr(estimator, "predict_proba"):
        if labels:
            graph.outputs["probabilities"] = graph.function("sigmoid", outputs)
        elif len(classes) == 2:
            graph.outputs["probabilities"] = graph.function("sigmoid", graph.affine(outputs, [[-1.0, 1.0]]))
        else:
            graph.outputs["probabilities"] = graph.function("softmax", outputs)
    return CollapsedModel(graph, "labels" if labels else "classification", classes, not labels, choices)


def _fixed_features(graph: Graph, x: int, estimator: FixedFeatures) -> tuple[int, list[Choice]]:
    """Add the features of random circuits or of a reservoir, and the linear model on them."""
    matrix = np.atleast_2d(estimator.readout_.coef_).T
    readout = matrix, np.broadcast_to(estimator.readout_.intercept_, matrix.shape[1:])
    if isinstance(estimator, Reservoir):
        scaled = scaled_features(graph, x, estimator.scaling_)
        outputs, choice = quantum_outputs(graph, scaled, estimator.model_, estimator.weights_, readout)
        return outputs, [choice]
    if not isinstance(estimator, KitchenSinks):
        raise CannotCollapseError(f"the features of {type(estimator).__name__} cannot be taken out of Python")
    random_features = estimator.random_features_
    if random_features.shots is not None:
        raise CannotCollapseError(f"shots={random_features.shots} draw each feature; only exact features are fixed")
    model = random_features._model()
    circuit = Graph(len(model.inputs), graph.target)
    circuit.outputs["values"], choice = quantum_outputs(circuit, 0, model, np.empty(0))
    scaled = scaled_features(graph, x, estimator.scaling_)
    parts = []
    for frequencies, offsets in zip(random_features.frequencies_, random_features.offsets_, strict=True):
        parts.append(graph.embed(circuit, graph.affine(scaled, frequencies.T, offsets), "values"))
    features = graph.gather(graph.concat(parts), np.arange(random_features.n_components))
    return graph.affine(graph.scaled(features, 1.0 / np.sqrt(random_features.n_components)), *readout), [choice]


def _distance_decisions(graph: Graph, outputs: int, num_classes: int) -> int:
    """Add the decision values of the weighted fidelity cost: minus the distances, for two classes their difference."""
    expected = WeightedFidelityCost(num_classes).expected()
    num_qubits = graph.size(outputs) // num_classes
    distances = []
    for target in expected:
        difference = graph.shifted(outputs, -np.tile(target, num_qubits))
        distances.append(graph.multiply(difference, difference))
    signs = -0.5 * np.kron(np.eye(num_classes), np.ones((graph.size(outputs), 1)))
    values = graph.affine(graph.concat(distances), signs)
    return graph.affine(values, [[-1.0], [1.0]]) if num_classes == 2 else values


def _check_equal(model: Any, collapsed: CollapsedModel, tolerance: float) -> None:
    """Compare a few predictions with those of the model: a subclass may override how they are computed.

    Samples that the model refuses are left out, as are all if it takes nothing but data frames.
    """
    rng = np.random.default_rng(SEED)
    samples = np.vstack([rng.normal(size=(3, collapsed.num_features)), rng.integers(0, 2, (2, collapsed.num_features))])
    output = "values"
    if collapsed.task == "regression":
        compute = model.predict
    elif hasattr(model, "decision_function"):
        compute = model.decision_function
    else:
        compute, output = model.predict_proba, "probabilities"
    for sample in samples:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                expected = np.asarray(compute(sample[None]), np.float64).ravel()
        except (ValueError, TypeError):
            continue
        with np.errstate(all="ignore"):
            got = collapsed.graph.evaluate(sample[None])[output][0]
        if not np.isfinite(got).all():
            continue  # beyond the features that the collapsed model takes, which refuses them
        if got.shape != expected.shape or not np.abs(got - expected).max() <= tolerance * (1 + np.abs(expected).max()):
            raise CannotCollapseError(
                f"{collapsed.name} does not predict by its layers alone: the collapsed model gives {got}, the model "
                f"{expected}; predict with the model itself"
            )
