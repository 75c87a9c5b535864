"""Conversion of observables to and from Qiskit's ``SparsePauliOp``."""

from __future__ import annotations

from typing import Any

import numpy as np
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import Operator, SparseObservable, SparsePauliOp
from qiskit.quantum_info.operators.base_operator import BaseOperator
from qiskit.quantum_info.operators.symplectic.base_pauli import BasePauli

from simulator.errors import ObservableError
from simulator.observables import PauliSum

__all__ = ["from_sparse_pauli_op", "to_sparse_pauli_op"]


def to_sparse_pauli_op(observable: PauliSum, num_qubits: int | None = None) -> SparsePauliOp:
    """Convert an observable to an operator on ``num_qubits`` qubits (by default as many as it acts on, at least 1).

    Raises
    ------
    ObservableError
        If it acts on a qubit beyond ``num_qubits``.
    """
    width = max(1, observable.num_qubits) if num_qubits is None else num_qubits
    observable.check_fits(width)
    terms = observable.terms or (("", (), 0.0),)
    return SparsePauliOp.from_sparse_list(terms, num_qubits=width)


def from_sparse_pauli_op(operator: Any) -> PauliSum:
    """Convert a ``SparsePauliOp``, or a label, ``Pauli``, ``SparseObservable`` or ``Operator``.

    Raises
    ------
    ObservableError
        If it is not an operator on qubits, or a coefficient is not a real number.
    """
    try:
        operator = _as_sparse_pauli_op(operator)
    except QiskitError as error:
        raise ObservableError(
            f"expected a SparsePauliOp or an operator that converts to it, got {operator!r}: {error.message}"
        ) from None
    try:
        coefficients = np.asarray(operator.coeffs, complex)
    except TypeError:
        raise ObservableError("an operator with free parameters is not an observable; bind them first") from None
    worst = int(np.argmax(np.abs(coefficients.imag)))
    if abs(coefficients[worst].imag) > 1e-12 * max(1.0, float(np.abs(coefficients).max())):
        raise ObservableError(
            f"the operator is not Hermitian: {operator.paulis[worst]} has the coefficient {coefficients[worst]:.6g}"
        )
    weights = 1 << np.arange(operator.num_qubits, dtype=np.int64)
    return PauliSum(operator.paulis.x @ weights, operator.paulis.z @ weights, coefficients.real)


def _as_sparse_pauli_op(operator: Any) -> SparsePauliOp:
    if isinstance(operator, SparseObservable):
        return SparsePauliOp.from_sparse_observable(operator)
    if isinstance(operator, BaseOperator) and not isinstance(operator, BasePauli | SparsePauliOp):
        return SparsePauliOp.from_operator(Operator(operator))
    return SparsePauliOp(operator)
