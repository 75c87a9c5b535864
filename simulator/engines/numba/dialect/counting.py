"""``range``, ``min`` and ``max`` of kernels: few instructions each, where numba's have exceptions and every type."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing import signature
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.extending import intrinsic, lower_builtin, models, register_model

_INDEX = types.intp


class Counting(types.SimpleIteratorType):
    """Numba type of a range whose step has a sign that is known (1 or -1), or not (0)."""

    def __init__(self, sign: int) -> None:
        self.sign = sign
        super().__init__(f"Counting({sign})", _INDEX)


@register_model(Counting)
class _CountingModel(models.StructModel):  # type: ignore[misc]
    def __init__(self, manager: Any, counting: Counting) -> None:
        super().__init__(manager, counting, [("next", types.CPointer(_INDEX)), ("stop", _INDEX), ("step", _INDEX)])


def _counting(*bounds: int) -> range:
    """``range`` of integers; a step of 0 never ends."""
    return range(*bounds)


@infer_global(_counting)
class _CountingTemplate(AbstractTemplate):  # type: ignore[misc]
    prefer_literal = True

    def generic(self, args: Any, kws: Any) -> Any:
        if kws or not all(isinstance(each, types.Integer) for each in args):
            return None
        sign = 1
        if len(args) == 3:
            sign = (1 if args[2].literal_value > 0 else -1) if isinstance(args[2], types.IntegerLiteral) else 0
        return signature(Counting(sign), *[_INDEX] * len(args))


@lower_builtin(_counting, types.VarArg(types.Any))
def _start(context, builder, signature, args):  # type: ignore[no-untyped-def]
    zero, one = (context.get_constant(_INDEX, value) for value in (0, 1))
    first, last = (zero, args[0]) if len(args) == 1 else args[:2]
    with builder.goto_entry_block():
        place = builder.alloca(first.type)
    builder.store(first, place)
    out = ir.Constant(context.get_value_type(signature.return_type), ir.Undefined)
    for position, value in enumerate((place, last, args[2] if len(args) == 3 else one)):
        out = builder.insert_value(out, value, position)
    return out


@lower_builtin("getiter", Counting)
def _iterator(context, builder, signature, args):  # type: ignore[no-untyped-def]
    return args[0]


@lower_builtin("iternext", Counting)
def _next(context, builder, signature, args):  # type: ignore[no-untyped-def]
    place, stop, step = cgutils.unpack_tuple(builder, args[0], 3)
    value, sign = builder.load(place), signature.args[0].sign
    builder.store(builder.add(value, step, flags=("nsw",)), place)
    if sign:
        valid = builder.icmp_signed("<" if sign > 0 else ">", value, stop)
    else:
        rises = builder.icmp_signed(">", step, context.get_constant(_INDEX, 0))
        valid = builder.select(rises, builder.icmp_signed("<", value, stop), builder.icmp_signed(">", value, stop))
    pair = ir.Constant(context.get_value_type(signature.return_type), ir.Undefined)
    return builder.insert_value(builder.insert_value(pair, value, 0), valid, 1)


def _choice(name: str, comparison: str) -> Any:
    def choose(typing_context, first, second):  # type: ignore[no-untyped-def]
        kind = first if isinstance(first, types.Float) and first == second else _INDEX

        def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
            compare = builder.icmp_signed if kind == _INDEX else builder.fcmp_ordered
            return builder.select(compare(comparison, args[1], args[0]), args[1], args[0])

        return kind(kind, kind), codegen

    choose.__name__ = name
    return intrinsic(choose)


REPLACEMENTS: dict[Callable[..., Any], Any] = {
    builtins.range: _counting,
    builtins.min: _choice("least", "<"),
    builtins.max: _choice("greatest", ">"),
}
"""What kernels call in place of built-in functions."""
