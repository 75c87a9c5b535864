"""Matrices and vectors of 32-bit numbers: accepted as far as they are rounded, and then exact."""

import numpy as np
import pytest

from simulator import Circuit, GateError, Hermitian, NoiseError, ObservableError, gates
from simulator.noise import amplitude_damping, kraus
from tests.simulator.strategies import unitary

ROUNDED = 1e-6  # what 32 bits may change
EXACT = 1e-14

SINGLE = {
    "complex64": lambda size: unitary(size, size).astype(np.complex64),
    "float32": lambda size: np.linalg.qr(np.random.default_rng(size).normal(size=(size, size)).astype(np.float32))[0],
    "list": lambda size: list(unitary(size, size).astype(np.complex64)),
}


@pytest.mark.parametrize("size", [2, 4, 8, 64])
@pytest.mark.parametrize("kind", SINGLE)
def test_a_rounded_unitary_becomes_an_exact_one(kind, size):
    given = SINGLE[kind](size)
    made = Circuit(6).unitary(given, range(size.bit_length() - 1)).operations[0].gate
    np.testing.assert_allclose(made.unitary @ made.unitary.conj().T, np.eye(size), atol=EXACT)
    np.testing.assert_allclose(made.unitary, given, atol=ROUNDED)
    assert made.is_unitary


def test_many_of_them_keep_the_norm():
    circuit = Circuit(2).unitary(unitary(3, 4).astype(np.complex64), [0, 1]).repeat(1000)
    assert abs(np.linalg.norm(circuit.statevector()) - 1) < 1e-11


def test_numbers_that_32_bits_hold_are_kept():
    assert gates.Fixed("own", np.array([[0, 1], [1, 0]], np.float32)).under_standard_name() == gates.X
    exact = unitary(1, 4) * (1 + 4e-9)  # within the tolerance of double precision
    np.testing.assert_array_equal(gates.Fixed("own", exact).unitary, exact)


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_what_is_not_unitary_is_refused_in_both_precisions(dtype):
    allowed = "0.0001" if dtype == np.complex64 else "1e-08"
    with pytest.raises(GateError, match=rf"not unitary: .* = 0\.002 \(allowed {allowed}; check=False accepts it\)"):
        Circuit(1).unitary((unitary(1, 2) * 1.001).astype(dtype), 0)
    rounded = unitary(1, 2).astype(np.complex64).astype(complex)  # the type no longer tells
    with pytest.raises(GateError, match="allowed 1e-08"):
        Circuit(1).unitary(rounded, 0)


def test_amplitudes():
    amplitudes = unitary(7, 16)[:, 0].astype(np.complex64) * np.float32(1 + 1e-6)
    state = Circuit(4).initialize(amplitudes).statevector()
    assert abs(np.linalg.norm(state) - 1) < EXACT
    np.testing.assert_allclose(state, amplitudes, atol=1e-5)
    with pytest.raises(GateError, match=r"norm 1\.0000009\d*, expected 1"):
        Circuit(4).initialize(amplitudes.astype(complex))


def test_generators_and_observables():
    matrix = unitary(5, 4)
    hermitian = (matrix + matrix.conj().T).astype(np.complex64)
    hermitian[0, 1] += np.float32(2e-6)
    gate = gates.Rotation("own", hermitian)
    np.testing.assert_array_equal(gate.generator, gate.generator.conj().T)
    np.testing.assert_allclose(gate.matrix(0.7) @ gate.matrix(-0.7), np.eye(4), atol=EXACT)
    state = unitary(6, 4)[:, 0]
    found = Circuit(2).initialize(state).expectation(Hermitian(hermitian, [0, 1]))
    assert abs(found - np.vdot(state, hermitian @ state).real) < ROUNDED
    for refused, error in ((gates.Rotation, GateError), (lambda _, m: Hermitian(m, [0, 1]), ObservableError)):
        with pytest.raises(error, match="not Hermitian"):
            refused("own", hermitian.astype(complex))


def test_channels():
    operators = amplitude_damping(0.3).kraus.astype(np.complex64)
    channel = kraus(operators)
    total = np.einsum("mba,mbc->ac", channel.kraus.conj(), channel.kraus)
    np.testing.assert_allclose(total, np.eye(2), atol=EXACT)
    np.testing.assert_allclose(channel.kraus, operators, atol=ROUNDED)
    with pytest.raises(NoiseError, match=r"not complete.*allowed 0\.0001"):
        kraus(operators * np.float32(1.001))
