"""Estimators as files of data: arrays and JSON, nothing that could be executed."""

from __future__ import annotations

from os import PathLike
from typing import Any

import sklearn

from qml.files.container import ModelFileError, read_container, write_container
from qml.persistence.values import ESTIMATORS, JOBLIB, ValueReader, ValueWriter, is_part, parts_of

__all__ = ["load", "save"]

KIND = "model"
VERSION = 1


def save(estimator: Any, path: str | PathLike[str], extra: Any = None) -> None:
    """Write an estimator to a file, atomically: a file that is there already stays whole until the new one is.

    Parameters
    ----------
    estimator : one of ``ESTIMATORS``
        Fitted or not. Its ``callback``, which is code, its ``backend``, which is a connection, and ``resume`` and
        ``memory``, which are folders, are left out. Steps of a pipeline are other ``ESTIMATORS``, ``TRANSFORMERS`` of
        `qml.features`, or those of ``SCIKIT_LEARN``: all that `tabular_preprocessor` is made of.
    path : path
    extra : optional
        Anything made of None, numbers, text, lists and dicts, to keep with it.

    Raises
    ------
    TypeError
        If a hyper-parameter is an object of the user's own class, which only pickle could store.
    ValueError
        If a setting makes no sense, so that `load` would refuse the file.
    OSError
        If the file cannot be written: see `qml.files.container.write_container`.
    """
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
    header, arrays = read_container(path, kind=KIND, version=VERSION)
    name = header.get("estimator")
    if not isinstance(name, str) or name not in ESTIMATORS:
        raise ModelFileError(path, f"holds a {name!r}, expected one of {', '.join(ESTIMATORS)}")
    try:
        if _release(header.get("scikit_learn", "0.0")) > _release(sklearn.__version__):
            theirs, ours = header["scikit_learn"], sklearn.__version__
            raise ModelFileError(path, f"a pipeline written with scikit-learn {theirs}, newer than the {ours} here")
        reader = ValueReader(arrays, header["circuit_parameters"])
        estimator = reader.part(name, header)
        extra = reader.value(header["extra"])
    except ModelFileError:
        raise
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise ModelFileError(path, f"its contents make no sense: {error!r}") from error
    return (estimator, extra) if return_extra else estimator


def _release(version: str) -> tuple[int, ...]:
    """The first two numbers of a version."""
    return tuple(int(number) for number in version.split(".")[:2])
