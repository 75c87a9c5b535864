"""Gibbs states as collapsed graphs: a matrix exponential without cancellation, for one sample at a time.

A qubit's Z changes the sign of its field b and leaves the populations as they are, so that -H may be taken with
entries of 0 or more outside of its diagonal. With the diagonal shifted, all entries of ``A = c - H`` are 0 or more, and
so are those of each term of ``C = exp(A / 2**s) - 1``, a Taylor polynomial. Its first squares are those of ``1 + C``
without the 1, ``2 C + C C``, so that small numbers are not rounded at the scale of 1; then the matrix is divided by its
trace before each square, so that no number becomes too large. Nothing is subtracted: each entry, however small, is
accurate to some rounding errors.
"""

from __future__ import annotations

from functools import reduce
from math import ceil, factorial, log2

import numpy as np
from numpy.typing import NDArray

from qml.deploy.circuits import CannotCollapseError
from qml.deploy.graph import Graph
from qml.layers.gibbs import LEAST_PROBABILITY, Gibbs

__all__ = ["MAX_GIBBS_QUBITS", "gibbs_outputs"]

Array = NDArray[np.float64]

MAX_GIBBS_QUBITS = 8
"""Maximum number of interacting qubits: larger matrices, several at a time, do not fit on the stack of a program."""

RADIUS, BLOCKS, BLOCK = 2.0, 6, 4
"""Largest norm for which the Taylor polynomial of 6 blocks of 4 terms, of degree 23, is exact to 1e-16."""

SMALL_SQUARINGS, MOST_SQUARINGS = 5, 18
"""The first five squares are taken without the 1, up to a norm of 64, whose exponential is a float; with more than 18,
rounding errors, which double with each that follows, would exceed 1e-11."""

DEVIATIONS = 64.0
"""Number of standard deviations of the features, as they are scaled, up to which a sample has a value."""


def gibbs_outputs(graph: Graph, x: int, layer: Gibbs, terms: tuple[Array, Array] | None) -> int:
    """Add a layer's log-probabilities of the classes.

    Parameters
    ----------
    x : int
        Terms of the Hamiltonian, in the layer's order.
    terms : (matrix, offset), optional
        Linear function of the scaled features that x is, shapes (n_features, n_terms) and (n_terms,), from which the
        number of squarings follows; without it, the largest is taken.

    Raises
    ------
    CannotCollapseError
        If more than 8 qubits interact.
    """
    probabilities = _interacting(graph, x, layer, terms) if layer.interacting else _separable(graph, x, layer)
    logarithms = graph.function("log", graph.shifted(probabilities, LEAST_PROBABILITY))
    return graph.affine(logarithms, [[-1.0], [1.0]]) if layer.num_outputs == 1 else logarithms


def _interacting(graph: Graph, x: int, layer: Gibbs, terms: tuple[Array, Array] | None) -> int:
    n = layer.num_qubits
    if n > MAX_GIBBS_QUBITS:
        raise CannotCollapseError(
            f"a Gibbs state of at most {MAX_GIBBS_QUBITS} interacting qubits can be collapsed, got {n}: each sample "
            f"takes the exponential of a matrix of {2**n} rows; predict with the model itself"
        )
    size, diagonals = 1 << n, layer._diagonals
    matrix = np.zeros((layer.num_inputs, size))
    matrix[np.r_[0:n, 2 * n : layer.num_inputs]] = diagonals
    energies = graph.affine(x, matrix)
    fields = graph.function("abs", graph.gather(x, np.arange(n, 2 * n)))
    highest = graph.function("largest", energies)
    shifted = graph.subtract(graph.repeat(highest, size), energies)  # the diagonal of A
    squarings = _squarings(terms, layer)
    # the largest sum of a row of A bounds its norm
    bound = graph.add(graph.function("largest", shifted), graph.affine(fields, np.ones((n, 1))))
    limit = RADIUS * 2.0**squarings
    valid = graph.function("step", graph.shifted(graph.scaled(bound, -1.0), limit))
    entries = graph.scaled(graph.concat([shifted, fields, graph.constant([0.0])]), 2.0**-squarings)
    places = np.full((size, size), size + n)
    states = np.arange(size)
    places[states, states] = states
    for qubit in range(n):
        places[states, states ^ 1 << qubit] = size + qubit
    excess = _exponential_minus_one(graph, graph.gather(entries, places.ravel()), size)
    for _ in range(SMALL_SQUARINGS):
        excess = graph.add(graph.scaled(excess, 2.0), graph.matrix_product(excess, excess))
    power = graph.shifted(excess, np.eye(size).ravel())
    diagonal = np.arange(size) * (size + 1)
    for _ in range(squarings - SMALL_SQUARINGS):
        trace = graph.affine(graph.gather(power, diagonal), np.ones((size, 1)))
        power = graph.binary("divide", power, graph.repeat(trace, size * size))
        power = graph.matrix_product(power, power)
    populations = graph.gather(power, diagonal)
    shown = graph.affine(populations, np.hstack([layer._effects.T, np.ones((size, 1))]))
    total = graph.multiply(graph.gather(shown, [layer.num_classes]), valid)  # 0, and so no value, beyond the limit
    return graph.binary(
        "divide", graph.gather(shown, np.arange(layer.num_classes)), graph.repeat(total, layer.num_classes)
    )


def _exponential_minus_one(graph: Graph, A: int, size: int) -> int:
    """Add ``exp(A) - 1`` by Horner's rule in the fourth power of A."""
    powers = [graph.constant(np.eye(size).ravel()), A, graph.matrix_product(A, A)]
    powers.append(graph.matrix_product(powers[2], A))
    fourth = graph.matrix_product(powers[2], powers[2])
    total: int | None = None
    for block in reversed(range(BLOCKS)):
        terms = [graph.scaled(power, 1.0 / factorial(BLOCK * block + k)) for k, power in enumerate(powers)]
        part = reduce(graph.add, terms if block else terms[1:])
        total = part if total is None else graph.add(part, graph.matrix_product(total, fourth))
    assert total is not None
    return total


def _squarings(terms: tuple[Array, Array] | None, layer: Gibbs) -> int:
    """Return the number of squarings with which features of up to 64 standard deviations have a value."""
    if terms is None:
        return MOST_SQUARINGS
    sizes = np.abs(terms[1]) + DEVIATIONS * np.linalg.norm(terms[0], axis=0)
    fields = slice(layer.num_qubits, 2 * layer.num_qubits)
    bound = 2.0 * sizes.sum() - sizes[fields].sum()
    return int(np.clip(ceil(log2(max(bound, 1.0) / RADIUS)), SMALL_SQUARINGS, MOST_SQUARINGS))


def _separable(graph: Graph, x: int, layer: Gibbs) -> int:
    n, bits, groups, classes = layer.num_qubits, layer._group_size, layer.num_groups, layer.num_classes
    visible = np.arange(groups * bits)
    a, b = graph.gather(x, visible), graph.gather(x, n + visible)
    r = graph.function("sqrt", graph.add(graph.multiply(a, a), graph.multiply(b, b)))
    zero = graph.shifted(graph.scaled(graph.function("step", r), -1.0), 1.0)
    unit = graph.binary("divide", a, graph.add(r, zero))
    z = graph.multiply(unit, graph.function("tanh", r))  # minus the expectation value of Z
    signs = 1.0 - 2.0 * (np.arange(classes) >> np.arange(bits)[:, None] & 1)
    factors = []
    for bit in range(bits):
        place = np.zeros((bits, 1))
        place[bit] = -0.5
        factors.append(graph.affine(z, np.kron(np.eye(groups), place * signs[bit]), 0.5))
    return graph.affine(reduce(graph.multiply, factors), np.tile(np.eye(classes), (groups, 1)) / groups)
