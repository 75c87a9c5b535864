from simulator.qiskit_backend import *
