"""Drawing of outcomes by one joint pass over the probabilities and over sorted random numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import pauli
from simulator.engines.numba.kernels import draws as kernels
from simulator.engines.numba.sharing import new_queue, share

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_PIECES = 32  # number of parts of a pass; fixed, so that results do not depend on the number of threads
_SERIAL_WORK = 1 << 16  # outcomes plus shots below which a second thread does not pay off
_LONG = 1 << 25  # outcomes plus shots above which a pass is long enough to be watched


def draw(values: NDArray[Any], shots: int, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Draw outcomes, in ascending order, and their counts from amplitudes or probabilities; see `Engine.draw`."""
    size, squared = len(values), np.iscomplexobj(values)
    if squared:
        values = _parts(values)
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
    firsts[1:-1][sums[1:][::-1].cumsum()[::-1] == 0] = shots  # all later outcomes have probability zero
    starts = np.concatenate([[0.0], ends[:-1]])
    outcomes, counts = np.empty(shots, np.int64), np.empty(shots, np.int64)
    lengths = np.zeros(_PIECES, np.int64)
    arguments = (values, squared, size, starts, numbers, firsts, outcomes, counts, lengths)
    _share(kernels.count, arguments, size + shots)
    parts = [slice(first, first + size) for first, size in zip(firsts[:-1].tolist(), lengths.tolist(), strict=True)]
    return np.concatenate([outcomes[part] for part in parts]), np.concatenate([counts[part] for part in parts])


def marginal(amplitudes: NDArray[Any], qubits: Sequence[int]) -> FloatArray:
    """Probabilities of outcomes on some qubits, without computing those of all qubits; see `Engine.marginal`."""
    num_qubits = len(amplitudes).bit_length() - 1
    others = [q for q in range(num_qubits) if q not in qubits]
    own_places, other_places = _places(qubits), _places(others)
    probabilities = np.empty(math.prod(map(len, own_places)))
    _share(kernels.marginal, (_parts(amplitudes), own_places, other_places, probabilities), len(amplitudes))
    return probabilities


def _parts(amplitudes: NDArray[Any]) -> NDArray[Any]:
    """View amplitudes as re, im, re, im, ..."""
    return amplitudes.view(np.float32 if amplitudes.dtype == np.complex64 else np.float64)


def _places(qubits: Sequence[int]) -> tuple[IntArray, IntArray]:
    """Contributions of outcomes on the qubits to an index, for their lower and their upper bits."""
    half = len(qubits) // 2
    lower, upper = (pauli.spread(np.arange(1 << len(part)), part) for part in (qubits[:half], qubits[half:]))
    return lower, upper


def _share(kernel: Any, arguments: tuple[Any, ...], work: int) -> None:
    queue = new_queue(_PIECES)
    share(kernel, (*arguments, queue, _PIECES), queue, _PIECES, work, _SERIAL_WORK, _LONG)
