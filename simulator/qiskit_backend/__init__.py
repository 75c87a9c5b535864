"""Any Qiskit backend, simulator or IBM hardware, as a `simulator.backends.numba_backend.Backend`.

from qiskit_ibm_runtime import QiskitRuntimeService
backend = QiskitBackend(QiskitRuntimeService().least_busy(), shots=4000)
backend.expectations(circuit, observables, values)
"""

from simulator.qiskit_backend.backend import QiskitBackend
from simulator.qiskit_backend.jobs import Patience

__all__ = ["Patience", "QiskitBackend"]
