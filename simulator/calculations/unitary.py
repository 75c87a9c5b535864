"""Dense matrices of small circuits, computed with NumPy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.errors import StateTooLargeError
from simulator.operations.binding import Values, bind, values_array
from simulator.operations.measurements import refuse_measurements
from simulator.operations.sequence import OperationSequence

__all__ = ["to_matrix"]

MAX_MATRIX_QUBITS = 13


def to_matrix(circuit: OperationSequence, values: Values = None) -> NDArray[np.complex128]:
    """Compute the dense unitary of a small circuit, shape (2**n, 2**n), including the global phase.

    Raises
    ------
    StateTooLargeError
        Beyond 13 qubits, where the matrix takes more than 1 GiB.
    """
    n = circuit.num_qubits
    if n > MAX_MATRIX_QUBITS:
        raise StateTooLargeError(
            f"the matrix of {n} qubits takes {16 * 4**n / 2**30:.3g} GiB; to_matrix goes up to {MAX_MATRIX_QUBITS}"
        )
    refuse_measurements(circuit.operations, "the matrix")
    bound = bind(circuit, values_array(circuit, values))
    columns = np.eye(1 << n, dtype=complex).reshape((2,) * n + (-1,))  # axis n - 1 - q is qubit q
    for op in bound.operations:
        k = len(op.qubits)
        matrix = op.gate.matrix(*op.angles).reshape((2,) * (2 * k))  # type: ignore[arg-type]
        axes = [n - 1 - q for q in reversed(op.qubits)]
        columns = np.moveaxis(np.tensordot(matrix, columns, (range(k, 2 * k), axes)), range(k), axes)
    return columns.reshape(1 << n, 1 << n)
