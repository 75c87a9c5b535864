"""Estimators and their copies without entanglement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from sklearn.base import clone

__all__ = ["Entangled"]


@dataclass(eq=False, repr=False, kw_only=True)
class Entangled:
    """Setting of the estimators that exist with and without entanglement."""

    entangled: bool = True

    def without_entanglement(self) -> Self:
        """Return an unfitted copy whose circuits have no gates, or whose states no terms, on two or more qubits.

        Compare it with the original to see what entanglement contributes: everything else is the same. Networks also
        have the same number of weights, though those of removed gates have no effect.

        Returns
        -------
        Self
            With ``entangled=False``. Circuits that prepare amplitudes on several qubits have no such copy, and its
            ``fit`` raises a CircuitError.

        References
        ----------
        Bowles, Ahmed and Schuld, arXiv:2403.07059.
        """
        return clone(self).set_params(entangled=False)  # type: ignore[no-any-return]
