"""Ansätze against Qiskit's circuit library, and the strongly entangling one against its definition."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import efficient_su2, n_local, real_amplitudes
from qiskit.quantum_info import Statevector

from qml.ansatze import ANSATZE, INITIAL_SPREAD, BasicEntangling, NLocal, ansatz_circuit, get_ansatz
from qml.entanglement import PATTERNS
from simulator.errors import CircuitError, ParameterError, UnknownNameError

PATTERNS_OF_PAIRS = (*PATTERNS, [(0, 2), (1, 0)])
NEED_A_PAIR = {"mps", "ttn", "mera", "particle_conserving_u1", "particle_conserving_u2"}


@pytest.mark.parametrize("entanglement", PATTERNS_OF_PAIRS, ids=str)
@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize(("name", "qiskit"), [("real_amplitudes", real_amplitudes), ("efficient_su2", efficient_su2)])
@pytest.mark.parametrize("num_qubits", [3, 4])
def test_against_qiskit(name, qiskit, num_qubits, num_layers, entanglement):
    theirs = qiskit(num_qubits, entanglement=entanglement, reps=num_layers)
    weights = np.random.default_rng(num_layers).uniform(-3, 3, theirs.num_parameters)
    ours = ansatz_circuit(get_ansatz(name, entanglement=entanglement), num_qubits, num_layers)
    assert ours.num_parameters == theirs.num_parameters
    expected = Statevector(theirs.assign_parameters(weights)).data
    np.testing.assert_allclose(ours.statevector(weights), expected, atol=1e-13)


@pytest.mark.parametrize("entanglement", PATTERNS_OF_PAIRS, ids=str)
@pytest.mark.parametrize("entangler", ["cz", "crx", "rzz", "iswap"])
@pytest.mark.parametrize("rotations", [("rx",), ("rz", "p")], ids=str)
@pytest.mark.parametrize("final_rotations", [True, False])
def test_n_local_against_qiskit(rotations, entangler, entanglement, final_rotations):
    theirs = n_local(4, list(rotations), entangler, entanglement, reps=3, skip_final_rotation_layer=not final_rotations)
    weights = np.random.default_rng(1).uniform(-3, 3, theirs.num_parameters)
    ours = ansatz_circuit(NLocal(rotations, entanglement, entangler, final_rotations), 4, 3)
    assert ours.num_parameters == theirs.num_parameters
    expected = Statevector(theirs.assign_parameters(weights)).data
    np.testing.assert_allclose(ours.statevector(weights), expected, atol=1e-13)


def test_hardware_efficient_has_euler_rotations_and_pairs_of_neighbours():
    theirs = n_local(5, ["rz", "rx", "rz"], "cx", "pairwise", reps=2)
    weights = np.random.default_rng(2).uniform(-3, 3, theirs.num_parameters)
    expected = Statevector(theirs.assign_parameters(weights)).data
    np.testing.assert_allclose(ansatz_circuit("hardware_efficient", 5, 2).statevector(weights), expected, atol=1e-13)


def test_entanglement_is_qiskits_default():
    weights = np.random.default_rng(0).uniform(-3, 3, 12)
    expected = Statevector(real_amplitudes(4, reps=2).assign_parameters(weights)).data
    np.testing.assert_allclose(ansatz_circuit("real_amplitudes", 4, 2).statevector(weights), expected, atol=1e-13)


@pytest.mark.parametrize("num_qubits", [1, 2, 3, 5])
def test_strongly_entangling_is_as_in_its_paper(num_qubits):
    num_layers = 4
    weights = np.random.default_rng(num_qubits).uniform(-3, 3, (num_layers, num_qubits, 3))
    theirs = QuantumCircuit(num_qubits)
    for layer in range(num_layers):
        for qubit in range(num_qubits):
            first, second, third = weights[layer, qubit]
            theirs.rz(first, qubit)
            theirs.ry(second, qubit)
            theirs.rz(third, qubit)
        if num_qubits > 1:
            reach = layer % (num_qubits - 1) + 1
            for qubit in range(num_qubits):
                theirs.cx(qubit, (qubit + reach) % num_qubits)
    ours = ansatz_circuit("strongly_entangling", num_qubits, num_layers).statevector(weights.ravel())
    np.testing.assert_allclose(ours, Statevector(theirs).data, atol=1e-13)


@pytest.mark.parametrize(("num_qubits", "num_cnots"), [(1, 0), (2, 1), (3, 3), (4, 4)])
def test_basic_has_a_ring_of_neighbours(num_qubits, num_cnots):
    circuit = ansatz_circuit(BasicEntangling("y"), num_qubits, 1)
    assert circuit.count_gates().get("cx", 0) == num_cnots
    assert circuit.count_gates()["ry"] == num_qubits


@pytest.mark.parametrize("name", ANSATZE)
@pytest.mark.parametrize("num_qubits", [1, 2, 4])
@pytest.mark.parametrize("num_layers", [1, 3])
def test_every_ansatz_uses_each_weight_once_in_order(name, num_qubits, num_layers):
    ansatz = get_ansatz(name)
    if num_qubits == 1 and name in NEED_A_PAIR:
        with pytest.raises(CircuitError, match="at least 2 qubits, got 1"):
            ansatz_circuit(ansatz, num_qubits, num_layers)
        return
    circuit = ansatz_circuit(ansatz, num_qubits, num_layers)
    assert len(ansatz.layers(num_qubits, num_layers, circuit.parameters)) == num_layers
    assert [p.name for p in circuit.parameters] == [
        f"w[{k}]" for k in range(ansatz.num_weights(num_qubits, num_layers))
    ]


def test_first_weights_are_small_and_reproducible():
    ansatz = get_ansatz("strongly_entangling")
    first = ansatz.initial_weights(8, 20, np.random.default_rng(1))
    assert first.shape == (480,)
    assert first.std() == pytest.approx(INITIAL_SPREAD, rel=0.1)
    np.testing.assert_array_equal(first, ansatz.initial_weights(8, 20, np.random.default_rng(1)))


def test_errors():
    with pytest.raises(UnknownNameError, match="'efficient_su2'"):
        get_ansatz("eficient_su2")
    with pytest.raises(TypeError, match="ansatz expects"):
        get_ansatz(BasicEntangling)
    with pytest.raises(UnknownNameError, match="rotation"):
        NLocal(("cx",))
    with pytest.raises(UnknownNameError, match="unknown entangler 'czz'; did you mean 'cz'"):
        NLocal(entangler="czz")
    with pytest.raises(UnknownNameError, match="unknown entangler 'cu'"):
        NLocal(entangler="cu")
    with pytest.raises(UnknownNameError, match="axis"):
        BasicEntangling("w")
    with pytest.raises(ParameterError, match="takes 6 weights, got 2"):
        ansatz_circuit("strongly_entangling", 2, 1, [0.1, 0.2])
    for sizes in [(0, 1), (2, 0), (2, 1.5)]:
        with pytest.raises(CircuitError, match=r"at least 1 qubit|integer of 1 or more"):
            ansatz_circuit("basic", *sizes, [])
