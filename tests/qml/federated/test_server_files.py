import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from qml.federated import FedAdam, Federation, GaussianMechanism
from qml.federated.clients import LocalClient
from qml.files.container import ModelFileError, read_container, write_container
from qml.training.checkpoints import CheckpointLockedError, CheckpointMismatchError
from simulator.files import beside, locked
from tests.qml.federated import flat_models as flat

FEDERATIONS = {
    "averaging": {},
    "with faults": {"client_fraction": 0.7, "dropout_rate": 0.1, "straggler_rate": 0.2, "random_state": 3},
    "adaptive": {"strategy": FedAdam(0.05)},
    "control variates": {"strategy": "scaffold", "local_epochs": 2},
    "private clients": {"privacy": GaussianMechanism(noise=1.0), "client_fraction": 0.6},
    "private rows": {"privacy": GaussianMechanism(noise=1.0, at="example")},
}


def federation(name, rounds, **settings):
    X, y = flat.rows()
    return Federation(
        flat.unequal_clients(X, y), **{"rounds": rounds, "random_state": 0} | FEDERATIONS[name] | settings
    )


def facts(trained):
    """What must not depend on an interruption: the history without the clock."""
    return [{**vars(record), "seconds": None} for record in trained.history_]


@pytest.mark.parametrize("name", FEDERATIONS)
def test_a_run_that_is_cut_short_goes_on_to_the_same_bits(name, tmp_path):
    path = tmp_path / "server.checkpoint"
    whole, first, second = federation(name, 6), federation(name, 3), federation(name, 6)
    expected = whole.fit(flat.logistic(batch_size=16))
    first.fit(flat.logistic(batch_size=16), resume=path)
    resumed = second.fit(flat.logistic(batch_size=16), resume=path)
    np.testing.assert_array_equal(resumed.weights_, expected.weights_)
    assert facts(second) == facts(whole)
    assert second.epsilon_ == whole.epsilon_
    np.testing.assert_array_equal(resumed.loss_history_, expected.loss_history_)


def test_ctrl_c_keeps_the_finished_rounds(tmp_path, monkeypatch, caplog):
    path = tmp_path / "server.checkpoint"
    whole, first, second = (federation("averaging", 4) for _ in range(3))
    train = LocalClient.train

    def interrupted(client, request):
        if request.round == 3:
            raise KeyboardInterrupt
        return train(client, request)

    with monkeypatch.context() as patch:
        patch.setattr(LocalClient, "train", interrupted)
        with pytest.raises(KeyboardInterrupt, match=r"2 of 4 rounds; weights_ is kept; .*server\.checkpoint goes on"):
            first.fit(flat.logistic(), resume=path)
    assert (len(first.history_), first.stop_reason_) == (2, "interrupted")
    assert "federation interrupted" in caplog.text
    assert first.weights_.any()
    resumed, expected = second.fit(flat.logistic(), resume=path), whole.fit(flat.logistic())
    np.testing.assert_array_equal(resumed.weights_, expected.weights_)


def test_a_server_that_is_killed_in_a_round_goes_on_to_the_same_bits(tmp_path):
    path = tmp_path / "server.checkpoint"
    script = tmp_path / "server.py"
    script.write_text(
        textwrap.dedent(f"""
        import os, signal
        from qml.federated import LocalClient
        from tests.qml.federated import flat_models as flat
        from tests.qml.federated.test_server_files import federation

        class Bomb(LocalClient):
            def train(self, request):
                if request.round == 4:
                    os.kill(os.getpid(), signal.SIGKILL)
                return super().train(request)

        cut = federation("adaptive", 6)
        cut.clients = [Bomb(f"client {{k}}", *pair) if k == 1 else pair for k, pair in enumerate(cut.clients)]
        cut.fit(flat.logistic(), resume={str(path)!r})
        """)
    )
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    killed = subprocess.run([sys.executable, str(script)], env=environment, check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    resumed, whole = federation("adaptive", 6), federation("adaptive", 6)
    played = []
    resumed.callback = played.append
    result = resumed.fit(flat.logistic(), resume=path)
    assert [record.round for record in played] == [4, 5, 6]
    np.testing.assert_array_equal(result.weights_, whole.fit(flat.logistic()).weights_)


def test_a_checkpoint_that_makes_no_sense_is_named(tmp_path):
    path = tmp_path / "server.checkpoint"
    federation("averaging", 2).fit(flat.logistic(), resume=path)
    header, arrays = read_container(path, kind="checkpoint", version=1)
    arrays["optimizer_state.outcomes"] = arrays["optimizer_state.outcomes"][1:]
    write_container(path, header, arrays, kind="checkpoint", version=1)
    with pytest.raises(ModelFileError, match=r"server\.checkpoint: .* outcomes has shape \(1, 3\), not \(2, 3\)"):
        federation("averaging", 4).fit(flat.logistic(), resume=path)


def test_two_servers_on_one_checkpoint(tmp_path):
    path = tmp_path / "server.checkpoint"
    with locked(beside(path, ".lock")), pytest.raises(CheckpointLockedError, match="another process is training"):
        federation("averaging", 2).fit(flat.logistic(), resume=path)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"strategy": "fedadam"}, "strategy is"),
        ({"aggregator": "median"}, "aggregator is"),
        ({"local_epochs": 2}, "local epochs is 2, there 1"),
        ({"privacy": GaussianMechanism(noise=1.0)}, "privacy is"),
        ({"clients": [flat.rows(seed=1)] * 3}, "rows of the clients: not the same"),
        ({"clients": [flat.rows()] * 2}, "clients is"),
        ({"client_fraction": 0.5}, "share of clients is 0.5, there 1.0"),
    ],
)
def test_the_checkpoint_of_another_run_is_refused(settings, name, tmp_path):
    path = tmp_path / "server.checkpoint"
    federation("averaging", 1).fit(flat.logistic(), resume=path)
    X, y = flat.rows()
    arguments = {"clients": flat.unequal_clients(X, y), "rounds": 2, "random_state": 0} | settings
    with pytest.raises(CheckpointMismatchError, match=name):
        Federation(**arguments).fit(flat.logistic(), resume=path)


def test_a_spent_budget_ends_a_resumed_run(tmp_path):
    path = tmp_path / "server.checkpoint"
    mechanism = GaussianMechanism(noise=1.0, budget=9.0)
    first = federation("averaging", 9, privacy=mechanism)
    first.fit(flat.logistic(), resume=path)
    assert first.stop_reason_ == "budget"
    second = federation("averaging", 20, privacy=mechanism)
    second.fit(flat.logistic(), resume=path)
    assert facts(second) == facts(first)
