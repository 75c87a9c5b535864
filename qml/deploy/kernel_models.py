"""Kernel estimators as collapsed graphs: expansions, Gaussian processes, and fidelities with the states of classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.deploy.circuits import Choice
from qml.deploy.graph import Graph
from qml.deploy.kernel_machines import kernel_diagonal, kernel_row
from qml.deploy.networks import network_outputs, scaled_features
from qml.estimators.kernel_methods.gaussian_processes import (
    NODES,
    SHARES,
    QuantumGaussianProcessClassifier,
    QuantumGaussianProcessRegressor,
)
from qml.estimators.kernel_methods.kernel_estimator import KernelEstimator
from qml.estimators.own_objective.metric_learning import MetricLearningClassifier

__all__ = ["class_fidelities", "expansion", "latent_probabilities"]

Array = NDArray[np.float64]

SMALLEST_SHARE = 1e-17
"""Share of an eigenvector in a class's mean state below which it is a rounding error."""


def expansion(graph: Graph, x: int, estimator: KernelEstimator) -> tuple[int, list[Choice]]:
    """Add ``sum_i k(x, x_i) coefficients_i + intercept``."""
    if not len(estimator.basis_):
        return graph.constant(estimator.intercept_), []
    scaled = scaled_features(graph, x, estimator.scaling_)
    if isinstance(estimator, QuantumGaussianProcessRegressor):
        scaled = graph.scaled(scaled, estimator.stretch_)
    row, choices = kernel_row(graph, scaled, estimator.kernel_, estimator.basis_)
    return graph.affine(row, estimator.coefficients_, estimator.intercept_), choices


def latent_probabilities(graph: Graph, x: int, estimator: QuantumGaussianProcessClassifier) -> tuple[int, list[Choice]]:
    """Add the class probabilities of a Gaussian process: the mean of the logistic function of each latent function."""
    scaled = scaled_features(graph, x, estimator.scaling_)
    columns, choices = [], []
    for latent in estimator.latent_:
        column, forms = _latent_probability(graph, graph.scaled(scaled, latent["stretch"]), estimator.kernel_, latent)
        columns.append(column)
        choices += forms
    if len(columns) == 1:
        return graph.affine(columns[0], [[-1.0, 1.0]], [1.0, 0.0]), choices
    return _shares(graph, graph.concat(columns)), choices


def _latent_probability(graph: Graph, x: int, kernel: Any, latent: dict[str, Any]) -> tuple[int, list[Choice]]:
    row, choices = kernel_row(graph, x, kernel, latent["basis"])
    amplitude = latent["amplitude"]
    mean = graph.affine(row, amplitude * latent["coefficients"][:, None])
    explained = graph.affine(row, amplitude * latent["root"].T)
    squares = graph.affine(graph.multiply(explained, explained), np.ones((graph.size(explained), 1)))
    prior = graph.scaled(kernel_diagonal(graph, x, kernel), amplitude)
    deviation = graph.function("sqrt", graph.function("relu", graph.subtract(prior, squares)))
    values = graph.affine(graph.concat([mean, deviation]), np.vstack([np.ones_like(NODES), NODES]))
    return graph.affine(graph.function("sigmoid", values), (SHARES / SHARES.sum())[:, None]), choices


def class_fidelities(graph: Graph, x: int, estimator: MetricLearningClassifier) -> tuple[int, list[Choice]]:
    """Add the prior times the mean fidelity of each class, over their sum; equal shares where all are 0.

    The mean state of a class has at most ``2**n`` eigenvectors, which are stored if they are fewer than the samples.
    """
    embedding = estimator._embedding()
    choices: list[Choice] = []
    scaled = scaled_features(graph, x, estimator.scaling_)
    if embedding.before is not None:
        outer = embedding.split(estimator.weights_)[0]
        scaled, choices = network_outputs(graph, scaled, list(embedding.before), outer)
    kernel, shares = estimator.kernel_, estimator.shares_ * estimator.priors_
    basis = kernel.features(embedding.features(estimator.support_, estimator.weights_))
    if basis.ndim == 2 and shares.shape[1] * basis.shape[1] < len(basis):
        basis, shares = _eigenvectors(basis, shares)
    row, forms = kernel_row(graph, scaled, kernel, basis)
    return _shares(graph, graph.affine(row, shares)), choices + forms


def _eigenvectors(states: NDArray[Any], shares: Array) -> tuple[NDArray[Any], Array]:
    """Return the eigenvectors of the classes' mean states, shape (n_vectors, 2**n), and their shares in each class."""
    states = states.astype(np.complex128)
    vectors, columns = [], []
    for column, share in enumerate(shares.T):
        values, eigenvectors = np.linalg.eigh((states.T * share) @ states.conj())
        relevant = values > SMALLEST_SHARE
        vectors.append(eigenvectors[:, relevant].T)
        columns.append(np.outer(values[relevant], np.eye(shares.shape[1])[column]))
    return np.concatenate(vectors), np.concatenate(columns)


def _shares(graph: Graph, values: int) -> int:
    """Add values of 0 or more over their sum; equal shares if all are 0."""
    size = graph.size(values)
    total = graph.affine(values, np.ones((size, 1)))
    empty = graph.shifted(graph.scaled(graph.function("step", total), -1.0), 1.0)
    numerator = graph.add(values, graph.repeat(graph.scaled(empty, 1.0 / size), size))
    return graph.binary("divide", numerator, graph.repeat(graph.add(total, empty), size))
