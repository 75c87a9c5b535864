"""C code of a collapsed graph."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from qml.deploy.c_code import BLOCKS, EXPRESSIONS, ODD, STATE_FUNCTIONS
from qml.deploy.graph import Graph
from qml.deploy.models import CollapsedModel
from qml.deploy.operations import BINARY, FUNCTIONS, Node
from qml.deploy.quantization import MIN_ENTRIES, quantized_matrix
from qml.deploy.strings import with_powers

__all__ = ["CWriter"]

Array = NDArray[np.float64]

TOLERANCE = {"double": 1e-9, "float": 1e-4}
"""Allowed difference of the test vector, relative to the largest output or 1."""


class CWriter:
    """Writes the operations of a graph as C statements.

    Parameters
    ----------
    collapsed : CollapsedModel
    prefix : str
    precision : {"double", "float"}
    integers : bool
        Whether large matrices are stored as 8-bit integers.
    """

    def __init__(self, collapsed: CollapsedModel, prefix: str, precision: str, integers: bool) -> None:
        self.collapsed, self.prefix, self.precision, self.integers = collapsed, prefix, precision, integers
        self.real_bytes = 8 if precision == "double" else 4
        self.suffix = "" if precision == "double" else "f"
        self.data: list[str] = []
        self.data_bytes = 0
        self.offsets, self.stack = _places(collapsed.graph)

    def header(self, rows: Array, loss: str) -> str:
        """Return the whole text."""
        collapsed, name, upper = self.collapsed, self.prefix, self.prefix.upper()
        outputs = collapsed.graph.outputs
        values = collapsed.graph.size(outputs["values"])
        body = [self._statement(number, node) for number, node in enumerate(collapsed.graph.nodes)]
        copies = [f"    if ({out} != 0) {self._copied(number, out)}" for out, number in outputs.items()]
        lines = [
            f"/* {collapsed.name} as a function of {collapsed.num_features} features, exported by qumba "
            f"{collapsed.versions['qumba']}.",
            f"   Features: {_comment(', '.join(collapsed.feature_names) or 'unnamed')}.",
            f"   Digest of the model: {collapsed.digest}.",
            f"   {loss or f'Weights in {self.precision} precision'}.",
            f"   Check: cc -std=c99 -D{upper}_TEST -x c FILE -lm && ./a.out */",
            f"#ifndef {upper}_H",
            f"#define {upper}_H",
            "",
            "#include <math.h>",
            "#include <stdint.h>" if self.integers else None,
            "",
            f"#define {upper}_FEATURES {collapsed.num_features}",
            f"#define {upper}_VALUES {values}",
            f"#define {upper}_CLASSES {len(collapsed.classes)}" if collapsed.classes is not None else None,
            "",
            f"typedef {self.precision} {name}_real;",
            "",
            *self.data,
            "",
            *self._state_functions(),
            self._signature("outputs", list(outputs)),
            "{",
            f"    {name}_real v[{self.stack}];",
            f"    for (int i = 0; i < {collapsed.num_features}; ++i) {{",
            "        if (!isfinite(x[i])) return 1;",
            "        v[i] = x[i];",
            "    }",
            *filter(None, body),
            *copies,
            "    return 0;",
            "}",
            "",
            *self._functions(list(outputs), values),
            *self._test(rows),
            "",
            f"#endif /* {upper}_H */",
            "",
        ]
        return "\n".join(line for line in lines if line is not None)

    def _signature(self, function: str, outputs: list[str]) -> str:
        arguments = "".join(f", {self.prefix}_real *{out}" for out in outputs)
        return f"static inline int {self.prefix}_{function}(const {self.prefix}_real *x{arguments})"

    def _functions(self, outputs: list[str], values: int) -> Iterable[str]:
        """Yield the public functions."""
        for out in outputs:
            arguments = ", ".join(out if other == out else "0" for other in outputs)
            yield f"{self._signature(out, [out])} {{ return {self.prefix}_outputs(x, {arguments}); }}"
            yield ""
        if self.collapsed.task != "classification":
            return
        classes = ", ".join(f'"{_comment(str(label))}"' for label in np.asarray(self.collapsed.classes).tolist())
        yield f"static inline const char *{self.prefix}_class_name(int index)"
        yield "{"
        yield f"    static const char *const names[] = {{{classes}}};"
        yield "    return names[index];"
        yield "}"
        yield ""
        winner = "values[0] > 0" if values == 1 else "winner"
        yield f"static inline int {self.prefix}_class(const {self.prefix}_real *x)"
        yield "{"
        yield f"    {self.prefix}_real values[{values}];"
        yield f"    if ({self.prefix}_values(x, values) || !isfinite(values[0])) return -1;"
        if values > 1:
            yield "    int winner = 0;"
            yield f"    for (int i = 1; i < {values}; ++i) if (values[i] > values[winner]) winner = i;"
        yield f"    return {winner};"
        yield "}"
        yield ""

    def _test(self, rows: Array) -> Iterable[str]:
        """Yield a test vector, and a main function that checks it."""
        collapsed, name, upper = self.collapsed, self.prefix, self.prefix.upper()
        expected = collapsed.graph.evaluate(rows)["values"]
        limit = TOLERANCE[self.precision] * max(1.0, float(np.abs(expected).max()))
        count, size = expected.shape
        yield f"#ifdef {upper}_TEST"
        yield "#include <stdio.h>"
        yield f"static const {name}_real {name}_test_x[] = {{{self._reals(rows)}}};"
        yield f"static const {name}_real {name}_test_values[] = {{{self._reals(expected)}}};"
        yield "int main(void)"
        yield "{"
        yield "    double worst = 0;"
        yield f"    for (int row = 0; row < {count}; ++row) {{"
        yield f"        {name}_real values[{size}];"
        yield f"        if ({name}_values({name}_test_x + row * {rows.shape[1]}, values)) return 2;"
        yield f"        for (int i = 0; i < {size}; ++i) {{"
        yield f"            double error = fabs((double)values[i] - (double){name}_test_values[row * {size} + i]);"
        yield "            if (!(error <= worst)) worst = error;"
        yield "        }"
        yield "    }"
        yield f'    printf("{count} samples, largest difference %.3g\\n", worst);'
        yield f"    return !(worst <= {limit:.17g});"
        yield "}"
        yield "#endif"

    def _statement(self, number: int, node: Node) -> str | None:
        """Return the C statement of a node, and store its constants."""
        at = self.offsets[number]
        places = [self.offsets[argument] for argument in node.arguments]
        size = node.size
        match node.operation:
            case "input":
                return None
            case "constant":
                return self._constant(at, node.constants[0])
            case "affine":
                return self._affine(at, places[0], *node.constants)
            case "gather":
                source = self._indices(node.constants[0])
                return f"    {_loop(size)} v[{at} + i] = v[{places[0]} + {source}[i]];"
            case "concat":
                sizes = [self.collapsed.graph.size(argument) for argument in node.arguments]
                starts = at + np.cumsum([0, *sizes])
                return "\n".join(
                    f"    {_loop(count)} v[{start} + i] = v[{place} + i];"
                    for count, start, place in zip(sizes, starts.tolist(), places, strict=False)
                )
            case "rotations":
                return self._rotations(at, places, size, node.constants[0])
            case "expectations":
                table = self._masks(with_powers(node.constants[0]))
                half = self.collapsed.graph.size(node.arguments[0]) // 2
                return f"    {self.prefix}_expectations(v + {at}, v + {places[0]}, {half}, {table}, {size});"
            case "matrix_product":
                return self._matrix_product(at, places[0], places[1], math.isqrt(size))
            case name if name in BINARY or name in FUNCTIONS:
                second = f"v[{places[-1]} + i]"
                expression = EXPRESSIONS[name].format(x=f"v[{places[0]} + i]", y=second, f=self.suffix)
                return f"    {_loop(size)} v[{at} + i] = {expression};"
            case name:
                return BLOCKS[name].format(
                    at=at, x=places[0], size=self.collapsed.graph.size(node.arguments[0]), f=self.suffix,
                    real=f"{self.prefix}_real",
                )  # fmt: skip

    def _constant(self, at: int, numbers: Array) -> str:
        places = np.flatnonzero(numbers)
        if 4 * len(places) >= len(numbers):
            return f"    {_loop(len(numbers))} v[{at} + i] = {self._array(numbers)}[i];"
        entries = [f"v[{at + place}] = {self._reals(numbers[[place]])};" for place in places.tolist()]
        return f"    {_loop(len(numbers))} v[{at} + i] = 0;\n" + "\n".join(f"    {entry}" for entry in entries)

    def _affine(self, at: int, x: int, matrix: Array, offset: Array) -> str:
        rows, columns = matrix.shape
        factor = ""
        if self.integers and matrix.size >= MIN_ENTRIES:
            integers, factors = quantized_matrix(matrix)
            stored = self._store("int8_t", ", ".join(map(str, integers.ravel().tolist())), integers.size)
            factor = f" * {self._array(factors)}[i]"
        else:
            stored = self._array(matrix)
        # the inner loop is over the outputs, whose sums do not depend on each other: compilers vectorise it
        return (
            f"    {_loop(columns)} v[{at} + i] = 0;\n"
            f"    for (int j = 0; j < {rows}; ++j) {{\n"
            f"        const {self.prefix}_real factor = v[{x} + j];\n"
            f"        {_loop(columns)} v[{at} + i] += {stored}[j * {columns} + i] * factor;\n"
            "    }\n"
            f"    {_loop(columns)} v[{at} + i] = v[{at} + i]{factor} + {self._array(offset)}[i];"
        )

    def _matrix_product(self, at: int, a: int, b: int, side: int) -> str:
        return (
            f"    {_loop(side * side)} v[{at} + i] = 0;\n"
            f"    for (int j = 0; j < {side * side}; ++j) {{\n"
            f"        const {self.prefix}_real factor = v[{a} + j];\n"
            f"        {_loop(side)} v[{at} + j / {side} * {side} + i] += v[{b} + j % {side} * {side} + i] * factor;\n"
            "    }"
        )

    def _rotations(self, at: int, places: list[int], size: int, table: NDArray[np.int64]) -> str:
        stored = self._masks(with_powers(table, times=3))
        cosines, sines = places[1:]
        return (
            f"    {_loop(size)} v[{at} + i] = v[{places[0]} + i];\n"
            f"    {self.prefix}_rotations(v + {at}, {size // 2}, v + {cosines}, v + {sines}, {stored}, {len(table)});"
        )

    def _state_functions(self) -> Iterable[str]:
        """Yield the functions of states, if the model has states."""
        used = {node.operation for node in self.collapsed.graph.nodes}
        if used.isdisjoint(STATE_FUNCTIONS):
            return
        for name in ("odd", *(name for name in STATE_FUNCTIONS if name in used)):
            yield (ODD if name == "odd" else STATE_FUNCTIONS[name]).replace("@", self.prefix)
            yield ""

    def _copied(self, number: int, out: str) -> str:
        return f"{_loop(self.collapsed.graph.size(number))} {out}[i] = v[{self.offsets[number]} + i];"

    def _array(self, values: Array) -> str:
        """Store real numbers; returns the name of the array."""
        return self._store(f"{self.prefix}_real", self._reals(values), self.real_bytes * values.size)

    def _indices(self, values: NDArray[np.int64]) -> str:
        kind, width = ("unsigned char", 1) if values.max() < 256 else ("int", 4)
        return self._store(kind, ", ".join(map(str, values.tolist())), width * values.size)

    def _masks(self, table: NDArray[np.int64]) -> str:
        return self._store("unsigned short", ", ".join(map(str, table.ravel().tolist())), 2 * table.size)

    def _store(self, kind: str, numbers: str, size: int) -> str:
        name = f"{self.prefix}_c{len(self.data)}"
        self.data.append(f"static const {kind} {name}[] = {{{numbers}}};")
        self.data_bytes += size
        return name

    def _reals(self, values: Array) -> str:
        digits = 17 if self.precision == "double" else 9
        texts = (f"{value:.{digits}g}" for value in np.asarray(values, np.float64).ravel().tolist())
        return ", ".join(text + ("" if set(text) & set(".e") else ".0") + self.suffix for text in texts)


def _loop(size: int) -> str:
    return f"for (int i = 0; i < {size}; ++i)"


def _comment(text: str) -> str:
    """Return text that ends neither a comment nor a string of C: other characters than these are replaced."""
    return re.sub(r"[^A-Za-z0-9 .,:;=()\[\]_+-]", "?", text)


def _places(graph: Graph) -> tuple[list[int], int]:
    """Place all values in one array, in which those that are not needed any more are overwritten.

    Returns
    -------
    offsets : list of int
        Of each node; the input is at 0.
    size : int
        Size of the array.
    """
    last = list(range(len(graph.nodes)))
    for number, node in enumerate(graph.nodes):
        for argument in node.arguments:
            last[argument] = number
    for number in graph.outputs.values():
        last[number] = len(graph.nodes)
    offsets: list[int] = []
    occupied: list[tuple[int, int, int]] = []  # start, end, last node that reads it
    top = 0
    for number, node in enumerate(graph.nodes):
        occupied = [entry for entry in occupied if entry[2] >= number]
        start = 0
        for begin, end, _ in sorted(occupied):
            if start + node.size <= begin:
                break
            start = max(start, end)
        offsets.append(start)
        occupied.append((start, start + node.size, last[number]))
        top = max(top, start + node.size)
    return offsets, top
