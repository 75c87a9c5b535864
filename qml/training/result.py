"""End of a training run: its result, the warning that it did not converge, the exception after Ctrl-C."""

from __future__ import annotations

import logging
import warnings
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from qml.optimizers import State
from qml.training.checkpoints import Checkpoints
from qml.training.progress import EpochRecord, RunState

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingResult:
    """Result of a training run.

    Parameters
    ----------
    weights : best weights, by the highest validation score, or else the lowest training loss
    last_weights, optimizer_state : final weights and optimizer state, from which training can continue
    history : record of each epoch
    best_epoch : epoch after which ``weights`` were reached; 0 for the initial weights
    stop_reason : "epochs", "converged" (patience, or SciPy), "callback", "diverged" or "interrupted"
    message : details of the reason, if any
    """

    weights: np.ndarray
    last_weights: np.ndarray
    optimizer_state: State
    history: tuple[EpochRecord, ...]
    best_epoch: int
    stop_reason: str
    message: str = ""

    @classmethod
    def of(cls, state: RunState, reason: str, message: str = "") -> TrainingResult:
        """Return the result of a run that ended in ``state``."""
        return cls(
            weights=state.best_weights,
            last_weights=state.weights,
            optimizer_state=state.optimizer_state,
            history=tuple(state.history),
            best_epoch=state.best_epoch,
            stop_reason=reason,
            message=message or state.message,
        )

    @property
    def n_epochs(self) -> int:
        """Number of finished epochs."""
        return len(self.history)

    @property
    def losses(self) -> np.ndarray:
        """Training loss of each epoch, shape (n_epochs,)."""
        return np.array([record.loss for record in self.history])

    @property
    def validation_scores(self) -> np.ndarray | None:
        """Validation score after each epoch, shape (n_epochs,); None without validation data."""
        scores = [record.validation_score for record in self.history if record.validation_score is not None]
        return np.array(scores) if scores else None


class TrainingInterrupted(KeyboardInterrupt):
    """Training was interrupted by Ctrl-C; ``result`` holds the result so far.

    A caller that catches it should then raise a plain KeyboardInterrupt: only for that exact class does Python report
    the interrupt to the shell, so that a loop over runs ends as well.
    """

    def __init__(self, result: TrainingResult) -> None:
        super().__init__(result.message)
        self.result = result

    @classmethod
    def of(cls, state: RunState, epochs: int, checkpoints: Checkpoints) -> TrainingInterrupted:
        """Write the checkpoint, if there is one, and say in one line what is kept."""
        message = f"training interrupted after {len(state.history)} of {epochs} epochs"
        message += f"; the best weights so far, of epoch {state.best_epoch}, are kept"
        if checkpoints.path is not None:
            with suppress(KeyboardInterrupt):  # a second Ctrl-C: fall back on the checkpoint of an earlier epoch
                checkpoints.save(state, now=True)
            message += f"; {checkpoints.path} goes on from here"
        log.warning(message)
        return cls(TrainingResult.of(state, "interrupted", message))


def warn_if_not_converged(result: TrainingResult, epochs: int) -> None:
    """Warn about a run that diverged, never improved, failed in SciPy, or had no epochs."""
    message = result.message
    if result.stop_reason == "diverged":
        best = f"weights of epoch {result.best_epoch}" if result.best_epoch else "initial weights"
        message += f"; the {best} are kept. A smaller learning rate may help"
    elif epochs == 0:
        message = "epochs is 0: nothing was trained"
    elif result.best_epoch == 0 and result.n_epochs > 1:
        first = result.history[0]
        message = f"in {result.n_epochs} epochs the loss never fell below its first value, {first.loss:.3g}"
        if first.gradient_norm is not None:
            message += f" (the gradient's norm there was {first.gradient_norm:.2g})"
        message += "; the initial weights are kept. Another learning rate may help"
    if message:
        from sklearn.exceptions import ConvergenceWarning  # imported here because it loads all of scikit-learn

        warnings.warn(message, ConvergenceWarning, stacklevel=3)
