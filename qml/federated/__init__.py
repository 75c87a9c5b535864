"""Federated training: clients train on their own rows, and a server combines the changes of the weights.

Names are imported when they are first used.
"""

from simulator.lazy import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
