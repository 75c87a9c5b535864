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
from simulator.noise.model import NoiseModel

__all__ = [
    "Channel",
    "NoiseModel",
    "amplitude_damping",
    "bit_flip",
    "depolarizing",
    "kraus",
    "pauli_channel",
    "phase_damping",
    "phase_flip",
    "thermal_relaxation",
]
