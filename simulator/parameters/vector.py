"""Vectors of parameters."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any, SupportsIndex, overload

import numpy as np

from simulator.errors import ParameterError
from simulator.memory import check_count
from simulator.parameters.expressions import Parameter
from simulator.parameters.numbers import checked_name

__all__ = ["ParameterVector"]

PARAMETER_BYTES = 180
"""Size of one parameter of a vector in bytes, its name included; measured with tracemalloc."""


class ParameterVector(Sequence[Parameter]):
    """A fixed number of parameters named ``name[0]``, ``name[1]``, ...

    Parameters
    ----------
    name : str
    length : int
        Number of parameters, zero or more.

    Raises
    ------
    ParameterError
        If the length is not an integer of 0 or more.
    StateTooLargeError
        If the parameters do not fit in memory.

    Examples
    --------
    >>> x = ParameterVector("x", 3)
    >>> x[1], len(x)
    (Parameter(x[1]), 3)
    """

    __slots__ = ("_name", "_parameters")

    def __init__(self, name: str, length: int) -> None:
        self._name = checked_name("parameter vector", name)
        first = uuid.uuid4().int
        count = _checked_length(name, length)
        check_count(f"parameter vector {name}", "parameters", count, PARAMETER_BYTES)
        self._parameters = tuple(Parameter.with_identity(f"{name}[{i}]", first + i) for i in range(count))

    @property
    def name(self) -> str:
        """Common name of the parameters."""
        return self._name

    @overload
    def __getitem__(self, index: SupportsIndex) -> Parameter: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Parameter, ...]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Parameter | tuple[Parameter, ...]:
        try:
            return self._parameters[index]
        except IndexError:
            raise IndexError(f"parameter vector {self._name} has {len(self)} elements, got index {index}") from None

    def __len__(self) -> int:
        return len(self._parameters)

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self._parameters)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ParameterVector):
            return NotImplemented
        return self._name == other._name and self._parameters == other._parameters

    def __hash__(self) -> int:
        return hash((self._name, self._parameters))

    def __repr__(self) -> str:
        return f"ParameterVector({self._name!r}, {len(self)})"


def _checked_length(name: str, length: Any) -> int:
    if isinstance(length, bool) or not isinstance(length, int | np.integer) or length < 0:
        raise ParameterError(f"the length of parameter vector {name} must be an int of 0 or more, got {length!r}")
    return int(length)
