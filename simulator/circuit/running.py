"""What a circuit computes: its states, probabilities and samples.

These functions are methods of `Circuit`. They check nothing but their options, and hand over to the engine, which is
imported when it is first needed.
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
    """Final state from ``|0...0>``.

    Parameters
    ----------
    values : None, mapping or array_like
        As for `values_array`.
    precision : {"double", "single"}
    progress : bool
        Show a bar, if it takes more than two seconds.

    Returns
    -------
    complex128 or complex64 ndarray, shape (2**n,), or (B, 2**n) for a batch
        Little-endian: bit q of an index is qubit q.

    Raises
    ------
    ParameterError
        If the values do not fit the parameters.
    StateTooLargeError
        Before anything is allocated, if the state does not fit in memory.
    """
    from simulator.calculations import statevector

    with shown(progress, "statevector"):
        return statevector.statevector(circuit, values, precision=precision)


def probabilities(
    circuit: OperationSequence, values: Values = None, *, precision: str = "double", progress: bool = False
) -> NDArray[Any]:
    """Probability of every basis state, shape (2**n,) or (B, 2**n); arguments as for `statevector`."""
    from simulator.calculations import statevector

    with shown(progress, "probabilities"):
        return statevector.probabilities(circuit, values, precision=precision)


def density_matrix(
    circuit: OperationSequence, values: Values = None, *, noise: NoiseModel | None = None, progress: bool = False
) -> NDArray[np.complex128]:
    """Final density matrix, shape (2**n, 2**n), or (B, 2**n, 2**n) for a batch of values.

    Measurements are taken as unread, and leave mixtures.

    Raises
    ------
    StateTooLargeError
        Before anything is allocated, if it does not fit in memory.
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
    qubits: Sequence[int] | None = None,
    noise: NoiseModel | None = None,
    precision: str = "double",
    progress: bool = False,
) -> dict[str, int]:
    """Measure ``shots`` times and count the outcomes.

    A circuit with measurements is read out of its classical bits, any other by measuring its qubits at the end.
    Measurements in the middle, resets and conditions cost one trajectory a shot.

    Parameters
    ----------
    values : None, mapping or array_like
        As for `values_array`, one set.
    shots : int
        At least 1.
    seed : None, int or numpy.random.Generator
        The same seed gives the same counts, on any number of threads.
    qubits : sequence of int, optional
        Which qubits to measure, where the circuit itself does not; all by default.
    noise : NoiseModel, optional
        Follows the gates and misreads the bits.
    precision : {"double", "single"}
        Of the state that is sampled; with noise always double.
    progress : bool
        Show a bar, if it takes more than two seconds.

    Returns
    -------
    dict from bit string to count
        Qubit 0 (classical bit 0) is the last character, as in Qiskit; in increasing order.

    Raises
    ------
    ValueError
        If ``shots`` is not a positive whole number.
    """
    from simulator.calculations import sampling
    from simulator.noise.sampling import sample

    found = None
    with shown(progress, "sample"):
        if noise is None:
            found = sampling.sample_final(circuit, values, shots, seed, qubits, precision)
        if found is not None:
            outcomes, counts, width = found
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
    qubits: Sequence[int] | None = None,
    noise: NoiseModel | None = None,
    precision: str = "double",
    progress: bool = False,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """`sample` as arrays: the outcomes (m,) in increasing order and their counts (m,).

    Bit k of an outcome is qubit ``qubits[k]``, or classical bit k; there are at most 62.
    """
    from simulator.calculations import sampling
    from simulator.noise.sampling import sample

    with shown(progress, "sample"):
        if noise is None:
            found = sampling.sample_final(circuit, values, shots, seed, qubits, precision)
            if found is not None:
                return found[:2]
        bits, counts = sample(circuit, values, shots, seed, noise, qubits)
    if bits.shape[1] > sampling.MAX_BITS:
        raise CircuitError(f"outcomes of {bits.shape[1]} bits do not fit in 64-bit numbers; sample() has strings")
    return (bits << np.arange(bits.shape[1])).sum(axis=1), counts
