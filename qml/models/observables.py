"""The observables that a model measures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from simulator.errors import ObservableError
from simulator.observables import PauliSum

__all__ = ["readout_observables"]


def readout_observables(observables: str | Sequence[PauliSum], num_qubits: int) -> list[PauliSum]:
    """What is measured on each qubit, and on groups of qubits.

    Parameters
    ----------
    observables : str or sequence of PauliSum
        Pauli strings joined by ``+``: ``"z"`` is Z on each qubit, ``"z+zz"`` also Z Z on each pair, ``"z+x"`` Z and X
        on each qubit. Observables themselves come back as they are.
    num_qubits : int

    Examples
    --------
    >>> readout_observables("x+zz", 2)
    [X(0), X(1), Z(0) @ Z(1)]
    """
    if not isinstance(observables, str):
        return list(observables)
    out = []
    for label in observables.upper().split("+"):
        if not label or set(label) - set("XYZ"):
            raise ObservableError(f"observables expects Pauli strings joined by +, such as 'z+zz', got {observables!r}")
        groups = combinations(range(num_qubits), len(label))
        out += [PauliSum.from_terms([(label, group, 1.0)]) for group in groups]
    if not out:
        raise ObservableError(f"observables {observables!r} need more than {num_qubits} qubits")
    return out
