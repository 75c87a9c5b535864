"""Conversion of estimators, settings and learnt attributes to JSON values and arrays, and back.

The tables below list everything that can be stored; nothing else is written, and nothing else is built from a file.
"""

from __future__ import annotations

import dataclasses
import importlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from qml import ansatze, feature_maps, layers, losses, optimizers
from qml.feature_maps import data_functions, domains
from qml.features import scaling
from qml.files.circuit_data import CircuitReader, CircuitWriter
from qml.files.container import is_storable
from qml.kernels.composite import packed
from qml.layers import Quantum, Sequential
from qml.models.quantum_model import QuantumModel
from qml.persistence.checks import LEFT_OUT, check_learnt, check_settings, check_sizes, random_state
from qml.training import schedules
from simulator.circuit import Circuit
from simulator.noise import NoiseModel
from simulator.observables import PauliSum
from simulator.parameters import Parameter

__all__ = ["ESTIMATORS", "JOBLIB", "SCIKIT_LEARN", "ValueReader", "ValueWriter", "is_part", "parts_of"]

ESTIMATORS = {
    "BoltzmannClassifier": "qml.estimators.variational.boltzmann",
    "BornMachine": "qml.estimators.own_objective",
    "CircuitCentricClassifier": "qml.estimators.variational.circuit_centric",
    "ConvolutionalClassifier": "qml.estimators.variational.hierarchical",
    "DressedClassifier": "qml.estimators.variational.dressed",
    "DressedRegressor": "qml.estimators.variational.dressed",
    "MetricLearningClassifier": "qml.estimators.own_objective",
    "NetworkClassifier": "qml.estimators.variational.network",
    "NetworkRegressor": "qml.estimators.variational.network",
    "QuanvolutionClassifier": "qml.estimators.variational.quanvolution",
    "ReuploadingClassifier": "qml.estimators.variational.reuploading",
    "ReuploadingRegressor": "qml.estimators.variational.reuploading",
    "TreeTensorClassifier": "qml.estimators.variational.hierarchical",
    "VariationalClassifier": "qml.estimators.variational.classifier",
    "VariationalRegressor": "qml.estimators.variational.regressor",
    "KitchenSinksClassifier": "qml.estimators.fixed_features",
    "KitchenSinksRegressor": "qml.estimators.fixed_features",
    "ReservoirClassifier": "qml.estimators.fixed_features",
    "ReservoirForecaster": "qml.estimators.fixed_features",
    "ReservoirRegressor": "qml.estimators.fixed_features",
    "QuantumGaussianProcessClassifier": "qml.estimators.kernel_methods.gaussian_processes",
    "QuantumGaussianProcessRegressor": "qml.estimators.kernel_methods.gaussian_processes",
    "QuantumKernelClassifier": "qml.estimators.kernel_methods.support_vectors",
    "QuantumKernelKMeans": "qml.estimators.kernel_methods.clusters",
    "QuantumKernelPCA": "qml.estimators.kernel_methods.components",
    "QuantumKernelRegressor": "qml.estimators.kernel_methods.support_vectors",
    "QuantumKernelRidge": "qml.estimators.kernel_methods.ridge",
    "QuantumOneClassSVM": "qml.estimators.kernel_methods.outliers",
    "QuantumSpectralClustering": "qml.estimators.kernel_methods.clusters",
    "NystroemFeatures": "qml.estimators.random_features",
    "RandomQuantumFeatures": "qml.estimators.random_features",
    "Pipeline": "sklearn.pipeline",
    "VotingClassifier": "sklearn.ensemble",
    "VotingRegressor": "sklearn.ensemble",
}
"""Classes that a file can hold, and their modules."""

SCIKIT_LEARN = {
    "ColumnTransformer": "sklearn.compose",
    "FunctionTransformer": "sklearn.preprocessing",
    "LabelEncoder": "sklearn.preprocessing",
    "LinearRegression": "sklearn.linear_model",
    "LinearSVC": "sklearn.svm",
    "LogisticRegression": "sklearn.linear_model",
    "MinMaxScaler": "sklearn.preprocessing",
    "OneHotEncoder": "sklearn.preprocessing",
    "PCA": "sklearn.decomposition",
    "Pipeline": "sklearn.pipeline",
    "Ridge": "sklearn.linear_model",
    "RobustScaler": "sklearn.preprocessing",
    "SimpleImputer": "sklearn.impute",
    "StandardScaler": "sklearn.preprocessing",
}
"""Estimators of scikit-learn that are allowed in a pipeline: those that learn only numbers and words."""

TRANSFORMERS = dict.fromkeys(("AngleScaler", "ImagePooling", "QubitReducer", "SumFeatures"), "qml.features")
"""Transformers of this library that are allowed in a pipeline."""

KERNELS = dict.fromkeys(
    (
        "ClassicalKernel",
        "FidelityKernel",
        "PowerKernel",
        "ProductKernel",
        "ProjectedKernel",
        "ScaledKernel",
        "SumKernel",
        "TrainedKernel",
    ),
    "qml.kernels",
)

PARTS = ESTIMATORS | SCIKIT_LEARN | TRANSFORMERS | KERNELS
"""Estimators inside estimators, and their modules."""

MEMBERS_BY_NAME = "named_estimators_"
"""Learnt attribute of an ensemble that holds its members once more, by name; left out of files."""

MAKERS = (*KERNELS, "RandomQuantumFeatures")
"""Parts that build their circuits when they predict."""

VALUES: dict[str, type] = {
    kind.__name__: kind
    for module in (ansatze, data_functions, domains, feature_maps, layers, losses, optimizers, scaling, schedules)
    for kind in vars(module).values()
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind is not data_functions.OwnFunction
}
VALUES["QuantumModel"] = QuantumModel
"""Immutable settings and learnt values, stored field by field."""

FIELDS: dict[type, tuple[str, ...]] = {
    QuantumModel: (
        *("circuit", "inputs", "weights", "observables", "outputs", "qubits", "precision", "data", "num_features"),
    ),
    Quantum: ("model",),
}
"""Constructor arguments of a dataclass, where these are not all of its fields."""

SELECTOR_FIELDS = ("pattern", "dtype_include", "dtype_exclude")

TYPES = {"bool": bool, "float": float, "int": int, "object": object, "str": str} | {
    f"numpy.{np.dtype(code).name}": np.dtype(code).type for code in "?bhilBHILefdFD"
}
"""Types that settings of scikit-learn, such as the dtype of an encoder, can be."""


JOBLIB = "joblib.dump stores any object, in files that run whatever their sender put into them when they are loaded"


class ValueWriter:
    """Python values to JSON values; what JSON lacks becomes an object with a ``type``."""

    def __init__(self) -> None:
        self.arrays: dict[str, NDArray[Any]] = {}
        self.circuits = CircuitWriter(self._store)

    def _store(self, array: NDArray[Any]) -> int:
        number = len(self.arrays)
        self.arrays[str(number)] = np.ascontiguousarray(array)
        return number

    def value(self, name: str, value: Any) -> Any:
        """The JSON value; ``name`` is for errors."""
        match value:
            case None | bool() | str():
                return value
            case np.bool_():
                return bool(value)
            case int() | np.integer():
                return int(value)
            case float() | np.floating():
                return float(value) if math.isfinite(value) else {"type": "float", "text": repr(float(value))}
            case list():
                return [self.value(name, entry) for entry in value]
            case tuple():
                return {"type": "tuple", "entries": [self.value(name, entry) for entry in value]}
            case dict():
                pairs = [[self.value(name, key), self.value(f"{name}[{key!r}]", entry)] for key, entry in value.items()]
                return {"type": "dict", "pairs": pairs}
            case np.ndarray() if value.dtype == object:
                entries = [self.value(name, entry) for entry in value.ravel().tolist()]
                return {"type": "object_array", "shape": list(value.shape), "entries": entries}
            case np.ndarray() if value.dtype.names is not None:  # features of a composite kernel
                return {"type": "records", "fields": {key: self.value(name, value[key]) for key in value.dtype.names}}
            case np.ndarray():
                if value.ndim > 1 and value.flags.f_contiguous and not value.flags.c_contiguous:
                    # BLAS adds in an order that depends on the one in memory
                    return {"type": "transposed", "array": self.value(name, value.T)}
                # a zero-dimensional array would come back as one entry, so its shape is kept beside it
                return {"type": "array", "number": self._store(value), "shape": list(value.shape)}
            case slice():
                bounds = (value.start, value.stop, value.step)
                return {"type": "slice", "bounds": [self.value(name, bound) for bound in bounds]}
            case np.dtype() if value.kind == "O" or is_storable(value):
                return {"type": "dtype", "text": value.str}
            case type() if value in TYPES.values():
                return {"type": "type", "name": next(key for key, kind in TYPES.items() if kind is value)}
            case np.random.RandomState():
                return {"type": "RandomState", "state": self.value(name, value.get_state(legacy=False))}
            case Parameter():
                return {"type": "Parameter", "number": self.circuits.parameter(value)}
            case Circuit():
                return {"type": "Circuit", "circuit": self.circuits.circuit(value)}
            case NoiseModel():
                return {"type": "NoiseModel", "data": self.value(name, value.to_dict())}
            case Sequential():
                return {"type": "Sequential", "layers": self.value(name, list(value.layers))}
            case PauliSum():
                columns = (value.x_masks, value.z_masks, value.coefficients)
                return {"type": "PauliSum", "columns": [self._store(column) for column in columns]}
        kind = type(value).__name__
        if is_part(value):
            parts = zip(("parameters", "learnt"), parts_of(value), strict=True)
            return {"type": kind} | {
                part: {key: self.value(f"{name}.{key}", entry) for key, entry in entries.items()}
                for part, entries in parts
            }
        if VALUES.get(kind) is type(value) or _is_selector(value):
            return {"type": kind, "fields": {k: self.value(f"{name}.{k}", v) for k, v in _fields(value).items()}}
        raise TypeError(
            f"{name}: an object of class {kind} cannot be stored in a model file, got {value!r}. Model files hold "
            f"numbers, text, arrays, objects of this library, and of scikit-learn {', '.join(SCIKIT_LEARN)}; {JOBLIB}"
        )


class ValueReader:
    """JSON values back to Python values; only the types named here are created."""

    def __init__(self, arrays: dict[str, NDArray[Any]], parameter_names: list[str]) -> None:
        self._arrays = arrays
        self._circuits = CircuitReader(self._fetch, parameter_names)

    def _fetch(self, number: int) -> NDArray[Any]:
        return self._arrays[str(number)]

    def fields(self, data: dict[str, Any]) -> dict[str, Any]:
        """Values of a JSON object that stands for itself."""
        return {key: self.value(value) for key, value in data.items()}

    def part(self, kind: str, data: dict[str, Any]) -> Any:
        """Build an estimator with its learnt attributes."""
        if kind in MAKERS:
            check_sizes(kind, data)
        parameters, learnt = self.fields(data["parameters"]), self.fields(data["learnt"])
        estimator = getattr(importlib.import_module(PARTS[kind]), kind)(**parameters)
        check_settings(estimator, parameters)
        check_learnt(estimator, learnt)
        vars(estimator).update(learnt)
        if "estimators_" in learnt:
            members = list(estimator.estimators_)
            named = {name: "drop" if member == "drop" else members.pop(0) for name, member in estimator.estimators}
            setattr(estimator, MEMBERS_BY_NAME, Bunch(**named))
        return estimator

    def value(self, data: Any) -> Any:
        """Convert a JSON value to a Python value."""
        if isinstance(data, list):
            return [self.value(entry) for entry in data]
        if not isinstance(data, dict):
            return data
        match data["type"]:
            case "float":
                return float(data["text"])
            case "tuple":
                return tuple(self.value(entry) for entry in data["entries"])
            case "dict":
                return {self.value(key): self.value(entry) for key, entry in data["pairs"]}
            case "array":
                return self._fetch(data["number"]).reshape(data["shape"])
            case "transposed":
                return self.value(data["array"]).T
            case "object_array":
                out = np.empty(len(data["entries"]), object)
                out[:] = [self.value(entry) for entry in data["entries"]]
                return out.reshape(data["shape"])
            case "records":
                return packed(self.fields(data["fields"]))
            case "slice":
                return slice(*(self.value(bound) for bound in data["bounds"]))
            case "dtype":
                dtype = np.dtype(str(data["text"]))
                if data["text"] != "|O" and not is_storable(dtype):
                    raise TypeError(f"dtype {data['text']!r}")
                return dtype
            case "type":
                return TYPES[data["name"]]
            case "make_column_selector":
                selector = importlib.import_module("sklearn.compose").make_column_selector
                return selector(**self.fields(data["fields"]))
            case "RandomState":
                return random_state(self.value(data["state"]))
            case "Parameter":
                return self._circuits.parameter(data["number"])
            case "Circuit":
                return self._circuits.circuit(data["circuit"])
            case "NoiseModel":
                return NoiseModel.from_dict(self.value(data["data"]))
            case "Sequential":
                return Sequential(*self.value(data["layers"]))
            case "PauliSum":
                return PauliSum(*(self._fetch(number) for number in data["columns"]))
        if data["type"] in PARTS:
            return self.part(data["type"], data)
        kind = VALUES[data["type"]]
        if not data["fields"].keys() <= set(_field_names(kind)):
            raise ValueError(f"{data['type']} has no fields {sorted(data['fields'])}")
        return kind(**self.fields(data["fields"]))


def is_part(value: Any) -> bool:
    """Whether a file can hold an estimator; a custom class of the same name is not accepted."""
    kind = type(value)
    return kind.__name__ in PARTS and getattr(importlib.import_module(PARTS[kind.__name__]), kind.__name__) is kind


def parts_of(estimator: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings and the learnt attributes to store, by name, so that equal estimators have equal files."""
    settings = estimator.get_params(deep=False)
    check_settings(estimator, {})
    learnt = {name: value for name, value in vars(estimator).items() if name not in {*settings, MEMBERS_BY_NAME}}
    settings |= {name: None for name in LEFT_OUT if name in settings}
    return dict(sorted(settings.items())), dict(sorted(learnt.items()))


def _fields(value: Any) -> dict[str, Any]:
    """Return the arguments that reconstruct a value."""
    names = SELECTOR_FIELDS if _is_selector(value) else _field_names(type(value))
    if isinstance(value, QuantumModel):  # those of expectations are the same as in earlier versions
        others = ("outputs", "qubits") if value.qubits is None else ("observables",)
        names = [name for name in names if name not in others]
    return {name: getattr(value, name) for name in names}


def _field_names(kind: Any) -> Sequence[str]:
    return FIELDS.get(kind) or [field.name for field in dataclasses.fields(kind) if field.init]


def _is_selector(value: Any) -> bool:
    """Whether a value is a column selector of scikit-learn."""
    kind = type(value)
    return (
        kind.__name__ == "make_column_selector"
        and kind is importlib.import_module("sklearn.compose").make_column_selector
    )
