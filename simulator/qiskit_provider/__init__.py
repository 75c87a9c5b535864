"""This engine inside Qiskit: a backend, and primitives in place of Qiskit's own.

A program written against ``StatevectorSampler`` and ``StatevectorEstimator`` changes its import:

    from simulator.qiskit_provider import Sampler, Estimator

`EstimatorGradient` and `SamplerGradient` are for Qiskit Machine Learning and need it (extra ``[qiskit-ml]``).
"""

from simulator.lazy import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
