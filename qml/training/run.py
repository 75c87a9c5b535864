"""A run under way: what is common to all optimizers at the end of an epoch."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass

import numpy as np

from qml.optimizers.objective import Objective
from qml.training.checkpoints import Checkpoints
from qml.training.progress import Callback, EpochRecord, ProgressBar, RunState, TrainingProgress

DIVERGENCE = 1e3
"""A loss that grew by this many times its first value (or by this much, if that was below 1) does not come back."""


SCHEDULES = ("constant", "cosine")


@dataclass
class Run:
    """What was asked for, and ``state``: the only thing that changes, always replaced as a whole.

    An interrupt may come between any two lines; what it leaves in ``state`` is a step finished or not begun.
    """

    objective: Objective
    state: RunState
    checkpoints: Checkpoints
    epochs: int
    batch_size: int
    patience: int | None
    tol: float
    schedule: str
    callback: Callback | None
    verbose: bool

    def __post_init__(self) -> None:
        self.bar = ProgressBar(self.epochs, len(self.state.history), self.verbose)
        self.validates = self.objective.validation_score(self.state.weights) is not None

    def reason_to_stop(self) -> str | None:
        """Read off the state alone, so that a resumed run stops where it would have."""
        if self.state.stopped:
            return self.state.stopped
        if self.patience is not None and self.state.stale_epochs >= self.patience:
            return "converged"
        return "epochs" if len(self.state.history) >= self.epochs else None

    def rate(self) -> float:
        """What the schedule multiplies the learning rate of the next step by."""
        if self.schedule == "constant":
            return 1.0
        steps = self.epochs * math.ceil(self.objective.n_samples / self.batch_size)
        return 0.5 * (1.0 + math.cos(math.pi * self.state.steps / steps))

    def is_usable(self, loss: float, gradient: np.ndarray | None) -> bool:
        """Whether training can go on from this loss and gradient; if not, the state says so."""
        if gradient is not None and gradient.shape != self.state.weights.shape:
            expected = self.state.weights.shape
            raise ValueError(
                f"the objective's gradient must have the shape of the weights, {expected}, got {gradient.shape}"
            )
        if math.isfinite(loss) and (gradient is None or np.isfinite(gradient).all()):
            return True
        what = f"the loss is {loss}" if not math.isfinite(loss) else "the gradient is not finite"
        self.diverge(f"{what} in epoch {len(self.state.history) + 1}")
        return False

    def diverge(self, how: str) -> None:
        """Note in the state that the run is over."""
        self.state = self.state._replace(stopped="diverged", message=f"training diverged: {how}")

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
        """Score and record an epoch, tell bar and callback of it; whether the callback wants to stop.

        Parameters
        ----------
        state : after the epoch's last step, its history still without the epoch
        loss, measured_at : the epoch's loss and the weights it belongs to, which may be those before the step
        learning_rate, gradient_norm : for the record
        started : clock at the beginning of what ``state.seconds`` does not contain yet
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
        self.state = with_candidate(state, where, monitored, when)._replace(
            reference_score=monitored if improved else state.reference_score,
            stale_epochs=0 if improved else state.stale_epochs + 1,
            batch=0,
            loss_sum=0.0,
            gradient_norm_sum=0.0,
            seconds=0.0,
            history=(*state.history, record),
        )
        first = self.state.history[0].loss
        if loss - first > DIVERGENCE * max(abs(first), 1.0):
            self.diverge(f"the loss went from {first:.3g} to {loss:.3g} in epoch {epoch}")
        self.bar.update(record)
        if self.callback is None:
            return False
        weights = self.state.weights.copy()
        progress = TrainingProgress(
            **asdict(record), epochs=self.epochs, best_epoch=self.state.best_epoch, weights=weights
        )
        return bool(self.callback(progress))


def with_candidate(state: RunState, weights: np.ndarray, score: float, epoch: int) -> RunState:
    """The state, with ``weights`` as the best if they are; a score of NaN is not."""
    if score > state.best_score:
        return state._replace(best_weights=weights, best_score=score, best_epoch=epoch)
    return state
