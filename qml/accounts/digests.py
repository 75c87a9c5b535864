"""Digests of models and of input rows, and the secret salt of the latter."""

from __future__ import annotations

import hmac
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from qml.accounts.state_digest import state_digest
from qml.persistence import digest
from qml.tables import TableModel
from simulator.errors import QumbaError
from simulator.files import beside, check_regular

__all__ = ["Salt", "SaltError", "feature_names", "model_digest", "plain_rows", "rows_of"]

SALT_BYTES = 32


class SaltError(QumbaError, ValueError):
    """The salt of a log is missing or is that of another log."""


def model_digest(model: Any) -> str:
    """Return a digest that tells models apart: ``sha256:`` and 64 hexadecimal digits.

    Of a model that a model file can hold it is the digest of that content, equal for a model and its copy from a file.
    Of any other estimator it is that of its class and attributes, ``state-sha256:``, equal for its copies as long as
    the versions of the packages are.

    Parameters
    ----------
    model : estimator or TableModel
    """
    if isinstance(model, TableModel):
        schema = json.dumps(model.schema.to_json(), sort_keys=True)
        return "sha256:" + sha256(f"{model_digest(model.estimator)}\n{schema}".encode()).hexdigest()
    try:
        return f"sha256:{digest(model)}"
    except TypeError:  # not of a class that model files are for
        return f"state-sha256:{state_digest(model)}"


def rows_of(X: Any) -> tuple[list[bytes], list[list[Any]]]:
    """Return the bytes that are digested for each row, and the rows' values as plain data.

    Rows of numbers are digested as little-endian doubles, so that integers and floats of equal value agree; others as
    JSON text.

    Raises
    ------
    ValueError
        If ``X`` is not a table or an array of rows.
    """
    array = X.to_numpy() if hasattr(X, "to_numpy") else np.asarray(X)
    if array.ndim < 2:
        raise ValueError(f"a decision log needs rows of features, shape (n_rows, n_features), got {array.shape}")
    if not len(array):
        return [], []
    if array.dtype.kind in "biuf":
        numbers = np.ascontiguousarray(array, np.dtype("<f8")).reshape(len(array), -1) + 0.0  # -0.0 becomes 0.0
        data, width = numbers.tobytes(), 8 * numbers.shape[1]
        return [data[start : start + width] for start in range(0, len(data), width)], numbers.tolist()
    rows = [[_plain(value) for value in row] for row in array.reshape(len(array), -1).tolist()]
    return [json.dumps(row).encode() for row in rows], rows


def feature_names(model: Any, X: Any) -> list[str] | None:
    """Return the names of the columns of ``X``, or None if there are none."""
    if isinstance(model, TableModel):
        return model.schema.feature_names
    names = getattr(X, "columns", getattr(model, "feature_names_in_", None))
    return None if names is None else [str(name) for name in names]


class Salt:
    """Secret salt of a log: without it, nobody can find the input of a digest by trying all that are possible.

    Parameters
    ----------
    secret : bytes
        At least 16.
    """

    def __init__(self, secret: bytes) -> None:
        if not isinstance(secret, bytes) or len(secret) < 16:
            raise SaltError("a salt is at least 16 secret bytes, such as secrets.token_bytes(32)")
        self._secret = secret
        self.check = self.digest(b"qumba decision log")[:16]

    @classmethod
    def of(cls, path: str | os.PathLike[str], salt: bytes | str | os.PathLike[str] | None, *, new: bool) -> Salt:
        """Return the salt of the log at ``path``: that given, or in the file given or beside it.

        Parameters
        ----------
        path : path of the log
        salt : bytes or path, optional
        new : bool
            Whether a file that is missing is created, readable for its owner only.
        """
        if isinstance(salt, bytes):
            return cls(salt)
        file = beside(path, ".salt") if salt is None else Path(salt)
        if check_regular(file) is None:
            if not new:
                raise SaltError(f"the salt of {os.fspath(path)} is not at {file}: give it by salt=, or start a new log")
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as stream:
                stream.write(secrets.token_bytes(SALT_BYTES).hex().encode() + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
        try:
            return cls(bytes.fromhex(file.read_text("ascii").strip()))
        except ValueError:
            raise SaltError(f"{file} does not hold a salt, which is at least 32 hexadecimal digits") from None

    def check_log(self, first: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
        """Raise a SaltError unless the log with this first line began with this salt."""
        if first.get("salt") != self.check:
            raise SaltError(f"the salt is not that of {os.fspath(path)}: give the one that the log began with")

    def digest(self, row: bytes) -> str:
        """Return the digest of a row's bytes, 64 hexadecimal digits."""
        return hmac.digest(self._secret, row, "sha256").hex()


def plain_rows(values: Any) -> Sequence[Any]:
    """Return one JSON value for each row; numbers that are not finite become text."""
    if isinstance(values, np.ndarray):
        kind = values.dtype.kind
        entries: list[Any] = values.tolist()
        if kind in "biuU" or (kind == "f" and np.isfinite(values).all()):
            return entries
        return [_plain(value) for value in entries]
    return [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, float):
        return value if np.isfinite(value) else repr(value)
    return value if value is None or isinstance(value, bool | int | str) else str(value)
