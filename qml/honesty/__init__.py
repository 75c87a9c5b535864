"""Honest comparison of quantum models with classical ones: same rows, same tuning, paired tests, a verdict in words."""

from qml.honesty.baselines import compare_baselines
from qml.honesty.comparison import BaselineComparison
from qml.honesty.results import Difference
from simulator.lazy import only_public

__all__ = ["BaselineComparison", "Difference", "compare_baselines"]

__dir__ = only_public(__name__)
