"""Classification problems that quantum models are demonstrated on."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from qml.datasets.checks import Features, Labels, RandomState, check_even, check_interval, generator
from qml.settings import check_whole

__all__ = ["ad_hoc", "bars_and_stripes_patterns", "circles_on_qubit", "parity"]

MAX_AD_HOC_FEATURES = 10
"""The hidden unitary is a dense matrix of ``4**n_features`` entries."""

MAX_PATTERN_BITS = 24
"""More lines than this would need hundreds of MiB of patterns."""

BATCH = 256
"""Random points of `ad_hoc` that are labelled at a time."""

MAX_BATCHES = 400
"""Of `ad_hoc`, before it gives up: a hundred thousand points."""

CENTERS = np.array([[-1.0, 1.0], [1.0, 0.0], [-0.5, -0.5]])
RADII = np.array([1.0, np.sqrt(6 / np.pi - 1), 0.5])
"""Three circles of arXiv:1907.02085, of which a quarter, a half and the whole lie in the square."""


def ad_hoc(
    n_samples: int = 100, n_features: int = 2, *, gap: float = 0.3, random_state: RandomState = None
) -> tuple[Features, Labels]:
    """Points that a fidelity kernel of the ``zz`` feature map separates by construction.

    The label is the sign of ``<psi(x)|V^dagger Z...Z V|psi(x)>``, with a random unitary V and ``|psi(x)>`` the state of
    the feature map with two repetitions. Points at which it lies within the gap are left out.

    Parameters
    ----------
    n_samples : int
        An even number.
    n_features : int
        Also the number of qubits; at most 10.
    gap : float
        The expectation's smallest distance from zero, from 0 to below 1. Expectations shrink with the number of qubits:
        three need about 0.2.
    random_state : int, RandomState or None

    Returns
    -------
    X : float ndarray, shape (n_samples, n_features), radians
        Uniform in ``[0, 2 pi)`` outside the gap; class -1 first.
    y : int ndarray, shape (n_samples,)
        -1 or 1, equally often.

    Raises
    ------
    ValueError
        If an argument makes no sense, or almost all points lie within the gap.

    References
    ----------
    Havlíček et al., arXiv:1804.11326.

    Examples
    --------
    >>> from qml.datasets import ad_hoc
    >>> X, y = ad_hoc(n_samples=20, random_state=0)
    >>> X.shape, int((y == 1).sum())
    ((20, 2), 10)
    """
    check_even("n_samples", n_samples)
    check_whole("n_features", n_features)
    if n_features > MAX_AD_HOC_FEATURES:
        raise ValueError(f"n_features expects at most {MAX_AD_HOC_FEATURES}, got {n_features}")
    check_interval("gap", gap, 0, 1)
    rng = generator(random_state)
    unitary = _random_unitary(1 << n_features, rng)
    half = n_samples // 2
    classes: dict[int, list[NDArray[np.float64]]] = {-1: [], 1: []}
    counts = {-1: 0, 1: 0}
    for _ in range(MAX_BATCHES):
        points = 2 * np.pi * rng.random_sample((BATCH, n_features))
        expectations = _hidden_expectations(points, unitary)
        for label, points_of_class in classes.items():
            accepted = points[label * expectations > gap]
            points_of_class.append(accepted)
            counts[label] += len(accepted)
        if min(counts.values()) >= half:
            X = np.concatenate([np.concatenate(part)[:half] for part in classes.values()])
            return X, np.repeat(np.array([-1, 1]), half)
    raise ValueError(
        f"of {BATCH * MAX_BATCHES} random points only {counts[-1]} and {counts[1]} lie outside gap={gap:g} on either "
        f"side, of {half} expected; try a smaller gap"
    )


def parity(
    n_features: int = 4, *, n_samples: int | None = None, random_state: RandomState = None
) -> tuple[Features, Labels]:
    """Bit strings labelled by the parity of their ones.

    Parameters
    ----------
    n_features : int
        Number of bits.
    n_samples : int, optional
        Number of random strings, which may repeat; by default all ``2**n_features`` strings in order.
    random_state : int, RandomState or None
        Used with ``n_samples`` only.

    Returns
    -------
    X : float ndarray, shape (n_samples, n_features)
        Zeros and ones; feature k of string i is bit k of the number i if all strings are asked for.
    y : int ndarray, shape (n_samples,)
        1 for an even number of ones, -1 for an odd number: the value of ``Z...Z``.

    Raises
    ------
    ValueError
        If an argument makes no sense, or all strings of more than 24 bits are asked for.

    Examples
    --------
    >>> from qml.datasets import parity
    >>> X, y = parity(2)
    >>> X.tolist(), y.tolist()
    ([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [1, -1, -1, 1])
    """
    check_whole("n_features", n_features)
    if n_samples is None:
        if n_features > MAX_PATTERN_BITS:
            raise ValueError(f"all strings of n_features={n_features} bits are too many; expected n_samples as well")
        bits = _all_bits(n_features)
    else:
        check_whole("n_samples", n_samples)
        bits = generator(random_state).randint(0, 2, (n_samples, n_features))
    return bits.astype(np.float64), 1 - 2 * (bits.sum(axis=1) % 2)


def circles_on_qubit(
    n_samples: int = 200, *, n_circles: int = 1, random_state: RandomState = None
) -> tuple[Features, Labels]:
    """Points of a square inside and outside circles, the test of classifiers that upload data again and again.

    Parameters
    ----------
    n_samples : int
    n_circles : {1, 3}
        One circle about the origin that covers half of the square, or three circles of different sizes.
    random_state : int, RandomState or None

    Returns
    -------
    X : float ndarray, shape (n_samples, 2)
        Uniform in ``[-1, 1)**2``.
    y : int ndarray, shape (n_samples,)
        0 outside all circles, k inside the k-th.

    Raises
    ------
    ValueError
        If an argument makes no sense.

    References
    ----------
    Pérez-Salinas et al., arXiv:1907.02085.

    Examples
    --------
    >>> from qml.datasets import circles_on_qubit
    >>> X, y = circles_on_qubit(4000, random_state=0)
    >>> round(float(y.mean()), 1)
    0.5
    """
    check_whole("n_samples", n_samples)
    if isinstance(n_circles, bool) or n_circles not in (1, 3):
        raise ValueError(f"n_circles expects 1 or 3, got {n_circles!r}")
    X = 2 * generator(random_state).random_sample((n_samples, 2)) - 1
    centers, radii = (np.zeros((1, 2)), np.array([np.sqrt(2 / np.pi)])) if n_circles == 1 else (CENTERS, RADII)
    inside = ((X[:, None, :] - centers) ** 2).sum(axis=2) < radii**2
    return X, np.where(inside.any(axis=1), inside.argmax(axis=1) + 1, 0)


def bars_and_stripes_patterns(height: int = 4, width: int = 4) -> Features:
    """All images of horizontal stripes or vertical bars, the uniform distribution that generative models learn.

    Parameters
    ----------
    height, width : int
        Number of pixels; at most 24.

    Returns
    -------
    float ndarray, shape (2**height + 2**width - 2, height * width)
        Zeros and ones, each image once, row by row, in ascending order of the number that has pixel k as bit k; that is
        the index of the basis state with pixel k on qubit k. For one row or column, where each image has stripes and
        bars, there are ``2**(height * width)``.

    Raises
    ------
    ValueError
        If an argument makes no sense.

    References
    ----------
    Benedetti et al., arXiv:1801.07686.

    Examples
    --------
    >>> from qml.datasets import bars_and_stripes_patterns
    >>> bars_and_stripes_patterns(2, 2).astype(int).tolist()
    [[0, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 1], [1, 1, 1, 1]]
    """
    for name, size in (("height", height), ("width", width)):
        check_whole(name, size)
        if size > MAX_PATTERN_BITS:
            raise ValueError(f"{name} expects at most {MAX_PATTERN_BITS} pixels, got {size}")
    stripes = np.repeat(_all_bits(height), width, axis=1)
    bars = np.tile(_all_bits(width), height)
    images = np.unique(np.concatenate([stripes, bars])[:, ::-1], axis=0)[:, ::-1]
    return images.astype(np.float64)


def _all_bits(count: int) -> NDArray[np.int64]:
    """Return bit k of i at ``[i, k]``, for all i below ``2**count``."""
    return np.arange(1 << count)[:, None] >> np.arange(count) & 1


def _random_unitary(size: int, rng: np.random.RandomState) -> NDArray[np.complex128]:
    """Draw from the Haar measure: Q of a normal matrix, with the phases of R's diagonal (Mezzadri, math-ph/0609050)."""
    q, r = np.linalg.qr(rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size)))
    diagonal = np.diagonal(r)
    return q * (diagonal / np.abs(diagonal))


def _hidden_expectations(X: Features, unitary: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Compute ``<psi(x)|V^dagger Z...Z V|psi(x)>``, shape (n_samples,), with feature k on qubit k."""
    n_features = X.shape[1]
    signs = 1 - 2 * _all_bits(n_features)
    phases = X @ signs.T
    for i, j in combinations(range(n_features), 2):
        phases += np.outer((np.pi - X[:, i]) * (np.pi - X[:, j]), signs[:, i] * signs[:, j])
    diagonal = np.exp(1j * phases)
    hadamard = (-1.0) ** np.bitwise_count(np.arange(1 << n_features)[:, None] & np.arange(1 << n_features))
    states = diagonal * (diagonal @ hadamard) / (1 << n_features)
    return np.abs(states @ unitary.T) ** 2 @ signs.prod(axis=1)
