"""Views of arrays: a pointer and a shape, in place of numba's structure of five fields and two for each dimension.

Views own nothing, and their elements have consecutive addresses; indices are neither checked nor counted from the end.
They are what kernels pass on to their parts: with them a kernel has half as many instructions before it is optimised.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typeconv import Conversion
from numba.core.typing import signature
from numba.core.typing.templates import AbstractTemplate, AttributeTemplate, infer_getattr, infer_global
from numba.extending import lower_builtin, lower_cast, lower_getattr, models, register_model

_INDEX = types.intp


class View(types.Type):
    """Numba type of a view in one or two dimensions."""

    def __init__(self, dtype: types.Type, ndim: int) -> None:
        self.dtype, self.ndim = dtype, ndim
        super().__init__(name=f"View({dtype}, {ndim})")

    def can_convert_from(self, context: Any, other: types.Type) -> Conversion | None:
        """Whether ``other`` is an array of the same elements."""
        return Conversion.safe if view_of(other) == self else None

    def unify(self, context: Any, other: types.Type) -> types.Type | None:
        """Return the view as the type of a variable that may be either."""
        return self if view_of(other) == self else None


def view_of(type_: types.Type) -> types.Type:
    """Return the type with which kernels work instead of an argument's: views for arrays, also in tuples."""
    if isinstance(type_, types.Array) and type_.layout == "C" and type_.aligned and type_.ndim in (1, 2):
        return View(type_.dtype, type_.ndim)
    if isinstance(type_, types.BaseAnonymousTuple) and any(view_of(each) != each for each in type_):
        return types.BaseTuple.from_types([view_of(each) for each in type_])
    return type_


@register_model(View)
class _ViewModel(models.StructModel):  # type: ignore[misc]
    def __init__(self, manager: Any, view: View) -> None:
        sizes = [(f"size{axis}", _INDEX) for axis in range(view.ndim)]
        super().__init__(manager, view, [("data", types.CPointer(view.dtype)), *sizes])


def make_view(context: Any, builder: Any, view: View, data: Any, *sizes: Any) -> Any:
    """Emit a view."""
    out = ir.Constant(context.get_value_type(view), ir.Undefined)
    for position, value in enumerate((data, *sizes)):
        out = builder.insert_value(out, value, position)
    return out


def pointer_and_sizes(context: Any, builder: Any, type_: Any, value: Any) -> list[Any]:
    """Emit what a view of an array or view consists of."""
    if isinstance(type_, View):
        return cgutils.unpack_tuple(builder, value, 1 + type_.ndim)
    model = context.data_model_manager[type_]
    return [
        model.get(builder, value, "data"),
        *cgutils.unpack_tuple(builder, model.get(builder, value, "shape"), type_.ndim),
    ]


@lower_cast(types.Array, View)
def _view_of_array(context, builder, fromty, toty, value):  # type: ignore[no-untyped-def]
    return make_view(context, builder, toty, *pointer_and_sizes(context, builder, fromty, value))


@infer_global(len)
class _Length(AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: Any, kws: Any) -> Any:
        return signature(_INDEX, *args) if isinstance(args[0], View) else None


@lower_builtin(len, View)
def _length(context, builder, signature, args):  # type: ignore[no-untyped-def]
    return builder.extract_value(args[0], 1)


@infer_getattr
class _Attributes(AttributeTemplate):  # type: ignore[misc]
    key = View

    def resolve_shape(self, view: View) -> Any:
        return types.UniTuple(_INDEX, view.ndim)


@lower_getattr(View, "shape")
def _shape(context, builder, view, value):  # type: ignore[no-untyped-def]
    return cgutils.pack_array(builder, [builder.extract_value(value, 1 + axis) for axis in range(view.ndim)])


def _element(view: View, index: Any) -> bool:
    """Whether an index, or a tuple of indices, selects an element."""
    return len(index if isinstance(index, types.BaseTuple) else (index,)) == view.ndim


def _indices(index: Any) -> Any:
    """Type of an index as kernels take it, or None if views have no such index."""
    if isinstance(index, types.Integer):
        return _INDEX
    if isinstance(index, types.BaseTuple) and all(isinstance(each, types.Integer) for each in index):
        return types.UniTuple(_INDEX, len(index))
    return None


@infer_global(operator.getitem)
class _GetItem(AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: Any, kws: Any) -> Any:
        view, index = args
        if not isinstance(view, View) or _indices(index) is None:
            return None
        return signature(view.dtype if _element(view, index) else View(view.dtype, 1), view, _indices(index))


@infer_global(operator.setitem)
class _SetItem(AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: Any, kws: Any) -> Any:
        view, index, _ = args
        if not isinstance(view, View) or _indices(index) is None or not _element(view, index):
            return None
        return signature(types.none, view, _indices(index), view.dtype)


def _pointer(builder: Any, view: View, value: Any, index: Any) -> Any:
    """Emit the address of an element, or of a row."""
    data = builder.extract_value(value, 0)
    if view.ndim == 1:
        return builder.gep(data, [index])
    row, column = (index, None) if isinstance(index.type, ir.IntType) else cgutils.unpack_tuple(builder, index, 2)
    place = builder.mul(row, builder.extract_value(value, 2))
    return builder.gep(data, [place if column is None else builder.add(place, column)])


@lower_builtin(operator.getitem, View, types.Integer)
@lower_builtin(operator.getitem, View, types.BaseTuple)
def _get(context, builder, signature, args):  # type: ignore[no-untyped-def]
    view, (value, index) = signature.args[0], args
    pointer = _pointer(builder, view, value, index)
    if _element(view, signature.args[1]):
        return context.unpack_value(builder, view.dtype, pointer)
    return make_view(context, builder, signature.return_type, pointer, builder.extract_value(value, 2))


@lower_builtin(operator.setitem, View, types.Integer, types.Any)
@lower_builtin(operator.setitem, View, types.BaseTuple, types.Any)
def _set(context, builder, signature, args):  # type: ignore[no-untyped-def]
    view, (value, index, element) = signature.args[0], args
    context.pack_value(builder, view.dtype, element, _pointer(builder, view, value, index))
    return context.get_dummy_value()
