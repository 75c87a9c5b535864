"""Training step by step, through minibatches."""

from __future__ import annotations

import time

import numpy as np

from qml.optimizers import Optimizer
from qml.optimizers.objective import Objective, Rows
from qml.training.compiled_steps import CompiledSteps
from qml.training.orders import draw_orders
from qml.training.progress import RunState
from qml.training.run import Run, with_candidate
from simulator.caching import cached_property
from simulator.engines.host import updates


def descend(run: Run, optimizer: Optimizer) -> str:
    """Take steps until there is a reason to stop; return the reason."""
    compiled = CompiledSteps.of(run, optimizer)
    reason = _steps(run, optimizer, compiled)
    if compiled is not None:
        compiled.keep(run)
    return reason


def _steps(run: Run, optimizer: Optimizer, compiled: CompiledSteps | None) -> str:
    epoch = None
    while (reason := run.reason_to_stop()) is None:
        before = run.state
        for taken in () if compiled is None else compiled.advance(run):
            if _accept(run, *taken):
                return "callback"
            if run.reason_to_stop() is not None:
                break
        if run.state is before:  # the next step needs Python
            if epoch is None or epoch.number != len(before.history):
                epoch = _Epoch(run)
            step = _step(run, optimizer, epoch)
            if step is not None and _accept(run, *step):
                return "callback"
        run.checkpoints.save(run.state)
    return reason


def with_last_weights(run: Run) -> RunState:
    """Return the final state, with its weights as a candidate for the best.

    Where an epoch is one step, its loss belongs to the weights before that step, so the last ones need evaluation.
    """
    state = run.state
    if run.batch_size < run.objective.n_samples or run.validates or not state.steps:
        return state
    return with_candidate(
        state, state.weights, -float(run.objective.value(state.weights, slice(None))), len(state.history)
    )


class _Epoch:
    """Batches of the current epoch."""

    def __init__(self, run: Run) -> None:
        self._objective, self._size, n_samples = run.objective, run.batch_size, run.objective.n_samples
        self.number, self._order = len(run.state.history), None
        if self._size < n_samples:
            orders = np.empty((1, n_samples), np.int64)
            draw_orders(run.state.seed, self.number, n_samples, orders)
            self._order = orders[0]

    def batch(self, number: int) -> tuple[Objective, Rows]:
        """Return an objective, and the rows of a step among its own."""
        if self._order is None:
            return self._objective, slice(None)
        start, stop = number * self._size, min((number + 1) * self._size, len(self._order))
        if self._ordered is None:
            return self._objective, self._order[start:stop]
        return self._ordered, slice(start, stop)

    @cached_property
    def _ordered(self) -> Objective | None:
        in_order = getattr(self._objective, "in_order", None)
        return None if in_order is None else in_order(self._order)


def _step(run: Run, optimizer: Optimizer, epoch: _Epoch) -> tuple[RunState, float] | None:
    """Process one batch; return the state after it and its learning rate, or None if the run has diverged."""
    started = time.perf_counter()
    before, n_samples = run.state, run.objective.n_samples
    objective, rows = epoch.batch(before.batch)
    if run.is_random:
        objective = objective.for_step([before.seed, 2, before.steps])
    measured, loss, gradient = optimizer.measure(
        before.optimizer_state, before.weights, objective, rows, [before.seed, 1, before.steps]
    )
    loss = float(loss)
    norm = run.checked_norm(loss, gradient)
    if norm is None:
        return None
    rate = 1.0 if optimizer.chooses_steps else run.rates(before.steps, 1)[0]
    if optimizer.gives_warnings:
        with np.errstate(all="ignore"):  # checked below
            optimizer_state, after = optimizer.step(measured, before.weights, gradient)
    else:
        optimizer_state, after = optimizer.step(measured, before.weights, gradient)
    weights = np.empty(before.weights.shape)
    # scaling is valid because steps are proportional to the learning rate
    if not updates.scaled(before.weights, after, rate, weights):
        run.diverge(f"a step is not finite in epoch {len(before.history) + 1}")
        return None
    state = before.with_step(
        weights,
        optimizer_state,
        before.steps + 1,
        before.batch + 1,
        before.loss_sum + loss * min(run.batch_size, n_samples - before.batch * run.batch_size),
        before.gradient_norm_sum + norm,
        before.seconds + time.perf_counter() - started,
    )
    if not before.steps:
        state = state._replace(initial_loss=loss)
    return state, rate * optimizer.step_size(measured)


def _accept(run: Run, state: RunState, learning_rate: float) -> bool:
    """Go on from the state after a step, which may be its epoch's last; return whether the callback wants to stop."""
    if state.batch < run.steps_per_epoch:
        run.state = state
        return False
    return run.finish_epoch(
        state,
        loss=state.loss_sum / run.objective.n_samples,
        measured_at=run.state.weights if state.batch == 1 else state.weights,
        learning_rate=learning_rate,
        gradient_norm=state.gradient_norm_sum / state.batch,
        started=time.perf_counter(),
    )
