"""Operations of collapsed graphs: what they compute, and what they cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from qml.deploy.strings import rotated, string_expectations

__all__ = ["BINARY", "FUNCTIONS", "OPERATIONS", "ROW_FUNCTIONS", "STATES", "Node", "cost", "value"]

Array = NDArray[np.float64]

FUNCTION_COST = 10
"""Number of operations that a function such as the sine counts as, by its time in multiplications with addition."""

ROTATION_COST = 3
"""Number of operations for one amplitude and one rotation, by its time in multiplications with addition."""

FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "abs": np.abs,
    "arccos": np.arccos,
    "arctan": np.arctan,
    "cos": np.cos,
    "exp": np.exp,
    "log": np.log,
    "relu": lambda x: np.maximum(x, 0.0),
    "sigmoid": lambda x: np.asarray(expit(x)),
    "sin": np.sin,
    "sqrt": np.sqrt,
    "step": lambda x: (x > 0).astype(np.float64),
    "tanh": np.tanh,
}
"""Functions of each entry; ``step`` is 1 for positive numbers, else 0."""

BINARY: dict[str, Callable[[Array, Array], Array]] = {
    "add": np.add,
    "divide": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "multiply": np.multiply,
    "subtract": np.subtract,
}
"""Functions of two vectors of equal size, entry by entry."""


def _normalized(x: Array) -> Array:
    largest = np.abs(x).max(axis=1, keepdims=True)
    unit = x / np.where(largest > 0, largest, 1.0)
    unit[largest[:, 0] == 0, 0] = 1.0
    return np.asarray(unit / np.linalg.norm(unit, axis=1, keepdims=True))


def _top(x: Array) -> Array:
    return np.eye(x.shape[1])[x.argmax(axis=1)]


ROW_FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "largest": lambda x: x.max(axis=1, keepdims=True),
    "normalize": _normalized,
    "softmax": lambda x: np.asarray(softmax(x, axis=1)),
    "top": _top,
}
"""Functions of a whole vector: its largest entry; the vector divided by its norm, or the first unit vector in place of
zeros; its softmax; the unit vector of its largest entry, the first one if there are several."""

STATES = ("rotations", "expectations")
"""Operations on states, vectors with the real parts of all amplitudes, then the imaginary parts. ``rotations`` applies
``cosine - i sine P`` for Pauli strings P one after the other; its arguments are the state, the cosines and the sines.
``expectations`` are those of Pauli strings. Strings act as `qml.deploy.strings.string_times` says."""

OPERATIONS = (
    "input", "constant", "affine", "gather", "concat", "matrix_product", *BINARY, *FUNCTIONS, *ROW_FUNCTIONS, *STATES
)  # fmt: skip
"""All operations. ``affine`` is ``x @ matrix + offset``, ``gather`` takes entries by their indices, ``matrix_product``
multiplies two square matrices, each given as a vector, row by row."""


@dataclass(frozen=True, eq=False)
class Node:
    """One operation of a graph.

    Parameters
    ----------
    operation : str
        One of ``OPERATIONS``.
    arguments : tuple of int
        Numbers of the nodes whose values it takes.
    size : int
        Size of its value per sample.
    constants : tuple of ndarray
        The matrix, shape (size of the argument, size), and offset, shape (size,), of ``affine``; the indices, shape
        (size,), of ``gather``; the numbers, shape (size,), of ``constant``; X mask, Z mask and place of cosine and sine
        of each of the ``rotations``, shape (n, 3); X mask and Z mask of each of the ``expectations``, shape (size, 2).
    """

    operation: str
    arguments: tuple[int, ...]
    size: int
    constants: tuple[NDArray[Any], ...] = ()


def cost(node: Node, argument_sizes: Sequence[int]) -> int:
    """Count the operations of a node for one sample: multiplications with addition, or equivalents."""
    match node.operation:
        case "input" | "constant":
            return 0
        case "affine":
            return int(np.count_nonzero(node.constants[0]))
        case "matrix_product":
            return node.size * math.isqrt(node.size)
        case "rotations":
            return len(node.constants[0]) * (node.size // 2) * ROTATION_COST
        case "expectations":
            return node.size * argument_sizes[0]
        case "softmax":
            return node.size * FUNCTION_COST
        case name if name in FUNCTIONS and name not in ("abs", "relu", "step"):
            return node.size * FUNCTION_COST
        case _:
            return node.size


def value(node: Node, X: Array, arguments: Sequence[Array]) -> Array:
    """Compute the value of a node for each sample, shape (n_samples, size), from features and its arguments."""
    match node.operation:
        case "input":
            return X
        case "constant":
            return np.broadcast_to(node.constants[0], (len(X), node.size))
        case "affine":
            matrix, offset = node.constants
            return arguments[0] @ matrix + offset
        case "gather":
            return arguments[0][:, node.constants[0]]
        case "concat":
            return np.concatenate(arguments, axis=1)
        case "matrix_product":
            rows = math.isqrt(node.size)
            first, second = (argument.reshape(-1, rows, rows) for argument in arguments)
            return (first @ second).reshape(-1, node.size)
        case "rotations":
            return rotated(arguments[0], arguments[1], arguments[2], node.constants[0])
        case "expectations":
            return string_expectations(arguments[0], node.constants[0])
        case name if name in BINARY:
            return BINARY[name](*arguments)
        case name if name in FUNCTIONS:
            return FUNCTIONS[name](arguments[0])
        case name:
            return ROW_FUNCTIONS[name](arguments[0])
