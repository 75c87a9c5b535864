"""State of a run in progress, and the end of an epoch, which is common to all optimizers."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from qml.optimizers.objective import Objective
from qml.training.checkpoints import Checkpoints
from qml.training.progress import Callback, EpochRecord, ProgressBar, RunState, TrainingProgress
from qml.training.schedules import Schedule
from simulator.engines.host import updates
from simulator.program.values import as_array

DIVERGENCE = 1e3
"""Growth of the loss, relative to the initial one (absolute if that is below 1), at which training has diverged."""


@dataclass
class Run:
    """Settings of a run, and ``state``: the only attribute that changes, always replaced as a whole.

    An interrupt may occur between any two lines; in ``state``, each step is then either complete or not begun.
    """

    objective: Objective
    state: RunState
    checkpoints: Checkpoints
    epochs: int
    batch_size: int
    patience: int | None
    tol: float
    schedule: Schedule
    callback: Callback | None
    verbose: bool

    def __post_init__(self) -> None:
        self.bar = ProgressBar(self.epochs, len(self.state.history), self.verbose)
        self.is_random = bool(getattr(self.objective, "is_random", False))
        self.validates = self.objective.validation_score(self.state.weights) is not None
        self.steps_per_epoch = math.ceil(self.objective.n_samples / self.batch_size)
        self._at_epoch = self.schedule.factors()
        kind = type(self.schedule)  # its factors may be known before the epoch begins
        self._is_known_before = kind.at_epoch is Schedule.at_epoch and kind.factors is Schedule.factors
        self._epoch_factor = -1, 1.0  # number of epochs, and the schedule's factor after them

    def reason_to_stop(self) -> str | None:
        """Return the reason to stop or None, from the state alone, so that a resumed run stops at the same epoch."""
        if self.state.stopped:
            return self.state.stopped
        if self.patience is not None and self.state.stale_epochs >= self.patience:
            return "converged"
        return "epochs" if len(self.state.history) >= self.epochs else None

    def epochs_unseen(self) -> int:
        """Return the number of epochs, at least 1, between which nothing asks for Python.

        A callback does after each epoch, as does a schedule that reads the history. Patience may end the run.
        """
        if self.callback is not None or not self._is_known_before:
            return 1
        ahead = self.epochs - len(self.state.history)
        return ahead if self.patience is None else min(ahead, self.patience - self.state.stale_epochs)

    def rates(self, first: int, count: int) -> list[float]:
        """Factors of the schedule for ``count`` steps of this epoch, from step ``first`` of the run."""
        history = self.state.history
        if self._epoch_factor[0] != len(history):
            self._epoch_factor = len(history), self._at_epoch(history)
        factor, at_step = self._epoch_factor[1], self.schedule.at_step
        if type(self.schedule).at_step is Schedule.at_step:
            return [factor] * count
        steps, per_epoch = self.epochs * self.steps_per_epoch, self.steps_per_epoch
        return [factor * at_step(step, steps, per_epoch) for step in range(first, first + count)]

    def checked_norm(self, loss: float, gradient: np.ndarray | None) -> float | None:
        """Norm of the gradient, 0 without one; None if training cannot go on from here, which the state then says."""
        if gradient is not None and gradient.shape != self.state.weights.shape:
            expected = self.state.weights.shape
            raise ValueError(
                f"the objective's gradient must have the shape of the weights, {expected}, got {gradient.shape}"
            )
        sums = np.zeros(3)
        if gradient is not None and updates.record(np.array([loss]), as_array(gradient), 1.0, sums):
            return float(sums[1])
        if math.isfinite(loss) and (gradient is None or np.isfinite(gradient).all()):
            return 0.0 if gradient is None else math.inf
        reason = f"the loss is {loss}" if not math.isfinite(loss) else "the gradient is not finite"
        self.diverge(f"{reason} in epoch {len(self.state.history) + 1}")
        return None

    def diverge(self, reason: str) -> None:
        """Record in the state that the run has diverged."""
        self.state = self.state._replace(stopped="diverged", message=f"training diverged: {reason}")

    def finish_epoch(
        self,
        state: RunState,
        *,
        loss: float,
        measured_at: np.ndarray,
        learning_rate: float | None,
        gradient_norm: float | None,
        started: float,
    ) -> bool:
        """Score and record an epoch, notify bar and callback; return whether the callback wants to stop.

        Parameters
        ----------
        state : state after the epoch's last step, its history still without the epoch
        loss, measured_at : loss of the epoch, and the weights at which it was measured, possibly those before the step
        learning_rate, gradient_norm : values for the record
        started : clock reading at the start of the time that ``state.seconds`` does not contain yet
        """
        score = self.objective.validation_score(state.weights) if self.validates else None
        epoch = len(state.history) + 1
        seconds = state.seconds + time.perf_counter() - started
        record = EpochRecord(epoch, loss, score, learning_rate, gradient_norm, seconds)
        if score is not None:
            monitored, where, when = float(score), state.weights, epoch
        else:
            monitored, where, when = -loss, measured_at, epoch if measured_at is state.weights else epoch - 1
        improved = monitored > state.reference_score + self.tol
        first = state.history[0].loss if state.history else loss
        if state.initial_loss < first:  # the mean of an epoch whose steps already explode cannot serve as reference
            first = state.initial_loss
        has_diverged = loss - first > DIVERGENCE * max(abs(first), 1.0)
        if not has_diverged:  # the best point so far may be the initial one, whose score is not known
            state = with_candidate(state, where, monitored, when)
        self.state = state._replace(
            reference_score=monitored if improved else state.reference_score,
            stale_epochs=0 if improved else state.stale_epochs + 1,
            batch=0,
            loss_sum=0.0,
            gradient_norm_sum=0.0,
            seconds=0.0,
            history=state.history.with_record(record),
        )
        if has_diverged:
            self.diverge(f"the loss went from {first:.3g} to {loss:.3g} in epoch {epoch}")
        self.bar.update(record)
        if self.callback is None:
            return False
        weights = self.state.weights.copy()
        progress = TrainingProgress(
            **vars(record), epochs=self.epochs, best_epoch=self.state.best_epoch, weights=weights
        )
        return bool(self.callback(progress))


def with_candidate(state: RunState, weights: np.ndarray, score: float, epoch: int) -> RunState:
    """Return the state, with ``weights`` as the best if their score is highest; a score of NaN never is."""
    if score > state.best_score:
        return state._replace(best_weights=weights, best_score=score, best_epoch=epoch)
    return state
