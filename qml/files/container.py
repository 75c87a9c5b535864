"""File format of models and checkpoints: a JSON header and plain arrays, without executable content.

Three lines of text, then the arrays' bytes::

    qumba model 1 written by 0.1.0                 kind, version of its content, version of the library
    sha256 6f0c... bytes 4711                      checksum and length of what follows (line 1 is in the checksum too)
    {"arrays": [["weights", "<f8", [12]], ...], "header": {...}}
    <the arrays, little-endian, C order, one after the other>

``head -n 3 model.qumba`` shows what a file holds. These first two lines never change their form, so that a file
of any later version is recognised as such. A file is read whole and checked whole before anything is returned.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from simulator import memory
from simulator.errors import QumbaError
from simulator.files import beside, check_regular, replace_file
from simulator.version import library_version

Header = dict[str, Any]
Arrays = dict[str, np.ndarray]
Migration = Callable[[Header, Arrays], tuple[Header, Arrays]]

_FIRST_LINE = re.compile(rb"qumba ([a-z]+) (0|[1-9][0-9]*) written by ([!-~]+)")
_SECOND_LINE = re.compile(rb"sha256 ([0-9a-f]{64}) bytes (0|[1-9][0-9]*)")
_DTYPE = re.compile(r"[|]b1|[|][iu]1|<[iu][248]|<f[248]|<c(8|16)|<U(0|[1-9][0-9]{0,6})")
_SMALL = 1 << 26
"""File size in bytes below which available memory is not checked."""


class ModelFileError(QumbaError, ValueError):
    """A file is not usable: empty, truncated, damaged, of another kind or of a later version."""

    def __init__(self, path: str | os.PathLike[str], problem: str) -> None:
        super().__init__(f"{os.fspath(path)}: {problem}")


class DamagedFileError(ModelFileError):
    """The content of a file differs from what was written; an earlier copy may be intact."""


class FileTooLargeError(ModelFileError, MemoryError):
    """A file does not fit in memory; raised before it is read."""


def write_container(
    path: str | os.PathLike[str],
    header: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    *,
    kind: str,
    version: int,
    keep_previous: bool = False,
) -> None:
    """Write ``header`` and ``arrays`` to ``path``; an old file there is replaced as a whole or not at all.

    Parameters
    ----------
    path : path of the file
    header : JSON values under string keys, no NaN or infinity (put numbers that may be either in an array)
    arrays : name -> ndarray of booleans, numbers or fixed-width strings
    kind : what the file is, lower-case letters, such as ``"model"``
    version : the version of that kind's content
    keep_previous : keep the file replaced as ``<path>.previous``

    Raises
    ------
    TypeError
        If something is not data: an object array, a header value that is not JSON, a key that is not a string.
    NotAFileError
        If ``path`` is a device, a FIFO or a folder.
    OSError
        If the disk is full or the folder cannot be written; what was at ``path`` is still there.
    """
    _check_keys(header)
    contents = {name: _as_data(name, array) for name, array in arrays.items()}
    description = {
        "arrays": [[name, array.dtype.str, array.shape] for name, array in contents.items()],
        "header": header,
    }
    third_line = json.dumps(description, sort_keys=True, allow_nan=False).encode() + b"\n"
    chunks = [third_line, *(array.tobytes() for array in contents.values())]
    first_line = f"qumba {kind} {version} written by {library_version()}".encode()
    if not _FIRST_LINE.fullmatch(first_line):
        raise ValueError(f"kind must be lower-case letters and version an integer, got {kind!r} and {version!r}")
    second_line = f"sha256 {_checksum(first_line, chunks)} bytes {sum(map(len, chunks))}".encode()
    previous = previous_path(path) if keep_previous else None
    replace_file(path, [first_line, b"\n", second_line, b"\n", *chunks], previous=previous)


def read_container(
    path: str | os.PathLike[str],
    *,
    kind: str,
    version: int,
    migrations: Mapping[int, Migration] = MappingProxyType({}),
) -> tuple[Header, Arrays]:
    """Read header and arrays of a file that `write_container` wrote.

    Parameters
    ----------
    path : path of the file
    kind : the kind the caller wants
    version : the version the caller understands; older files are brought up to it
    migrations : ``migrations[v]`` takes header and arrays of version ``v`` to version ``v + 1``

    Raises
    ------
    ModelFileError
        If the file is empty, truncated, damaged, of another kind, or of a version that cannot be read here.
    FileTooLargeError
        If it does not fit in memory.
    NotAFileError
        If the path is that of a device, a FIFO or a folder.
    FileNotFoundError
        If there is no such file.
    """
    status = check_regular(path)
    if status is not None and status.st_size > _SMALL:
        _check_fits(path, status.st_size)
    data = Path(path).read_bytes()
    if not data:
        raise DamagedFileError(path, "the file is empty")
    first_end = data.find(b"\n")
    second_end = data.find(b"\n", first_end + 1)
    first_line, body = data[:first_end], memoryview(data)[second_end + 1 :]
    first, second = _FIRST_LINE.fullmatch(first_line), _SECOND_LINE.fullmatch(data[first_end + 1 : second_end])
    if first is None:
        raise DamagedFileError(
            path, f"not a qumba file, or damaged: it starts with {data[:16]!r}, not b'qumba {kind} ...'"
        )
    if second is None:
        raise DamagedFileError(path, "truncated or damaged: its second line is not a checksum")
    if len(body) != int(second[2]):
        raise DamagedFileError(path, f"truncated or damaged: {len(body)} bytes of data, expected {second[2].decode()}")
    if _checksum(first_line, [body]) != second[1].decode():
        raise DamagedFileError(path, "damaged: its checksum is not that of its content")

    found_kind, found_version, writer = first[1].decode(), int(first[2]), first[3].decode()
    if found_kind != kind:
        raise ModelFileError(path, f"this is a {found_kind} file, expected a {kind} file")
    if found_version > version:
        newer = f"{kind} format version {found_version}, written by qumba {writer}"
        raise ModelFileError(path, f"{newer}; this is qumba {library_version()}, which reads up to version {version}")
    header, arrays = _parse(path, data, second_end + 1)
    for old in range(found_version, version):
        if old not in migrations:
            raise ModelFileError(path, f"{kind} format version {old} can no longer be read; this is version {version}")
        header, arrays = migrations[old](header, arrays)
    return header, arrays


def _check_keys(value: Any) -> None:
    """Raise TypeError for keys that are not strings: JSON would silently convert those of ``{0: 1.0}``."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"keys of a header must be strings, got {key!r}")
            _check_keys(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _check_keys(item)


def _as_data(name: str, array: np.ndarray) -> np.ndarray:
    array = np.asarray(array)
    array = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    if not is_storable(array.dtype):
        raise TypeError(f"array {name!r} must hold booleans, numbers or strings, got dtype {array.dtype}")
    return array


def is_storable(dtype: np.dtype[Any]) -> bool:
    """Whether arrays of this type, little-endian, can be stored: booleans, numbers, strings of a fixed width."""
    return _DTYPE.fullmatch(dtype.newbyteorder("<").str) is not None


def _checksum(first_line: bytes, chunks: Sequence[bytes | memoryview]) -> str:
    digest = hashlib.sha256(first_line)
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def _check_fits(path: str | os.PathLike[str], size: int) -> None:
    """Refuse a file whose bytes and whose arrays, which are copies, do not fit in memory together."""
    available = memory.available_bytes()
    if 2 * size > available:
        raise FileTooLargeError(path, f"reading it takes {2 * size:,} bytes of memory, {available:,} are available")


def _parse(path: str | os.PathLike[str], data: bytes, start: int) -> tuple[Header, Arrays]:
    """Parse the third line and the arrays; the checksum is right, so an error means that another program wrote them."""
    end = data.find(b"\n", start)
    try:
        description = json.loads(data[start:end], parse_float=_finite, parse_constant=_finite)
        header, listed = description["header"], description["arrays"]
        if not isinstance(header, dict):
            raise TypeError(f"header is a {type(header).__name__}")
        arrays: Arrays = {}
        offset = end + 1
        for name, code, shape in listed:
            if not _DTYPE.fullmatch(code) or not all(type(length) is int and length >= 0 for length in shape):
                raise ValueError(f"array {name!r} of dtype {code!r} and shape {shape!r}")
            dtype, count = np.dtype(code), math.prod(shape)
            arrays[name] = (
                np.frombuffer(data, dtype, count, offset).reshape(shape).copy() if count else np.zeros(shape, dtype)
            )
            offset += arrays[name].nbytes
        if offset != len(data):
            raise ValueError(f"the arrays end at byte {offset} of {len(data)}")
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise ModelFileError(path, f"malformed header: {error!r}") from None
    return header, arrays


def _finite(text: str) -> float:
    """Refuse NaN and infinity in the header, which `write_container` does not write."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a finite number")
    return value


def previous_path(path: str | os.PathLike[str]) -> Path:
    """Return the path to which `write_container` moves the file it replaces."""
    return beside(path, ".previous")
