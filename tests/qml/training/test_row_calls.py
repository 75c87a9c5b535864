"""What surrounds a circuit in a training step, made on a few rows at a time, against the same calls on all rows."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from qml.compiled_losses import loss_calls
from qml.layers import Arctan, Dense, Dropout, Quantum, ReLU, Sequential, Sigmoid, Tanh, TrainedScales
from qml.layers.trait import LayerCalls, calls_of, layer_for_steps
from qml.losses import LOSSES
from qml.models.layered import layered_model
from qml.seeds import StepSeed, seed_words
from simulator.engines.host import loops
from tests.simulator.row_calls import on_rows

N, CLASSES = 29, 3
NETWORKS = {
    "dense": Sequential(Dense(4, 5), Tanh(), Dense(5, CLASSES, bias=False)),
    "scales": Sequential(TrainedScales(4, copies=2), Sigmoid(), Dense(8, CLASSES), Arctan()),
    "dropout": Sequential(Dropout(0.4, 4), Dense(4, 6), ReLU(), Dropout(0.2), Dense(6, CLASSES), Dropout(0.0)),
}


def targets(name):
    indices = np.arange(N) % CLASSES
    if name in ("cross_entropy", "hinge"):
        return indices
    return (indices[:, None] == np.arange(CLASSES)).astype(float)


class Step:
    """The calls of a network and a loss, and the arrays of their results."""

    def __init__(self, network, name):
        rng = np.random.default_rng(4)
        seed, self.d_X = StepSeed(seed_words(7, 2, 0), np.zeros(1, np.int64)), np.empty((N, network.num_inputs))
        self.gradient, self.total, self.outputs = np.zeros(network.num_weights), np.zeros(1), np.empty(0)
        X, weights, shares = rng.normal(size=self.d_X.shape), rng.normal(size=network.num_weights), rng.uniform(size=N)
        kernel, settings, y = LOSSES[name]().kernel((N, network.num_outputs), targets(name))

        def rest(outputs, slopes):
            self.outputs = outputs
            between, after = loss_calls((kernel, settings, y), outputs, slopes, shares, np.empty(N), self.total)
            return LayerCalls([], between, after)

        self.calls = calls_of(layer_for_steps(network, seed), X, self.d_X, weights, self.gradient, rest)

    def results(self):
        return self.outputs, self.d_X, self.gradient, self.total


def run(calls):
    loops.Loop(calls, np.zeros(1, np.int64)).run(1)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_a_few_rows_at_a_time_give_the_bits_of_all(network, loss):
    whole, pieces = Step(network, loss), Step(network, loss)
    run(whole.calls.in_order())
    run(pieces.calls.before)
    assert all(call.has_rows for call in pieces.calls.between)
    calls = loops.RowCalls(pieces.calls.between)
    with ThreadPoolExecutor(2) as pool:
        ends = pool.map(
            lambda rows: on_rows(calls.table, *rows, 4, np.empty(calls.words, np.int64)), [(16, N), (0, 16)]
        )
        assert list(ends) == [N, 16]
    run(pieces.calls.after)
    assert np.any(whole.gradient)
    for result, expected in zip(pieces.results(), whole.results(), strict=True):
        np.testing.assert_array_equal(result, expected)


def test_an_inner_circuit_is_not_made_on_rows():
    """Its calls take all samples, so a circuit before it sweeps all of them forward first."""
    model = layered_model("angle", "basic", num_features=2, num_layers=1, observables="z")
    calls = Step(Sequential(Dense(4, 2), Quantum(model), Dense(2, 3)), "cross_entropy").calls
    assert [call.has_rows for call in (calls.between[0], calls.between[-1])] == [True, True]
    assert not all(call.has_rows for call in calls.between)
