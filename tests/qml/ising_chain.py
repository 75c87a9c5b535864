"""Ground state of a small Ising chain in a transverse field, as an objective with a circuit and as a matrix."""

from functools import reduce

import numpy as np

from qml import QuantumModel, ansatz_circuit
from qml.layers import Quantum
from qml.training.layers_objective import LayersObjective
from simulator import X, Z

FIELD = 0.7


class Energy:
    """Loss that is the output itself."""

    def value(self, outputs, targets):
        return outputs[:, 0]

    def gradient(self, outputs, targets):
        return np.ones_like(outputs)


def ising_objective(num_qubits=3, num_layers=2, ansatz="efficient_su2", **evaluation):
    """Objective of a circuit without inputs."""
    hamiltonian = sum((-1.0 * Z(q) @ Z(q + 1) for q in range(num_qubits - 1)), start=-FIELD * X(0))
    for q in range(1, num_qubits):
        hamiltonian = hamiltonian - FIELD * X(q)
    circuit = ansatz_circuit(ansatz, num_qubits, num_layers)
    model = QuantumModel(circuit, weights=circuit.parameters, observables=[hamiltonian])
    layer = Quantum(model).on(**evaluation)
    return LayersObjective(layer, np.zeros((1, 0)), np.zeros(1), np.ones(1), Energy())


def ground_energy(num_qubits=3):
    """Lowest eigenvalue by dense diagonalisation."""
    pauli = {"X": np.array([[0, 1], [1, 0]]), "Z": np.diag([1, -1])}

    def string(**letters):
        factors = [pauli[letters[f"q{q}"]] if f"q{q}" in letters else np.eye(2) for q in range(num_qubits)]
        return reduce(np.kron, factors)

    bonds = sum(string(**{f"q{q}": "Z", f"q{q + 1}": "Z"}) for q in range(num_qubits - 1))
    fields = sum(string(**{f"q{q}": "X"}) for q in range(num_qubits))
    return np.linalg.eigvalsh(-bonds - FIELD * fields)[0]
