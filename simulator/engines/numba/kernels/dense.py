"""Small dense layers: ``outputs = X @ factors.T + bias``, and back.

Each sum is taken in the order of its terms, so that the outputs of a row are the same in any batch.
"""

from __future__ import annotations

from simulator.engines.numba.jit import bridged


@bridged
def outputs(X, factors, bias, out):
    """Fill ``out``, shape (n_samples, n_outputs); ``bias`` may be empty."""
    n_samples, n_inputs = X.shape
    for i in range(0, n_samples, 4):  # four sums, which need not wait for each other
        a, b, c, d = i, min(i + 1, n_samples - 1), min(i + 2, n_samples - 1), min(i + 3, n_samples - 1)
        for k in range(len(factors)):
            first = second = third = fourth = 0.0
            for j in range(n_inputs):
                factor = factors[k, j]
                first += X[a, j] * factor
                second += X[b, j] * factor
                third += X[c, j] * factor
                fourth += X[d, j] * factor
            shift = bias[k] if len(bias) else 0.0
            out[a, k] = first + shift
            out[b, k] = second + shift
            out[c, k] = third + shift
            out[d, k] = fourth + shift


@bridged
def by_weights(X, by_outputs, by_factors, by_bias):
    """Add the derivatives by factors and bias, summed over the samples; ``by_bias`` may be empty."""
    n_samples, n_inputs = X.shape
    for k in range(len(by_factors)):
        for i in range(n_samples):
            slope = by_outputs[i, k]
            for j in range(n_inputs):
                by_factors[k, j] += slope * X[i, j]
            if len(by_bias):
                by_bias[k] += slope


@bridged
def by_inputs(factors, by_outputs, by_inputs):
    """Fill the derivatives by the inputs, shape (n_samples, n_inputs)."""
    n_inputs = factors.shape[1]
    for i in range(len(by_inputs)):
        for j in range(n_inputs):
            by_inputs[i, j] = by_outputs[i, 0] * factors[0, j]
        for k in range(1, len(factors)):
            for j in range(n_inputs):
                by_inputs[i, j] += by_outputs[i, k] * factors[k, j]
