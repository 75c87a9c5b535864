"""Activations: the value at each entry and, beside it, the derivative.

Each kernel takes entries ``x``, shape (n,), and fills ``values`` and ``slopes`` of that shape.
"""

from __future__ import annotations

import math

from simulator.engines.numba.jit import bridged


@bridged
def tanh(x, values, slopes):
    """Hyperbolic tangent."""
    for i in range(len(x)):
        value = math.tanh(x[i])
        values[i], slopes[i] = value, 1.0 - value * value


@bridged
def relu(x, values, slopes):
    """``max(x, 0)``, with a slope of 0 at 0; NaN stays NaN."""
    for i in range(len(x)):
        values[i], slopes[i] = x[i], 1.0
        if x[i] <= 0.0:
            values[i] = slopes[i] = 0.0


@bridged
def sigmoid(x, values, slopes):
    """``1 / (1 + exp(-x))``, without overflow."""
    for i in range(len(x)):
        decay = math.exp(-abs(x[i]))
        value = 1.0 / (1.0 + decay) if x[i] >= 0.0 else decay / (1.0 + decay)
        values[i], slopes[i] = value, value * (1.0 - value)


@bridged
def arctan(low, high, x, values, slopes):
    """``(low + high) / 2 + (high - low) / pi * arctan(x)``."""
    middle, scale = (low + high) / 2.0, (high - low) / math.pi
    for i in range(len(x)):
        values[i], slopes[i] = middle + scale * math.atan(x[i]), scale / (1.0 + x[i] * x[i])


@bridged
def chain(by_values, slopes, by_entries):
    """Derivatives by the entries from those by the values."""
    for i in range(len(slopes)):
        by_entries[i] = by_values[i] * slopes[i]
