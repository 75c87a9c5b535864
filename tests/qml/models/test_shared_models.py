"""Models of equal settings that fits share."""

from dataclasses import dataclass

import numpy as np

from qml import DressedClassifier, VariationalClassifier
from qml.ansatze import get_ansatz
from qml.feature_maps import FeatureMap, get_feature_map
from qml.models.layered import layered_model, shared_model


class Changing(FeatureMap):
    """A feature map whose settings may be changed, so that an equal one may become another."""

    def encoding(self, num_features, num_qubits=None):
        return get_feature_map("angle").encoding(num_features, num_qubits)


@dataclass(frozen=True, eq=True)
class Listed(Changing):
    """A feature map that is a value, but cannot be a key."""

    settings: list


def model(feature_map="angle", ansatz="basic", features=2, layers=1, observables="z", precision="double"):
    parts = get_feature_map(feature_map), get_ansatz(ansatz)
    return shared_model(*parts, features, layers, None, observables, precision)


def test_equal_settings_share_a_model():
    assert model() is model()
    for settings in (
        {"feature_map": "zz"},
        {"ansatz": "strongly_entangling"},
        {"features": 3},
        {"layers": 2},
        {"observables": "z+zz"},
        {"precision": "single"},
    ):
        assert model(**settings) is model(**settings)
        assert model(**settings) is not model()


def test_a_shared_model_is_that_of_its_settings():
    X, weights = np.random.default_rng(0).normal(size=(5, 2)), np.arange(2.0)
    expected = layered_model("angle", "basic", num_features=2, num_layers=1).forward(X, weights)
    np.testing.assert_array_equal(model().forward(X, weights), expected)


def test_what_may_change_or_cannot_be_compared_is_built_anew():
    for feature_map in (Changing(), Listed([1])):
        assert model(feature_map) is not model(feature_map)
    assert model(observables=["ZI", "IZ"]) is not model(observables=["ZI", "IZ"])


def test_fits_share_a_model():
    X, y = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % 2
    for kind in (VariationalClassifier, DressedClassifier):
        first, second = (kind(epochs=1, random_state=seed).fit(X, y) for seed in (0, 1))
        models = [[layer.model for layer in fitted.network_ if hasattr(layer, "model")] for fitted in (first, second)]
        assert models[0][0] is models[1][0]
