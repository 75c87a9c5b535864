"""Fidelities of product states, computed as a product over the qubits, for any number of qubits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.calculations.tiles import fill_by_tiles
from simulator.program.program import Program
from simulator.range_reduction import term

__all__ = ["bloch_vectors", "is_product", "product_fidelities"]

Array = NDArray[Any]

_BLOCK = 256  # rows and columns per tile, so that its products stay in the second-level cache


def is_product(program: Program) -> bool:
    """Whether all samples are product states up to a unitary that they share."""
    return not program.starts and not program.schedule[1]


def bloch_vectors(program: Program, X: Array, weights: Array) -> Array:
    """Compute expectations of X, Y and Z of each qubit of a product state, shape (n_samples, n_qubits, 3).

    Each Pauli rotation rotates the Bloch vector about its axis, by Rodrigues' formula.
    """
    values = np.concatenate([X, np.broadcast_to(weights, (len(X), len(weights)))], axis=1)
    chains = program.schedule[0]
    out = np.zeros((len(X), len(chains), 3), program.dtype)
    names = (*program.inputs, *program.weights)
    for qubit, chain in enumerate(chains):
        vector = np.tile([0.0, 0.0, 1.0], (len(X), 1))
        for rotation in chain:
            angle = np.full(len(X), rotation.angle.constant)
            for k, factor in rotation.angle.factors.items():
                angle += term(factor, values[:, k], names[k])
            axis = np.array([rotation.x and not rotation.z, rotation.x and rotation.z, rotation.z and not rotation.x])
            axis = (axis != 0).astype(float)
            cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
            along = (vector @ axis)[:, None] * axis
            vector = cosine * vector + sine * np.cross(axis, vector) + (1 - cosine) * along
        out[:, qubit] = vector
    return out


def product_fidelities(a: Array, b: Array | None, out: Array, progress: Callable[[int], object] | None = None) -> None:
    """``prod_q (1 + a_q . b_q) / 2`` of Bloch vectors, shapes (n, n_qubits, 3) and (m, n_qubits, 3), to ``out``."""
    others = a if b is None else b

    def tile(rows: slice, columns: slice) -> Array:
        block = np.ones((rows.stop - rows.start, columns.stop - columns.start), out.dtype)
        for q in range(a.shape[1]):
            cosine = a[rows, q] @ others[columns, q].T
            cosine += 1.0
            cosine *= 0.5
            block *= cosine
        return block

    fill_by_tiles(out, tile, b is None, _BLOCK, progress)
