"""A noisy sweep's derivatives against central differences of its expectations."""

import numpy as np

from simulator.noise import adjoint_sweep, expectations


def check_sweep(program, inputs, weights, cotangent, given=None):
    """``given`` is what the sweep gets for the cotangent (samples, observables), if not that array itself."""
    given = cotangent if given is None else given
    values, by_weights, by_inputs = adjoint_sweep(program, inputs, weights, given, inputs=True)
    np.testing.assert_allclose(values, expectations(program, inputs, weights), atol=1e-12)
    step = 1e-5
    for k in range(len(weights)):
        moved = step * np.eye(len(weights))[k]
        difference = expectations(program, inputs, weights + moved) - expectations(program, inputs, weights - moved)
        assert abs((difference * cotangent).sum() / (2 * step) - by_weights[k]) < 1e-8
    difference = expectations(program, inputs + step, weights) - expectations(program, inputs - step, weights)
    np.testing.assert_allclose((difference * cotangent).sum(axis=1) / (2 * step), by_inputs[:, 0], atol=1e-8)
