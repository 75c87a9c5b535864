"""Instructions on vectors, for functions that are written as the instructions of an unrolled loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from simulator.engines.numba.simd import Vector, data_pointer, llvm_type

_INT32 = ir.IntType(32)


class Instructions:
    """Emitter of instructions on vectors of one kind in arrays of one type."""

    def __init__(self, context: Any, builder: Any, array: Any, vector: Vector) -> None:
        self.context, self.builder, self.array, self.vector = context, builder, array, vector

    def load(self, array: Any, place: Any) -> Any:
        return self.load_from(data_pointer(self.context, self.builder, self.array, array), place)

    def store(self, array: Any, place: Any, value: Any) -> None:
        self.store_to(data_pointer(self.context, self.builder, self.array, array), place, value)

    def load_from(self, pointer: Any, place: Any) -> Any:
        """Load a vector ``place`` elements behind a pointer."""
        out = self.builder.load(self._address(pointer, place))
        out.align = self.vector.element.bitwidth // 8
        return out

    def store_to(self, pointer: Any, place: Any, value: Any) -> None:
        """Store a vector ``place`` elements behind a pointer."""
        self.builder.store(value, self._address(pointer, place)).align = self.vector.element.bitwidth // 8

    def _address(self, pointer: Any, place: Any) -> Any:
        return self.builder.bitcast(self.builder.gep(pointer, [place]), llvm_type(self.vector).as_pointer())

    def splat(self, array: Any, place: Any) -> Any:
        data = data_pointer(self.context, self.builder, self.array, array)
        return self.repeated(self.builder.load(self.builder.gep(data, [place])))

    def repeated(self, value: Any) -> Any:
        kind = llvm_type(self.vector)
        first = self.builder.insert_element(ir.Constant(kind, ir.Undefined), value, _INT32(0))
        order = ir.Constant(ir.VectorType(_INT32, self.vector.width), None)
        return self.builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), order)

    def times(self, a: Any, b: Any) -> Any:
        return self.builder.fmul(a, b, flags=("contract",))

    def plus(self, a: Any, b: Any) -> Any:
        return self.builder.fadd(a, b, flags=("contract",))

    def minus(self, a: Any, b: Any) -> Any:
        return self.builder.fsub(a, b, flags=("contract",))

    def shuffled(self, value: Any, lanes: Sequence[int]) -> Any:
        """Vector whose lanes are those of ``value`` with these numbers."""
        order = ir.Constant(ir.VectorType(_INT32, len(lanes)), list(lanes))
        return self.builder.shuffle_vector(value, ir.Constant(value.type, ir.Undefined), order)

    def joined(self, first: Any, second: Any, lanes: Sequence[int]) -> Any:
        """Vector of lanes of two vectors, those of the second one numbered behind those of the first."""
        return self.builder.shuffle_vector(first, second, ir.Constant(ir.VectorType(_INT32, len(lanes)), list(lanes)))

    def place(self, base: Any, offset: int) -> Any:
        return self.builder.add(base, ir.Constant(base.type, offset))
