"""The quantum layer on the engine, with noise, and on backends: values, derivatives, plans."""

import numpy as np
import pytest
from qiskit.primitives import StatevectorEstimator

from qml import layered_model
from qml.ansatze import INITIAL_SPREAD
from qml.layers import Dense, Quantum, Sequential, Tanh, TrainedScales
from qml.models.evaluation import BackendEvaluation, EngineEvaluation, NoisyEvaluation
from simulator import NoiseModel, depolarizing
from simulator.backends.numba_backend import NumbaBackend
from simulator.parameters import Expression
from simulator.qiskit_backend import QiskitBackend
from tests.qml.layers.differences import TOLERANCE, gradient

EXACT = 1e-12
NOISE = NoiseModel(after_2q=depolarizing(0.05), readout=0.02)
MODEL = layered_model("zz", "basic", num_features=2, num_layers=2)  # inputs are functions of the features
RNG = np.random.default_rng(9)
X, SEEDS = RNG.normal(size=(4, 2)), RNG.normal(size=(4, 2))
WEIGHTS = RNG.normal(size=MODEL.num_weights)


def sweep(layer, inputs=True, weights=WEIGHTS):
    return layer.sweep(X, weights, lambda Y, rows: SEEDS[rows], inputs)


EVALUATIONS = {
    "engine": EngineEvaluation(MODEL),
    "noise": NoisyEvaluation(MODEL, NOISE),
    "backend": BackendEvaluation(MODEL, NumbaBackend()),
    "noisy backend": BackendEvaluation(MODEL, NumbaBackend(noise=NOISE)),
    "qiskit": BackendEvaluation(MODEL, QiskitBackend(StatevectorEstimator())),
}


def test_the_precision_of_a_numba_backend_is_that_of_the_layer():
    layer, weights = Quantum(MODEL), WEIGHTS
    exact, single = layer.forward(X, weights), layer.on(NumbaBackend(precision="single"))
    assert (layer.model.precision, single.model.precision) == ("double", "single")
    assert np.array_equal(single.forward(X, weights), single.forward(X, weights).astype(np.float32))
    np.testing.assert_allclose(single.forward(X, weights), exact, rtol=0, atol=1e-5)
    np.testing.assert_allclose(sweep(single)[0], sweep(layer)[0], rtol=0, atol=1e-4)
    assert single.on(NumbaBackend()).model.precision == "single"  # the default says nothing
    assert layer.on(NumbaBackend(precision="single")).model is single.model  # lowered once
    noisy = layer.on(NumbaBackend(noise=NOISE, precision="single", seed=4))
    assert noisy.evaluation == NoisyEvaluation(MODEL, NOISE, seed=4)
    assert noisy.model is MODEL


@pytest.mark.parametrize("name", EVALUATIONS)
def test_derivatives_are_those_of_the_values(name):
    layer = Quantum(MODEL, EVALUATIONS[name])
    d_weights, d_X = sweep(layer)
    by_weights = gradient(lambda w: np.sum(SEEDS * layer.forward(X, w)), WEIGHTS)
    np.testing.assert_allclose(d_weights, by_weights, rtol=0, atol=TOLERANCE)
    by_inputs = gradient(lambda rows: np.sum(SEEDS * layer.forward(rows, WEIGHTS)), X)
    np.testing.assert_allclose(d_X, by_inputs, rtol=0, atol=TOLERANCE)
    alone, nothing = sweep(layer, inputs=False)
    np.testing.assert_allclose(alone, d_weights, rtol=0, atol=EXACT)
    assert nothing is None


@pytest.mark.parametrize(("one", "other"), [("engine", "backend"), ("engine", "qiskit"), ("noise", "noisy backend")])
def test_evaluations_of_the_same_thing_agree(one, other):
    layers = [Quantum(MODEL, EVALUATIONS[name]) for name in (one, other)]
    values = [layer.forward(X, WEIGHTS) for layer in layers]
    np.testing.assert_allclose(values[0], values[1], rtol=0, atol=1e-9)  # Qiskit's estimator rounds
    for first, second in zip(*map(sweep, layers), strict=True):
        np.testing.assert_allclose(first, second, rtol=0, atol=1e-9)


def test_noise_shrinks_expectations():
    clean, noisy = (Quantum(MODEL, EVALUATIONS[name]).forward(X, WEIGHTS) for name in ("engine", "noise"))
    assert np.abs(noisy).sum() < 0.95 * np.abs(clean).sum()


def test_on_goes_where_it_is_told():
    layer = Quantum(MODEL)
    assert isinstance(layer.evaluation, EngineEvaluation)
    assert layer.on() is layer
    assert layer.on(noise=NOISE).evaluation == NoisyEvaluation(MODEL, NOISE, seed=0)
    assert isinstance(layer.on("numba", NOISE).evaluation, EngineEvaluation)
    assert layer.on(NumbaBackend(noise=NOISE, seed=4)).evaluation == NoisyEvaluation(MODEL, NOISE, seed=4)
    backend = QiskitBackend(StatevectorEstimator())
    assert layer.on(backend, resume="jobs").evaluation == BackendEvaluation(MODEL, backend, "jobs")
    with pytest.raises(TypeError, match="backend expects a Backend"):
        layer.on("ibm_nowhere")
    assert layer == layer.on(noise=NOISE)  # where it runs is not what it is


def test_on_reaches_every_circuit_of_a_network():
    inner = Sequential(Dense(2, 2), Quantum(MODEL))
    network = Sequential(Quantum(MODEL), Tanh(), inner).on(noise=NOISE)
    assert isinstance(network[0].evaluation, NoisyEvaluation)
    assert isinstance(network[2][1].evaluation, NoisyEvaluation)
    assert Sequential(inner).on() == Sequential(inner)


def test_first_weights():
    drawn = Quantum(layered_model("angle", "strongly_entangling", 4, 40)).initial_weights(np.random.default_rng(1))
    assert drawn.shape == (480,)
    assert drawn.std() == pytest.approx(INITIAL_SPREAD, rel=0.1)
    told = Quantum(MODEL, draw_weights=lambda rng: rng.uniform(5, 6, MODEL.num_weights))
    assert ((told.initial_weights(np.random.default_rng(1)) - 5.5) ** 2).max() < 0.25


class TestPlans:
    network = Sequential(TrainedScales(2), Quantum(MODEL), Dense(2, 2), Quantum(MODEL))
    weights = RNG.normal(size=network.num_weights)

    backend = QiskitBackend(StatevectorEstimator())

    def test_prediction_takes_every_row_in_every_circuit(self):
        assert Quantum(MODEL).plan(self.backend, X, WEIGHTS).parameter_sets == 4
        plan = self.network.plan(self.backend, X, self.weights)
        assert (plan.parameter_sets, plan.circuits, plan.qubits) == (8, 2, 2)
        assert len(plan.notes) == len(set(plan.notes))

    def test_training_takes_the_shifts_of_weights_and_of_inputs_that_depend_on_weights(self):
        """Parameter shift takes two angles more for each rotation by a parameter; inputs are in several rotations."""
        rotations = sum(isinstance(angle, Expression) for operation in MODEL.circuit for angle in operation.angles)
        first = Sequential(Quantum(MODEL)).plan(self.backend, X, WEIGHTS, gradient=True)
        assert first.parameter_sets == 4 * (1 + 2 * MODEL.num_weights)
        both = self.network.plan(self.backend, X, self.weights, gradient=True)
        assert both.parameter_sets == 2 * 4 * (1 + 2 * rotations)
        assert rotations > MODEL.num_weights

    def test_no_circuit_no_plan(self):
        assert Sequential(Dense(2, 2), Tanh()).plan(NumbaBackend(), X, np.zeros(6)) is None
