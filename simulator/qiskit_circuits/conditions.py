"""Conditions of if-tests, to and from Qiskit's bits, registers and classical expressions.

A `Condition` compares bits with one value. An expression of bits is a conjunction of such comparisons: the bits differ
from each value at which the expression is false.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from qiskit.circuit import ClassicalRegister, Clbit
from qiskit.circuit.classical import expr, types

from simulator.errors import CircuitError
from simulator.gates import Condition

__all__ = ["read_condition", "written_condition"]

MAX_EXPRESSION_BITS = 8
"""Maximum number of bits of an expression, which is evaluated at every value of its bits."""

Conditions = tuple[Condition, ...]

_OPERATORS = {
    "BIT_AND": operator.and_,
    "BIT_OR": operator.or_,
    "BIT_XOR": operator.xor,
    "LOGIC_AND": operator.and_,
    "LOGIC_OR": operator.or_,
    "EQUAL": operator.eq,
    "NOT_EQUAL": operator.ne,
    "LESS": operator.lt,
    "LESS_EQUAL": operator.le,
    "GREATER": operator.gt,
    "GREATER_EQUAL": operator.ge,
    "SHIFT_LEFT": operator.lshift,
    "SHIFT_RIGHT": operator.rshift,
    "ADD": operator.add,
    "SUB": operator.sub,
    "MUL": operator.mul,
    "DIV": operator.floordiv,
}


def read_condition(condition: Any, position: Mapping[Clbit, int]) -> tuple[Conditions | None, Conditions | None]:
    """Convert the condition of a Qiskit if-test.

    Parameters
    ----------
    condition : (Clbit, int), (ClassicalRegister, int) or expr.Expr
    position : mapping from Clbit to int
        Index of each classical bit.

    Returns
    -------
    (if_true, if_false)
        Conditions under which each branch happens, all of which must hold; None for a branch that never happens.

    Raises
    ------
    CircuitError
        If an expression has variables other than classical bits, is not of integers, or depends on more than 8 bits.
    """
    comparison = _compared_register(condition) if isinstance(condition, expr.Expr) else (*condition, True)
    if comparison is None:
        return _of_expression(condition, position)
    target, value, equal = comparison
    bits = (target,) if isinstance(target, Clbit) else tuple(target)
    if int(value) >> len(bits):  # the bits cannot have this value
        return (None, ()) if equal else ((), None)
    test = Condition(tuple(position[bit] for bit in bits), int(value), equal)
    return (test,), (replace(test, equal=not equal),)


def _compared_register(condition: expr.Expr) -> tuple[Any, int, bool] | None:
    """Return the register, the value and whether they are equal, of a comparison of the two; else None."""
    if not isinstance(condition, expr.Binary) or condition.op.name not in ("EQUAL", "NOT_EQUAL"):
        return None
    register, value = condition.left, condition.right
    if isinstance(register, expr.Value):
        register, value = value, register
    if not (isinstance(register, expr.Var) and isinstance(value, expr.Value)):
        return None
    if not isinstance(register.var, ClassicalRegister):
        return None
    return register.var, value.value, condition.op.name == "EQUAL"


def _of_expression(condition: expr.Expr, position: Mapping[Clbit, int]) -> tuple[Conditions | None, Conditions | None]:
    bits: dict[Clbit, None] = {}  # in the order in which the expression names them
    for node in expr.iter_vars(condition):
        bits.update(dict.fromkeys([node.var] if isinstance(node.var, Clbit) else _register_bits(node.var, condition)))
    if len(bits) > MAX_EXPRESSION_BITS:
        raise CircuitError(
            f"an if-test on an expression may depend on at most {MAX_EXPRESSION_BITS} classical bits, "
            f"got {len(bits)} in {condition!r}"
        )
    holds = []
    for value in range(1 << len(bits)):
        try:
            holds.append(bool(_evaluated(condition, {bit: value >> k & 1 for k, bit in enumerate(bits)})))
        except (AttributeError, KeyError, TypeError, ValueError, ZeroDivisionError):
            raise _refused(condition) from None
    clbits = [position[bit] for bit in bits]
    return _conjunction(clbits, holds), _conjunction(clbits, [not outcome for outcome in holds])


def _register_bits(variable: Any, condition: expr.Expr) -> list[Clbit]:
    if not isinstance(variable, ClassicalRegister):
        raise _refused(condition)
    return list(variable)


def _refused(condition: expr.Expr) -> CircuitError:
    return CircuitError(f"an if-test compares classical bits or registers with integers, got {condition!r}")


def _evaluated(node: expr.Expr, values: Mapping[Clbit, int]) -> int:
    """Evaluate an expression at given values of the bits; a Boolean is 0 or 1."""
    if isinstance(node, expr.Var):
        bits = [node.var] if isinstance(node.var, Clbit) else node.var
        return sum(values[bit] << k for k, bit in enumerate(bits))
    if isinstance(node, expr.Value):
        out = node.value
    elif isinstance(node, expr.Cast):
        out = _evaluated(node.operand, values)
        out = bool(out) if isinstance(node.type, types.Bool) else out
    elif isinstance(node, expr.Unary):
        inner = _evaluated(node.operand, values)
        out = {"BIT_NOT": ~inner, "LOGIC_NOT": not inner}[node.op.name]
    elif isinstance(node, expr.Index):
        out = _evaluated(node.target, values) >> _evaluated(node.index, values)
        out &= 1
    else:
        out = _OPERATORS[node.op.name](_evaluated(node.left, values), _evaluated(node.right, values))
    width = 1 if isinstance(node.type, types.Bool) else node.type.width
    return int(out) & (1 << width) - 1


def _conjunction(clbits: Sequence[int], holds: Sequence[bool]) -> Conditions | None:
    """Return conditions that all hold at the values of the bits where ``holds`` is true, None if it never is."""
    for k in range(len(clbits)):
        zero, one = ([outcome for value, outcome in enumerate(holds) if value >> k & 1 == bit] for bit in (0, 1))
        if zero == one:  # the bit does not matter
            return _conjunction([*clbits[:k], *clbits[k + 1 :]], zero)
    bits = tuple(clbits)
    if not bits:
        return () if holds[0] else None
    if sum(holds) == 1:
        return (Condition(bits, holds.index(True)),)
    return tuple(Condition(bits, value, equal=False) for value, outcome in enumerate(holds) if not outcome)


def written_condition(bits: Sequence[Clbit], value: int, registers: Sequence[ClassicalRegister]) -> Any:
    """Write the condition that these bits, the lowest first, hold a value.

    It is a pair with the value if the bits are a single one or a register, else an expression of the bits, as another
    register made of them would change the layout of the counts.
    """
    if len(bits) == 1:
        return bits[0], value
    for register in registers:
        if list(register) == list(bits):
            return register, value
    literals = [expr.lift(bit) if value >> k & 1 else expr.logic_not(bit) for k, bit in enumerate(bits)]
    return reduce(expr.logic_and, literals)
