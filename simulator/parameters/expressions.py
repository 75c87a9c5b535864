"""Free parameters of circuits, and affine expressions of them, which angles may be.

An angle is a real number or an `Expression`: a constant plus real multiples of parameters. Affine expressions suffice,
because other functions such as ``(pi - x0) * (pi - x1)`` are computed from the data before the circuit runs, and their
derivatives are constant.

>>> theta = Parameter("theta")
>>> 2 * theta + 0.1
Expression(2*theta + 0.1)
>>> (2 * theta + 0.1).bind({theta: 0.2})
0.5
"""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Mapping
from numbers import Real
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from simulator.errors import ParameterError
from simulator.parameters.numbers import checked_name, finite_real, operand, plain, signed
from simulator.range_reduction import overflow

__all__ = ["VECTOR_ELEMENT", "Expression", "Parameter", "as_angle"]

VECTOR_ELEMENT = re.compile(r"(.+)\[(0|[1-9]\d{0,5})\]", re.DOTALL)
"""Pattern of the name of an element of a parameter vector: the vector's name and the index."""


_FUNCTIONS = frozenset(
    ("sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "exp",
     "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "fabs", "sign", "floor", "ceil")
)  # fmt: skip
"""Functions of NumPy that call the method of their name on an object, which no affine expression can have."""


class Expression:
    """An affine combination of parameters, ``constant + sum(coefficient * parameter)``.

    Created by arithmetic on `Parameter` objects. Immutable and hashable; two expressions are equal if their constants
    and coefficients are equal. A parameter whose coefficient becomes zero is dropped.

    Raises
    ------
    ParameterError
        For any operation whose result is not affine: a product of two parameters, a power, a division by a parameter,
        or arithmetic with NaN, infinite or complex numbers.
    """

    __slots__ = ("_constant", "_terms")

    _constant: float
    _terms: dict[Parameter, float]

    @property
    def constant(self) -> float:
        """Constant part, which does not depend on parameters."""
        return self._constant

    @property
    def terms(self) -> Mapping[Parameter, float]:
        """Coefficient of each parameter; no coefficient is zero."""
        return MappingProxyType(self._terms)

    def bind(self, values: Mapping[Parameter, float | Expression]) -> float | Expression:
        """Replace parameters by numbers or by other expressions.

        Parameters
        ----------
        values : mapping from Parameter to float or Expression
            Values by parameter; other parameters stay free.

        Returns
        -------
        float or Expression
            A float if no parameter remains.
        """
        constant = self.constant
        terms: dict[Parameter, float] = {}
        for parameter, coefficient in self.terms.items():
            value = values.get(parameter, parameter)
            if isinstance(value, Expression):
                constant += coefficient * value.constant
                for inner, factor in value.terms.items():
                    terms[inner] = terms.get(inner, 0.0) + coefficient * factor
                continue
            if type(value) is not float or not math.isfinite(value):
                value = finite_real(value, f"the value of parameter {parameter}")
            product = coefficient * value
            if not math.isfinite(product):
                raise overflow(coefficient, value, parameter)
            constant += product
        if not terms and math.isfinite(constant):
            return constant
        bound = _expression(constant, terms)
        return bound if bound.terms else bound.constant

    def __add__(self, other: Expression | float) -> Expression:
        return _combine(self, other, 1.0, "add")

    __radd__ = __add__

    def __sub__(self, other: Expression | float) -> Expression:
        return _combine(self, other, -1.0, "subtract")

    def __rsub__(self, other: float) -> Expression:
        return _combine(-self, other, 1.0, "subtract")

    def __mul__(self, factor: float | Expression) -> Expression:
        expression, number = self, factor
        if isinstance(factor, Expression):
            if factor.terms and self.terms:
                raise ParameterError(
                    f"an angle must be affine in its parameters, got the product ({self}) * ({factor}); "
                    "compute it from the data and pass the result as a separate parameter"
                )
            expression, number = (factor, self.constant) if factor.terms else (self, factor.constant)
        number = operand(number, "multiply")
        if number is NotImplemented:
            return NotImplemented
        return _expression(number * expression.constant, {p: number * c for p, c in expression.terms.items()})

    __rmul__ = __mul__

    def __truediv__(self, divisor: float | Expression) -> Expression:
        if isinstance(divisor, Expression):
            if divisor.terms:
                raise ParameterError(f"an angle must be affine in its parameters, got a division by {divisor}")
            divisor = divisor.constant
        number = operand(divisor, "divide")
        if number is NotImplemented:
            return NotImplemented
        if number == 0:
            raise ParameterError(f"cannot divide {self} by zero")
        return _expression(self.constant / number, {p: c / number for p, c in self.terms.items()})

    def __rtruediv__(self, dividend: float) -> Expression:
        if self.terms:
            raise ParameterError(f"an angle must be affine in its parameters, got a division by {self}")
        return _expression(finite_real(dividend, "the dividend"), {}) / self.constant

    def __pow__(self, exponent: float) -> Expression:
        raise ParameterError(f"an angle must be affine in its parameters, got the power ({self})**{exponent}")

    def __neg__(self) -> Expression:
        return _expression(-self.constant, {p: -c for p, c in self.terms.items()})

    def __pos__(self) -> Expression:
        return self

    if not TYPE_CHECKING:  # a class with __getattr__ has every attribute, for type checkers

        def __getattr__(self, name):
            if name not in _FUNCTIONS:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

            def refuse() -> NoReturn:
                raise ParameterError(
                    f"an angle must be affine in its parameters, got {name}({self}); compute it from the data and pass "
                    "the result as a separate parameter"
                )

            return refuse

    def __float__(self) -> float:
        if self.terms:
            names = ", ".join(str(p) for p in self.terms)
            raise ParameterError(f"{self} is not a number until it is bound: no value for {names}")
        return self.constant

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Expression):
            return self.constant == other.constant and self.terms == other.terms
        if isinstance(other, Real):
            return not self.terms and self.constant == other
        return NotImplemented

    def __hash__(self) -> int:
        if not self.terms:
            return hash(self.constant)
        return hash((self.constant, frozenset(self.terms.items())))

    def __reduce__(self) -> tuple[Any, ...]:
        return _expression, (self._constant, self._terms)

    def __str__(self) -> str:
        text = ""
        for parameter, coefficient in self.terms.items():
            size = "" if abs(coefficient) == 1 else f"{plain(abs(coefficient))}*"
            text += signed(coefficient, f"{size}{parameter}", first=not text)
        if self.constant or not text:
            text += signed(self.constant, plain(abs(self.constant)), first=not text)
        return text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"


class Parameter(Expression):
    """A named free angle, in radians.

    Two parameters are equal only if they are the same object or copies of it (also through pickle); names are labels
    and need not be unique.

    Parameters
    ----------
    name : str
        Non-empty label.

    Examples
    --------
    >>> theta = Parameter("theta")
    >>> theta == Parameter("theta")
    False
    >>> -theta / 2
    Expression(-0.5*theta)
    """

    __slots__ = ("_identity", "_name")

    _name: str
    _identity: int

    def __init__(self, name: str) -> None:
        self._name = checked_name("parameter", name)
        self._identity = uuid.uuid4().int

    @classmethod
    def with_identity(cls, name: str, identity: int) -> Parameter:
        """Recreate the parameter with this identity, for copies and conversions."""
        parameter = cls.__new__(cls)
        parameter._name, parameter._identity = name, identity
        return parameter

    @property
    def name(self) -> str:
        """Name of the parameter in drawings, errors and QASM."""
        return self._name

    @property
    def identity(self) -> int:
        """Identity that equality compares: 128 random bits; consecutive in a `ParameterVector`."""
        return self._identity

    @property
    def constant(self) -> float:
        """Constant part, which is zero for a parameter."""
        return 0.0

    @property
    def terms(self) -> Mapping[Parameter, float]:
        """The parameter with coefficient 1. Created on demand, because a stored mapping would be a reference cycle."""
        return {self: 1.0}

    def bind(self, values: Mapping[Parameter, float | Expression]) -> float | Expression:
        value = values.get(self, self)
        return value + 0.0 if type(value) is float and math.isfinite(value) else super().bind(values)

    @property
    def sort_key(self) -> tuple[str, int, int]:
        """Sort key by name, and by index within a vector; the same in every process."""
        element = VECTOR_ELEMENT.fullmatch(self._name)
        return (element[1], int(element[2]), self._identity) if element else (self._name, -1, self._identity)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Parameter):
            return self._identity == other._identity
        return False if isinstance(other, Expression | Real) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._identity)

    def __reduce__(self) -> tuple[Any, ...]:
        return Parameter.with_identity, (self._name, self._identity)

    def __str__(self) -> str:
        return self._name


def as_angle(value: Any, what: str = "an angle") -> float | Expression:
    """Validate one angle.

    Parameters
    ----------
    value : real number or Expression
        Angle in radians. NumPy scalars and zero-dimensional arrays count as numbers; booleans do not.
    what : str
        Description of the value in error messages.

    Returns
    -------
    float or Expression
        An expression without parameters is returned as a float.

    Raises
    ------
    ParameterError
        If the value is not real (complex, text, ...), NaN or infinite.
    """
    kind = type(value)
    if kind is Parameter:
        return value
    if kind is float and math.isfinite(value):
        return value
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, Expression):
        return value if value.terms else value.constant
    return finite_real(value, what, " or an expression of parameters")


def _expression(constant: float, terms: Mapping[Parameter, float]) -> Expression:
    """Create the canonical form: no zero coefficients, and ``1 * theta + 0`` is theta, so that == and hash agree."""
    nonzero = {parameter: coefficient for parameter, coefficient in terms.items() if coefficient}
    if not math.isfinite(constant + sum(map(abs, nonzero.values()))):
        raise ParameterError("an expression of parameters overflowed: its constant or a coefficient is not finite")
    if not constant and len(nonzero) == 1:
        parameter, coefficient = next(iter(nonzero.items()))
        if coefficient == 1.0:
            return parameter
    expression = Expression.__new__(Expression)
    expression._constant = constant
    expression._terms = nonzero
    return expression


def _combine(left: Expression, right: Expression | float, sign: float, operation: str) -> Expression:
    """Compute ``left + sign * right``."""
    if not isinstance(right, Expression):
        number = operand(right, operation)
        if number is NotImplemented:
            return NotImplemented
        return _expression(left.constant + sign * number, left.terms)
    terms = dict(left.terms)
    for parameter, coefficient in right.terms.items():
        terms[parameter] = terms.get(parameter, 0.0) + sign * coefficient
    return _expression(left.constant + sign * right.constant, terms)
