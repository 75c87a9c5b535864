"""Ansätze against PennyLane's templates, as matrices."""

import numpy as np
import pytest

pennylane = pytest.importorskip("pennylane")

from qml.ansatze import (  # noqa: E402
    MERA,
    MPS,
    TTN,
    ParticleConservingU1,
    ParticleConservingU2,
    RandomLayers,
    SimplifiedTwoDesign,
    ansatz_circuit,
)
from simulator.parameters import ParameterVector  # noqa: E402

ROUNDING = 1e-12


def matrix_of(operations, num_qubits):
    """Matrix of PennyLane's operations with its first wire as the last bit of the index, as in Qiskit."""
    out = np.eye(1 << num_qubits)
    for operation in operations:
        out = pennylane.matrix(operation, wire_order=list(reversed(range(num_qubits)))) @ out
    return out


def assert_same(ansatz, num_qubits, num_layers, weights, operations):
    ours = ansatz_circuit(ansatz, num_qubits, num_layers).to_matrix(np.ravel(weights))
    np.testing.assert_allclose(ours, matrix_of(operations, num_qubits), atol=ROUNDING)


def drawn(*shape):
    return np.random.default_rng(0).uniform(-3, 3, shape)


@pytest.mark.parametrize("num_qubits", [2, 3, 4, 5])
@pytest.mark.parametrize("num_layers", [1, 2])
class TestLayers:
    def test_simplified_two_design(self, num_qubits, num_layers):
        first, weights = drawn(num_qubits), drawn(num_layers, num_qubits - 1, 2)
        operations = pennylane.SimplifiedTwoDesign.compute_decomposition(first, weights, range(num_qubits))
        both = np.concatenate([first, weights.ravel()])
        assert_same(SimplifiedTwoDesign(), num_qubits, num_layers, both, operations)

    def test_particle_conserving_u1(self, num_qubits, num_layers):
        weights, empty = drawn(num_layers, num_qubits - 1, 2), np.zeros(num_qubits, int)
        operations = pennylane.ParticleConservingU1.compute_decomposition(weights, range(num_qubits), empty)
        assert_same(ParticleConservingU1(), num_qubits, num_layers, weights, operations[1:])

    def test_particle_conserving_u2(self, num_qubits, num_layers):
        weights, empty = drawn(num_layers, 2 * num_qubits - 1), np.zeros(num_qubits, int)
        operations = pennylane.ParticleConservingU2.compute_decomposition(weights, range(num_qubits), empty)
        assert_same(ParticleConservingU2(), num_qubits, num_layers, weights, operations[1:])

    @pytest.mark.parametrize(
        ("ansatz", "rotations", "entangler"),
        [
            (RandomLayers(), ("RX", "RY", "RZ"), "CNOT"),
            (RandomLayers(5, 0.6, ("ry", "rx"), "cz", seed=7), ("RY", "RX"), "CZ"),
        ],
        ids=str,
    )
    def test_random_layers_of_the_same_seed(self, ansatz, rotations, entangler, num_qubits, num_layers):
        weights = drawn(num_layers, ansatz.num_rotations or num_qubits)
        operations = pennylane.RandomLayers.compute_decomposition(
            weights,
            range(num_qubits),
            ratio_imprim=ansatz.ratio,
            imprimitive=getattr(pennylane, entangler),
            rotations=[getattr(pennylane, name) for name in rotations],
            seed=ansatz.seed,
        )
        assert_same(ansatz, num_qubits, num_layers, weights, operations)


def so4(weights, wires):
    for k in (0, 2, 4):
        pennylane.RY(weights[k], wires[0])
        pennylane.RY(weights[k + 1], wires[1])
        if k < 4:
            pennylane.CNOT(wires)


@pytest.mark.parametrize(
    ("ansatz", "template", "sizes"),
    [
        (MPS(), pennylane.MPS, [2, 3, 4, 7]),
        (TTN(), pennylane.TTN, [2, 4, 8]),
        (MERA(), pennylane.MERA, [2, 4, 8]),
    ],
    ids=str,
)
def test_tensor_networks(ansatz, template, sizes):
    for num_qubits in sizes:
        blocks = template.get_n_blocks(range(num_qubits), 2)
        weights = drawn(blocks, 6)
        tape = template(range(num_qubits), 2, so4, 6, weights).decomposition()
        assert_same(ansatz, num_qubits, 1, weights, tape)


def test_larger_networks_place_their_blocks_as_pennylane_does():
    for ansatz, template in ((TTN(), pennylane.TTN), (MERA(), pennylane.MERA)):
        network = template(range(32), 2, so4, 6, drawn(template.get_n_blocks(range(32), 2), 6))
        assert ansatz.pairs(32) == [tuple(pair) for pair in network.hyperparameters["ind_gates"]]


def test_each_layer_has_weights_of_its_own():
    weights = drawn(2, 3 * 6)
    first, second = (MPS().layers(4, 1, ParameterVector("w", 18))[0].to_matrix(part) for part in weights)
    both = ansatz_circuit(MPS(), 4, 2).to_matrix(weights.ravel())
    np.testing.assert_allclose(both, second @ first, atol=ROUNDING)
