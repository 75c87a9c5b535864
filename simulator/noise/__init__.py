"""Noise: channels, noise models, exact density matrices and Monte-Carlo trajectories."""

from simulator.noise.channels import (
    Channel,
    amplitude_damping,
    bit_flip,
    depolarizing,
    kraus,
    pauli_channel,
    phase_damping,
    phase_flip,
    thermal_relaxation,
)
from simulator.noise.evaluation import density_matrix, estimate
from simulator.noise.extrapolation import fold, zero_noise_extrapolation
from simulator.noise.model import NoiseModel
from simulator.noise.program import Estimate, NoisyProgram, adjoint_sweep, expectations
from simulator.noise.readout import mitigate_readout

__all__ = [
    "Channel",
    "Estimate",
    "NoiseModel",
    "NoisyProgram",
    "adjoint_sweep",
    "amplitude_damping",
    "bit_flip",
    "density_matrix",
    "depolarizing",
    "estimate",
    "expectations",
    "fold",
    "kraus",
    "mitigate_readout",
    "pauli_channel",
    "phase_damping",
    "phase_flip",
    "thermal_relaxation",
    "zero_noise_extrapolation",
]
