"""Weights that a circuit could do without: dead and redundant ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import qr

from qml.diagnostics.subject import as_subject, random_generator, random_weights
from qml.library_threads import one_blas_thread
from qml.settings import check_whole

__all__ = ["ParameterReport", "parameter_report"]

Array = NDArray[np.float64]

DEAD = 1e-10
"""Largest derivative, relative to the largest of all weights, of a weight that is dead (rounding errors)."""

INDEPENDENT = 1e-8
"""Smallest diagonal entry of the triangular factor, relative to the largest, that counts as a further direction."""

ENTRIES = 1 << 24
"""Maximum number of entries of a Jacobian, 128 MB."""


@dataclass(frozen=True)
class ParameterReport:
    """Weights by what they do to the outputs.

    Attributes
    ----------
    names : tuple of str, length n_weights
        Names of the weights.
    sensitivities : float ndarray, shape (n_weights,)
        Root mean square of the derivatives of all outputs, over rows and random weights.
    dead : tuple of int
        Weights on which no output depends, at any of the random weights.
    redundant : tuple of int
        Further weights that could be fixed: to first order the others move the outputs in every direction that these
        do. The choice among them is not unique, their number is.
    rank : int
        Number of independent directions in which the weights move the outputs of the rows.
    limit : int
        Number of rows times outputs, above which the rank cannot be.
    """

    names: tuple[str, ...]
    sensitivities: Array
    dead: tuple[int, ...]
    redundant: tuple[int, ...]
    rank: int
    limit: int


def parameter_report(
    model: Any, X: ArrayLike | None = None, *, n_sets: int = 4, random_state: Any = None
) -> ParameterReport:
    """Find weights that no output depends on, and weights that others can replace.

    The Jacobian J of all outputs of the circuit for all rows is taken at random weights, uniform on the circle. A zero
    column is a dead weight. The rank of J is that of the Fisher information ``J^T J`` of a normal distribution around
    the outputs; weights beyond it are redundant, and are found by column pivoting. Ranks are at their maximum at almost
    all weights, so a few sets suffice.

    Parameters
    ----------
    model : QuantumModel or fitted estimator
    X : array-like, shape (n_rows, n_features), optional
        Rows to encode, if the model has inputs. More weights than rows times outputs cannot be independent.
    n_sets : int
        Number of weight sets.
    random_state : int, Generator or None

    References
    ----------
    Haug, Bharti and Kim, arXiv:2102.01659; Larocca et al., arXiv:2109.11676: ranks of quantum Fisher information
    matrices as the number of independent parameters.

    Examples
    --------
    >>> from simulator import Circuit, ParameterVector, Z
    >>> from qml import QuantumModel
    >>> w = ParameterVector("w", 4)
    >>> model = QuantumModel(Circuit(1).rz(w[0], 0).ry(w[1], 0).ry(w[2], 0).rz(w[3], 0), weights=w, observables=Z(0))
    >>> report = parameter_report(model, random_state=0)
    >>> [report.names[k] for k in report.dead], len(report.redundant), report.rank
    (['w[0]', 'w[3]'], 1, 1)
    """
    check_whole("n_sets", n_sets)
    subject = as_subject(model, X)
    names = tuple(parameter.name for parameter in subject.circuit_model.weights)
    if not names:
        raise ValueError("a report on weights needs a circuit with weights; this one has none")
    subject = subject.take(max(1, ENTRIES // (len(names) * subject.batched.num_outputs)))
    largest, squares = np.zeros(len(names)), np.zeros(len(names))
    best: tuple[int, NDArray[np.intp]] = (-1, np.arange(len(names)))
    sets = random_weights(subject, n_sets, random_generator(random_state))
    jacobians = (subject.jacobian(subject.values(weights[None], every_row=True)) for weights in sets)
    with one_blas_thread():
        for jacobian in (each.reshape(-1, len(names)) for each in jacobians):
            largest = np.maximum(largest, np.abs(jacobian).max(axis=0))
            squares += np.mean(jacobian**2, axis=0) / n_sets
            # pivoting is slow if tall
            triangular, order = qr(np.linalg.qr(jacobian, mode="r"), mode="r", pivoting=True)
            diagonal = np.abs(np.diag(triangular))
            rank = int(np.sum(diagonal > INDEPENDENT * diagonal[0])) if diagonal[0] > 0 else 0
            best = max(best, (rank, order), key=lambda pair: pair[0])
    rank, order = best
    dead = np.flatnonzero(largest <= DEAD * largest.max())
    redundant = sorted(set(order[rank:].tolist()) - set(dead.tolist()))
    limit = len(subject.inputs) * subject.batched.num_outputs
    return ParameterReport(names, np.sqrt(squares), tuple(dead.tolist()), tuple(redundant), rank, limit)
