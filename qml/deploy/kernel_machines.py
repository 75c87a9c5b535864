"""Kernels between a sample and the stored rows of an estimator as collapsed graphs."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.deploy.amplitudes import Amplitudes, apply
from qml.deploy.circuits import (
    CannotCollapseError,
    Choice,
    check_qubits,
    circuit_inputs,
    quantum_outputs,
)
from qml.deploy.graph import Graph
from qml.deploy.states import bloch_vectors, encoded_state, output_matrix
from qml.kernels import ClassicalKernel, FidelityKernel, Kernel, ProjectedKernel, TrainedKernel
from qml.kernels.arithmetic import PowerKernel, ProductKernel, ScaledKernel, SumKernel
from qml.kernels.composite import CompositeKernel
from qml.kernels.embedding import EmbeddingKernel
from qml.models.quantum_model import QuantumModel
from simulator.calculations.product_states import is_product

__all__ = ["MAX_STORED_ROWS", "kernel_diagonal", "kernel_row", "pair_margins", "pair_votes"]

Array = NDArray[np.float64]

MAX_STORED_ROWS = 4096
"""Maximum number of rows whose states are stored, such as support vectors."""


def kernel_row(graph: Graph, x: int, kernel: Kernel, basis: NDArray[Any]) -> tuple[int, list[Choice]]:
    """Add the kernel between a scaled sample and each stored row.

    Parameters
    ----------
    basis : ndarray, shape (n_rows, ...)
        The rows' features, as the kernel computes them.

    Raises
    ------
    CannotCollapseError
        If a kernel is custom Python code, or has a backend or shots, or the rows are too many.
    """
    if len(basis) > MAX_STORED_ROWS:
        raise CannotCollapseError(
            f"the model compares each sample with {len(basis):,} stored rows, at most {MAX_STORED_ROWS:,} can be "
            "collapsed; a support vector machine with a smaller C or a larger epsilon stores fewer"
        )
    match kernel:
        case TrainedKernel():
            return kernel_row(graph, x, kernel.kernel_, basis)
        case ClassicalKernel():
            return _classical(graph, x, kernel.name, basis, kernel), []
        case FidelityKernel():
            return _fidelities(graph, x, kernel, basis)
        case ProjectedKernel():
            return _projected(graph, x, kernel, basis)
        case CompositeKernel():
            parts, choices = [], []
            for name, part in zip(kernel.part_names, kernel.parts, strict=True):
                values, forms = kernel_row(graph, x, part, np.ascontiguousarray(basis[name]))
                parts.append(values)
                choices += forms
            return _combined(graph, kernel, parts), choices
    raise _unknown(kernel)


def kernel_diagonal(graph: Graph, x: int, kernel: Kernel) -> int:
    """Add the kernel between a scaled sample and itself, one number."""
    match kernel:
        case TrainedKernel():
            return kernel_diagonal(graph, x, kernel.kernel_)
        case ClassicalKernel() if kernel.name in ("linear", "polynomial"):
            square = _square(graph, x)
            return square if kernel.name == "linear" else _polynomial(graph, square, kernel)
        case ProjectedKernel() if kernel.outer in ("linear", "polynomial"):
            features, constant, _ = _projected_features(graph, x, kernel)
            square = graph.shifted(_square(graph, features), constant)
            return square if kernel.outer == "linear" else _power(graph, square, kernel.gamma_, 1.0, 3)
        case ClassicalKernel() | FidelityKernel() | ProjectedKernel():
            return graph.constant([1.0])
        case CompositeKernel():
            return _combined(graph, kernel, [kernel_diagonal(graph, x, part) for part in kernel.parts])
    raise _unknown(kernel)


def _combined(graph: Graph, kernel: CompositeKernel, parts: list[int]) -> int:
    """Add the values of a composite kernel, from those of its parts."""
    match kernel:
        case SumKernel():
            return graph.add(*parts)
        case ProductKernel():
            return graph.multiply(*parts)
        case ScaledKernel():
            return graph.scaled(parts[0], kernel.scale)
        case PowerKernel():
            return _power(graph, parts[0], 1.0, 0.0, kernel.exponent)
    raise _unknown(kernel)


def _unknown(kernel: Kernel) -> CannotCollapseError:
    return CannotCollapseError(
        f"the kernel {kernel!r} is custom Python code, which cannot be taken out of Python; fidelity, projected and "
        "classical kernels, their sums, products, multiples and powers can"
    )


def _check_exact(kernel: EmbeddingKernel) -> None:
    if kernel.backend is not None or getattr(kernel, "shots", None) is not None:
        raise CannotCollapseError(
            f"{type(kernel).__name__} with a backend or shots cannot be collapsed: only exact kernels are a fixed "
            "function of the features"
        )


def _bandwidth(kernel: EmbeddingKernel, num_features: int) -> Array:
    """Return the factor of each feature, learnt or a setting."""
    return kernel._scaled(np.ones((1, num_features)))[0]


def _fidelities(graph: Graph, x: int, kernel: FidelityKernel, basis: NDArray[Any]) -> tuple[int, list[Choice]]:
    _check_exact(kernel)
    encoding, program = kernel.prepare(graph.size(x))
    weights = kernel.weight_values(encoding)
    inputs = circuit_inputs(graph, graph.scaled(x, _bandwidth(kernel, graph.size(x))), encoding.data)
    before = graph.num_numbers, graph.cost
    if is_product(program):
        vectors = bloch_vectors(graph, inputs, program, weights)
        total: int | None = None
        for qubit in range(program.num_qubits):
            vector = graph.gather(vectors, 3 * qubit + np.arange(3))
            factor = graph.affine(vector, 0.5 * basis[:, qubit].T.astype(np.float64), 0.5)
            total = factor if total is None else graph.multiply(total, factor)
        assert total is not None
        return total, [Choice("bloch", graph.num_numbers - before[0], graph.cost - before[1], {})]
    check_qubits(program.num_qubits)
    state, matrix = encoded_state(graph, inputs, program, weights)
    stored = np.empty_like(basis, np.complex128)
    stored[:, output_matrix(program)] = basis
    overlaps = apply(graph, stored.conj() @ matrix, state)
    fidelities = _squares(graph, overlaps)
    return fidelities, [Choice("states", graph.num_numbers - before[0], graph.cost - before[1], {})]


def _squares(graph: Graph, amplitudes: Amplitudes) -> int:
    squares = graph.multiply(amplitudes.real, amplitudes.real)
    if amplitudes.imaginary is None:
        return squares
    return graph.add(squares, graph.multiply(amplitudes.imaginary, amplitudes.imaginary))


def _projected(graph: Graph, x: int, kernel: ProjectedKernel, basis: Array) -> tuple[int, list[Choice]]:
    features, constant, choice = _projected_features(graph, x, kernel)
    name = {"gaussian": "rbf"}.get(kernel.outer, kernel.outer)
    if name in ("linear", "polynomial"):
        products = graph.affine(features, basis.T.astype(np.float64), constant)
        return (products if name == "linear" else _power(graph, products, kernel.gamma_, 1.0, 3)), [choice]
    return _distances(graph, features, basis, name, kernel.gamma_), [choice]


def _projected_features(graph: Graph, x: int, kernel: ProjectedKernel) -> tuple[int, float, Choice]:
    """Add the scaled Pauli expectations; returns also the constant that is added to their products."""
    _check_exact(kernel)
    encoding, program = kernel.prepare(graph.size(x))
    model = QuantumModel(
        encoding.circuit, encoding.inputs, encoding.weights, program.observables, data=encoding.data,
        num_features=graph.size(x),
    )  # fmt: skip
    scaled = graph.scaled(x, _bandwidth(kernel, graph.size(x)))
    values, choice = quantum_outputs(graph, scaled, model, kernel.weight_values(encoding))
    features = graph.scaled(values, kernel.scales(program.num_qubits))
    return features, kernel._constant(np.empty((0, graph.size(features)))), choice


def _classical(graph: Graph, x: int, name: str, basis: Array, kernel: ClassicalKernel) -> int:
    if name in ("linear", "polynomial"):
        products = graph.affine(x, basis.T)
        if name == "linear":
            return products
        return _polynomial(graph, products, kernel)
    return _distances(graph, x, basis, name, kernel.gamma_)


def _polynomial(graph: Graph, products: int, kernel: ClassicalKernel) -> int:
    if kernel.degree != int(kernel.degree) or kernel.degree < 1:
        raise CannotCollapseError(f"a polynomial kernel needs a positive integer degree, got {kernel.degree}")
    return _power(graph, products, kernel.gamma_, kernel.coef0, int(kernel.degree))


def _square(graph: Graph, x: int) -> int:
    """Add the sum of the squares of x."""
    return graph.affine(graph.multiply(x, x), np.ones((graph.size(x), 1)))


def _power(graph: Graph, products: int, gamma: float, constant: float, degree: int) -> int:
    """Add ``(gamma * products + constant) ** degree``."""
    square = graph.shifted(graph.scaled(products, gamma), constant) if constant else graph.scaled(products, gamma)
    total: int | None = None
    while degree:
        if degree % 2:
            total = square if total is None else graph.multiply(total, square)
        degree //= 2
        square = graph.multiply(square, square) if degree else square
    assert total is not None
    return total


def _distances(graph: Graph, x: int, basis: Array, name: str, gamma: float) -> int:
    """Add ``exp(-gamma d)`` with d the squared Euclidean distance (rbf), or the sum of absolute differences."""
    rows, size = basis.shape
    differences = graph.shifted(graph.gather(x, np.tile(np.arange(size), rows)), -basis.astype(np.float64).ravel())
    if name == "rbf":
        parts = graph.multiply(differences, differences)
    else:
        parts = graph.function("abs", differences)
    total: int | None = None
    for column in range(size):
        part = graph.gather(parts, column + size * np.arange(rows))
        total = part if total is None else graph.add(total, part)
    assert total is not None
    return graph.function("exp", graph.scaled(total, -gamma))


def pair_votes(graph: Graph, outputs: int, num_classes: int) -> int:
    """Add the votes of the pairs of classes, plus less than half a vote for the margin, as scikit-learn's `SVC`."""
    pairs = list(combinations(range(num_classes), 2))
    first, second = np.zeros((len(pairs), num_classes)), np.zeros((len(pairs), num_classes))
    for row, (i, j) in enumerate(pairs):
        first[row, i] = second[row, j] = 1.0
    wins = graph.function("step", graph.scaled(outputs, -1.0))  # of the second class of each pair
    votes = graph.affine(wins, second - first, first.sum(axis=0))
    confidence = graph.affine(outputs, first - second)
    size = graph.scaled(graph.shifted(graph.function("abs", confidence), 1.0), 3.0)
    return graph.add(votes, graph.binary("divide", confidence, size))


def pair_margins(graph: Graph, outputs: int, num_classes: int) -> int:
    """Add the smallest margin of each class, raised above the others for the winner of the votes: `class_margins`."""
    if num_classes == 2:
        return graph.affine(outputs, [[-1.0, 1.0]])
    pairs = list(combinations(range(num_classes), 2))
    signed = graph.concat([outputs, graph.scaled(outputs, -1.0)])
    places: list[list[int]] = [[] for _ in range(num_classes)]
    for number, (i, j) in enumerate(pairs):
        places[i].append(number)
        places[j].append(len(pairs) + number)
    margins = graph.gather(signed, [listed[0] for listed in places])
    for rank in range(1, num_classes - 1):
        margins = graph.binary("minimum", margins, graph.gather(signed, [listed[rank] for listed in places]))
    winner = graph.function("top", pair_votes(graph, outputs, num_classes))
    # 1 for all classes if the winner has the largest margin, else 0
    agreed = graph.affine(graph.multiply(winner, graph.function("top", margins)), np.ones((num_classes, num_classes)))
    raised = graph.subtract(winner, graph.multiply(winner, agreed))
    largest = graph.repeat(graph.function("largest", margins), num_classes)
    size = graph.binary("maximum", graph.function("abs", largest), graph.constant(np.ones(num_classes)))
    above = graph.add(largest, graph.scaled(size, 1e-6))
    return graph.add(margins, graph.multiply(raised, graph.subtract(above, margins)))
