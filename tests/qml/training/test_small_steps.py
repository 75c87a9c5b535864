"""The prepared steps of a run against loops written out here: plain numpy, and the public functions one by one."""

import gc
import math
import weakref
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.special import expit

from qml.layers import Dense, Dropout, Layer, Quantum, Sequential, Tanh
from qml.losses import BinaryCrossEntropy, SquaredError
from qml.models.layered import layered_model
from qml.models.quantum_model import QuantumModel
from qml.optimizers import SGD, Adam, RMSprop
from qml.training import layers_objective, train
from qml.training.layers_objective import LayersObjective
from qml.training.prepared_loss import PreparedLoss

N_SAMPLES, BATCH, EPOCHS, SEED = 50, 16, 3, 9
MODEL = layered_model("angle", "basic", num_features=2, num_layers=2, observables="z+zz")
PROBABILITIES = QuantumModel(MODEL.circuit, MODEL.inputs, MODEL.weights, outputs="probabilities")
ROUNDING = 1e-12  # of weights, after all steps


class Cubes(Layer):
    """A layer of somebody else, with no more than the interface asks for."""

    num_inputs = num_outputs = 2

    def forward(self, X, weights):
        return X**3

    def sweep(self, X, weights, rest, inputs):
        return np.zeros(0), rest(X**3, slice(0, len(X))) * 3 * X**2


class Quartic:
    """A loss of somebody else."""

    def value(self, outputs, y):
        return (outputs[:, 0] - y) ** 4

    def gradient(self, outputs, y):
        return 4 * (outputs - y[:, None]) ** 3


@dataclass(frozen=True)
class Halving(SGD):
    """An optimizer of somebody else."""

    def step(self, state, weights, gradient):
        return state, weights - 0.5 * self.learning_rate * gradient


NETWORKS = {
    "one circuit": Sequential(Quantum(MODEL), Dense(3, 1)),
    "dressed": Sequential(Dense(3, 2), Tanh(), Quantum(MODEL), Dense(3, 1)),
    "two circuits": Sequential(Quantum(MODEL), Dense(3, 2), Quantum(MODEL), Dense(3, 1)),
    "own layer": Sequential(Dense(3, 2), Cubes(), Quantum(MODEL), Dense(3, 1)),
    "probabilities": Sequential(Quantum(PROBABILITIES), Dense(4, 1)),
}


def objective(network, loss):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(N_SAMPLES, network.num_inputs))
    y = (X[:, 0] > 0).astype(int) if isinstance(loss, BinaryCrossEntropy) else X[:, 0]
    return LayersObjective(network, X, y, rng.uniform(0.5, 1.5, N_SAMPLES), loss)


def batches():
    for epoch in range(EPOCHS):
        order = np.random.default_rng([SEED, 0, epoch]).permutation(N_SAMPLES)
        yield from (order[start : start + BATCH] for start in range(0, N_SAMPLES, BATCH))


def rate(step):
    return 0.5 * (1.0 + math.cos(math.pi * step / (EPOCHS * math.ceil(N_SAMPLES / BATCH))))


def trained(problem, start, optimizer="adam"):
    settings = {"epochs": EPOCHS, "batch_size": BATCH, "rng": SEED, "schedule": "cosine"}
    return train(problem, start, optimizer, **settings).last_weights


def by_public_functions(problem, weights, optimizer):
    """Each step from the functions that anybody can call, which know nothing of a run."""
    state = optimizer.init(weights)
    for step, rows in enumerate(batches()):
        targets, shares = problem.targets[rows], problem.sample_weight[rows] / len(rows)

        def rest(outputs, chunk, targets=targets, shares=shares):
            return problem.loss.gradient(outputs, targets[chunk]) * shares[chunk, None]

        gradient, _ = problem.network.sweep(problem.inputs[rows], weights, rest, inputs=False)
        state, after = optimizer.step(state, weights, gradient)
        weights = after if rate(step) == 1.0 else weights + rate(step) * (after - weights)
    return weights


@pytest.mark.parametrize(
    "optimizer", [Adam(), SGD(0.01), RMSprop(), Halving(0.01)], ids=lambda value: type(value).__name__
)
@pytest.mark.parametrize("loss", [BinaryCrossEntropy(), SquaredError(), Quartic()], ids=lambda v: type(v).__name__)
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_a_run_equals_its_steps_one_by_one(network, loss, optimizer):
    """To the bit where there are no calls, which may keep other states of the circuit than its sweeps."""
    problem = objective(network, loss)
    start = network.initial_weights(np.random.default_rng(1))
    weights, expected = trained(problem, start, optimizer), by_public_functions(problem, start, optimizer)
    np.testing.assert_allclose(weights, expected, rtol=0, atol=ROUNDING)
    if isinstance(loss, Quartic) or network is NETWORKS["own layer"]:
        np.testing.assert_array_equal(weights, expected)


def test_a_run_equals_a_loop_in_numpy():
    """Readout, loss and Adam written out; only the circuit's expectations and their derivatives are the model's."""
    problem = objective(NETWORKS["one circuit"], BinaryCrossEntropy())
    start = np.random.default_rng(1).normal(size=problem.network.num_weights)
    weights, mean, square = start, 0.0, 0.0
    split = MODEL.num_weights
    for step, rows in enumerate(batches()):
        X, y, shares = problem.inputs[rows], problem.targets[rows], problem.sample_weight[rows] / len(rows)
        values = MODEL.forward(X, weights[:split])
        slopes = (expit(values @ weights[split:-1] + weights[-1]) - y) * shares
        by_circuit, _ = MODEL.backward(X, weights[:split], slopes[:, None] * weights[split:-1])
        gradient = np.concatenate([by_circuit, slopes @ values, [slopes.sum()]])
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        corrected = mean / (1 - 0.9 ** (step + 1)), square / (1 - 0.999 ** (step + 1))
        weights = weights - rate(step) * 0.05 * corrected[0] / (np.sqrt(corrected[1]) + 1e-8)
    np.testing.assert_allclose(trained(problem, start, Adam()), weights, rtol=0, atol=ROUNDING)


def test_rows_gathered_batch_by_batch_give_the_same_bits(monkeypatch):
    problem = objective(NETWORKS["dressed"], BinaryCrossEntropy())
    start = problem.network.initial_weights(np.random.default_rng(1))
    expected = trained(problem, start)
    monkeypatch.setattr(layers_objective, "MAX_BYTES", 0)
    assert problem.in_order(np.arange(N_SAMPLES)) is None
    np.testing.assert_array_equal(trained(problem, start), expected)


def test_a_random_layer_is_drawn_anew_in_each_step():
    problem = objective(Sequential(Dense(3, 2), Dropout(0.5), Quantum(MODEL), Dense(3, 1)), BinaryCrossEntropy())
    start = problem.network.initial_weights(np.random.default_rng(1))
    drawn = [problem.for_step([SEED, 2, step]).value_and_gradient(start, slice(0, 8))[1] for step in (0, 1, 0)]
    assert (drawn[0] != drawn[1]).any()
    np.testing.assert_array_equal(drawn[0], drawn[2])


def test_gradients_of_earlier_steps_stay_as_they_were():
    problem = objective(NETWORKS["dressed"], SquaredError())
    start = problem.network.initial_weights(np.random.default_rng(1))
    _, first = problem.value_and_gradient(start, slice(0, 8))
    kept = first.copy()
    problem.value_and_gradient(start + 1.0, slice(8, 16))
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("loss", [SquaredError(), Quartic()], ids=["calls", "sweeps"])
def test_buffers_go_with_the_run(loss):
    """No cycle keeps them until the collector comes by: a search makes many runs, with megabytes each."""
    problem = objective(NETWORKS["dressed"], loss)
    prepared = PreparedLoss(problem.network, problem.loss)
    shares = problem.sample_weight / N_SAMPLES
    prepared.value_and_gradient(problem.inputs, problem.targets, shares, np.zeros(problem.network.num_weights))
    (step,) = [prepared._sweeps._sweep] if isinstance(loss, Quartic) else prepared._steps.values()
    reference = weakref.ref(step)
    del step
    gc.disable()
    try:
        del prepared
        assert reference() is None
    finally:
        gc.enable()
