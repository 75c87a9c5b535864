"""Search over all models of the library and their settings, beside tuned classical models."""

from simulator.lazy import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
