"""Zero-noise extrapolation: the same circuit with more gates than it needs, extrapolated to none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from simulator import gates
from simulator.errors import NoiseError
from simulator.operations.composition import compose, inverse, repeat
from simulator.operations.sequence import CircuitT


def fold(circuit: CircuitT, factor: float) -> CircuitT:
    """The same unitary with about ``factor`` times as many gates, so that noise acts that much more often.

    The circuit C becomes C (C^-1 C)^k, and its last gates L another L^-1 L, until the number fits. Preparations of
    amplitudes at the beginning are not repeated.

    Parameters
    ----------
    circuit : Circuit
        Without measurements.
    factor : float
        At least 1.

    References
    ----------
    Giurgica-Tiron, Hindy, LaRose, Mari, Zeng, arXiv:2005.10921.

    Examples
    --------
    >>> from simulator import Circuit
    >>> fold(Circuit(1).h(0).t(0), 2).count_gates()
    {'t': 2, 'h': 1, 'tdg': 1}
    """
    if not (np.isfinite(factor) and factor >= 1):
        raise NoiseError(f"fold takes a factor of at least 1, got {factor!r}")
    preparations = (gates.StatePreparation, gates.AmplitudeEncoding)
    fixed = [operation for operation in circuit if isinstance(operation.gate, preparations)]
    rest = [operation for operation in circuit if not isinstance(operation.gate, preparations)]
    whole, part = divmod(round(len(rest) * (factor - 1) / 2), max(len(rest), 1))
    body, tail = circuit.with_operations(rest), circuit.with_operations(rest[-part:] if part else ())
    folded = repeat(compose(inverse(body), body), whole)
    return circuit.with_operations(
        [*fixed, *body.operations, *folded.operations, *inverse(tail).operations, *tail.operations]
    )


def zero_noise_extrapolation(
    evaluate: Callable[[CircuitT], Any],
    circuit: CircuitT,
    factors: Sequence[float] = (1, 3, 5),
    order: int | None = None,
) -> Any:
    """Extrapolate a noisy result to no noise.

    Parameters
    ----------
    evaluate : callable
        Given a circuit with the same parameters, the noisy result: a number or an array. A noise model, a backend
        and hardware will do alike.
    circuit : Circuit
    factors : sequence of float
        Of `fold`; at least two, all different.
    order : int, optional
        Degree of the polynomial through the results; by default one less than the number of factors (Richardson).

    Returns
    -------
    float or float64 ndarray
        The polynomial's value at 0: less biased than the noisy result, with a larger variance.

    References
    ----------
    Temme, Bravyi, Gambetta, arXiv:1612.02058.

    Examples
    --------
    >>> from simulator import Circuit, NoiseModel, Z, depolarizing
    >>> noise = NoiseModel(after_1q=depolarizing(0.01))
    >>> circuit = Circuit(1).ry(0.3, 0).rz(0.2, 0).ry(0.4, 0)
    >>> noisy = circuit.expectation(Z(0), noise=noise)
    >>> mitigated = zero_noise_extrapolation(lambda folded: folded.expectation(Z(0), noise=noise), circuit)
    >>> exact = circuit.expectation(Z(0))
    >>> bool(abs(mitigated - exact) < abs(noisy - exact) / 100)
    True
    """
    points = np.asarray(factors, float)
    if points.ndim != 1 or len(points) < 2 or len(np.unique(points)) != len(points):
        raise NoiseError(f"factors are at least two different numbers, got {factors!r}")
    degree = len(points) - 1 if order is None else order
    if isinstance(degree, bool) or degree not in range(1, len(points)):
        raise NoiseError(f"order is 1 to {len(points) - 1} for {len(points)} factors, got {order!r}")
    found = np.stack([np.asarray(evaluate(fold(circuit, factor)), float) for factor in points])
    powers = np.vander(points, degree + 1, increasing=True)
    fitted = np.linalg.lstsq(powers, found.reshape(len(points), -1), rcond=None)[0][0]
    return float(fitted[0]) if found.ndim == 1 else fitted.reshape(found.shape[1:])
