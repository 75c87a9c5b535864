"""Matrices of a collapsed graph in 8-bit integers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qml.deploy.graph import Graph

__all__ = ["MIN_ENTRIES", "quantized", "quantized_matrix"]

Array = NDArray[np.float64]

MIN_ENTRIES = 16
"""Matrices with fewer entries stay in full precision: they would save nothing."""

LARGEST = 127


def quantized_matrix(matrix: Array) -> tuple[NDArray[np.int8], Array]:
    """Round a matrix to integers from -127 to 127, times one factor for each column.

    Returns
    -------
    integers : int8 ndarray, shape (n_rows, n_columns)
    factors : float ndarray, shape (n_columns,)
    """
    largest = np.abs(matrix).max(axis=0)
    factors = np.where(largest > 0, largest / LARGEST, 1.0)
    return np.rint(matrix / factors).astype(np.int8), factors


def quantized(graph: Graph) -> Graph:
    """Return the graph with its matrices rounded as by `quantized_matrix`, in double precision."""
    out = Graph(graph.num_features, graph.target)
    out.nodes, out.outputs = list(graph.nodes), dict(graph.outputs)
    for number, node in enumerate(graph.nodes):
        if node.operation == "affine" and node.constants[0].size >= MIN_ENTRIES:
            integers, factors = quantized_matrix(node.constants[0])
            out.nodes[number] = replace(node, constants=(integers * factors, node.constants[1]))
    return out
