"""Conversion of Qiskit's parameter expressions to angles."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from qiskit import circuit as qiskit_circuit
from qiskit.circuit import ParameterExpression
from qiskit.exceptions import QiskitError

from simulator.errors import ParameterError
from simulator.gates import Angle
from simulator.parameters import Expression, Parameter
from simulator.parameters.angle_maps import AngleMap

__all__ = ["AngleReader", "MappingAngleReader"]


class AngleReader:
    """Converts angles, and refuses those that are not affine. Equal expressions are converted once."""

    def __init__(self) -> None:
        self._parameters: dict[Any, Parameter] = {}
        self._expressions: dict[Any, Angle] = {}

    def read(self, value: Any) -> Angle:
        """Convert a Qiskit angle, a number or an expression.

        Raises
        ------
        ParameterError
            If it is not affine in its parameters with real coefficients, NaN or infinite.
        """
        if type(value) is float and math.isfinite(value):  # most angles
            return value
        if isinstance(value, qiskit_circuit.Parameter):
            return self.parameter(value)
        if isinstance(value, ParameterExpression):
            key = str(value), frozenset(value.parameters)
            if key not in self._expressions:
                self._expressions[key] = self._expression(value)
            return self._expressions[key]
        number = float(value)
        if not math.isfinite(number):
            raise ParameterError(f"an angle must be a finite real number, got {number}")
        return number

    def parameter(self, parameter: Any) -> Parameter:
        """Return the parameter of the same name and identity."""
        out = self._parameters.get(parameter)
        if out is None:
            out = self._parameters[parameter] = Parameter.with_identity(parameter.name, parameter.uuid.int)
        return out

    def _expression(self, value: Any) -> Angle:
        out = self._affine(value)
        if out is None:
            raise ParameterError(
                f"an angle must be an affine expression of its parameters with real coefficients, got {value} "
                "(Circuit.from_qiskit_with_angle_map takes others)"
            )
        return out

    def _affine(self, value: Any) -> Angle | None:
        """Convert an affine expression; return None if its derivatives do not exist, are complex or not constant."""
        try:
            slopes = {parameter: value.gradient(parameter) for parameter in value.parameters}
            if any(isinstance(slope, ParameterExpression | complex) for slope in slopes.values()):
                return None
            out: Angle = float(value.bind(dict.fromkeys(slopes, 0.0)))
        except (RuntimeError, TypeError, ZeroDivisionError, QiskitError):
            return None
        for parameter, slope in slopes.items():
            out = out + float(slope) * self.parameter(parameter)
        return out.constant if isinstance(out, Expression) and not out.terms else out


class MappingAngleReader(AngleReader):
    """Converts an angle that is not affine to a new parameter, and remembers its expression.

    Parameters
    ----------
    parameters : iterable of qiskit Parameter
        Inputs of the map, in this order.
    """

    def __init__(self, parameters: Iterable[Any]) -> None:
        super().__init__()
        self._columns = {parameter: f"x[{k}]" for k, parameter in enumerate(parameters)}
        self._names = {p: qiskit_circuit.Parameter(f"qumba_input_{k}") for k, p in enumerate(self._columns)}
        self._texts: dict[Parameter, str] = {}

    def angle_map(self, parameters: Iterable[Parameter]) -> AngleMap:
        """Return the map from values of the inputs to values of these parameters."""
        texts = {self.parameter(parameter): column for parameter, column in self._columns.items()} | self._texts
        return AngleMap(len(self._columns), [texts[parameter] for parameter in parameters])

    def _expression(self, value: Any) -> Angle:
        out = self._affine(value)
        if out is not None:
            return out
        # Qiskit prints expressions in Python's grammar, but names can be any text, so they are replaced
        text = str(value.subs({p: self._names[p] for p in value.parameters}))
        for column, name in reversed(list(zip(self._columns.values(), self._names.values(), strict=True))):
            text = text.replace(name.name, column)  # highest number first, because input_12 starts with input_1
        angle = Parameter(str(value))
        self._texts[angle] = text
        try:
            AngleMap(len(self._columns), [text])
        except ParameterError as error:
            raise ParameterError(f"an angle must be a real expression of its parameters, got {value}") from error
        return angle
