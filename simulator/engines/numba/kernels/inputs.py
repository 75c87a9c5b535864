"""Derivatives with respect to the inputs of samples."""

from __future__ import annotations

from simulator.engines.numba.jit import bridged


@bridged
def by_inputs(columns, rows, factors, by_sample, out):
    """``out[i, columns[e]] = sum_e factors[e] by_sample[i, rows[e]]``, from derivatives by the slots of each sample."""
    for i in range(len(out)):
        for k in range(out.shape[1]):
            out[i, k] = 0.0
        for e in range(len(columns)):
            out[i, columns[e]] += factors[e] * by_sample[i, rows[e]]
