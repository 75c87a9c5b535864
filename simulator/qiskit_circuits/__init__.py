"""Conversion of circuits and observables to and from Qiskit, OpenQASM, and drawings.

Parameters keep their identity: a circuit of standard gates that is converted to Qiskit and back equals the original.
"""

from simulator.qiskit_circuits.drawing import draw
from simulator.qiskit_circuits.incoming import from_qiskit, from_qiskit_with_angle_map
from simulator.qiskit_circuits.operators import from_sparse_pauli_op, to_sparse_pauli_op
from simulator.qiskit_circuits.outgoing import to_qiskit
from simulator.qiskit_circuits.qasm import from_qasm, to_qasm

__all__ = [
    "draw",
    "from_qasm",
    "from_qiskit",
    "from_qiskit_with_angle_map",
    "from_sparse_pauli_op",
    "to_qasm",
    "to_qiskit",
    "to_sparse_pauli_op",
]
