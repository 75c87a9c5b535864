"""Derivatives by shifts of a parameter: frequencies against a Fourier transform, the rule against trigonometry."""

import numpy as np
import pytest

from simulator import Circuit, Parameter, Z, gates
from simulator.calculations.input_shifts import MOST_FREQUENCIES, derivative_rule, frequencies
from simulator.errors import ParameterError, QumbaError

ROUNDING = 1e-13  # relative to the square of the largest frequency, times the number of terms

SPECTRA = {
    "one": [1.0],
    "half": [0.5, 1.0],
    "equal steps": np.arange(1, 9),
    "scaled": 0.3 * np.arange(1, 6),
    "gap": [1.0, 3.0],
    "powers": [1, 2, 3, 4, 6, 8, 9, 10, 11, 12, 13],
    "incommensurate": [np.sqrt(2), np.pi, 5.1],
    "close": [1.0, 1.01],
    "many": np.arange(1, MOST_FREQUENCIES + 1),
}


@pytest.mark.parametrize("name", SPECTRA)
def test_the_rule_differentiates_trigonometric_polynomials(name):
    spectrum = np.array(SPECTRA[name], float)
    rng = np.random.default_rng(2)
    a, b, constant, t = *rng.normal(size=(2, len(spectrum))), 0.7, 0.37
    shifts, weights = derivative_rule(spectrum)
    assert shifts.shape == (2 * len(spectrum) + 1,)
    assert shifts[0] == 0
    angles = np.outer(t + shifts, spectrum)
    values = constant + np.cos(angles) @ a + np.sin(angles) @ b
    cosines, sines = np.cos(t * spectrum), np.sin(t * spectrum)
    expected = [np.sum(spectrum * (b * cosines - a * sines)), -np.sum(spectrum**2 * (a * cosines + b * sines))]
    tolerance = ROUNDING * len(spectrum) * max(1, spectrum[-1]) ** 2
    if name == "close":
        tolerance *= 100  # one shift of half a beat apart
    np.testing.assert_allclose(weights @ values, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", SPECTRA)
def test_weights_stay_near_the_least_possible(name):
    """The first derivative of a polynomial bounded by 1 is at most the largest frequency (Bernstein's inequality)."""
    spectrum = np.array(SPECTRA[name], float)
    _, weights = derivative_rule(spectrum)
    amplification = np.abs(weights).sum(axis=1) / [spectrum[-1], spectrum[-1] ** 2]
    assert (amplification < 5).all()


def test_no_frequencies():
    shifts, weights = derivative_rule(np.empty(0))
    assert (shifts.tolist(), weights.tolist()) == ([0], [[0], [0]])


x, y = Parameter("x"), Parameter("y")
HERMITIAN = np.array([[1.0, 0.5], [0.5, -1.5]])

CIRCUITS = {
    "one gate": (Circuit(1).ry(x, 0), [1]),
    "two gates": (Circuit(2).ry(x, 0).rx(y, 0).cx(0, 1).rx(x, 1), [1, 2]),
    "factors": (Circuit(2).ry(-2 * x + 0.4, 0).cx(0, 1).rx(0.5 * x + y, 1), [0.5, 1.5, 2, 2.5]),
    "controlled": (Circuit(2).h(0).crx(x, 0, 1).ry(0.3, 1), [0.5, 1]),
    "phase": (Circuit(1).h(0).p(x, 0).h(0), [1]),
    "composite": (Circuit(1).u(x, 0.2, 2 * x, 0), [1, 2, 3]),
    "strings": (Circuit(3).append(gates.PauliRotation("XZY")(x, 0, 1, 2), gates.PauliRotation("ZZ")(x, 0, 1)), [1, 2]),
    "generator": (Circuit(1).append(gates.Rotation("g", HERMITIAN)(x, 0)), [np.sqrt(2.5**2 + 1)]),
    "elsewhere": (Circuit(1).ry(y, 0), []),
}


@pytest.mark.parametrize("name", CIRCUITS)
def test_frequencies(name):
    circuit, expected = CIRCUITS[name]
    np.testing.assert_allclose(frequencies(circuit, x), expected, rtol=1e-9)


@pytest.mark.parametrize("name", ["one gate", "two gates", "factors", "controlled", "phase", "composite", "strings"])
def test_a_fourier_transform_sees_no_other_frequencies(name):
    circuit, expected = CIRCUITS[name]
    size = 64
    grid = 4 * np.pi * np.arange(size) / size  # all frequencies are multiples of 1/2
    values = np.column_stack([grid if p is x else np.full(size, 0.7) for p in circuit.parameters])
    q = circuit.num_qubits - 1
    spectrum = np.abs(np.fft.rfft(circuit.expectation([Z(0), Z(q)], values), axis=0)).max(axis=1) / size
    seen = np.flatnonzero(spectrum > 1e-12)[1:] if spectrum[0] > 1e-12 else np.flatnonzero(spectrum > 1e-12)
    assert set(seen / 2) <= set(np.array(expected, float))


def test_the_shift_rule_of_a_gate_follows_from_its_frequencies():
    for gate in (gates.RX, gates.RX.controlled(), gates.PauliRotation("XZ"), gates.PauliRotation("XZ").controlled()):
        dense = gates.Rotation("dense", gate.generator, controls=gate.controls)
        np.testing.assert_array_equal(gate.frequencies, dense.frequencies)
        np.testing.assert_array_equal(gate.shift_rule, dense.shift_rule)
    assert not len(gates.PauliRotation("II").frequencies)
    assert gates.PauliRotation("X" * 40).frequencies.tolist() == [1.0]


def test_errors():
    with pytest.raises(QumbaError, match="need rotations; amplitude_encoding, which is not one, depends on x"):
        frequencies(Circuit(1).append(gates.AmplitudeEncoding(1)(x, y, 0)), x)
    circuit = Circuit(1)
    for k in range(5):
        circuit = circuit.rx(4.0**k * x, 0)
    with pytest.raises(ParameterError, match="more than 128 frequencies in x"):
        frequencies(circuit.rx(4.0**5 * x, 0), x)
    with pytest.raises(ParameterError, match="frequencies 1e-06 apart cannot be told apart beside one of 1"):
        derivative_rule(np.array([1.0, 1.000001]))
