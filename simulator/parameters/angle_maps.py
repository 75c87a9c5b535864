"""Angles that are not affine in their parameters, as differentiable functions of batches.

Circuits accept affine expressions only. Other angles, such as ``sin(x) * y``, are computed here before the circuit
runs, and the derivative maps the circuit's gradient back to ``x`` and ``y``.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator.errors import ParameterError, unknown_name
from simulator.masked import check_unmasked

__all__ = ["AngleMap"]

FloatArray = NDArray[np.float64]
Pullback = Callable[..., tuple[Any, ...]]
Step = tuple[str, tuple[Any, ...]]

# Per operation: its value, and the cotangents of its arguments from its cotangent g, its value and the arguments.
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
    "conj": (np.positive, lambda g, y, a: (g,)),  # all values are real
}
_ATTEMPTS = 100  # at parsing an expression while other threads parse
_FUNCTIONS = [name for name in _OPERATIONS if name not in ("add", "sub", "mult", "div", "pow", "usub")]


class AngleMap:
    """Immutable map from inputs to the values of a circuit's parameters, for many samples at once.

    Usable as the ``data`` of a `qml.QuantumModel` or of an encoding.

    Parameters
    ----------
    num_inputs : int
    expressions : sequence of str
        One expression per angle in the inputs ``x[0]``, ``x[1]``, ...: numbers, ``+ - * / **`` and the functions sin,
        cos, tan, asin, acos, atan, exp, log, abs, sign and conj.

    Raises
    ------
    ParameterError
        If an expression contains anything else, or an input that does not exist.

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
        """Number of angles, which are the columns of the result."""
        return len(self.expressions)

    def __call__(self, X: ArrayLike) -> FloatArray:
        """Compute angles in radians, shape (n_samples, num_angles), from inputs (n_samples, num_inputs).

        Raises
        ------
        ParameterError
            If the shape does not match, or an angle is NaN or infinite.
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
        """Map derivatives with respect to the angles (n_samples, num_angles) to those with respect to the inputs.

        The result has shape (n_samples, num_inputs). The derivatives of ``abs`` and ``sign`` at 0 are defined as 0.
        """
        values, cotangents = self._inputs(X), np.asarray(cotangent, np.float64)
        if cotangents.shape != (len(values), self.num_angles):
            raise ParameterError(
                f"expected a cotangent of shape ({len(values)}, {self.num_angles}), got {cotangents.shape}"
            )
        nodes = self._evaluate(values)
        slopes: list[Any] = [0.0] * len(nodes)
        for column, node in enumerate(self._outputs):
            slopes[node] = slopes[node] + cotangents[:, column]
        with np.errstate(all="ignore"):  # the caller checks for non-finite values where they matter
            for number in range(len(self._steps) - 1, -1, -1):
                name, arguments = self._steps[number]
                slope, node = slopes[self.num_inputs + number], nodes[self.num_inputs + number]
                if name == "constant" or np.ndim(slope) == 0:  # skips nodes that no angle depends on
                    continue
                parts = _OPERATIONS[name][1](slope, node, *(nodes[a] for a in arguments))
                for argument, part in zip(arguments, parts, strict=True):
                    if np.ndim(nodes[argument]):  # constants have no derivative, and their logarithm may not exist
                        slopes[argument] = slopes[argument] + part
        out = np.zeros(values.shape)
        for column in range(self.num_inputs):
            out[:, column] = slopes[column]
        return out

    def _inputs(self, X: ArrayLike) -> FloatArray:
        check_unmasked(X, "X", ParameterError)
        values = np.asarray(X, np.float64)
        if values.ndim != 2 or values.shape[1] != self.num_inputs:
            raise ParameterError(f"expected inputs of shape (n_samples, {self.num_inputs}), got {values.shape}")
        return values

    def _evaluate(self, values: FloatArray) -> list[Any]:
        """Evaluate all nodes, inputs first; nodes that do not depend on inputs are numbers."""
        nodes: list[Any] = [*values.T]
        with np.errstate(all="ignore"):  # `__call__` checks for non-finite values
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


def _parsed(text: str) -> ast.Expression:
    """Parse an expression; again where another thread that builds a syntax tree disturbed Python 3.11.

    See https://github.com/python/cpython/issues/106905: an error about the depth of recursion, now and then.
    """
    for _ in range(_ATTEMPTS):
        with contextlib.suppress(SystemError):
            return ast.parse(text, mode="eval")
    return ast.parse(text, mode="eval")


class _Tape:
    """Parser of expressions into steps, one node each after the inputs; equal subexpressions share a node."""

    def __init__(self, num_inputs: int) -> None:
        self.num_inputs = num_inputs
        self.steps: list[Step] = []
        self._known: dict[Step, int] = {}

    def read(self, text: str) -> int:
        """Parse an expression and return its node."""
        try:
            return self._node(_parsed(text).body)
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
        raise ParameterError(f"an angle of {self.num_inputs} inputs cannot be {ast.unparse(tree)!r}")

    def _step(self, name: str, arguments: tuple[Any, ...]) -> int:
        step = (name, arguments)
        if step not in self._known:
            self._known[step] = self.num_inputs + len(self.steps)
            self.steps.append(step)
        return self._known[step]
