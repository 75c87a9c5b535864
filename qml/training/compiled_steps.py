"""Many steps of a run as one compiled call: the calls of kernels that a step consists of, repeated without Python.

A step is a sequence of calls on fixed arrays: its rows are gathered, the objective contributes loss and gradient, the
optimizer its step; then what the state of the run records is summed, and the new weights replace the old ones. A step
in Python makes the same calls once (`PreparedLoss`), so the bits are the same. A step that a kernel refuses, because a
number is not finite or a target is not valid, has changed nothing: it is taken again in Python, which says what is
wrong.

A call takes the steps of several epochs if nobody looks at the run between them. It records the sums and the weights at
the end of each, from which the run then finishes one epoch after the other, as if it had just been taken.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.optimizers.stepwise import CompiledOptimizer, Optimizer, State
from qml.seeds import StepSeed, seed_words
from qml.training.orders import draw_orders
from qml.training.progress import RunState
from qml.training.run import Run
from simulator.caching import clearing_reference
from simulator.engines.host import loops, rows, updates

__all__ = ["Batch", "CompiledSteps"]

Array = NDArray[np.float64]

SECONDS_OF_A_CALL = 0.05
"""Approximate maximum duration of a call, in seconds, after which Python looks for an interrupt."""

FEWEST_STEPS = 4
"""Number of steps from which it pays to prepare their calls."""

MOST_EPOCHS = 64
"""Maximum number of epochs of a call, by which the time that Python takes for a call is divided."""

MOST_WORDS = 1 << 17
"""Maximum number of 64-bit words of what is kept of these epochs, their orders and their weights, beyond one epoch."""


@dataclass(frozen=True)
class Batch:
    """Arrays of the steps with a certain number of rows.

    Parameters
    ----------
    rows : number of rows of a step
    size : number of rows between the beginnings of two batches
    order : int64 ndarray, shape (n_orders,); the rows in the order of the batches
    place : int64 ndarray, shape (1,); the number of the current batch in ``order``
    seed : seed of the current step, which changes in place
    weights : float64 ndarray, shape (n_weights,)
    gradient : float64 ndarray, shape (n_weights,); 0 before each step, then the gradient is added
    loss : float64 ndarray, shape (1,); 0 before each step, then the loss is added
    """

    rows: int
    size: int
    order: NDArray[np.int64]
    place: NDArray[np.int64]
    seed: StepSeed
    weights: Array
    gradient: Array
    loss: Array

    def take(self, sources: tuple[NDArray[Any], ...], out: tuple[NDArray[Any], ...]) -> loops.Call:
        """Return the call that fills three arrays with the rows of the current batch; the last one has one axis."""
        *tables, shares = sources
        *filled, filled_shares = out
        return loops.Call(
            rows.copy_batch,
            self.order,
            self.place,
            self.size,
            *map(loops.words, tables),
            shares,
            *map(loops.words, filled),
            filled_shares,
        )


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
        self._capacity, self._size = _capacity(run, shape), size
        self._objective: Callable[[], Any] = lambda: None
        self._optimizer, self._n_samples, self._seconds = optimizer, n_samples, math.inf
        self._batches, self._full = batches, n_samples // size
        self._now, new, self._sums = np.empty(shape), np.empty(shape), np.zeros(4)
        self._epoch_sums, self._epoch_states = np.empty((self._capacity, 2)), np.empty((self._capacity, *shape))
        self._rates, self._place = np.ones(self._capacity * batches), np.zeros(1, np.int64)
        self._weights: Array | None = None  # the last that were returned
        self._totals = np.zeros(shape[1] + 1)
        loss, gradient = self._totals[:1], self._totals[1:]
        if batches == 1:
            self._orders: NDArray[np.int64] | None = None
            order, place = np.arange(n_samples), np.zeros(1, np.int64)
        else:
            order, place = np.zeros(self._capacity * batches * size, np.int64), self._place
            self._orders = order.reshape(self._capacity, batches * size)
        self._drawn = -1, 0  # number of the first epoch whose order is drawn, and the number of these epochs
        weights, new_weights = self._now[0], new[0]
        update = optimizer.call(self._now, gradient, new, self._sums[2:3])
        if update is None:
            raise NeedsPython
        objective: Any = run.objective
        self._loops = []
        self._run_seed, self._step_seed = run.state.seed, seed_words(run.state.seed, 2, 0)
        seed = StepSeed(self._step_seed, self._place)
        for count in dict.fromkeys((size, n_samples - (batches - 1) * size)):
            batch = Batch(count, size, order, place, seed, weights, gradient, loss)
            calls = objective.step_calls(batch)
            if calls is None:
                raise NeedsPython
            finish = loops.Call(
                updates.finish,
                weights,
                self._now.reshape(-1),
                new_weights,
                new.reshape(-1),
                self._totals,
                gradient,
                float(count),
                self._sums,
                self._rates,
                self._place,
                batches,
                self._epoch_sums,
                self._epoch_states.reshape(self._capacity, -1),
            )
            self._loops.append(loops.Loop([*calls, update, finish], self._place))

    @classmethod
    def of(cls, run: Run, optimizer: Optimizer) -> CompiledSteps | None:
        """Return the compiled steps of a run; None if they need Python, or are so few that they do not pay.

        They are those of the run before, see `keep`, if only the seed, the weights and the state differ.
        """
        if not (isinstance(optimizer, CompiledOptimizer) and hasattr(run.objective, "step_calls")):
            return None
        if (run.epochs - len(run.state.history)) * run.steps_per_epoch - run.state.batch < FEWEST_STEPS:
            return None
        if _latest.steps:
            steps: CompiledSteps = _latest.steps.pop()  # so that a run inside a callback does not find them
            if steps._fits(run, optimizer):
                steps._weights, steps._drawn = None, (-1, 0)
                return steps
        try:
            return cls(run, optimizer)
        except NeedsPython:
            return None

    def keep(self, run: Run) -> None:
        """Keep the steps for the next run of this thread, as long as the objective lives."""
        latest = _latest.steps
        self._objective = clearing_reference(run.objective, latest)
        latest[:] = [self]

    def _fits(self, run: Run, optimizer: CompiledOptimizer) -> bool:
        """Whether the steps are those of a run."""
        return (
            self._objective() is run.objective
            and (self._run_seed == run.state.seed or not run.is_random)
            and self._size == run.batch_size
            and self._capacity == _capacity(run, self._now.shape)
            and self._optimizer == optimizer
            and self._now.shape[1] == run.state.weights.size
        )

    def advance(self, run: Run) -> Iterator[tuple[RunState, float]]:
        """Take as many steps as a call should, and yield the states to which they lead.

        Parameters
        ----------
        run : Run
            Its state is not changed here: the caller replaces it by each state that is yielded, and finishes the epoch
            at its end, before it asks for the next state.

        Yields
        ------
        (RunState, float)
            The state after the last step of each epoch, and after the last step of all, with the learning rate of that
            step; nothing if the next step needs Python.
        """
        started, before = time.perf_counter(), run.state
        if before.weights is not self._weights:
            self._now[0] = before.weights
            for row, name in enumerate(self._optimizer.arrays, 1):
                self._now[row] = before.optimizer_state[name]
        self._weights = None
        counted = before.optimizer_state["step"] if self._optimizer.counts_steps else 0
        self._sums[:] = before.loss_sum, before.gradient_norm_sum, counted, math.inf
        self._totals[:] = 0.0
        batches, first = self._batches, before.batch
        self._step_seed[-1] = before.steps - first
        self._place[0] = reached = first
        most = int(SECONDS_OF_A_CALL / self._seconds)
        if not most:  # too long, or not known how long
            reached = self._take(run, first, first + 1)
            if reached == first:
                return
            most = int(SECONDS_OF_A_CALL / (time.perf_counter() - started)) - 1
        end = min(reached + most, min(run.epochs_unseen(), self._capacity) * batches)
        if end > batches:
            end -= end % batches
        if end > reached:
            reached = self._take(run, reached, end)
        if reached == first:
            return
        seconds = self._seconds = (time.perf_counter() - started) / (reached - first)
        for place in dict.fromkeys([*range(batches, reached + 1, batches), reached]):
            steps = place - first
            if place % batches:
                now, (loss_sum, norm_sum) = self._now.copy(), self._sums[:2].tolist()
            else:
                now = self._epoch_states[place // batches - 1].copy()
                loss_sum, norm_sum = self._epoch_sums[place // batches - 1].tolist()
            state: State = {"step": counted + steps} if self._optimizer.counts_steps else {}
            for row, name in enumerate(self._optimizer.arrays, 1):
                state[name] = now[row]
            taken = before.steps + steps - run.state.steps
            after = run.state.with_step(
                now[0],
                state,
                before.steps + steps,
                (place - 1) % batches + 1,
                loss_sum,
                norm_sum,
                run.state.seconds + taken * seconds,
            )
            if not run.state.steps:
                after = after._replace(initial_loss=float(self._sums[3]))
            if place == reached:
                self._weights = after.weights
            yield after, float(self._rates[place - 1]) * self._optimizer.learning_rate

    def _take(self, run: Run, place: int, end: int) -> int:
        """Take the steps from number ``place`` to ``end``, until a kernel refuses; return the number reached."""
        state, epochs = run.state, -(-end // self._batches)
        if self._orders is not None and (self._drawn[0] != len(state.history) or epochs > self._drawn[1]):
            draw_orders(state.seed, len(state.history), self._n_samples, self._orders[:epochs])
            self._drawn = len(state.history), epochs
        self._rates[place:end] = run.rates(state.steps + place - state.batch, end - place)
        if len(self._loops) == 1:
            return self._loops[0].run(end)
        while place < end:
            begin = place - place % self._batches
            is_full = place < begin + self._full
            stop = min(begin + (self._full if is_full else self._batches), end)
            place = self._loops[0 if is_full else 1].run(stop)
            if place < stop:
                break
        return place


def _capacity(run: Run, shape: tuple[int, ...]) -> int:
    """Maximum number of epochs of a call, for weights and arrays of this shape."""
    words = math.prod(shape) + run.steps_per_epoch * run.batch_size
    return max(1, min(run.epochs_unseen(), MOST_EPOCHS, MOST_WORDS // words))


class _Latest(threading.local):
    """The steps that were kept last, if any."""

    def __init__(self) -> None:
        self.steps: list[CompiledSteps] = []


_latest = _Latest()
