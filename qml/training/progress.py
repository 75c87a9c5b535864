"""What is known of a training run: the record of an epoch, what a callback sees, and the state that goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from qml.optimizers import State


@dataclass(frozen=True)
class EpochRecord:
    """One line of the history.

    Parameters
    ----------
    epoch : counted from 1; for SciPy's methods an epoch is an iteration
    loss : mean of the training loss over the epoch's batches, each measured before its step
    validation_score : after the epoch; None without validation data
    learning_rate : of the epoch's last step; None where the method chooses steps by itself
    gradient_norm : mean over the epoch's batches; None where the method takes no gradients
    seconds : spent in the epoch
    """

    epoch: int
    loss: float
    validation_score: float | None
    learning_rate: float | None
    gradient_norm: float | None
    seconds: float


@dataclass(frozen=True)
class TrainingProgress(EpochRecord):
    """What a callback sees after each epoch: its record, and where the run is.

    Parameters
    ----------
    epochs : how many there will be at most
    best_epoch : the epoch after which the best weights so far were reached; 0 for the initial ones
    weights : a copy of the weights after the epoch
    """

    epochs: int
    best_epoch: int
    weights: np.ndarray


Callback = Callable[[TrainingProgress], Any]
"""Called after each epoch, whatever the optimizer; training stops when it returns True."""


class RunState(NamedTuple):
    """All a run needs to go on; a new one takes its place after every step, so it is whole at any interruption.

    Nothing random is kept: what is drawn in a step or an epoch depends on ``seed`` and on its number alone.
    (A named tuple because it is replaced in every step: a frozen dataclass takes ten times as long.)

    Parameters
    ----------
    seed : the run's random numbers come from it
    weights : after the last step
    optimizer_state : after the last step
    best_weights, best_score, best_epoch : where the score (of the validation, else minus the loss) was highest
    reference_score, stale_epochs : the last score that was an improvement, and the epochs since
    steps : steps taken
    batch : the next batch of the epoch
    loss_sum, gradient_norm_sum : over the epoch's rows so far
    seconds : spent in the epoch so far
    history : finished epochs
    stopped : why the run is over, if it is: "diverged" or "converged"
    message : the same, for people
    """

    seed: int
    weights: np.ndarray
    optimizer_state: State
    best_weights: np.ndarray
    best_score: float = -np.inf
    best_epoch: int = 0
    reference_score: float = -np.inf
    stale_epochs: int = 0
    steps: int = 0
    batch: int = 0
    loss_sum: float = 0.0
    gradient_norm_sum: float = 0.0
    seconds: float = 0.0
    history: tuple[EpochRecord, ...] = ()
    stopped: str = ""
    message: str = ""


class ProgressBar:
    """A bar over the epochs with loss, score and time left; shows nothing unless ``visible``."""

    def __init__(self, epochs: int, done: int, visible: bool) -> None:
        self._bar = None
        if visible:
            from tqdm.auto import tqdm  # here: `import qml` stays light

            self._bar = tqdm(total=epochs, initial=done, desc="training", unit="epoch")

    def update(self, record: EpochRecord) -> None:
        """One epoch further."""
        if self._bar is not None:
            shown = {"loss": f"{record.loss:.4g}"}
            if record.validation_score is not None:
                shown["score"] = f"{record.validation_score:.4g}"
            self._bar.set_postfix(shown, refresh=False)
            self._bar.update()

    def close(self) -> None:
        """Leave the bar as it is and end its line."""
        if self._bar is not None:
            self._bar.close()
