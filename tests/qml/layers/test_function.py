"""A layer with batch axes, as PyTorch and JAX call it: values and derivatives are those of one call after another."""

import copy
import itertools
import pickle

import numpy as np
import pytest

from qml import layered_model
from qml.layers import Dense, Quantum, ReLU, Sequential, Tanh
from qml.layers.function import LayerFunction
from qml.layers.trait import Layer

EXACT = 1e-13
MODEL = layered_model("angle", "strongly_entangling", num_features=2, num_layers=1, observables="z+zz")
NETWORK = Sequential(Dense(2, 2), Tanh(), Quantum(MODEL))
RNG = np.random.default_rng(5)


class Counting:
    """Layer that counts the calls of another."""

    def __init__(self, layer):
        self.layer, self.calls = layer, 0
        self.num_inputs, self.num_outputs, self.num_weights = layer.num_inputs, layer.num_outputs, layer.num_weights

    def forward(self, X, weights):
        self.calls += 1
        return self.layer.forward(X, weights)

    def sweep(self, X, weights, rest, inputs):
        self.calls += 1
        return self.layer.sweep(X, weights, rest, inputs)


@pytest.mark.parametrize("layer", [Quantum(MODEL), NETWORK], ids=["quantum", "network"])
@pytest.mark.parametrize("lengths", list(itertools.product([(1, 1), (4, 1), (1, 3), (4, 3)], repeat=3)))
def test_batch_axes_broadcast(layer, lengths):
    by_X, by_weights, by_cotangent = lengths
    function, rows = LayerFunction(layer), 5
    X = RNG.normal(size=(*by_X, rows, 2))
    weights = RNG.normal(size=(*by_weights, layer.num_weights))
    values = function.values(X, weights)
    batch = np.broadcast_shapes(by_X, by_weights)
    assert values.shape == (*batch, rows, 3)
    all_X, all_weights = np.broadcast_to(X, (*batch, rows, 2)), np.broadcast_to(weights, (*batch, layer.num_weights))
    for index in np.ndindex(batch):
        one = layer.forward(all_X[index].copy(), all_weights[index].copy())
        np.testing.assert_allclose(values[index], one, rtol=0, atol=EXACT)

    cotangent = RNG.normal(size=(*by_cotangent, rows, 3))
    batch = np.broadcast_shapes(batch, by_cotangent)
    expected_weights, expected_X = np.zeros(weights.shape), np.zeros(X.shape)
    for index in np.ndindex(batch):
        at = [
            tuple(k if size > 1 else 0 for k, size in zip(index, lengths, strict=True))
            for lengths in (by_X, by_weights, by_cotangent)
        ]
        seeds = cotangent[at[2]]
        d_weights, d_X = layer.sweep(
            X[at[0]].copy(), weights[at[1]].copy(), lambda _, rows, seeds=seeds: seeds[rows], True
        )
        expected_weights[at[1]] += d_weights
        expected_X[at[0]] += d_X
    d_weights, d_X = function.derivatives(X, weights, cotangent)
    np.testing.assert_allclose(d_weights, expected_weights, rtol=0, atol=100 * EXACT)
    np.testing.assert_allclose(d_X, expected_X, rtol=0, atol=100 * EXACT)
    alone, nothing = function.derivatives(X, weights, cotangent, inputs=False)
    np.testing.assert_allclose(alone, d_weights, rtol=0, atol=100 * EXACT)
    assert nothing is None


def test_samples_take_one_call_and_sets_of_weights_one_each():
    layer = Counting(Quantum(MODEL))
    function = LayerFunction(layer)
    X, weights = RNG.normal(size=(7, 1, 4, 2)), RNG.normal(size=(1, 3, layer.num_weights))
    function.values(X, weights)
    assert layer.calls == 3
    function.derivatives(X, weights[:, :1], np.ones((1, 1, 4, 3)))
    assert layer.calls == 4


def test_no_rows():
    function = LayerFunction(MODEL)
    weights = RNG.normal(size=MODEL.num_weights)
    assert function.values(np.empty((0, 2)), weights).shape == (0, 3)
    d_weights, d_X = function.derivatives(np.empty((0, 2)), weights, np.empty((0, 3)))
    assert not d_weights.any()
    assert d_weights.shape == weights.shape
    assert d_X.shape == (0, 2)


def test_results_share_no_memory_with_the_arguments():
    class Identity(Layer):
        num_inputs = num_outputs = 2

        def forward(self, X, weights):
            return X

        def sweep(self, X, weights, rest, inputs):
            return np.empty(0), rest(X, slice(0, len(X)))

    X, seeds, none = np.ones((3, 2)), np.ones((3, 2)), np.empty(0)
    function = LayerFunction(Identity())
    assert not np.shares_memory(function.values(X, none), X)
    assert not np.shares_memory(function.derivatives(X, none, seeds)[1], seeds)


def test_a_copy_and_a_pickle():
    function = LayerFunction(NETWORK)
    assert copy.deepcopy(function) is function
    X, weights = RNG.normal(size=(3, 2)), RNG.normal(size=NETWORK.num_weights)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(function)).values(X, weights), function.values(X, weights))


@pytest.mark.parametrize("wrong", [None, "angle", Quantum, 3])
def test_only_models_and_layers(wrong):
    with pytest.raises(TypeError, match="expected a QuantumModel, or a layer as in qml.layers, got"):
        LayerFunction(wrong)


@pytest.mark.parametrize("layer", [Dense(2), Dense(None, 2), ReLU()], ids=repr)
def test_open_sizes_are_refused(layer):
    with pytest.raises(ValueError, match="has a size that is not known yet: give it, or use with_sizes"):
        LayerFunction(layer)


def test_numbers_that_are_not_finite_are_refused():
    function = LayerFunction(MODEL)
    X, weights = np.zeros((3, 2)), np.zeros(MODEL.num_weights)
    X[1, 0] = np.nan
    for call in (function.values, lambda X, weights: function.derivatives(X, weights, np.ones((3, 3)))):
        with pytest.raises(ValueError, match=r"X contains NaN or infinity, first at \(1, 0\)"):
            call(X, weights)
        with pytest.raises(ValueError, match=r"weights contains NaN or infinity, first at \(0,\)"):
            call(np.zeros((3, 2)), weights + np.inf)
