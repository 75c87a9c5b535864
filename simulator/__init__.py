"""A numba-parallel statevector engine: gates, circuits, observables, gradients, sampling.

>>> from simulator import Circuit, Z
>>> bell = Circuit(2).h(0).cx(0, 1)
>>> round(bell.expectation(Z(0) @ Z(1)), 12)
1.0
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator import gates
from simulator.calculations.states import entropy, fidelity, reduced_density_matrix, variance
from simulator.circuit import Circuit
from simulator.engines.numba.threads import get_num_threads, set_num_threads
from simulator.errors import (
    CircuitError,
    GateError,
    NoiseError,
    ObservableError,
    ParameterError,
    QumbaError,
    StateTooLargeError,
    UnknownNameError,
)
from simulator.noise import NoiseModel, depolarizing
from simulator.observables import Hermitian, I, PauliSum, Projector, X, Y, Z
from simulator.parameters import Expression, Parameter, ParameterVector

if TYPE_CHECKING:
    from simulator.calculations.curvature import hessian_vector_product, metric_tensor

__all__ = [
    "Circuit",
    "CircuitError",
    "Expression",
    "GateError",
    "Hermitian",
    "I",
    "NoiseError",
    "NoiseModel",
    "ObservableError",
    "Parameter",
    "ParameterError",
    "ParameterVector",
    "PauliSum",
    "Projector",
    "QumbaError",
    "StateTooLargeError",
    "UnknownNameError",
    "X",
    "Y",
    "Z",
    "depolarizing",
    "entropy",
    "fidelity",
    "gates",
    "get_num_threads",
    "hessian_vector_product",
    "metric_tensor",
    "reduced_density_matrix",
    "set_num_threads",
    "variance",
]


def __getattr__(name: str) -> Any:
    if name in ("hessian_vector_product", "metric_tensor"):  # they need numba, without which this import is quick
        from simulator.calculations import curvature

        return getattr(curvature, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
