"""Model files: estimators as data."""

from qml.persistence.estimators import load, save

__all__ = ["load", "save"]
