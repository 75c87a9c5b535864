"""Fisher information of a model over random weights: its spectrum, and the effective dimension."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logsumexp, softmax

from qml.diagnostics.subject import NO_WEIGHTS, Subject, as_subject
from qml.library_threads import one_blas_thread
from qml.models.checks import check_finite
from qml.settings import check_whole

__all__ = ["effective_dimension", "fisher_information", "fisher_spectrum"]

Array = NDArray[np.float64]

SMALLEST_PROBABILITY = 1e-12
"""Smallest probability of an outcome that contributes: its score divides by it."""

CHUNK = 1 << 13
"""Number of rows whose derivatives are held in memory at a time."""


def fisher_information(model: Any, X: ArrayLike | None = None, weights: ArrayLike | None = None) -> Array:
    """Compute Fisher information matrices with respect to the circuit's weights, for one or more sets of weights.

    ``F = mean over rows x of E_y [s s^T]`` with the score ``s = d log p(y|x; w) / dw``. The expectation over y is
    exact: classes or labels with the probabilities that a classifier predicts, outcomes with the probabilities that a
    model with ``outputs="probabilities"`` returns, otherwise y normal with unit variance around each output. Layers
    around the circuit keep their trained weights.

    Parameters
    ----------
    model : QuantumModel or fitted estimator
    X : array-like, shape (n_rows, n_features)
    weights : array-like, shape (n_weights,) or (n_sets, n_weights), radians, optional
        Weights of the circuit; by default the trained ones of an estimator.

    Returns
    -------
    float ndarray, shape (n_weights, n_weights) or (n_sets, n_weights, n_weights)
        Symmetric, positive semidefinite.

    References
    ----------
    Abbas et al., "The power of quantum neural networks", arXiv:2011.00027.

    Examples
    --------
    >>> from simulator import Circuit, Parameter
    >>> from qml import QuantumModel
    >>> w = Parameter("w")
    >>> fisher_information(QuantumModel(Circuit(1).ry(w, 0), weights=w, outputs="probabilities"), weights=[0.3])
    array([[1.]])
    """
    subject = as_subject(model, X)
    count = len(subject.circuit_model.weights)
    sets = subject.weights if weights is None else np.asarray(weights, np.float64)
    if sets is None:
        raise ValueError(f"weights of shape ({count},) or (n_sets, {count}) are needed: a model has no trained ones")
    if not count or sets.ndim not in (1, 2) or sets.shape[-1] != count or not sets.size:
        raise ValueError(f"weights must have shape ({count},) or (n_sets, {count}), none of them 0, got {sets.shape}")
    check_finite("weights", sets)
    rows = len(subject.inputs)
    at_once = max(1, CHUNK // rows)
    matrices = np.atleast_2d(sets)
    parts = [matrices[first : first + at_once] for first in range(0, len(matrices), at_once)]
    with one_blas_thread():
        out = np.concatenate([_fisher(subject, part) for part in parts])
    return out[0] if sets.ndim == 1 else out


def fisher_spectrum(fishers: ArrayLike) -> Array:
    """Compute the eigenvalues of Fisher matrices, scaled so that their mean over all sets and directions is 1.

    A flat spectrum means that all directions of the weights matter alike. Many eigenvalues near 0 beside few large ones
    mean a landscape that is flat in most directions, and wasted weights.

    Parameters
    ----------
    fishers : array-like, shape (n_weights, n_weights) or (n_sets, n_weights, n_weights)
        Result of `fisher_information`.

    Returns
    -------
    float ndarray, shape (n_weights,) or (n_sets, n_weights)
        Largest first.

    Raises
    ------
    ValueError
        If all matrices are zero: the outputs do not depend on the weights.

    References
    ----------
    Abbas et al., arXiv:2011.00027.
    """
    normalised = _normalised(fishers)
    with one_blas_thread():
        return np.maximum(np.linalg.eigvalsh(normalised)[..., ::-1], 0.0)


def effective_dimension(fishers: ArrayLike, n_samples: int, gamma: float = 1.0) -> float:
    """Compute the effective dimension of a model at a number of training samples.

    ``d = 2 log( mean_w sqrt(det(1 + k F(w))) ) / log k`` with ``k = gamma n / (2 pi log n)``, F scaled to mean trace
    n_weights, and w over the sets. A generalisation bound grows with it; at most n_weights directions count.

    Parameters
    ----------
    fishers : array-like, shape (n_sets, n_weights, n_weights)
        Fisher matrices of random weights, see `fisher_information`; one matrix gives the local effective dimension.
    n_samples : int
        Number of training samples n; ``k`` must be above 1, for which 19 are enough at gamma 1.
    gamma : float
        Constant in (0, 1].

    References
    ----------
    Abbas et al., arXiv:2011.00027.

    Examples
    --------
    >>> round(effective_dimension(np.eye(3), n_samples=10**6), 3)
    3.0
    """
    check_whole("n_samples", n_samples)
    if not 0 < gamma <= 1:
        raise ValueError(f"gamma expects a number above 0 and at most 1, got {gamma!r}")
    scale = gamma * n_samples / (2 * math.pi * math.log(n_samples)) if n_samples > 1 else 0.0
    if scale <= 1:
        raise ValueError(
            f"the effective dimension is defined for gamma n / (2 pi log n) > 1, got {scale:.3g} at n = {n_samples}; "
            "at gamma = 1 it needs 19 samples"
        )
    normalised = _normalised(fishers)
    matrices = normalised.reshape(-1, *normalised.shape[-2:])
    with one_blas_thread():
        logarithms = np.linalg.slogdet(np.eye(matrices.shape[-1]) + scale * matrices)[1] / 2
    return float(2 * (logsumexp(logarithms) - math.log(len(matrices))) / math.log(scale))


def _fisher(subject: Subject, sets: Array) -> Array:
    """Compute the matrices of some sets at once."""
    scores = _scores(subject, subject.values(sets, every_row=True))
    by_set = scores.reshape(len(sets), -1, scores.shape[-1])
    return np.asarray(by_set.transpose(0, 2, 1) @ by_set / len(subject.inputs))


def _scores(subject: Subject, values: Array) -> Array:
    """Return vectors s with ``sum_k s_k s_k^T`` the Fisher matrix of each row, shape (n, n_outputs, n_weights)."""
    outputs = subject.batched.evaluate(values, NO_WEIGHTS)
    slopes = np.stack([subject.gradients(values, seeds) for seeds in subject.readout_gradients(outputs)], axis=1)
    read = subject.read_out(outputs)
    if subject.distribution == "softmax":
        p = softmax(read, axis=1)[:, :, None]
        return np.asarray(np.sqrt(p) * (slopes - np.sum(p * slopes, axis=1, keepdims=True)))
    if subject.distribution == "sigmoid":
        return np.asarray(np.sqrt(expit(read) * expit(-read))[:, :, None] * slopes)
    if subject.distribution == "probabilities":
        p = read[:, :, None]
        return np.divide(slopes, np.sqrt(np.maximum(p, 0.0)), out=np.zeros_like(slopes), where=p > SMALLEST_PROBABILITY)
    return slopes


def _normalised(fishers: ArrayLike) -> Array:
    """Scale Fisher matrices so that the mean of their traces is the number of weights."""
    matrices = np.asarray(fishers, np.float64)
    if matrices.ndim not in (2, 3) or matrices.shape[-1] != matrices.shape[-2] or not matrices.size:
        raise ValueError(f"fishers must have shape (n_sets, n_weights, n_weights), got {matrices.shape}")
    check_finite("fishers", matrices)
    trace = np.trace(matrices, axis1=-2, axis2=-1).mean()
    if not trace > 0:
        raise ValueError("the Fisher information is zero: the outputs do not depend on the weights")
    return np.asarray(matrices * (matrices.shape[-1] / trace))
