"""Training step by step, through minibatches."""

from __future__ import annotations

import math
import time

import numpy as np

from qml.optimizers import Optimizer
from qml.optimizers.objective import Rows
from qml.training.progress import RunState
from qml.training.run import Run, with_candidate


def descend(run: Run, optimizer: Optimizer) -> str:
    """Take steps until there is a reason to stop; return the reason."""
    batches = _batches(run)
    while (reason := run.reason_to_stop()) is None:
        last = run.state.batch + 1 == len(batches)
        if _step(run, optimizer, batches[run.state.batch], last):
            return "callback"
        if last:
            batches = _batches(run)
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


def _batches(run: Run) -> list[Rows]:
    """Return the rows of each step of the current epoch; they depend on seed and epoch only, also after a restart."""
    n_samples = run.objective.n_samples
    if run.batch_size >= n_samples:
        return [slice(None)]
    order = np.random.default_rng([run.state.seed, 0, len(run.state.history)]).permutation(n_samples)
    return [order[start : start + run.batch_size] for start in range(0, n_samples, run.batch_size)]


def _step(run: Run, optimizer: Optimizer, rows: Rows, last: bool) -> bool:
    """Process one batch, and end the epoch if it is the last; return whether the callback wants to stop."""
    started = time.perf_counter()
    before = run.state
    objective = run.objective.for_step([before.seed, 2, before.steps]) if run.is_random else run.objective
    measured, loss, gradient = optimizer.measure(
        before.optimizer_state, before.weights, objective, rows, [before.seed, 1, before.steps]
    )
    loss = float(loss)
    if not run.is_usable(loss, gradient):
        return False
    rate = 1.0 if optimizer.chooses_steps else run.rate()
    with np.errstate(all="ignore"):  # checked in the next line
        optimizer_state, weights = optimizer.step(measured, before.weights, gradient)
        if rate != 1.0:  # valid because these steps are proportional to the learning rate
            weights = before.weights + rate * (weights - before.weights)
    if not np.isfinite(weights).all():
        run.diverge(f"a step is not finite in epoch {len(before.history) + 1}")
        return False
    state = before._replace(
        weights=weights,
        optimizer_state=optimizer_state,
        steps=before.steps + 1,
        initial_loss=before.initial_loss if before.steps else loss,
        batch=before.batch + 1,
        loss_sum=before.loss_sum + loss * (run.objective.n_samples if isinstance(rows, slice) else len(rows)),
        gradient_norm_sum=before.gradient_norm_sum + math.sqrt(gradient @ gradient),
    )
    if not last:
        run.state = state._replace(seconds=before.seconds + time.perf_counter() - started)
        return False
    return run.finish_epoch(
        state,
        loss=state.loss_sum / run.objective.n_samples,
        measured_at=before.weights if state.batch == 1 else weights,
        learning_rate=rate * optimizer.step_size(measured),
        gradient_norm=state.gradient_norm_sum / state.batch,
        started=started,
    )
