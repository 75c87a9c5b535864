import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from qml import VariationalClassifier, VariationalRegressor
from qml.federated import (
    AgreementError,
    FedAvg,
    Federation,
    FedProx,
    LocalClient,
    QuorumError,
    Update,
    UpdateError,
    dirichlet_split,
    iid_split,
)
from qml.optimizers import SGD
from tests.qml.federated import flat_models as flat

EXACT = 1e-12


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return X[order[:400], :4], y[order[:400]], X[order[400:], :4], y[order[400:]]


def initial_weights(model, X, y):
    return Federation([(X, y)], rounds=1, random_state=0).fit(model.set_params(learning_rate=1e-300)).weights_


@pytest.mark.parametrize("epochs", [1, 4])
@pytest.mark.parametrize(("strategy", "mu"), [("fedavg", 0.0), (FedProx(mu=0.7), 0.7)], ids=["averaging", "proximal"])
def test_averaging_equals_numpy(strategy, mu, epochs):
    X, y = flat.rows()
    clients = flat.unequal_clients(X, y)
    start = initial_weights(flat.logistic(), X, y)
    trained = Federation(clients, strategy, rounds=5, local_epochs=epochs, random_state=0).fit(flat.logistic())
    np.testing.assert_allclose(trained.weights_, flat.averaged(start, clients, 5, epochs, mu), atol=EXACT)


def test_scaffold_equals_numpy():
    X, y = flat.rows()
    clients = flat.unequal_clients(X, y)
    start = initial_weights(flat.logistic(), X, y)
    trained = Federation(clients, "scaffold", rounds=6, local_epochs=3, random_state=0).fit(flat.logistic())
    np.testing.assert_allclose(trained.weights_, flat.scaffolded(start, clients, 6, 3), atol=EXACT)
    assert np.abs(trained.weights_ - flat.averaged(start, clients, 6, 3)).max() > 1e-4


def test_one_client_is_training_in_one_place_to_the_bit(cancer):
    X, y = cancer[:2]
    for settings in ({"batch_size": "full"}, {"batch_size": 32}):
        model = VariationalClassifier(n_layers=1, learning_rate=1e-5, epochs=3, schedule="constant", **settings)
        alone = model.set_params(random_state=3).fit(X, y)
        together = Federation([(X, y)], rounds=1, local_epochs=3, reference=(X, y)).fit(model)
        # Weights that change by less than a factor of 2 have an exact difference (Sterbenz), the others nearly
        np.testing.assert_array_equal(together.weights_, alone._last_weights)


def test_one_client_in_several_rounds_is_training_in_one_place(cancer):
    X, y = cancer[:2]
    model = VariationalClassifier(
        n_layers=1, optimizer=SGD(momentum=0), batch_size="full", epochs=6, schedule="constant", random_state=0
    )
    alone = model.fit(X, y)
    together = Federation([(X, y)], rounds=3, local_epochs=2).fit(model)  # with the scaling of round 0
    np.testing.assert_allclose(together.weights_, alone._last_weights, atol=EXACT)


def test_equal_clients_take_the_step_of_one_place(cancer):
    X, y = cancer[:2]
    model = VariationalClassifier(
        n_layers=1, optimizer=SGD(momentum=0), batch_size="full", epochs=1, schedule="constant", random_state=0
    )
    alone = model.fit(X, y)
    for clients in ([(X, y)] * 4, list(zip(np.split(X, 4), np.split(y, 4), strict=True))):
        together = Federation(clients, rounds=1).fit(model)
        np.testing.assert_allclose(together.weights_, alone._last_weights, atol=EXACT)


def test_even_clients_score_as_training_in_one_place(cancer):
    X, y, X_test, y_test = cancer
    model = VariationalClassifier(n_layers=2, n_qubits=4, epochs=40, random_state=0)
    clients = dirichlet_split(X, y, 10, alpha=100, random_state=0)
    federation = Federation(clients, rounds=20, local_epochs=2, random_state=0)
    clf = federation.fit(model, validation_data=(X_test, y_test))
    alone = model.fit(X, y).score(X_test, y_test)
    assert clf.score(X_test, y_test) > alone - 0.03
    assert federation.history_[-1].score == clf.score(X_test, y_test)
    assert federation.history_[-1].loss < 0.7 * federation.history_[0].loss
    assert federation.epsilon_ == np.inf
    assert not hasattr(model, "federation_")
    np.testing.assert_array_equal(clf.loss_history_, [record.loss for record in federation.history_])


def test_a_seed_gives_the_same_run(cancer):
    X, y = cancer[:2]
    clients = iid_split(X, y, 4, random_state=0)
    settings = {"rounds": 3, "client_fraction": 0.5, "dropout_rate": 0.2, "straggler_rate": 0.2, "random_state": 7}
    first, second = (Federation(clients, **settings) for _ in range(2))
    model = VariationalClassifier(n_layers=1)
    np.testing.assert_array_equal(first.fit(model).weights_, second.fit(model).weights_)
    assert [r.accepted for r in first.history_] == [r.accepted for r in second.history_]
    assert all(len(r.accepted + r.dropped + r.late + r.refused) == 2 for r in first.history_)
    other = Federation(clients, **settings | {"random_state": 8, "straggler_rate": 0.0}).fit(model)
    assert not np.array_equal(other.weights_, first.weights_)


def test_regressors_and_sample_weights(cancer):
    X, _, X_test, _ = cancer
    y, y_test = X @ [1.0, 0.5, 0.0, -0.1], X_test @ [1.0, 0.5, 0.0, -0.1]
    clients = {"a": (X[:100], y[:100], np.ones(100)), "b": (X[100:], y[100:])}
    federation = Federation(clients, rounds=20, local_epochs=5, random_state=0)
    reg = federation.fit(VariationalRegressor("reuploading", n_layers=2, learning_rate=0.1))
    assert reg.score(X_test, y_test) > 0.8
    assert federation.client_names_ == ["a", "b"]


class Faulty(LocalClient):
    """Client whose update is changed before it is sent."""

    def __init__(self, name, X, y, change):
        super().__init__(name, X, y)
        self.change = change

    def train(self, request):
        return self.change(super().train(request), request)


def altered(**fields):
    return lambda update, _: Update(**{**vars(update), **{k: f(update) for k, f in fields.items()}})


def fails(update, request):
    raise RuntimeError("the disk is full")


FAULTS = {
    "not a number": altered(change=lambda u: np.where(np.arange(len(u.change)) == 1, np.nan, u.change)),
    "infinite": altered(change=lambda u: u.change + np.inf),
    "wrong shape": altered(change=lambda u: u.change[:-1]),
    "complex": altered(change=lambda u: u.change + 0j),
    "old round": altered(round=lambda u: u.round - 1),
    "another client's": altered(client=lambda u: "good"),
    "unknown client": altered(client=lambda u: "nobody"),
    "negative weight": altered(n_samples=lambda u: -5),
    "fractional weight": altered(n_samples=lambda u: 2.5),
    "dies": fails,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_client_costs_its_share_only(fault):
    X, y = flat.rows()
    good = LocalClient("good", X[:60], y[:60])
    start = initial_weights(flat.logistic(), X, y)
    clients = [Faulty("bad", X[60:], y[60:], FAULTS[fault]), good]
    federation = Federation(clients, rounds=3, random_state=0)
    trained = federation.fit(flat.logistic())
    np.testing.assert_allclose(trained.weights_, flat.descended(start, X[:60], y[:60], 3), atol=EXACT)
    assert all(record.accepted == ("good",) for record in federation.history_)
    assert all(record.refused + record.dropped == ("bad",) for record in federation.history_)


def test_a_replayed_update_is_refused(caplog):
    X, y = flat.rows()
    sent = []

    def replay(update, request):
        sent.append(update)
        return sent[0]

    clients = [LocalClient("good", X[:60], y[:60]), Faulty("bad", X[60:], y[60:], replay)]
    federation = Federation(clients, rounds=3, random_state=0)
    federation.fit(flat.logistic())
    assert [record.refused for record in federation.history_] == [(), ("bad",), ("bad",)]
    assert "expected round 2, got round 1; it is late or replayed" in caplog.text


def test_late_updates_are_not_used():
    X, y = flat.rows()
    clients = flat.unequal_clients(X, y)
    federation = Federation(clients, rounds=8, straggler_rate=0.5, quorum=1, random_state=1)
    federation.fit(flat.logistic())
    late = sum(len(record.late) for record in federation.history_)
    assert 0 < late < 24
    assert all(set(record.late).isdisjoint(record.accepted) for record in federation.history_)


def test_quorum():
    X, y = flat.rows()
    clients = [LocalClient("good", X[:60], y[:60]), Faulty("bad", X[60:], y[60:], fails)]
    with pytest.raises(QuorumError, match=r"round 1 needs 2 usable updates and got 1 \(accepted: 1, dropped: 1"):
        Federation(clients, quorum=2, random_state=0).fit(flat.logistic())
    with pytest.raises(ValueError, match="quorum=2 cannot be met: 1 of 2 clients"):
        Federation(clients, quorum=2, client_fraction=0.5).fit(flat.logistic())


def test_huge_updates_are_shortened_or_named():
    X, y = flat.rows()
    huge = altered(change=lambda u: np.full_like(u.change, 1e308))
    clients = [LocalClient("good", X[:10], y[:10]), Faulty("bad", X[10:], y[10:], huge)]
    start = initial_weights(flat.logistic(), X, y)
    trained = Federation(clients, rounds=1, clip_norm=0.1, random_state=0).fit(flat.logistic())
    assert np.linalg.norm(trained.weights_ - start) <= 0.1 * (1 + EXACT)
    with pytest.raises(UpdateError, match="is not finite: updates of finite numbers overflow"):
        Federation([clients[1]] * 1, FedAvg(1e3), rounds=2, random_state=0).fit(flat.logistic())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rounds": 0}, "rounds expects an integer of 1 or more"),
        ({"local_epochs": 0}, "local_epochs expects"),
        ({"client_fraction": 1.5}, "client_fraction expects a share of at most 1"),
        ({"dropout_rate": 2}, "dropout_rate expects a probability"),
        ({"strategy": "fedavgg"}, "did you mean 'fedavg'"),
        ({"aggregator": "krumm"}, "did you mean 'krum'"),
        ({"strategy": "scaffold", "aggregator": "median"}, "Scaffold averages control variates"),
        ({"clip_norm": -1}, "clip_norm expects"),
        ({"privacy": 3}, "privacy expects a GaussianMechanism"),
        ({"secure": 3}, "secure expects an object with sum"),
        ({"clients": []}, "needs one or more clients"),
        ({"clients": [3]}, "must be a pair"),
        ({"clients": 3}, "clients expects pairs"),
    ],
)
def test_settings_are_checked(settings, message):
    X, y = flat.rows()
    settings = {"clients": flat.unequal_clients(X, y)} | settings
    with pytest.raises((ValueError, TypeError), match=message):
        Federation(**settings).fit(flat.logistic())


def test_models_are_checked():
    X, y = flat.rows()
    from sklearn.linear_model import LogisticRegression

    with pytest.raises(TypeError, match="a federation trains an estimator of qml that trains a network"):
        Federation([(X, y)]).fit(LogisticRegression())
    with pytest.raises(ValueError, match="early_stopping holds out rows of one data set"):
        Federation([(X, y)]).fit(VariationalClassifier(early_stopping=True))
    with pytest.raises(ValueError, match="plain gradient descent"):
        Federation([(X, y)], "scaffold").fit(VariationalClassifier())
    with pytest.raises(ValueError, match="two clients are called 'a'"):
        Federation([LocalClient("a", X, y)] * 2).fit(flat.logistic())
    with pytest.raises(AgreementError, match="client 'b': column 1 of X contains NaN"):
        Federation({"a": (X, y), "b": (np.where(np.arange(3) == 1, np.nan, X), y)}).fit(flat.logistic())


def test_a_callback_stops_the_run():
    X, y = flat.rows()
    federation = Federation([(X, y)], rounds=9, callback=lambda record: record.round == 2, random_state=0)
    federation.fit(flat.logistic())
    assert (len(federation.history_), federation.stop_reason_) == (2, "callback")
    assert federation.history_[0].n_bytes == 2 * 8 * 4
