"""Explanations of fitted models: quantum models by exact formulas, any model of scikit-learn by its predictions.

`explain` collects everything that applies to a model; each part is also a function. Names are imported when they are
first used.
"""

from simulator.lazy import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
