"""Optimizers: each step against the published formula written out, then what they find on a known minimum."""

import dataclasses
import pickle

import numpy as np
import pytest
from sklearn.datasets import load_iris

from qml import VariationalClassifier
from qml.optimizers import OPTIMIZERS, SGD, SPSA, Adam, AdamW, Optimizer, RMSprop, SciPy, get_optimizer
from simulator.errors import UnknownNameError
from tests.qml.logistic_regression import N_WEIGHTS, LogisticRegression

STEPWISE = [SGD(), SGD(nesterov=True), SGD(momentum=0.0), Adam(), AdamW(), RMSprop(), RMSprop(momentum=0.5), SPSA()]
CURVATURE = np.array([1.0, 10.0, 3.0])
MINIMUM = np.array([0.5, -0.2, 1.0])


class Quadratic:
    """``0.5 sum_i c_i (w_i - m_i)^2``; the rows are noise-free copies of each other."""

    n_samples = 1

    def value(self, weights, rows):
        return 0.5 * float(CURVATURE @ (weights - MINIMUM) ** 2)

    def value_and_gradient(self, weights, rows):
        return self.value(weights, rows), CURVATURE * (weights - MINIMUM)

    def validation_score(self, weights):
        return None


def steps(optimizer, gradients, weights):
    """Weights after each of the given gradients."""
    state = optimizer.init(weights)
    path = []
    for gradient in gradients:
        state, weights = optimizer.step(state, weights, gradient)
        path.append(weights)
    return np.array(path)


GRADIENTS = np.random.default_rng(0).normal(size=(6, 3))
START = np.array([1.0, -2.0, 0.5])


def test_sgd_is_a_sum_over_the_past():
    # v_t = sum_s mu^(t-s) g_s, closed form instead of the recursion
    path = steps(SGD(0.1, momentum=0.8), GRADIENTS, START)
    velocities = [sum(0.8 ** (t - s) * GRADIENTS[s] for s in range(t + 1)) for t in range(6)]
    np.testing.assert_allclose(path, START - 0.1 * np.cumsum(velocities, axis=0), rtol=1e-14)


def test_nesterov_equals_sutskever_at_the_point_looked_ahead_to():
    # v <- mu v - lr grad(w + mu v); w <- w + v. Our weights are the point w + mu v, at which the gradient is taken.
    rate, momentum = 0.02, 0.8
    w, v = START.copy(), np.zeros(3)
    optimizer = SGD(rate, momentum, nesterov=True)
    state, ours = optimizer.init(START), START
    for _ in range(8):
        v = momentum * v - rate * CURVATURE * (w + momentum * v - MINIMUM)
        w = w + v
        state, ours = optimizer.step(state, ours, CURVATURE * (ours - MINIMUM))
        np.testing.assert_allclose(ours, w + momentum * v, rtol=1e-13)


def kingma_and_ba(gradients, weights, rate, beta1, beta2, epsilon, decay=0.0):
    """Algorithm 1 with its means in closed form, and algorithm 2 of Loshchilov and Hutter for ``decay``."""
    path = []
    for t in range(1, len(gradients) + 1):
        past = gradients[:t]
        age = np.arange(t - 1, -1, -1)[:, None]
        mean = ((1 - beta1) * beta1**age * past).sum(axis=0) / (1 - beta1**t)
        square = ((1 - beta2) * beta2**age * past**2).sum(axis=0) / (1 - beta2**t)
        weights = weights - rate * (mean / (np.sqrt(square) + epsilon) + decay * weights)
        path.append(weights)
    return np.array(path)


def test_adam_equals_the_paper():
    ours = steps(Adam(0.05, 0.8, 0.95, 1e-3), GRADIENTS, START)
    np.testing.assert_allclose(ours, kingma_and_ba(GRADIENTS, START, 0.05, 0.8, 0.95, 1e-3), rtol=1e-13)


def test_adamw_equals_the_paper():
    ours = steps(AdamW(0.05, 0.8, 0.95, 1e-3, weight_decay=0.1), GRADIENTS, START)
    np.testing.assert_allclose(ours, kingma_and_ba(GRADIENTS, START, 0.05, 0.8, 0.95, 1e-3, decay=0.1), rtol=1e-13)


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_adam_has_the_bits_of_numpy(decay):
    """The kernel contracts nothing: each weight is what the published lines give in numpy."""
    rng = np.random.default_rng(4)
    optimizer, weights = AdamW(0.05, weight_decay=decay), rng.normal(size=50)
    state, ours = optimizer.init(weights), weights
    mean = square = np.zeros(50)
    for t in range(1, 40):
        gradient = rng.normal(size=50)
        state, ours = optimizer.step(state, ours, gradient)
        mean = 0.9 * mean + (1.0 - 0.9) * gradient
        square = 0.999 * square + (1.0 - 0.999) * gradient**2
        change = 0.05 * (mean / (1.0 - 0.9**t)) / (np.sqrt(square / (1.0 - 0.999**t)) + 1e-8)
        weights = weights - 0.05 * decay * weights - change
        np.testing.assert_array_equal(ours, weights)


def test_the_decay_of_adamw_does_not_pass_through_the_moments():
    np.testing.assert_array_equal(
        steps(AdamW(0.1, weight_decay=0.5), np.zeros((2, 3)), START), [0.95 * START, 0.95 * 0.95 * START]
    )


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_rmsprop_equals_the_lecture(momentum):
    rate, decay, epsilon = 0.02, 0.9, 1e-4
    scaled = []
    for t in range(6):
        age = np.arange(t, -1, -1)[:, None]
        square = ((1 - decay) * decay**age * GRADIENTS[: t + 1] ** 2).sum(axis=0)
        scaled.append(GRADIENTS[t] / (np.sqrt(square) + epsilon))
    moves = [sum(momentum ** (t - s) * scaled[s] for s in range(t + 1)) for t in range(6)]
    ours = steps(RMSprop(rate, decay, momentum, epsilon), GRADIENTS, START)
    np.testing.assert_allclose(ours, START - rate * np.cumsum(moves, axis=0), rtol=1e-13)


def against_torch():
    torch = pytest.importorskip("torch")
    return [
        (SGD(0.1, 0.8), torch.optim.SGD, {"lr": 0.1, "momentum": 0.8}),
        (SGD(0.1, 0.8, nesterov=True), torch.optim.SGD, {"lr": 0.1, "momentum": 0.8, "nesterov": True}),
        (Adam(0.1), torch.optim.Adam, {"lr": 0.1}),
        (AdamW(0.1, weight_decay=0.1), torch.optim.AdamW, {"lr": 0.1, "weight_decay": 0.1}),
        (RMSprop(0.1, 0.9, 0.5), torch.optim.RMSprop, {"lr": 0.1, "alpha": 0.9, "momentum": 0.5}),
    ]


def test_against_torch_where_it_is_installed():
    for ours, theirs, settings in against_torch():
        import torch

        weights = torch.tensor(START, requires_grad=True)
        optimizer = theirs([weights], **settings)
        path = []
        for gradient in GRADIENTS:
            weights.grad = torch.tensor(gradient)
            optimizer.step()
            path.append(weights.detach().numpy().copy())
        np.testing.assert_allclose(steps(ours, GRADIENTS, START), path, rtol=1e-12)


@pytest.mark.parametrize("optimizer", STEPWISE, ids=str)
def test_what_goes_in_is_left_as_it_is(optimizer):
    weights = START.copy()
    state = optimizer.init(weights)
    for k in range(2):
        copies = (pickle.dumps(state), weights.copy())
        measured, _, gradient = optimizer.measure(state, weights, Quadratic(), slice(None), [1, k])
        new_state, new_weights = optimizer.step(measured, weights, gradient)
        assert (pickle.dumps(state), weights.tolist()) == (copies[0], copies[1].tolist())
        assert not np.shares_memory(new_weights, weights)
        state, weights = new_state, new_weights
    assert all(isinstance(value, np.ndarray | float | int) for value in state.values())


@pytest.mark.parametrize("optimizer", [*(dataclasses.replace(o, learning_rate=0.03) for o in STEPWISE[:-1]), SPSA(0.2)])
def test_the_minimum_is_found(optimizer):
    state, weights = optimizer.init(START), START
    for k in range(4000):
        state, _, gradient = optimizer.measure(state, weights, Quadratic(), slice(None), [2, k])
        state, weights = optimizer.step(state, weights, gradient)
    np.testing.assert_allclose(weights, MINIMUM, atol=0.05)


class TestSPSA:
    def test_the_estimate_is_unbiased_on_a_quadratic(self):
        optimizer = SPSA()
        state = {"step": 5, "a": 1.0}
        estimates = [optimizer.measure(state, START, Quadratic(), slice(None), [3, k])[2] for k in range(20_000)]
        exact = CURVATURE * (START - MINIMUM)
        error = np.std(estimates, axis=0) / np.sqrt(len(estimates))
        assert (np.abs(np.mean(estimates, axis=0) - exact) < 4 * error).all()

    def test_one_weight_is_a_central_difference(self):
        class Cube:
            def value(self, weights, rows):
                return weights[0] ** 3

        optimizer = SPSA(perturbation=0.2, gamma=0.1)
        _, loss, gradient = optimizer.measure({"step": 3, "a": 1.0}, np.array([2.0]), Cube(), slice(None), [0])
        c = 0.2 / 4**0.1
        np.testing.assert_allclose(gradient, [((2 + c) ** 3 - (2 - c) ** 3) / (2 * c)])
        np.testing.assert_allclose(loss, ((2 + c) ** 3 + (2 - c) ** 3) / 2)

    def test_gains_follow_spall(self):
        optimizer = SPSA(alpha=0.6, stability=4.0)
        for step in (0, 1, 7):
            assert optimizer.step_size({"step": step, "a": 0.3}) == pytest.approx(0.3 / (4 + step + 1) ** 0.6)
            state, weights = optimizer.step({"step": step, "a": 0.3}, START, np.ones(3))
            assert state == {"step": step + 1, "a": 0.3}
            np.testing.assert_allclose(weights, START - 0.3 / (5 + step) ** 0.6)

    def test_the_first_step_has_the_size_asked_for(self):
        # on a linear loss of one weight every pair measures the same slope, so the calibration is exact
        class Line:
            def value(self, weights, rows):
                return -40.0 * weights[0]

        optimizer = SPSA(learning_rate=0.07)
        weights = np.zeros(1)
        state, _, gradient = optimizer.measure(optimizer.init(weights), weights, Line(), slice(None), [0])
        np.testing.assert_allclose(optimizer.step(state, weights, gradient)[1], [0.07])

    def test_a_flat_loss_leaves_the_weights(self):
        class Flat:
            def value(self, weights, rows):
                return 1.0

        optimizer = SPSA()
        state, _, gradient = optimizer.measure(optimizer.init(START), START, Flat(), slice(None), [0])
        np.testing.assert_array_equal(optimizer.step(state, START, gradient)[1], START)


class Stop(Exception):
    pass


SCIPY = [optimizer for optimizer in map(get_optimizer, OPTIMIZERS) if isinstance(optimizer, SciPy)]


class TestSciPy:
    @staticmethod
    def function(optimizer):
        quadratic = Quadratic()
        if optimizer.uses_gradient:
            return lambda weights: quadratic.value_and_gradient(weights, slice(None))
        return lambda weights: quadratic.value(weights, slice(None))

    @pytest.mark.parametrize("optimizer", SCIPY, ids=str)
    def test_every_method_finds_the_minimum(self, optimizer):
        visited = []
        optimizer.minimize(self.function(optimizer), START, 1000, visited.append)
        np.testing.assert_allclose(visited[-1], MINIMUM, atol=2e-3)

    @pytest.mark.parametrize("optimizer", SCIPY, ids=str)
    @pytest.mark.parametrize("where", ["function", "after_iteration"])
    def test_every_method_can_be_stopped(self, optimizer, where):
        calls = []

        def stop(weights):
            calls.append(weights)
            if len(calls) == 2:
                raise Stop

        def function(weights):
            if where == "function":
                stop(weights)
            return self.function(optimizer)(weights)

        with pytest.raises(Stop):
            optimizer.minimize(function, START, 1000, stop if where == "after_iteration" else lambda _: None)
        assert len(calls) == 2

    @pytest.mark.parametrize("optimizer", SCIPY, ids=str)
    def test_the_start_is_left_as_it_is_and_weights_are_copies(self, optimizer):
        start, visited = START.copy(), []
        optimizer.minimize(
            self.function(optimizer), start, 5, lambda weights: visited.append((weights, weights.copy()))
        )
        np.testing.assert_array_equal(start, START)
        for weights, then in visited:
            np.testing.assert_array_equal(weights, then)

    def test_options_reach_scipy(self):
        visited = []
        success, message = SciPy("BFGS", {"maxiter": 2}).minimize(
            self.function(SciPy("bfgs")), START, 1000, visited.append
        )
        assert (len(visited), success) == (2, False)
        assert "iterations" in message


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("adam", Adam()),
        ("Adam", Adam()),
        ("ADAMW", AdamW()),
        ("sgd", SGD()),
        ("RMSprop", RMSprop()),
        ("spsa", SPSA()),
        ("L-BFGS-B", SciPy("L-BFGS-B")),
        ("nelder_mead", SciPy("Nelder-Mead")),
        ("COBYLA", SciPy("cobyla")),
    ],
)
def test_names(name, expected):
    assert get_optimizer(name) == expected


def test_the_learning_rate_given_wins_where_there_is_one():
    assert get_optimizer("adam", 0.3) == Adam(0.3)
    assert get_optimizer(SPSA(0.1, gamma=0.2), 0.3) == SPSA(0.3, gamma=0.2)
    assert get_optimizer("slsqp", 0.3) == SciPy("slsqp")
    own = Adam(0.3, beta1=0.5)
    assert get_optimizer(own) is own


def test_an_object_keeps_its_learning_rate_in_an_estimator():
    X, y = load_iris(return_X_y=True)

    def weights(**settings):
        return VariationalClassifier(n_layers=1, epochs=1, random_state=0, **settings).fit(X, y).weights_.tolist()

    assert weights(optimizer=Adam(0.3)) == weights(learning_rate=0.3)
    assert weights(optimizer=Adam(0.3), learning_rate=0.2) == weights(learning_rate=0.2)
    assert weights(optimizer=Adam(0.3), learning_rate=None) == weights(learning_rate=0.3)
    assert weights(optimizer=Adam(0.3)) != weights()


def test_wrong_names_and_objects():
    with pytest.raises(UnknownNameError, match="did you mean 'adam'"):
        get_optimizer("addam")
    with pytest.raises(UnknownNameError, match="'l-bfgs-b'"):
        SciPy("lbfgs")
    for wrong in (Adam, 0.1, None, object()):
        with pytest.raises(TypeError, match="expects a name or an Optimizer or a SciPy"):
            get_optimizer(wrong)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (Adam, {"learning_rate": 0.0}),
        (Adam, {"learning_rate": -1.0}),
        (Adam, {"learning_rate": np.nan}),
        (Adam, {"learning_rate": np.inf}),
        (Adam, {"learning_rate": "fast"}),
        (Adam, {"beta1": 1.0}),
        (Adam, {"beta2": -0.1}),
        (Adam, {"epsilon": 0.0}),
        (AdamW, {"weight_decay": -0.1}),
        (SGD, {"momentum": 1.0}),
        (SGD, {"momentum": 0.0, "nesterov": True}),
        (RMSprop, {"decay": 1.0}),
        (RMSprop, {"momentum": -0.1}),
        (SPSA, {"perturbation": 0.0}),
        (SPSA, {"calibration_steps": 0}),
    ],
)
def test_settings_out_of_range_are_refused(kind, settings):
    with pytest.raises(ValueError, match=f"{list(settings)[-1]} of {kind.__name__}.*got"):
        kind(**settings)
    with pytest.raises(ValueError, match="must be a number > 0, got 0"):
        get_optimizer("adam", 0)


class Counting(LogisticRegression):
    """Counts evaluations."""

    def __init__(self):
        super().__init__()
        self.values = self.gradients = 0

    def value(self, weights, rows):
        self.values += 1
        return super().value(weights, rows)

    def value_and_gradient(self, weights, rows):
        self.gradients += 1
        self.values -= 1  # of its own call
        return super().value_and_gradient(weights, rows)


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if isinstance(get_optimizer(name), Optimizer)])
def test_an_optimizer_knows_how_often_it_evaluates_the_objective(name):
    optimizer, objective = get_optimizer(name), Counting()
    weights = np.zeros(N_WEIGHTS)
    state = optimizer.init(weights)
    for step in range(3):
        state, _, gradient = optimizer.measure(state, weights, objective, slice(None), [0, step])
        state, weights = optimizer.step(state, weights, gradient)
    expected = 3 * optimizer.evaluations(objective.spectra()) + optimizer.evaluations_before
    assert (objective.gradients, objective.values) == ((expected, 0) if optimizer.uses_gradient else (0, expected))


def test_scipy_does_not_know():
    assert SciPy().evaluations_per_step is None
    assert SciPy().init(np.zeros(3)) == {}


def test_optimizers_are_values():
    for optimizer in map(get_optimizer, OPTIMIZERS):
        assert pickle.loads(pickle.dumps(optimizer)) == optimizer
        assert isinstance(optimizer, Optimizer | SciPy)
