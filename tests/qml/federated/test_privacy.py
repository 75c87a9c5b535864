import logging
import math
import sys

import dp_accounting as dp
import numpy as np
import pytest
from dp_accounting import pld, rdp
from sklearn.datasets import load_iris

from qml import (
    BoltzmannClassifier,
    DressedClassifier,
    NetworkClassifier,
    QuanvolutionClassifier,
    ReuploadingClassifier,
    VariationalClassifier,
)
from qml.estimators.local_training import begin, local_objective
from qml.federated import (
    BudgetError,
    Federation,
    GaussianMechanism,
    LocalClient,
    QuorumError,
    calibrated_noise,
    epsilon,
)
from qml.federated.objectives import PrivateObjective
from qml.federated.privacy import clipped
from qml.federated.row_gradients import row_gradients
from simulator.noise import NoiseModel, depolarizing
from tests.qml.federated import flat_models as flat

EXACT = 1e-12
DELTA = 1e-5


def of_accountant(accountant, noise, rate, steps):
    event = dp.GaussianDpEvent(noise) if rate == 1 else dp.PoissonSampledDpEvent(rate, dp.GaussianDpEvent(noise))
    return accountant.compose(event, steps).get_epsilon(DELTA)


@pytest.fixture(autouse=True)
def quiet():
    logging.getLogger("absl").setLevel(logging.ERROR)


@pytest.mark.parametrize(("noise", "rate", "steps"), [(1.1, 0.01, 10_000), (2.0, 1, 5), (3.0, 0.1, 100)])
def test_epsilon_is_the_accountants_to_the_digit(noise, rate, steps):
    renyi = epsilon(noise, DELTA, rate, steps)
    assert renyi == of_accountant(rdp.RdpAccountant(), noise, rate, steps)
    losses = epsilon(noise, DELTA, rate, steps, accountant="pld")
    assert losses == of_accountant(pld.PLDAccountant(), noise, rate, steps)
    assert losses < renyi


def test_published_values():
    """Opacus 1.6 computes 5.63199 by RDP and 5.2029 by its PRV accountant."""
    assert epsilon(1.1, DELTA, 0.01, 10_000) == pytest.approx(5.63199, rel=0.01)
    assert epsilon(1.1, DELTA, 0.01, 10_000, accountant="pld") == pytest.approx(5.2029, rel=0.01)
    assert round(calibrated_noise(3.0, DELTA, 0.02, 1000), 4) == 1.2163
    assert epsilon(calibrated_noise(3.0, DELTA, 0.02, 1000), DELTA, 0.02, 1000) == pytest.approx(3.0, abs=1e-4)
    assert epsilon(1.0, DELTA, 0.5, 0) == 0


def test_a_gaussian_alone_is_above_the_analytic_bound():
    """Balle and Wang, arXiv:1805.06530, equation 6: delta of one Gaussian mechanism."""
    computed = epsilon(1.3, DELTA, 1, 1, accountant="pld")
    normal = lambda t: 0.5 * math.erfc(-t / math.sqrt(2))  # noqa: E731
    delta = normal(0.5 / 1.3 - computed * 1.3) - math.exp(computed) * normal(-0.5 / 1.3 - computed * 1.3)
    assert 0.9 * DELTA < delta <= DELTA


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "needs noise, or a budget"),
        ({"noise": 0}, "noise expects a finite number above 0"),
        ({"noise": -1.0}, "noise expects"),
        ({"noise": 1.0, "delta": 1}, "delta expects a number above 0 and below 1"),
        ({"noise": 1.0, "delta": 0}, "delta expects"),
        ({"noise": 1.0, "clip": 0}, "clip expects"),
        ({"noise": 1.0, "at": "home"}, "unknown at 'home'"),
        ({"noise": 1.0, "accountant": "moments"}, "unknown accountant"),
        ({"budget": -1}, "budget expects"),
    ],
)
def test_mechanisms_are_checked(settings, message):
    with pytest.raises(ValueError, match=message):
        GaussianMechanism(**settings)


def test_epsilon_needs_the_sampling_rate():
    with pytest.raises(TypeError, match="sampling_rate"):
        epsilon(1.0, DELTA, steps=3)
    for rate in (0, 1.5, None, True):
        with pytest.raises(ValueError, match="sampling_rate expects the probability"):
            epsilon(1.0, DELTA, rate, 3)


def test_without_dp_accounting(monkeypatch):
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    with pytest.raises(ImportError, match=r"pip install 'qumba\[privacy\]'"):
        epsilon(0.77, DELTA, 0.3, 3)


@pytest.mark.parametrize("clip", [1e-3, 1.0, 1e5])
@pytest.mark.parametrize("size", [0.0, 1e-300, 1.0, 1e300])
def test_clipping(clip, size):
    change = size * np.array([3.0, -4.0])
    out = clipped(change, clip)
    assert np.linalg.norm(out) <= clip * (1 + EXACT)
    if 5 * size <= clip:
        np.testing.assert_array_equal(out, change)
    else:
        np.testing.assert_allclose(out / np.linalg.norm(out), [0.6, -0.8], rtol=EXACT)


class Plain:
    """Secure aggregation without the security."""

    def sum(self, vectors, *, round, dropped=()):
        return np.sum(list(vectors.values()), axis=0)


@pytest.mark.parametrize(
    ("at", "secure", "spread"),
    [("server", None, 1.3 * 0.5 / 4), ("client", None, 1.3 * 0.5 / 2), ("client", Plain(), 1.3 * 0.5 / 4)],
    ids=["at the server", "at the clients", "in shares"],
)
def test_noise_in_the_mean_has_the_stated_spread(at, secure, spread):
    """z C / K where the server adds it to the sum of K clients, z C / sqrt(K) where each client adds its own."""
    weights = []
    federation = Federation(
        [(np.zeros((4, 199)), np.array([0, 1, 0, 1]))] * 4,
        rounds=51,
        quorum=4,
        secure=secure,
        privacy=GaussianMechanism(noise=1.3, clip=0.5, at=at),
        callback=lambda record: weights.append(federation.weights_),
        random_state=0,
    )
    federation.fit(flat.logistic(learning_rate=1e-300))  # so that all of a change is noise
    draws = np.diff(weights, axis=0).ravel()
    assert len(draws) == 10_000
    assert abs(draws.std() - spread) < 3 * spread / math.sqrt(2 * len(draws))
    assert abs(draws.mean()) < 3 * spread / math.sqrt(len(draws))


class Boastful(LocalClient):
    def train(self, request):
        update = super().train(request)
        return type(update)(update.client, update.round, 1e6 * update.change, 10**6)


def test_the_server_clips_what_a_client_has_not():
    X, y = flat.rows()
    mechanism = GaussianMechanism(noise=1e-6, clip=0.01)
    plain = Federation([(X, y)], rounds=1, random_state=0).fit(flat.logistic(learning_rate=1e-300)).weights_
    out = Federation([Boastful("a", X, y)], rounds=1, privacy=mechanism, random_state=0).fit(flat.logistic()).weights_
    assert np.linalg.norm(out - plain) < 0.01 * (1 + 1e-4)


NETWORKS = {
    "circuit": VariationalClassifier(n_layers=2),
    "probabilities": NetworkClassifier(),
    "re-uploading": ReuploadingClassifier(),
    "dressed": DressedClassifier(),
    "Gibbs states": BoltzmannClassifier(),
    "noisy": VariationalClassifier(n_layers=1, noise=NoiseModel(depolarizing(0.05))),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_of_rows_equal_those_of_batches_of_one(name):
    X, y = load_iris(return_X_y=True)
    X, y = X[::10], y[::10]
    estimator = begin(NETWORKS[name], X, y, np.ones(len(X)), classes=None, seed=0)
    objective = local_objective(estimator, X, y, np.linspace(0.5, 2, len(X)))
    rows = np.array([1, 4, 5, 11])
    gradients = row_gradients(objective, estimator.weights_, rows)
    single = [objective.value_and_gradient(estimator.weights_, rows[k : k + 1])[1] for k in range(4)]
    np.testing.assert_allclose(gradients, single, atol=EXACT)
    np.testing.assert_allclose(
        gradients.mean(axis=0), objective.value_and_gradient(estimator.weights_, rows)[1], atol=EXACT
    )


def test_gradients_of_rows_of_images():
    images = np.random.default_rng(0).uniform(size=(6, 4, 4))
    y = np.array([0, 1] * 3)
    estimator = begin(QuanvolutionClassifier(), images, y, np.ones(6), classes=None, seed=0)
    objective = local_objective(estimator, images, y, None)
    single = [objective.value_and_gradient(estimator.weights_, np.array([k]))[1] for k in range(6)]
    np.testing.assert_allclose(row_gradients(objective, estimator.weights_, np.arange(6)), single, atol=EXACT)


def test_private_gradients():
    X, y = flat.rows(400)
    estimator = begin(flat.logistic(), X, y, np.ones(400), classes=None, seed=0)
    weights = 3 * np.ones(4)
    objective = local_objective(estimator, X, y, None)
    each = (1 / (1 + np.exp(-np.column_stack([X, np.ones(400)]) @ weights)) - y)[:, None] * np.column_stack(
        [X, np.ones(400)]
    )
    short = each * np.minimum(1, 0.5 / np.linalg.norm(each, axis=1))[:, None]
    draws = []
    for seed in range(2000):
        private = PrivateObjective(objective, clip=0.5, noise=1.0, batch=40, noise_seed=(seed,)).for_step((0, 2, 0))
        loss, gradient = private.value_and_gradient(weights, slice(None))
        assert loss == 0
        draws.append(gradient)
    # sum over Poisson samples of rate q: mean q sum g, variance q (1 - q) sum g^2 + (z C)^2
    variance = (0.1 * 0.9 * (short**2).sum(axis=0) + 0.25) / 40**2
    assert (np.abs(np.mean(draws, axis=0) - short.mean(axis=0)) < 4 * np.sqrt(variance / 2000)).all()
    np.testing.assert_allclose(np.var(draws, axis=0), variance, rtol=0.15)


def test_rows_of_unequal_weight_have_no_privacy_of_rows():
    X, y = flat.rows()
    mechanism = GaussianMechanism(noise=1.0, at="example")
    clients = [(X, y, np.linspace(1, 2, len(y)))]
    with pytest.raises(QuorumError, match="The last failure was: client 'client 0': privacy of rows needs"):
        Federation(clients, privacy=mechanism, random_state=0).fit(flat.logistic())
    for optimizer in ("spsa", "l-bfgs-b", "natural_gradient"):
        with pytest.raises(ValueError, match="needs an optimizer that uses nothing but gradients"):
            Federation([(X, y)], privacy=mechanism).fit(flat.logistic(optimizer=optimizer))


@pytest.mark.parametrize(("at", "rate"), [("server", 0.5), ("client", 1.0), ("example", 15 / 60)])
def test_epsilon_after_each_round(at, rate):
    X, y = flat.rows(120)
    clients = [(X[:60], y[:60]), (X[60:], y[60:])]
    federation = Federation(
        clients,
        rounds=3,
        local_epochs=2,
        client_fraction=0.5,
        privacy=GaussianMechanism(noise=1.5, delta=DELTA, at=at),
        random_state=0,
    )
    federation.fit(flat.logistic(batch_size=15))
    spent = [record.epsilon for record in federation.history_]
    assert spent == sorted(spent)
    asked = np.array([[name in record.accepted for name in federation.client_names_] for record in federation.history_])
    for number, value in enumerate(spent, start=1):
        most = int(asked[:number].sum(axis=0).max())
        count = {"server": number, "client": most, "example": 2 * 4 * most}[at]
        assert value == of_accountant(rdp.RdpAccountant(), 1.5, rate, count)
    assert federation.epsilon_ == spent[-1]
    assert all(record.loss is None for record in federation.history_)


def test_independent_draws_of_clients():
    X, y = flat.rows(100)
    clients = [(X[k : k + 5], y[k : k + 5]) for k in range(0, 100, 5)]
    settings = {"rounds": 60, "client_fraction": 0.3, "random_state": 0}
    private = Federation(clients, privacy=GaussianMechanism(noise=9.0), **settings)
    private.fit(flat.logistic())
    sizes = [len(record.accepted) for record in private.history_]
    assert abs(np.mean(sizes) - 6) < 3 * math.sqrt(20 * 0.3 * 0.7 / 60)
    assert abs(np.var(sizes) - 20 * 0.3 * 0.7) < 2
    plain = Federation(clients, **settings | {"rounds": 2})
    plain.fit(flat.logistic())
    assert [len(record.accepted) for record in plain.history_] == [6, 6]


@pytest.mark.parametrize("at", ["server", "client", "example"])
def test_a_budget_is_met_and_not_exceeded(at, caplog):
    X, y = flat.rows(90)
    clients = [(X[:20], y[:20]), (X[20:], y[20:])]
    mechanism = GaussianMechanism(budget=2.0, at=at)
    federation = Federation(clients, rounds=5, privacy=mechanism, random_state=0)
    federation.fit(flat.logistic())
    assert federation.privacy_.noise > 0
    assert 1.95 < federation.epsilon_ <= 2.0 * (1 + 1e-6)
    assert federation.stop_reason_ == "rounds"
    tight = GaussianMechanism(noise=federation.privacy_.noise, budget=1.5, at=at)
    shorter = Federation(clients, rounds=5, privacy=tight, random_state=0)
    shorter.fit(flat.logistic())
    assert len(shorter.history_) < 5
    assert shorter.epsilon_ <= 1.5
    assert shorter.stop_reason_ == "budget"
    assert "over the budget of 1.5" in caplog.text
    with pytest.raises(BudgetError, match="round 1 would raise epsilon to"):
        Federation(clients, privacy=GaussianMechanism(noise=0.5, budget=0.1, at=at)).fit(flat.logistic())


def test_only_means_are_private():
    X, y = flat.rows()
    mechanism = GaussianMechanism(noise=1.0)
    with pytest.raises(ValueError, match="the noise of privacy is calibrated for a sum"):
        Federation([(X, y)], aggregator="median", privacy=mechanism).fit(flat.logistic())
    with pytest.raises(ValueError, match="which clipping and noise are not for"):
        Federation([(X, y)], "scaffold", privacy=mechanism).fit(flat.logistic())
