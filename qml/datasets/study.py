"""The splits that Bowles, Ahmed and Schuld's study scored its models on, arXiv:2403.07059."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from typing import TypeAlias

import numpy as np

from qml.datasets.checks import Features, Labels
from qml.datasets.families import bars_and_stripes, hidden_manifold, hyperplanes_parity, linearly_separable, two_curves
from qml.datasets.mnist import mnist_components
from qml.settings import check_whole
from simulator.names import choose

__all__ = ["DIMENSIONS", "study_split"]

Split: TypeAlias = tuple[Features, Features, Labels, Labels]

SWEEP = range(2, 21)
DIMENSIONS: dict[str, tuple[int, ...]] = {
    "bars_and_stripes": (4, 8, 16, 32),
    "hidden_manifold": tuple(SWEEP),
    "hidden_manifold_diff": tuple(SWEEP),
    "hyperplanes_diff": tuple(SWEEP),
    "linearly_separable": tuple(SWEEP),
    "mnist_pca": tuple(SWEEP),
    "two_curves": tuple(SWEEP),
    "two_curves_diff": tuple(SWEEP),
}
"""The names of the study's benchmarks, and what each was run with."""

NOT_REPRODUCIBLE = {
    "mnist_pca-": "the study drew its samples from a generator without a seed; take a part of 'mnist_pca'",
    "mnist_cg": "its images were resized by torchvision, whose values this library does not reproduce",
}

Draw: TypeAlias = Callable[[int, np.random.RandomState], tuple[Features, Labels]]

SCRIPTS: tuple[tuple[int, dict[str, Draw]], ...] = (
    (42, {"linearly_separable": lambda d, rng: linearly_separable(300, d, random_state=rng)}),
    (
        3,
        {
            "hidden_manifold": lambda d, rng: hidden_manifold(300, d, random_state=rng),
            "hidden_manifold_diff": lambda m, rng: hidden_manifold(300, manifold_dimension=m, random_state=rng),
        },
    ),
    (1, {"hyperplanes_diff": lambda k, rng: hyperplanes_parity(300, n_hyperplanes=k, random_state=rng)}),
    (
        3,
        {
            "two_curves": lambda d, rng: two_curves(300, d, random_state=rng),
            "two_curves_diff": lambda k, rng: two_curves(300, degree=k, offset=1 / (2 * k), random_state=rng),
        },
    ),
)
"""The seed of each script, and the sweeps that it draws from one stream, one after the other."""


def study_split(name: str, dimension: int, *, mnist: str | PathLike[str] | None = None) -> Split:
    """Return the training and test data of a benchmark of the study, equal to what its published scripts write.

    Parameters
    ----------
    name : str
        ``"linearly_separable"``, ``"hidden_manifold"``, ``"hidden_manifold_diff"``, ``"hyperplanes_diff"``,
        ``"two_curves"``, ``"two_curves_diff"``, ``"bars_and_stripes"`` or ``"mnist_pca"``.
    dimension : int
        From 2 to 20: the number of features, which is 10 for the benchmarks in ``diff``; for these it is the dimension
        of the manifold, the number of hyperplanes, or the degree of the curves. For images, the number of pixels of a
        side: 4, 8, 16 or 32.
    mnist : path, optional
        For ``"mnist_pca"`` only: a folder with the four IDX files of MNIST, compressed or not, or an ``mnist.npz``.

    Returns
    -------
    X_train, X_test : float ndarray, shape (n_samples, n_features)
        240 and 60 samples; 1000 and 200 images; 11552 and 1902 digits, 3 (class -1) and 5.
    y_train, y_test : int ndarray, shape (n_samples,)
        -1 and 1.

    Raises
    ------
    UnknownNameError
        If the study has no such benchmark.
    ValueError
        If the study has no such dimension, cannot be reproduced there, or ``mnist`` is missing.

    Notes
    -----
    The scripts draw all dimensions from one stream of random numbers, so this function draws the lower ones first; that
    takes at most about a tenth of a second. Equality is bit for bit where NumPy's mathematical functions and BLAS are
    the same, and to rounding elsewhere. The components of ``"mnist_pca"`` are exact here. Those of the study came from
    a randomised method: its published files of different dimensions disagree by up to 0.014 on the same component.

    References
    ----------
    Bowles, Ahmed and Schuld, arXiv:2403.07059; scripts in https://github.com/XanaduAI/qml-benchmarks.

    Examples
    --------
    >>> from qml.datasets import study_split
    >>> X_train, X_test, y_train, y_test = study_split("two_curves_diff", 16)
    >>> X_train.shape, X_test.shape
    ((240, 10), (60, 10))
    """
    name = choose("benchmark", name, [*DIMENSIONS, *NOT_REPRODUCIBLE])
    if name in NOT_REPRODUCIBLE:
        raise ValueError(f"{name!r} of the study cannot be reproduced: {NOT_REPRODUCIBLE[name]}")
    check_whole("dimension", dimension)
    if dimension not in DIMENSIONS[name]:
        known = DIMENSIONS[name]
        listed = f"{known[0]} to {known[-1]}" if len(known) == len(SWEEP) else ", ".join(map(str, known))
        raise ValueError(f"the study has {name!r} for dimension {listed}, got {dimension}")
    if name == "mnist_pca":
        if mnist is None:
            raise ValueError(
                "'mnist_pca' needs mnist=, a folder with the IDX files of MNIST or an mnist.npz; they are not part of "
                "this library, and scikit-learn's digits are other data"
            )
        return mnist_components(mnist, dimension, digits=(3, 5))
    if mnist is not None:
        raise ValueError(f"mnist= is for 'mnist_pca', got it with {name!r}")
    if name == "bars_and_stripes":
        rng = np.random.RandomState(42)
        X_train, y_train = bars_and_stripes(1000, dimension, dimension, random_state=rng)
        X_test, y_test = bars_and_stripes(200, dimension, dimension, random_state=rng)
        return X_train, X_test, y_train, y_test
    return _sweep_split(name, dimension)


def _sweep_split(name: str, dimension: int) -> Split:
    """Draw one script's data sets in its order, up to the one that is asked for."""
    seed, sweeps = next(script for script in SCRIPTS if name in script[1])
    rng = np.random.RandomState(seed)
    for sweep, draw in sweeps.items():
        for value in SWEEP:
            X, y = draw(value, rng)
            test, train = np.split(rng.permutation(len(y)), [len(y) // 5])
            if (sweep, value) == (name, dimension):
                return X[train], X[test], y[train], y[test]
    raise AssertionError(f"{name!r} has no dimension {dimension}, which should have been checked")
