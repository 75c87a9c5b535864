"""Scaling: against scikit-learn's PCA, with weights as rows, and for columns that are constant or extreme."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from qml.features.scaling import fit_linear_scaling, fit_scaling

RANGE = (-1.0, 3.0)


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    return rng.normal(size=(50, 6)) @ rng.normal(size=(6, 6)) + 3


def bent(z: np.ndarray) -> np.ndarray:
    """Into RANGE: its middle is 1, its width 4."""
    return 1.0 + 4.0 / np.pi * np.arctan(z)


def test_each_feature_is_standardised_and_bent(X):
    scaling = fit_scaling(X, np.ones(50), 6, RANGE)
    np.testing.assert_allclose(scaling(X), bent(StandardScaler().fit_transform(X)), atol=1e-13)
    assert scaling.num_outputs == 6


def test_too_many_features_become_whitened_components(X):
    scaling = fit_scaling(X, np.ones(50), 3, RANGE)
    expected = PCA(3).fit_transform(StandardScaler().fit_transform(X))
    expected /= expected.std(axis=0)
    z = np.tan((scaling(X) - 1.0) * np.pi / 4.0)
    np.testing.assert_allclose(np.abs(z), np.abs(expected), rtol=1e-9)
    assert scaling.num_outputs == 3


@pytest.mark.parametrize("most", [6, 3])
@pytest.mark.parametrize("angle_range", [RANGE, None], ids=str)
def test_weight_k_is_k_rows(X, most, angle_range):
    weight = np.random.default_rng(1).integers(1, 4, 50)
    weighted = fit_scaling(X, weight.astype(float), most, angle_range)
    repeated = fit_scaling(np.repeat(X, weight, axis=0), np.ones(weight.sum()), most, angle_range)
    np.testing.assert_allclose(weighted(X), repeated(X), rtol=1e-9)


def test_the_range_is_never_left(X):
    scaling = fit_scaling(X, np.ones(50), 6, RANGE)
    low, high = RANGE
    assert (scaling(1e6 * X) >= low).all()
    assert (scaling(1e6 * X) <= high).all()


def test_constant_columns_are_the_middle_whatever_comes(X):
    X[:, 2], X[:, 4] = 7.3, 0.0
    scaling = fit_scaling(X, np.ones(50), 6, RANGE)
    np.testing.assert_array_equal(scaling(X * 5)[:, [2, 4]], np.full((50, 2), 1.0))


def test_fewer_rows_than_components(X):
    scaled = fit_scaling(X[:3], np.ones(3), 4, RANGE)(X[:3])
    assert scaled.shape == (3, 4)
    np.testing.assert_array_equal(scaled[:, 2:], 1.0)  # three rows span two directions


def test_one_row(X):
    np.testing.assert_array_equal(fit_scaling(X[:1], np.ones(1), 6, RANGE)(X[:1]), np.full((1, 6), 1.0))


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_extreme_numbers(X, size):
    expected = fit_scaling(X, np.ones(50), 6, RANGE)(X)
    np.testing.assert_allclose(fit_scaling(X * size, np.ones(50), 6, RANGE)(X * size), expected, rtol=1e-9)


def test_amplitudes_are_not_centred(X):
    scaling = fit_scaling(X, np.ones(50), 6, None)
    np.testing.assert_allclose(scaling(X), X / np.abs(X).max(axis=0), rtol=1e-12)
    np.testing.assert_array_equal(scaling(np.zeros((1, 6))), np.zeros((1, 6)))


class TestLinear:
    def test_each_feature_is_standardised(self, X):
        scaling = fit_linear_scaling(X, np.ones(50), 6)
        np.testing.assert_allclose(scaling(X), StandardScaler().fit_transform(X), atol=1e-13)

    def test_jointly_features_keep_their_relative_sizes(self, X):
        scaled = fit_linear_scaling(X, np.ones(50), 6, jointly=True)(X)
        np.testing.assert_allclose(scaled, (X - X.mean(axis=0)) / np.sqrt(X.var(axis=0).mean()), atol=1e-13)

    @pytest.mark.parametrize("jointly", [False, True])
    def test_components_keep_theirs(self, X, jointly):
        scaled = fit_linear_scaling(X, np.ones(50), 3, jointly)(X)
        expected = PCA(3).fit_transform(X if jointly else StandardScaler().fit_transform(X))
        expected /= np.sqrt(expected.var(axis=0).mean())
        np.testing.assert_allclose(np.abs(scaled), np.abs(expected), rtol=1e-9, atol=1e-12)

    @pytest.mark.parametrize("most", [6, 3])
    @pytest.mark.parametrize("jointly", [False, True])
    def test_weight_k_is_k_rows(self, X, most, jointly):
        weight = np.random.default_rng(1).integers(1, 4, 50)
        weighted = fit_linear_scaling(X, weight.astype(float), most, jointly)
        repeated = fit_linear_scaling(np.repeat(X, weight, axis=0), np.ones(weight.sum()), most, jointly)
        np.testing.assert_allclose(weighted(X), repeated(X), rtol=1e-9)

    @pytest.mark.parametrize("jointly", [False, True])
    def test_constant_columns_are_zero_whatever_comes(self, X, jointly):
        X[:, 2], X[:, 4] = 7.3, 0.0
        np.testing.assert_array_equal(fit_linear_scaling(X, np.ones(50), 6, jointly)(X * 5)[:, [2, 4]], 0.0)
        np.testing.assert_array_equal(fit_linear_scaling(X[:1], np.ones(1), 3, jointly)(X), 0.0)

    @pytest.mark.parametrize("jointly", [False, True])
    @pytest.mark.parametrize("size", [1e-300, 1e300])
    def test_extreme_numbers(self, X, size, jointly):
        expected = fit_linear_scaling(X, np.ones(50), 6, jointly)(X)
        scaled = fit_linear_scaling(X * size, np.ones(50), 6, jointly)(X * size)
        np.testing.assert_allclose(scaled, expected, rtol=1e-9)
