"""States, probabilities and samples of circuits.

These functions are methods of `Circuit`. They validate only their options and call the engine, which is imported on
first use.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.errors import CircuitError
from simulator.noise.model import NoiseModel
from simulator.operations.binding import Values
from simulator.operations.sequence import OperationSequence
from simulator.progress import shown

__all__ = ["density_matrix", "probabilities", "sample", "sample_array", "statevector"]


def statevector(
    circuit: OperationSequence, values: Values = None, *, precision: str = "double", progress: bool = False
) -> NDArray[Any]:
    """Compute the final state of the circuit started in ``|0...0>``.

    Parameters
    ----------
    values : None, mapping or array_like
        Values of the parameters, as for `values_array`.
    precision : {"double", "single"}
    progress : bool
        Whether to show a progress bar if the call takes more than two seconds.

    Returns
    -------
    complex128 or complex64 ndarray, shape (2**n,), or (B, 2**n) for a batch
        Little-endian: bit q of an index is qubit q.

    Raises
    ------
    ParameterError
        If the values do not match the parameters.
    StateTooLargeError
        If the state does not fit in memory; raised before allocation.
    """
    from simulator.calculations import statevector

    with shown(progress, "statevector"):
        return statevector.statevector(circuit, values, precision=precision)


def probabilities(
    circuit: OperationSequence, values: Values = None, *, precision: str = "double", progress: bool = False
) -> NDArray[Any]:
    """Compute the probability of every basis state, shape (2**n,) or (B, 2**n); arguments as for `statevector`."""
    from simulator.calculations import statevector

    with shown(progress, "probabilities"):
        return statevector.probabilities(circuit, values, precision=precision)


def density_matrix(
    circuit: OperationSequence, values: Values = None, *, noise: NoiseModel | None = None, progress: bool = False
) -> NDArray[np.complex128]:
    """Compute the final density matrix, shape (2**n, 2**n), or (B, 2**n, 2**n) for a batch of values.

    Outcomes of measurements are not read, so that measurements leave mixtures.

    Raises
    ------
    StateTooLargeError
        If it does not fit in memory; raised before allocation.
    """
    from simulator.noise import evaluation

    with shown(progress, "density matrix"):
        return evaluation.density_matrix(circuit, values, noise)


def sample(
    circuit: OperationSequence,
    values: Values = None,
    *,
    shots: int = 1024,
    seed: Any = None,
    qubits: int | Sequence[int] | None = None,
    noise: NoiseModel | None = None,
    precision: str = "double",
    progress: bool = False,
) -> dict[str, int]:
    """Sample ``shots`` measurement outcomes and count them.

    The outcomes are the classical bits of a circuit with measurements, and the measured qubits of any other circuit.
    Mid-circuit measurements, resets and conditions cost one trajectory per shot.

    Parameters
    ----------
    values : None, mapping or array_like
        One set of parameter values, as for `values_array`.
    shots : int
        Number of shots, at least 1.
    seed : None, int or numpy.random.Generator
        Seed for the outcomes; the same seed gives the same counts on any number of threads.
    qubits : int or sequence of int, optional
        Qubits to measure if the circuit contains no measurements; all by default.
    noise : NoiseModel, optional
        Noise after the gates and readout error.
    precision : {"double", "single"}
        Precision of the sampled state; always double with noise.
    progress : bool
        Whether to show a progress bar if the call takes more than two seconds.

    Returns
    -------
    dict from bit string to count
        Outcomes in increasing order; qubit 0 (classical bit 0) is the last character, as in Qiskit.

    Raises
    ------
    ValueError
        If ``shots`` is not a positive integer.
    """
    from simulator.calculations import sampling
    from simulator.noise.sampling import sample
    from simulator.program.program import check_precision

    check_precision(precision)
    sampled = None
    with shown(progress, "sample"):
        if noise is None:
            sampled = sampling.sample_final(circuit, values, shots, seed, qubits, precision)
        if sampled is not None:
            outcomes, counts, width = sampled
            strings = sampling.bit_strings(outcomes, width)
        else:
            bits, counts = sample(circuit, values, shots, seed, noise, qubits)
            strings = ["".join(map(str, row)) for row in bits[:, ::-1].tolist()]
    return dict(zip(strings, counts.tolist(), strict=True))


def sample_array(
    circuit: OperationSequence,
    values: Values = None,
    *,
    shots: int = 1024,
    seed: Any = None,
    qubits: int | Sequence[int] | None = None,
    noise: NoiseModel | None = None,
    precision: str = "double",
    progress: bool = False,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sample as `sample` does and return arrays: the outcomes (m,) in increasing order and their counts (m,).

    Bit k of an outcome is qubit ``qubits[k]``, or classical bit k; at most 62 bits.
    """
    from simulator.calculations import sampling
    from simulator.noise.sampling import sample
    from simulator.program.program import check_precision

    check_precision(precision)
    with shown(progress, "sample"):
        if noise is None:
            sampled = sampling.sample_final(circuit, values, shots, seed, qubits, precision)
            if sampled is not None:
                return sampled[:2]
        bits, counts = sample(circuit, values, shots, seed, noise, qubits)
    if bits.shape[1] > sampling.MAX_BITS:
        raise CircuitError(f"outcomes of {bits.shape[1]} bits do not fit in 64-bit numbers; sample() has strings")
    return (bits << np.arange(bits.shape[1])).sum(axis=1), counts
