"""Noise: channels, noise models, exact density matrices and Monte-Carlo trajectories.

What runs a circuit is imported when it is first used: noise models are part of `import simulator`, the engine is not.
"""

from simulator.lazy import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
