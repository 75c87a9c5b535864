"""The estimators' objective: its gradient by central differences, its weights, its validation score."""

import dataclasses

import numpy as np
import pytest

from qml.layers import Dense, Quantum, Sequential
from qml.losses import BinaryCrossEntropy, CrossEntropy, Hinge, SquaredError
from qml.models.layered import layered_model
from qml.training.layers_objective import LayersObjective

RNG = np.random.default_rng(7)
N_SAMPLES = 20


def objective(loss, num_outputs: int, targets: np.ndarray) -> LayersObjective:
    model = layered_model("angle", "basic", num_features=2, num_layers=2, observables="z+zz")
    return LayersObjective(
        Sequential(Quantum(model), Dense(3, num_outputs)),
        inputs=RNG.normal(size=(N_SAMPLES, 2)),
        targets=targets,
        sample_weight=RNG.uniform(0.5, 1.5, N_SAMPLES),
        loss=loss,
    )


@pytest.mark.parametrize("rows", [slice(None), np.array([3, 1, 4, 1, 5])], ids=["all", "some"])
@pytest.mark.parametrize(
    ("loss", "num_outputs", "targets"),
    [
        (BinaryCrossEntropy(), 1, RNG.integers(0, 2, N_SAMPLES)),
        (CrossEntropy(), 3, RNG.integers(0, 3, N_SAMPLES)),
        (Hinge(), 3, RNG.integers(0, 3, N_SAMPLES)),
        (SquaredError(), 2, RNG.normal(size=(N_SAMPLES, 2))),
    ],
    ids=lambda value: type(value).__name__,
)
def test_gradient_is_the_derivative_of_the_value(loss, num_outputs, targets, rows):
    problem = objective(loss, num_outputs, targets)
    weights = RNG.normal(size=problem.network.num_weights)
    value, gradient = problem.value_and_gradient(weights, rows)
    assert value == pytest.approx(problem.value(weights, rows), rel=1e-12)
    steps = 1e-6 * np.eye(len(weights))
    numeric = [(problem.value(weights + s, rows) - problem.value(weights - s, rows)) / 2e-6 for s in steps]
    np.testing.assert_allclose(gradient, numeric, atol=1e-7)


def test_value_is_the_weighted_mean():
    problem = objective(SquaredError(), 1, RNG.normal(size=N_SAMPLES))
    weights = RNG.normal(size=problem.network.num_weights)
    rows = np.array([2, 9])
    model = problem.network[0].model
    circuit_weights, factors, bias = np.split(weights, [model.num_weights, -1])
    outputs = model.forward(problem.inputs[rows], circuit_weights) @ factors[:, None] + bias
    squares = (outputs[:, 0] - problem.targets[rows]) ** 2
    assert problem.value(weights, rows) == pytest.approx(np.mean(problem.sample_weight[rows] * squares), rel=1e-12)


def test_validation_score_is_minus_the_loss_aside():
    problem = objective(SquaredError(), 1, RNG.normal(size=N_SAMPLES))
    weights = RNG.normal(size=problem.network.num_weights)
    assert problem.validation_score(weights) is None
    both = dataclasses.replace(problem, validation=problem)
    assert both.validation_score(weights) == -problem.value(weights, slice(None))


def test_fingerprint_tells_runs_apart():
    problem = objective(SquaredError(), 1, RNG.normal(size=N_SAMPLES))
    start = np.zeros(problem.network.num_weights)
    same = dataclasses.replace(problem, inputs=problem.inputs.copy())
    assert same.fingerprint(start) == problem.fingerprint(start)
    others = [
        dataclasses.replace(problem, inputs=problem.inputs + 1e-9),
        dataclasses.replace(problem, targets=problem.targets[::-1]),
        dataclasses.replace(problem, sample_weight=np.ones(N_SAMPLES)),
        dataclasses.replace(problem, loss=Hinge()),
    ]
    found = {other.fingerprint(start) for other in others} | {
        problem.fingerprint(start),
        problem.fingerprint(start + 1),
    }
    assert len(found) == 6
