"""Estimators and their twins without entanglement."""

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
        """Return an unfitted twin with the same settings, without the terms or gates on two or more qubits.

        What the twin achieves needs no entanglement: compare with it before crediting a result to quantum effects.

        References
        ----------
        Bowles, Ahmed and Schuld, arXiv:2403.07059.
        """
        return clone(self).set_params(entangled=False)  # type: ignore[no-any-return]
