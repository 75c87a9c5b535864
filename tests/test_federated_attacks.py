"""The attacks succeed where nothing protects against them, and fail where something does."""

import numpy as np

from benchmarks import federated_attacks as attacks
from qml import VariationalClassifier
from qml.federated import Federation, TrimmedMean, iid_split

EXACT = 1e-3  # standard deviations of the features


def test_an_update_of_one_row_gives_the_row_away_unless_it_is_masked_or_noisy() -> None:
    X, y = attacks.breast_cancer_rows()
    model = VariationalClassifier(n_layers=2, epochs=5, random_state=0).fit(X, y)
    victim = attacks.Victim(model, X[[5]], y[[5]])
    update = victim.gradient(victim.X)
    np.testing.assert_allclose(update, victim.objective.value_and_gradient(model.weights_, slice(None))[1], atol=1e-12)
    others = [attacks.Victim(model, X[[k]], y[[k]]).gradient(X[[k]]) for k in (6, 7)]
    seen = {
        "plain": (update, lambda update: update),
        "clipped": (attacks.clipped(update), attacks.clipped),
        "noisy": (attacks.noisy(update, 1.0, np.random.default_rng(0)), attacks.clipped),
        "masked": (attacks.masked([update, *others]), attacks.clipped),
    }
    errors = {}
    for name, (message, protocol) in seen.items():
        guess = attacks.inverted(victim, message, protocol, X.min(axis=0), X.max(axis=0), seed=0)
        errors[name] = attacks.row_errors(victim.X, guess)[0]
    assert errors["plain"] < EXACT
    assert errors["clipped"] < EXACT
    assert errors["noisy"] > attacks.RECOVERED
    assert errors["masked"] > attacks.RECOVERED


def test_poisoned_updates_ruin_a_mean_and_not_a_trimmed_one() -> None:
    X, y = attacks.breast_cancer_rows()
    clients = iid_split(X[:300], y[:300], 5, 0)
    scores = {}
    for aggregator in ("mean", TrimmedMean(0.4)):
        federation = Federation(
            attacks.poisoned(clients, factor=-10.0, flip=False), aggregator=aggregator, rounds=8, random_state=0
        )
        scores[str(aggregator)] = federation.fit(VariationalClassifier(n_layers=1)).score(X[300:], y[300:])
    mean, trimmed = scores.values()
    assert trimmed > 0.8
    assert mean < trimmed - 0.2
