"""The Flower apps, in one process: equal to `Federation`, with our strategies and with Flower's."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris

pytest.importorskip("flwr")
os.environ.setdefault("FLWR_TELEMETRY_ENABLED", "0")

from flwr.app import Context, RecordDict
from flwr.serverapp.strategy import FedAvg, FedTrimmedAvg

import qml
from qml import VariationalClassifier, VariationalRegressor
from qml.federated import (
    AgreementError,
    Federation,
    GaussianMechanism,
    QuorumError,
    SecureAggregation,
)
from qml.flower import client_app, server_app
from qml.optimizers import SGD
from tests.qml.flower.local_grid import CLIENTS, NAMES, ROUNDING, LocalGrid, X, Y, grid_of, run


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        (VariationalClassifier(n_layers=1), {"rounds": 3}),
        (VariationalClassifier(n_layers=1, batch_size=8), {"rounds": 2, "local_epochs": 2, "strategy": "fedadam"}),
        (VariationalClassifier(n_layers=1), {"rounds": 2, "aggregator": "median", "strategy": "fedprox"}),
        (VariationalClassifier(n_layers=1, class_weight="balanced"), {"rounds": 2, "clip_norm": 0.1}),
        (
            VariationalClassifier(n_layers=1, optimizer=SGD(momentum=0), learning_rate=0.1),
            {"rounds": 3, "strategy": "scaffold"},
        ),
        *(
            (
                VariationalClassifier(n_layers=1),
                {"rounds": 2, "privacy": GaussianMechanism(noise=1.0, clip=0.5, at=place), "reference": (X, Y)},
            )
            for place in ("client", "server", "example")
        ),
        (VariationalRegressor(n_layers=1), {"rounds": 2}),
    ],
)
def test_the_result_is_that_of_one_process(model: object, settings: dict, tmp_path: Path) -> None:
    federation = Federation(dict(zip(NAMES, CLIENTS, strict=True)), random_state=4, **settings)
    here, path = federation.fit(model), tmp_path / "model.qumba"
    there = run(grid_of(model), model, path, random_state=4, **settings)
    np.testing.assert_array_equal(there.weights_, here.weights_)
    np.testing.assert_array_equal(there.predict(X), here.predict(X))
    np.testing.assert_array_equal(there.loss_history_, here.loss_history_)
    record = qml.load(path, return_extra=True)[1]
    assert record["epsilon"] == federation.epsilon_ == record["history"][-1]["epsilon"]
    assert [entry["accepted"] for entry in record["history"]] == [list(NAMES)] * settings["rounds"]


def test_labels_and_columns_with_names(tmp_path: Path) -> None:
    frame = load_iris(as_frame=True)
    labels = np.array(frame.target_names, dtype=object)[Y]
    clients = [(frame.data[k::3], labels[k::3]) for k in range(3)]
    model = VariationalClassifier(n_layers=1)
    here = Federation(dict(zip(NAMES, clients, strict=True)), rounds=2, random_state=1).fit(model)
    there = run(grid_of(model, clients), model, tmp_path / "model.qumba", rounds=2, random_state=1)
    np.testing.assert_array_equal(there.weights_, here.weights_)
    assert there.predict(frame.data[:1]).tolist() == ["setosa"]


def test_all_clients_are_asked_before_the_first_answer_is_awaited(tmp_path: Path) -> None:
    model = VariationalClassifier(n_layers=1)
    grid, pulled = grid_of(model), []
    pull = grid.pull_messages
    grid.pull_messages = lambda numbers: (pulled.append(len(grid.sent)), pull(numbers))[1]
    run(grid, model, tmp_path / "model.qumba", rounds=2, random_state=1)
    kinds = [kind for _, kind in grid.sent]
    assert kinds == ["query.describe"] * 3 + ["query.moments"] * 3 + ["train.change"] * 6
    assert set(pulled) == {3, 6, 9, 12}  # messages sent by the time of an answer


@pytest.mark.parametrize("strategy", [FedAvg(fraction_evaluate=1.0), FedTrimmedAvg(beta=0.0, fraction_evaluate=0.0)])
def test_flowers_own_strategies(strategy: object, tmp_path: Path) -> None:
    """With full batches, no random numbers are left in the rounds."""
    model = VariationalClassifier(n_layers=1, batch_size="full")
    settings = {"rounds": 3, "local_epochs": 2, "random_state": 4}
    aggregator = "mean" if isinstance(strategy, FedAvg) and type(strategy) is FedAvg else "median"
    there = run(grid_of(model), model, tmp_path / "model.qumba", strategy, **settings)
    assert len(there.loss_history_) == 3
    assert there.loss_history_[-1] < there.loss_history_[0]
    if aggregator == "mean":
        here = Federation(dict(zip(NAMES, CLIENTS, strict=True)), **settings).fit(model)
        np.testing.assert_allclose(there.weights_, here.weights_, rtol=0, atol=ROUNDING)


def test_a_client_that_fails_costs_its_share(tmp_path: Path) -> None:
    model = VariationalClassifier(n_layers=1)
    other = VariationalClassifier(n_layers=2)
    there = run(grid_of(model, own={"south": other}), model, tmp_path / "model.qumba", rounds=2, random_state=4)
    assert there.n_iter_ == 2
    with pytest.raises(QuorumError, match="needs 3 usable updates and got 2"):
        run(grid_of(model, own={"south": other}), model, tmp_path / "m.qumba", rounds=2, random_state=4, quorum=3)


def test_a_client_trains_its_own_model_only() -> None:
    model, other = VariationalClassifier(n_layers=1), VariationalClassifier(n_layers=2, epochs=3)
    from qml.flower.client import agreed_model

    received = VariationalClassifier(n_layers=1)
    assert agreed_model(VariationalClassifier(n_layers=1, verbose=True), received, "a").verbose
    with pytest.raises(ValueError, match=r"client 'a' uses .*, which differs in \['epochs', 'n_layers'\]"):
        agreed_model(model, other, "a")
    with pytest.raises(ValueError, match="client 'a' uses"):
        agreed_model(model, VariationalRegressor(n_layers=1), "a")


@pytest.mark.parametrize(
    ("promised", "asked", "refused"),
    [
        (
            GaussianMechanism(noise=1.0, clip=0.5, at="client"),
            GaussianMechanism(noise=1.0, clip=0.5, at="client"),
            False,
        ),
        (
            GaussianMechanism(noise=1.0, clip=0.5, at="client"),
            GaussianMechanism(noise=2.0, clip=0.2, at="client"),
            False,
        ),
        (
            GaussianMechanism(noise=1.0, clip=0.5, at="client"),
            GaussianMechanism(noise=0.9, clip=0.5, at="client"),
            True,
        ),
        (
            GaussianMechanism(noise=1.0, clip=0.5, at="client"),
            GaussianMechanism(noise=1.0, clip=0.6, at="client"),
            True,
        ),
        (
            GaussianMechanism(noise=1.0, clip=0.5, at="client"),
            GaussianMechanism(noise=1.0, clip=0.5, at="server"),
            True,
        ),
        (
            GaussianMechanism(noise=1.0, clip=0.5, at="server"),
            GaussianMechanism(noise=1.0, clip=0.5, at="server"),
            False,
        ),
        (GaussianMechanism(noise=1.0, at="example"), GaussianMechanism(noise=1.0, at="example"), False),
        (GaussianMechanism(noise=1.0, at="example"), GaussianMechanism(noise=0.5, at="example"), True),
        (GaussianMechanism(noise=1.0, at="example"), GaussianMechanism(noise=1.0, at="client"), True),
        (GaussianMechanism(noise=1.0, at="client"), GaussianMechanism(noise=1.0, at="example"), True),
        (GaussianMechanism(noise=1.0, at="client"), None, True),
        (GaussianMechanism(noise=1.0, at="client"), FedAvg(fraction_evaluate=0.0), True),
    ],
)
def test_a_client_insists_on_its_privacy(promised: object, asked: object, refused: bool, tmp_path: Path) -> None:
    model = VariationalClassifier(n_layers=1)
    apps = {k: client_app(model, *CLIENTS[k], privacy=promised) for k in range(3)}
    grid = LocalGrid(apps, {k: {"partition-id": k} for k in range(3)})
    path = tmp_path / "model.qumba"
    if isinstance(asked, FedAvg):
        with pytest.raises(QuorumError, match="no client answered in 1 rounds of FedAvg"):
            run(grid, model, path, asked, rounds=1, random_state=4)
    elif refused:
        with pytest.raises(QuorumError, match="got 0"):
            run(grid, model, path, rounds=1, random_state=4, privacy=asked, reference=(X, Y))
    else:
        run(grid, model, path, rounds=1, random_state=4, privacy=asked, reference=(X, Y))


def test_a_client_keeps_no_budget() -> None:
    with pytest.raises(ValueError, match="privacy of a client needs noise"):
        client_app(VariationalClassifier(), X, Y, privacy=GaussianMechanism(budget=1.0))


def test_rows_that_do_not_fit_are_named(tmp_path: Path) -> None:
    model = VariationalClassifier(n_layers=1)
    clients = [CLIENTS[0], (CLIENTS[1][0][:, :3], CLIENTS[1][1]), CLIENTS[2]]
    with pytest.raises(AgreementError, match=r"client 'south' has rows of shape \(3,\), client 'north' of \(4,\)"):
        run(grid_of(model, clients), model, tmp_path / "model.qumba")
    clients[1] = (np.full((5, 4), np.nan), CLIENTS[1][1][:5])
    with pytest.raises(AgreementError, match=r"node 10 failed: .*client 'south': column 0 of X contains NaN"):
        run(grid_of(model, clients), model, tmp_path / "model.qumba")


def test_rows_from_a_function(tmp_path: Path) -> None:
    model = VariationalClassifier(n_layers=1)
    app = client_app(model, lambda context: CLIENTS[context.node_config["partition-id"]])
    grid = LocalGrid(
        dict.fromkeys((7, 8, 9), app), {7: {"partition-id": 2}, 8: {"partition-id": 0}, 9: {"partition-id": 1}}
    )
    there = run(grid, model, tmp_path / "model.qumba", rounds=2, random_state=4)
    here = Federation(dict(zip("012", CLIENTS, strict=True)), rounds=2, random_state=4).fit(model)
    np.testing.assert_array_equal(there.weights_, here.weights_)


def test_a_stopped_server_goes_on(tmp_path: Path) -> None:
    model = VariationalClassifier(n_layers=1)
    settings = {"random_state": 4, "resume": tmp_path / "server.ckpt"}
    run(grid_of(model), model, tmp_path / "model.qumba", rounds=2, **settings)
    resumed = run(grid_of(model), model, tmp_path / "model.qumba", rounds=4, **settings)
    whole = Federation(dict(zip(NAMES, CLIENTS, strict=True)), rounds=4, random_state=4).fit(model)
    np.testing.assert_array_equal(resumed.weights_, whole.weights_)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"clients": []}, TypeError, "makes its clients from the nodes that connect"),
        ({"secure": object()}, TypeError, "secure expects a SecureAggregation or None"),
        ({"round": 3}, TypeError, "round"),
        ({"rounds": 0}, ValueError, "rounds expects an integer of 1 or more"),
        ({"timeout": 0}, ValueError, "timeout expects a finite number above 0"),
        ({"strategy": FedAvg(), "quorum": 2}, TypeError, r"do not take \['quorum'\]"),
        ({"strategy": FedAvg(), "secure": SecureAggregation()}, TypeError, r"do not take \['secure'\]"),
        ({"strategy": FedAvg(), "resume": "a"}, TypeError, r"do not take \['resume'\]"),
        ({"strategy": "scaffold", "resume": "a"}, ValueError, "resume needs the clients' control variates"),
    ],
)
def test_settings_are_checked_before_anything_runs(settings: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        server_app(VariationalClassifier(), path="model.qumba", **settings)


def test_missing_targets_are_refused() -> None:
    with pytest.raises(TypeError, match="expects X and y, or one function"):
        client_app(VariationalClassifier(), X)
    with pytest.raises(TypeError, match="expects X and y, or one function"):
        client_app(VariationalClassifier(), lambda context: (X, Y), Y)


def test_too_few_clients(tmp_path: Path) -> None:
    app = server_app(VariationalClassifier(), path=tmp_path / "model.qumba", n_clients=4, timeout=0.5)
    with pytest.raises(TimeoutError, match=r"3 of 4 clients connected within 0.5 s"):
        app(grid_of(VariationalClassifier()), Context(1, 0, {}, RecordDict(), {}))


@pytest.mark.parametrize(
    ("first", "given", "expected"),
    [("", None, "0"), ("import flwr.supercore.telemetry; ", None, "0"), ("", "1", "1")],
)
def test_telemetry_is_off_unless_it_was_turned_on(first: str, given: str | None, expected: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "FLWR_TELEMETRY_ENABLED"}
    if given is not None:
        environment["FLWR_TELEMETRY_ENABLED"] = given
    code = f"{first}import qml.flower.library, flwr.supercore.telemetry as t; print(t.FLWR_TELEMETRY_ENABLED)"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected
