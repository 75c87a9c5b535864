"""The families of problems: what their descriptions promise; the values themselves are compared in test_study.py."""

from functools import partial

import numpy as np
import pytest
from sklearn.linear_model import Perceptron
from sklearn.svm import SVC

from qml.datasets import bars_and_stripes, hidden_manifold, hyperplanes_parity, linearly_separable, two_curves

FAMILIES = [
    linearly_separable,
    hidden_manifold,
    hyperplanes_parity,
    two_curves,
    partial(bars_and_stripes, height=3, width=5),
]
NAMES = ["linearly_separable", "hidden_manifold", "hyperplanes_parity", "two_curves", "bars_and_stripes"]


@pytest.mark.parametrize("family", FAMILIES, ids=NAMES)
def test_types_and_seeds(family):
    X, y = family(40, random_state=1)
    assert X.dtype == np.float64
    assert len(X) == len(y) == 40
    assert np.isfinite(X).all()
    assert set(y.tolist()) == {-1, 1}
    assert np.issubdtype(y.dtype, np.integer)
    again = family(40, random_state=np.random.RandomState(1))
    np.testing.assert_array_equal(again[0], X)
    np.testing.assert_array_equal(again[1], y)
    assert not np.array_equal(family(40, random_state=2)[0], X)


@pytest.mark.parametrize("family", FAMILIES, ids=NAMES)
@pytest.mark.parametrize("wrong", ["1", 1.0, True, np.random.default_rng(0)], ids=["str", "float", "bool", "Generator"])
def test_random_state(family, wrong):
    with pytest.raises(ValueError, match="random_state expects an integer, a numpy.random.RandomState or None, got"):
        family(4, random_state=wrong)


@pytest.mark.parametrize("family", [hidden_manifold, hyperplanes_parity, two_curves])
def test_equal_classes(family):
    _, y = family(30, random_state=0)
    assert (y == 1).sum() == (y == -1).sum() == 15
    with pytest.raises(ValueError, match="n_samples expects an even number"):
        family(31)


def test_a_line_separates_with_the_margin():
    X, y = linearly_separable(500, 4, margin=0.3, random_state=0)
    assert (-y * X.sum(axis=1)).min() > 0.3
    assert np.abs(X).max() <= 1
    assert Perceptron(max_iter=1000, tol=None).fit(X, y).score(X, y) == 1.0


def test_margin_that_leaves_too_few():
    with pytest.raises(ValueError, match=r"margin=1.9 leaves \d of 200 random points"):
        linearly_separable(100, 2, margin=1.9, random_state=0)


def test_hidden_manifold_has_its_dimension():
    X, _ = hidden_manifold(200, 12, manifold_dimension=3, random_state=0)
    singular_values = np.linalg.svd(np.arctanh(X) - np.arctanh(X).mean(axis=0), compute_uv=False)
    assert (singular_values > 1e-8).sum() == 3


def test_hyperplanes_lie_in_their_space():
    X, _ = hyperplanes_parity(200, 10, n_hyperplanes=3, dim_hyperplanes=2, random_state=1)
    assert (np.linalg.svd(X, compute_uv=False) > 1e-8).sum() == 2
    np.testing.assert_allclose([X.mean(axis=0), X.std(axis=0)], [np.zeros(10), np.ones(10)], atol=1e-12)


def test_one_hyperplane_is_a_linear_problem():
    X, y = hyperplanes_parity(100, 3, n_hyperplanes=1, random_state=0)
    assert SVC(kernel="linear", C=1e6).fit(X, y).score(X, y) == 1.0


def test_one_class_too_small():
    with pytest.raises(
        ValueError, match="84 of 800 random points are in the smaller class, fewer than n_samples / 2 = 100"
    ):
        hyperplanes_parity(200, n_hyperplanes=4, dim_hyperplanes=2, random_state=0)


def test_two_curves_are_fourier_series():
    """Without noise and offset, all features of 2 * degree + 1 frequencies span no more dimensions than that."""
    X, _ = two_curves(200, 12, degree=2, offset=0.0, noise=0.0, random_state=0)
    assert (np.linalg.svd(X, compute_uv=False) > 1e-8).sum() == 4  # the constant is taken away
    X, y = two_curves(200, 12, degree=2, offset=0.3, noise=0.001, random_state=0)
    assert SVC(kernel="linear", C=100.0).fit(X, y).score(X, y) == 1.0


def test_bars_and_stripes_without_noise():
    X, y = bars_and_stripes(60, 3, 5, noise=0.0, random_state=0)
    for image, label in zip(X.reshape(60, 3, 5), y, strict=True):
        lines = image if label == 1 else image.T
        assert (lines == lines[:, :1]).all()
    noisy, _ = bars_and_stripes(400, 3, 5, noise=0.2, random_state=0)
    assert np.abs(np.abs(noisy) - 1).std() == pytest.approx(0.12, abs=0.01)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (partial(linearly_separable, 0), "n_samples expects an integer of 1 or more, got 0"),
        (partial(linearly_separable, 4, 0), "n_features expects"),
        (partial(linearly_separable, margin=-0.1), "margin expects a finite number of 0 or more, got -0.1"),
        (partial(hidden_manifold, manifold_dimension=0), "manifold_dimension expects"),
        (partial(hyperplanes_parity, n_hyperplanes=0), "n_hyperplanes expects"),
        (partial(hyperplanes_parity, dim_hyperplanes=1.5), "dim_hyperplanes expects"),
        (partial(two_curves, degree=0), "degree expects"),
        (partial(two_curves, offset=np.nan), "offset expects a finite number"),
        (partial(two_curves, noise=np.inf), "noise expects a finite number"),
        (partial(bars_and_stripes, 4, 0), "height expects"),
        (partial(bars_and_stripes, 4, 2, 0), "width expects"),
        (partial(bars_and_stripes, noise="much"), "noise expects a finite number of 0 or more, got 'much'"),
    ],
)
def test_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
