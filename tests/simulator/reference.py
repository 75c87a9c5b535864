"""Slow, obvious dense simulator: matrices, qubit tuples and Pauli masks in, arrays out.

Imports nothing of ours, so that it can disagree with us. Little-endian: qubit 0 is the lowest bit of an
index, and the first of a gate's qubits is the lowest bit of its matrix.
"""

import numpy as np

PAULI = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}


def zero_state(num_qubits):
    """|0...0>, shape (2**num_qubits,)."""
    state = np.zeros(2**num_qubits, complex)
    state[0] = 1
    return state


def apply(matrix, qubits, state, num_qubits):
    """The state after ``matrix`` acts on ``qubits``."""
    k = len(qubits)
    tensor = np.reshape(state, (2,) * num_qubits)  # axis a is qubit num_qubits - 1 - a
    operator = np.reshape(matrix, (2,) * (2 * k))  # rows then columns, highest bit first
    axes = [num_qubits - 1 - q for q in reversed(qubits)]
    tensor = np.tensordot(operator, tensor, axes=(range(k, 2 * k), axes))
    return np.moveaxis(tensor, range(k), axes).reshape(-1)


def statevector(steps, num_qubits, initial=None):
    """The state after ``steps``, pairs of (matrix, qubits), from ``initial`` or |0...0>."""
    state = zero_state(num_qubits) if initial is None else np.asarray(initial, complex)
    for matrix, qubits in steps:
        state = apply(matrix, qubits, state, num_qubits)
    return state


def unitary(steps, num_qubits):
    """The matrix of ``steps``, column by column."""
    return np.array([statevector(steps, num_qubits, column) for column in np.eye(2**num_qubits)]).T


def pauli_label(label):
    """Matrix of a label such as "XIZ" by Kronecker products; the last character is qubit 0."""
    out = np.eye(1)
    for letter in label:
        out = kron(out, PAULI[letter])
    return out


def kron(a, b):
    """``np.kron`` of two matrices, in a fraction of its time for small ones."""
    return (a[:, None, :, None] * b[:, None]).reshape(len(a) * len(b), -1)


def pauli_masks(x_mask, z_mask, num_qubits):
    """Matrix of the string with X where ``x_mask`` has a bit, Z where ``z_mask`` has, Y where both have."""
    bits = ((x_mask >> q & 1, z_mask >> q & 1) for q in reversed(range(num_qubits)))
    return pauli_label("".join({(0, 0): "I", (1, 0): "X", (1, 1): "Y", (0, 1): "Z"}[b] for b in bits))


def pauli_sum(x_masks, z_masks, coefficients, num_qubits):
    """Matrix of a sum of strings."""
    out = np.zeros((2**num_qubits, 2**num_qubits), complex)
    for x, z, c in zip(x_masks, z_masks, coefficients, strict=True):
        out += c * pauli_masks(int(x), int(z), num_qubits)
    return out


def expectation(state, operator):
    """<state| operator |state>, real."""
    return np.vdot(state, operator @ state).real
