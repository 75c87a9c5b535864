"""Sensitivity of a trained model to depolarizing noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.diagnostics.subject import Subject, as_subject
from qml.models.evaluation import NoisyEvaluation
from simulator.calculations.parameter_shift import expanded
from simulator.noise import NoiseModel, depolarizing

__all__ = ["NoiseSensitivity", "noise_sensitivity"]

Array = NDArray[np.float64]

RATES = (1e-3, 3e-3, 1e-2, 3e-2)
"""Probabilities for two-qubit gates: from the best devices of today to those of ten years ago."""

ONE_QUBIT_SHARE = 0.1
"""Probability for one-qubit gates, relative to that for two-qubit gates; typical of devices."""


@dataclass(frozen=True)
class NoiseSensitivity:
    """Change of a model's outputs and predictions with noise.

    Attributes
    ----------
    rates : float ndarray, shape (n_rates,)
        Probability with which each two-qubit gate leaves its qubits completely mixed; a tenth of it for other gates.
    factors : float ndarray, shape (n_rates,)
        Least-squares factor from exact to noisy outputs of the circuit: 1 without noise, 0 if nothing is left.
    errors : float ndarray, shape (n_rates,)
        Root mean square change of the circuit's outputs.
    changed : float ndarray, shape (n_rates,), or None
        Share of the rows whose predicted class changes; None if classes are not predicted from logits.
    """

    rates: Array
    factors: Array
    errors: Array
    changed: Array | None


def noise_sensitivity(
    model: Any,
    X: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    *,
    rates: Sequence[float] = RATES,
    random_state: int | None = 0,
) -> NoiseSensitivity:
    """Compare a trained model with itself under depolarizing noise of several strengths.

    Parameters
    ----------
    model : QuantumModel or fitted estimator
    X : array-like, shape (n_rows, n_features)
    weights : array-like, shape (n_weights,), radians, optional
        Weights of a model.
    rates : sequence of float
        Probabilities with which a two-qubit gate leaves its qubits completely mixed; that of a one-qubit gate is a
        tenth. Gates on more qubits leave each of them mixed with that probability.
    random_state : int or None
        Seed for the trajectories beyond 12 qubits; up to that, density matrices give exact results.

    References
    ----------
    Wang et al., "Noise-induced barren plateaus", arXiv:2007.14384: expectations shrink exponentially with depth.
    """
    subject = as_subject(model, X, weights)
    strengths = np.asarray(rates, np.float64)
    if strengths.ndim != 1 or not len(strengths) or not ((strengths >= 0) & (strengths <= 1)).all():
        raise ValueError(f"rates expects probabilities from 0 to 1, got {rates!r}")
    if subject.kernel is not None:
        raise TypeError("noise sensitivity is that of a trained model's outputs; a kernel has none")
    trained = subject.weights
    if trained is None:
        if subject.circuit_model.weights:
            raise ValueError("weights are needed: a model has no trained ones")
        trained = np.zeros(0)
    exact = subject.circuit_model.evaluate(subject.inputs, trained)
    operations = subject.circuit_model.circuit.operations
    wide = {op.gate.name for op in (*operations, *expanded(operations)) if len(op.qubits) > 2}
    factors, errors, changed = [], [], []
    for rate in strengths.tolist():
        noise = NoiseModel(
            after_1q=depolarizing(ONE_QUBIT_SHARE * rate),
            after_2q=depolarizing(rate, 2),
            after=dict.fromkeys(wide, depolarizing(rate)),
        )
        evaluation = NoisyEvaluation(subject.circuit_model, noise, random_state)
        noisy = evaluation.expectations(subject.inputs, trained)
        size = float(np.sum(exact**2))
        factors.append(float(np.sum(exact * noisy)) / size if size else 0.0)
        errors.append(float(np.sqrt(np.mean((noisy - exact) ** 2))))
        changed.append(_changed(subject, exact, noisy))
    shares = None if None in changed else np.array(changed, np.float64)
    return NoiseSensitivity(strengths, np.array(factors), np.array(errors), shares)


def _changed(subject: Subject, exact: Array, noisy: Array) -> float | None:
    """Return the share of rows whose predicted class or labels change; None if there are no classes."""
    if subject.distribution not in ("softmax", "sigmoid"):
        return None
    before, after = subject.read_out(exact), subject.read_out(noisy)
    if subject.distribution == "sigmoid":
        return float(np.mean(np.any((before > 0) != (after > 0), axis=1)))
    return float(np.mean(before.argmax(axis=1) != after.argmax(axis=1)))
