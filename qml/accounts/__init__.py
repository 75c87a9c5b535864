"""Accounts of a model: a log of its decisions that shows tampering, and a model card from the fit itself.

Needs nothing but the standard library and what the models need. Names are imported when they are first used.
"""

from simulator.lazy import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
