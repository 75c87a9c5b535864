"""Records of a training run: the record of an epoch, the argument of a callback, and the state to resume from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, overload

import numpy as np

from qml.optimizers import State
from simulator.progress import has_bars, new_bar, write_line


@dataclass(frozen=True)
class EpochRecord:
    """Record of one epoch in the history.

    Parameters
    ----------
    epoch : number of the epoch, counted from 1; for SciPy's methods an epoch is an iteration
    loss : mean of the training loss over the epoch's batches, each measured before its step
    validation_score : validation score after the epoch; None without validation data
    learning_rate : learning rate of the epoch's last step; None where the method chooses its steps
    gradient_norm : mean gradient norm over the epoch's batches; None where the method does not use gradients
    seconds : duration of the epoch in seconds; of epochs that one compiled call takes, their mean
    """

    epoch: int
    loss: float
    validation_score: float | None
    learning_rate: float | None
    gradient_norm: float | None
    seconds: float


@dataclass(frozen=True)
class TrainingProgress(EpochRecord):
    """Argument of a callback: the record of the epoch, and the progress of the run.

    Parameters
    ----------
    epochs : maximum number of epochs
    best_epoch : epoch after which the best weights so far were reached; 0 for the initial weights
    weights : copy of the weights after the epoch
    """

    epochs: int
    best_epoch: int
    weights: np.ndarray


Callback = Callable[[TrainingProgress], Any]
"""Function called after each epoch, for every optimizer; training stops when it returns True."""


def joined(callback: Callback | Sequence[Callback] | None) -> Callback | None:
    """Return one callback that calls each of several, and stops if any of them wants to.

    Raises
    ------
    TypeError
        If an entry cannot be called.
    """
    if callback is None or callable(callback):
        return callback
    several = tuple(callback) if isinstance(callback, Iterable) else (callback,)
    for entry in several:
        if not callable(entry):
            raise TypeError(f"callback expects a function of the progress, or several, got {entry!r}")

    def call_all(progress: TrainingProgress) -> bool:
        answers = [entry(progress) for entry in several]  # each is called, also after one that wants to stop
        return any(answers)

    return call_all


class History(Sequence[EpochRecord]):
    """Immutable sequence of the records of epochs, to which a record is added without a copy of the others.

    The histories of a run are the first ``len(history)`` entries of one list. A tuple would be copied in each epoch:
    of 40,000 short epochs, that took nine tenths of the time.

    Parameters
    ----------
    records : iterable of EpochRecord
    """

    def __init__(self, records: Iterable[EpochRecord] = ()) -> None:
        self._records = list(records)
        self._length = len(self._records)

    def with_record(self, record: EpochRecord) -> History:
        """Return this history with one more record."""
        longer = History()
        # other entries follow where an interrupt came before the state with the longer history was replaced
        is_whole = 0 < self._length == len(self._records)
        longer._records = self._records if is_whole else self._records[: self._length]
        longer._records.append(record)
        longer._length = self._length + 1
        return longer

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> EpochRecord: ...
    @overload
    def __getitem__(self, index: slice) -> list[EpochRecord]: ...
    def __getitem__(self, index: int | slice) -> EpochRecord | list[EpochRecord]:
        if isinstance(index, slice):
            return [self._records[place] for place in range(self._length)[index]]
        return self._records[range(self._length)[index]]

    def __iter__(self) -> Iterator[EpochRecord]:
        return islice(self._records, self._length)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, History) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


class RunState(NamedTuple):
    """Everything needed to resume a run; replaced as a whole after every step, so that an interrupt cannot break it.

    No generator is stored: random numbers of a step or an epoch depend only on ``seed`` and its number.
    (A named tuple because it is replaced in every step: a frozen dataclass takes ten times as long.)

    Parameters
    ----------
    weights : weights after the last step
    optimizer_state : optimizer state after the last step
    steps : number of steps taken
    batch : index of the epoch's next batch
    loss_sum, gradient_norm_sum : sums over the epoch's rows so far
    seconds : time spent in the epoch so far, in seconds
    seed : seed of the run's random numbers
    best_weights, best_score, best_epoch : point with the highest score (validation score, else negative loss)
    reference_score, stale_epochs : last score that was an improvement, and number of epochs since
    initial_loss : loss of the first step, at the initial weights; infinity where it is not known
    history : records of the finished epochs
    stopped : reason why the run is over, if it is: "diverged" or "converged"
    message : the reason in words
    """

    weights: np.ndarray
    optimizer_state: State
    steps: int
    batch: int
    loss_sum: float
    gradient_norm_sum: float
    seconds: float
    seed: int
    best_weights: np.ndarray
    best_score: float = -np.inf
    best_epoch: int = 0
    reference_score: float = -np.inf
    stale_epochs: int = 0
    initial_loss: float = np.inf
    history: History = History()
    stopped: str = ""
    message: str = ""

    def with_step(self, *step: Any) -> RunState:
        """Return the state with other values of the fields that every step changes: those up to ``seconds``."""
        return RunState(*step, *self[len(step) :])


SECONDS_BETWEEN_LINES = 60.0
"""Time after which a log gets another line."""


class ProgressBar:
    """Progress over the epochs with loss, score and remaining time; shows nothing unless ``visible``.

    A terminal or a notebook shows a bar. Anything else, such as a log file, gets a line after the first epoch, after
    each tenth of the epochs, and every minute. The remaining time is estimated without the first epoch, in which
    kernels may be compiled.
    """

    def __init__(self, epochs: int, done: int, visible: bool) -> None:
        self._bar: Any = None
        self._epochs, self._first = epochs, done + 1
        self._lines = visible and not has_bars()
        self._seconds = self._written = 0.0
        if visible and not self._lines:
            self._bar = new_bar("training", epochs, initial=done, unit="epoch")

    def say(self, text: str) -> None:
        """Show a line of text."""
        if self._bar is not None or self._lines:
            write_line(text, self._bar)

    def update(self, record: EpochRecord) -> None:
        """Advance by one epoch."""
        if self._bar is not None:
            self._bar.set_postfix(_shown(record), refresh=False)
            self._bar.update()
            if record.epoch == self._first:
                self._bar.initial, self._bar.start_t = self._bar.n, self._bar.last_print_t
        elif self._lines:
            self._seconds += record.seconds if record.epoch > self._first else 0.0
            tenth = 10 * record.epoch // self._epochs > 10 * (record.epoch - 1) // self._epochs
            if tenth or record.epoch == self._first or self._seconds > self._written + SECONDS_BETWEEN_LINES:
                self._written = self._seconds
                self._write_line(record)

    def _write_line(self, record: EpochRecord) -> None:
        values = ", ".join(f"{name} {value}" for name, value in _shown(record).items())
        line = f"training: epoch {record.epoch} of {self._epochs}, {values}"
        remaining, timed = self._epochs - record.epoch, record.epoch - self._first
        if remaining and timed:
            line += f", about {remaining * self._seconds / timed:.0f} s left"
        self.say(line)

    def close(self) -> None:
        """Close the bar and end its line."""
        if self._bar is not None:
            self._bar.close()


def _shown(record: EpochRecord) -> dict[str, str]:
    shown = {"loss": f"{record.loss:.4g}"}
    if record.validation_score is not None:
        shown["score"] = f"{record.validation_score:.4g}"
    return shown
