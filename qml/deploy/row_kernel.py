"""Compiled interpreter of a collapsed graph, for one sample at a time.

The graph becomes a table with a row for each operation. All values of a sample lie one after the other in one array, in
which constants have their place as well; a column of the table that names a value is an offset into it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qml.deploy.graph import Graph
from qml.deploy.operations import BINARY, FUNCTIONS, ROW_FUNCTIONS, STATES
from qml.deploy.strings import with_powers

__all__ = ["RowProgram"]

Array = NDArray[np.float64]

NAMES = ("affine", "gather", "matrix_product", *BINARY, *FUNCTIONS, *ROW_FUNCTIONS, *STATES)
CODES = {name: code for code, name in enumerate(NAMES)}
AFFINE, GATHER, PRODUCT = (CODES[name] for name in ("affine", "gather", "matrix_product"))
ADD, DIVIDE, MAXIMUM, MINIMUM = (CODES[name] for name in ("add", "divide", "maximum", "minimum"))
MULTIPLY, SUBTRACT = CODES["multiply"], CODES["subtract"]
ABS, ARCCOS, ARCTAN, COS, EXP = (CODES[name] for name in ("abs", "arccos", "arctan", "cos", "exp"))
RELU, SIGMOID, SIN, STEP, TANH = (CODES[name] for name in ("relu", "sigmoid", "sin", "step", "tanh"))
LOG, SQRT = CODES["log"], CODES["sqrt"]
ROTATIONS, EXPECTATIONS = (CODES[name] for name in STATES)
LARGEST, NORMALIZE, SOFTMAX, TOP = (CODES[name] for name in ("largest", "normalize", "softmax", "top"))


HEADER = 3
"""Integers before the table."""

COLUMNS = 6
"""Numbers in a row of the table: code, offset of the result, its size, offset of the first argument, offset of the
second argument (or size of the first), and offset of the stored matrix, indices or masks."""


@njit(inline="always")
def _odd(bits: Any) -> bool:
    """Whether the number of bits that are set is odd, of an integer below 2**16."""
    bits ^= bits >> 8
    bits ^= bits >> 4
    return bool(0x6996 >> (bits & 15) & 1)


def _run(integers: Any, numbers: Any, x: Any, out: Any) -> bool:
    """Evaluate the graph for the sample ``x`` into ``out``; False if x is not finite.

    ``integers`` holds the number of rows, that of values, the offset of the results, the table, and all indices;
    ``numbers`` holds the values before the first operation, and all matrices.
    """
    rows, num_values, first = integers[0], integers[1], integers[2]
    values = np.empty(num_values)
    for i in range(num_values):
        values[i] = numbers[i]
    for i in range(len(x)):
        if not math.isfinite(x[i]):
            return False
        values[i] = x[i]
    for row in range(rows):
        place = HEADER + COLUMNS * row
        code, start, size = integers[place], integers[place + 1], integers[place + 2]
        a, b, stored = integers[place + 3], integers[place + 4], integers[place + 5]
        if code == AFFINE:
            for j in range(size):
                values[start + j] = numbers[stored + b * size + j]
            if size == 1:
                total = values[start]
                for i in range(b):
                    total += values[a + i] * numbers[stored + i]
                values[start] = total
            else:
                for i in range(b):
                    factor = values[a + i]
                    matrix = stored + i * size
                    for j in range(size):
                        values[start + j] += factor * numbers[matrix + j]
        elif code == GATHER:
            for j in range(size):
                values[start + j] = values[a + integers[stored + j]]
        elif code == PRODUCT:
            side = int(math.sqrt(size) + 0.5)
            for i in range(side):
                place = start + i * side
                for j in range(side):
                    values[place + j] = 0.0
                for k in range(side):
                    factor = values[a + i * side + k]
                    for j in range(side):
                        values[place + j] += factor * values[b + k * side + j]
        elif code == ROTATIONS:
            half = size // 2
            sines, count = integers[stored], integers[stored + 1]
            for j in range(size):
                values[start + j] = values[a + j]
            for k in range(count):
                place = stored + 2 + 4 * k
                flips, signs, power = integers[place], integers[place + 1], integers[place + 2]
                cosine, sine = values[b + integers[place + 3]], values[sines + integers[place + 3]]
                sine = -sine if power >= 2 else sine
                if flips == 0:
                    for j in range(start, start + half):
                        turned = -sine if _odd((j - start) & signs) else sine
                        re, im = values[j], values[j + half]
                        values[j] = cosine * re - turned * im
                        values[j + half] = cosine * im + turned * re
                    continue
                below = (flips & -flips) - 1
                for pair in range(half // 2):
                    j = pair + (pair & ~below)
                    turned = -sine if _odd(j & signs) else sine
                    here, there = start + j, start + (j ^ flips)
                    re, im, other_re, other_im = values[here], values[here + half], values[there], values[there + half]
                    if power & 1:  # the factor is imaginary
                        values[here] = cosine * re - turned * other_im
                        values[here + half] = cosine * im + turned * other_re
                        values[there] = cosine * other_re - turned * im
                        values[there + half] = cosine * other_im + turned * re
                    else:
                        values[here] = cosine * re - turned * other_re
                        values[here + half] = cosine * im - turned * other_im
                        values[there] = cosine * other_re + turned * re
                        values[there + half] = cosine * other_im + turned * im
        elif code == EXPECTATIONS:
            half = b // 2
            for k in range(size):
                place = stored + 3 * k
                flips, signs, power = integers[place], integers[place + 1], integers[place + 2]
                total = 0.0
                for j in range(half):
                    here, there = a + j, a + (j ^ flips)
                    if power & 1:
                        term = values[there + half] * values[here] - values[there] * values[here + half]
                    else:
                        term = values[there] * values[here] + values[there + half] * values[here + half]
                    total += -term if _odd(j & signs) else term
                values[start + k] = -total if power >= 2 else total
        elif code == MULTIPLY:
            for j in range(size):
                values[start + j] = values[a + j] * values[b + j]
        elif code == ADD:
            for j in range(size):
                values[start + j] = values[a + j] + values[b + j]
        elif code == SUBTRACT:
            for j in range(size):
                values[start + j] = values[a + j] - values[b + j]
        elif code == COS:
            for j in range(size):
                values[start + j] = math.cos(values[a + j])
        elif code == SIN:
            for j in range(size):
                values[start + j] = math.sin(values[a + j])
        elif code == ARCTAN:
            for j in range(size):
                values[start + j] = math.atan(values[a + j])
        elif code == TANH:
            for j in range(size):
                values[start + j] = math.tanh(values[a + j])
        elif code == SIGMOID:
            for j in range(size):
                shrunk = math.exp(-abs(values[a + j]))
                values[start + j] = (1.0 if values[a + j] >= 0 else shrunk) / (1.0 + shrunk)
        elif code == EXP:
            for j in range(size):
                values[start + j] = math.exp(values[a + j])
        elif code == LOG:
            for j in range(size):
                values[start + j] = math.log(values[a + j])
        elif code == SQRT:
            for j in range(size):
                values[start + j] = math.sqrt(values[a + j])
        elif code == ARCCOS:
            for j in range(size):
                values[start + j] = math.acos(values[a + j])
        elif code == ABS:
            for j in range(size):
                values[start + j] = abs(values[a + j])
        elif code == RELU:
            for j in range(size):
                values[start + j] = max(values[a + j], 0.0)
        elif code == STEP:
            for j in range(size):
                values[start + j] = 1.0 if values[a + j] > 0 else 0.0
        elif code == DIVIDE:
            for j in range(size):
                values[start + j] = values[a + j] / values[b + j]
        elif code == MAXIMUM:
            for j in range(size):
                values[start + j] = max(values[a + j], values[b + j])
        elif code == MINIMUM:
            for j in range(size):
                values[start + j] = min(values[a + j], values[b + j])
        elif code == LARGEST:
            top = values[a]
            for j in range(1, b):
                top = max(top, values[a + j])
            values[start] = top
        elif code == TOP:
            winner = 0
            for j in range(1, size):
                if values[a + j] > values[a + winner]:
                    winner = j
            for j in range(size):
                values[start + j] = 1.0 if j == winner else 0.0
        elif code == SOFTMAX:
            top = values[a]
            for j in range(1, size):
                top = max(top, values[a + j])
            total = 0.0
            for j in range(size):
                values[start + j] = math.exp(values[a + j] - top)
                total += values[start + j]
            for j in range(size):
                values[start + j] /= total
        elif code == NORMALIZE:
            top = 0.0
            for j in range(size):
                top = max(top, abs(values[a + j]))
            total = 0.0
            for j in range(size):
                unit = values[a + j] / top if top > 0 else (1.0 if j == 0 else 0.0)
                values[start + j] = unit
                total += unit * unit
            norm = math.sqrt(total)
            for j in range(size):
                values[start + j] /= norm
    for j in range(len(out)):
        out[j] = values[first + j]
    return True


def _compiled(function: Any) -> Any:
    """Compile, cached on disk where numba finds a folder for it; sums may be reordered, as vector units do."""
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"reassoc", "contract"}}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # no folder is writable
        return njit(**options)(function)


run_row = _compiled(_run)


class RowProgram:
    """A graph as the arrays that `run_row` takes.

    Parameters
    ----------
    graph : Graph
        Its outputs are concatenated in the result, in order.
    """

    def __init__(self, graph: Graph) -> None:
        offsets = [0, *np.cumsum([node.size for node in graph.nodes]).tolist()]
        results = np.concatenate([offsets[k] + np.arange(graph.size(k)) for k in graph.outputs.values()])
        numbers = [np.zeros(offsets[-1] + len(results))]
        indices: list[NDArray[np.int64]] = []
        rows: list[tuple[int, ...]] = []
        stored = [0, len(numbers[0])]  # offsets behind the last index and the last number
        for number, node in enumerate(graph.nodes):
            start, size = offsets[number], node.size
            first = offsets[node.arguments[0]] if node.arguments else 0
            match node.operation:
                case "input":
                    continue
                case "constant":
                    numbers[0][start : start + size] = node.constants[0]
                    continue
                case "affine":
                    rows.append((AFFINE, start, size, first, graph.size(node.arguments[0]), stored[1]))
                    numbers += [node.constants[0].ravel(), node.constants[1]]
                    stored[1] += node.constants[0].size + size
                case "gather":
                    rows.append((GATHER, start, size, first, 0, stored[0]))
                    indices.append(node.constants[0])
                    stored[0] += size
                case "concat":
                    for argument in node.arguments:
                        rows.append((GATHER, start, graph.size(argument), offsets[argument], 0, stored[0]))
                        indices.append(np.arange(graph.size(argument)))
                        start, stored[0] = start + graph.size(argument), stored[0] + graph.size(argument)
                case "rotations":
                    cosines, sines = (offsets[argument] for argument in node.arguments[1:])
                    rotations = with_powers(node.constants[0], times=3)
                    rows.append((ROTATIONS, start, size, first, cosines, stored[0]))
                    indices += [np.array([sines, len(rotations)]), rotations.ravel()]
                    stored[0] += 2 + rotations.size
                case "expectations":
                    masks = with_powers(node.constants[0])
                    rows.append((EXPECTATIONS, start, size, first, graph.size(node.arguments[0]), stored[0]))
                    indices.append(masks.ravel())
                    stored[0] += masks.size
                case name if name in BINARY or name == "matrix_product":
                    rows.append((CODES[name], start, size, first, offsets[node.arguments[1]], 0))
                case name:
                    rows.append((CODES[name], start, size, first, graph.size(node.arguments[0]), 0))
        rows.append((GATHER, offsets[-1], len(results), 0, 0, stored[0]))
        table = np.array(rows, np.int64)
        table[np.isin(table[:, 0], (GATHER, ROTATIONS, EXPECTATIONS)), COLUMNS - 1] += HEADER + table.size
        header = np.array([len(rows), len(numbers[0]), offsets[-1]])
        self.size = len(results)
        self.integers = np.concatenate([header, table.ravel(), *indices, results]).astype(np.int64)
        self.numbers = np.concatenate(numbers)

    def __call__(self, x: Array) -> Array | None:
        """Evaluate one sample, a contiguous float64 array of shape (n_features,); None if it is not finite."""
        out = np.empty(self.size)
        return out if run_row(self.integers, self.numbers, x, out) else None
