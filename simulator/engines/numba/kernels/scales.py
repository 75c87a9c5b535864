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
def by_weights(X, by_outputs, by_scales, by_offsets):
    """Add the derivatives by scales and offsets, summed over the samples."""
    n_samples, n_inputs = X.shape
    for i in range(n_samples):
        j = 0
        for k in range(len(by_scales)):
            by_scales[k] += by_outputs[i, k] * X[i, j]
            by_offsets[k] += by_outputs[i, k]
            j = j + 1 if j + 1 < n_inputs else 0


@bridged
def by_inputs(scales, by_outputs, by_inputs):
    """Fill the derivatives by the inputs, shape (n_samples, n_inputs)."""
    n_inputs = by_inputs.shape[1]
    for i in range(len(by_inputs)):
        for j in range(n_inputs):
            total = 0.0
            for k in range(j, len(scales), n_inputs):
                total += by_outputs[i, k] * scales[k]
            by_inputs[i, j] = total
