"""Many steps of a run as one compiled call: the calls of kernels that a step consists of, repeated without Python.

A step is a sequence of calls on fixed arrays: its rows are gathered, the objective contributes loss and gradient, the
optimizer its step; then what the state of the run records is summed, and the new weights replace the old ones. The
kernels, and therefore the bits, are those of a step in Python. A step that a kernel refuses, because a number is not
finite or a target is not valid, has changed nothing: it is taken again in Python, which says what is wrong.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.optimizers.stepwise import CompiledOptimizer, Optimizer, State
from qml.training.progress import RunState
from qml.training.run import Run
from simulator.engines.host import loops, updates

__all__ = ["Batch", "CompiledSteps"]

Array = NDArray[np.float64]

SECONDS_OF_A_CALL = 0.05
"""Approximate maximum duration of a call, in seconds, after which Python looks for an interrupt."""


FEWEST_STEPS = 4
"""Number of steps from which it pays to prepare their calls."""


@dataclass(frozen=True)
class Batch:
    """Arrays of the steps with a certain number of rows.

    Parameters
    ----------
    rows : number of rows of a step
    size : number of rows between the beginnings of two batches
    order : int64 ndarray, shape (n_samples,); the rows in the order of the epoch
    place : int64 ndarray, shape (1,); the number of the current batch
    weights : float64 ndarray, shape (n_weights,)
    gradient : float64 ndarray, shape (n_weights,); 0 before each step, then the gradient is added
    loss : float64 ndarray, shape (1,); 0 before each step, then the loss is added
    """

    rows: int
    size: int
    order: NDArray[np.int64]
    place: NDArray[np.int64]
    weights: Array
    gradient: Array
    loss: Array

    def take(self, source: NDArray[Any], out: NDArray[Any]) -> loops.Call:
        """Return the call that fills ``out`` with the rows of the current batch."""
        return loops.take_rows(source, self.order, self.place, self.size, out)


class NeedsPython(Exception):
    """A part of the step has no compiled call."""


class CompiledSteps:
    """The steps of a run in a compiled loop.

    Parameters
    ----------
    run : Run
    optimizer : CompiledOptimizer

    Raises
    ------
    NeedsPython
        If a part of the step does.
    """

    def __init__(self, run: Run, optimizer: CompiledOptimizer) -> None:
        n_samples, size, batches = run.objective.n_samples, run.batch_size, run.steps_per_epoch
        shape = 1 + len(optimizer.arrays), run.state.weights.size
        self._optimizer, self._full, self._most = optimizer, n_samples // size, 1
        self._now, new, self._sums = np.empty(shape), np.empty(shape), np.zeros(3)
        self._order, self._place = np.arange(n_samples), np.zeros(1, np.int64)
        self._epoch: NDArray[np.intp] | None = None  # the order that was copied last
        self._weights: Array | None = None  # the last that were returned
        totals = np.zeros(shape[1] + 1)
        gradient, loss = totals[:-1], totals[-1:]
        self._loss = loss  # of the last step
        update = optimizer.call(self._now, gradient, new, self._sums[2:])
        if update is None:
            raise NeedsPython
        scaled = loops.Call(updates.scaled, self._now[0], new[0], 1.0, new[0])
        self._rates = np.ones((batches, 1))
        rate = scaled.numbers(2).reshape(1, -1)
        set_rate = loops.take_rows(self._rates, np.arange(batches), self._place, 1, rate)
        objective: Any = run.objective
        self._loops = []
        for rows in dict.fromkeys((size, n_samples - (batches - 1) * size)):
            batch = Batch(rows, size, self._order, self._place, self._now[0], gradient, loss)
            calls = objective.step_calls(batch)
            if calls is None:
                raise NeedsPython
            record = loops.Call(updates.record, loss, gradient, float(rows), self._sums)
            steps = [loops.clear(totals), *calls, set_rate, update, scaled, record, loops.copy(new, self._now)]
            self._loops.append(loops.Loop(steps, self._place))

    @classmethod
    def of(cls, run: Run, optimizer: Optimizer) -> CompiledSteps | None:
        """Return the compiled steps of a run; None if they need Python, or are so few that they do not pay."""
        if not (isinstance(optimizer, CompiledOptimizer) and hasattr(run.objective, "step_calls")):
            return None
        if (run.epochs - len(run.state.history)) * run.steps_per_epoch - run.state.batch < FEWEST_STEPS:
            return None
        try:
            return cls(run, optimizer)
        except NeedsPython:
            return None

    def advance(self, run: Run, order: NDArray[np.intp] | None) -> tuple[RunState, float] | None:
        """Take as many of the epoch's steps as a call should.

        Parameters
        ----------
        run : Run
            Its state does not change.
        order : int ndarray, shape (n_samples,), or None
            Order of the rows in the current epoch, the same object in all its calls; None for their own order.

        Returns
        -------
        (RunState, float) or None
            The state after the steps, and the learning rate of the last one; None if the next step needs Python.
        """
        started, before = time.perf_counter(), run.state
        if before.weights is not self._weights:
            self._now[0] = before.weights
            for row, name in enumerate(self._optimizer.arrays, 1):
                self._now[row] = before.optimizer_state[name]
        if order is not None and order is not self._epoch:
            self._order[:] = self._epoch = order
        first = before.batch
        end = min(first + self._most, run.steps_per_epoch)
        self._rates[first:end, 0] = run.rates(before.steps, end - first)
        steps = before.optimizer_state["step"] if self._optimizer.counts_steps else 0
        self._sums[:] = before.loss_sum, before.gradient_norm_sum, steps
        self._place[0] = first
        reached = self._loops[0].run(min(end, self._full)) if first < self._full else first
        if self._full == reached < end:
            reached = self._loops[1].run(end)
        taken = reached - first
        if not taken:
            return None
        now = self._now.copy()
        self._weights = now[0]
        state: State = {"step": steps + taken} if self._optimizer.counts_steps else {}
        for name, row in zip(self._optimizer.arrays, now[1:], strict=True):
            state[name] = row
        loss_sum, norm_sum, _ = self._sums.tolist()
        seconds = time.perf_counter() - started
        self._most = max(1, int(SECONDS_OF_A_CALL * taken / seconds))
        after = before.with_step(
            self._weights, state, before.steps + taken, reached, loss_sum, norm_sum, before.seconds + seconds
        )
        if not before.steps:
            after = after._replace(initial_loss=float(self._loss[0]))
        return after, float(self._rates[reached - 1, 0]) * self._optimizer.learning_rate
