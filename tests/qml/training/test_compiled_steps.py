"""Steps in a compiled loop against the same run whose steps are taken in Python, bit by bit."""

import copy
import dataclasses
import gc
import os
import pickle
import threading
import weakref
from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from qml.feature_maps import AmplitudeMap
from qml.layers import Arctan, Dense, Dropout, Quantum, ReLU, Sequential, Sigmoid, Tanh, TrainedScales
from qml.losses import LOSSES, SquaredError
from qml.models.layered import layered_model
from qml.models.quantum_model import QuantumModel
from qml.optimizers import SGD, Adam, AdamW, RMSprop
from qml.optimizers.stepwise import CompiledOptimizer
from qml.training import TrainingInterrupted, compiled_steps, descent, prepared_loss, train
from qml.training.compiled_steps import CompiledSteps
from qml.training.layers_objective import LayersObjective
from simulator import NoiseModel, depolarizing, set_num_threads
from simulator.engines.choice import using
from simulator.engines.host import activations
from simulator.engines.numba import loops, threads
from simulator.engines.numba.options import Options
from simulator.engines.numba.sweeps import NumbaEngine

N_SAMPLES, BATCH, EPOCHS, SEED = 44, 16, 3, 9  # two full batches and a smaller one
MODEL = layered_model("angle", "basic", num_features=2, num_layers=2, observables="z+zz")
SINGLE = layered_model("angle", "basic", num_features=2, num_layers=2, precision="single")
PROBABILITIES = QuantumModel(MODEL.circuit, MODEL.inputs, MODEL.weights, outputs="probabilities")
MARGINALS = QuantumModel(
    MODEL.circuit, MODEL.inputs, MODEL.weights, outputs="probabilities", qubits=[1], precision="single"
)


def amplitudes(outputs):
    """A model whose features are amplitudes, which training normalises once."""
    model = layered_model(AmplitudeMap(), "strongly_entangling", num_features=7, num_layers=2, observables="z")
    if outputs == "z":
        return model
    return QuantumModel(model.circuit, model.inputs, model.weights, outputs=outputs, data=model.data, num_features=7)


NETWORK = Sequential(Quantum(MODEL), Dense(3, 1))
OPTIMIZERS = [Adam(), AdamW(), SGD(0.01, nesterov=True), RMSprop()]

forks = pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # of JAX, if another test has imported it


@dataclass(frozen=True)
class Halving(SGD):
    def step(self, state, weights, gradient):
        return state, weights - 0.5 * self.learning_rate * gradient


class Doubled(Tanh):
    def value(self, X):
        return 2.0 * super().value(X)


class Noise(Dropout):
    """Chooses a layer at random that could be compiled."""

    def for_step(self, seed):
        return Tanh(self.size) if np.random.default_rng(seed).random() < 0.5 else ReLU(self.size)


class Doubling(SquaredError):
    def value(self, outputs, y):
        return 2.0 * super().value(outputs, y)


def objective(network=NETWORK, loss=LOSSES["mse"](), y=None):  # noqa: B008  immutable
    rng = np.random.default_rng(3)
    X, shares = rng.normal(size=(N_SAMPLES, network.num_inputs)), rng.uniform(0.5, 1.5, N_SAMPLES)
    return LayersObjective(network, X, X[:, 0] if y is None else y, shares, loss)


def trained_part(network):
    """Objective of a network without the functions that training computes once."""
    problem = objective(network)
    function, trained = network.split_fixed()
    inputs = problem.inputs if function is None else function(problem.inputs)
    return dataclasses.replace(problem, network=trained, inputs=inputs)


def for_loss(name):
    """Two kinds of targets for the losses that take them: numbers and class indices, one output and several."""
    loss = LOSSES[name]()
    classes = np.arange(N_SAMPLES) % 3
    if name in ("cross_entropy", "hinge"):
        return objective(Sequential(Quantum(MODEL), Dense(3, 3)), loss, classes)
    return objective(loss=loss, y=(classes > 0).astype(int) if name == "binary_cross_entropy" else None)


@pytest.fixture
def count(monkeypatch):
    """Numbers of steps taken in Python and in compiled loops."""
    taken = {"python": 0, "compiled": 0}
    step, advance = descent._step, CompiledSteps.advance

    def counted_step(*arguments):
        taken["python"] += 1
        return step(*arguments)

    def counted_advance(self, run):
        for state, rate in advance(self, run):
            taken["compiled"] += state.steps - run.state.steps
            yield state, rate

    monkeypatch.setattr(descent, "_step", counted_step)
    monkeypatch.setattr(CompiledSteps, "advance", counted_advance)
    return taken


def run(problem, optimizer="adam", **settings):
    start = problem.network.initial_weights(np.random.default_rng(1))
    settings = {"epochs": EPOCHS, "batch_size": BATCH, "rng": SEED, "schedule": "cosine"} | settings
    return train(problem, start, optimizer, **settings)


def in_python(problem, optimizer="adam", **settings):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CompiledSteps, "of", lambda *_: None)
        return run(problem, optimizer, **settings)


def assert_same(result, expected):
    assert (result.stop_reason, result.message, result.best_epoch) == (
        expected.stop_reason,
        expected.message,
        expected.best_epoch,
    )
    np.testing.assert_array_equal(result.weights, expected.weights)
    np.testing.assert_array_equal(result.last_weights, expected.last_weights)
    for name, value in expected.optimizer_state.items():
        np.testing.assert_array_equal(result.optimizer_state[name], value)
    records = [[vars(record) | {"seconds": 0.0} for record in each.history] for each in (result, expected)]
    assert records[0] == records[1]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: type(optimizer).__name__)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_with_every_compiled_optimizer(loss, optimizer, count):
    problem = for_loss(loss)
    result = run(problem, optimizer)
    assert count == {"python": 0, "compiled": EPOCHS * 3}
    assert_same(result, in_python(problem, optimizer))


@pytest.mark.parametrize("name", ["binary_cross_entropy", "cross_entropy"])
def test_losses_of_smoothed_labels(name, count):
    problem = for_loss(name)
    problem = objective(problem.network, LOSSES[name](label_smoothing=0.1), problem.targets)
    result = run(problem)
    assert count["python"] == 0
    assert_same(result, in_python(problem))


@pytest.mark.parametrize(
    "network",
    [
        Sequential(Dense(3, 2), Tanh(), Quantum(MODEL), Dense(3, 1, bias=False)),
        Sequential(TrainedScales(1, copies=2), Quantum(SINGLE), Sigmoid(), Dense(2, 1)),
        Sequential(
            Dense(3, 2), ReLU(), Dense(2, 2), Arctan(), Quantum(MODEL), Dense(3, 2), Quantum(MODEL), Dense(3, 1)
        ),
        Sequential(Quantum(PROBABILITIES), Dense(4, 1)),
        Sequential(Dropout(0.3, 3), Dense(3, 2), Dropout(0.5), Quantum(MODEL), Dropout(0.0), Dense(3, 1)),
        Sequential(Dense(3, 2), Sequential(Tanh(), Dropout(0.25)), Quantum(MODEL), Dropout(0.1), Dense(3, 1)),
        Sequential(Dense(3, 2), Quantum(MARGINALS), Dense(2, 1)),
        Sequential(Quantum(amplitudes("z")), Dense(3, 1)),
        Sequential(Quantum(amplitudes("probabilities")), Dense(8, 1)),
    ],
    ids=[
        "dense",
        "scales",
        "two circuits",
        "probabilities",
        "dropout",
        "dropout in a chain",
        "marginals",
        "amplitudes",
        "amplitudes to probabilities",
    ],
)
@pytest.mark.parametrize("batch_size", [BATCH, None])
def test_chains_of_layers(network, batch_size, count):
    result = run(trained_part(network), batch_size=batch_size, epochs=6)
    assert count["python"] == 0
    assert_same(result, in_python(trained_part(network), batch_size=batch_size, epochs=6))


@pytest.mark.parametrize(
    ("network", "loss", "optimizer"),
    [
        (NETWORK, Doubling(), "adam"),
        (NETWORK, SquaredError(), Halving(0.01)),
        (NETWORK, SquaredError(), "natural_gradient"),
        (Sequential(Doubled(2), Quantum(MODEL), Dense(3, 1)), SquaredError(), "adam"),
        (Sequential(Dense(2, 2), Noise(0.5), Quantum(MODEL), Dense(3, 1)), SquaredError(), "adam"),
        (NETWORK.on(noise=NoiseModel(after_2q=depolarizing(0.02))), SquaredError(), "adam"),
    ],
    ids=["loss", "step", "measure", "activation", "random", "noise"],
)
def test_what_needs_python_is_taken_in_python(network, loss, optimizer, count):
    run(objective(network, loss), optimizer, epochs=2)
    assert count == {"python": 6, "compiled": 0}


def test_a_few_steps_are_taken_in_python(count):
    assert_same(run(objective(), epochs=1), in_python(objective(), epochs=1))
    assert count == {"python": 6, "compiled": 0}


class Marked(NumbaEngine):
    """An engine whose calls give other bits than its sweeps, as those may that keep other states."""

    def sweep_calls(self, program, X, weights, values, cotangent, by_weights, *others):
        calls = super().sweep_calls(program, X, weights, values, cotangent, by_weights, *others)
        entries = by_weights, np.full(len(by_weights), 1.0 + 1e-9), by_weights
        return None if calls is None else [*calls, loops.Call(activations.chain, *entries)]


@pytest.mark.parametrize("optimizer", ["adam", "natural_gradient"])
@pytest.mark.parametrize(
    "network",
    [
        NETWORK,
        Sequential(Dropout(0.3, 2), Dense(2, 2), Tanh(), Quantum(MODEL), Dropout(0.25), Dense(3, 1)),
        Sequential(Quantum(amplitudes("z")), Dense(3, 1)),
    ],
    ids=["readout", "dropout", "amplitudes"],
)
def test_steps_in_python_make_the_same_calls(network, optimizer, tmp_path):
    """However few they are, and whether they are the first ones or a run goes on with them."""
    with using(Marked()):
        problem = trained_part(network)
        expected, steps = run(problem, optimizer, epochs=4), in_python(trained_part(network), optimizer, epochs=4)
        assert_same(steps, expected)
        run(problem, optimizer, epochs=3, resume=tmp_path / "run", schedule="constant")
        resumed = run(trained_part(network), optimizer, epochs=4, resume=tmp_path / "run", schedule="constant")
        assert_same(resumed, run(problem, optimizer, epochs=4, schedule="constant"))
    other = run(trained_part(network), optimizer, epochs=4)
    assert np.any(other.last_weights != expected.last_weights)
    np.testing.assert_allclose(other.last_weights, expected.last_weights, atol=1e-5)


def test_steps_in_python_keep_the_calls_of_two_shapes(monkeypatch):
    problem, weights, built = objective(), np.linspace(0.0, 1.0, NETWORK.num_weights), []
    build = prepared_loss.step_calls
    monkeypatch.setattr(prepared_loss, "step_calls", lambda *step: built.append(len(step[2])) or build(*step))
    for _ in range(3):
        for rows in (slice(0, 16), slice(16, 32), slice(32, 44)):
            problem.value_and_gradient(weights, rows)
    assert built == [16, 12]
    problem.value_and_gradient(weights, slice(0, 1))
    problem.value_and_gradient(weights, slice(32, 44))
    problem.value_and_gradient(weights, slice(0, 16))
    assert built == [16, 12, 1, 16]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda problem: pickle.loads(pickle.dumps(problem))])
def test_a_copy_has_calls_of_its_own(duplicate):
    problem, weights = objective(), np.linspace(0.0, 1.0, NETWORK.num_weights)
    expected = problem.value_and_gradient(weights, slice(None))
    other = duplicate(problem)
    del problem
    gc.collect()
    value, gradient = other.value_and_gradient(weights, slice(None))
    assert value == expected[0]
    np.testing.assert_array_equal(gradient, expected[1])


def test_threads_take_steps_of_one_objective():
    problem, results_of = objective(), {}
    weights = np.random.default_rng(2).normal(size=(4, NETWORK.num_weights))
    expected = [problem.value_and_gradient(row, slice(None)) for row in weights]

    def work(number):
        results_of[number] = [problem.value_and_gradient(weights[number], slice(None)) for _ in range(200)]

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=120)
    for number, results in results_of.items():
        for value, gradient in results:
            assert value == expected[number][0]
            np.testing.assert_array_equal(gradient, expected[number][1])
    assert len(results_of) == 4


def test_one_step_a_call_gives_the_same_bits(monkeypatch):
    expected = run(objective())
    ends = []
    repeat = loops.Loop.run
    monkeypatch.setattr(compiled_steps, "SECONDS_OF_A_CALL", 0.0)
    monkeypatch.setattr(loops.Loop, "run", lambda self, end: ends.append(end - self._place[0]) or repeat(self, end))
    assert_same(run(objective()), expected)
    assert ends == [1] * (EPOCHS * 3)


def test_epochs_between_which_nobody_looks_are_one_call(monkeypatch):
    """Besides the first step, which tells how long one takes."""
    ends, repeat = [], loops.Loop.run
    monkeypatch.setattr(compiled_steps, "SECONDS_OF_A_CALL", 3600.0)
    monkeypatch.setattr(loops.Loop, "run", lambda self, end: ends.append(end) or repeat(self, end))
    for settings in ({}, {"patience": EPOCHS, "verbose": True}):
        ends.clear()
        result = run(objective(), batch_size=11, **settings)
        assert ends == [1, 4 * EPOCHS]
        assert_same(result, in_python(objective(), batch_size=11, **settings))


@pytest.mark.parametrize("settings", [{}, {"batch_size": 11}, {"batch_size": None}], ids=["rest", "equal", "one"])
@pytest.mark.parametrize("patience", [None, 3])
def test_a_validation_set_decides(settings, patience):
    problem, held_out = objective(), objective(y=np.linspace(-1.0, 1.0, N_SAMPLES))
    problem = dataclasses.replace(problem, validation=held_out)
    settings = {"epochs": 30, "patience": patience, "schedule": "constant", "optimizer": Adam(0.3)} | settings
    assert_same(run(problem, **settings), in_python(problem, **settings))


def test_a_second_run_has_the_steps_of_the_first(monkeypatch):
    problem, other = objective(), objective()
    expected = [in_python(problem, rng=seed) for seed in (1, 2)]
    built, build = [], CompiledSteps.__init__
    monkeypatch.setattr(CompiledSteps, "__init__", lambda self, *run: built.append(run) or build(self, *run))
    assert_same(run(problem, rng=1), expected[0])
    assert_same(run(problem, rng=2), expected[1])
    assert len(built) == 1
    for number, settings in enumerate([{"batch_size": 15}, {"optimizer": Adam(0.1)}, {"epochs": 5}, {}], 2):
        assert_same(run(problem, **settings), in_python(problem, **settings))
        assert len(built) == number
    assert_same(run(other, rng=1), expected[0])
    assert len(built) == 6


def test_a_run_inside_a_callback_has_steps_of_its_own():
    problem, expected = objective(), in_python(objective())
    run(problem, callback=lambda progress: False)
    inner = []
    assert_same(run(problem, callback=lambda progress: inner.append(run(problem))), expected)
    for result in inner:
        assert_same(result, expected)


def test_steps_go_with_their_objective():
    problem = objective()
    run(problem)
    (kept,) = compiled_steps._latest.steps
    reference = weakref.ref(kept)
    del kept, problem
    assert reference() is None


@pytest.mark.parametrize("at", [1, 2, 5])
def test_an_interrupt_leaves_whole_steps_from_which_the_run_goes_on(at, monkeypatch, tmp_path):
    expected = run(objective())
    calls = []
    repeat = loops.Loop.run

    def interrupted(self, end):
        calls.append(end)
        if len(calls) == at:
            repeat(self, end)
            raise KeyboardInterrupt
        return repeat(self, end)

    monkeypatch.setattr(loops.Loop, "run", interrupted)
    with pytest.raises(TrainingInterrupted):
        run(objective(), resume=tmp_path / "run")
    assert_same(run(objective(), resume=tmp_path / "run"), expected)


@pytest.mark.parametrize("settings", [{"tol": 1e9, "patience": 2}, {"schedule": "plateau"}, {"schedule": "one_cycle"}])
def test_ends_and_schedules(settings):
    assert_same(run(objective(), epochs=9, **settings), in_python(objective(), epochs=9, **settings))


def test_a_callback_sees_every_epoch_and_stops():
    seen = []

    def note(progress):
        seen.append((progress.epoch, progress.loss, progress.weights))
        return progress.epoch == 2

    result = run(objective(), callback=note)
    assert result.stop_reason == "callback"
    expected = in_python(objective(), epochs=EPOCHS, callback=lambda progress: progress.epoch == 2)
    assert [(epoch, loss) for epoch, loss, _ in seen] == [(r.epoch, r.loss) for r in expected.history]
    np.testing.assert_array_equal(seen[-1][2], expected.last_weights)


@pytest.mark.parametrize(
    ("optimizer", "large"),
    [(SGD(1e200), 1.0), (Adam(1e300), 1.0), (SGD(1e-3), 1e200), (SGD(1e-3), np.inf)],
    ids=["step", "angle", "loss explodes", "loss"],
)
@pytest.mark.parametrize("step", [0, 1])
def test_divergence_is_told_in_the_same_step(optimizer, large, step):
    y = np.linspace(-1.0, 1.0, N_SAMPLES)
    y[np.random.default_rng([SEED, 0, 0]).permutation(N_SAMPLES)[step * BATCH]] = large
    results = []
    for trained in (run, in_python):
        try:
            with pytest.warns(ConvergenceWarning):
                results.append(trained(objective(y=y), optimizer))
        except ValueError as error:
            results.append(str(error))
    if isinstance(results[1], str):
        assert results[0] == results[1]
    else:
        assert results[1].stop_reason == "diverged"
        assert_same(*results)


def test_a_target_that_is_not_valid_is_told(count):
    problem = for_loss("binary_cross_entropy")
    problem.targets[np.random.default_rng([SEED, 0, 0]).permutation(N_SAMPLES)[-1]] = 2
    with pytest.raises(ValueError, match=r"y in \[0, 1\], got values from 0 to 2"):
        run(problem)
    assert count == {"python": 1, "compiled": 2}


def test_steps_in_python_between_compiled_ones(count):
    """A gradient that is finite, but whose norm is not, is for Python; the loop goes on from the weights after it."""
    problem = objective(Sequential(TrainedScales(2), Quantum(MODEL), Dense(3, 1)), y=np.linspace(-1.0, 1.0, N_SAMPLES))
    problem.inputs[np.random.default_rng([SEED, 0, 0]).permutation(N_SAMPLES)[BATCH], 0] = 1e170
    result = run(problem)
    assert count == {"python": EPOCHS, "compiled": EPOCHS * 2}
    assert result.history[-1].gradient_norm == np.inf
    assert_same(result, in_python(problem))


@pytest.fixture
def eager(monkeypatch):
    """An engine that shares even the smallest work, and believes in three processors."""
    monkeypatch.setattr(threads, "_available", lambda: 3)
    with using(NumbaEngine(Options(serial_work=0))):
        yield
    set_num_threads(None)


@pytest.mark.parametrize(
    "network", [NETWORK, Sequential(Quantum(MARGINALS), Dense(2, 1))], ids=["expectations", "probabilities"]
)
def test_any_number_of_threads_gives_the_same_bits(network, eager):
    expected = in_python(objective(network))
    for number in (1, 2, 3):
        set_num_threads(number)
        assert_same(run(objective(network)), expected)


def test_two_runs_at_once(eager):
    problems = [for_loss(loss) for loss in ("huber", "cross_entropy")]
    expected = [in_python(problem, epochs=20) for problem in problems]
    results = [None, None]

    def work(k):
        results[k] = run(problems[k], epochs=20)

    workers = [threading.Thread(target=work, args=(k,)) for k in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for result, other in zip(results, expected, strict=True):
        assert_same(result, other)


@forks
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_run_goes_on_in_a_fork(eager):
    set_num_threads(2)
    reading, writing = os.pipe()
    children = []

    def fork(progress):
        if progress.epoch == 2:
            children.append(os.fork())

    result = run(objective(), callback=fork)
    if children[0] == 0:
        os.write(writing, result.last_weights.tobytes())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == result.last_weights.tobytes()
    os.waitpid(children[0], 0)


def test_all_compiled_optimizers_are_compared():
    def descendants(kind):
        return {kind}.union(*map(descendants, kind.__subclasses__()))

    public = {kind for kind in descendants(CompiledOptimizer) if kind.__module__ == "qml.optimizers.gradient_descent"}
    assert public == {type(optimizer) for optimizer in OPTIMIZERS}
