"""A federation whose server sees sums only."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from qml import VariationalClassifier
from qml.federated import (
    AgreementError,
    Federation,
    GaussianMechanism,
    LocalClient,
    QuorumError,
    SecureAggregation,
    TooFewClientsError,
    dirichlet_split,
)
from qml.federated.remote_sums import Masking, term
from qml.federated.secure.client import SecureClient
from qml.federated.secure.fixed_point import FixedPoint, add
from qml.federated.secure.messages import MaskedVector
from qml.federated.secure.server import SecureServer

ROUNDING = 1e-12
X, Y = load_iris(return_X_y=True)
CLIENTS = dirichlet_split(X, Y, 5, 1.0, 0)
MODEL = VariationalClassifier(n_layers=1)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"strategy": "fedadam", "local_epochs": 2},
        {"dropout_rate": 0.3, "quorum": 3},
        {"client_fraction": 0.8},
        {"privacy": GaussianMechanism(noise=0.5, clip=0.5)},
    ],
)
def test_the_weights_are_those_of_plain_sums(settings: dict) -> None:
    plain = Federation(CLIENTS, rounds=3, random_state=0, **settings).fit(MODEL)
    secure = Federation(CLIENTS, rounds=3, random_state=0, secure=SecureAggregation(threshold=3), **settings).fit(MODEL)
    np.testing.assert_allclose(secure.weights_, plain.weights_, rtol=0, atol=ROUNDING)


def test_the_same_seed_gives_the_same_weights() -> None:
    """Although the keys are drawn by the operating system: masks cancel exactly."""
    runs = [
        Federation(CLIENTS, rounds=2, random_state=0, secure=SecureAggregation(threshold=3)).fit(MODEL).weights_
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*runs)


def test_the_server_is_given_masked_vectors_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every vector that a client encodes is sought in what the server's part receives, as numbers and as integers."""
    encoded, received = [], []
    encode, collect = SecureClient.masked_vector, SecureServer.collect_vectors

    def remembered(client: SecureClient, vector: np.ndarray, shares: list) -> MaskedVector:
        encoded.append(np.array(vector))
        return encode(client, vector, shares)

    def spied(server: SecureServer, messages: list[MaskedVector]) -> list[str]:
        received.extend(messages)
        return collect(server, messages)

    monkeypatch.setattr(SecureClient, "masked_vector", remembered)
    monkeypatch.setattr(SecureServer, "collect_vectors", spied)
    Federation(CLIENTS, rounds=2, random_state=0, secure=SecureAggregation(threshold=3)).fit(MODEL)
    assert len(encoded) == len(received) == 3 * 5  # statistics and two rounds, of five clients
    numbers = FixedPoint()
    for vector, message in zip(encoded, received, strict=True):
        assert message.values.shape == (len(vector), 2)
        assert not np.isin(numbers.encode(vector, terms=5)[:, 0], message.values).any()
        distance = np.abs(numbers.decode(message.values) - vector)
        assert np.median(distance) > 2.0**55  # of numbers below 2**63


class Elsewhere:
    """A sum whose clients make their terms themselves, in fixed point and without masks."""

    def __init__(self, clients: dict) -> None:
        self.clients = clients

    def summed(self, terms: dict, confirm: object) -> np.ndarray:
        confirm(list(terms))
        numbers = FixedPoint()
        total = np.zeros((len(next(iter(terms.values()))), 2), np.uint64)
        for vector in terms.values():
            total = add(total, numbers.encode(vector, terms=len(self.clients)))
        return numbers.decode(total)

    def moments(self, statistics: object, *, round: int, confirm: object) -> np.ndarray:
        return self.summed({name: client.moments(statistics) for name, client in self.clients.items()}, confirm)

    def changes(
        self, requests: dict, *, factors: dict, clip_norm: float, length: int, late: list, confirm: object
    ) -> np.ndarray:
        terms = {
            name: term(self.clients[name].train(request), Masking(request.round, 2, 64, factors[name], clip_norm))
            for name, request in requests.items()
            if name not in late
        }
        assert all(len(vector) == length for vector in terms.values())
        return self.summed(terms, confirm)


SETTINGS = [
    {},
    {"strategy": "fedyogi", "clip_norm": 0.1, "client_fraction": 0.8},
    {"dropout_rate": 0.2, "straggler_rate": 0.2, "quorum": 2, "rounds": 4},
    *({"privacy": GaussianMechanism(noise=0.5, clip=0.05, at=place)} for place in ("server", "client", "example")),
    {"privacy": GaussianMechanism(noise=0.5, clip=0.05), "client_fraction": 0.7},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_terms_that_clients_make_themselves_have_the_same_sum(settings: dict) -> None:
    settings = {"rounds": 2, "random_state": 1} | settings
    secure = Federation(CLIENTS, secure=SecureAggregation(threshold=2), **settings)
    clients = {f"client {k}": LocalClient(f"client {k}", *data) for k, data in enumerate(CLIENTS)}
    remote = Federation(clients, secure=Elsewhere(clients), **settings)
    np.testing.assert_array_equal(remote.fit(MODEL).weights_, secure.fit(MODEL).weights_)
    for one, other in zip(remote.history_, secure.history_, strict=True):
        assert (one.accepted, one.dropped, one.late) == (other.accepted, other.dropped, other.late)


def test_the_quorum_is_counted_before_a_remote_sum_is_known() -> None:
    class Losing(Elsewhere):
        def summed(self, terms: dict, confirm: object) -> np.ndarray:
            confirm(list(terms)[1:])
            raise AssertionError("this sum must not be revealed")

    clients = {f"client {k}": LocalClient(f"client {k}", *data) for k, data in enumerate(CLIENTS)}
    with pytest.raises(QuorumError, match="round 1 needs 5 usable updates and got 4"):
        Federation(clients, secure=Losing(clients), quorum=5, reference=(X, Y)).fit(MODEL)
    with pytest.raises(AgreementError, match=r"sums of all clients, and \['client 0'\] did not send theirs"):
        Federation(clients, secure=Losing(clients)).fit(MODEL)


def test_too_few_clients_for_the_threshold() -> None:
    federation = Federation(CLIENTS, rounds=1, random_state=0, secure=SecureAggregation(threshold=6))
    with pytest.raises(TooFewClientsError, match="5 of the 6 clients that secure aggregation needs sent their keys"):
        federation.fit(MODEL)


def test_robust_aggregators_need_to_see_the_updates() -> None:
    with pytest.raises(ValueError, match="secure aggregation shows the server a sum only"):
        Federation(CLIENTS, aggregator="median", secure=SecureAggregation()).fit(MODEL)
