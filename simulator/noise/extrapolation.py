"""Zero-noise extrapolation: results at amplified noise, extrapolated to zero noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from simulator import gates
from simulator.errors import NoiseError
from simulator.operations.composition import compose, inverse, repeat
from simulator.operations.sequence import CircuitT


def fold(circuit: CircuitT, factor: float) -> CircuitT:
    """Fold a circuit to about ``factor`` times as many gates, which amplifies its noise, with the same unitary.

    The circuit C becomes C (C^-1 C)^k, followed by L^-1 L for its last gates L, chosen to match the number of gates.
    Initial preparations of amplitudes are not repeated.

    Parameters
    ----------
    circuit : Circuit
        Circuit without measurements.
    factor : float
        Ratio of the numbers of gates, at least 1.

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
    foldable = [operation for operation in circuit if not isinstance(operation.gate, preparations)]
    repetitions, part = divmod(round(len(foldable) * (factor - 1) / 2), max(len(foldable), 1))
    body, tail = circuit.with_operations(foldable), circuit.with_operations(foldable[-part:] if part else ())
    folded = repeat(compose(inverse(body), body), repetitions)
    return circuit.with_operations(
        [*fixed, *body.operations, *folded.operations, *inverse(tail).operations, *tail.operations]
    )


def zero_noise_extrapolation(
    evaluate: Callable[[CircuitT], Any],
    circuit: CircuitT,
    factors: Sequence[float] = (1, 3, 5),
    order: int | None = None,
) -> Any:
    """Extrapolate a noisy result to zero noise.

    Parameters
    ----------
    evaluate : callable
        Function that returns the noisy result, a number or an array, for a circuit with the same parameters. It may
        use a noise model, a backend or hardware.
    circuit : Circuit
    factors : sequence of float
        Factors for `fold`; at least two distinct numbers.
    order : int, optional
        Degree of the fitted polynomial; by default one less than the number of factors (Richardson).

    Returns
    -------
    float or float64 ndarray
        Value of the polynomial at 0; less biased than the noisy result, but with a larger variance.

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
    results = np.stack([np.asarray(evaluate(fold(circuit, factor)), float) for factor in points])
    powers = np.vander(points, degree + 1, increasing=True)
    fitted = np.linalg.lstsq(powers, results.reshape(len(points), -1), rcond=None)[0][0]
    return float(fitted[0]) if results.ndim == 1 else fitted.reshape(results.shape[1:])
