"""A numba-parallel statevector engine: gates, circuits, observables, gradients, sampling.

>>> from simulator import Circuit, Z
>>> bell = Circuit(2).h(0).cx(0, 1)
>>> round(bell.expectation(Z(0) @ Z(1)), 12)
1.0
"""

from simulator.lazy import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
