"""Data sets of the study: training and test rows of a family at a size."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from qml.datasets import study_split
from qml.datasets.mnist import IDX_NAMES

__all__ = ["AXES", "PUBLISHED_FAMILIES", "SYNTHETIC", "Data", "load", "sizes"]

Data = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]
"""Training rows, test rows, training labels, test labels."""

AXES: Mapping[str, str] = {
    "linearly_separable": "features",
    "hidden_manifold": "features",
    "two_curves": "features",
    "hidden_manifold_diff": "dimension of the manifold",
    "hyperplanes_diff": "hyperplanes",
    "two_curves_diff": "degree",
    "mnist_pca": "components",
    "mnist_pca-": "components",
    "digits": "components",
}
"""Families, with what their size counts."""

SYNTHETIC = tuple(AXES)[:6]
"""The families that are drawn here bit for bit as the study drew them."""

PUBLISHED_FAMILIES = tuple(AXES)[:8]

MNIST_FILES = {"mnist_pca": "mnist_3-5_{size}d_{part}.csv", "mnist_pca-": "mnist_3-5_{size}d-250_{part}.csv"}
"""Names of the study's files, in `paper/plots/datasets-for-plots` of its repository."""


def load(family: str, size: int, mnist: str | None = None) -> Data:
    """Return the data of a family at a size.

    Parameters
    ----------
    family : str
        A key of `AXES`. ``"digits"`` are scikit-learn's 8 x 8 digits 3 and 5, standardised, as principal components:
        the same task as MNIST PCA on other images.
    size : int
    mnist : path, optional
        For the two MNIST families: a folder with the study's CSV files; for ``"mnist_pca"`` also with the IDX files of
        MNIST, or an ``mnist.npz``, from which the components of other sizes are computed.
    """
    if family == "digits":
        return _digits(size)
    if family not in MNIST_FILES:
        return study_split(family, size)
    if mnist is None:
        raise ValueError(
            f"{family!r} needs --mnist, a folder with the study's files such as {_file_name(family, size, 'train')}; "
            "'digits' is a similar task that needs none"
        )
    paths = [Path(mnist) / _file_name(family, size, part) for part in ("train", "test")]
    if all(path.exists() for path in paths):
        (X_train, y_train), (X_test, y_test) = (_read(path) for path in paths)
        return X_train, X_test, y_train, y_test
    if family == "mnist_pca-":
        missing = next(path for path in paths if not path.exists())
        raise FileNotFoundError(f"{missing} is missing; the study drew these rows without a seed, so they must be read")
    return study_split(family, size, mnist=mnist)


def sizes(family: str, mnist: str | None) -> tuple[int, ...]:
    """Return the sizes for which a family's data can be had; the images of MNIST give all of ``"mnist_pca"``."""
    if family not in MNIST_FILES:
        return (2, 10, 20) if family == "digits" else tuple(range(2, 21))
    if mnist is None:
        return ()
    files = [size for size in range(2, 21) if (Path(mnist) / _file_name(family, size, "train")).exists()]
    if family == "mnist_pca" and (not files or any(Path(mnist).glob(f"{IDX_NAMES['x_train']}*"))):
        return tuple(range(2, 21))
    return tuple(files)


def _file_name(family: str, size: int, part: str) -> str:
    return MNIST_FILES[family].format(size=size, part=part)


def _read(path: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    rows = np.loadtxt(path, delimiter=",", ndmin=2)
    return rows[:, :-1], rows[:, -1].astype(np.int64)


def _digits(size: int) -> Data:
    X, y = load_digits(return_X_y=True)
    mask = np.isin(y, (3, 5))
    X_train, X_test, y_train, y_test = train_test_split(
        X[mask], np.where(y[mask] == 5, 1, -1), test_size=0.2, random_state=42, stratify=y[mask]
    )
    scaler = StandardScaler().fit(X_train)
    components = PCA(size, svd_solver="full").fit(scaler.transform(X_train))
    first, second = (components.transform(scaler.transform(part)) for part in (X_train, X_test))
    return first, second, y_train, y_test
