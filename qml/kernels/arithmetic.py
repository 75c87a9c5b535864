"""Sums, products, positive multiples and powers of kernels, which are again positive semidefinite.

They are written with operators: ``0.5 * RBF() + FidelityKernel("zz") * Linear()``. Products are positive semidefinite
by Schur's theorem: Horn and Johnson, Matrix Analysis, theorem 7.5.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.kernels.composite import CompositeKernel
from qml.kernels.kernel import OPERATIONS, Kernel
from qml.settings import check_non_negative, check_whole

__all__ = ["PowerKernel", "ProductKernel", "ScaledKernel", "SumKernel", "power_of", "product_of", "sum_of"]

Array = NDArray[Any]


@dataclass(eq=False, repr=False)
class SumKernel(CompositeKernel):
    """Sum of two kernels, written ``k1 + k2``: the values ``k1(x, y) + k2(x, y)``.

    Parameters
    ----------
    k1, k2 : Kernel

    Attributes
    ----------
    k1_, k2_ : Kernel
        Fitted parts.
    """

    k1: Kernel
    k2: Kernel

    part_names = ("k1", "k2")
    precedence = 1

    def combine(self, out: Array, *others: Array) -> None:
        for other in others:
            out += other

    def partials(self, *matrices: Array) -> tuple[Array | float, ...]:
        return 1.0, 1.0

    def __repr__(self) -> str:
        return f"{self._shown('k1', 1)} + {self._shown('k2', 2)}"


@dataclass(eq=False, repr=False)
class ProductKernel(CompositeKernel):
    """Product of two kernels, written ``k1 * k2``: the values ``k1(x, y) * k2(x, y)``.

    Parameters
    ----------
    k1, k2 : Kernel

    Attributes
    ----------
    k1_, k2_ : Kernel
        Fitted parts.
    """

    k1: Kernel
    k2: Kernel

    part_names = ("k1", "k2")
    precedence = 2

    def combine(self, out: Array, *others: Array) -> None:
        for other in others:
            out *= other

    def partials(self, *matrices: Array) -> tuple[Array | float, ...]:
        first, second = matrices
        return second, first

    def __repr__(self) -> str:
        return f"{self._shown('k1', 2)} * {self._shown('k2', 3)}"


@dataclass(eq=False, repr=False)
class ScaledKernel(CompositeKernel):
    """Multiple of a kernel, written ``scale * kernel``: the values ``scale * kernel(x, y)``.

    Parameters
    ----------
    scale : float
        Finite number of 0 or more.
    kernel : Kernel

    Attributes
    ----------
    kernel_ : Kernel
        Fitted part.
    """

    scale: float
    kernel: Kernel

    part_names = ("kernel",)
    precedence = 2

    def combine(self, out: Array, *others: Array) -> None:
        out *= self.scale

    def partials(self, *matrices: Array) -> tuple[Array | float, ...]:
        return (float(self.scale),)

    def _check_settings(self) -> None:
        super()._check_settings()
        check_non_negative("scale", self.scale)

    def __repr__(self) -> str:
        return f"{self.scale!r} * {self._shown('kernel', 3)}"


@dataclass(eq=False, repr=False)
class PowerKernel(CompositeKernel):
    """Power of a kernel, written ``kernel ** exponent``: the values ``kernel(x, y) ** exponent``.

    Parameters
    ----------
    kernel : Kernel
    exponent : int
        Integer of 1 or more.

    Attributes
    ----------
    kernel_ : Kernel
        Fitted part.
    """

    kernel: Kernel
    exponent: int

    part_names = ("kernel",)
    precedence = 3

    def combine(self, out: Array, *others: Array) -> None:
        out **= self.exponent

    def partials(self, *matrices: Array) -> tuple[Array | float, ...]:
        return (self.exponent * matrices[0] ** (self.exponent - 1),)

    def _check_settings(self) -> None:
        super()._check_settings()
        check_whole("exponent", self.exponent)

    def __repr__(self) -> str:
        return f"{self._shown('kernel', 4)} ** {self.exponent!r}"


def sum_of(first: Any, second: Any) -> SumKernel:
    """Return ``first + second``.

    Raises
    ------
    TypeError
        If one of them is not a kernel.
    """
    for operand in (first, second):
        if not isinstance(operand, Kernel):
            raise TypeError(f"a kernel is added to a kernel, got {_named(operand)}")
    return SumKernel(first, second)


def product_of(first: Any, second: Any) -> ScaledKernel | ProductKernel:
    """Return ``first * second``, where one of them may be a number.

    Raises
    ------
    TypeError
        If one of them is neither a kernel nor a number.
    ValueError
        If a number is negative or not finite.
    """
    for number, kernel in ((first, second), (second, first)):
        if isinstance(number, Real | np.bool_):
            check_non_negative("the factor of a kernel", number)
            return ScaledKernel(float(number), kernel)
        if not isinstance(number, Kernel):
            raise TypeError(f"a kernel is multiplied by a kernel or by a number of 0 or more, got {_named(number)}")
    return ProductKernel(first, second)


def power_of(kernel: Kernel, exponent: Any) -> PowerKernel:
    """Return ``kernel ** exponent``.

    Raises
    ------
    ValueError
        If the exponent is not an integer of 1 or more: other powers need not be positive semidefinite.
    """
    check_whole("the exponent of a kernel", exponent)
    return PowerKernel(kernel, int(exponent))


def _named(operand: Any) -> str:
    """Describe what is not a kernel."""
    hint = "; get_kernel returns the kernel of a name" if isinstance(operand, str) else ""
    return f"{operand!r} of type {type(operand).__name__}{hint}"


OPERATIONS |= {"+": sum_of, "*": product_of, "**": power_of}
