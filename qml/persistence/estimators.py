"""Model files of estimators: arrays and JSON, without executable content."""

from __future__ import annotations

import hashlib
import json
from os import PathLike
from typing import Any

import numpy as np
import sklearn

from qml.files.container import Arrays, Header, ModelFileError, read_container, write_container
from qml.persistence.values import ESTIMATORS, JOBLIB, ValueReader, ValueWriter, is_part, parts_of
from qml.tables import EXTRA_FORMAT, Schema, TableModel

__all__ = ["digest", "load", "save"]

KIND = "model"
VERSION = 2

NOT_IN_DIGESTS = ("n_jobs", "verbose")
"""Settings on which no prediction depends."""


def save(estimator: Any, path: str | PathLike[str], extra: Any = None) -> None:
    """Write an estimator to a file, atomically: a file that is there already stays whole until the new one is.

    Parameters
    ----------
    estimator : one of ``ESTIMATORS``
        Fitted or not. Its ``callback``, which is code, its ``backend``, which is a connection, and ``resume`` and
        ``memory``, which are folders, are left out. Steps of a pipeline and members of an ensemble are other
        ``ESTIMATORS``, ``TRANSFORMERS`` of `qml.features`, or those of ``SCIKIT_LEARN``: all that
        `tabular_preprocessor` is made of.
    path : path
    extra : optional
        Additional data of None, numbers, text, lists and dicts, to store with the estimator.

    Raises
    ------
    TypeError
        If a hyper-parameter is an object of the user's own class, which only pickle could store.
    ValueError
        If a setting is invalid, so that `load` would refuse the file.
    OSError
        If the file cannot be written: see `qml.files.container.write_container`.
    """
    header, arrays = _contents(estimator, extra)
    if ESTIMATORS[header["estimator"]].startswith("sklearn."):
        header["scikit_learn"] = sklearn.__version__
    write_container(path, header, arrays, kind=KIND, version=VERSION)


def digest(estimator: Any) -> str:
    """Return the SHA-256 digest, 64 hexadecimal digits, of what a model file holds of an estimator.

    It is the same for an estimator and its copy from a file, and does not depend on the version of the library, nor on
    ``n_jobs`` and ``verbose``.

    Raises
    ------
    TypeError
        If `save` would raise it.
    """
    header, arrays = _contents(estimator, None)
    out = hashlib.sha256(json.dumps(_without_output_settings(header), sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        array = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
        out.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        out.update(array.tobytes())
    return out.hexdigest()


def _contents(estimator: Any, extra: Any) -> tuple[Header, Arrays]:
    name = type(estimator).__name__
    if not is_part(estimator) or name not in ESTIMATORS:
        raise TypeError(f"model files are for {', '.join(ESTIMATORS)}, got {type(estimator)!r}; {JOBLIB}")
    parameters, learnt = parts_of(estimator)
    writer = ValueWriter()
    header = {
        "estimator": name,
        "parameters": {key: writer.value(f"parameter {key}", value) for key, value in parameters.items()},
        "learnt": {key: writer.value(key, value) for key, value in learnt.items()},
        "extra": writer.value("extra", extra),
    }
    header["circuit_parameters"] = writer.circuits.parameter_names
    return header, writer.arrays


def _without_output_settings(data: Any) -> Any:
    """Leave settings on which no prediction depends out of a header."""
    if isinstance(data, list):
        return [_without_output_settings(entry) for entry in data]
    if not isinstance(data, dict):
        return data
    return {
        key: {name: _without_output_settings(entry) for name, entry in value.items() if name not in NOT_IN_DIGESTS}
        if key == "parameters" and isinstance(value, dict)
        else _without_output_settings(value)
        for key, value in data.items()
    }


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
            written, installed = header["scikit_learn"], sklearn.__version__
            raise ModelFileError(
                path, f"a pipeline written with scikit-learn {written}, newer than the {installed} here"
            )
        reader = ValueReader(arrays, header["circuit_parameters"])
        estimator = reader.part(name, header)
        extra = reader.value(header["extra"])
    except ModelFileError:
        raise
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise ModelFileError(path, f"its contents make no sense: {error!r}") from error
    return (estimator, extra) if return_extra else _with_columns(path, estimator, extra)


def _with_columns(path: str | PathLike[str], estimator: Any, extra: Any) -> Any:
    """Return an estimator together with the column handling that ``qumba train`` stored, if there is one."""
    if not isinstance(extra, dict) or "schema" not in extra or extra.get("format") != EXTRA_FORMAT:
        return estimator
    try:
        return TableModel(estimator, Schema.from_json(extra["schema"]), extra.get("record"))
    except (KeyError, TypeError) as error:
        raise ModelFileError(path, f"its table description is damaged: {error!r}") from error


def _read(path: str | PathLike[str]) -> tuple[Header, Arrays]:
    try:
        return read_container(path, kind=KIND, version=VERSION, migrations=MIGRATIONS)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelFileError(path, f"its contents make no sense: {error!r}") from error


def _release(version: str) -> tuple[int, ...]:
    """Return the first two numbers of a version."""
    return tuple(int(number) for number in version.split(".")[:2])


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
