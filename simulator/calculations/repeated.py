"""Small calculations that are repeated with other numbers: one compiled call each, on arrays that are kept for it.

At a few qubits, Python around the kernels takes as long as these. So the second time that a thread asks for the same
calculation, all of its kernels become calls of one compiled loop (`simulator.engines.host.loops`); from then on,
numbers are copied to its arrays and results from them. The kernels, and therefore the bits, are the same. A calculation
whose calls have other bits is made by them from the first time on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeAlias
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from simulator.caching import clearing_reference
from simulator.engines.choice import engine_for
from simulator.engines.host import loops
from simulator.engines.trait import Engine
from simulator.program.program import Program

__all__ = ["Arrays", "Calls", "expectation_calls", "repeat"]

FloatArray = NDArray[np.float64]
Arrays: TypeAlias = tuple[NDArray[Any], ...]
Calls: TypeAlias = tuple[list[loops.Call], Arrays, Arrays]

_MOST_NUMBERS = 1 << 15  # amplitudes, or inputs, of all samples: with more, Python takes a small part of the time
_MOST_REPETITIONS = 16  # of each thread; up to a megabyte each
_MOST_LARGE = 2  # of each thread, with more than these numbers, as long as their program lives
_LARGEST = 1 << 21  # maximum number of numbers of these, so that each has up to 100 megabytes


def _repetition(calls: list[loops.Call], arguments: Arrays, results: Arrays) -> loops.Calculation:
    """Return a calculation that refuses X and weights which are not finite."""
    checks = [loops.check_finite(array) for array in arguments[:2]]
    return loops.Calculation(checks + calls, arguments, results)


def _needs_python(arguments: Arrays) -> None:
    """Take the place of a calculation where there can be none."""


def _asked_once(arguments: Arrays) -> None:
    """Take the place of a calculation where Python carries the calculation out for the first time."""


_Repeated: TypeAlias = Callable[[Arrays], Arrays | None]


class _Repetitions(threading.local):
    """What a thread has asked for, the latest last."""

    def __init__(self) -> None:
        self.by_key: dict[Hashable, _Repeated] = {}
        self.large: dict[Hashable, _Repeated] = {}  # those with more than `_MOST_NUMBERS`


_of_thread = _Repetitions()


def repeat(
    program: Program,
    key: Hashable,
    prepare: Callable[[Engine], Calls | None],
    X: FloatArray,
    weights: FloatArray,
    *others: NDArray[Any],
    at_once: bool = False,
) -> Arrays | None:
    """Carry out a calculation as a compiled loop, if it is small and not asked for for the first time.

    Parameters
    ----------
    program : Program
    key : hashable
        With the program and the number of samples, everything that determines the calls.
    prepare : callable
        Function of the engine that returns the calls, the arrays that they read (those of X, weights and the others)
        and those that they write; None if the calculation needs Python.
    X : float64 ndarray, shape (n_samples, n_inputs)
    weights : float64 ndarray, shape (n_weights,)
    *others : ndarray
    at_once : bool
        Whether to do so also if it is large, or asked for for the first time.

    Returns
    -------
    tuple of ndarray, or None
        Copies of the results. None if the calculation has to be carried out without a loop: also where a kernel
        refuses, or an input or a weight is not finite, as Python then says why.
    """
    samples, size = len(X), X.size
    amplitudes = samples << program.num_qubits
    numbers = amplitudes if amplitudes > size else size
    if numbers <= _MOST_NUMBERS:
        by_key, most, reference = _of_thread.by_key, _MOST_REPETITIONS, ref(program)
    elif at_once:
        by_key, most = _of_thread.large, _MOST_LARGE if numbers <= _LARGEST else 0
        reference = clearing_reference(program, by_key)
    else:
        return None
    engine = engine_for(program, samples)
    complete = reference, engine, samples, key
    repetition = by_key.pop(complete, None)  # a nested call, as of a signal handler, does not find it
    if repetition is None and not at_once:
        repetition = _asked_once
    elif repetition is None or repetition is _asked_once:
        calls = prepare(engine)
        repetition = _needs_python if calls is None else _repetition(*calls)
    results = repetition((X, weights, *others))
    if most:
        by_key[complete] = repetition
        if len(by_key) > most:
            for old in list(by_key)[:-most]:
                by_key.pop(old, None)
    return results


def expectation_calls(engine: Engine, program: Program, samples: int) -> Calls | None:
    """Return the calls of `repeat` for expectations."""
    X, weights = np.empty((samples, len(program.inputs))), np.empty(len(program.weights))
    values = np.empty((samples, len(program.observables)))
    calls = engine.expectation_calls(program, X, weights, values)
    return None if calls is None else (calls, (X, weights), (values,))
