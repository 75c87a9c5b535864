"""Estimators with an objective of their own: a Born machine and a metric learner."""

from qml.estimators.own_objective.born_machine import BornMachine
from qml.estimators.own_objective.metric_learning import MetricLearningClassifier

__all__ = ["BornMachine", "MetricLearningClassifier"]
