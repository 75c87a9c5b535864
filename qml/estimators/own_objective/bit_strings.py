"""Bit strings as rows of bits or as integers, and as numbers of basis states."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BitStrings"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class BitStrings:
    """How the rows of a table stand for basis states, whose bit q is qubit q.

    Parameters
    ----------
    num_integer_bits : int, optional
        If set, rows hold one integer from 0 to ``2**num_integer_bits - 1``; by default a bit in each column.
    threshold : float, optional
        Number above which an entry is a one; by default entries are zeros and ones.
    """

    num_integer_bits: int | None = None
    threshold: float | None = None

    def num_bits(self, num_columns: int) -> int:
        """Return the number of bits of rows with this number of columns."""
        return num_columns if self.num_integer_bits is None else self.num_integer_bits

    def codes(self, X: Array) -> NDArray[np.int64]:
        """Return the basis state of each row, shape (n_samples,).

        Raises
        ------
        ValueError
            If X holds anything else.
        """
        if self.num_integer_bits is not None:
            largest = 2**self.num_integer_bits - 1
            if X.shape[1] != 1 or not np.isin(X, np.arange(largest + 1)).all():
                raise ValueError(
                    f"with n_bits={self.num_integer_bits} X is one column of integers from 0 to {largest}, got "
                    f"{X.shape[1]} columns of numbers from {X.min():g} to {X.max():g}"
                )
            return X[:, 0].astype(np.int64)
        bits = X if self.threshold is None else self.threshold < X
        other = np.argwhere((bits != 0) & (bits != 1))
        if len(other):
            row, column = other[0]
            raise ValueError(
                f"a Born machine models zeros and ones, X holds {X[row, column]:g} in row {row}, column {column}; "
                "set binarize to a threshold, or n_bits for integers"
            )
        return bits.astype(np.int64) @ (1 << np.arange(X.shape[1], dtype=np.int64))

    def rows(self, codes: NDArray[np.int64], num_bits: int) -> NDArray[np.int64]:
        """Return a row for each basis state, shape (n_samples, num_bits), or (n_samples, 1) for integers."""
        column = codes[:, None].astype(np.int64)
        return column if self.num_integer_bits is not None else column >> np.arange(num_bits) & 1
