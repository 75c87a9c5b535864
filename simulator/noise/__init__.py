"""Noise: channels, noise models, exact density matrices and Monte-Carlo trajectories.

What runs a circuit is imported when it is first used: noise models are part of `import simulator`, the engine is not.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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
from simulator.noise.extrapolation import fold, zero_noise_extrapolation
from simulator.noise.model import NoiseModel
from simulator.noise.readout import mitigate_readout

if TYPE_CHECKING:
    from simulator.noise.evaluation import density_matrix, estimate
    from simulator.noise.program import Estimate, NoisyProgram, adjoint_sweep, expectations

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

_MODULES = {
    "evaluation": ("density_matrix", "estimate"),
    "program": ("Estimate", "NoisyProgram", "adjoint_sweep", "expectations"),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            value = getattr(importlib.import_module(f"simulator.noise.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
