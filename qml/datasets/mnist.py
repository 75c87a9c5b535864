"""Two digits of MNIST as principal components, from the files that MNIST is published in."""

from __future__ import annotations

import gzip
import io
import math
import zlib
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler

from qml.datasets.checks import Features, Labels

__all__ = ["mnist_components", "read_mnist"]

IDX_NAMES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
"""Names of the arrays in an ``mnist.npz``, and of the files in the original format."""


def mnist_components(
    path: str | PathLike[str], n_components: int, digits: tuple[int, int]
) -> tuple[Features, Features, Labels, Labels]:
    """Standardise the pixels of two digits and project them onto the principal components of the training images.

    Parameters
    ----------
    path : path
        As for `read_mnist`.
    n_components : int
    digits : (int, int)
        The digit of class -1 and that of class 1.

    Returns
    -------
    X_train, X_test : float ndarray, shape (n_samples, n_components)
        The sign of a component is that of its largest value in the training data, which is positive.
    y_train, y_test : int ndarray, shape (n_samples,)
    """
    arrays = read_mnist(path)
    images, labels = {}, {}
    for part in ("train", "test"):
        selected = np.isin(arrays[f"y_{part}"], digits)
        images[part] = arrays[f"x_{part}"][selected].reshape(int(selected.sum()), -1).astype(np.float64)
        labels[part] = np.where(arrays[f"y_{part}"][selected] == digits[0], -1, 1)
    scaler = StandardScaler().fit(images["train"])
    train, test = (scaler.transform(images[part]) for part in ("train", "test"))
    _, directions = np.linalg.eigh(train.T @ train)
    directions = directions[:, : -n_components - 1 : -1]
    X_train, X_test = train @ directions, test @ directions
    largest = X_train[np.abs(X_train).argmax(axis=0), np.arange(n_components)]
    return X_train * np.sign(largest), X_test * np.sign(largest), labels["train"], labels["test"]


def read_mnist(path: str | PathLike[str]) -> dict[str, NDArray[np.uint8]]:
    """Read images and labels from an ``mnist.npz``, or from a folder with the four IDX files.

    Parameters
    ----------
    path : path
        IDX files may be compressed, ending in ``.gz``.

    Returns
    -------
    dict of uint8 ndarray
        ``x_train`` and ``x_test``, shape (n_samples, height, width); ``y_train`` and ``y_test``, shape (n_samples,).

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder, or a file is missing in it.
    ValueError
        If a file holds something else, or less than it should.
    """
    source = Path(path)
    if source.is_dir():
        arrays = {name: _read_idx(_existing(source, file)) for name, file in IDX_NAMES.items()}
    else:
        arrays = _read_npz(source)
    for part in ("train", "test"):
        images, labels = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if images.ndim != 3 or labels.shape != images.shape[:1]:
            raise ValueError(
                f"{source}: expected images of shape (n, height, width) and n labels, got shapes {images.shape} "
                f"and {labels.shape}"
            )
    return arrays


def _read_npz(path: Path) -> dict[str, NDArray[np.uint8]]:
    content = path.read_bytes()
    try:
        # from a path, np.load would leave a damaged file open
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in IDX_NAMES if name in archive}
    except Exception as error:  # another file, or a damaged archive, may raise anything
        raise ValueError(f"{path} is damaged, or not an mnist.npz: {error}") from error
    missing = sorted(IDX_NAMES.keys() - arrays.keys())
    if missing:
        raise ValueError(f"{path} lacks the arrays {', '.join(missing)} of an mnist.npz")
    return arrays


def _existing(folder: Path, name: str) -> Path:
    for candidate in (folder / name, folder / f"{name}.gz"):
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(f"{folder} has neither {name} nor {name}.gz, a file of MNIST")


def _read_idx(path: Path) -> NDArray[np.uint8]:
    """Read an array of bytes in IDX format: two zeros, the type 8, the number of dimensions, sizes, values."""
    raw = path.read_bytes()
    if path.suffix == ".gz":
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path} is damaged, or not compressed: {error}") from error
    if raw[:3] != b"\0\0\x08" or len(raw) < 4 or len(raw) < 4 + 4 * raw[3]:
        raise ValueError(f"{path} is not an IDX file of bytes")
    start = 4 + 4 * raw[3]
    shape = tuple(int(size) for size in np.frombuffer(raw[4:start], ">u4"))
    if len(raw) - start != math.prod(shape):
        raise ValueError(f"{path} should hold {shape} values, got {len(raw) - start} bytes of them")
    return np.frombuffer(raw[start:], np.uint8).reshape(shape)
