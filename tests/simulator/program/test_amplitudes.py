"""Amplitudes that are normalised: of any magnitude, for squares must neither overflow nor vanish."""

import numpy as np
import pytest

from simulator import Circuit, NoiseModel, ParameterError, ParameterVector, Z
from simulator.noise import bit_flip

VECTOR = np.array([1.0, 2.0, -3.0, 4.0])


@pytest.mark.parametrize("scale", [1e-320, 1e-300, 1e-170, 1e-160, 1.0, 1e160, 1e300, 4e307])
def test_amplitudes_of_any_magnitude_are_normalised(scale):
    a = ParameterVector("a", 4)
    expected = VECTOR / np.linalg.norm(VECTOR)
    tolerance = 1e-12 if scale > 1e-308 else 1e-3  # the smallest numbers have few digits
    encoding, values = Circuit(2).initialize(list(a)), VECTOR * scale
    states = [
        Circuit(2).initialize(values, normalize=True).statevector(),
        Circuit(2).initialize(1j * values, normalize=True).statevector() / 1j,
        encoding.statevector(values),
        encoding.statevector(np.array([values, VECTOR]))[0],
        encoding.bind(values).statevector(),
    ]
    for state in states:
        np.testing.assert_allclose(state, expected, atol=tolerance)
    rho = encoding.density_matrix(values)
    np.testing.assert_allclose(rho, np.outer(expected, expected), atol=tolerance)
    if 1e-300 <= scale <= 1e300:
        plain = encoding.gradient(Z(0), VECTOR)
        np.testing.assert_allclose(encoding.gradient(Z(0), values) * scale, plain, atol=1e-12)
        np.testing.assert_allclose(encoding.gradient(Z(0), values, noise=NoiseModel()) * scale, plain, atol=1e-12)


def test_amplitudes_that_are_all_zero_are_still_refused():
    a = ParameterVector("a", 4)
    with pytest.raises(ValueError, match="all amplitudes are zero"):
        Circuit(2).initialize(np.zeros(4), normalize=True)
    with pytest.raises(ParameterError, match="row 1 is"):
        Circuit(2).initialize(list(a)).statevector(np.array([VECTOR, 0 * VECTOR, 1e-200 * VECTOR]))


def test_amplitudes_of_noisy_trajectories_are_not_taken_for_angles():
    a = ParameterVector("a", 4)
    circuit, settings = Circuit(2).initialize(list(a)).rx(0.3, 0), {"trajectories": 50, "seed": 0}
    settings["noise"] = NoiseModel(after_1q=bit_flip(0.2))
    expected = circuit.expectation(Z(0), VECTOR, **settings)
    assert circuit.expectation(Z(0), 1e160 * VECTOR, **settings) == pytest.approx(expected, abs=1e-12)
