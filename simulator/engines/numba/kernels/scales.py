"""Trained scales and offsets: ``outputs[i, c * n_inputs + j] = scales[...] * X[i, j] + offsets[...]`` for copies c."""

from __future__ import annotations

from simulator.engines.numba.jit import bridged


@bridged
def outputs(X, scales, offsets, out):
    """Fill ``out``, shape (n_samples, n_outputs)."""
    n_samples, n_inputs = X.shape
    for i in range(n_samples):
        j = 0
        for k in range(len(scales)):
            out[i, k] = X[i, j] * scales[k] + offsets[k]
            j = j + 1 if j + 1 < n_inputs else 0


@bridged
def derivatives(X, scales, by_outputs, by_scales, by_offsets, by_inputs):
    """Add the derivatives by scales and offsets, and fill those by the inputs, which may be empty."""
    n_samples, n_inputs = X.shape
    for i in range(n_samples):
        j = 0
        for k in range(len(scales)):
            by_scales[k] += by_outputs[i, k] * X[i, j]
            by_offsets[k] += by_outputs[i, k]
            j = j + 1 if j + 1 < n_inputs else 0
    for i in range(len(by_inputs)):
        for j in range(n_inputs):
            total = 0.0
            for k in range(j, len(scales), n_inputs):
                total += by_outputs[i, k] * scales[k]
            by_inputs[i, j] = total
