"""Diagnostics of quantum models: gradients, expressibility, entanglement, Fisher information, spectra, noise.

`diagnose` runs all that apply to a fitted estimator; each is also a function of a circuit, a model or an estimator.
Names are imported when they are first used.
"""

from simulator.lazy import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
