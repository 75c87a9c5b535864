"""Expectations, gradients, density matrices and estimates of noisy circuits, called by methods of `Circuit`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import memory, progress
from simulator.calculations.statevector import as_observables
from simulator.noise.density import DensityProgram, final_coefficients
from simulator.noise.model import NoiseModel, checked_noise
from simulator.noise.program import (
    DEFAULT_TRAJECTORIES,
    Estimate,
    NoisyProgram,
    adjoint_sweep,
    estimates,
)
from simulator.noise.starts import interleaved
from simulator.operations.binding import values_array
from simulator.operations.sequence import OperationSequence
from simulator.pauli import walsh_hadamard

FloatArray = NDArray[np.float64]


def _program(
    circuit: OperationSequence,
    observables: Any,
    values: Any,
    noise: NoiseModel,
    trajectories: int | None,
    seed: Any,
    precision: str = "double",
) -> tuple[NoisyProgram, FloatArray, FloatArray, bool, bool]:
    """Return program, inputs and weights, and whether there is a single set of values, and a single observable."""
    listed, single = as_observables(observables)
    array = values_array(circuit, values)
    one = array.ndim == 1
    inputs = () if one else circuit.parameters
    program = NoisyProgram(
        circuit, listed, inputs, noise=noise, trajectories=trajectories, seed=seed, precision=precision
    )
    return program, np.zeros((1, 0)) if one else array, array if one else np.zeros(0), one, single


def _shaped(values: FloatArray, one: bool, single: bool) -> Any:
    if single:
        return float(values[0, 0]) if one else values[:, 0]
    return values[0] if one else values


def expectation(
    circuit: OperationSequence,
    observables: Any,
    values: Any,
    noise: NoiseModel,
    trajectories: int | None = None,
    seed: Any = None,
    precision: str = "double",
) -> Any:
    """Compute noisy expectations; shapes as for `Circuit.expectation`."""
    program, X, weights, one, single = _program(circuit, observables, values, noise, trajectories, seed, precision)
    return _shaped(estimates(program, X, weights)[0], one, single)


def estimate(
    circuit: OperationSequence,
    observables: Any,
    values: Any = None,
    *,
    noise: NoiseModel,
    trajectories: int | None = DEFAULT_TRAJECTORIES,
    seed: Any = None,
    precision: str = "double",
) -> Estimate:
    """Estimate noisy expectations from trajectories, with standard errors.

    Parameters
    ----------
    circuit : Circuit
        Circuit, which may measure, reset and branch.
    observables, values
        As for `Circuit.expectation`.
    noise : NoiseModel
    trajectories : int or None
        Number of trajectories; with one, the standard error is unknown, NaN. None computes exactly if a density matrix
        fits and nothing branches, as in `Circuit.expectation`.
    seed : None, int or numpy.random.Generator
        Seed for the trajectories; the same seed gives the same result on any number of threads.
    precision : {"double", "single"}

    Returns
    -------
    Estimate
        ``value`` and ``standard_error``, each of the shape returned by `Circuit.expectation`.

    Examples
    --------
    >>> from simulator import Circuit, Z
    >>> from simulator.noise import bit_flip
    >>> result = estimate(Circuit(1).x(0), Z(0), noise=NoiseModel(after_1q=bit_flip(0.1)), trajectories=10000, seed=1)
    >>> abs(result.value + 0.8) < 4 * result.standard_error
    True
    """
    program, X, weights, one, single = _program(circuit, observables, values, noise, trajectories, seed, precision)
    value, error = estimates(program, X, weights)
    return Estimate(_shaped(value, one, single), _shaped(error, one, single))


def expectation_and_gradient(
    circuit: OperationSequence,
    observables: Any,
    values: Any,
    noise: NoiseModel,
    trajectories: int | None = None,
    seed: Any = None,
) -> tuple[Any, FloatArray]:
    """Compute noisy expectations and their derivatives; shapes as for `Circuit.expectation_and_gradient`."""
    program, X, weights, one, single = _program(circuit, observables, values, noise, trajectories, seed)
    count = len(program.observables)
    out = np.empty((len(X), count, circuit.num_parameters))
    means = np.empty((len(X), count))
    for k in progress.steps(range(count)):
        v = np.zeros((len(X), count))
        v[:, k] = 1.0
        means, by_weights, by_inputs = adjoint_sweep(program, X, weights, v, inputs=not one)
        out[:, k] = by_weights if by_inputs is None else by_inputs
    shaped = out[:, 0] if single else out
    return _shaped(means, one, single), shaped[0] if one else shaped


def density_matrix(
    circuit: OperationSequence, values: Any = None, noise: NoiseModel | None = None
) -> NDArray[np.complex128]:
    """Compute the final density matrix, shape (2**n, 2**n), or (B, 2**n, 2**n) for a batch of values.

    Outcomes of measurements are not read, so that measurements leave mixtures; readout errors are ignored.

    Raises
    ------
    StateTooLargeError
        If it does not fit in memory; raised before allocation.
    CircuitError
        If an operation depends on classical bits.
    """
    array = values_array(circuit, values)
    n, one = circuit.num_qubits, array.ndim == 1
    memory.check_density(n, 8 * len(np.atleast_2d(array)))
    inputs, weights = ((), circuit.parameters) if one else (circuit.parameters, ())
    program = DensityProgram(circuit, (), inputs, weights, checked_noise(noise), support=range(n))
    X, w = (np.zeros((1, 0)), array) if one else (array, np.zeros(0))
    mask = np.arange(1 << n)
    order = interleaved(mask[:, None], mask[None, :], n)
    coefficients = final_coefficients(program, X, w)[:, order]  # [b, x, z]
    rows = walsh_hadamard(1j ** (np.bitwise_count(mask[:, None] & mask) % 4) * coefficients) / (1 << n)
    out = np.empty((len(rows), 1 << n, 1 << n), complex)
    out[:, mask[None, :] ^ mask[:, None], mask[None, :]] = rows  # [b, j ^ x, j]
    return out[0] if one else out
