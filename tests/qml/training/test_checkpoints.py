"""Checkpoints: whatever ends a run, the resumed one ends bit-equal; files that do not belong are refused."""

import errno
import logging
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import qml.training.checkpoints
from qml.files.container import ModelFileError, previous_path, read_container, write_container
from qml.optimizers import SGD, SPSA, Adam, AdamW, RMSprop
from qml.training import train
from qml.training.checkpoints import CheckpointMismatchError, Checkpoints, saved_seed
from qml.training.progress import EpochRecord, History, RunState
from tests.qml.logistic_regression import N_WEIGHTS, LogisticRegression

START = np.full(N_WEIGHTS, -0.3)
STEPWISE = [Adam(), AdamW(), SGD(nesterov=True), RMSprop(momentum=0.5), SPSA()]
SETTINGS = {"epochs": 6, "batch_size": 16, "rng": 7, "patience": 4}  # 60 rows: four batches, the last one smaller


class PowerCut(Exception):
    pass


class Dying(LogisticRegression):
    """The process ends, as far as the run can see, in evaluation number ``after``."""

    def __init__(self, after=-1, n_held_out=0):
        super().__init__(n_held_out=n_held_out)
        self.left = after

    def value(self, weights, rows):
        self.left -= 1
        if self.left == 0:
            raise PowerCut
        return super().value(weights, rows)


@pytest.fixture
def every_step(monkeypatch):
    """A checkpoint after every step; flushing it to a real disk is another test's business."""
    monkeypatch.setattr(qml.training.checkpoints, "SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr(os, "fsync", lambda _: None)


def bits(result):
    """All of a result but the clock."""
    history = [replace(record, seconds=0.0) for record in result.history]
    state = {name: np.asarray(value).tobytes() for name, value in result.optimizer_state.items()}
    return (
        result.weights.tobytes(),
        result.last_weights.tobytes(),
        state,
        history,
        result.best_epoch,
        result.stop_reason,
    )


@pytest.mark.parametrize("n_held_out", [0, 20])
@pytest.mark.parametrize("optimizer", STEPWISE, ids=lambda optimizer: type(optimizer).__name__)
def test_resumed_after_any_step_the_end_is_bit_equal(optimizer, n_held_out, tmp_path, every_step):
    whole = bits(train(Dying(n_held_out=n_held_out), START, optimizer, **SETTINGS))
    deaths = range(1, 80, 4) if isinstance(optimizer, SPSA) else range(1, 26)  # SPSA evaluates 20 times beforehand
    for after in deaths:
        path = tmp_path / str(after)
        try:
            train(Dying(after, n_held_out), START, optimizer, **SETTINGS, resume=path)
        except PowerCut:
            done = read_container(path, kind="checkpoint", version=1)[0]["steps"]
            assert isinstance(optimizer, SPSA) or done == after - 1
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(qml.training.checkpoints, "SECONDS_BETWEEN", np.inf)  # the resumed run writes its end alone
            resumed = train(Dying(n_held_out=n_held_out), START, optimizer, **SETTINGS, resume=path)
        assert bits(resumed) == whole


def test_dying_again_and_again(tmp_path, every_step):
    whole = bits(train(Dying(), START, **SETTINGS))
    deaths = 0
    while True:
        try:
            result = train(Dying(after=3), START, **SETTINGS, resume=tmp_path / "run")
            break
        except PowerCut:
            deaths += 1
    assert deaths > 8
    assert bits(result) == whole


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "rmsprop", "spsa"])
def test_kill_9(name, tmp_path):
    path = tmp_path / "run"
    script = f"""
        import time
        import numpy as np
        import qml.training.checkpoints
        from qml.training import train
        from tests.qml.logistic_regression import LogisticRegression

        class Slow(LogisticRegression):
            def value(self, weights, rows):
                time.sleep(0.001)
                return super().value(weights, rows)

        qml.training.checkpoints.SECONDS_BETWEEN = 0.01
        print("started", flush=True)
        settings = dict(epochs=100_000, batch_size=16, rng=7, resume={str(path)!r})
        train(Slow(n_held_out=20), np.full(5, -0.3), {name!r}, **settings)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=Path(__file__).parents[3], stdout=subprocess.PIPE
    )
    process.stdout.readline()
    deadline = time.monotonic() + 60
    while steps_in(path) < 20:
        assert time.monotonic() < deadline, "no checkpoint with 20 steps"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=60) == -signal.SIGKILL
    process.stdout.close()
    epochs = steps_in(path) // 4 + 3
    settings = {"epochs": epochs, "batch_size": 16, "rng": 7}
    resumed = train(LogisticRegression(n_held_out=20), START, name, **settings, resume=path)
    whole = train(LogisticRegression(n_held_out=20), START, name, **settings)
    assert bits(resumed) == bits(whole)


def steps_in(path):
    for candidate in (path, previous_path(path)):
        try:
            return read_container(candidate, kind="checkpoint", version=1)[0]["steps"]
        except FileNotFoundError:
            continue
    return 0


class TestFinishedRuns:
    def test_nothing_is_done_twice(self, tmp_path):
        path = tmp_path / "run"
        first = train(LogisticRegression(), START, **SETTINGS, resume=path)
        called = []
        again = train(Dying(after=1), START, **SETTINGS, resume=path, callback=called.append)
        assert bits(again) == bits(first)
        assert called == []

    @pytest.mark.parametrize("batch_size", [None, 16])
    def test_more_epochs_go_on(self, tmp_path, batch_size):
        path = tmp_path / "run"
        settings = {"batch_size": batch_size, "rng": 7}
        train(LogisticRegression(), START, epochs=3, **settings, resume=path)
        longer = train(LogisticRegression(), START, epochs=8, **settings, resume=path)
        assert bits(longer) == bits(train(LogisticRegression(), START, epochs=8, **settings))

    def test_a_run_its_callback_stopped_goes_on(self, tmp_path):
        path = tmp_path / "run"
        stopped = train(LogisticRegression(), START, **SETTINGS, resume=path, callback=lambda p: p.epoch == 2)
        assert stopped.n_epochs == 2
        on = train(LogisticRegression(), START, **SETTINGS, resume=path)
        assert bits(on) == bits(train(LogisticRegression(), START, **SETTINGS))

    def test_a_run_that_diverged_stays_so(self, tmp_path):
        class Broken(LogisticRegression):
            def value(self, weights, rows):
                return np.nan

        for objective in (Broken(), LogisticRegression()):
            with pytest.warns(ConvergenceWarning, match="the loss is nan in epoch 1"):
                result = train(objective, START, **SETTINGS, resume=tmp_path / "run")
            assert result.stop_reason == "diverged"


class TestSciPy:
    def test_it_starts_again_from_the_best_weights(self, tmp_path, every_step):
        path = tmp_path / "run"
        with pytest.raises(PowerCut):
            train(Dying(after=6), START, "l-bfgs-b", resume=path)
        _, arrays = read_container(path, kind="checkpoint", version=1)
        seen = []

        class Watched(LogisticRegression):
            def value_and_gradient(self, weights, rows):
                seen.append(weights)
                return super().value_and_gradient(weights, rows)

        resumed = train(Watched(), START, "l-bfgs-b", resume=path)
        np.testing.assert_array_equal(seen[0], arrays["best_weights"])
        whole = train(LogisticRegression(), START, "l-bfgs-b")
        assert resumed.losses[-1] == pytest.approx(whole.losses[-1], abs=1e-6)
        assert [record.epoch for record in resumed.history] == list(range(1, resumed.n_epochs + 1))

    def test_epochs_count_over_both_parts(self, tmp_path):
        path = tmp_path / "run"
        train(LogisticRegression(), START, "cobyla", epochs=4, resume=path)
        assert train(LogisticRegression(), START, "cobyla", epochs=10, resume=path).n_epochs == 10

    def test_a_finished_one_is_not_run_again(self, tmp_path):
        path = tmp_path / "run"
        first = train(LogisticRegression(), START, "bfgs", resume=path)
        assert first.stop_reason == "converged"
        assert bits(train(Dying(after=1), START, "bfgs", resume=path)) == bits(first)


class TestDamage:
    @pytest.fixture
    def path(self, tmp_path, every_step):
        path = tmp_path / "run"
        with pytest.raises(PowerCut):
            train(Dying(after=15), START, **SETTINGS, resume=path)
        return path

    def whole(self):
        return bits(train(LogisticRegression(), START, **SETTINGS))

    @pytest.mark.parametrize("how", ["empty", "truncated", "flipped"])
    def test_the_previous_one_takes_over(self, path, how):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 4
        path.write_bytes({"empty": b"", "truncated": content[:-9], "flipped": content}[how])
        with pytest.warns(RuntimeWarning, match=r"run: .*(empty|damaged).*; going on from .*run\.previous"):
            resumed = train(LogisticRegression(), START, **SETTINGS, resume=path)
        assert bits(resumed) == self.whole()

    def test_the_damaged_one_does_not_become_the_previous(self, path):
        path.write_bytes(b"")
        with pytest.warns(RuntimeWarning, match="empty"), pytest.raises(PowerCut):
            train(Dying(after=2), START, **SETTINGS, resume=path)
        for file in (path, previous_path(path)):
            read_container(file, kind="checkpoint", version=1)

    def test_killed_between_the_renames(self, path):
        path.unlink()
        assert bits(train(LogisticRegression(), START, **SETTINGS, resume=path)) == self.whole()

    def test_both_damaged(self, path):
        for file in (path, previous_path(path)):
            file.write_bytes(file.read_bytes()[:100])
        with pytest.raises(ModelFileError, match="run: truncated or damaged"):
            train(LogisticRegression(), START, **SETTINGS, resume=path)

    def test_two_files_are_kept_and_no_litter(self, path):
        assert sorted(os.listdir(path.parent)) == ["run", "run.previous"]


class TestStrangers:
    def refused(self, path, error, match):
        before = path.read_bytes()
        with pytest.raises(error, match=match):
            train(LogisticRegression(), START, **SETTINGS, resume=path)
        assert path.read_bytes() == before

    @pytest.mark.parametrize(
        ("other", "named"),
        [
            ({"optimizer": Adam(0.1)}, r"optimizer is 'Adam\(learning_rate=0.05.*there 'Adam\(learning_rate=0.1"),
            ({"optimizer": "bfgs"}, "optimizer is"),
            ({"batch_size": 20}, "batch size is 16, there 20"),
            ({"weights": np.zeros(4), "objective": None}, "number of weights is 5, there 4"),
            ({"objective": LogisticRegression(n_samples=50)}, "number of rows is 60, there 50"),
            ({"fingerprint": "abc"}, "data and model is '', there 'abc'"),
        ],
    )
    def test_another_run(self, other, named, tmp_path):
        path = tmp_path / "run"

        class Smaller(LogisticRegression):
            def __init__(self):
                super().__init__()
                self.X = self.X[:, :4]

        settings = {"objective": LogisticRegression(), "weights": START} | SETTINGS | other
        settings["objective"] = settings["objective"] or Smaller()
        train(**settings, resume=path)
        self.refused(path, CheckpointMismatchError, f"run belongs to another run .*{named}")

    def test_the_files_to_delete_are_named(self, tmp_path):
        path = tmp_path / "run"
        train(LogisticRegression(), START, **(SETTINGS | {"optimizer": Adam(0.1)}), resume=path)
        previous = tmp_path / "run.previous"
        assert previous.exists()
        self.refused(path, CheckpointMismatchError, f"delete {path} and {previous} to start anew")
        path.unlink()
        with pytest.raises(CheckpointMismatchError, match=f"delete {previous} to start anew"):
            train(LogisticRegression(), START, **SETTINGS, resume=path)

    def test_a_model_file(self, tmp_path):
        path = tmp_path / "model"
        write_container(path, {}, {}, kind="model", version=1)
        self.refused(path, ModelFileError, "this is a model file, expected a checkpoint")

    def test_a_later_version(self, tmp_path):
        path = tmp_path / "run"
        write_container(path, {}, {}, kind="checkpoint", version=99)
        self.refused(path, ModelFileError, "version 99.*up to version 1")

    def test_any_other_file(self, tmp_path):
        path = tmp_path / "data.csv"
        path.write_text("a,b\n1,2\n")
        self.refused(path, ModelFileError, "not a qumba file")

    def test_a_folder_that_is_not_there_shows_before_training(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            train(Dying(after=1), START, resume=tmp_path / "nowhere" / "run")


class TestWriting:
    def test_a_full_disk_does_not_end_the_run(self, tmp_path, every_step, monkeypatch, caplog):
        path = tmp_path / "run"

        def callback(progress):
            if progress.epoch == 2:
                monkeypatch.setattr(os, "fsync", no_space)

        def no_space(_):
            raise OSError(errno.ENOSPC, "No space left on device")

        with caplog.at_level(logging.WARNING):
            result = train(LogisticRegression(), START, **SETTINGS, resume=path, callback=callback)
        assert bits(result) == bits(train(LogisticRegression(), START, **SETTINGS))
        reason = f"[Errno 28] No space left on device: '{path}'"
        assert [message.split("without: ")[-1] for message in caplog.messages] == [reason]
        monkeypatch.setattr(os, "fsync", lambda _: None)
        assert bits(train(LogisticRegression(), START, **SETTINGS, resume=path)) == bits(result)

    def test_short_epochs_share_one(self, tmp_path, monkeypatch):
        written = []
        write = qml.training.checkpoints.write_container
        monkeypatch.setattr(qml.training.checkpoints, "SECONDS_BETWEEN", 1000.0)
        monkeypatch.setattr(
            qml.training.checkpoints,
            "write_container",
            lambda *arguments, **named: written.append(arguments) or write(*arguments, **named),
        )
        train(LogisticRegression(), START, **SETTINGS, resume=tmp_path / "run")
        assert len(written) == 2  # the first, which shows that the path is good, and the last
        assert steps_in(tmp_path / "run") == 24

    def test_no_path_no_file(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        train(LogisticRegression(), START, **SETTINGS)
        assert os.listdir(tmp_path) == []


def test_the_state_comes_back_bit_equal(tmp_path):
    state = RunState(
        seed=2**63 - 1,
        weights=np.array([0.1, -0.0, 1e-320]),
        optimizer_state={"step": 3, "a": 0.1 + 0.2, "mean": np.array([1.5, np.pi])},
        steps=7,
        batch=2,
        best_weights=np.array([1.0, 2.0, 3.0]),
        best_score=-np.inf,
        loss_sum=1 / 3,
        gradient_norm_sum=2 / 3,
        seconds=0.1,
        history=History([EpochRecord(1, 0.1, None, None, None, 0.5), EpochRecord(2, 0.2, 0.5, 0.01, 3.0, 0.25)]),
        message="ä",
    )
    checkpoints = Checkpoints(tmp_path / "run", {"data": "x"})
    checkpoints.start(state)
    back = checkpoints.start(state._replace(seed=0))
    for name, value in state._asdict().items():
        found = getattr(back, name)
        if isinstance(value, np.ndarray):
            assert (found.dtype, found.tobytes()) == (value.dtype, value.tobytes())
        elif name != "optimizer_state":
            assert (type(found), found) == (type(value), value)
    assert back.optimizer_state["step"] == 3
    assert type(back.optimizer_state["step"]) is int
    assert back.optimizer_state["a"] == 0.1 + 0.2
    assert back.optimizer_state["mean"].tobytes() == np.array([1.5, np.pi]).tobytes()


def test_the_seed_can_be_asked_for(tmp_path):
    path = tmp_path / "run"
    assert saved_seed(None) is None
    assert saved_seed(path) is None
    train(LogisticRegression(), START, epochs=2, batch_size=16, rng=None, resume=path)
    seed = saved_seed(path)
    straight = train(LogisticRegression(), START, epochs=4, batch_size=16, rng=seed)
    resumed = train(LogisticRegression(), START, epochs=4, batch_size=16, rng=None, resume=path)
    assert bits(resumed) == bits(straight)


def test_the_former_place_is_the_same_module():
    import qml.checkpoints

    assert qml.checkpoints is qml.training.checkpoints
