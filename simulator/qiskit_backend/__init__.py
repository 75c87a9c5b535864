"""Run circuits on any Qiskit backend, simulator or IBM hardware, through the trait `simulator.backends.trait.Backend`.

from qiskit_ibm_runtime import QiskitRuntimeService
backend = QiskitBackend(QiskitRuntimeService().least_busy(), shots=4000)
backend.expectations(circuit, observables, values)
"""

from simulator.lazy import only_public
from simulator.qiskit_backend.backend import QiskitBackend
from simulator.qiskit_backend.patience import Patience

__all__ = ["Patience", "QiskitBackend"]

__dir__ = only_public(__name__)
