"""One gate on several qubits in one call, against Qiskit, which has the same rule."""

import numpy as np
import pytest
from qiskit import QuantumCircuit

from simulator import Circuit, Parameter, gates
from simulator.errors import CircuitError

CALLS = [
    ("h", (range(4),)),
    ("x", (np.array([3, 1]),)),
    ("rx", (0.3, [0, 2])),
    ("u", (0.1, 0.2, 0.3, (1, 2))),
    ("cx", ([0, 1], [2, 3])),
    ("cx", (0, [1, 2, 3])),
    ("cx", ([1, 2, 3], 0)),
    ("crz", (0.7, [0, 1], [2, 3])),
    ("rzz", (0.7, [0], [2, 3])),
    ("ccx", ([0, 1], [1, 2], [2, 3])),
]


@pytest.mark.parametrize(("name", "arguments"), CALLS)
def test_the_operations_are_those_of_qiskit(name, arguments):
    qiskit_circuit = QuantumCircuit(4)
    plain = [list(map(int, a)) if np.iterable(a) else a for a in arguments]
    getattr(qiskit_circuit, name)(*plain)
    circuit = getattr(Circuit(4), name)(*arguments)
    assert circuit == Circuit.from_qiskit(qiskit_circuit)
    assert len(circuit) == len(qiskit_circuit.data)


def test_a_single_control_is_repeated_for_any_number_of_qubits():
    assert Circuit(4).ccx([0], 1, [2, 3]) == Circuit(4).ccx(0, 1, 2).ccx(0, 1, 3)


def test_no_qubits_are_no_operations():
    assert len(Circuit(2).h([]).cx([], []).cx(0, [])) == 0


def test_keywords_and_parameters_take_several_too():
    theta = Parameter("theta")
    assert Circuit(3).ry(theta, qubit=range(3)) == Circuit(3, [gates.RY(theta, q) for q in range(3)])
    assert Circuit(3).cx(control=[0, 1], target=[1, 2]) == Circuit(3).cx(0, 1).cx(1, 2)


def test_the_circuit_itself_is_untouched():
    circuit = Circuit(2)
    circuit.h(range(2))
    assert len(circuit) == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Circuit(4).cx([0, 1], [1, 2, 3]), "cx on several qubits takes as many .* got 2 and 3"),
        (lambda: Circuit(4).cx([0, 1], [1, 1]), r"cx takes 2 distinct qubits, got \(1, 1\)"),
        (lambda: Circuit(2).h([0, 2]), "h: qubit 2 is out of range for a circuit of 2 qubits"),
        (lambda: Circuit(2).h([0, "1"]), "h: a qubit is an integer, got '1'"),
        (lambda: Circuit(2).cx(0), r"cx takes 2 qubits, got 1 argument; expected cx\(control, target\)"),
        (lambda: Circuit(2).cx([0, 1]), r"got 1 argument; expected cx\(control, target\)"),
        (lambda: Circuit(2).rx(range(2)), r"rx takes 1 angle and 1 qubit, got 1 argument; expected rx\(theta, qubit\)"),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(CircuitError, match=message):
        make()
