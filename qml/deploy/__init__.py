"""Trained models outside of the simulator: collapsed to small exact functions, as ONNX, C and OpenQASM, on streams.

Names are imported when they are first used.
"""

from simulator.lazy import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
