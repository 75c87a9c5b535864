"""Estimators that write themselves to model files."""

from __future__ import annotations

from os import PathLike
from typing import Any

from qml import persistence

__all__ = ["Saved"]


class Saved:
    """Base of the estimators with a model file."""

    def save(self, path: str | PathLike[str], extra: Any = None) -> None:
        """Write the estimator, fitted or not, to a file; see `qml.persistence.estimators.save`."""
        persistence.save(self, path, extra)
