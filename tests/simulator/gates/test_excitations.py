"""Excitations against PennyLane's matrices, whose first wire is the most significant bit."""

import numpy as np
import pytest

from simulator import Circuit, Z, gates

EQUAL = 1e-14


def reversed_qubits(matrix):
    n = matrix.shape[0].bit_length() - 1
    return matrix.reshape((2,) * (2 * n)).transpose([*range(n)[::-1], *range(n, 2 * n)[::-1]]).reshape(matrix.shape)


@pytest.mark.parametrize("angle", [0.0, 0.7, -2.5])
def test_matrices(angle):
    qml = pytest.importorskip("pennylane")
    for gate, theirs in (
        (gates.SINGLE_EXCITATION, qml.SingleExcitation),
        (gates.DOUBLE_EXCITATION, qml.DoubleExcitation),
    ):
        matrix = theirs.compute_matrix(angle)
        circuit = Circuit(gate.num_qubits, [gate(angle, *range(gate.num_qubits))])
        np.testing.assert_allclose(circuit.to_matrix(), reversed_qubits(matrix), rtol=0, atol=EQUAL)


def test_the_number_of_ones_is_kept_and_the_gradient_follows_from_the_generator():
    circuit = Circuit(4).x(0).x(1).append(gates.DOUBLE_EXCITATION(0.4, 0, 1, 2, 3), gates.SINGLE_EXCITATION(1.1, 1, 2))
    ones = sum(0.5 - 0.5 * Z(q) for q in range(4))
    assert circuit.expectation(ones) == pytest.approx(2, abs=EQUAL)
