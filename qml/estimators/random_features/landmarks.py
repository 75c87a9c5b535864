"""Selection of landmarks for the Nystroem method."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans

from qml.kernels import Kernel

__all__ = ["SELECTIONS", "leverage_scores", "select_landmarks"]

Array = NDArray[np.float64]

SELECTIONS = ("uniform", "leverage", "kmeans")

PILOT_FACTOR = 2
"""Number of samples from which leverage scores are estimated, as a multiple of the number of landmarks."""

ROWS_AT_ONCE = 4096

PROBE = 2000
"""Maximum number of rows from which the penalty of leverage scores is estimated."""

MANY_SAMPLES = 10_000
"""Number of samples from which on k-means uses minibatches."""


def select_landmarks(kernel: Kernel, X: Array, count: int, selection: str, seed: int) -> Array:
    """Select landmarks in the space of the samples, shape (at most count, n_features).

    Parameters
    ----------
    kernel : Kernel
        Fitted.
    X : float ndarray, shape (n_samples, n_features)
    count : int
    selection : {"uniform", "leverage", "kmeans"}
    seed : int
    """
    rng = np.random.default_rng(seed)
    if selection == "kmeans":
        return _centres(X, count, seed)
    if count >= len(X):
        return X
    if selection == "uniform":
        return X[np.sort(rng.choice(len(X), count, replace=False))]
    scores = estimated_leverage_scores(kernel, X, count, rng)
    indices = rng.choice(len(X), min(count, int(np.count_nonzero(scores))), replace=False, p=scores / scores.sum())
    return X[np.sort(indices)]


def estimated_leverage_scores(kernel: Kernel, X: Array, rank: int, rng: np.random.Generator) -> Array:
    """Estimate ridge leverage scores in two rounds, shape (n_samples,): the first round draws the pilot of the second.

    The uniform pilot of the first round misses rare samples; the second round draws these with high probability.
    """
    size = min(PILOT_FACTOR * rank, len(X))
    inclusion = np.full(len(X), size / len(X))
    for _ in range(2):
        possible = min(size, int(np.count_nonzero(inclusion)))
        pilot = np.sort(rng.choice(len(X), possible, replace=False, p=inclusion / inclusion.sum()))
        scores = leverage_scores(kernel, X, pilot, rank, np.minimum(inclusion[pilot], 1.0))
        inclusion = scores * (size / scores.sum())
    return scores


def leverage_scores(
    kernel: Kernel, X: Array, pilot: NDArray[np.intp], rank: int, inclusion: Array | None = None
) -> Array:
    """Estimate ridge leverage scores ``(K (K + lambda I)^-1)_ii`` from a pilot sample, shape (n_samples,).

    ``lambda`` is the sum of the eigenvalues of K beyond the first ``rank``, divided by ``rank``; it is also estimated.
    With all samples as the pilot, the scores are exact. The cost is ``n_samples * len(pilot)`` kernel entries, computed
    in blocks of rows.

    Parameters
    ----------
    kernel : Kernel
        Fitted.
    X : float ndarray, shape (n_samples, n_features)
    pilot : int ndarray
        Indices of the rows in the pilot.
    rank : int
    inclusion : float ndarray, shape (len(pilot),), optional
        Probability with which each row of the pilot was drawn; by default the same for all rows.

    References
    ----------
    Musco and Musco, "Recursive sampling for the Nystroem method", arXiv:1605.07583.
    """
    weight = 1 / np.sqrt(np.full(len(pilot), len(pilot) / len(X)) if inclusion is None else inclusion)
    pilot_features = kernel.features(X[pilot])
    eigenvalues, vectors = np.linalg.eigh(
        np.asarray(kernel.gram(pilot_features), np.float64) * np.outer(weight, weight)
    )
    directions = weight[:, np.newaxis] * vectors

    def unexplained(rows: Array, basis: Array) -> Array:
        """Compute the part of each sample outside the span of a basis."""
        projections = np.asarray(kernel.gram(kernel.features(rows), pilot_features), np.float64) @ basis
        return kernel.diag(rows) - np.sum(projections**2, axis=1)

    floor = len(pilot) * np.finfo(np.float64).eps * float(eigenvalues[-1])
    leading = slice(max(len(pilot) - rank, int(np.sum(eigenvalues <= floor))), None)
    probe = X[:: -(-len(X) // PROBE)]
    residuals = unexplained(probe, directions[:, leading] / np.sqrt(eigenvalues[leading]))
    ridge = max(float(np.mean(np.maximum(residuals, 0.0))) * len(X) / rank, floor)
    basis = directions / np.sqrt(np.maximum(eigenvalues, 0.0) + ridge)
    blocks = [unexplained(X[first : first + ROWS_AT_ONCE], basis) for first in range(0, len(X), ROWS_AT_ONCE)]
    return np.clip(np.concatenate(blocks) / ridge, 0.0, 1.0)


def _centres(X: Array, count: int, seed: int) -> Array:
    distinct = np.unique(X, axis=0)
    if count >= len(distinct):
        return distinct
    settings: dict[str, Any] = {"n_clusters": count, "n_init": 1, "random_state": seed}
    use_minibatches = len(X) >= MANY_SAMPLES
    means = MiniBatchKMeans(batch_size=ROWS_AT_ONCE, **settings) if use_minibatches else KMeans(**settings)
    return means.fit(X).cluster_centers_
