"""Circuits without their entangling gates: Qiskit's own filtering, purities, and what cannot be separated."""

import numpy as np
import pytest
from hypothesis import given
from qiskit import QuantumCircuit
from qiskit.quantum_info import Statevector

from simulator import Circuit, CircuitError, Parameter, Z, gates, reduced_density_matrix
from tests.simulator.strategies import circuits

TOLERANCE = 1e-12


def test_against_qiskit_with_the_same_gates_left_out():
    circuit = Circuit(3).h(0).cx(0, 1).ry(0.4, 1).ccx(0, 1, 2).rz(0.7, 1).swap(1, 2).rzz(0.3, 0, 2).rx(1.1, 2)
    expected = QuantumCircuit(3)
    for instruction in circuit.to_qiskit().data:
        if len(instruction.qubits) == 1:
            expected.append(instruction)
    state = circuit.without_entanglement().statevector()
    np.testing.assert_allclose(state, Statevector(expected).data, atol=TOLERANCE)
    assert circuit.without_entanglement().count_gates() == {"h": 1, "ry": 1, "rz": 1, "rx": 1}


@given(circuits())
def test_every_qubit_is_in_a_pure_state(circuit):
    separable = circuit.without_entanglement()
    state = separable.statevector()
    for qubit in range(circuit.num_qubits):
        matrix = reduced_density_matrix(state, [qubit])
        assert np.trace(matrix @ matrix).real == pytest.approx(1, abs=1e-10)


def test_subcircuits_keep_their_gates_on_single_qubits():
    inner = QuantumCircuit(2, name="inner")
    inner.h(0)
    inner.cx(0, 1)
    inner.ry(0.3, 1)
    outer = QuantumCircuit(3)
    outer.append(inner.to_gate(), [2, 0])
    separable = Circuit.from_qiskit(outer).without_entanglement()
    assert separable == Circuit(3).h(2).ry(0.3, 0)


@pytest.mark.parametrize("name", sorted(name for name, gate in gates.STANDARD.items() if gate.num_qubits > 1))
def test_every_standard_gate_on_several_qubits_is_removed_whole(name):
    gate = gates.STANDARD[name]
    circuit = Circuit(gate.num_qubits, [gate(*np.full(gate.num_params, 0.3), *range(gate.num_qubits))])
    assert circuit.without_entanglement() == Circuit(gate.num_qubits)


def test_what_acts_on_one_qubit_is_kept_with_its_conditions_and_parameters():
    theta, phi = Parameter("theta"), Parameter("phi")
    circuit = Circuit(2, 1).rx(theta, 0).crx(phi, 0, 1).measure(0, 0).if_test((0, 1), Circuit(2).x(1)).reset(0)
    separable = circuit.without_entanglement()
    assert separable == Circuit(2, 1).rx(theta, 0).measure(0, 0).if_test((0, 1), Circuit(2).x(1)).reset(0)
    assert separable.parameters == (theta,)
    assert Circuit(2).rx(theta, 0).cx(0, 1).without_entanglement().expectation(Z(1), [0.3]) == pytest.approx(1)


@pytest.mark.parametrize(
    "operation", [gates.StatePreparation(np.full(4, 0.5))(0, 1), gates.AmplitudeEncoding(2)(1, 0, 0, 1, 0, 1)]
)
def test_amplitudes_on_several_qubits_cannot_be_separated(operation):
    with pytest.raises(CircuitError, match="prepares amplitudes on 2 qubits at once"):
        Circuit(2, [operation]).without_entanglement()
    assert len(Circuit(2).initialize([0.6, 0.8], 0).without_entanglement()) == 1
