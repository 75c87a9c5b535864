"""A feature map seen from the middle of its range."""

import numpy as np
import pytest

from qml.feature_maps import CenteredMap, PauliMap, get_feature_map
from qml.feature_maps.data_functions import OwnFunction, Products, Shifted


@pytest.mark.parametrize("name", ["z", "zz", "pauli", "iqp", "angle", "chebyshev"])
def test_zero_is_the_middle(name):
    feature_map = get_feature_map(name)
    low, high = feature_map.angle_range
    X = np.random.default_rng(0).uniform(low, high, (5, 3))
    centered = CenteredMap(feature_map)
    expected, got = feature_map.encoding(3), centered.encoding(3)
    assert got.circuit.num_qubits == centered.num_qubits(3) == 3
    np.testing.assert_allclose(got.angles(X - (low + high) / 2), expected.angles(X), atol=1e-14)
    np.testing.assert_allclose(centered.angle_range, np.array([-1, 1]) * (high - low) / 2)


def test_amplitudes_have_no_middle():
    centered = CenteredMap(get_feature_map("amplitude"))
    assert centered.angle_range is None
    assert centered.max_features(3) == 8


@pytest.mark.parametrize("data", [None, Products(((0,), (0, 1))), OwnFunction(np.sin, lambda X, v: np.cos(X) * v)])
def test_derivative_of_a_shifted_function(data):
    rng = np.random.default_rng(1)
    X, cotangent, step = rng.normal(size=(4, 2)), rng.normal(size=(4, 2)), 1e-6
    shifted = Shifted(data, 0.7)
    slopes = [
        np.sum(cotangent * (shifted(X + shift) - shifted(X - shift)), axis=1) / (2 * step) for shift in step * np.eye(2)
    ]
    np.testing.assert_allclose(shifted.pullback(X, cotangent), np.column_stack(slopes), atol=1e-8)


def test_it_is_a_value():
    assert CenteredMap(PauliMap()) == CenteredMap(PauliMap())
