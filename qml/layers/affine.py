"""What layers that are affine in their weights do in compiled steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.layers.trait import LayerCalls, RestCalls
from simulator.engines.host import loops

__all__ = ["affine_calls"]

Array = NDArray[np.float64]


def affine_calls(
    kernels: Any, X: Array, d_X: Array | None, parts: tuple[Array, Array], d_parts: tuple[Array, Array], rest: RestCalls
) -> LayerCalls | None:
    """Return `Layer.calls` of a layer with factors and offsets.

    Parameters
    ----------
    kernels : module
        ``outputs(X, factors, offsets, out)``, ``by_inputs(factors, d_outputs, d_X)``, both row by row, and
        ``by_weights(X, d_outputs, d_factors, d_offsets)``, which adds sums over the rows.
    X, d_X, rest
        As of `Layer.calls`.
    parts, d_parts : tuple of ndarray
        Factors, as many rows of them as outputs, and offsets; and the derivatives with respect to them.
    """
    n_samples, factors = len(X), parts[0]
    outputs, d_outputs = np.empty((n_samples, len(factors))), np.empty((n_samples, len(factors)))
    calls = rest(outputs, d_outputs)
    if calls is None:
        return None
    forward = loops.Call(kernels.outputs, X, *parts, outputs, rows=n_samples, of_rows=(X, outputs))
    backward = []
    if d_X is not None:
        of_rows = d_outputs, d_X
        backward.append(loops.Call(kernels.by_inputs, factors, *of_rows, rows=n_samples, of_rows=of_rows))
    sums = loops.Call(kernels.by_weights, X, d_outputs, *d_parts)
    return calls.around([forward], backward, after=[sums])
