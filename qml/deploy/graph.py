"""Collapsed graph: a trained model as a short list of operations on real vectors.

Every value is a vector of fixed size per sample. `collapse`, `export_onnx` and `export_c` share this form, so an
exporter only translates the `OPERATIONS` of `qml.deploy.operations`, and a model is only written as a graph once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qml.deploy.operations import BINARY, FUNCTIONS, ROW_FUNCTIONS, Node, cost, value

__all__ = ["MAX_NUMBERS", "Graph", "Target"]

Array = NDArray[np.float64]
Target = Literal["python", "c", "onnx"]

MAX_NUMBERS = 1 << 24
"""Maximum number of constants of a graph: 128 MB of doubles."""

ROUNDING = 1e-16
"""Entries of a matrix below this share of its largest one are taken as zero: they are rounding errors."""


@dataclass(eq=False)
class Graph:
    """Operations in order of evaluation; node 0 is the input, the features of a sample.

    Methods that add a node return its number. Work whose result is known is done at once: an ``affine`` of a constant
    is a constant, and two in a row are merged if that saves operations.

    Parameters
    ----------
    num_features : int
    target : {"python", "c", "onnx"}
        What the graph is for, which decides between the forms of a circuit: the fewest operations; few constants; few
        nodes, since runtimes take microseconds for each.

    Examples
    --------
    >>> graph = Graph(2)
    >>> graph.outputs["values"] = graph.affine(graph.function("sin", 0), [[1.0], [2.0]], [0.5])
    >>> graph.evaluate(np.array([[0.0, np.pi / 2]]))["values"]
    array([[2.5]])
    """

    num_features: int
    target: Target = "python"
    nodes: list[Node] = field(default_factory=list)
    outputs: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.nodes.append(Node("input", (), self.num_features))

    def size(self, number: int) -> int:
        """Return the size of a node's value."""
        return self.nodes[number].size

    def constant(self, values: Any) -> int:
        """Add numbers that are equal for all samples."""
        numbers = np.array(values, np.float64, ndmin=1)
        return self._add(Node("constant", (), len(numbers), (numbers,)))

    def affine(self, x: int, matrix: Any, offset: Any = 0.0) -> int:
        """Add ``x @ matrix + offset``; matrix of shape (size of x, size)."""
        matrix = np.array(matrix, np.float64)
        offset = np.broadcast_to(np.asarray(offset, np.float64), matrix.shape[1:]).copy()
        matrix[np.abs(matrix) < ROUNDING * np.abs(matrix).max(initial=0.0)] = 0.0
        node = self.nodes[x]
        if node.operation == "constant":
            return self.constant(node.constants[0] @ matrix + offset)
        if not offset.any() and ((matrix == 1.0).sum(axis=0) == 1).all() and ((matrix != 0).sum(axis=0) == 1).all():
            return self.gather(x, matrix.argmax(axis=0))
        if node.operation == "affine":
            inner, inner_offset = node.constants
            merged = inner @ matrix
            if np.count_nonzero(merged) <= np.count_nonzero(inner) + np.count_nonzero(matrix):
                x, matrix, offset = node.arguments[0], merged, inner_offset @ matrix + offset
        return self._add(Node("affine", (x,), matrix.shape[1], (matrix, offset)))

    def gather(self, x: int, indices: Any) -> int:
        """Add the entries of x at the indices."""
        indices = np.array(indices, np.int64, ndmin=1)
        node = self.nodes[x]
        if np.array_equal(indices, np.arange(node.size)):
            return x
        if node.operation == "constant":
            return self.constant(node.constants[0][indices])
        if node.operation == "gather":
            return self.gather(node.arguments[0], node.constants[0][indices])
        return self._add(Node("gather", (x,), len(indices), (indices,)))

    def repeat(self, x: int, size: int) -> int:
        """Add a vector with one number, ``size`` times."""
        return self.gather(x, np.zeros(size, np.int64))

    def concat(self, parts: Sequence[int]) -> int:
        """Add the vectors one after the other."""
        if len(parts) == 1:
            return parts[0]
        return self._add(Node("concat", tuple(parts), sum(map(self.size, parts))))

    def function(self, name: str, x: int) -> int:
        """Add a function of one vector, out of ``FUNCTIONS`` or ``ROW_FUNCTIONS``."""
        node = self.nodes[x]
        if node.operation == "constant":
            table = FUNCTIONS if name in FUNCTIONS else ROW_FUNCTIONS
            return self.constant(table[name](node.constants[0][None])[0])
        return self._add(Node(name, (x,), 1 if name == "largest" else node.size))

    def binary(self, name: str, a: int, b: int) -> int:
        """Add a function of two vectors of equal size, out of ``BINARY``."""
        first, second = self.nodes[a], self.nodes[b]
        if first.operation == second.operation == "constant":
            return self.constant(BINARY[name](first.constants[0], second.constants[0]))
        for node, other in ((first, b), (second, a)):
            if name == "multiply" and node.operation == "constant" and (node.constants[0] == 1.0).all():
                return other
        return self._add(Node(name, (a, b), first.size))

    def add(self, a: int, b: int) -> int:
        """Add the sum of two vectors."""
        return self.binary("add", a, b)

    def subtract(self, a: int, b: int) -> int:
        """Add the difference a - b of two vectors."""
        return self.binary("subtract", a, b)

    def multiply(self, a: int, b: int) -> int:
        """Add the product of two vectors, entry by entry."""
        return self.binary("multiply", a, b)

    def matrix_product(self, a: int, b: int) -> int:
        """Add the product of two square matrices of equal size, given as vectors, row by row."""
        return self._add(Node("matrix_product", (a, b), self.size(a)))

    def rotations(self, state: int, cosines: int, sines: int, table: Any) -> int:
        """Add a state after rotations; the table has the X mask, Z mask and place of cosine and sine of each."""
        constants = (np.array(table, np.int64).reshape(-1, 3),)
        return self._add(Node("rotations", (state, cosines, sines), self.size(state), constants))

    def expectations(self, state: int, masks: Any) -> int:
        """Add the expectation values of Pauli strings, given by their X and Z masks."""
        constants = (np.array(masks, np.int64).reshape(-1, 2),)
        return self._add(Node("expectations", (state,), len(constants[0]), constants))

    def shifted(self, x: int, offset: Any) -> int:
        """Add x plus numbers."""
        return self.add(x, self.constant(np.broadcast_to(offset, (self.size(x),))))

    def scaled(self, x: int, factor: Any) -> int:
        """Add x times numbers."""
        return self.multiply(x, self.constant(np.broadcast_to(factor, (self.size(x),))))

    def embed(self, other: Graph, x: int, output: str) -> int:
        """Add the nodes of another graph, with x as its input; returns the number of its named output."""
        numbers = [x]
        for node in other.nodes[1:]:
            a = numbers[node.arguments[0]] if node.arguments else -1
            match node.operation:
                case "constant":
                    number = self.constant(node.constants[0])
                case "affine":
                    number = self.affine(a, *node.constants)
                case "gather":
                    number = self.gather(a, node.constants[0])
                case "concat":
                    number = self.concat([numbers[argument] for argument in node.arguments])
                case "matrix_product":
                    number = self.matrix_product(a, numbers[node.arguments[1]])
                case "rotations":
                    number = self.rotations(*(numbers[argument] for argument in node.arguments), *node.constants)
                case "expectations":
                    number = self.expectations(a, *node.constants)
                case name if name in BINARY:
                    number = self.binary(name, a, numbers[node.arguments[1]])
                case name:
                    number = self.function(name, a)
            numbers.append(number)
        return numbers[other.outputs[output]]

    def _add(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def pruned(self) -> Graph:
        """Return the graph without nodes that no output depends on, and with equal nodes once."""
        needed = {0, *self.outputs.values()}
        for number in range(len(self.nodes) - 1, -1, -1):
            if number in needed:
                needed.update(self.nodes[number].arguments)
        numbers, places = {0: 0}, dict[tuple[Any, ...], int]()
        out = Graph(self.num_features, self.target)
        for old in sorted(needed)[1:]:
            node = self.nodes[old]
            arguments = tuple(numbers[argument] for argument in node.arguments)
            key = (node.operation, arguments, node.size, *map(_digest, node.constants))
            if key not in places:
                places[key] = len(out.nodes)
                out.nodes.append(Node(node.operation, arguments, node.size, node.constants))
            numbers[old] = places[key]
        out.outputs = {name: numbers[number] for name, number in self.outputs.items()}
        return out

    @property
    def cost(self) -> int:
        """Number of operations for one sample: multiplications with addition, or equivalents."""
        return sum(cost(node, [self.size(number) for number in node.arguments]) for node in self.nodes)

    @property
    def num_numbers(self) -> int:
        """Number of stored constants."""
        return sum(constant.size for node in self.nodes for constant in node.constants)

    def as_dict(self) -> dict[str, Any]:
        """Return the graph as data for JSON: the nodes in order, and the number of each output's node."""
        nodes = [
            {
                "operation": node.operation,
                "arguments": list(node.arguments),
                "size": node.size,
                "constants": [constant.tolist() for constant in node.constants],
            }
            for node in self.nodes
        ]
        return {"nodes": nodes, "outputs": dict(self.outputs)}

    def evaluate(self, X: Array) -> dict[str, Array]:
        """Compute the outputs with NumPy, each of shape (n_samples, size), from features (n_samples, n_features)."""
        values: list[Array] = []
        for node in self.nodes:
            arguments = [values[number] for number in node.arguments]
            values.append(value(node, X, arguments))
        return {name: values[number] for name, number in self.outputs.items()}


def _digest(constant: NDArray[Any]) -> bytes:
    return hashlib.sha256(f"{constant.dtype} {constant.shape} ".encode() + constant.tobytes()).digest()
