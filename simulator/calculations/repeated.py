"""Small calculations that are repeated with other numbers: one compiled call each, on arrays that are kept for it.

At a few qubits, Python around the kernels takes as long as these. So the second time that a thread asks for the same
calculation, all of its kernels become calls of one compiled loop (`simulator.engines.host.loops`); from then on,
numbers are copied to its arrays and results from them. The kernels, and therefore the bits, are the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeAlias
from weakref import ref

import numpy as np
from numpy.typing import NDArray

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


class _Repetition:
    """A compiled loop of one round, the arrays that it reads, and those that it writes."""

    def __init__(self, calls: list[loops.Call], arguments: Arrays, results: Arrays) -> None:
        self._place = np.zeros(1, np.int64)
        checks = [loops.check_finite(array) for array in arguments[:2]]  # X and weights
        self._loop = loops.Loop(checks + calls, self._place)
        self._arguments, self._results = arguments, results

    def __call__(self, arguments: Arrays) -> Arrays | None:
        for argument, value in zip(self._arguments, arguments, strict=True):
            argument[...] = value
        self._place[0] = 0
        return tuple([result.copy() for result in self._results]) if self._loop.run(1) else None


def _needs_python(arguments: Arrays) -> None:
    """Take the place of a `_Repetition` where there can be none."""


class _Repetitions(threading.local):
    """What a thread has asked for, the latest last; None where it was once."""

    def __init__(self) -> None:
        self.by_key: dict[Hashable, Callable[[Arrays], Arrays | None] | None] = {}


_of_thread = _Repetitions()


def repeat(
    program: Program,
    key: Hashable,
    prepare: Callable[[Engine], Calls | None],
    X: FloatArray,
    weights: FloatArray,
    *others: NDArray[Any],
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

    Returns
    -------
    tuple of ndarray, or None
        Copies of the results. None if the calculation has to be carried out without a loop: also where a kernel
        refuses, or an input or a weight is not finite, as Python then says why.
    """
    samples = len(X)
    if samples << program.num_qubits > _MOST_NUMBERS or X.size > _MOST_NUMBERS:
        return None
    engine, by_key = engine_for(program, samples), _of_thread.by_key
    complete = ref(program), engine, samples, key
    try:
        repetition = by_key.pop(complete)  # a nested call, as of a signal handler, does not find it
    except KeyError:
        by_key[complete] = None
        if len(by_key) > _MOST_REPETITIONS:
            del by_key[next(iter(by_key))]
        return None
    if repetition is None:
        calls = prepare(engine)
        repetition = _needs_python if calls is None else _Repetition(*calls)
    results = repetition((X, weights, *others))
    by_key[complete] = repetition
    return results


def expectation_calls(engine: Engine, program: Program, samples: int) -> Calls | None:
    """Return the calls of `repeat` for expectations."""
    X, weights = np.empty((samples, len(program.inputs))), np.empty(len(program.weights))
    values = np.empty((samples, len(program.observables)))
    calls = engine.expectation_calls(program, X, weights, values)
    return None if calls is None else (calls, (X, weights), (values,))
