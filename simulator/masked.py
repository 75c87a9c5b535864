"""Refusal of masked entries of NumPy's masked arrays, which NumPy and scikit-learn would read like any other."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["check_unmasked"]


def check_unmasked(values: Any, name: str = "an array", error: type[ValueError] = ValueError) -> None:
    """Check that no entry of an array is masked; lists and tables pass.

    Parameters
    ----------
    values : object
    name : str
        What the error calls the array.
    error : type
        Class of the error.

    Raises
    ------
    ValueError
        If it is a ``numpy.ma.MaskedArray`` with masked entries.
    """
    if type(values) is np.ndarray or not isinstance(values, np.ndarray):
        return
    count = int(np.ma.getmaskarray(values).sum()) if isinstance(values, np.ma.MaskedArray) else 0
    if count:
        raise error(
            f"{name} has {count:,} of {values.size:,} entries masked: leave their rows out, or fill them, for instance "
            "with numpy.nan and an imputer behind it"
        )
