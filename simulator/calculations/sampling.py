"""Sampling measurement outcomes of states and circuits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator import pauli
from simulator.calculations.statevector import statevector
from simulator.engines.choice import engine_for_arrays
from simulator.errors import CircuitError, GateError, ParameterError
from simulator.memory import check_count
from simulator.operations.arguments import as_qubits
from simulator.operations.binding import values_array
from simulator.operations.measurements import final_measurements
from simulator.operations.sequence import OperationSequence

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MAX_BITS = 62  # maximum number of bits of an outcome stored in an int64


def checked_shots(shots: Any) -> int:
    """Convert ``shots`` to an int, or raise a ValueError, or a StateTooLargeError if their draws do not fit."""
    if isinstance(shots, bool) or not isinstance(shots, int | np.integer) or shots < 1:
        raise ValueError(f"shots is an integer of at least 1, got {shots!r}")
    check_count("sample", "shots", int(shots), 8)
    return int(shots)


def sample_state(
    amplitudes: ArrayLike, shots: int, seed: Any = None, qubits: int | Sequence[int] | None = None
) -> tuple[IntArray, IntArray]:
    """Sample ``shots`` measurement outcomes of a state.

    Parameters
    ----------
    amplitudes : array_like of complex, shape (2**n,)
    shots : int
        Number of shots, at least 1.
    seed : None, int or numpy.random.Generator
    qubits : int or sequence of int, optional
        Qubits to measure, the first being the lowest bit of an outcome; all by default.

    Returns
    -------
    outcomes : int64 ndarray, shape (m,)
        Distinct outcomes in ascending order; bit k is qubit ``qubits[k]``.
    counts : int64 ndarray, shape (m,)
        Count of each outcome; the sum is ``shots``. Bit-identical on any number of threads.

    Raises
    ------
    ValueError
        If ``shots`` is not a positive integer, or the state is all zero.
    CircuitError
        If a qubit is out of range or repeated.
    """
    shots = checked_shots(shots)
    state = np.ascontiguousarray(amplitudes)
    if state.dtype not in (np.complex64, np.complex128):
        state = state.astype(np.complex128)
    if state.ndim != 1 or state.size < 2 or state.size & (state.size - 1):
        raise GateError(f"amplitudes of shape (2**n,) expected, got {state.shape}")
    n = state.size.bit_length() - 1
    rng, engine = np.random.default_rng(seed), engine_for_arrays()
    if qubits is None or as_qubits(qubits) == tuple(range(n)):
        return engine.draw(state, shots, rng)
    return engine.draw(engine.marginal(state, check_qubits(qubits, n)), shots, rng)


def draw(probabilities: FloatArray, shots: int, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Sample outcomes and counts, as `sample_state`, from probabilities (m,), which need not be normalised."""
    return engine_for_arrays().draw(np.ascontiguousarray(probabilities, float), shots, rng)


def check_qubits(qubits: int | Sequence[int], num_qubits: int) -> tuple[int, ...]:
    """Convert the qubits to measure, one or several, to a tuple of ints, or raise a CircuitError."""
    requested = as_qubits(qubits)
    for q in requested:
        if isinstance(q, bool) or not isinstance(q, int | np.integer) or not 0 <= q < num_qubits:
            raise CircuitError(f"sample: a qubit from 0 to {num_qubits - 1} expected, got {q!r}")
    if not requested or len(set(requested)) != len(requested):
        raise CircuitError(f"sample: distinct qubits expected, at least one, got {requested}")
    return tuple(int(q) for q in requested)


def bit_strings(outcomes: IntArray, width: int) -> list[str]:
    """Format outcomes as strings of ``width`` digits, bit 0 last."""
    digits = (outcomes[:, None] >> np.arange(width - 1, -1, -1) & 1).astype(np.uint8) + ord("0")
    return np.ascontiguousarray(digits).view(f"S{width}").ravel().astype(f"U{width}").tolist()  # type: ignore[no-any-return]


def onto_clbits(outcomes: IntArray, qubits: Sequence[int], measured: dict[int, int]) -> IntArray:
    """Map outcomes on ``qubits`` to values of the classical bits that they were measured into."""
    place = {q: k for k, q in enumerate(qubits)}
    return pauli.spread(pauli.gather(outcomes, [place[q] for q in measured.values()]), list(measured))


def merged(outcomes: IntArray, counts: IntArray) -> tuple[IntArray, IntArray]:
    """Merge equal outcomes and sort them in ascending order."""
    unique, inverse = np.unique(outcomes, return_inverse=True)
    return unique, np.bincount(inverse.ravel(), counts, minlength=len(unique)).astype(np.int64)


def bound_values(circuit: OperationSequence, values: Any) -> FloatArray:
    """Validate a single set of values of a circuit's parameters."""
    array = values_array(circuit, values)
    if array.ndim != 1:
        raise ParameterError(f"sample takes one set of values, got an array of shape {array.shape}")
    return array


def sample_final(
    circuit: OperationSequence,
    values: Any,
    shots: int,
    seed: Any,
    qubits: int | Sequence[int] | None,
    precision: str = "double",
) -> tuple[IntArray, IntArray, int] | None:
    """Sample a noiseless circuit whose measurements, if any, are all at the end.

    Returns
    -------
    outcomes, counts : int64 ndarray
    width : int
        Number of bits of an outcome.
    None
        If the circuit measures, resets or branches before its end.
    """
    shots = checked_shots(shots)
    array = bound_values(circuit, values)
    split = final_measurements(circuit.operations)
    if split is None:
        return None
    plain, measured = split
    read, width = what_is_read(circuit, measured, qubits)
    unitary = circuit if not circuit.measures else type(circuit)(circuit.num_qubits, plain)
    outcomes, counts = sample_state(statevector(unitary, array, precision), shots, seed, read)
    if measured:
        outcomes, counts = merged(onto_clbits(outcomes, read, measured), counts)
    return outcomes, counts, width


def what_is_read(
    circuit: OperationSequence, measured: dict[int, int], qubits: int | Sequence[int] | None
) -> tuple[tuple[int, ...], int]:
    """Return the qubits to sample, and the number of bits of an outcome."""
    if not measured:
        sampled = check_qubits(range(circuit.num_qubits) if qubits is None else qubits, circuit.num_qubits)
        return sampled, len(sampled)
    if qubits is not None:
        raise CircuitError("the circuit measures into classical bits, which is what is sampled; leave qubits out")
    return tuple(sorted(set(measured.values()))), circuit.num_clbits
