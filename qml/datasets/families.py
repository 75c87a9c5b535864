"""The families of problems of Bowles, Ahmed and Schuld's benchmark study, arXiv:2403.07059.

Written from the study's descriptions to draw the random numbers in the order of its published generators, so that equal
seeds give equal data; `qml.datasets.study_split` has the study's own splits.
"""

from __future__ import annotations

import numpy as np
from sklearn.preprocessing import StandardScaler

from qml.datasets.checks import Features, Labels, RandomState, check_even, check_interval, generator
from qml.settings import check_whole

__all__ = ["bars_and_stripes", "hidden_manifold", "hyperplanes_parity", "linearly_separable", "two_curves"]


def linearly_separable(
    n_samples: int = 300,
    n_features: int = 10,
    *,
    margin: float | None = None,
    random_state: RandomState = None,
) -> tuple[Features, Labels]:
    """Points of a cube on two sides of a hyperplane through its centre.

    Points are uniform in ``[-1, 1]**n_features``; those with ``|sum(x)| <= margin`` are left out.

    Parameters
    ----------
    n_samples : int
    n_features : int
    margin : float, optional
        Smallest ``|sum(x)|`` of a point; ``0.02 * n_features`` by default, as in the study.
    random_state : int, RandomState or None

    Returns
    -------
    X : float ndarray, shape (n_samples, n_features)
    y : int ndarray, shape (n_samples,)
        -1 where the sum of the features is positive, else 1.

    Raises
    ------
    ValueError
        If an argument makes no sense, or too few of ``2 * n_samples`` random points lie outside the margin.

    References
    ----------
    Bowles, Ahmed and Schuld, arXiv:2403.07059.

    Examples
    --------
    >>> from qml.datasets import linearly_separable
    >>> X, y = linearly_separable(n_samples=300, n_features=10, random_state=42)
    >>> bool(((X.sum(axis=1) > 0) == (y == -1)).all())
    True
    """
    check_whole("n_samples", n_samples)
    check_whole("n_features", n_features)
    if margin is None:
        margin = 0.02 * n_features
    check_interval("margin", margin, 0)
    rng = generator(random_state)
    points = 2 * rng.random_sample((2 * n_samples, n_features)) - 1
    heights = points @ np.ones(n_features)
    outside = np.flatnonzero(np.abs(heights) > margin)[:n_samples]
    if len(outside) < n_samples:
        raise ValueError(
            f"margin={margin:g} leaves {len(outside)} of {2 * n_samples} random points, fewer than "
            f"n_samples={n_samples}; expected a smaller margin"
        )
    return points[outside], np.where(heights[outside] > 0, -1, 1)


def hidden_manifold(
    n_samples: int = 300,
    n_features: int = 10,
    *,
    manifold_dimension: int = 6,
    random_state: RandomState = None,
) -> tuple[Features, Labels]:
    """Points of a random curved manifold, labelled by a random neural network that sees the manifold's coordinates.

    ``X = tanh(C F / sqrt(m) - b)`` with normal coordinates ``C`` and features ``F``; the network has one hidden layer
    of ``m`` units. The labels are split at the median.

    Parameters
    ----------
    n_samples : int
        An even number.
    n_features : int
    manifold_dimension : int
        The number ``m`` of coordinates.
    random_state : int, RandomState or None

    Returns
    -------
    X : float ndarray, shape (n_samples, n_features)
    y : int ndarray, shape (n_samples,)
        -1 or 1, equally often.

    Raises
    ------
    ValueError
        If an argument makes no sense.

    References
    ----------
    Goldt et al., arXiv:1909.11500; Bowles, Ahmed and Schuld, arXiv:2403.07059.
    """
    check_even("n_samples", n_samples)
    check_whole("n_features", n_features)
    check_whole("manifold_dimension", manifold_dimension)
    rng = generator(random_state)
    embedding = rng.normal(size=(manifold_dimension, n_features))
    coordinates = rng.normal(size=(n_samples, manifold_dimension))
    biases = 2 * rng.uniform(size=n_features) - 1
    X = np.tanh(coordinates @ embedding / np.sqrt(manifold_dimension) - biases)

    hidden = rng.normal(size=(manifold_dimension, manifold_dimension))
    output = rng.normal(size=manifold_dimension)
    scores = np.tanh(coordinates @ hidden.T) @ output
    return X, np.where(scores < np.median(scores), -1, 1)


def hyperplanes_parity(
    n_samples: int = 300,
    n_features: int = 10,
    *,
    n_hyperplanes: int = 2,
    dim_hyperplanes: int = 3,
    random_state: RandomState = None,
) -> tuple[Features, Labels]:
    """Normal points, labelled by the parity of the number of random hyperplanes that they lie above.

    The hyperplanes are in a space of ``dim_hyperplanes`` dimensions, which a random linear map embeds into the space of
    the features; the features are then standardised.

    Parameters
    ----------
    n_samples : int
        An even number.
    n_features : int
    n_hyperplanes : int
    dim_hyperplanes : int
    random_state : int, RandomState or None

    Returns
    -------
    X : float ndarray, shape (n_samples, n_features)
        Class -1 first.
    y : int ndarray, shape (n_samples,)
        -1 above an even number of hyperplanes, 1 above an odd number, equally often.

    Raises
    ------
    ValueError
        If an argument makes no sense, or one class has too few of ``4 * n_samples`` random points.

    References
    ----------
    Bowles, Ahmed and Schuld, arXiv:2403.07059.
    """
    check_even("n_samples", n_samples)
    check_whole("n_features", n_features)
    check_whole("n_hyperplanes", n_hyperplanes)
    check_whole("dim_hyperplanes", dim_hyperplanes)
    rng = generator(random_state)
    normals = rng.uniform(size=(n_hyperplanes, dim_hyperplanes))
    biases = rng.uniform(size=n_hyperplanes)
    points = rng.normal(size=(4 * n_samples, dim_hyperplanes))
    odd = (points @ normals.T + biases > 0).sum(axis=1) % 2 == 1
    half = n_samples // 2
    classes = [np.flatnonzero(~odd)[:half], np.flatnonzero(odd)[:half]]
    if min(map(len, classes)) < half:
        raise ValueError(
            f"{min(map(len, classes))} of {4 * n_samples} random points are in the smaller class, fewer than "
            f"n_samples / 2 = {half}; try another random_state or number of hyperplanes"
        )
    X = points[np.concatenate(classes)] @ rng.uniform(size=(dim_hyperplanes, n_features))
    return StandardScaler().fit_transform(X), _halves(half)


def two_curves(
    n_samples: int = 300,
    n_features: int = 10,
    *,
    degree: int = 5,
    offset: float = 0.1,
    noise: float = 0.01,
    random_state: RandomState = None,
) -> tuple[Features, Labels]:
    """Noisy points of two curves of the same shape: a random Fourier series, and the same shifted.

    Each feature is a Fourier series of the place on the curve, from 0 to 1; the features are standardised at the end.

    Parameters
    ----------
    n_samples : int
        An even number.
    n_features : int
    degree : int
        Highest frequency: how often the curves wind.
    offset : float
        Shift of the second curve along each feature.
    noise : float
        Standard deviation of the noise on each feature.
    random_state : int, RandomState or None

    Returns
    -------
    X : float ndarray, shape (n_samples, n_features)
        Class -1 first.
    y : int ndarray, shape (n_samples,)
        -1 on the first curve, 1 on the second, equally often.

    Raises
    ------
    ValueError
        If an argument makes no sense.

    References
    ----------
    Bowles, Ahmed and Schuld, arXiv:2403.07059; the idea is that of Buchanan, Gilboa and Wright, arXiv:2008.11245.
    """
    check_even("n_samples", n_samples)
    check_whole("n_features", n_features)
    check_whole("degree", degree)
    check_interval("offset", offset, -np.inf)
    check_interval("noise", noise, 0)
    rng = generator(random_state)
    coefficients = rng.uniform(size=(n_features, degree + 1, 2))
    coefficients /= np.linalg.norm(coefficients)
    places, errors = np.empty((n_samples, 1)), np.empty((n_samples, n_features))
    for sample in range(n_samples):
        places[sample] = rng.random_sample()
        errors[sample] = rng.normal(0.0, noise, n_features)

    # Term by term, as the study adds them: any other order would round differently.
    X = np.broadcast_to(coefficients[:, 0].sum(axis=1), errors.shape).copy()
    for frequency in range(1, degree + 1):
        cosine, sine = coefficients[:, frequency].T
        phase = frequency * np.pi * places
        X += cosine * np.cos(phase) + sine * np.sin(phase)
    X += errors
    X[n_samples // 2 :] += offset
    return StandardScaler().fit_transform(X), _halves(n_samples // 2)


def bars_and_stripes(
    n_samples: int = 1000,
    height: int = 4,
    width: int = 4,
    *,
    noise: float = 0.5,
    random_state: RandomState = None,
) -> tuple[Features, Labels]:
    """Noisy images of vertical bars or of horizontal stripes.

    Each row (of stripes) or column (of bars) is 1 or -1 with equal probability.

    Parameters
    ----------
    n_samples : int
    height, width : int
        Number of pixels.
    noise : float
        Standard deviation of the noise on each pixel.
    random_state : int, RandomState or None

    Returns
    -------
    X : float ndarray, shape (n_samples, height * width)
        Images row by row.
    y : int ndarray, shape (n_samples,)
        -1 for bars, 1 for stripes.

    Raises
    ------
    ValueError
        If an argument makes no sense.

    See Also
    --------
    bars_and_stripes_patterns : All images without noise, for generative models.

    References
    ----------
    Bowles, Ahmed and Schuld, arXiv:2403.07059.
    """
    check_whole("n_samples", n_samples)
    check_whole("height", height)
    check_whole("width", width)
    check_interval("noise", noise, 0)
    rng = generator(random_state)
    images = np.full((n_samples, height, width), -1.0)
    y = np.empty(n_samples, np.int64)
    for sample, image in enumerate(images):
        stripes = rng.random_sample() > 0.5
        lines = image if stripes else image.T
        lines[rng.random_sample(len(lines)) > 0.5] = 1.0
        image += rng.normal(0.0, noise, image.shape)
        y[sample] = 1 if stripes else -1
    return images.reshape(n_samples, -1), y


def _halves(half: int) -> Labels:
    return np.repeat(np.array([-1, 1]), half)
