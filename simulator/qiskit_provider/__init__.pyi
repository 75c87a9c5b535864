from simulator.qiskit_provider.backend import QumbaBackend as QumbaBackend
from simulator.qiskit_provider.estimator import Estimator as Estimator
from simulator.qiskit_provider.gradients import EstimatorGradient as EstimatorGradient
from simulator.qiskit_provider.gradients import SamplerGradient as SamplerGradient
from simulator.qiskit_provider.job import QumbaJob as QumbaJob
from simulator.qiskit_provider.preparation import UnsupportedCircuitError as UnsupportedCircuitError
from simulator.qiskit_provider.sampler import Sampler as Sampler
