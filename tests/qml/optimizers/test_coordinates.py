"""Rotosolve and NFT: exact minima of sinusoids of any spectrum, ground states, and evaluation counts."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from qml import VariationalRegressor
from qml.optimizers import NFT, UMDA, Rotosolve
from qml.optimizers.sinusoids import parabola_minimum, sinusoid
from qml.training import train
from simulator.calculations.input_shifts import interpolation
from simulator.errors import QumbaError
from tests.qml.ising_chain import ground_energy, ising_objective

ALL = slice(None)
SPECTRA = [(1.0,), (0.5,), (2.0,), (1.0, 2.0), (0.5, 1.0), (1.0, 2.5), (0.7, 1.0, 3.1), (1.0, 2.0, 3.0, 4.0)]


class Curve:
    """Sum over the weights of random trigonometric polynomials of one spectrum, with a parabola for the last weight."""

    n_samples = 1

    def __init__(self, spectrum, count=2, seed=0):
        rng = np.random.default_rng(seed)
        self.spectrum = np.array(spectrum)
        self.cosines, self.sines = rng.normal(size=(2, count, len(spectrum)))
        self.values = 0

    def part(self, k, t):
        return self.cosines[k] @ np.cos(self.spectrum * t) + self.sines[k] @ np.sin(self.spectrum * t)

    def value(self, weights, rows):
        self.values += 1
        return sum(self.part(k, t) for k, t in enumerate(weights[:-1])) + 2.0 * (weights[-1] - 0.3) ** 2

    def spectra(self):
        return [self.spectrum] * len(self.cosines) + [None]

    def validation_score(self, weights):
        return None

    def lowest(self, k):
        """Minimum over many periods by a grid and Brent's method."""
        grid = np.linspace(-60.0, 60.0, 40_001)
        values = np.cos(np.outer(grid, self.spectrum)) @ self.cosines[k]
        values += np.sin(np.outer(grid, self.spectrum)) @ self.sines[k]
        best = grid[int(np.argmin(values))]
        return minimize_scalar(lambda t: self.part(k, t), (best - 3e-3, best, best + 3e-3), tol=1e-14).fun


@pytest.mark.parametrize("spectrum", SPECTRA, ids=str)
def test_interpolation_reproduces_the_function(spectrum):
    curve = Curve(spectrum)
    shifts, matrix = interpolation(curve.spectrum)
    coefficients = matrix @ [curve.part(0, 0.4 + s) for s in shifts]
    for u in (0.0, 1.7, -3.3):
        found = coefficients @ np.concatenate([[1.0], np.cos(curve.spectrum * u), np.sin(curve.spectrum * u)])
        assert found == pytest.approx(curve.part(0, 0.4 + u), abs=1e-10)


@pytest.mark.parametrize("optimizer", [Rotosolve(), NFT()], ids=str)
@pytest.mark.parametrize(
    "spectrum", [s for s in SPECTRA if np.allclose(np.divide(s, s[0]), np.round(np.divide(s, s[0])))], ids=str
)
def test_one_step_reaches_the_exact_minimum_of_sinusoids(optimizer, spectrum):
    curve = Curve(spectrum)
    start = np.array([0.4, -1.2, 0.25])
    state, loss, displacement = optimizer.measure({}, start, curve, ALL, [0])
    assert loss == pytest.approx(curve.value(start, ALL))
    end = optimizer.step(state, start, displacement)[1]
    assert curve.value(end, ALL) == pytest.approx(curve.lowest(0) + curve.lowest(1), abs=1e-9)
    assert end[-1] == pytest.approx(0.3, abs=1e-12)


def test_incommensurate_frequencies_reach_the_lowest_minimum_nearby():
    curve = Curve((0.7, 1.0, 3.1))
    fit = sinusoid((0.7, 1.0, 3.1), 1)
    shift, value = fit.minimum(np.array([curve.part(0, s) for s in fit.shifts]))
    assert value == pytest.approx(curve.part(0, shift), abs=1e-10)
    half = np.pi / 0.3  # half a period of the closest pair of frequencies
    assert value <= min(curve.part(0, t) for t in np.linspace(-half, half, 20_001)) + 1e-12


def test_a_squared_sinusoid_needs_degree_two():
    class Square(Curve):
        def value(self, weights, rows):
            self.values += 1
            return (self.part(0, weights[0]) - 0.5 * self.sines[0, 0]) ** 2

        def spectra(self):
            return [self.spectrum]

    curve = Square((1.0,), 1)
    start = np.array([0.4])
    for optimizer in (Rotosolve(degree=2), NFT(degree=2)):
        _, _, displacement = optimizer.measure({}, start, curve, ALL, [0])
        assert curve.value(start - displacement, ALL) == pytest.approx(0.0, abs=1e-12)
    _, _, displacement = NFT(degree=1).measure({}, start, curve, ALL, [0])
    assert curve.value(start - displacement, ALL) > 1e-3


def test_rotosolve_never_rises_on_a_loss_that_is_no_sinusoid():
    class Steep(Curve):
        def value(self, weights, rows):
            return float(np.exp(3 * self.part(0, weights[0])) + np.abs(weights[1]) ** 0.5)

        def spectra(self):
            return [self.spectrum, None]

    curve, weights, losses = Steep((1.0, 2.0), 1), np.array([1.0, 2.0]), []
    for _ in range(6):
        _, loss, displacement = Rotosolve().measure({}, weights, curve, ALL, [0])
        losses.append(loss)
        weights = weights - displacement
    assert (np.diff(losses) <= 0).all()
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("optimizer", [Rotosolve(), NFT(), NFT(reset_interval=2), Rotosolve(degree=2)], ids=str)
def test_evaluations_are_counted(optimizer):
    curve = Curve((1.0, 2.0), 5)
    optimizer.measure({}, np.zeros(6), curve, ALL, [0])
    assert curve.values == optimizer.evaluations(curve.spectra())
    assert optimizer.evaluations([]) == 1


def test_a_weight_without_effect_stays():
    curve = Curve((1.0,), 1)
    curve.spectra = lambda: [np.zeros(0), None]
    _, _, displacement = Rotosolve().measure({}, np.array([0.4, 0.0]), curve, ALL, [0])
    np.testing.assert_allclose(displacement, [0.0, -0.3], atol=1e-12)


def test_parabolas():
    def values(function):
        return [function(t) for t in (-0.1, 0.0, 0.1)]

    assert parabola_minimum(*values(lambda t: 3 * (t - 0.2) ** 2 - 1), 0.1, 1.0) == pytest.approx((0.2, -1.0))
    assert parabola_minimum(*values(lambda t: 3 * (t - 7.0) ** 2), 0.1, 1.0) == pytest.approx((1.0, 108.0))
    assert parabola_minimum(*values(lambda t: -(t**2) + t), 0.1, 1.0) == pytest.approx((-1.0, -2.0))
    assert parabola_minimum(2.0, 2.0, 2.0, 0.1, 1.0) == (0.0, 2.0)


@pytest.mark.parametrize(
    ("optimizer", "epochs", "gap"), [(Rotosolve(), 200, 1e-9), (NFT(), 200, 1e-9), (UMDA(), 300, 0.01)], ids=str
)
def test_ground_state_of_an_ising_chain(optimizer, epochs, gap):
    objective, exact = ising_objective(3, 2, "real_amplitudes"), ground_energy(3)
    start = np.random.default_rng(0).normal(0.0, 0.3, objective.network.num_weights)
    result = train(objective, start, optimizer, epochs=epochs, rng=0, schedule="cosine")
    assert objective.value(result.weights, ALL) == pytest.approx(exact + gap / 2, abs=gap)
    assert (result.losses[:-1] >= result.losses[1:] - 1e-12).all()


@pytest.mark.parametrize("name", ["rotosolve", "nft", "umda"])
def test_by_name_in_an_estimator(name):
    X = np.linspace(-2, 2, 80)[:, None]
    settings = {"n_layers": 1, "n_qubits": 2, "optimizer": name, "random_state": 0}
    model = VariationalRegressor(epochs=15, **settings).fit(X, np.sin(X[:, 0]))
    assert len(model.loss_history_) == 15
    assert model.loss_history_.min() < 0.5 * model.loss_history_[0]
    plan = model.plan(X, y=np.sin(X[:, 0]), backend="numba")
    assert "steps of" in str(plan)


def test_an_objective_without_spectra():
    class Line:
        n_samples = 1

        def value(self, weights, rows):
            return 0.0

        def validation_score(self, weights):
            return None

    with pytest.raises(QumbaError, match="needs the spectra of weights .* Line does not give it"):
        train(Line(), np.zeros(2), "rotosolve", epochs=1)


class TestUMDA:
    def test_the_distribution_is_that_of_the_best_members(self):
        optimizer, curve, start = UMDA(population=10, selected=0.4), Curve((1.0,)), np.array([0.1, 0.2, 0.3])
        state, loss, displacement = optimizer.measure(optimizer.init(start), start, curve, ALL, [3])
        drawn = np.random.default_rng([3]).normal(start, 0.5, (9, 3))
        members = np.concatenate([start[None], drawn])
        order = np.argsort([curve.value(member, ALL) for member in members])
        np.testing.assert_allclose(state["mean"], members[order[:4]].mean(axis=0))
        np.testing.assert_allclose(state["spread"], members[order[:4]].std(axis=0))
        np.testing.assert_allclose(start - displacement, members[order[0]])
        assert loss == curve.value(start, ALL)

    def test_among_many_minima(self):
        curve, weights = Curve((1.0, 6.0), 1, seed=4), np.zeros(2)
        optimizer = UMDA(spread=2.0, population=60)
        state = optimizer.init(weights)
        for k in range(30):
            state, _, displacement = optimizer.measure(state, weights, curve, ALL, [0, k])
            weights = weights - displacement
        assert curve.value(weights, ALL) == pytest.approx(curve.lowest(0), abs=0.01)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (Rotosolve, {"degree": 0}),
        (Rotosolve, {"parabola_step": 0.0}),
        (NFT, {"reset_interval": 0}),
        (UMDA, {"population": 2}),
        (UMDA, {"selected": 1.0}),
        (UMDA, {"spread": 0.0}),
    ],
)
def test_settings_out_of_range(kind, settings):
    with pytest.raises(ValueError, match=f"{next(iter(settings))} of {kind.__name__}.*got"):
        kind(**settings)
