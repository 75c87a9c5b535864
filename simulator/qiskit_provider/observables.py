"""Conversion of Qiskit's observables to Pauli sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.observables import PauliSum

__all__ = ["Strings", "strings_of"]


@dataclass(frozen=True)
class Strings:
    """Pauli strings, each with its letters, the qubits they act on, and a coefficient."""

    terms: tuple[tuple[str, tuple[int, ...], float], ...]

    @property
    def qubits(self) -> set[int]:
        """Qubits that the strings act on."""
        return {qubit for _, qubits, _ in self.terms for qubit in qubits}

    def pauli_sum(self, position: Mapping[int, int]) -> PauliSum:
        """Return the sum, with each qubit replaced by its position."""
        return PauliSum.from_terms((letters, [position[q] for q in qubits], c) for letters, qubits, c in self.terms)


def strings_of(observable: Any) -> Strings:
    """Read a ``qiskit.quantum_info.SparseObservable`` with real coefficients; projectors become Pauli strings."""
    terms = observable.as_paulis().to_sparse_list()
    return Strings(tuple((letters, tuple(qubits), float(c.real)) for letters, qubits, c in terms))
