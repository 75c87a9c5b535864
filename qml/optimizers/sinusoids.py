"""Minima of trigonometric polynomials that are known from their values at a few shifts."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from simulator.calculations.input_shifts import interpolation, sums_of_frequencies

POINTS = 16  # number of grid points per shortest period in the search for the lowest minimum
NEWTON_STEPS = 6


class Sinusoid:
    """Trigonometric polynomial in one angle with given frequencies; one without frequencies has no `minimum`.

    Parameters
    ----------
    spectrum : tuple of float
        Positive frequencies of a circuit's outputs in the angle, in ascending order.
    degree : int
        Degree of the loss as a polynomial of the outputs.

    Attributes
    ----------
    shifts : float ndarray, shape (2 * n_frequencies + 1,)
        Shifts of the angle at which values determine the polynomial; the first is 0.
    """

    def __init__(self, spectrum: tuple[float, ...], degree: int) -> None:
        self.frequencies = sums_of_frequencies(np.array(spectrum), degree)
        self.shifts, self._matrix = interpolation(self.frequencies)
        if not len(self.frequencies):
            return
        spacing = float(np.diff(self.frequencies, prepend=0.0).min())
        count = 2 * math.ceil(POINTS * self.frequencies[-1] / spacing)
        self._grid = np.linspace(-math.pi / spacing, math.pi / spacing, count, endpoint=False)
        self._basis = self._terms(self._grid, 0)

    def minimum(self, values: np.ndarray) -> tuple[float, float]:
        """Return the shift of the lowest minimum and the value there, for values at ``shifts``."""
        coefficients = self._matrix @ values
        if len(self.frequencies) == 1:
            constant, cosine, sine = coefficients.tolist()
            return math.atan2(-sine, -cosine) / float(self.frequencies[0]), constant - math.hypot(cosine, sine)
        place = float(self._grid[(coefficients @ self._basis).argmin()])
        for _ in range(NEWTON_STEPS):
            slope, curvature = (float(coefficients @ self._terms(np.array([place]), order)[:, 0]) for order in (1, 2))
            if curvature <= 0:
                break
            place -= slope / curvature
        return place, float(coefficients @ self._terms(np.array([place]), 0)[:, 0])

    def _terms(self, places: np.ndarray, order: int) -> np.ndarray:
        """Derivatives of 1, of the cosines and of the sines at places, shape (2 * n_frequencies + 1, n_places)."""
        angles = np.outer(self.frequencies, places) + order * math.pi / 2  # a derivative is a quarter of a period
        factors = self.frequencies[:, None] ** order
        constant = np.full((1, len(places)), 0.0 if order else 1.0)
        return np.concatenate([constant, factors * np.cos(angles), factors * np.sin(angles)])


sinusoid = lru_cache(maxsize=256)(Sinusoid)
"""Polynomial of a spectrum and a degree, made once."""


def parabola_minimum(below: float, here: float, above: float, step: float, farthest: float) -> tuple[float, float]:
    """Return the shift of the minimum of a parabola, and its value, from values at -step, 0 and step.

    Without a minimum within ``farthest``, the shift ends there, downhill.
    """
    slope, curvature = (above - below) / (2 * step), (above - 2 * here + below) / step**2
    if curvature > 0 and abs(slope) <= farthest * curvature:
        return -slope / curvature, here - slope**2 / (2 * curvature)
    shift = -math.copysign(farthest, slope) if slope else 0.0
    return shift, here + slope * shift + 0.5 * curvature * shift**2
