from simulator.qiskit_provider import *
