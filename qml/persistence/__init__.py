"""Model files: estimators as data."""

from qml.persistence.estimators import digest, load, save

__all__ = ["digest", "load", "save"]
