"""Sampling measurement outcomes: one pass over the probabilities and one over sorted random numbers laid over them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator.calculations.statevector import statevector
from simulator.engines.numba.kernels import draws as kernels
from simulator.engines.numba.threads import get_num_threads, parallel, watched
from simulator.errors import CircuitError, GateError, ParameterError
from simulator.operations.binding import values_array
from simulator.operations.measurements import final_measurements
from simulator.operations.sequence import OperationSequence

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MAX_BITS = 62  # of an outcome in an int64
_PIECES = 32  # parts of a pass; fixed, so that results do not depend on the threads
_SERIAL_WORK = 1 << 16  # outcomes and shots below which a second thread does not pay for itself
_LONG = 1 << 25  # outcomes and shots above which a pass takes long enough to be watched


def checked_shots(shots: Any) -> int:
    """``shots`` as an int, or a ValueError."""
    if isinstance(shots, bool) or not isinstance(shots, int | np.integer) or shots < 1:
        raise ValueError(f"shots is a whole number of at least 1, got {shots!r}")
    return int(shots)


def sample_state(
    amplitudes: ArrayLike, shots: int, seed: Any = None, qubits: Sequence[int] | None = None
) -> tuple[IntArray, IntArray]:
    """Measure a state ``shots`` times.

    Parameters
    ----------
    amplitudes : array_like of complex, shape (2**n,)
    shots : int
        At least 1.
    seed : None, int or numpy.random.Generator
    qubits : sequence of int, optional
        Which qubits to measure, the first being the lowest bit of an outcome; all by default.

    Returns
    -------
    outcomes : int64 ndarray, shape (m,)
        In ascending order, each once; bit k is qubit ``qubits[k]``.
    counts : int64 ndarray, shape (m,)
        Their sum is ``shots``. The same bits on any number of threads.

    Raises
    ------
    ValueError
        If ``shots`` is not a positive whole number, or the state is all zero.
    CircuitError
        If a qubit is out of range or given twice.
    """
    shots = checked_shots(shots)
    state = np.ascontiguousarray(amplitudes)
    if state.dtype not in (np.complex64, np.complex128):
        state = state.astype(np.complex128)
    if state.ndim != 1 or state.size < 2 or state.size & (state.size - 1):
        raise GateError(f"amplitudes of shape (2**n,) expected, got {state.shape}")
    parts = state.view(np.float32 if state.dtype == np.complex64 else np.float64)
    n = state.size.bit_length() - 1
    rng = np.random.default_rng(seed)
    if qubits is None or tuple(qubits) == tuple(range(n)):
        return _draw(parts, True, state.size, shots, rng)
    own, others = _places(qubits, n)
    probabilities = np.empty(math.prod(map(len, own)))
    _share(kernels.marginal, (parts, own, others, probabilities), state.size)
    return draw(probabilities, shots, rng)


def draw(probabilities: FloatArray, shots: int, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Outcomes and counts, as `sample_state`, from probabilities (m,) that need not be normalised."""
    return _draw(np.ascontiguousarray(probabilities, float), False, len(probabilities), shots, rng)


def _draw(
    values: NDArray[Any], squared: bool, size: int, shots: int, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """Draw from ``size`` probabilities, or (``squared``) from as many amplitudes (re, im, re, im, ...)."""
    sums = np.zeros(_PIECES)
    _share(kernels.add_up, (values, squared, size, sums), size)
    ends = np.cumsum(sums)
    if not (np.isfinite(ends[-1]) and ends[-1] > 0):
        raise ValueError("there is nothing to sample: the state is all zero, or contains NaN or infinity")
    # sums of exponentials, divided by the last, are sorted uniform numbers (Devroye 1986, section V.3.1)
    gaps = rng.standard_exponential(shots + 1)
    np.cumsum(gaps, out=gaps)
    gaps *= ends[-1] / gaps[-1]
    numbers = gaps[:-1]
    firsts = np.concatenate([[0], np.searchsorted(numbers, ends[:-1]), [shots]])
    firsts[1:-1][sums[1:][::-1].cumsum()[::-1] == 0] = shots  # nothing can happen behind there
    starts = np.concatenate([[0.0], ends[:-1]])
    outcomes, counts = np.empty(shots, np.int64), np.empty(shots, np.int64)
    found = np.zeros(_PIECES, np.int64)
    arguments = (values, squared, size, starts, numbers, firsts, outcomes, counts, found)
    _share(kernels.count, arguments, size + shots)
    kept = [slice(first, first + size) for first, size in zip(firsts[:-1].tolist(), found.tolist(), strict=True)]
    return np.concatenate([outcomes[own] for own in kept]), np.concatenate([counts[own] for own in kept])


def _share(kernel: Any, arguments: tuple[Any, ...], work: int) -> None:
    threads, queue = 1 if work < _SERIAL_WORK else get_num_threads(), np.array([0, _PIECES])

    def call() -> None:
        kernel(*arguments, queue, _PIECES)

    if work >= _LONG:
        watched(call, threads, queue, _PIECES)
    else:
        parallel(call, threads)


def _places(qubits: Sequence[int], num_qubits: int) -> tuple[tuple[IntArray, IntArray], tuple[IntArray, IntArray]]:
    """What outcomes on the qubits, and on the others, add to an index: of their lower bits, and of their upper."""
    chosen = check_qubits(qubits, num_qubits)
    rest = [q for q in range(num_qubits) if q not in chosen]
    halves = [(group[: len(group) // 2], group[len(group) // 2 :]) for group in (list(chosen), rest)]
    return tuple((_added(lower), _added(upper)) for lower, upper in halves)  # type: ignore[return-value]


def _added(qubits: Sequence[int]) -> IntArray:
    index = np.zeros(1, np.int64)
    for q in qubits:
        index = np.concatenate([index, index | 1 << q])
    return index


def check_qubits(qubits: Sequence[int], num_qubits: int) -> tuple[int, ...]:
    """Qubits to measure as a tuple of ints, or a CircuitError."""
    given = tuple(qubits)
    if not given or len(set(given)) != len(given):
        raise CircuitError(f"sample: distinct qubits expected, at least one, got {given}")
    for q in given:
        if isinstance(q, bool) or not isinstance(q, int | np.integer) or not 0 <= q < num_qubits:
            raise CircuitError(f"sample: a qubit from 0 to {num_qubits - 1} expected, got {q!r}")
    return tuple(int(q) for q in given)


def bit_strings(outcomes: IntArray, width: int) -> list[str]:
    """Outcomes as strings of ``width`` digits, bit 0 last."""
    digits = (outcomes[:, None] >> np.arange(width - 1, -1, -1) & 1).astype(np.uint8) + ord("0")
    return np.ascontiguousarray(digits).view(f"S{width}").ravel().astype(f"U{width}").tolist()  # type: ignore[no-any-return]


def onto_clbits(outcomes: IntArray, qubits: Sequence[int], measured: dict[int, int]) -> IntArray:
    """Outcomes on ``qubits`` as values of the classical bits that they were measured into."""
    place = {q: k for k, q in enumerate(qubits)}
    out = np.zeros_like(outcomes)
    for clbit, qubit in measured.items():
        out |= (outcomes >> place[qubit] & 1) << clbit
    return out


def merged(outcomes: IntArray, counts: IntArray) -> tuple[IntArray, IntArray]:
    """Equal outcomes put together, in ascending order."""
    unique, inverse = np.unique(outcomes, return_inverse=True)
    return unique, np.bincount(inverse.ravel(), counts, minlength=len(unique)).astype(np.int64)


def bound_values(circuit: OperationSequence, values: Any) -> FloatArray:
    """One set of values of a circuit's parameters."""
    array = values_array(circuit, values)
    if array.ndim != 1:
        raise ParameterError(f"sample takes one set of values, got an array of shape {array.shape}")
    return array


def sample_final(
    circuit: OperationSequence,
    values: Any,
    shots: int,
    seed: Any,
    qubits: Sequence[int] | None,
    precision: str = "double",
) -> tuple[IntArray, IntArray, int] | None:
    """Sample a circuit without noise whose measurements, if it has any, are all at the end.

    Returns
    -------
    outcomes, counts : int64 ndarray
    width : int
        Bits of an outcome.
    None
        If it measures, resets or branches in the middle.
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
    circuit: OperationSequence, measured: dict[int, int], qubits: Sequence[int] | None
) -> tuple[tuple[int, ...], int]:
    """The qubits whose outcomes are wanted, and the bits of an outcome."""
    if not measured:
        chosen = check_qubits(range(circuit.num_qubits) if qubits is None else qubits, circuit.num_qubits)
        return chosen, len(chosen)
    if qubits is not None:
        raise CircuitError("the circuit measures into classical bits, which is what is sampled; leave qubits out")
    return tuple(sorted(set(measured.values()))), circuit.num_clbits
