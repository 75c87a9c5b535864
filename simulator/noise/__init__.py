"""Noise: channels, noise models, exact density matrices and Monte-Carlo trajectories.

Functions that run circuits are imported on first use, so that `import simulator` loads noise models but not the engine.
"""

from simulator.lazy import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
