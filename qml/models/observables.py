"""Observables that a model measures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, Protocol

from simulator.errors import ObservableError
from simulator.observables import PauliSum

__all__ = ["Observable", "as_observables", "readout_observables"]


class QiskitOperator(Protocol):
    """Qiskit operator, such as ``SparsePauliOp``, ``Pauli`` or ``SparseObservable``."""

    @property
    def num_qubits(self) -> Any:
        """Number of qubits."""
        ...


Observable = PauliSum | str | QiskitOperator
"""Observable of a model: a Pauli sum, a label such as ``"ZZ"``, or a Qiskit operator."""

_EXPECTED = "a PauliSum such as Z(0) @ Z(1), a label such as 'ZZ' or an operator of Qiskit"


def as_observables(observables: Sequence[Observable] | Observable, num_qubits: int) -> tuple[PauliSum, ...]:
    """Convert observables of a circuit to Pauli sums.

    Parameters
    ----------
    observables : Observable or sequence of Observable
        Pauli sums, Qiskit operators, or labels in Qiskit's order: a letter for each qubit, the last for qubit 0.
    num_qubits : int
        Width of the circuit; labels and Qiskit operators must have the same width.

    Raises
    ------
    ObservableError
        If a label or an operator has a different width, or is not Hermitian.
    TypeError
        If an argument is not an observable.

    Examples
    --------
    >>> from simulator import Z
    >>> as_observables(["XZ", Z(1)], 2)
    (Z(0) @ X(1), Z(1))
    """
    value: Any = observables
    if _is_one(value):
        return (_as_observable(value, num_qubits),)
    try:
        several = tuple(value)
    except TypeError:
        raise TypeError(f"observables expects {_EXPECTED}, or several, got {observables!r}") from None
    return tuple(_as_observable(observable, num_qubits) for observable in several)


def _as_observable(observable: Any, num_qubits: int) -> PauliSum:
    if isinstance(observable, PauliSum):
        return observable
    if isinstance(observable, str):
        if len(observable) != num_qubits or set(observable) - set("IXYZ"):
            raise ObservableError(
                f"a label of an observable has a letter I, X, Y or Z for each of the circuit's {num_qubits} qubits, "
                f"the last for qubit 0, got {observable!r}; patterns such as 'z+zz' are for readout_observables"
            )
        return PauliSum.from_label(observable)
    if not _is_one(observable):
        raise TypeError(f"observables expects {_EXPECTED}, or several, got {observable!r} among them")
    if observable.num_qubits != num_qubits:
        raise ObservableError(
            f"an operator of Qiskit must act on as many qubits as the circuit, {num_qubits}, got {observable!r}"
        )
    # imported here because importing qml must not load Qiskit
    from simulator.qiskit_circuits import from_sparse_pauli_op

    return from_sparse_pauli_op(observable)


def _is_one(observable: Any) -> bool:
    """Whether the argument is one observable; Qiskit operators also have a length, but only a PauliList is several."""
    kind = type(observable)
    if kind.__module__.partition(".")[0] == "qiskit":
        return hasattr(observable, "num_qubits") and kind.__name__ != "PauliList"
    return isinstance(observable, PauliSum | str)


def readout_observables(
    observables: str | Sequence[Observable], num_qubits: int, qubits: Sequence[int] | None = None
) -> list[PauliSum]:
    """Return the observables measured on each qubit and on groups of qubits.

    Parameters
    ----------
    observables : str or sequence of Observable
        Pauli strings joined by ``+``: ``"z"`` is Z on each qubit, ``"z+zz"`` also Z Z on each pair, ``"z+x"`` Z and X
        on each qubit. For a sequence, see `as_observables`.
    num_qubits : int
    qubits : sequence of int, optional
        Qubits that Pauli strings are measured on; by default all.

    Examples
    --------
    >>> readout_observables("x+zz", 2)
    [X(0), X(1), Z(0) @ Z(1)]
    >>> readout_observables("z+zz", 8, qubits=[0, 4])
    [Z(0), Z(4), Z(0) @ Z(4)]
    """
    if not isinstance(observables, str):
        return list(as_observables(observables, num_qubits))
    qubits, out = range(num_qubits) if qubits is None else qubits, []
    for label in observables.upper().split("+"):
        if not label or set(label) - set("XYZ"):
            raise ObservableError(f"observables expects Pauli strings joined by +, such as 'z+zz', got {observables!r}")
        groups = combinations(qubits, len(label))
        out += [PauliSum.from_terms([(label, group, 1.0)]) for group in groups]
    if not out:
        raise ObservableError(f"observables {observables!r} need more than {len(qubits)} qubits")
    return out
