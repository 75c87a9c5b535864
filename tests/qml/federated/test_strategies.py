import numpy as np
import pytest

from qml.federated import STRATEGIES, FedAdam, FedAvg, FedProx, FedYogi, Scaffold

EXACT = 1e-12


def stepped(strategy, weights, changes):
    state = strategy.init(len(weights))
    for number, change in enumerate(changes, start=1):
        state, weights = strategy.step(state, weights, change, number, 1.0)
    return weights


@pytest.fixture
def changes():
    return np.random.default_rng(0).normal(size=(6, 4))


def test_averaging(changes):
    start = np.arange(4.0)
    np.testing.assert_array_equal(stepped(FedAvg(), start, changes[:1]), start + changes[0])
    np.testing.assert_allclose(stepped(FedAvg(0.5), start, changes), start + 0.5 * changes.sum(axis=0), atol=EXACT)
    assert FedProx(mu=0.3).proximal == 0.3
    assert FedAvg().proximal == 0


@pytest.mark.parametrize("yogi", [False, True])
def test_adaptive_steps(changes, yogi):
    """Algorithm 2 of arXiv:2003.00295, number by number; the rate of Adam as in Flower."""
    rate, b1, b2, tau = 0.07, 0.8, 0.95, 1e-2
    expected = np.arange(4.0)
    m, v = [0.0] * 4, [0.0] * 4
    for number, change in enumerate(changes, start=1):
        for j, d in enumerate(change):
            m[j] = b1 * m[j] + (1 - b1) * d
            v[j] = v[j] - (1 - b2) * d * d * np.sign(v[j] - d * d) if yogi else b2 * v[j] + (1 - b2) * d * d
            eta = rate if yogi else rate * (1 - b2 ** (number + 1)) ** 0.5 / (1 - b1 ** (number + 1))
            expected[j] += eta * m[j] / (v[j] ** 0.5 + tau)
    strategy = (FedYogi if yogi else FedAdam)(rate, b1, b2, tau)
    np.testing.assert_allclose(stepped(strategy, np.arange(4.0), changes), expected, atol=EXACT)


def test_a_share_of_the_clients_moves_the_control_variate_by_its_share():
    state, weights = Scaffold().step({"control": np.ones(2)}, np.zeros(2), np.array([1.0, 2.0, 3.0, 4.0]), 1, 0.5)
    np.testing.assert_array_equal(weights, [1.0, 2.0])
    np.testing.assert_array_equal(state["control"], [2.5, 3.0])


@pytest.mark.parametrize("name", STRATEGIES)
def test_rates_are_positive(name):
    with pytest.raises(ValueError, match="learning_rate expects a finite number above 0"):
        STRATEGIES[name](learning_rate=0)


def test_settings_are_checked():
    with pytest.raises(ValueError, match="beta2 expects"):
        FedAdam(beta2=1)
    with pytest.raises(ValueError, match="mu expects"):
        FedProx(mu=-1)
