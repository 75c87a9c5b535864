"""The values that the parties of a federation exchange, as Flower's records: numbers, text and arrays, never code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np

from qml import persistence
from qml.federated.clients import RowNoise, UpdateNoise
from qml.flower.library import Array, ArrayRecord, ConfigRecord, RecordDict

__all__ = ["model_bytes", "model_from", "packed", "packed_all", "unpacked", "unpacked_all"]

V = TypeVar("V")

NOISES = {kind.__name__: kind for kind in (UpdateNoise, RowNoise)}
KIND = "privacy"
NAMES, VALUES = "names", "values"


def packed(value: Any, **further: Any) -> RecordDict:
    """Return the records of a description, statistics, request, update or message; None is left out.

    Parameters
    ----------
    value : dataclass
        Fields are numbers, text, bytes, tuples of these, mappings of text to bytes or integers, arrays, None, or the
        noise of a request.
    further : number, text or bytes
        Entries beside the fields.
    """
    arrays, config = {}, dict(further)
    for field in fields(value):
        item = getattr(value, field.name)
        if isinstance(item, np.ndarray):
            arrays[field.name] = Array(np.ascontiguousarray(item.astype(str) if item.dtype == object else item))
        elif is_dataclass(item):
            config[KIND] = type(item).__name__
            config |= {f"{KIND}.{part.name}": float(getattr(item, part.name)) for part in fields(item)}
        elif isinstance(item, Mapping):
            config[f"{field.name}.{NAMES}"] = list(item)
            # integers of any size travel as text
            config[f"{field.name}.{VALUES}"] = [str(part) if isinstance(part, int) else part for part in item.values()]
        elif item is not None:
            config[field.name] = list(item) if isinstance(item, tuple) else item
    return RecordDict({"arrays": ArrayRecord(arrays), "config": ConfigRecord(config)})


def unpacked(kind: type[V], records: RecordDict) -> V:
    """Return the value of records that `packed` made of one.

    Raises
    ------
    ValueError
        If they are not those of such a value.
    """
    try:
        arrays = {name: array.numpy() for name, array in records["arrays"].items()}
        config = dict(records["config"])
        if KIND in config:
            noise = NOISES[config[KIND]]
            config[KIND] = noise(**{part.name: config[f"{KIND}.{part.name}"] for part in fields(noise)})
        for key in [key for key in config if key.endswith(f".{NAMES}")]:
            name = key.removesuffix(f".{NAMES}")
            parts = [int(part) if isinstance(part, str) else part for part in config[f"{name}.{VALUES}"]]
            config[name] = dict(zip(config[key], parts, strict=True))
        values = {name: tuple(item) if isinstance(item, list) else item for name, item in (config | arrays).items()}
        return kind(**{field.name: values.get(field.name) for field in fields(kind)})  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"expected the records of a {kind.__name__}, got {records!r}") from error


def packed_all(values: Iterable[Any], **further: Any) -> RecordDict:
    """Return the records of several values; ``further`` as in `packed`."""
    records = {f"{k}.{name}": record for k, value in enumerate(values) for name, record in packed(value).items()}
    return RecordDict(records | {"config": ConfigRecord(further)})


def unpacked_all(kind: type[V], records: RecordDict) -> list[V]:
    """Return the values of `packed_all`.

    Raises
    ------
    ValueError
        If they are not those of such values.
    """
    count = sum(name.endswith(".config") for name in records)
    parts = ({name: records.get(f"{k}.{name}") for name in ("arrays", "config")} for k in range(count))
    return [unpacked(kind, RecordDict(part)) for part in parts]


def model_bytes(estimator: Any) -> bytes:
    """Return an estimator's model file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.qumba"
        persistence.save(estimator, path)
        return path.read_bytes()


def model_from(content: bytes) -> Any:
    """Return the estimator of a model file, which is data: reading it runs no code."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.qumba"
        path.write_bytes(content)
        return persistence.load(path)
