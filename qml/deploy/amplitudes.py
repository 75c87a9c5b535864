"""Complex vectors, such as amplitudes of states, in a graph of real arrays, and what is done with them."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qml.deploy.graph import Graph

__all__ = ["Amplitudes", "apply", "constant_state", "product"]

Array = NDArray[np.float64]
Matrix = NDArray[np.complex128]

ZERO = 1e-14
"""Real or imaginary parts of a unitary below this are rounding errors."""


@dataclass(frozen=True)
class Amplitudes:
    """Complex vector in a graph: the node of the real parts, and that of the imaginary parts, or None for zeros."""

    real: int
    imaginary: int | None = None


def constant_state(graph: Graph, amplitudes: Matrix) -> Amplitudes:
    """Add a constant vector."""
    imaginary = None if not amplitudes.imag.any() else graph.constant(amplitudes.imag)
    return Amplitudes(graph.constant(amplitudes.real), imaginary)


def apply(graph: Graph, matrix: Matrix, state: Amplitudes) -> Amplitudes:
    """Multiply a state by a constant matrix."""
    real, imaginary = _clean(matrix.real), _clean(matrix.imag)
    if state.imaginary is None:
        blocks, stacked = np.hstack([real.T, imaginary.T]), state.real
    else:
        blocks = np.block([[real.T, imaginary.T], [-imaginary.T, real.T]])
        stacked = graph.concat([state.real, state.imaginary])
    rows = len(matrix)
    if not blocks[:, rows:].any():
        return Amplitudes(graph.affine(stacked, blocks[:, :rows]))
    both = graph.affine(stacked, blocks)
    return Amplitudes(graph.gather(both, np.arange(rows)), graph.gather(both, np.arange(rows, 2 * rows)))


def product(graph: Graph, a: Amplitudes, b: Amplitudes) -> Amplitudes:
    """Return the tensor product, with b on the higher bits."""
    low, high = graph.size(a.real), graph.size(b.real)
    index = np.arange(low * high)

    def times(x: int, y: int) -> int:
        return graph.multiply(graph.gather(x, index % low), graph.gather(y, index // low))

    real = times(a.real, b.real)
    if a.imaginary is not None and b.imaginary is not None:
        real = graph.subtract(real, times(a.imaginary, b.imaginary))
    crossed = [times(a.real, b.imaginary)] if b.imaginary is not None else []
    crossed += [times(a.imaginary, b.real)] if a.imaginary is not None else []
    return Amplitudes(real, functools.reduce(graph.add, crossed) if crossed else None)


def _clean(values: Array) -> Array:
    return np.where(np.abs(values) < ZERO, 0.0, values)
