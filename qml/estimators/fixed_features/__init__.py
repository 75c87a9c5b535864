"""Estimators with fixed quantum features: circuits are drawn once, and only a linear model is trained."""

from qml.estimators.fixed_features.forecaster import ReservoirForecaster
from qml.estimators.fixed_features.kitchen_sinks import KitchenSinksClassifier, KitchenSinksRegressor
from qml.estimators.fixed_features.reservoir import ReservoirClassifier, ReservoirRegressor

__all__ = [
    "KitchenSinksClassifier",
    "KitchenSinksRegressor",
    "ReservoirClassifier",
    "ReservoirForecaster",
    "ReservoirRegressor",
]
