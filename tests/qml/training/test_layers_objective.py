"""The estimators' objective: its gradient by central differences, its weights, its validation score."""

import dataclasses

import numpy as np
import pytest

from qml.layers import Dense, Quantum, Sequential
from qml.losses import BinaryCrossEntropy, CrossEntropy, Hinge, SquaredError
from qml.models.layered import layered_model
from qml.models.quantum_model import QuantumModel
from qml.training import layers_objective, train
from qml.training.layers_objective import LayersObjective
from simulator import Circuit, NoiseModel, ParameterVector, Z
from simulator.backends.shot_backend import ShotBackend

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


@pytest.mark.parametrize("columns", [1, 3])
def test_inputs_of_another_width_are_refused(columns):
    """Also where kernels would read the rows, which do not know how wide these should be."""
    problem = objective(SquaredError(), 1, RNG.normal(size=N_SAMPLES))
    problem = dataclasses.replace(problem, inputs=RNG.normal(size=(N_SAMPLES, columns)))
    with pytest.raises(ValueError, match="2"):
        problem.value_and_gradient(np.zeros(problem.network.num_weights), slice(None))


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


def encoded_objective(reps: int, outputs: str = "expectations") -> LayersObjective:
    """A deep encoding without weights, whose states training keeps."""
    x, w = ParameterVector("x", 3), ParameterVector("w", 3)
    circuit = Circuit(3)
    for _ in range(reps):
        for q in range(3):
            circuit = circuit.h(q).rz(x[q], q)
        circuit = circuit.rzz(x[0], 0, 1).rzz(x[1], 1, 2)
    circuit = circuit.rz(w[0], 0).ry(w[1], 1).cx(0, 2).rx(w[2], 2)
    observables = [Z(0), Z(2)] if outputs == "expectations" else ()
    model = QuantumModel(circuit, x, w, observables, outputs=outputs, qubits=None if observables else [0, 2])
    return LayersObjective(
        Sequential(Quantum(model), Dense(model.num_outputs, 1)),
        inputs=RNG.normal(size=(N_SAMPLES, 3)),
        targets=RNG.integers(0, 2, N_SAMPLES),
        sample_weight=RNG.uniform(0.5, 1.5, N_SAMPLES),
        loss=BinaryCrossEntropy(),
    )


@pytest.mark.parametrize("outputs", ["expectations", "probabilities"])
def test_steps_from_stored_states_are_the_derivative_of_the_value(outputs):
    problem = encoded_objective(4, outputs)
    assert problem.network.split_encoding() is not None
    weights = RNG.normal(size=problem.network.num_weights)
    order = RNG.permutation(N_SAMPLES)
    shuffled = problem.in_order(order).in_order(order)
    moved = dataclasses.replace(problem, inputs=problem.inputs[order[order]])
    for rows in (slice(None), slice(4, 9), np.array([3, 1, 4])):
        value, gradient = problem.value_and_gradient(weights, rows)
        assert value == pytest.approx(problem.value(weights, rows), rel=1e-12)
        steps = 1e-6 * np.eye(len(weights))
        numeric = [(problem.value(weights + s, rows) - problem.value(weights - s, rows)) / 2e-6 for s in steps]
        np.testing.assert_allclose(gradient, numeric, atol=1e-7)
        same = shuffled.value_and_gradient(weights, rows)
        assert same[0] == pytest.approx(problem.value(weights, order[order][rows]), rel=1e-12)
        other = moved.value_and_gradient(weights, rows)
        assert other[0] == pytest.approx(moved.value(weights, rows), rel=1e-12)


def test_an_encoding_is_computed_once_in_training(monkeypatch):
    problem, calls = encoded_objective(4), []
    split = problem.network.split_encoding()
    encode = lambda inputs: calls.append(len(inputs)) or split[0](inputs)  # noqa: E731
    monkeypatch.setattr(Sequential, "split_encoding", lambda self: (encode, split[1]))
    settings = {"epochs": 3, "batch_size": 8, "rng": 0}
    start = problem.network.initial_weights(np.random.default_rng(0))
    stored = train(problem, start, **settings)
    assert calls == [N_SAMPLES]
    monkeypatch.setattr(Sequential, "split_encoding", lambda self: None)
    plain = train(dataclasses.replace(problem, network=Sequential(*problem.network)), start, **settings)
    np.testing.assert_allclose(stored.last_weights, plain.last_weights, atol=1e-12)


def test_states_that_take_too_much_memory_are_not_stored(monkeypatch):
    monkeypatch.setattr(layers_objective, "MAX_BYTES", 8 * N_SAMPLES * 16 - 1)
    problem = encoded_objective(4)
    assert problem._shared.encoding is None
    monkeypatch.setattr(layers_objective, "MAX_BYTES", 8 * N_SAMPLES * 16)
    assert encoded_objective(4)._shared.encoding is not None
    assert encoded_objective(1)._shared.encoding is None


@pytest.mark.parametrize(
    "settings", [{"noise": NoiseModel()}, {"backend": ShotBackend(seed=0)}], ids=["noise", "backend"]
)
def test_states_are_the_exact_engines_alone(settings):
    assert encoded_objective(4).network.on(**settings).split_encoding() is None


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
