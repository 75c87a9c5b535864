"""Concentration of the fidelities, or other kernel values, between a data set's states."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.assessment.kernels import Concentration, KernelInspection, concentration, inspect_kernel
from qml.diagnostics.subject import NO_WEIGHTS, Subject, as_subject
from simulator.calculations.fidelities import fidelities
from simulator.program.program import Program

__all__ = ["KernelConcentration", "kernel_concentration"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class KernelConcentration:
    """How far the kernel tells rows apart, at this size and as features are added.

    Attributes
    ----------
    inspection : KernelInspection
        Statistics of the Gram matrix of the rows.
    entries : float ndarray, shape (n_rows * (n_rows - 1) / 2,)
        Off-diagonal entries.
    haar : float or None
        Mean fidelity of Haar random states, ``2**-n``; None for a kernel without a circuit of its own.
    trend : Concentration or None
        Mean and deviation of the entries of the feature map's kernel for the first 2, 3, ... features; None if there
        are fewer than 3 features, or the feature map has a fixed size.
    """

    inspection: KernelInspection
    entries: Array = field(repr=False)
    haar: float | None
    trend: Concentration | None

    @property
    def shots(self) -> float:
        """Shots per entry at which the statistical error equals the deviation of the entries, ``k (1 - k) / var``."""
        mean, deviation = self.inspection.mean, self.inspection.deviation
        return float(max(mean * (1 - mean), 0.0) / deviation**2) if deviation > 0 else np.inf


def kernel_concentration(model: Any, X: ArrayLike | None = None, y: ArrayLike | None = None) -> KernelConcentration:
    """Compute statistics of the kernel between rows: of a kernel estimator, or of the states of a trained circuit.

    Entries that all lie near one value cannot be told apart with few shots, and a model built on them memorises its
    samples.

    Parameters
    ----------
    model : fitted estimator
        A kernel estimator's kernel is taken as it is; of other models, the fidelity of the states that encode the rows,
        which the trained weights do not change unless the encoding is repeated.
    X : array-like, shape (n_rows, n_features)
        At least 2 rows.
    y : array-like, shape (n_rows,), optional
        Classes or targets, for the alignment.

    Raises
    ------
    ValueError
        If there are fewer than 2 rows.

    References
    ----------
    Thanasilp et al., arXiv:2208.11060.
    """
    subject = as_subject(model, X)
    if len(subject.features) < 2:
        raise ValueError(f"concentration compares rows: X needs at least 2, got {len(subject.features)}")
    matrix = _gram(subject)
    rows = np.triu_indices(len(matrix), 1)
    num_qubits = None if subject.model is None else subject.model.circuit.num_qubits
    return KernelConcentration(
        inspect_kernel(matrix, y),
        matrix[rows],
        None if num_qubits is None else 2.0**-num_qubits,
        _trend(subject),
    )


def _gram(subject: Subject) -> Array:
    if subject.kernel is not None:
        kernel = subject.kernel
        return np.asarray(kernel.gram(kernel.features(subject.features)), np.float64)
    model, weights = subject.circuit_model, subject.weights
    values = subject.values(np.zeros((1, len(model.weights))) if weights is None else weights[None], every_row=True)
    return np.asarray(fidelities(Program(model.circuit, (), subject.batched.inputs), values, NO_WEIGHTS), np.float64)


def _trend(subject: Subject) -> Concentration | None:
    kernel = subject.scalable_kernel
    return None if kernel is None or subject.features.shape[1] < 3 else concentration(kernel, subject.features)
