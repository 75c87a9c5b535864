"""Conversion between a program's stored basis and its circuit's basis: a permutation and a phase per sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.pauli import gather
from simulator.program.program import Program
from simulator.program.subspaces import image
from simulator.range_reduction import ordinary

FloatArray = NDArray[np.float64]


def in_circuit_basis(program: Program, stored: NDArray[Any], X: FloatArray, weights: FloatArray) -> NDArray[Any]:
    """Undo the program's change of basis and restore the global phase."""
    order = _stored_order(program)
    if order is not None:
        stored = np.take(stored, order, axis=1)
    phase = global_phases(program, X, weights)
    if np.any(phase):
        stored *= np.exp(1j * phase).astype(stored.dtype)[:, None]
    return stored


def in_stored_basis(program: Program, states: NDArray[Any], X: FloatArray, weights: FloatArray) -> NDArray[Any]:
    """Apply the inverse of `in_circuit_basis`; return a new array."""
    phase = global_phases(program, X, weights)
    out = states * np.exp(-1j * phase).astype(states.dtype)[:, None]
    order = _stored_order(program)
    if order is not None:
        out[:, order] = out.copy()
    return out


def stored_outcomes(program: Program, qubits: Sequence[int]) -> NDArray[np.int64]:
    """Outcome on some qubits at each stored index, shape (2**n,); bit j of an outcome is ``qubits[j]``."""
    outcomes, order = np.arange(1 << program.num_qubits), _stored_order(program)
    if tuple(qubits) != tuple(range(program.num_qubits)):
        outcomes = gather(outcomes, qubits)
    if order is not None:
        outcomes[order] = outcomes.copy()
    return outcomes


def _stored_order(program: Program) -> NDArray[np.int64] | None:
    """Stored index of each basis state, shape (2**n,); None for the identity."""
    lowered, n = program.lowered, program.num_qubits
    if not lowered.flips and all(row == 1 << q for q, row in enumerate(lowered.z_rows)):
        return None
    # index i of basis state y: i = sum over the bits of y ^ flips of x_columns
    index = np.zeros(1, np.int64)
    for q in range(n):
        index = np.concatenate([index, index ^ lowered.x_columns[q]])
    return index ^ image(lowered.x_columns, lowered.flips)


def global_phases(program: Program, X: FloatArray, weights: FloatArray) -> FloatArray:
    """Global phase of each sample, which the levels leave out, shape (n_samples,), radians."""
    lowered, split = program.lowered, len(program.inputs)
    factors = lowered.phase.factors
    if not factors:
        return np.full(len(X), lowered.phase.constant)
    is_ordinary = ordinary(X, factors.values()) and ordinary(weights, factors.values())
    if is_ordinary and min(factors) >= split:  # the phase is the same for all samples: floats are faster than arrays
        shared, values = lowered.phase.constant, weights.tolist()
        for k, factor in factors.items():
            shared += factor * values[k - split]
        return np.full(len(X), shared)
    phase = np.full(len(X), lowered.phase.constant)
    for k, factor in factors.items():
        if is_ordinary:
            phase += factor * (X[:, k] if k < split else weights[k - split])
        else:
            phase += program.term(k, factor, X, weights)
    return phase
