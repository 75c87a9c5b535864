"""Hybrid quantum-classical machine learning: scikit-learn estimators on a batched statevector engine.

Names are imported when they are first used, so ``import qml`` is quick.
"""

from simulator.lazy import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
