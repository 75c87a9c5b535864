"""Fairness: how a model treats groups of people, where the data are biased, and what mitigation costs.

Names are imported when they are first used; Fairlearn (extra ``[fairness]``) only by `mitigate`.
"""

from simulator.lazy import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
