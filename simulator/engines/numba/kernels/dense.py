"""A small dense layer, for which calling a matrix product takes longer than computing it; sums are in order."""

from __future__ import annotations

from simulator.engines.numba.jit import kernel


@kernel
def affine(X, factors, bias, outputs):
    """``outputs[i, k] = sum_j X[i, j] factors[k, j] + bias[k]``; an empty ``bias`` is left out."""
    for i in range(len(X)):
        for k in range(len(factors)):
            total = 0.0
            for j in range(X.shape[1]):
                total += X[i, j] * factors[k, j]
            outputs[i, k] = total + bias[k] if len(bias) else total


@kernel
def affine_back(X, factors, d_outputs, d_factors, d_bias, d_X):
    """Add the derivatives by factors and bias, and write those by X; an empty ``d_bias`` or ``d_X`` is left out."""
    for i in range(len(X)):
        if len(d_X):
            for j in range(X.shape[1]):
                d_X[i, j] = 0.0
        for k in range(len(factors)):
            slope = d_outputs[i, k]
            if len(d_bias):
                d_bias[k] += slope
            for j in range(X.shape[1]):
                d_factors[k, j] += slope * X[i, j]
            if len(d_X):
                for j in range(X.shape[1]):
                    d_X[i, j] += slope * factors[k, j]
