"""Probabilities as expectations of strings of Z, which noise models and backends estimate.

The probability of outcome b on k qubits is ``2**-k * sum_S (-1)**(b . S) <Z_S>`` over all subsets S of the qubits: a
Walsh-Hadamard transform, as is its derivative. The empty string has expectation 1 and is not measured.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from simulator.errors import ObservableError
from simulator.observables import PauliSum
from simulator.pauli import spread, walsh_hadamard

__all__ = ["MOST_QUBITS", "cotangent_of_strings", "from_strings", "standard_errors", "z_strings"]

Array = NDArray[np.float64]
Cotangent = Callable[[Array, slice], Array]

MOST_QUBITS = 10
"""Maximum number of qubits whose probabilities are computed from strings, 2**k - 1 of them."""


def z_strings(qubits: tuple[int, ...]) -> tuple[PauliSum, ...]:
    """Return Z on each non-empty subset of the qubits; bit j of a subset's number, from 1, is ``qubits[j]``.

    Raises
    ------
    ObservableError
        If there are more than `MOST_QUBITS` qubits.

    Examples
    --------
    >>> z_strings((0, 2))
    (Z(0), Z(2), Z(0) @ Z(2))
    """
    if len(qubits) > MOST_QUBITS:
        raise ObservableError(
            f"with noise or on a backend, probabilities are computed from expectations of 2**k strings on k qubits, at "
            f"most {MOST_QUBITS}, got {len(qubits)}; name fewer with qubits=[...], or use outputs='expectations'"
        )
    masks = spread(np.arange(1, 1 << len(qubits)), qubits).tolist()
    return tuple(PauliSum([0], [mask], [1.0]) for mask in masks)


def from_strings(values: Array) -> Array:
    """Convert expectations of `z_strings`, shape (n_samples, 2**k - 1), to probabilities, shape (n_samples, 2**k)."""
    count = values.shape[1] + 1
    return np.asarray(walsh_hadamard(np.hstack([np.ones((len(values), 1)), values]))) / count


def cotangent_of_strings(cotangent: Cotangent) -> Cotangent:
    """Convert a function of probabilities and rows that returns the derivative to one of expectations of `z_strings`.

    Parameters
    ----------
    cotangent : callable
        Function of the probabilities of consecutive samples and their slice that returns the derivative with respect to
        these probabilities, as in `Evaluation.sweep`.
    """

    def of_strings(values: Array, rows: slice) -> Array:
        derivative = np.asarray(cotangent(from_strings(values), rows), np.float64)
        return np.asarray(walsh_hadamard(derivative))[:, 1:] / derivative.shape[1]

    return of_strings


def standard_errors(values: Array, errors: Array) -> Array:
    """Standard errors of probabilities, shape (n_samples, 2**k), whose strings come from the same shots.

    Then the variance of a string is ``(1 - <Z_S>**2) / shots`` and that of a probability ``p (1 - p) / shots``; the
    sums of both over all strings and outcomes give the number of shots.

    Parameters
    ----------
    values, errors : float ndarray, shape (n_samples, 2**k - 1)
        Expectations of `z_strings` and their standard errors.
    """
    p = np.clip(from_strings(values), 0.0, 1.0)
    spreads = p * (1.0 - p)
    total, variance = spreads.sum(axis=1, keepdims=True), (errors**2).sum(axis=1, keepdims=True) / p.shape[1]
    per_shot = np.divide(variance, total, out=np.zeros_like(total), where=total > 0)
    return np.sqrt(spreads * per_shot)
