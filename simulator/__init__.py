"""A numba-parallel statevector engine: gates, circuits, observables, gradients, sampling.

>>> from simulator import Circuit, Z
>>> bell = Circuit(2).h(0).cx(0, 1)
>>> round(bell.expectation(Z(0) @ Z(1)), 12)
1.0
"""

from simulator import gates
from simulator.circuit import Circuit
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
from simulator.threads import get_num_threads, set_num_threads

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
    "gates",
    "get_num_threads",
    "set_num_threads",
]
