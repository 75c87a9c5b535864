"""Fourier sums: the outputs of a circuit as trigonometric polynomials of the inputs' angles.

Every rotation by an input adds its angle's frequency; so an output is a sum over the products of ``1, cos t, sin t,
cos 2t, ...`` of all distinct angles t. The coefficients follow exactly from the outputs on a grid.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from qml.deploy.graph import Graph
from simulator.calculations.statevector import expectations
from simulator.program.levels import Dense
from simulator.program.program import Program

__all__ = ["MAX_TERMS", "fourier_sum"]

Array = NDArray[np.float64]

MAX_TERMS = 1 << 16
"""Maximum number of products in a sum; beyond it, other forms are smaller."""

DENOMINATOR = 12
"""Ratios of frequencies with denominators up to this are recognised as exact."""

ZERO = 1e-15
"""Coefficients below this, for outputs of size 1, are rounding errors."""


def fourier_sum(program: Program, weights: Array, readout: tuple[Array, Array] | None = None) -> Graph | None:
    """Return the graph from the inputs to the expectation values, as output ``"values"``.

    Parameters
    ----------
    program : Program
    weights : float ndarray, shape (n_weights,), radians
    readout : (matrix, offset), optional
        Linear function of the expectation values that takes their place, shapes (n_observables, n_outputs) and
        (n_outputs,).

    Returns
    -------
    Graph or None
        None if the sum has more than ``MAX_TERMS`` products, if distinct angles are not independent of each other, or
        if the inputs are also amplitudes.
    """
    harmonics = _harmonics(program)
    if harmonics is None:
        return None
    directions, degrees = harmonics
    sizes = [2 * degree + 1 for degree in degrees]
    if math.prod(sizes) > MAX_TERMS:
        return None
    grids = [2 * np.pi * np.arange(size) / size for size in sizes]
    points = np.array(np.meshgrid(*grids, indexing="ij")).reshape(len(sizes), math.prod(sizes)).T
    inputs = np.ascontiguousarray(points @ np.linalg.pinv(directions))
    values = expectations(program, inputs, weights)
    if readout is not None:
        values = values @ readout[0] + readout[1]
    samples = values.reshape(*sizes, -1)
    for axis, (grid, degree) in enumerate(zip(grids, degrees, strict=True)):
        inverse = np.linalg.inv(_basis(grid, degree))
        samples = np.moveaxis(np.tensordot(inverse, samples, axes=(1, axis)), 0, axis)
    return _graph(len(program.inputs), directions, degrees, samples)


def _harmonics(program: Program) -> tuple[Array, list[int]] | None:
    """Return the distinct angles, shape (n_inputs, n_angles), and the highest harmonic of each."""
    chains, levels = program.schedule
    members = [member for chain in chains for member in chain]
    members += [member for level in levels for member in level.members]
    if program.starts and any(start.angles for start in program.starts):
        return None
    num_inputs = len(program.inputs)
    directions: list[Array] = []
    scales: list[list[float]] = []
    for member in members:
        if isinstance(member, Dense):
            continue
        vector = np.zeros(num_inputs)
        for k, factor in member.angle.factors.items():
            if k < num_inputs:
                vector[k] = factor
        if not vector.any():
            continue
        scale = vector[np.flatnonzero(vector)[0]]
        for known, listed in zip(directions, scales, strict=True):
            if np.allclose(known * scale, vector, rtol=1e-14, atol=0):
                listed.append(abs(scale))
                break
        else:
            directions.append(vector / scale)
            scales.append([abs(scale)])
    if np.linalg.matrix_rank(np.array(directions).reshape(-1, num_inputs)) < len(directions):
        return None
    units = [unit for unit in map(_unit, scales) if unit is not None]
    if len(units) < len(scales):
        return None
    degrees = [round(sum(listed) / unit) for listed, unit in zip(scales, units, strict=True)]
    return np.array([d * unit for d, unit in zip(directions, units, strict=True)]).reshape(-1, num_inputs).T, degrees


def _unit(scales: list[float]) -> float | None:
    """Return the largest number of which all are multiples; None if their ratios are not simple fractions."""
    smallest = min(scales)
    for denominator in range(1, DENOMINATOR + 1):
        multiples = np.array(scales) / smallest * denominator
        if np.abs(multiples - np.rint(multiples)).max() < 1e-12 * multiples.max():
            return smallest / denominator * math.gcd(*np.rint(multiples).astype(int).tolist())
    return None


def _basis(angles: Array, degree: int) -> Array:
    """Return ``1, cos t, sin t, cos 2t, ...``, shape (n_angles, 2 * degree + 1)."""
    multiples = np.outer(angles, np.arange(1, degree + 1))
    waves = np.stack([np.cos(multiples), np.sin(multiples)], axis=2).reshape(len(angles), -1)
    return np.hstack([np.ones((len(angles), 1)), waves])


def _graph(num_inputs: int, directions: Array, degrees: list[int], coefficients: Array) -> Graph:
    """Build the sum, without the waves that no output contains."""
    graph = Graph(num_inputs)
    coefficients = np.where(np.abs(coefficients) < ZERO * max(1.0, np.abs(coefficients).max()), 0.0, coefficients)
    columns: list[Array] = []
    waves = []
    for axis in range(len(degrees)):
        others = tuple(k for k in range(coefficients.ndim) if k != axis)
        indices = np.flatnonzero(np.abs(coefficients).max(axis=others))
        indices = np.union1d(indices, [0]) if not len(indices) else indices
        coefficients = np.take(coefficients, indices, axis=axis)
        harmonics = np.unique((indices[indices > 0] + 1) // 2)
        waves.append((len(columns) + np.searchsorted(harmonics, (indices + 1) // 2), indices))
        columns += [directions[:, axis] * harmonic for harmonic in harmonics]
    if columns:
        angles = graph.affine(0, np.array(columns).T)
        table = graph.concat([graph.constant([1.0]), graph.function("cos", angles), graph.function("sin", angles)])
    else:
        table = graph.constant([1.0])
    factors = []
    for places, indices in waves:
        where = np.where(indices == 0, 0, 1 + places + np.where(indices % 2 == 1, 0, len(columns)))
        if where.any():
            factors.append(graph.gather(table, where))
    graph.outputs["values"] = _contracted(graph, factors, coefficients.reshape(-1, coefficients.shape[-1]))
    return graph


def _contracted(graph: Graph, factors: list[int], coefficients: Array) -> int:
    """Add the sum over all products of entries of the factors, each with a row of coefficients.

    The products of the first half of the factors, and those of the second half, are formed; the coefficients are a
    matrix between the two.
    """
    half = len(factors) // 2
    first, second = _products(graph, factors[:half]), _products(graph, factors[half:])
    if second is None:
        return graph.constant(coefficients[0])
    if first is None:
        return graph.affine(second, coefficients)
    rows, columns, count = graph.size(first), graph.size(second), coefficients.shape[1]
    matrix = coefficients.reshape(rows, columns, count).transpose(1, 0, 2).reshape(columns, rows * count)
    inner = graph.affine(second, matrix)
    outer = graph.multiply(inner, graph.gather(first, np.repeat(np.arange(rows), count)))
    return graph.affine(outer, np.tile(np.eye(count), (rows, 1)))


def _products(graph: Graph, factors: list[int]) -> int | None:
    """Add all products of one entry of each factor; entries of the last one vary fastest."""
    total: int | None = None
    for factor in factors:
        if total is None:
            total = factor
            continue
        low, high = graph.size(total), graph.size(factor)
        index = np.arange(low * high)
        total = graph.multiply(graph.gather(total, index // high), graph.gather(factor, index % high))
    return total
