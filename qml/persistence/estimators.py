"""Model files of estimators: arrays and JSON, without executable content."""

from __future__ import annotations

import dataclasses
import importlib
import math
from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray

from qml import ansatze, feature_maps, layers, losses, optimizers
from qml.feature_maps import data_functions
from qml.features import scaling
from qml.files.circuit_data import CircuitReader, CircuitWriter
from qml.files.container import Arrays, Header, ModelFileError, read_container, write_container
from qml.layers import Quantum, Sequential
from qml.models.quantum_model import QuantumModel
from simulator.circuit import Circuit
from simulator.noise import NoiseModel
from simulator.observables import PauliSum
from simulator.parameters import Parameter

__all__ = ["load", "save"]

KIND = "model"
VERSION = 2

ESTIMATORS = {
    "VariationalClassifier": "qml.estimators.variational.classifier",
    "VariationalRegressor": "qml.estimators.variational.regressor",
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
}
"""Classes that a file can hold, and their modules."""

SCIKIT_LEARN = {
    "LinearRegression": "sklearn.linear_model",
    "LinearSVC": "sklearn.svm",
    "LogisticRegression": "sklearn.linear_model",
    "MinMaxScaler": "sklearn.preprocessing",
    "PCA": "sklearn.decomposition",
    "Pipeline": "sklearn.pipeline",
    "Ridge": "sklearn.linear_model",
    "RobustScaler": "sklearn.preprocessing",
    "StandardScaler": "sklearn.preprocessing",
}
"""Estimators of scikit-learn that are allowed in a pipeline: those that learn only numbers."""

PARTS = (
    ESTIMATORS
    | SCIKIT_LEARN
    | dict.fromkeys(("ClassicalKernel", "FidelityKernel", "ProjectedKernel", "TrainedKernel"), "qml.kernels")
)
"""Estimators inside estimators, and their modules."""

VALUES: dict[str, type] = {
    kind.__name__: kind
    for module in (ansatze, data_functions, feature_maps, layers, losses, optimizers, scaling)
    for kind in vars(module).values()
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind is not data_functions.OwnFunction
}
VALUES["QuantumModel"] = QuantumModel
"""Immutable settings and learnt values, stored field by field."""

LEFT_OUT = ("callback", "backend", "resume", "memory")

FIELDS: dict[type, tuple[str, ...]] = {
    QuantumModel: ("circuit", "inputs", "weights", "observables", "precision", "data", "num_features"),
    Quantum: ("model",),
}
"""Constructor arguments of a dataclass, where these are not all of its fields."""


def save(estimator: Any, path: str | PathLike[str], extra: Any = None) -> None:
    """Write an estimator to a file, atomically: a file that is there already stays whole until the new one is.

    Parameters
    ----------
    estimator : one of ``ESTIMATORS``
        Fitted or not. Its ``callback``, which is code, its ``backend``, which is a connection, and ``resume`` and
        ``memory``, which are folders, are left out. Steps of a pipeline are other ``ESTIMATORS`` or those of
        ``SCIKIT_LEARN``.
    path : path
    extra : optional
        Additional data of None, numbers, text, lists and dicts, to store with the estimator.

    Raises
    ------
    TypeError
        If a hyper-parameter is an object of the user's own class, which only pickle could store.
    """
    name = type(estimator).__name__
    if not _is_part(estimator) or name not in ESTIMATORS:
        raise TypeError(f"model files are for {', '.join(ESTIMATORS)}, got {type(estimator)!r}")
    parameters, learnt = _parts(estimator)
    writer = _Writer()
    header = {
        "estimator": name,
        "parameters": {key: writer.value(f"parameter {key}", value) for key, value in parameters.items()},
        "learnt": {key: writer.value(key, value) for key, value in learnt.items()},
        "extra": writer.value("extra", extra),
    }
    header["circuit_parameters"] = writer.circuits.parameter_names
    if name == "Pipeline":
        header["scikit_learn"] = sklearn.__version__
    write_container(path, header, writer.arrays, kind=KIND, version=VERSION)


def load(path: str | PathLike[str], return_extra: bool = False) -> Any:
    """Read an estimator that `save` wrote; it predicts bit for bit what the saved one did.

    Parameters
    ----------
    path : path
    return_extra : bool
        Whether to return ``(estimator, extra)``.

    Raises
    ------
    ModelFileError
        If the file is truncated, damaged, of a newer version (or a pipeline, of a newer scikit-learn), or no model
        file. Nothing is loaded in part.
    FileNotFoundError
    """
    header, arrays = _read(path)
    name = header.get("estimator")
    if not isinstance(name, str) or name not in ESTIMATORS:
        raise ModelFileError(path, f"holds a {name!r}, expected one of {', '.join(ESTIMATORS)}")
    try:
        if _release(header.get("scikit_learn", "0.0")) > _release(sklearn.__version__):
            theirs, ours = header["scikit_learn"], sklearn.__version__
            raise ModelFileError(path, f"a pipeline written with scikit-learn {theirs}, newer than the {ours} here")
        reader = _Reader(arrays, header["circuit_parameters"])
        estimator = reader.part(name, header)
        extra = reader.value(header["extra"])
    except ModelFileError:
        raise
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(path, f"its contents make no sense: {error!r}") from error
    return (estimator, extra) if return_extra else estimator


def _read(path: str | PathLike[str]) -> tuple[Header, Arrays]:
    try:
        return read_container(path, kind=KIND, version=VERSION, migrations=MIGRATIONS)
    except (KeyError, TypeError) as error:
        raise ModelFileError(path, f"its contents make no sense: {error!r}") from error


class _Writer:
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
            case np.ndarray():
                if value.ndim > 1 and value.flags.f_contiguous and not value.flags.c_contiguous:
                    # BLAS adds in an order that depends on the one in memory
                    return {"type": "transposed", "array": self.value(name, value.T)}
                # a zero-dimensional array would come back as one entry, so its shape is kept beside it
                return {"type": "array", "number": self._store(value), "shape": list(value.shape)}
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
        if _is_part(value):
            parts = zip(("parameters", "learnt"), _parts(value), strict=True)
            return {"type": kind} | {
                part: {key: self.value(f"{name}.{key}", entry) for key, entry in entries.items()}
                for part, entries in parts
            }
        if VALUES.get(kind) is type(value):
            return {"type": kind, "fields": {k: self.value(f"{name}.{k}", v) for k, v in _fields(value).items()}}
        raise TypeError(f"{name}: an object of class {kind} cannot be stored in a model file, got {value!r}")


class _Reader:
    """JSON values back to Python values; only the types named here are ever made."""

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
        estimator = getattr(importlib.import_module(PARTS[kind]), kind)(**self.fields(data["parameters"]))
        vars(estimator).update(self.fields(data["learnt"]))
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
            case "RandomState":
                state = np.random.RandomState()
                state.set_state(self.value(data["state"]))
                return state
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


def _is_part(value: Any) -> bool:
    """Whether a file can hold an estimator; a custom class of the same name is not accepted."""
    kind = type(value)
    return kind.__name__ in PARTS and getattr(importlib.import_module(PARTS[kind.__name__]), kind.__name__) is kind


def _parts(estimator: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings and the learnt attributes to store."""
    settings = estimator.get_params(deep=False)
    learnt = {name: value for name, value in vars(estimator).items() if name not in settings}
    return settings | {name: None for name in LEFT_OUT if name in settings}, learnt


def _release(version: str) -> tuple[int, ...]:
    """Return the first two numbers of a version."""
    return tuple(int(number) for number in version.split(".")[:2])


def _fields(value: Any) -> dict[str, Any]:
    """Return the arguments that reconstruct a value."""
    return {name: getattr(value, name) for name in _field_names(type(value))}


def _field_names(kind: Any) -> Sequence[str]:
    return FIELDS.get(kind) or [f.name for f in dataclasses.fields(kind) if f.init]


def _readout_in_network(header: Header, arrays: Arrays) -> tuple[Header, Arrays]:
    """Version 1 to 2: the circuit's model and the linear readout become a network of two layers."""

    def migrated(data: Any) -> Any:
        if isinstance(data, list):
            return [migrated(entry) for entry in data]
        if not isinstance(data, dict):
            return data
        data = {key: migrated(entry) for key, entry in data.items()}
        learnt = data.get("learnt")
        if isinstance(learnt, dict) and "readout_" in learnt:
            sizes = learnt.pop("readout_")["fields"]
            dense = {"num_inputs": sizes["num_observables"], "num_outputs": sizes["num_outputs"]}
            quantum = {"type": "Quantum", "fields": {"model": learnt.pop("model_")}}
            learnt["network_"] = {"type": "Sequential", "layers": [quantum, {"type": "Dense", "fields": dense}]}
        return data

    return migrated(header), arrays


MIGRATIONS = {1: _readout_in_network}
"""From each version of the format to the next."""
