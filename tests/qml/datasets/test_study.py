"""The study's splits, against what the study's own scripts wrote.

``tests/data/study_splits.json`` was made by running the scripts ``paper/benchmarks/generate_*.py`` of
https://github.com/XanaduAI/qml-benchmarks at commit 0bbf848, with NumPy 2.4.6 and scikit-learn 1.9.1, and taking from
the files that they wrote: the shape, the first two features of the first row, the last two of the last row, the mean
square of all, and the beginning of the SHA-256 of the labels as little-endian 64-bit integers. On the machine where it
was made, all 118 splits of these benchmarks were equal bit for bit.
"""

import gzip
import hashlib
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from qml.datasets import study_split
from qml.datasets.mnist import IDX_NAMES, read_mnist
from qml.datasets.study import DIMENSIONS
from simulator.errors import UnknownNameError

REFERENCE = json.loads((Path(__file__).parents[2] / "data" / "study_splits.json").read_text())

ROUNDING = 1e-11
"""Sines, hyperbolic tangents and matrix products differ in the last bits between machines."""


@pytest.mark.parametrize("key", REFERENCE)
def test_equal_to_the_published_scripts(key):
    name, dimension = key.split()
    X_train, X_test, y_train, y_test = study_split(name, int(dimension))
    for X, y, expected in ((X_train, y_train, REFERENCE[key]["train"]), (X_test, y_test, REFERENCE[key]["test"])):
        assert X.shape == tuple(expected["shape"])
        assert hashlib.sha256(y.astype("<i8").tobytes()).hexdigest()[:16] == expected["labels"]
        np.testing.assert_allclose(X[0, :2], expected["first"], rtol=0, atol=ROUNDING)
        np.testing.assert_allclose(X[-1, -2:], expected["last"], rtol=0, atol=ROUNDING)
        np.testing.assert_allclose((X**2).mean(), expected["mean_square"], rtol=ROUNDING)


def test_every_benchmark_is_compared():
    assert {key.split()[0] for key in REFERENCE} == DIMENSIONS.keys() - {"mnist_pca"}


def test_names_in_any_case():
    for ours, theirs in zip(study_split("Two-Curves", 3), study_split("two_curves", 3), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("two_curves", 1), "for dimension 2 to 20, got 1"),
        (("bars_and_stripes", 5), "for dimension 4, 8, 16, 32, got 5"),
        (("two_curves", 2.0), "dimension expects an integer"),
        (("mnist_pca", 2), "'mnist_pca' needs mnist="),
        (("mnist_pca-", 2), "without a seed"),
        (("mnist_cg", 4), "torchvision"),
    ],
)
def test_what_the_study_does_not_have(arguments, message):
    with pytest.raises(ValueError, match=message):
        study_split(*arguments)


def test_near_miss():
    with pytest.raises(UnknownNameError, match="did you mean 'two_curves'"):
        study_split("two_curve", 2)


def test_mnist_for_another_benchmark():
    with pytest.raises(ValueError, match="mnist= is for 'mnist_pca'"):
        study_split("two_curves", 2, mnist="mnist.npz")


@pytest.fixture
def digits():
    """Small images of random digits in the layout of MNIST; one pixel is constant, as MNIST's corners are."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part, size in (("train", 300), ("test", 80)):
        labels = rng.integers(0, 10, size).astype(np.uint8)
        images = rng.integers(0, 200, (size, 5, 4)) + 5 * labels[:, None, None] * rng.integers(0, 2, (5, 4))
        images[:, 0, 0] = 0
        arrays[f"x_{part}"], arrays[f"y_{part}"] = images.astype(np.uint8), labels
    return arrays


def write_idx(folder, arrays, compressed):
    for name, array in arrays.items():
        header = bytes([0, 0, 8, array.ndim]) + b"".join(int(size).to_bytes(4, "big") for size in array.shape)
        data = header + array.tobytes()
        (folder / (IDX_NAMES[name] + (".gz" if compressed else ""))).write_bytes(
            gzip.compress(data) if compressed else data
        )


@pytest.mark.parametrize("form", ["npz", "idx", "gz"])
def test_mnist_components_are_those_of_scikit_learn(digits, tmp_path, form):
    path = tmp_path / "mnist.npz" if form == "npz" else tmp_path
    if form == "npz":
        np.savez(path, **digits)
    else:
        write_idx(path, digits, compressed=form == "gz")
    X_train, X_test, y_train, y_test = study_split("mnist_pca", 3, mnist=path)

    rows = {part: np.flatnonzero((digits[f"y_{part}"] == 3) | (digits[f"y_{part}"] == 5)) for part in ("train", "test")}
    pixels = {part: digits[f"x_{part}"][rows[part]].reshape(len(rows[part]), 20).astype(float) for part in rows}
    scaler = StandardScaler().fit(pixels["train"])
    pca = PCA(3, svd_solver="full").fit(scaler.transform(pixels["train"]))
    signs = np.sign((X_train * pca.transform(scaler.transform(pixels["train"]))).sum(axis=0))
    for X, y, part in ((X_train, y_train, "train"), (X_test, y_test, "test")):
        np.testing.assert_allclose(X, signs * pca.transform(scaler.transform(pixels[part])), rtol=1e-8, atol=1e-9)
        np.testing.assert_array_equal(y, [-1 if digits[f"y_{part}"][row] == 3 else 1 for row in rows[part]])
    assert (X_train.max(axis=0) >= -X_train.min(axis=0)).all()


def test_files_that_are_not_mnist(digits, tmp_path):
    write_idx(tmp_path, digits, compressed=False)
    labels = tmp_path / IDX_NAMES["y_test"]
    content = labels.read_bytes()
    labels.write_bytes(content[:-1])
    with pytest.raises(ValueError, match=r"should hold \(80,\) values, got 79"):
        read_mnist(tmp_path)
    labels.write_bytes(b"\0\0\x09\x01" + content[4:])
    with pytest.raises(ValueError, match="not an IDX file of bytes"):
        read_mnist(tmp_path)
    labels.unlink()
    with pytest.raises(FileNotFoundError, match=r"neither t10k-labels-idx1-ubyte nor .*\.gz"):
        read_mnist(tmp_path)
    np.savez(tmp_path / "other.npz", x_train=digits["x_train"])
    with pytest.raises(ValueError, match="lacks the arrays x_test, y_test, y_train"):
        read_mnist(tmp_path / "other.npz")
    np.savez(tmp_path / "flat.npz", **{**digits, "y_test": digits["y_test"][1:]})
    with pytest.raises(ValueError, match="expected images of shape"):
        read_mnist(tmp_path / "flat.npz")


def test_damaged_files_of_mnist_are_named(digits, tmp_path):
    whole = tmp_path / "whole.npz"
    np.savez(whole, **digits)
    content, damaged = whole.read_bytes(), tmp_path / "damaged.npz"
    flipped = content[:300] + bytes([content[300] ^ 1]) + content[301:]
    for other in (b"", b"text", b"PK\x03\x04", content[:-50], flipped, pickle.dumps([1])):
        damaged.write_bytes(other)
        with pytest.raises(ValueError, match=r"damaged\.npz is damaged, or not an mnist\.npz"):
            read_mnist(damaged)
    np.save(tmp_path / "one.npy", digits["x_train"])
    with pytest.raises(ValueError, match=r"one\.npy is damaged, or not an mnist\.npz"):
        read_mnist(tmp_path / "one.npy")
    write_idx(tmp_path, digits, compressed=True)
    labels = tmp_path / f"{IDX_NAMES['y_test']}.gz"
    content = labels.read_bytes()
    for other in (b"", b"text", content[:-9], content[:-8] + bytes(8)):
        labels.write_bytes(other)
        with pytest.raises(ValueError, match=r"labels-idx1-ubyte\.gz is"):
            read_mnist(tmp_path)
