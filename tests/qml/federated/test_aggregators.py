import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import trim_mean

from qml.federated import AGGREGATORS, Bulyan, Krum, Mean, Median, MultiKrum, TrimmedMean, Update
from qml.federated.aggregators import get_aggregator

EXACT = 1e-12


def updates(changes, counts=None):
    counts = range(1, len(changes) + 1) if counts is None else counts
    return [Update(str(k), 1, change, int(n)) for k, (change, n) in enumerate(zip(changes, counts, strict=True))]


def krum_order(changes, n_malicious):
    """Indices by Krum score, with loops, as in section 4 of arXiv:1703.02757."""
    n, scores = len(changes), []
    for i in range(n):
        distances = sorted(float(np.sum((changes[i] - changes[j]) ** 2)) for j in range(n) if j != i)
        scores.append(sum(distances[: n - n_malicious - 2]))
    return sorted(range(n), key=lambda i: scores[i])


def drawn(seed, n=11, d=5):
    return np.random.default_rng(seed).normal(size=(n, d))


@given(st.integers(0, 10**6))
def test_references(seed):
    changes = drawn(seed)
    counts = np.arange(1, 12)
    sent = updates(changes, counts)
    order = krum_order(changes, 2)
    selected = changes[order[: 11 - 4]]
    distance = np.abs(selected - np.median(selected, axis=0))
    bulyan = [
        np.mean(sorted(selected[:, j], key=lambda v, j=j: abs(v - np.median(selected[:, j])))[:3]) for j in range(5)
    ]
    assert distance.shape == (7, 5)
    expected = {
        Mean(): np.average(changes, axis=0, weights=counts),
        Mean(weighted=False): changes.mean(axis=0),
        Median(): np.median(changes, axis=0),
        TrimmedMean(0.2): trim_mean(changes, 0.2, axis=0),
        Krum(2): changes[order[0]],
        MultiKrum(2, 4): np.average(changes[order[:4]], axis=0, weights=counts[order[:4]]),
        MultiKrum(2): np.average(changes[order[:9]], axis=0, weights=counts[order[:9]]),
        Bulyan(2): bulyan,
    }
    for aggregator, result in expected.items():
        np.testing.assert_allclose(aggregator.aggregate(sent), result, atol=EXACT, err_msg=repr(aggregator))


@pytest.mark.parametrize("name", [name for name in AGGREGATORS if name != "mean"])
@pytest.mark.parametrize("lie", [-50.0, 1e6, 1e200])
def test_two_liars_do_not_move_a_robust_aggregate(name, lie):
    honest = 1.0 + 0.1 * drawn(0, n=13)
    settings = {"n_malicious": 2} if name in ("krum", "multikrum", "bulyan") else {}
    aggregator = AGGREGATORS[name](**settings)
    lied = aggregator.aggregate(updates(np.vstack([lie * honest[:2], honest[2:]])))
    assert np.abs(lied - 1.0).max() < 0.4
    assert np.abs(Mean().aggregate(updates(np.vstack([lie * honest[:2], honest[2:]]))) - 1.0).max() > 0.5


@pytest.mark.parametrize("name", AGGREGATORS)
def test_equal_updates_are_their_aggregate(name):
    changes = np.tile(drawn(0, n=1), (7, 1))
    np.testing.assert_allclose(get_aggregator(name).aggregate(updates(changes)), changes[0], atol=EXACT)


def test_too_few_updates():
    for aggregator, least in ((Krum(1), 5), (MultiKrum(1), 5), (Bulyan(1), 7)):
        with pytest.raises(ValueError, match=f"needs {least} or more updates in a round, got {least - 1}"):
            aggregator.aggregate(updates(drawn(0, n=least - 1)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TrimmedMean(0.5), "fraction expects"),
        (lambda: Krum(-1), "n_malicious expects"),
        (lambda: MultiKrum(1, 0), "n_selected expects"),
        (lambda: Mean(weighted="yes"), "weighted expects"),
    ],
)
def test_settings_are_checked(make, message):
    with pytest.raises(ValueError, match=message):
        make()
