"""The reservoir with memory: dense density matrices, the echo-state property, standard series, other models."""

from itertools import combinations

import numpy as np
import pytest
from scipy.linalg import expm
from sklearn.linear_model import Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

import qml
from qml.estimators.fixed_features import memory as reservoir_memory
from qml.estimators.fixed_features.ising import ising_hamiltonian
from qml.estimators.fixed_features.memory import ReservoirMemory
from qml.models.observables import readout_observables
from tests.simulator.reference import pauli_label

EXACT = 1e-10


@parametrize_with_checks(
    [qml.ReservoirForecaster(n_qubits=7, virtual_nodes=2, washout=0, observables="z")],
    expected_failed_checks=lambda forecaster: {
        "check_methods_sample_order_invariance": "the order of the rows is the order of time",
        "check_methods_subset_invariance": "a prediction depends on the rows before it",
        "check_fit1d": "a series of one input may have one dimension",
        "check_fit2d_predict1d": "a series of one input may have one dimension",
        "check_fit2d_1sample": "ten inputs take more qubits than there are",
        "check_dtype_object": "ten inputs take more qubits than there are",
    },
)
def test_checks(estimator, check):
    check(estimator)


def on(operator, qubit, num_qubits):
    """An operator on one qubit; qubit 0 is the last factor."""
    return np.kron(np.kron(np.eye(2 ** (num_qubits - 1 - qubit)), operator), np.eye(2**qubit))


def dense_hamiltonian(num_qubits, couplings, field):
    X, Z = pauli_label("X"), pauli_label("Z")
    out = sum(field * on(Z, q, num_qubits) for q in range(num_qubits))
    for (i, j), strength in zip(combinations(range(num_qubits), 2), couplings, strict=True):
        out = out + strength * on(X, i, num_qubits) @ on(X, j, num_qubits)
    return out


def dense_features(hamiltonian, num_inputs, time, nodes, labels, angles, rho):
    """Features by density matrices of all qubits: trace out, replace, evolve, read out."""
    size, inputs = len(hamiltonian), 2**num_inputs
    evolution = expm(-1j * hamiltonian * time / nodes)
    rows = []
    for row in angles:
        psi = np.ones(1)
        for angle in row:
            psi = np.kron([np.cos(angle / 2), np.sin(angle / 2)], psi)
        memory = np.trace(rho.reshape(size // inputs, inputs, size // inputs, inputs), axis1=1, axis2=3)
        rho = np.kron(memory, np.outer(psi, psi))
        features = []
        for _ in range(nodes):
            rho = evolution @ rho @ evolution.conj().T
            features += [np.trace(pauli_label(label) @ rho).real for label in labels]
        rows.append(features)
    return np.array(rows)


@pytest.mark.parametrize("num_inputs", [1, 2])
def test_features_are_those_of_dense_density_matrices(num_inputs):
    rng = np.random.default_rng(num_inputs)
    couplings = rng.uniform(-1, 1, 6)
    hamiltonian = ising_hamiltonian(4, couplings, 0.7)
    np.testing.assert_allclose(hamiltonian, dense_hamiltonian(4, couplings, 0.7), atol=EXACT)
    memory = ReservoirMemory(hamiltonian, num_inputs, 1.3, 3, readout_observables("z+zz+y", 4))
    angles = rng.uniform(0, np.pi, (12, num_inputs))
    features, _ = memory.run(angles[np.newaxis], memory.initial_state(1))
    labels = ["IIIZ", "IIZI", "IZII", "ZIII", "IIZZ", "IZIZ", "ZIIZ", "IZZI", "ZIZI", "ZZII"]
    labels += ["IIIY", "IIYI", "IYII", "YIII"]
    rho = np.zeros((16, 16))
    rho[0, 0] = 1
    expected = dense_features(hamiltonian, num_inputs, 1.3, 3, labels, angles, rho)
    np.testing.assert_allclose(features[0], expected, atol=EXACT)


def random_state(size, rng):
    root = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    rho = root @ root.conj().T
    return rho / np.trace(rho)


def test_initial_states_are_forgotten():
    rng = np.random.default_rng(0)
    couplings = rng.uniform(-0.5, 0.5, 10)
    memory = ReservoirMemory(ising_hamiltonian(5, couplings, 0.5), 1, 2.0, 1, readout_observables("z+zz", 5))
    states = np.array([memory.initial_state(1)[0], random_state(16, rng)])
    angles = np.tile(rng.uniform(0, np.pi, (1, 200, 1)), (2, 1, 1))
    features, final = memory.run(angles, states)
    distance = np.abs(features[0] - features[1]).max(axis=1)
    assert distance[0] > 0.1
    assert distance[100] < 1e-2
    assert distance[199] < 1e-4
    np.testing.assert_allclose(np.trace(final, axis1=1, axis2=2), 1, atol=EXACT)
    assert np.linalg.eigvalsh(final).min() > -EXACT


def test_series_side_by_side_and_in_chunks_are_each_alone(monkeypatch):
    rng = np.random.default_rng(0)
    hamiltonian = ising_hamiltonian(4, rng.uniform(-0.5, 0.5, 6), 0.5)
    memory = ReservoirMemory(hamiltonian, 1, 2.0, 2, readout_observables("z", 4))
    angles = rng.uniform(0, np.pi, (3, 25, 1))
    together, state = memory.run(angles, memory.initial_state(3))
    for series in range(3):
        alone, _ = memory.run(angles[series : series + 1], memory.initial_state(1))
        np.testing.assert_allclose(together[series], alone[0], atol=EXACT)
    monkeypatch.setattr(reservoir_memory, "ENTRIES_AT_ONCE", 3 * 256 * 4)
    chunks, after = memory.run(angles, memory.initial_state(3))
    np.testing.assert_allclose(chunks, together, atol=EXACT)
    np.testing.assert_allclose(after, state, atol=EXACT)


def narma10(inputs):
    """The nonlinear autoregressive moving average of order 10, of inputs between 0 and 0.5."""
    out = np.zeros(len(inputs))
    for t in range(9, len(inputs) - 1):
        window = out[t - 9 : t + 1].sum()
        out[t + 1] = 0.3 * out[t] + 0.05 * out[t] * window + 1.5 * inputs[t - 9] * inputs[t] + 0.1
    return out


def mackey_glass(length, delay=17, steps=10, skipped=300):
    """The Mackey-Glass series x' = 0.2 x(t - 17) / (1 + x(t - 17)^10) - 0.1 x, by Euler steps of 0.1."""
    lag = delay * steps
    x = np.full(lag + (length + skipped) * steps, 1.2)
    for i in range(lag, len(x) - 1):
        x[i + 1] = x[i] + (0.2 * x[i - lag] / (1 + x[i - lag] ** 10) - 0.1 * x[i]) / steps
    return x[lag::steps][skipped:]


def echo_state_features(inputs, size, rng, radius=0.9, scale=0.5):
    """States of an echo-state network of tanh units."""
    inner = rng.normal(size=(size, size))
    inner *= radius / np.abs(np.linalg.eigvals(inner)).max()
    weights, bias = rng.uniform(-scale, scale, size), rng.uniform(-scale, scale, size)
    state, out = np.zeros(size), np.empty((len(inputs), size))
    for t, value in enumerate(inputs):
        state = out[t] = np.tanh(inner @ state + weights * value + bias)
    return out


def normalised_error(predictions, truth):
    return np.sqrt(np.mean((predictions - truth) ** 2) / np.var(truth))


class TestSeries:
    def test_narma10_driven_by_waves(self):
        t = np.arange(1500)
        waves = np.prod([np.sin(2 * np.pi * f * t / 100) for f in (2.11, 3.73, 4.11)], axis=0)
        inputs = 0.1 * (waves + 1)
        target = narma10(inputs)
        model = qml.ReservoirForecaster(washout=200, random_state=0).fit(inputs[:1100], target[:1100])
        error = normalised_error(model.predict(inputs[1100:], continued=True), target[1100:])
        lags = np.stack([np.roll(inputs, k) for k in range(10)], axis=1)
        linear = Ridge(1e-9).fit(lags[200:1100], target[200:1100]).predict(lags[1100:])
        assert error < 0.08
        assert error < normalised_error(linear, target[1100:]) / 2
        assert model.score(inputs[1100:], target[1100:], continued=True) == pytest.approx(1 - error**2)

    def test_mackey_glass_one_step_ahead(self):
        series = mackey_glass(1500)
        model = qml.ReservoirForecaster(washout=100, random_state=0).fit(series[:1100])
        error = normalised_error(model.predict(series[1100:], continued=True)[:-1], series[1101:])
        persistence = normalised_error(series[1100:-1], series[1101:])
        assert error < 0.02 < persistence / 5
        assert np.abs(model.forecast(10) - series[1100:1110]).max() < 0.1

    def test_short_term_memory_beside_an_echo_state_network(self):
        rng = np.random.default_rng(0)
        inputs = rng.uniform(-1, 1, 1600)
        model = qml.ReservoirForecaster(n_qubits=5, observables="z", random_state=0)
        delays = range(1, 9)
        targets = np.stack([np.roll(inputs, delay) for delay in delays], axis=1)
        model.set_params(washout=100).fit(inputs[:1100], targets[:1100])
        ours = model.predict(inputs[1100:], continued=True)
        nodes = echo_state_features(inputs, 50, rng)  # as many features
        theirs = Ridge(1e-7).fit(nodes[100:1100], targets[100:1100]).predict(nodes[1100:])

        def capacity(predictions):
            return [np.corrcoef(predictions[:, k], targets[1100:, k])[0, 1] ** 2 for k in range(len(delays))]

        quantum, classical = capacity(ours), capacity(theirs)
        assert quantum[0] > 0.95
        assert quantum[2] > 0.85
        assert 8 > sum(classical) > sum(quantum) > 6  # the network remembers longer

    def test_without_couplings_nothing_is_remembered(self):
        inputs = np.random.default_rng(0).uniform(-1, 1, 600)
        delayed = np.roll(inputs, 2)
        model = qml.ReservoirForecaster(n_qubits=4, random_state=0).fit(inputs, delayed)
        assert model.score(inputs, delayed) > 0.9
        assert model.without_entanglement().fit(inputs, delayed).score(inputs, delayed) < 0.05


SERIES = np.sin(0.3 * np.arange(240)) + 0.3 * np.cos(0.7 * np.arange(240))


def small(**settings):
    return qml.ReservoirForecaster(n_qubits=4, virtual_nodes=3, washout=20, random_state=0, **settings)


class TestInterface:
    def test_a_series_goes_on(self):
        model = small().fit(SERIES[:150])
        whole = model.predict(SERIES)
        np.testing.assert_allclose(model.predict(SERIES[150:], continued=True), whole[150:], atol=EXACT)
        assert not np.allclose(model.predict(SERIES[150:])[:5], whole[150:155], atol=1e-3)

    def test_a_forecast_is_its_predictions_fed_back(self):
        model = small().fit(SERIES[:150])
        known = list(SERIES[:150])
        for _ in range(5):
            known.append(model.predict(np.array(known))[-1])
        np.testing.assert_allclose(model.forecast(5), known[150:], atol=1e-8)
        np.testing.assert_allclose(model.forecast(5, SERIES[:150]), known[150:], atol=1e-8)
        assert np.abs(model.forecast(3, SERIES[:170]) - SERIES[170:173]).max() < 0.2

    @pytest.mark.parametrize("horizon", [1, 4])
    def test_targets_are_the_series_later_on(self, horizon):
        model = small(horizon=horizon).fit(SERIES)
        shifted = small().fit(SERIES[:-horizon], SERIES[horizon:])
        shifted.scaling_ = model.scaling_
        assert model.predict(SERIES).shape == (240,)
        features, _ = model._memory().run(model._angles(SERIES[None, :, None]), model._memory().initial_state(1))
        expected = Ridge(1e-7, solver="svd").fit(features[0, 20:-horizon], SERIES[20 + horizon :]).predict(features[0])
        np.testing.assert_allclose(model.predict(SERIES), expected, atol=1e-4)
        assert model.score(SERIES) > 0.95

    def test_shapes(self):
        column, inputs = SERIES[:, np.newaxis], np.stack([SERIES, np.roll(SERIES, 3)], axis=1)
        assert small().fit(column).predict(column).shape == (240, 1)
        assert small().fit(inputs).forecast(7).shape == (7, 2)
        assert small().fit(inputs, SERIES).predict(inputs).shape == (240,)
        assert small().fit(SERIES, inputs).predict(SERIES[:60]).shape == (60, 2)
        several = inputs.T[:, :, np.newaxis]
        model = small().fit(several)
        assert model.predict(several).shape == (2, 240, 1)
        assert model.forecast(5).shape == (2, 5, 1)
        assert small().fit(several, inputs.T).predict(several).shape == (2, 240)
        np.testing.assert_allclose(model.predict(several)[1, :, 0], model.predict(several[1])[:, 0], atol=EXACT)

    def test_it_comes_back_from_a_file(self, tmp_path):
        model = small().fit(SERIES)
        model.save(tmp_path / "model.qumba")
        loaded = qml.load(tmp_path / "model.qumba")
        np.testing.assert_array_equal(loaded.predict(SERIES), model.predict(SERIES))
        np.testing.assert_array_equal(loaded.forecast(10), model.forecast(10))
        assert loaded.score(SERIES) == model.score(SERIES)

    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({"n_qubits": 1}, "n_qubits expects an integer of 2 or more"),
            ({"n_qubits": 9}, "n_qubits expects at most 8"),
            ({"virtual_nodes": 0}, "virtual_nodes expects an integer"),
            ({"washout": -1}, "washout expects an integer of 0 or more"),
            ({"horizon": 0}, "horizon expects an integer"),
            ({"alpha": -1.0}, "alpha expects a finite number"),
            ({"washout": 238}, "240 steps is too short for washout=238 and horizon=1: at least 241 steps are needed"),
        ],
    )
    def test_settings_that_make_no_sense(self, settings, words):
        with pytest.raises(ValueError, match=words):
            small().set_params(**settings).fit(SERIES)

    @pytest.mark.parametrize(
        ("X", "y", "words"),
        [
            (np.where(np.arange(240) == 7, np.nan, SERIES), None, "X contains NaN"),
            (SERIES, np.where(np.arange(240) == 7, np.nan, SERIES), "y contains NaN"),
            (SERIES, SERIES[:-1], r"expected shape \(240,\) or \(240, 'n_targets'\), got \(239,\)"),
            (np.ones((240, 4)), None, "4 inputs take as many qubits"),
            (SERIES[:21], SERIES[:21], "21 steps is too short for washout=20: at least 22 steps are needed"),
        ],
    )
    def test_data_that_make_no_sense(self, X, y, words):
        with pytest.raises(ValueError, match=words):
            small().fit(X, y)

    def test_calls_that_make_no_sense(self):
        model = small().fit(SERIES)
        for call, words in [
            (lambda: small(horizon=2).fit(SERIES).forecast(3), "got one fitted with horizon=2"),
            (lambda: small().fit(SERIES, SERIES).forecast(3), "got one fitted with targets"),
            (lambda: model.forecast(0), "n_steps expects an integer"),
            (lambda: model.forecast(3, SERIES[:20]), "20 steps is too short to be continued with washout=20"),
            (lambda: model.predict(np.ones((30, 2))), "features"),
            (lambda: model.predict(np.ones((2, 30, 1)), continued=True), "fitted to 1 series, got 2"),
            (lambda: model.score(SERIES, SERIES), "fitted to a series alone"),
            (lambda: model.score(SERIES[:22]), "at least 2 predictions"),
        ]:
            with pytest.raises(ValueError, match=words):
                call()
