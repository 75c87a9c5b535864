"""Quantum kernels: states of all samples in one call, the matrix in one product.

Kernels compose: ``0.5 * RBF() + FidelityKernel("zz") * Linear()`` is a kernel. Names are imported when they are first
used: a classical kernel needs no circuits.
"""

import qml.kernels.arithmetic  # noqa: F401  (gives kernels their operators)
from simulator.lazy import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
