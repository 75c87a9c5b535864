"""Input scaling of a quantum kernel, determined from few samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from qml.features.scaling import size_exponent
from qml.kernels.alignment import alignment_and_gradient, target_kernel
from qml.kernels.left_out import left_out_coefficients

__all__ = ["find_bandwidth"]

Array = NDArray[np.float64]

_SAMPLES = 256
_REGRESSED = 160  # samples of a ridge regression, whose matrices are inverted: as many as of 200 rows in five folds
_GRID = np.geomspace(0.01, 3.0, 16)  # radians per standard deviation of a feature
_REFINEMENTS = 4
_AS_GOOD = 0.98
_FEW_FEATURES = 3  # `python -m benchmarks.few_features`
_PENALTIES = (0.1, 1.0)  # of ridge regression, for a kernel with a diagonal of 1
LARGEST_BANDWIDTH = 1e300


def find_bandwidth(kernel: Any, X: Array, y: NDArray[Any] | None = None) -> float:
    """Find the feature scale at which the kernel is most informative.

    At too large a scale all states are orthogonal, at too small a scale all are alike. With ``y`` the result is the
    largest scale at which the centred alignment with the targets is within 2 % of the best. For at most three features
    it is the scale at which ridge regression with the kernel has the least error on rows left out, which scored better.
    Without ``y`` it is the scale at which the kernel entries vary most. Each candidate costs the states of at most 256
    samples and one product, or for few features those of 160 and two inverse matrices, always on this engine.

    Parameters
    ----------
    kernel : EmbeddingKernel
        Kernel whose settings are used, except for the bandwidth.
    X : float64 ndarray, shape (n_samples, n_features)
    y : ndarray, shape (n_samples,), optional
        Classes or numbers.

    Returns
    -------
    float
        Feature scale; 1 if all samples are equal, or the feature map takes its features as they are.

    Raises
    ------
    TypeError
        If the kernel has no bandwidth. A composite kernel has none: each part with ``bandwidth="auto"`` finds its own.

    References
    ----------
    Shaydulin and Wild, arXiv:2111.05451; Canatar et al., arXiv:2206.06686.
    """
    if not hasattr(kernel, "bandwidth"):
        raise TypeError(
            f"a quantum kernel with a bandwidth expected, got {kernel!r}; in a composite kernel, give its parts "
            'bandwidth="auto"'
        )
    regresses = y is not None and X.shape[1] <= _FEW_FEATURES
    indices = np.unique(np.linspace(0, len(X) - 1, min(len(X), _REGRESSED if regresses else _SAMPLES)).astype(int))
    if y is not None:  # in an order in which every stretch of the sample has all labels alike or in order
        indices = np.argsort(y, kind="stable")[indices]
    rows, targets = X[indices], None if y is None else y[indices]
    if targets is not None and len(np.unique(targets)) < 2:
        targets = None
    exponent = size_exponent(X)
    spread = float(np.ldexp(np.sqrt(np.mean(np.var(np.ldexp(X, -exponent), axis=0))), exponent))
    if not spread > 0 or len(rows) < 2:
        return 1.0
    if spread < 1.0 / LARGEST_BANDWIDTH:
        raise ValueError(
            f"the standard deviation of the features is {spread:.3g}, too small to be scaled in doubles; multiply X "
            "by a constant"
        )

    bounded = kernel.bounded_map()
    if bounded is not None and bounded.angle_range is None:  # bits, which cannot be scaled
        return 1.0
    # samples that come later fill the domain that these fill: nothing is stretched there
    limit = np.inf if bounded is None else 1.0 / max(1.0, float(np.abs(X).max()) / bounded.domain[1])

    candidate = _exact(kernel)
    target = None if targets is None else target_kernel(targets)
    pairs = np.triu_indices(len(rows), 1)
    response = _factor(target) if target is not None and regresses else None

    def matrix(bandwidth: float) -> Array:
        candidate.bandwidth = bandwidth
        candidate.learn(rows, None)
        return np.asarray(candidate.compute_matrix(rows), np.float64)

    def score(logarithm: float) -> float:
        bandwidth = float(np.exp(logarithm)) / spread
        if bandwidth > limit:
            return -np.inf
        try:
            K = matrix(bandwidth)
        except ValueError:  # a custom feature map may also have a domain
            return -np.inf
        if target is None:
            return float(K[pairs].var())
        if response is not None:
            return -_left_out_error(K, response)
        return alignment_and_gradient(K, target, centered=True)[0]

    grid = np.log(_GRID)
    scores = np.array([score(at) for at in grid])
    best = int(np.argmax(scores))
    if scores[best] == -np.inf:
        matrix(float(_GRID[0]) / spread)  # raises with an explanation
    enough = min(_AS_GOOD * scores[best], scores[best])
    aligned = target is not None and response is None
    at = _largest(score, grid, scores, enough) if aligned else _maximum(score, grid, best)
    return float(np.exp(at)) / spread


def _factor(target: Array) -> Array:
    """Return numbers for each sample whose products are those in ``target``, shape (n_samples, rank)."""
    values, vectors = np.linalg.eigh(target)
    used = values > 1e-9 * values[-1]
    return vectors[:, used] * np.sqrt(values[used])  # type: ignore[no-any-return]


def _left_out_error(K: Array, targets: Array) -> float:
    """Return the mean squared error of kernel ridge regression on rows left out, with the better of two penalties.

    Parameters
    ----------
    K : float ndarray, shape (n_samples, n_samples)
    targets : float ndarray, shape (n_samples, n_targets)
    """
    scale = float(np.mean(np.diag(K)))
    errors = []
    for penalty in _PENALTIES:
        coefficients = left_out_coefficients(K, penalty * scale)
        residuals = (coefficients @ targets) / np.diag(coefficients)[:, None]
        errors.append(float((residuals**2).sum()))
    return min(errors)


def _exact(kernel: Any) -> Any:
    """Return the kernel on this engine, without shots, and with the weights it drew, if any."""
    exact = clone(kernel).set_params(verbose=False, backend=None)
    if hasattr(kernel, "weights_"):
        exact.set_params(weights=kernel.weights_)
    if "shots" in exact.get_params():
        exact.set_params(shots=None, regularization=None)
    return exact


def _largest(score: Callable[[float], float], grid: Array, scores: Array, enough: float) -> float:
    """Return the largest scale at which a score reaches ``enough``.

    Towards small scales the alignment is often flat, and there values differ too little for solvers to use.
    """
    last = int(np.flatnonzero(scores >= enough).max())
    inside = float(grid[last])
    if last + 1 < len(grid):
        outside = float(grid[last + 1])
        for _ in range(_REFINEMENTS):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if score(middle) >= enough else (inside, middle)
    return inside


def _maximum(score: Callable[[float], float], grid: Array, best: int) -> float:
    """Return the scale at which a score is largest, near the best of a grid."""
    at, value, step = float(grid[best]), score(grid[best]), float(grid[1] - grid[0])
    for _ in range(_REFINEMENTS):
        step /= 2
        for neighbour in (at - step, at + step):
            neighbour_value = score(neighbour)
            if neighbour_value > value:
                at, value = neighbour, neighbour_value
                break
    return at
