"""Validation of values for a circuit's parameters, returned in the circuit's order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator import gates
from simulator.errors import ParameterError
from simulator.gates import Operation
from simulator.masked import check_unmasked
from simulator.operations.sequence import CircuitT, OperationSequence
from simulator.parameters import Expression, Parameter, ParameterVector, as_angle

__all__ = ["Values", "bind", "listed", "values_array"]

Values = Mapping[Any, Any] | ArrayLike | None
"""A mapping from Parameter, ParameterVector or name to number(s); or an array in the circuit's order."""

LISTED_NAMES = 8


def bind(circuit: CircuitT, values: Mapping[Any, Any] | ArrayLike) -> CircuitT:
    """Bind parameters to values.

    Parameters
    ----------
    values : mapping or array_like
        A mapping from `Parameter`, `ParameterVector` or name to numbers, or to expressions of other
        parameters; parameters that are not named stay free. An array (P,) binds all, in the order of ``parameters``.

    Raises
    ------
    ParameterError
        If a parameter is not in the circuit, or a value is not a finite real number.
    """
    if isinstance(values, Mapping):
        values_by_parameter = _values_by_parameter(circuit.parameters, values)
        bound = {p: as_angle(value, f"the value of parameter {p}") for p, value in values_by_parameter.items()}
    else:
        array = values_array(circuit, values)
        if array.ndim != 1:
            raise ParameterError(f"bind takes one value per parameter, got a batch of shape {array.shape}")
        bound = dict(zip(circuit.parameters, map(float, array), strict=True))
    return circuit.with_operations(_bound(operation, bound) for operation in circuit.operations)


def values_array(circuit: OperationSequence, values: Values) -> NDArray[np.float64]:
    """Validate values for all parameters and return them in the order of ``parameters``.

    Parameters
    ----------
    values : None, mapping or array_like
        ``None`` only for a circuit without parameters. A mapping gives each `Parameter` (or name) a number or B
        of them, each `ParameterVector` its numbers (L,) or (B, L). An array is (P,), or (B, P) for a batch;
        a single number is accepted for one parameter.

    Returns
    -------
    float64 ndarray, shape (P,) or (B, P)

    Raises
    ------
    ParameterError
        If a parameter has no value, a value is not a finite real number, or the shape does not fit.
    """
    parameters = circuit.parameters
    if values is None:
        values = {}
    if isinstance(values, Mapping):
        values_by_parameter = _values_by_parameter(parameters, values)
        missing = [parameter for parameter in parameters if parameter not in values_by_parameter]
        if missing:
            raise ParameterError(f"no value for {listed(missing)}: {len(missing)} of {len(parameters)} are unbound")
        columns = [
            _real(values_by_parameter[parameter], f"the value of parameter {parameter}") for parameter in parameters
        ]
        try:
            array = np.stack(np.broadcast_arrays(*columns), axis=-1) if columns else np.zeros(0)
        except ValueError:
            shapes = ", ".join(sorted({str(column.shape) for column in columns}))
            raise ParameterError(f"the values of a batch need one length, got shapes {shapes}") from None
    else:
        array = _real(values, "values")
    if array.ndim == 0 and len(parameters) == 1:
        array = array.reshape(1)
    if array.ndim not in (1, 2) or array.shape[-1] != len(parameters):
        expected = f"({len(parameters)},) or (B, {len(parameters)})"
        names = f" for {listed(parameters)}" if parameters else ", for the circuit has no parameters"
        got = array.shape if array.ndim else f"the number {array}; arguments other than values go by their names"
        raise ParameterError(f"expected values of shape {expected}{names}, got {got}")
    if not np.isfinite(array).all():
        first = tuple(np.argwhere(~np.isfinite(array))[0])
        row = f" in row {first[0]}" if array.ndim == 2 else ""
        raise ParameterError(f"the value of parameter {parameters[first[-1]]}{row} is {array[first]}")
    return np.ascontiguousarray(array)


def _values_by_parameter(parameters: Iterable[Parameter], values: Mapping[Any, Any]) -> dict[Parameter, Any]:
    """Resolve the keys of a mapping: vectors to their elements, names to parameters.

    Elements of a vector that are not among ``parameters`` are ignored; a key that matches no parameter is an error.
    """
    ordered = dict.fromkeys(parameters)
    out: dict[Parameter, Any] = {}
    for key, value in values.items():
        if isinstance(key, ParameterVector):
            matches = [(p, column) for p, column in _columns(key, value) if p in ordered]
            unknown = bool(len(key)) and not matches
        elif isinstance(key, str):
            matches = [(p, value) for p in ordered if p.name == key]
            unknown = not matches
            if len(matches) > 1:
                raise ParameterError(f"{len(matches)} parameters are named {key!r}; give the Parameter itself")
        else:
            matches = [(key, value)] if isinstance(key, Parameter) else []
            unknown = not matches or key not in ordered
        if unknown:
            namesakes = isinstance(key, Parameter) and any(p.name == key.name for p in ordered)
            known = f"another one of that name: give that, or {key.name!r}" if namesakes else listed(ordered) or "none"
            raise ParameterError(f"the circuit has no parameter {key}; it has {known}")
        for parameter, number in matches:
            if parameter in out:
                raise ParameterError(f"parameter {parameter} is given a value twice")
            out[parameter] = number
    return out


def listed(parameters: Iterable[Parameter]) -> str:
    """Format the first few parameter names for an error message."""
    names = [str(parameter) for parameter in parameters]
    more = f", ... ({len(names)} in all)" if len(names) > LISTED_NAMES else ""
    return ", ".join(names[:LISTED_NAMES]) + more


def _columns(vector: ParameterVector, value: Any) -> list[tuple[Parameter, Any]]:
    check_unmasked(value, f"the values of {vector.name}", ParameterError)
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.empty(0)
    if array.ndim == 0 or array.shape[-1] != len(vector):
        raise ParameterError(
            f"parameter vector {vector.name} takes {len(vector)} values, got {_shape_or_value(array, value)}"
        )
    return [(parameter, array[..., k]) for k, parameter in enumerate(vector)]


def _shape_or_value(array: NDArray[Any], value: Any) -> str:
    return f"shape {array.shape}" if array.ndim else repr(value)


def _real(value: Any, what: str) -> NDArray[np.float64]:
    check_unmasked(value, what, ParameterError)
    try:
        array = np.asarray(value)
    except ValueError:
        raise ParameterError(f"{what} must be numbers in a regular array") from None
    if array.dtype.kind == "O":
        free = [item for item in array.ravel() if isinstance(item, Expression) and item.terms]
        if free:
            raise ParameterError(f"{what} must be numbers, got the expression {free[0]}")
        if not all(isinstance(item, int | float | Expression | np.number) for item in array.ravel()):
            raise ParameterError(f"{what} must be real numbers, got {value!r}")
    elif array.dtype.kind not in "fiu" and array.size:
        raise ParameterError(f"{what} must be real numbers, got {value!r}")
    return array.astype(np.float64)


def _bound(operation: Operation, values: Mapping[Parameter, float | Expression]) -> Operation:
    angles = tuple([angle.bind(values) if isinstance(angle, Expression) else angle for angle in operation.angles])
    if angles == operation.angles:
        return operation
    if isinstance(operation.gate, gates.AmplitudeEncoding) and not any(isinstance(a, Expression) for a in angles):
        preparation = gates.StatePreparation(angles, normalize=True)(*operation.qubits)  # type: ignore[arg-type]
        return preparation._replace(conditions=operation.conditions) if operation.conditions else preparation
    return Operation(operation.gate, operation.qubits, angles, operation.clbits, operation.conditions)
