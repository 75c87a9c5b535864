"""Coordinate descent: the exact minimum along each angle, from a sinusoidal fit of the loss."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qml.optimizers.objective import Objective, Rows, spectra_of
from qml.optimizers.sinusoids import Sinusoid, parabola_minimum, sinusoid
from qml.optimizers.stepwise import Optimizer, State, require

FARTHEST = 10.0  # maximum distance to the minimum of a parabola, in multiples of its step

Fit = Sinusoid | None


@dataclass(frozen=True)
class CoordinateDescent(Optimizer):
    """Base of the optimizers that minimise along one weight after another, a sweep over all weights in a step."""

    learning_rate: float = 1.0
    degree: int = 1
    parabola_step: float = 0.1

    uses_gradient: ClassVar[bool] = False
    chooses_steps: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "degree", least=1, below=9)
        require(self, "parabola_step", above=0.0)

    def init(self, weights: np.ndarray) -> State:
        """Return an empty state."""
        return {}

    def measure(
        self, state: State, weights: np.ndarray, objective: Objective, rows: Rows, seed: Sequence[int]
    ) -> tuple[State, float, np.ndarray]:
        """Minimise along every weight; the result is the displacement from the end of the sweep."""
        loss = float(objective.value(weights, rows))
        moved = self._sweep(lambda point: float(objective.value(point, rows)), weights, loss, self._fits(objective))
        return state, loss, weights - moved

    def step(self, state: State, weights: np.ndarray, gradient: np.ndarray) -> tuple[State, np.ndarray]:
        """Move to the end of the sweep, or the share ``learning_rate`` of the way."""
        return state, weights - self.learning_rate * gradient

    @abstractmethod
    def _sweep(
        self, value: Callable[[np.ndarray], float], weights: np.ndarray, loss: float, fits: Sequence[Fit]
    ) -> np.ndarray:
        """Return the weights after one sweep from ``weights``, where the loss is ``loss``."""

    def _fits(self, objective: Objective) -> list[Fit]:
        spectra = spectra_of(objective)
        return [None if s is None else sinusoid(tuple(s.tolist()), int(self.degree)) for s in spectra]

    def _line(
        self, value: Callable[[np.ndarray], float], weights: np.ndarray, k: int, loss: float, fit: Fit
    ) -> tuple[float, float, list[tuple[float, float]]]:
        """Fit the loss along weight k; return the shift of its minimum, the value there, and the measured points."""
        shifts = [-self.parabola_step, self.parabola_step] if fit is None else fit.shifts[1:].tolist()
        points = []
        for shift in shifts:
            moved = weights.copy()
            moved[k] += shift
            points.append((shift, value(moved)))
        values = [measured for _, measured in points]
        if fit is None:
            below, above = values
            shift, lowest = parabola_minimum(below, loss, above, self.parabola_step, FARTHEST * self.parabola_step)
        else:
            shift, lowest = fit.minimum(np.array([loss, *values]))
        return shift, lowest, points


@dataclass(frozen=True)
class Rotosolve(CoordinateDescent):
    """Rotosolve: each weight in turn moves to the minimum of the loss along it, in closed form.

    Along an angle, an expectation value is a sum of sinusoids with R known frequencies, and a polynomial of expectation
    values is one with more: 2 R values beside the current one determine it. The minimum is measured, and the weight
    moves to the lowest of all measured points, so that a loss that is not such a polynomial does not rise either,
    unless it is noisy. Weights that are not angles, as those of dense layers, move to the minimum of a parabola.

    The method chooses its steps: learning rates of estimators, and schedules, do not apply to it. A step is one sweep
    over all weights; ``gradient_norm`` in the history is its length.

    Parameters
    ----------
    learning_rate : share of the way to the end of the sweep
    degree : degree of the loss as a polynomial of the circuit's outputs, such as 2 for a squared error
    parabola_step : distance between the values to which a parabola is fitted

    References
    ----------
    Ostaszewski, Grant, Benedetti, arXiv:1905.09692. For any spectrum: Wierichs, Izaac, Wang, Lin, arXiv:2107.12390.
    """

    def evaluations(self, spectra: Sequence[np.ndarray | None]) -> int:
        """Two for each frequency and one at the minimum, for each weight, and one at the beginning."""
        return 1 + sum(_values(spectrum, int(self.degree)) + 1 for spectrum in spectra if _varies(spectrum))

    def _sweep(
        self, value: Callable[[np.ndarray], float], weights: np.ndarray, loss: float, fits: Sequence[Fit]
    ) -> np.ndarray:
        weights = weights.copy()
        for k, fit in enumerate(fits):
            if fit is not None and not len(fit.frequencies):
                continue
            shift, _, points = self._line(value, weights, k, loss, fit)
            moved = weights.copy()
            moved[k] += shift
            shift, lowest = min([*points, (0.0, loss), (shift, value(moved))], key=lambda point: point[1])
            weights[k] += shift
            loss = lowest
        return weights


@dataclass(frozen=True)
class NFT(CoordinateDescent):
    """Nakanishi-Fujii-Todo: Rotosolve that takes the value at a minimum from the fit instead of measuring it.

    That saves one value per weight, of three for an angle with one frequency. The error that this adds up is removed by
    measuring the current value again after every ``reset_interval`` weights. The loss must be a polynomial of the given
    degree of expectation values.

    Parameters
    ----------
    learning_rate, degree, parabola_step : as in `Rotosolve`
    reset_interval : number of weights after which the current value is measured

    References
    ----------
    Nakanishi, Fujii, Todo, arXiv:1903.12166.
    """

    reset_interval: int = 32

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "reset_interval", least=1)

    def evaluations(self, spectra: Sequence[np.ndarray | None]) -> int:
        """Two for each frequency of each weight, one at the beginning and one for each reset."""
        varying = [spectrum for spectrum in spectra if _varies(spectrum)]
        resets = (len(varying) - 1) // int(self.reset_interval) if varying else 0
        return 1 + resets + sum(_values(spectrum, int(self.degree)) for spectrum in varying)

    def _sweep(
        self, value: Callable[[np.ndarray], float], weights: np.ndarray, loss: float, fits: Sequence[Fit]
    ) -> np.ndarray:
        weights, count = weights.copy(), 0
        for k, fit in enumerate(fits):
            if fit is not None and not len(fit.frequencies):
                continue
            if count and count % int(self.reset_interval) == 0:
                loss = value(weights)
            shift, loss, _ = self._line(value, weights, k, loss, fit)
            weights[k] += shift
            count += 1
        return weights


def _varies(spectrum: np.ndarray | None) -> bool:
    return spectrum is None or len(spectrum) > 0


def _values(spectrum: np.ndarray | None, degree: int) -> int:
    return 2 if spectrum is None else len(sinusoid(tuple(spectrum.tolist()), degree).shifts) - 1
