"""How a run ends: its result, the warning that it did not converge, the exception after Ctrl-C."""

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
    """What a run ends with.

    Parameters
    ----------
    weights : the best ones: with the highest validation score, or the lowest training loss where there is none
    last_weights, optimizer_state : where the run ended, to go on from
    history : a record of each epoch
    best_epoch : the epoch after which ``weights`` were reached; 0 for the initial ones
    stop_reason : "epochs", "converged" (patience, or SciPy), "callback", "diverged" or "interrupted"
    message : the reason in words, where there is more to say
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
        """The result of a run that ended in ``state``."""
        return cls(
            weights=state.best_weights,
            last_weights=state.weights,
            optimizer_state=state.optimizer_state,
            history=state.history,
            best_epoch=state.best_epoch,
            stop_reason=reason,
            message=message or state.message,
        )

    @property
    def n_epochs(self) -> int:
        """Finished epochs."""
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
    """Ctrl-C came during training; ``result`` holds what was reached.

    Who catches it to keep the result should then raise a plain KeyboardInterrupt: only for that very class does Python
    tell the shell that the program was interrupted, so that a loop over runs ends as well.
    """

    def __init__(self, result: TrainingResult) -> None:
        super().__init__(result.message)
        self.result = result

    @classmethod
    def of(cls, state: RunState, epochs: int, checkpoints: Checkpoints) -> TrainingInterrupted:
        """Write the checkpoint, if there is one to write, and say in one line what is kept."""
        message = f"training interrupted after {len(state.history)} of {epochs} epochs"
        message += f"; the best weights so far, of epoch {state.best_epoch}, are kept"
        if checkpoints.path is not None:
            with suppress(KeyboardInterrupt):  # a second Ctrl-C: the checkpoint of an earlier epoch must do
                checkpoints.save(state, now=True)
            message += f"; {checkpoints.path} goes on from here"
        log.warning(message)
        return cls(TrainingResult.of(state, "interrupted", message))


def warn_if_not_converged(result: TrainingResult, epochs: int) -> None:
    """Warn of a run that diverged, never got better, was given up by SciPy, or was none."""
    message = result.message
    if result.stop_reason == "diverged":
        message += f"; the weights of epoch {result.best_epoch} are kept. A smaller learning rate may help"
    elif epochs == 0:
        message = "epochs is 0: nothing was trained"
    elif result.best_epoch == 0 and result.n_epochs > 1:
        first = result.history[0]
        message = f"in {result.n_epochs} epochs the loss never fell below its first value, {first.loss:.3g}"
        if first.gradient_norm is not None:
            message += f" (the gradient's norm there was {first.gradient_norm:.2g})"
        message += "; the initial weights are kept. Another learning rate may help"
    if message:
        from sklearn.exceptions import ConvergenceWarning  # here: all of scikit-learn comes with it

        warnings.warn(message, ConvergenceWarning, stacklevel=3)
