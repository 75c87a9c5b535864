"""Model files: estimators as data."""

from qml.persistence.estimators import digest, load, save
from simulator.lazy import only_public

__all__ = ["digest", "load", "save"]

__dir__ = only_public(__name__)
