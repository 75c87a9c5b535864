"""Schedules: factors of the learning rate in the course of a run.

A schedule is an immutable value with two functions of what a checkpoint stores, so that a resumed run has the same
learning rates: a factor that changes from step to step, and one that changes from epoch to epoch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from qml.optimizers.stepwise import require
from qml.training.description import description
from qml.training.progress import EpochRecord
from simulator.names import by_name

__all__ = ["SCHEDULES", "Constant", "Cosine", "OneCycle", "Plateau", "Schedule", "WarmRestarts", "get_schedule"]


@dataclass(frozen=True)
class Schedule:
    """Base of the schedules; a custom one defines `at_step` or `at_epoch`."""

    needs_length: ClassVar[bool] = False
    """Whether the factors depend on the number of epochs of the run, so that a run cannot be prolonged."""

    def at_step(self, step: int, steps: int, steps_per_epoch: int) -> float:
        """Return the factor of step number ``step`` of ``steps``, counted from 0."""
        return 1.0

    def at_epoch(self, history: Sequence[EpochRecord]) -> float:
        """Return the factor of the epoch after those in ``history``."""
        return 1.0

    def factors(self) -> Callable[[Sequence[EpochRecord]], float]:
        """Return `at_epoch` for one run, whose history only grows, so that it may remember what it has read."""
        return self.at_epoch

    def identity(self, epochs: int) -> str:
        """Describe the schedule of a run of ``epochs`` epochs: equal texts mean equal factors."""
        names = [name for name, kind in SCHEDULES.items() if kind is type(self) and self == kind()]
        text = names[0] if names else description(self)
        return f"{text} over {epochs} epochs" if self.needs_length else text


@dataclass(frozen=True)
class Constant(Schedule):
    """The learning rate does not change."""


@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine from 1 to 0 over the run.

    References
    ----------
    Loshchilov and Hutter, arXiv:1608.03983, without restarts.
    """

    needs_length: ClassVar[bool] = True

    def at_step(self, step: int, steps: int, steps_per_epoch: int) -> float:
        """Return the factor of a step."""
        return 0.5 * (1.0 + math.cos(math.pi * step / steps))


@dataclass(frozen=True)
class WarmRestarts(Schedule):
    """Half a cosine from 1 to 0, which starts again whenever it ends.

    Parameters
    ----------
    period : number of epochs of the first cosine
    growth : ratio of the lengths of one cosine and the one before

    References
    ----------
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", arXiv:1608.03983.
    """

    period: int = 10
    growth: int = 2

    def __post_init__(self) -> None:
        require(self, "period", least=1)
        require(self, "growth", least=1)

    def at_step(self, step: int, steps: int, steps_per_epoch: int) -> float:
        """Return the factor of a step."""
        length = self.period * steps_per_epoch
        while step >= length:
            step -= length
            length *= self.growth
        return 0.5 * (1.0 + math.cos(math.pi * step / length))


@dataclass(frozen=True)
class OneCycle(Schedule):
    """Half a cosine upwards from a small factor to 1, then one downwards to a smaller factor at the end of the run.

    Parameters
    ----------
    rise : share of the steps before the maximum, in (0, 1)
    start, end : factors at the beginning and at the end, in (0, 1)

    References
    ----------
    Smith and Topin, "Super-convergence", arXiv:1708.07120.
    """

    rise: float = 0.3
    start: float = 0.04
    end: float = 4e-6

    needs_length: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for name in ("rise", "start", "end"):
            require(self, name, above=0.0, below=1.0)

    def at_step(self, step: int, steps: int, steps_per_epoch: int) -> float:
        """Return the factor of a step."""
        last = max(steps - 1, 1)
        peak = self.rise * last
        if step <= peak:
            return _between(self.start, 1.0, step / peak)
        return _between(1.0, self.end, (step - peak) / (last - peak))


@dataclass(frozen=True)
class Plateau(Schedule):
    """A smaller learning rate whenever the validation score, or else the training loss, has not improved for a while.

    Parameters
    ----------
    factor : ratio of a learning rate and the one before, in (0, 1)
    patience : number of epochs without improvement that are waited for
    tol : minimum relative change that counts as an improvement
    least : minimum of the product of the factors
    """

    factor: float = 0.5
    patience: int = 5
    tol: float = 1e-4
    least: float = 1e-3

    def __post_init__(self) -> None:
        require(self, "factor", above=0.0, below=1.0)
        require(self, "patience", least=0)
        require(self, "tol", least=0.0)
        require(self, "least", least=0.0, below=1.0)

    def at_epoch(self, history: Sequence[EpochRecord]) -> float:
        """Return the factor of an epoch."""
        return self._reader()(history)

    def factors(self) -> Callable[[Sequence[EpochRecord]], float]:
        """Return `at_epoch` for one run, which reads each record once."""
        return self._reader() if type(self).at_epoch is Plateau.at_epoch else self.at_epoch

    def _reader(self) -> Callable[[Sequence[EpochRecord]], float]:
        read, best, stale, out = 0, -math.inf, 0, 1.0

        def after(history: Sequence[EpochRecord]) -> float:
            nonlocal read, best, stale, out
            for record in history[read:]:
                score = -record.loss if record.validation_score is None else record.validation_score
                if score > best + self.tol * abs(best) or best == -math.inf:
                    best, stale = score, 0
                    continue
                stale += 1
                if stale > self.patience:
                    out, stale = max(out * self.factor, self.least), 0
            read = len(history)
            return out

        return after


def _between(first: float, last: float, share: float) -> float:
    return last + 0.5 * (first - last) * (1.0 + math.cos(math.pi * share))


SCHEDULES: Mapping[str, Callable[..., Schedule]] = {
    "constant": Constant,
    "cosine": Cosine,
    "warm_restarts": WarmRestarts,
    "one_cycle": OneCycle,
    "plateau": Plateau,
}
"""Schedules by name."""


def get_schedule(schedule: str | Schedule) -> Schedule:
    """Return the schedule of a name, or the object itself.

    Raises
    ------
    UnknownNameError
        If the name is unknown; the nearest names are suggested.
    TypeError
        If ``schedule`` is neither a name nor a schedule.

    Examples
    --------
    >>> get_schedule("warm_restarts")
    WarmRestarts(period=10, growth=2)
    """
    return by_name("schedule", schedule, SCHEDULES, Schedule)
