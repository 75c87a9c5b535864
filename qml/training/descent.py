"""Training step by step, through minibatches."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np

from qml.optimizers import Optimizer
from qml.optimizers.objective import Objective, Rows
from qml.training.progress import RunState
from qml.training.run import Run, with_candidate
from simulator.engines.host import updates


def descend(run: Run, optimizer: Optimizer) -> str:
    """Take steps until there is a reason to stop; return the reason."""
    epoch = _epoch(run)
    while (reason := run.reason_to_stop()) is None:
        last = run.state.batch + 1 == len(epoch.batches)
        if _step(run, optimizer, epoch, last):
            return "callback"
        if last:
            epoch = _epoch(run)
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


class _Epoch(NamedTuple):
    """Objective of an epoch, and the rows of each of its steps."""

    objective: Objective
    batches: list[Rows]


def _epoch(run: Run) -> _Epoch:
    """Return the current epoch; its order depends on seed and number only, also after a restart."""
    objective, n_samples, size = run.objective, run.objective.n_samples, run.batch_size
    if size >= n_samples:
        return _Epoch(objective, [slice(None)])
    order = np.random.default_rng([run.state.seed, 0, len(run.state.history)]).permutation(n_samples)
    in_order = getattr(objective, "in_order", None)
    ordered = None if in_order is None else in_order(order)
    starts = range(0, n_samples, size)
    if ordered is None:
        return _Epoch(objective, [order[start : start + size] for start in starts])
    return _Epoch(ordered, [slice(start, min(start + size, n_samples)) for start in starts])


def _step(run: Run, optimizer: Optimizer, epoch: _Epoch, last: bool) -> bool:
    """Process one batch, and end the epoch if it is the last; return whether the callback wants to stop."""
    started = time.perf_counter()
    before, n_samples = run.state, run.objective.n_samples
    objective, rows = epoch.objective, epoch.batches[before.batch]
    if run.is_random:
        objective = objective.for_step([before.seed, 2, before.steps])
    measured, loss, gradient = optimizer.measure(
        before.optimizer_state, before.weights, objective, rows, [before.seed, 1, before.steps]
    )
    loss = float(loss)
    norm = run.checked_norm(loss, gradient)
    if norm is None:
        return False
    rate = 1.0 if optimizer.chooses_steps else run.rate()
    if optimizer.gives_warnings:
        with np.errstate(all="ignore"):  # checked below
            optimizer_state, after = optimizer.step(measured, before.weights, gradient)
    else:
        optimizer_state, after = optimizer.step(measured, before.weights, gradient)
    weights = np.empty(before.weights.shape)
    # scaling is valid because steps are proportional to the learning rate
    if not updates.scaled(before.weights, after, rate, weights):
        run.diverge(f"a step is not finite in epoch {len(before.history) + 1}")
        return False
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
    if not last:
        run.state = state
        return False
    return run.finish_epoch(
        state,
        loss=state.loss_sum / n_samples,
        measured_at=before.weights if state.batch == 1 else weights,
        learning_rate=rate * optimizer.step_size(measured),
        gradient_norm=state.gradient_norm_sum / state.batch,
        started=time.perf_counter(),
    )
