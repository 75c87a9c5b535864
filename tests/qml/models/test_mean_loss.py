"""Losses and outputs that are computed again and again: one compiled call, with the bits of the first one in Python."""

import gc
import os
import threading
import weakref

import numpy as np
import pytest

from qml.losses import LOSSES, SquaredError
from qml.models.layered import layered_model
from qml.models.quantum_model import QuantumModel
from simulator import Circuit, Parameter, ParameterError, Z
from simulator.calculations import repeated
from simulator.engines.choice import using
from simulator.engines.numba import loops
from simulator.engines.numba.options import Options
from simulator.engines.numba.sweeps import NumbaEngine

ROWS = 20
MODELS = {
    (outputs, precision): layered_model(
        "angle", "basic", num_features=3, num_layers=2, observables=observables, precision=precision
    )
    for outputs, observables in (("one output", [Z(0)]), ("several outputs", "z"))
    for precision in ("double", "single")
}
MODEL = MODELS["one output", "double"]
SHARED = Options(serial_work=0)  # even the smallest work


class Doubling(SquaredError):
    def value(self, outputs, y):
        return 2.0 * super().value(outputs, y)


class InPython(NumbaEngine):
    """An engine without calls."""

    def sweep_calls(self, *_):
        return None

    def expectation_calls(self, *_):
        return None


class InCalls(NumbaEngine):
    """An engine that counts what it does in Python."""

    def __init__(self):
        super().__init__(SHARED)
        self.in_python = 0

    def sweep(self, *arguments):
        self.in_python += 1
        return super().sweep(*arguments)

    def expectations(self, *arguments):
        self.in_python += 1
        return super().expectations(*arguments)


def data(model, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(ROWS, model.num_features)), rng.normal(size=model.num_weights)


def in_python(method, *arguments):
    with using(InPython(SHARED)):
        return method(*arguments)


def assert_close(results, expected):
    """Up to the rounding of other orders of the same operations."""
    assert results[0] == pytest.approx(expected[0], rel=1e-13)
    np.testing.assert_allclose(results[1], expected[1], rtol=1e-12, atol=1e-14)


def assert_same(results, expected):
    assert results[0] == expected[0]
    np.testing.assert_array_equal(results[1], expected[1])


@pytest.mark.parametrize("key", MODELS, ids=", ".join)
@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_agrees_with_python_and_has_the_same_bits_each_time(name, key):
    model = MODELS[key]
    if name == "cross_entropy" and model.num_outputs == 1:
        pytest.skip("it takes several outputs")
    classes = np.arange(ROWS) % 2
    targets = [classes, 2 * classes - 1] if model.num_outputs == 1 else [np.arange(ROWS) % 3]
    if name in ("mse", "mae", "huber", "binary_cross_entropy"):
        targets = [np.random.default_rng(5).uniform(size=(ROWS, model.num_outputs)), np.eye(ROWS, model.num_outputs)]
    if name == "hinge" and model.num_outputs == 1:
        targets = targets[1:]
    if name == "binary_cross_entropy" and model.num_outputs == 1:
        targets = [targets[0], classes]
    engine = InCalls()
    for y in targets:
        for call in range(4):
            X, weights = data(model, call)
            with using(engine):
                results = model.loss_and_gradient(X, y, weights, name)
            assert_close(results, in_python(model.loss_and_gradient, X, y, weights, name))
            with using(InCalls()):
                assert_same(results, model.loss_and_gradient(X, y, weights, name))
    assert not engine.in_python


@pytest.mark.parametrize("key", MODELS, ids=", ".join)
def test_outputs_have_the_bits_of_python(key):
    model, engine = MODELS[key], InCalls()
    for call in range(4):
        X, weights = data(model, call)
        with using(engine):
            outputs = model.forward(X, weights)
        np.testing.assert_array_equal(outputs, in_python(model.forward, X, weights))
    assert engine.in_python == 1


def test_results_of_earlier_calls_stay_as_they_were():
    results, copies = [], []
    for call in range(4):
        X, weights = data(MODEL, call)
        results += [MODEL.loss_and_gradient(X, X[:, 0], weights)[1], MODEL.forward(X, weights)]
        copies += [array.copy() for array in results[-2:]]
    for array, copy in zip(results, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_wrong_numbers_are_reported_as_ever_also_by_calls():
    X, weights = data(MODEL)
    labels = np.arange(ROWS) % 2
    for _ in range(3):
        MODEL.loss_and_gradient(X, labels, weights, "binary_cross_entropy")
        MODEL.forward(X, weights)
    with pytest.raises(ValueError, match=r"takes y in \[0, 1\], got values from 0 to 5"):
        MODEL.loss_and_gradient(X, 5 * labels, weights, "binary_cross_entropy")
    with pytest.raises(ValueError, match="X contains NaN or infinity, first at"):
        MODEL.loss_and_gradient(np.full_like(X, np.nan), labels, weights, "binary_cross_entropy")
    with pytest.raises(ValueError, match="weights contains NaN"):
        MODEL.forward(X, np.full_like(weights, np.nan))
    with pytest.raises(ValueError, match="one target per sample"):
        MODEL.loss_and_gradient(X, labels[1:], weights)
    with pytest.raises(ValueError, match=r"need y of the same shape"):
        MODEL.loss_and_gradient(X, labels[:, None] * [1, 2], weights)
    with using(InPython()):
        expected = MODEL.loss_and_gradient(X, labels, weights, "binary_cross_entropy")
    assert_close(MODEL.loss_and_gradient(X, labels, weights, "binary_cross_entropy"), expected)


def test_an_angle_that_overflows_is_reported():
    x, w = Parameter("x"), Parameter("w")
    model = QuantumModel(Circuit(1).ry(1e200 * x, 0).ry(w, 0), x, w, [Z(0)])
    for value in (1.0, 2.0, 3.0):
        model.loss_and_gradient([[value]], [0.0], [1.0])
        model.forward([[value]], [1.0])
    for _ in range(2):
        with pytest.raises(ParameterError, match="parameter x"):
            model.loss_and_gradient([[1e150]], [0.0], [1.0])
        with pytest.raises(ParameterError, match="parameter x"):
            model.forward([[1e150]], [1.0])


def test_a_loss_of_ones_own_is_computed_in_python():
    X, weights = data(MODEL)
    for _ in range(3):
        value, gradient = MODEL.loss_and_gradient(X, X[:, 0], weights, Doubling())
    assert value == pytest.approx(2.0 * MODEL.loss_and_gradient(X, X[:, 0], weights, "mse")[0], rel=1e-12)
    assert gradient.shape == weights.shape


def test_threads_share_a_model():
    engine, results_of = InCalls(), {}
    calls = [data(MODEL, seed) for seed in range(4)]
    with using(InCalls()):
        expected = [MODEL.loss_and_gradient(X, X[:, 0], weights) for X, weights in calls]

    def work(number):
        X, weights = calls[number]
        results_of[number] = [MODEL.loss_and_gradient(X, X[:, 0], weights) for _ in range(200)]

    with using(engine):
        workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(timeout=120)
    assert not engine.in_python
    for number in range(4):
        for results in results_of[number]:
            assert_same(results, expected[number])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")
def test_a_forked_process_repeats_as_well():
    X, weights = data(MODEL)
    with using(InCalls()):
        for _ in range(3):
            expected = MODEL.loss_and_gradient(X, X[:, 0], weights)
        child = os.fork()
        if not child:
            status = 1
            try:
                results = MODEL.loss_and_gradient(X, X[:, 0], weights)
                status = int(results[0] != expected[0] or (results[1] != expected[1]).any())
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0


def test_a_call_inside_of_a_call_has_arrays_of_its_own(monkeypatch):
    X, weights = data(MODEL)
    for _ in range(3):
        expected = MODEL.forward(X, weights)
    run, inner = loops.Loop.run, []

    def interrupted(self, end):
        monkeypatch.setattr(loops.Loop, "run", run)
        inner.append(MODEL.forward(X + 1.0, weights))  # as a signal handler may
        return run(self, end)

    monkeypatch.setattr(loops.Loop, "run", interrupted)
    np.testing.assert_array_equal(MODEL.forward(X, weights), expected)
    assert (inner[0] != expected).any()


def test_what_is_kept_is_bounded_and_does_not_keep_programs(monkeypatch):
    monkeypatch.setattr(repeated, "_of_thread", repeated._Repetitions())
    models = [layered_model("angle", "basic", num_features=2, num_layers=1) for _ in range(20)]
    for model in models:
        X, weights = data(model)
        for _ in range(3):
            model.forward(X, weights)
    assert len(repeated._of_thread.by_key) == repeated._MOST_REPETITIONS
    alive = weakref.ref(models[-1].program)
    del model, models
    gc.collect()
    assert alive() is None


def test_large_calculations_keep_nothing(monkeypatch):
    monkeypatch.setattr(repeated, "_of_thread", repeated._Repetitions())
    X, weights = np.zeros((1 + repeated._MOST_NUMBERS // 8, 3)), data(MODEL)[1]
    for _ in range(3):
        MODEL.forward(X, weights)
    assert not repeated._of_thread.by_key


def test_large_losses_are_calls_of_which_two_are_kept(monkeypatch):
    """As long as their program lives, unless they are too large for that."""
    model = layered_model("angle", "basic", num_features=3, num_layers=1)
    X, weights = data(model)
    expected = in_python(model.loss_and_gradient, X, np.zeros((ROWS, 3)), weights)
    monkeypatch.setattr(repeated, "_of_thread", repeated._Repetitions())
    monkeypatch.setattr(repeated, "_MOST_NUMBERS", 8 * ROWS)
    monkeypatch.setattr(repeated, "_LARGEST", 8 * 4 * ROWS)
    kept, engine = repeated._of_thread, InCalls()
    with using(engine):
        for copies, small, large in ((1, 1, 0), (2, 1, 1), (3, 1, 2), (4, 1, 2), (5, 1, 2), (4, 1, 2)):
            rows = np.concatenate([X] * copies)
            results = [model.loss_and_gradient(rows, np.zeros((len(rows), 3)), weights) for _ in range(2)]
            assert_same(*results)
            assert_close(results[0], expected)
            assert (len(kept.by_key), len(kept.large)) == (small, large)
    assert not engine.in_python
    del model
    gc.collect()
    assert not kept.large
