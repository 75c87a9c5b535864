"""This engine inside Qiskit: a backend, and primitives that replace Qiskit's.

In a program that uses ``StatevectorSampler`` and ``StatevectorEstimator``, change the import:

    from simulator.qiskit_provider import Sampler, Estimator

`EstimatorGradient` and `SamplerGradient` work with Qiskit Machine Learning and require it (extra ``[qiskit-ml]``).
"""

from simulator.lazy import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
