"""Fast counting of the shots of a classical register."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from qiskit.primitives import BitArray

__all__ = ["RegisterShots"]


class RegisterShots(BitArray):
    """Qiskit's ``BitArray`` with counts by NumPy, because programs that use primitives spend most time counting."""

    def get_counts(self, loc: int | tuple[int, ...] | None = None) -> dict[str, int]:
        """Count how often each bit string occurs, at ``loc`` or in total."""
        return self._counted(loc, lambda outcome: format(outcome, f"0{self.num_bits}b") if self.num_bits else "")

    def get_int_counts(self, loc: int | tuple[int, ...] | None = None) -> dict[int, int]:
        """Count how often each outcome, as an integer, occurs, at ``loc`` or in total."""
        return self._counted(loc, int)

    def _counted(self, loc: int | tuple[int, ...] | None, key: Callable[[int], Any]) -> dict[Any, int]:
        rows = self.array.reshape(-1, self.array.shape[-1]) if loc is None else self.array[loc]
        rows = rows.reshape(-1, rows.shape[-1])
        if not rows.shape[-1]:
            return {key(0): len(rows)} if len(rows) else {}
        if rows.shape[-1] > 8:
            outcomes, counts = np.unique(rows, axis=0, return_counts=True)
            numbers = [int.from_bytes(outcome.tobytes(), "big") for outcome in outcomes]
        else:
            padded = np.zeros((len(rows), 8), np.uint8)
            padded[:, 8 - rows.shape[-1] :] = rows
            outcomes, counts = np.unique(padded.view(">u8").ravel(), return_counts=True)
            numbers = outcomes.tolist()
        return {key(number): count for number, count in zip(numbers, counts.tolist(), strict=True)}
