"""Secure aggregation through the Flower apps: the same bits as in one process, and a server that sees sums only."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("flwr")

from flwr.app import ArrayRecord, ConfigRecord, Message, RecordDict
from flwr.common.serde import recorddict_to_proto
from flwr.serverapp.strategy import FedAvg

import qml
from qml import VariationalClassifier, VariationalRegressor
from qml.federated import (
    AgreementError,
    Federation,
    GaussianMechanism,
    LocalClient,
    QuorumError,
    Request,
    SecureAggregation,
    TooFewClientsError,
    Update,
)
from qml.federated.secure import FixedPoint, SecureClient
from qml.flower import client_app
from qml.flower.masking import SECRETS
from qml.optimizers import SGD
from tests.qml.flower.local_grid import CLIENTS, NAMES, NODES, LocalGrid, Silence, X, Y, grid_of, run

MODEL = VariationalClassifier(n_layers=1)
SECURE = SecureAggregation(threshold=2)
STEPS = ("train.keys", "query.shares", "query.vector", "query.reveal")


def in_process(model: object = MODEL, clients: object = None, **settings: object) -> Federation:
    clients = dict(zip(NAMES, CLIENTS, strict=True)) if clients is None else clients
    federation = Federation(clients, random_state=4, secure=SECURE, **settings)
    federation.model = federation.fit(model)
    return federation


def through_flower(path: Path, model: object = MODEL, grid: LocalGrid | None = None, **settings: object) -> object:
    settings = {"secure": SecureAggregation(threshold=2), "random_state": 4} | settings
    return run(grid_of(model, secure=2) if grid is None else grid, model, path, **settings)


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        (MODEL, {"rounds": 3}),
        (VariationalClassifier(n_layers=1, batch_size=8), {"rounds": 2, "local_epochs": 2, "strategy": "fedadam"}),
        (VariationalClassifier(n_layers=1, class_weight="balanced"), {"rounds": 2, "clip_norm": 0.1}),
        (
            VariationalClassifier(n_layers=1, optimizer=SGD(momentum=0), learning_rate=0.1),
            {"rounds": 3, "strategy": "scaffold"},
        ),
        *(
            (MODEL, {"rounds": 2, "privacy": GaussianMechanism(noise=1.0, clip=0.05, at=place), "quorum": 2})
            for place in ("client", "server", "example")
        ),
        (MODEL, {"rounds": 2, "reference": (X[::5], Y[::5])}),
        (MODEL, {"rounds": 2, "dropout_rate": 0.15}),
        (MODEL, {"rounds": 5, "straggler_rate": 0.1}),
        (VariationalRegressor(n_layers=1), {"rounds": 2}),
    ],
)
def test_the_result_is_that_of_one_process(model: object, settings: dict, tmp_path: Path) -> None:
    here, path = in_process(model, **settings), tmp_path / "model.qumba"
    there = through_flower(path, model, **settings)
    np.testing.assert_array_equal(there.weights_, here.model.weights_)
    np.testing.assert_array_equal(there.predict(X), here.model.predict(X))
    record = qml.load(path, return_extra=True)[1]
    assert record["epsilon"] == here.epsilon_
    for entry, expected in zip(record["history"], here.history_, strict=True):
        for outcome in ("accepted", "dropped", "late", "refused"):
            assert entry[outcome] == list(getattr(expected, outcome))
    simulated = {"dropout_rate": "dropped", "straggler_rate": "late"}
    for rate, outcome in simulated.items():
        assert any(entry[outcome] for entry in record["history"]) == (rate in settings)


def contents(grid: LocalGrid) -> bytes:
    """All that a server received, in the form in which Flower sends it."""
    return b"\n".join(recorddict_to_proto(message.content).SerializeToString() for message in grid.received)


def patterns(vector: np.ndarray) -> Iterator[bytes]:
    """The bytes of each number, and of the integer that stands for it in a sum."""
    for number in np.asarray(vector)[np.asarray(vector) != 0]:
        yield np.float64(number).tobytes()
    for words in FixedPoint().encode(vector, terms=3):
        if words[0] and words[1] in (0, np.uint64(2**64 - 1)):
            yield words[0].tobytes()


def test_the_server_receives_masked_vectors_and_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes of all vectors, before and after scaling, and of all private keys are sought in what arrives."""
    vectors, secrets = [], set()
    train, moments, encode = LocalClient.train, LocalClient.moments, SecureClient.masked_vector

    def trained(client: LocalClient, request: Request) -> Update:
        update = train(client, request)
        vectors.append(update.change)
        vectors.append(request.weights + update.change)
        return update

    def summed(client: LocalClient, statistics: object) -> np.ndarray:
        vectors.append(moments(client, statistics))
        return vectors[-1]

    def masked(client: SecureClient, vector: np.ndarray, shares: list) -> object:
        vectors.append(vector)
        secrets.update((client._sealing.private, client._masking.private, client._seed))
        return encode(client, vector, shares)

    monkeypatch.setattr(LocalClient, "train", trained)
    monkeypatch.setattr(LocalClient, "moments", summed)
    monkeypatch.setattr(SecureClient, "masked_vector", masked)
    grid = grid_of(MODEL, secure=True)
    through_flower(tmp_path / "model.qumba", grid=grid, rounds=2)
    assert len(vectors) == 3 * (2 + 3 * 2)  # of three clients: moments, changes, weights, and terms of three sums
    assert len(secrets) == 3 * 3 * 3
    received = contents(grid)
    for vector in vectors:
        assert not [pattern for pattern in patterns(vector) if pattern in received]
    assert not [secret for secret in secrets if secret in received or secret.hex().encode() in received]
    assert all(SECRETS not in context.state for context in grid.contexts.values())

    vectors.clear()
    plain = grid_of(MODEL)
    through_flower(tmp_path / "model.qumba", grid=plain, rounds=2, secure=None)
    seen = contents(plain)
    assert all(any(pattern in seen for pattern in patterns(vector)) for vector in vectors[:3])  # the search works


class Faulty:
    """App of a client that fails in a step, the n-th time that it is asked for it."""

    def __init__(self, app: Callable, kind: str, time: int, fault: Callable | Exception) -> None:
        self.app, self.kind, self.time, self.fault, self.asked = app, kind, time, fault, 0

    def __call__(self, message: Message, context: object) -> Message:
        self.asked += message.metadata.message_type == self.kind
        if message.metadata.message_type == self.kind and self.asked == self.time:
            if isinstance(self.fault, Exception):
                raise self.fault
            self.fault(context)
        return self.app(message, context)


def faulty(kind: str, *, time: int, fault: Callable | Exception, names: tuple = ("south",)) -> LocalGrid:
    grid = grid_of(MODEL)
    for name in names:
        grid.apps[NODES[name]] = Faulty(grid.apps[NODES[name]], kind, time, fault)
    return grid


class Absent(LocalClient):
    """Client that fails in a round."""

    def train(self, request: Request) -> Update:
        if request.round == 2:
            raise OSError("gone")
        return super().train(request)


@pytest.mark.parametrize("kind", STEPS)
def test_a_client_that_dies_between_steps(kind: str, tmp_path: Path) -> None:
    """Its vector is not in the sum, unless it has been sent: then the others' shares are enough."""
    reference = {"reference": (X[::5], Y[::5]), "rounds": 3}
    there = through_flower(tmp_path / "m.qumba", grid=faulty(kind, time=2, fault=OSError("gone")), **reference)
    clients = {name: LocalClient(name, *data) for name, data in zip(NAMES, CLIENTS, strict=True)}
    if kind != "query.reveal":
        clients["south"] = Absent("south", *CLIENTS[1])
    here = in_process(clients=clients, **reference)
    np.testing.assert_array_equal(there.weights_, here.model.weights_)


def test_a_client_that_does_not_answer_is_not_awaited_for_ever(tmp_path: Path) -> None:
    grid = faulty("query.vector", time=2, fault=Silence())
    there = through_flower(tmp_path / "m.qumba", grid=grid, rounds=2, timeout=0.5)
    history = qml.load(tmp_path / "m.qumba", return_extra=True)[1]["history"]
    assert there.n_iter_ == 2
    assert [entry["dropped"] for entry in history] == [["south"], []]


def test_a_restarted_client_leaves_the_sum_and_joins_the_next(tmp_path: Path) -> None:
    def restart(context: object) -> None:
        context.state = RecordDict()

    grid = faulty("query.vector", time=2, fault=restart)
    through_flower(tmp_path / "m.qumba", grid=grid, rounds=2)
    history = qml.load(tmp_path / "m.qumba", return_extra=True)[1]["history"]
    assert [entry["accepted"] for entry in history] == [["north", "west"], list(NAMES)]
    errors = [message.error.reason for message in grid.received if message.has_error()]
    assert len(errors) == 1
    assert "client 'south' has no secrets for round 1: it was restarted" in errors[0]


@pytest.mark.parametrize("kind", STEPS)
def test_too_few_clients_end_the_run_which_can_go_on(kind: str, tmp_path: Path) -> None:
    settings = {"rounds": 3, "reference": (X[::5], Y[::5])}
    path, checkpoint = tmp_path / "m.qumba", tmp_path / "server.ckpt"
    grid = faulty(kind, time=2, fault=OSError("gone"), names=("south", "west"))
    with pytest.raises(TooFewClientsError, match=r"round 2: 1 of the 2 clients .*last failure was: node .*gone"):
        through_flower(path, grid=grid, resume=checkpoint, **settings)
    assert not path.exists()
    resumed = through_flower(path, resume=checkpoint, **settings)
    np.testing.assert_array_equal(resumed.weights_, in_process(**settings).model.weights_)


def test_the_quorum_is_counted_before_the_sum_is_known(tmp_path: Path) -> None:
    """With noise in shares of 1 / quorum, a sum of fewer clients has too little."""
    grid = faulty("query.vector", time=2, fault=OSError("gone"))
    with pytest.raises(QuorumError, match="round 1 needs 3 usable updates and got 2"):
        through_flower(tmp_path / "m.qumba", grid=grid, rounds=2, quorum=3)
    kinds = [kind for _, kind in grid.sent]
    assert kinds.count("query.reveal") == 3  # of round 0
    assert kinds.count("query.vector") == 6


def test_round_0_needs_all_clients(tmp_path: Path) -> None:
    grid = faulty("query.vector", time=1, fault=OSError("gone"))
    with pytest.raises(AgreementError, match=r"the sums of all clients, and \['south'\] did not send theirs"):
        through_flower(tmp_path / "m.qumba", grid=grid, rounds=2)
    assert "query.reveal" not in [kind for _, kind in grid.sent]


@pytest.mark.parametrize(
    ("insists", "settings", "error", "text"),
    [
        (True, {"secure": None}, AgreementError, "behind masks only: use server_app"),
        (True, {"secure": None, "reference": (X, Y)}, QuorumError, "got 0 .* behind masks only"),
        (3, {"secure": SecureAggregation(threshold=2)}, TooFewClientsError, "thresholds of 3 or more, .* asked for 2"),
        (3, {"secure": SecureAggregation(threshold=2), "reference": (X, Y)}, TooFewClientsError, "asked for 2"),
    ],
)
def test_a_client_insists_on_masks(insists: object, settings: dict, error: type, text: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=text):
        through_flower(tmp_path / "m.qumba", grid=grid_of(MODEL, secure=insists), rounds=1, **settings)
    through_flower(
        tmp_path / "m.qumba", grid=grid_of(MODEL, secure=insists), rounds=1, secure=SecureAggregation(threshold=3)
    )


def test_a_client_that_insists_takes_no_part_in_flowers_strategies(tmp_path: Path) -> None:
    grid = grid_of(MODEL, secure=True)
    with pytest.raises(AgreementError, match="behind masks only"):
        through_flower(tmp_path / "m.qumba", grid=grid, strategy=FedAvg(fraction_evaluate=1.0), rounds=1, secure=None)
    for kind in ("train", "evaluate"):
        with pytest.raises(ValueError, match="behind masks only"):
            grid.apps[30](Message(RecordDict(), 30, kind), grid.contexts[30])


@pytest.mark.parametrize("wrong", [1, 0, 2.0, "yes"])
def test_a_threshold_is_an_integer_above_1(wrong: object) -> None:
    with pytest.raises(ValueError, match="secure expects an integer of 2 or more"):
        client_app(MODEL, X, Y, secure=wrong)


@pytest.mark.parametrize(("deviations", "threshold", "refused"), [(2, 2, False), (3, 3, False), (3, 2, True)])
def test_noise_of_the_clients_adds_up_to_what_they_insist_on(
    deviations: int, threshold: int, refused: bool, tmp_path: Path
) -> None:
    """Each adds a share of 1 / quorum, and no sum of fewer clients than the threshold is ever known."""
    mechanism = GaussianMechanism(noise=1.0, clip=0.5, at="client")
    grid = grid_of(MODEL, privacy=mechanism)
    settings = {"privacy": mechanism, "rounds": 1, "quorum": deviations}
    settings |= {"secure": SecureAggregation(threshold=threshold)}
    if refused:
        with pytest.raises(TooFewClientsError, match="trains with GaussianMechanism"):
            through_flower(tmp_path / "m.qumba", grid=grid, **settings)
    else:
        through_flower(tmp_path / "m.qumba", grid=grid, **settings)


def test_old_questions_and_second_answers_are_refused(tmp_path: Path) -> None:
    """A server that repeats a step, in the same round or another, learns nothing from it."""
    repeated = []

    class Repeating(LocalGrid):
        def push_messages(self, messages: list) -> list:
            messages = list(messages)
            numbers = super().push_messages(messages)
            for message in messages:
                kind = message.metadata.message_type
                if kind in STEPS[1:]:
                    repeated.append(kind)
                    super().push_messages([Message(message.content, message.metadata.dst_node_id, kind)])
            return numbers

    model = grid_of(MODEL)
    grid = Repeating(model.apps, {NODES[name]: {"name": name} for name in NAMES})
    there = through_flower(tmp_path / "m.qumba", grid=grid, rounds=1)
    np.testing.assert_array_equal(there.weights_, in_process(rounds=1).model.weights_)
    errors = [message.error.reason for message in grid.received if message.has_error()]
    assert len(errors) == len(repeated) == 2 * 3 * 3
    assert sum("expects masked_vector next in round" in error for error in errors) == 6
    assert sum("expects reveal next in round" in error for error in errors) == 6
    assert sum("has no secrets for round" in error for error in errors) == 6


def test_questions_of_another_round_are_refused() -> None:
    grid = grid_of(MODEL)
    context = grid.contexts[30]
    client = SecureClient("north", round=3, threshold=2)
    client.public_keys()
    context.state[SECRETS] = ConfigRecord({"client": client.to_bytes()})
    context.state["vector"] = ArrayRecord([np.ones(2)])
    question = RecordDict({"config": ConfigRecord({"round": 2})})
    for kind in STEPS[1:]:
        with pytest.raises(ValueError, match="client 'north' is in round 3, got a question of round 2"):
            grid.apps[30](Message(question, 30, kind), context)
