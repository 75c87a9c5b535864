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


@pytest.mark.parametrize("noise", [None, NoiseModel()])
def test_products_of_amplitudes_and_their_derivatives(noise):
    """Copies of the same amplitudes, one of them scaled, and fixed amplitudes, on qubits that are not in order."""
    a = ParameterVector("a", 4)
    circuit = (
        Circuit(7)
        .initialize(list(a), [5, 1])
        .initialize([0.6, 0.8j], [3])
        .initialize(list(a), [0, 4])
        .initialize([2.0 * a[0] + a[1], a[0]], [6])
    )
    values = np.array([VECTOR, [0.3, -1.2, 0.5, 0.1]])
    rotated = circuit.h(0).ry(0.4, 1).cx(1, 4).cx(4, 6).ry(0.3, 6)

    def state(row):
        pair, last = row / np.linalg.norm(row), np.array([2 * row[0] + row[1], row[0]])
        last = last / np.linalg.norm(last)
        out = np.zeros(128, complex)
        for index in range(128):
            bit = [index >> q & 1 for q in range(7)]
            out[index] = pair[bit[5] + 2 * bit[1]] * [0.6, 0.8j][bit[3]] * pair[bit[0] + 2 * bit[4]] * last[bit[6]]
        return out * (1 - (np.arange(128) >> 2 & 1))

    np.testing.assert_allclose(circuit.statevector(values), [state(row) for row in values], atol=1e-12)
    observable, step = Z(0) @ Z(6) + Z(1), 1e-6
    computed = rotated.gradient(observable, values, **({} if noise is None else {"noise": noise}))
    for k in range(4):
        moved = [rotated.expectation(observable, values + sign * step * np.eye(4)[k]) for sign in (1, -1)]
        np.testing.assert_allclose(computed[:, k], (moved[0] - moved[1]) / (2 * step), atol=1e-7)


def test_amplitudes_of_noisy_trajectories_are_not_taken_for_angles():
    a = ParameterVector("a", 4)
    circuit, settings = Circuit(2).initialize(list(a)).rx(0.3, 0), {"trajectories": 50, "seed": 0}
    settings["noise"] = NoiseModel(after_1q=bit_flip(0.2))
    expected = circuit.expectation(Z(0), VECTOR, **settings)
    assert circuit.expectation(Z(0), 1e160 * VECTOR, **settings) == pytest.approx(expected, abs=1e-12)
