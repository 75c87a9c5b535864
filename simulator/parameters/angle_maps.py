"""Angles that are not affine in their parameters, as functions of whole batches with a derivative.

A circuit takes affine expressions only. What else an angle may be, such as ``sin(x) * y``, is computed here before the
circuit runs, and its derivative takes the circuit's gradient back to ``x`` and ``y``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator.errors import ParameterError, unknown_name

__all__ = ["AngleMap"]

FloatArray = NDArray[np.float64]
Pullback = Callable[..., tuple[Any, ...]]
Step = tuple[str, tuple[Any, ...]]

# Each operation: its value, and what a cotangent g of it is for each of its arguments, given the value and them.
_OPERATIONS: dict[str, tuple[Callable[..., Any], Pullback]] = {
    "add": (np.add, lambda g, y, a, b: (g, g)),
    "sub": (np.subtract, lambda g, y, a, b: (g, -g)),
    "mult": (np.multiply, lambda g, y, a, b: (g * b, g * a)),
    "div": (np.divide, lambda g, y, a, b: (g / b, -g * y / b)),
    "pow": (np.power, lambda g, y, a, b: (g * b * np.power(a, b - 1), g * y * np.log(a))),
    "usub": (np.negative, lambda g, y, a: (-g,)),
    "sin": (np.sin, lambda g, y, a: (g * np.cos(a),)),
    "cos": (np.cos, lambda g, y, a: (-g * np.sin(a),)),
    "tan": (np.tan, lambda g, y, a: (g * (1 + y * y),)),
    "asin": (np.arcsin, lambda g, y, a: (g / np.sqrt(1 - a * a),)),
    "acos": (np.arccos, lambda g, y, a: (-g / np.sqrt(1 - a * a),)),
    "atan": (np.arctan, lambda g, y, a: (g / (1 + a * a),)),
    "exp": (np.exp, lambda g, y, a: (g * y,)),
    "log": (np.log, lambda g, y, a: (g / a,)),
    "abs": (np.abs, lambda g, y, a: (g * np.sign(a),)),
    "sign": (np.sign, lambda g, y, a: (np.zeros_like(g),)),
    "conj": (np.positive, lambda g, y, a: (g,)),  # everything here is real
}
_FUNCTIONS = [name for name in _OPERATIONS if name not in ("add", "sub", "mult", "div", "pow", "usub")]


class AngleMap:
    """Values of a circuit's parameters, computed from other values for many samples at once; immutable.

    Usable as the ``data`` of a `qml.QuantumModel` or of an encoding.

    Parameters
    ----------
    num_inputs : int
    expressions : sequence of str
        One an angle, in the inputs ``x[0]``, ``x[1]``, ...: numbers, ``+ - * / **`` and the functions sin, cos, tan,
        asin, acos, atan, exp, log, abs, sign and conj.

    Raises
    ------
    ParameterError
        If an expression is none of these, or names an input that does not exist.

    Examples
    --------
    >>> angles = AngleMap(2, ["x[0]", "sin(x[0]) * x[1]"])
    >>> angles([[0.0, 3.0], [np.pi / 2, 3.0]]).round(3)
    array([[0.   , 0.   ],
           [1.571, 3.   ]])
    >>> angles.pullback([[0.0, 3.0]], [[0.0, 1.0]])  # d/dx0 = cos(x0) x1, d/dx1 = sin(x0)
    array([[3., 0.]])
    """

    def __init__(self, num_inputs: int, expressions: Sequence[str]) -> None:
        self.num_inputs, self.expressions = num_inputs, tuple(expressions)
        tape = _Tape(num_inputs)
        self._outputs = [tape.read(text) for text in self.expressions]
        self._steps = tape.steps
        plain = all(node < num_inputs for node in self._outputs)
        self._columns = np.array(self._outputs, int) if plain else None

    @property
    def num_angles(self) -> int:
        """Number of angles, the columns of the result."""
        return len(self.expressions)

    def __call__(self, X: ArrayLike) -> FloatArray:
        """Angles in radians, shape (n_samples, num_angles), of inputs (n_samples, num_inputs).

        Raises
        ------
        ParameterError
            If the shape does not fit, or an angle is NaN or infinite.
        """
        values = self._inputs(X)
        out = np.empty((len(values), self.num_angles))
        if self._columns is not None:
            out[:] = values[:, self._columns]
        else:
            nodes = self._evaluate(values)
            for column, node in enumerate(self._outputs):
                out[:, column] = nodes[node]
        bad = np.argwhere(~np.isfinite(out))
        if len(bad):
            row, column = (int(i) for i in bad[0])
            raise ParameterError(f"the angle {self.expressions[column]} is {out[row, column]} for row {row}")
        return out

    def pullback(self, X: ArrayLike, cotangent: ArrayLike) -> FloatArray:
        """Take derivatives by the angles (n_samples, num_angles) to derivatives by the inputs (n_samples, num_inputs).

        The derivative of ``abs`` and ``sign`` where they jump is taken as 0.
        """
        values, given = self._inputs(X), np.asarray(cotangent, np.float64)
        if given.shape != (len(values), self.num_angles):
            raise ParameterError(f"cotangent of shape ({len(values)}, {self.num_angles}) expected, got {given.shape}")
        nodes = self._evaluate(values)
        slopes: list[Any] = [0.0] * len(nodes)
        for column, node in enumerate(self._outputs):
            slopes[node] = slopes[node] + given[:, column]
        with np.errstate(all="ignore"):  # what is not finite is found by the caller, who knows if it matters
            for number in range(len(self._steps) - 1, -1, -1):
                name, arguments = self._steps[number]
                slope, node = slopes[self.num_inputs + number], nodes[self.num_inputs + number]
                if name == "constant" or np.ndim(slope) == 0:  # or no angle depends on it
                    continue
                parts = _OPERATIONS[name][1](slope, node, *(nodes[a] for a in arguments))
                for argument, part in zip(arguments, parts, strict=True):
                    if np.ndim(nodes[argument]):  # constants have no derivative, and log of them may not exist
                        slopes[argument] = slopes[argument] + part
        out = np.zeros(values.shape)
        for column in range(self.num_inputs):
            out[:, column] = slopes[column]
        return out

    def _inputs(self, X: ArrayLike) -> FloatArray:
        values = np.asarray(X, np.float64)
        if values.ndim != 2 or values.shape[1] != self.num_inputs:
            raise ParameterError(f"inputs of shape (n_samples, {self.num_inputs}) expected, got {values.shape}")
        return values

    def _evaluate(self, values: FloatArray) -> list[Any]:
        """Every node: the inputs, then the steps'; those that depend on no input are numbers."""
        nodes: list[Any] = [*values.T]
        with np.errstate(all="ignore"):  # `__call__` looks for what is not finite
            for name, arguments in self._steps:
                if name == "constant":
                    nodes.append(np.float64(arguments[0]))
                else:
                    nodes.append(_OPERATIONS[name][0](*(nodes[a] for a in arguments)))
        return nodes

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AngleMap):
            return NotImplemented
        return (self.num_inputs, self.expressions) == (other.num_inputs, other.expressions)

    def __hash__(self) -> int:
        return hash((self.num_inputs, self.expressions))

    def __reduce__(self) -> tuple[Any, ...]:
        return AngleMap, (self.num_inputs, self.expressions)

    def __repr__(self) -> str:
        return f"AngleMap({self.num_inputs} inputs, {self.num_angles} angles)"


class _Tape:
    """Reads expressions into steps, each the next node after the inputs; equal subexpressions are one node."""

    def __init__(self, num_inputs: int) -> None:
        self.num_inputs = num_inputs
        self.steps: list[Step] = []
        self._known: dict[Step, int] = {}

    def read(self, text: str) -> int:
        """The node of an expression."""
        try:
            return self._node(ast.parse(text, mode="eval").body)
        except (SyntaxError, TypeError, RecursionError) as error:
            raise ParameterError(f"an angle is an expression such as 'sin(x[0]) * x[1]', got {text!r}") from error

    def _node(self, tree: ast.expr) -> int:
        match tree:
            case ast.Subscript(value=ast.Name(id="x"), slice=ast.Constant(value=int(index))) if index < self.num_inputs:
                return index
            case ast.Constant(value=int() | float() as number):
                return self._step("constant", (float(number),))
            case ast.BinOp(
                left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.Pow() as kind, right=right
            ):
                return self._step(type(kind).__name__.lower(), (self._node(left), self._node(right)))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._step("usub", (self._node(operand),))
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]):
                if name not in _FUNCTIONS:
                    raise unknown_name("function of an angle", name, _FUNCTIONS)
                return self._step(name, (self._node(argument),))
        raise ParameterError(f"an angle of {self.num_inputs} inputs can not be {ast.unparse(tree)!r}")

    def _step(self, name: str, arguments: tuple[Any, ...]) -> int:
        step = (name, arguments)
        if step not in self._known:
            self._known[step] = self.num_inputs + len(self.steps)
            self.steps.append(step)
        return self._known[step]
