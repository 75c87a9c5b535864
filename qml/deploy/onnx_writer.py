"""Translation of a collapsed graph to operators of ONNX."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.deploy.graph import Graph
from qml.deploy.models import CollapsedModel
from qml.deploy.operations import BINARY
from qml.deploy.strings import string_permutation

__all__ = ["OnnxWriter"]

OPSET, IR = 21, 10
"""Versions of the operators and of the format; older runtimes refuse files with newer ones than theirs."""

SIMPLE = {
    "abs": "Abs",
    "add": "Add",
    "cos": "Cos",
    "divide": "Div",
    "exp": "Exp",
    "log": "Log",
    "maximum": "Max",
    "minimum": "Min",
    "multiply": "Mul",
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "sin": "Sin",
    "sqrt": "Sqrt",
    "subtract": "Sub",
    "tanh": "Tanh",
}
"""Operator of each operation that is one operator without attributes."""


class OnnxWriter:
    """Translates the operations of a graph to operators of ONNX.

    Parameters
    ----------
    onnx : module
        The optional package.
    collapsed : CollapsedModel
    precision : {"double", "single"}
    """

    def __init__(self, onnx: Any, collapsed: CollapsedModel, precision: str) -> None:
        self.onnx, self.collapsed, self.precision = onnx, collapsed, precision
        self.dtype = np.float64 if precision == "double" else np.float32
        self.type = onnx.TensorProto.DOUBLE if precision == "double" else onnx.TensorProto.FLOAT
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}
        self.names: dict[int, str] = {0: "X"}

    def model(self) -> Any:
        """Return the ONNX model."""
        helper, collapsed = self.onnx.helper, self.collapsed
        self._graph(collapsed.graph)
        outputs = self._regression() if collapsed.task == "regression" else self._classification()
        features = helper.make_tensor_value_info("X", self.type, ["n_samples", collapsed.num_features])
        graph = helper.make_graph(self.nodes, collapsed.name, [features], outputs, list(self.constants.values()))
        versions = collapsed.versions
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR,
            producer_name="qumba",
            producer_version=versions["qumba"],
        )
        classes = None if collapsed.classes is None else collapsed.classes.tolist()
        entries = {
            "estimator": collapsed.name,
            "task": collapsed.task,
            "feature_names": json.dumps(collapsed.feature_names),
            "classes": json.dumps(classes),
            "precision": self.precision,
            "model_digest": collapsed.digest,
        } | {f"{name}_version": number for name, number in versions.items()}
        helper.set_model_props(model, entries)
        return model

    def _graph(self, graph: Graph) -> None:
        for number, node in enumerate(graph.nodes[1:], 1):
            arguments = [self.names[argument] for argument in node.arguments]
            match node.operation:
                case "constant":
                    used = [other for other in graph.nodes if number in other.arguments]
                    stored = self._constant(node.constants[0])
                    broadcast = used and all(other.operation in BINARY for other in used)
                    name = stored if broadcast and number not in graph.outputs.values() else self._rows(stored, node)
                case "affine":
                    product = self._add("MatMul", arguments[0], self._constant(node.constants[0]))
                    name = self._add("Add", product, self._constant(node.constants[1]))
                case "gather":
                    name = self._add("Gather", arguments[0], self._constant(node.constants[0], np.int64), axis=1)
                case "concat":
                    name = self._add("Concat", *arguments, axis=1)
                case "matrix_product":
                    name = self._matrix_product(arguments[0], arguments[1], node.size)
                case "rotations":
                    name = self._rotations(arguments, node.size, node.constants[0])
                case "expectations":
                    name = self._expectations(arguments[0], graph.size(node.arguments[0]), node.constants[0])
                case operation if operation in SIMPLE:
                    name = self._add(SIMPLE[operation], *arguments)
                case operation:
                    name = getattr(self, f"_{operation}")(arguments[0], node.size)
            self.names[number] = name

    def _regression(self) -> list[Any]:
        values = self.names[self.collapsed.graph.outputs["values"]]
        shape: list[Any] = ["n_samples"]
        if self.collapsed.one_target:
            values = self._add("Squeeze", values, self._constant([1], np.int64))
        else:
            shape.append(self.collapsed.graph.size(self.collapsed.graph.outputs["values"]))
        return [self._output(values, "variable", self.type, shape)]

    def _classification(self) -> list[Any]:
        collapsed, onnx = self.collapsed, self.onnx
        assert collapsed.classes is not None
        outputs = collapsed.graph.outputs
        values, size = self.names[outputs["values"]], collapsed.graph.size(outputs["values"])
        shape: list[Any] = ["n_samples"]
        if collapsed.task == "labels":
            labels = self._cast(self._positive(values), onnx.TensorProto.INT64)
            kind = onnx.TensorProto.INT64
            shape.append(size)
        else:
            if size == 1:
                positive = self._cast(self._positive(values), onnx.TensorProto.INT64)
                index = self._add("Squeeze", positive, self._constant([1], np.int64))
            else:
                index = self._add("ArgMax", values, axis=1, keepdims=0)
            classes = _as_labels(collapsed.classes)
            labels = self._add("Gather", self._constant(classes, classes.dtype), index, axis=0)
            kind = onnx.helper.np_dtype_to_tensor_dtype(classes.dtype)
        first = self._output(labels, "label", kind, shape)
        name = "probabilities" if "probabilities" in outputs else "decision_function"
        second = outputs.get("probabilities", outputs["values"])
        columns = ["n_samples", collapsed.graph.size(second)]
        return [first, self._output(self.names[second], name, self.type, columns)]

    def _output(self, name: str, public: str, kind: int, shape: list[Any]) -> Any:
        self.nodes.append(self.onnx.helper.make_node("Identity", [name], [public]))
        return self.onnx.helper.make_tensor_value_info(public, kind, shape)

    def _add(self, operator: str, *arguments: str, **attributes: Any) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(operator, list(arguments), [name], **attributes))
        return name

    def _constant(self, values: Any, dtype: Any = None) -> str:
        array = np.asarray(values, self.dtype if dtype is None else dtype)
        key = hashlib.sha256(f"{array.dtype} {array.shape} ".encode() + _bytes_of(array)).hexdigest()
        if key not in self.constants:
            self.constants[key] = self.onnx.numpy_helper.from_array(array, f"c{len(self.constants)}")
        return str(self.constants[key].name)

    def _rows(self, constant: str, node: Any) -> str:
        """Repeat a constant for each sample."""
        rows = self._add("Shape", "X", start=0, end=1)
        shape = self._add("Concat", rows, self._constant([node.size], np.int64), axis=0)
        return self._add("Expand", constant, shape)

    def _cast(self, x: str, kind: int) -> str:
        return self._add("Cast", x, to=kind)

    def _positive(self, x: str) -> str:
        return self._add("Greater", x, self._constant(0.0))

    def _step(self, x: str, size: int) -> str:
        return self._cast(self._positive(x), self.type)

    def _arctan(self, x: str, size: int) -> str:
        """Refine the arctangent in single precision, as runtimes have no other.

        ``arctan(x) = y + arctan(t)`` with ``t = (x cos y - sin y) / (cos y + x sin y)``, which is about 1e-7, so that
        its arctangent is t in double precision.
        """
        if self.precision == "single":
            return self._add("Atan", x)
        y = self._cast(self._add("Atan", self._cast(x, self.onnx.TensorProto.FLOAT)), self.type)
        cosine, sine = self._add("Cos", y), self._add("Sin", y)
        above = self._add("Sub", self._add("Mul", x, cosine), sine)
        below = self._add("Add", cosine, self._add("Mul", x, sine))
        return self._add("Add", y, self._add("Div", above, below))

    def _arccos(self, x: str, size: int) -> str:
        """Return ``2 arctan(sqrt((1 - x) (1 + x)) / (1 + x))``, with the limit pi at -1."""
        if self.precision == "single":
            return self._add("Acos", x)
        one, smallest = self._constant(1.0), self._constant(np.finfo(np.float64).tiny)
        low, high = self._add("Sub", one, x), self._add("Add", one, x)
        root = self._add("Sqrt", self._add("Div", low, self._add("Max", high, smallest)))
        return self._add("Mul", self._arctan(root, size), self._constant(2.0))

    def _matrix_product(self, a: str, b: str, size: int) -> str:
        side = math.isqrt(size)
        square = self._constant([0, side, side], np.int64)  # 0 keeps the number of samples
        product = self._add("MatMul", self._add("Reshape", a, square), self._add("Reshape", b, square))
        return self._add("Reshape", product, self._constant([0, size], np.int64))

    def _rotations(self, arguments: list[str], size: int, table: Any) -> str:
        """Add rotations: a Pauli string permutes real and imaginary parts, and changes signs."""
        state, cosines, sines = arguments
        for x, z, place in table.tolist():
            places, signs = string_permutation(x, z, size, times=-1j)
            column = self._constant([place], np.int64)
            cosine, sine = (self._add("Gather", values, column, axis=1) for values in (cosines, sines))
            flipped = self._add("Gather", state, self._constant(places, np.int64), axis=1)
            turned = self._add("Mul", self._add("Mul", flipped, self._constant(signs)), sine)
            state = self._add("Add", self._add("Mul", state, cosine), turned)
        return state

    def _expectations(self, state: str, size: int, masks: Any) -> str:
        columns = []
        for x, z in masks.tolist():
            places, signs = string_permutation(x, z, size)
            flipped = self._add("Gather", state, self._constant(places, np.int64), axis=1)
            terms = self._add("Mul", self._add("Mul", state, flipped), self._constant(signs))
            columns.append(self._add("ReduceSum", terms, self._constant([1], np.int64), keepdims=1))
        return self._add("Concat", *columns, axis=1)

    def _softmax(self, x: str, size: int) -> str:
        return self._add("Softmax", x, axis=1)

    def _largest(self, x: str, size: int) -> str:
        return self._add("ReduceMax", x, self._constant([1], np.int64), keepdims=1)

    def _top(self, x: str, size: int) -> str:
        winner = self._add("ArgMax", x, axis=1, keepdims=1)
        return self._cast(self._add("Equal", winner, self._constant(np.arange(size), np.int64)), self.type)

    def _normalize(self, x: str, size: int) -> str:
        largest = self._largest(self._add("Abs", x), size)
        varies = self._positive(largest)
        unit = self._add("Div", x, self._add("Where", varies, largest, self._constant(1.0)))
        first = self._add("Where", varies, self._constant(np.zeros((1, size))), self._constant(np.eye(1, size)))
        unit = self._add("Add", unit, first)
        return self._add("Div", unit, self._add("ReduceL2", unit, self._constant([1], np.int64), keepdims=1))


def _bytes_of(array: NDArray[Any]) -> bytes:
    """Return bytes that tell equal arrays from others."""
    return json.dumps(array.tolist()).encode() if array.dtype == object else array.tobytes()


def _as_labels(classes: NDArray[Any]) -> NDArray[Any]:
    """Return classes in a type that ONNX has: int64, double, bool, or text."""
    if classes.dtype.kind in "iu":
        return classes.astype(np.int64)
    if classes.dtype.kind == "f":
        return classes.astype(np.float64)
    return classes if classes.dtype.kind == "b" else np.array([str(label) for label in classes], dtype=object)
