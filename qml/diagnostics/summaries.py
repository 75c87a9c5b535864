"""Parts of a diagnosis, as they are computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qml.diagnostics.concentration import KernelConcentration
from qml.diagnostics.gradients import GradientScaling
from qml.diagnostics.noise import NoiseSensitivity
from qml.diagnostics.parameters import ParameterReport
from qml.diagnostics.states import EntanglingCapability, Expressibility

__all__ = ["FisherSummary", "FourierSummary", "GradientSummary", "Parts"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class GradientSummary:
    """Variance of the first output's derivatives, averaged over the weights that it depends on.

    Attributes
    ----------
    uniform, initial : float
        At weights uniform on the circle; at weights as they are drawn before training.
    num_layers : int or None
        The estimator's number of layers, one of those in ``scaling``.
    scaling : GradientScaling or None
        The same circuit with other numbers of qubits and layers; None if it exists at one size only.
    """

    uniform: float
    initial: float
    num_layers: int | None
    scaling: GradientScaling | None


@dataclass(frozen=True)
class FisherSummary:
    """Fisher information over random weights.

    Attributes
    ----------
    spectrum : float ndarray, shape (n_weights,)
        Mean over the sets of the eigenvalues, largest first, with mean 1.
    effective_dimension : float or None
        At ``n_samples`` rows; None if these are too few.
    n_samples : int
    """

    spectrum: Array
    effective_dimension: float | None
    n_samples: int


@dataclass(frozen=True)
class FourierSummary:
    """Power of each frequency of each feature.

    Attributes
    ----------
    frequencies, powers : tuple of float ndarray, shapes (R_j,)
        Positive frequencies, and the mean over rows of ``2 |c_k|^2``, see `fourier_spectrum`.
    """

    frequencies: tuple[Array, ...]
    powers: tuple[Array, ...]


@dataclass(frozen=True)
class Parts:
    """Results of all diagnostics of an estimator: the attributes that `Diagnosis` documents."""

    estimator: str
    num_qubits: int | None
    num_weights: int
    n_rows: int
    n_sets: int
    gradients: GradientSummary | None
    expressibility: Expressibility | None
    entanglement: EntanglingCapability | None
    concentration: KernelConcentration
    fisher: FisherSummary | None
    fourier: FourierSummary | None
    parameters: ParameterReport | None
    noise: NoiseSensitivity | None
    skipped: Mapping[str, str]
