"""This engine inside Qiskit: a backend, and primitives in place of Qiskit's own.

A program written against ``StatevectorSampler`` and ``StatevectorEstimator`` changes its import:

    from simulator.qiskit_provider import Sampler, Estimator

`EstimatorGradient` and `SamplerGradient` are for Qiskit Machine Learning and need it (extra ``[qiskit-ml]``).
"""

from __future__ import annotations

from typing import Any

from simulator.qiskit_provider.backend import QumbaBackend
from simulator.qiskit_provider.estimator import Estimator
from simulator.qiskit_provider.job import QumbaJob
from simulator.qiskit_provider.preparation import UnsupportedCircuitError
from simulator.qiskit_provider.sampler import Sampler

__all__ = [
    "Estimator",
    "EstimatorGradient",
    "QumbaBackend",
    "QumbaJob",
    "Sampler",
    "SamplerGradient",
    "UnsupportedCircuitError",
]


def __getattr__(name: str) -> Any:
    """The gradients, imported when they are asked for: their base classes are in an optional package."""
    if name not in ("EstimatorGradient", "SamplerGradient"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from simulator.qiskit_provider import gradients
    except ModuleNotFoundError as error:
        raise ImportError(f"{name} needs the extra [qiskit-ml]: pip install 'qumba[qiskit-ml]'") from error
    return getattr(gradients, name)
