"""Callbacks: what they write and when they stop, against the history of the estimator; several at once."""

import csv
import json

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_moons

import qml
from qml import VariationalClassifier, VariationalRegressor
from qml.callbacks import CSVLog, EarlyStopping, JSONLog, LivePlot, WeightsCheckpoint
from qml.training.progress import TrainingProgress

X, y = make_moons(60, noise=0.2, random_state=0)
SMALL = {"n_qubits": 2, "n_layers": 1, "random_state": 0}


def progress(epoch, loss, score=None, best=0):
    return TrainingProgress(epoch, loss, score, 0.1, 1.0, 0.01, epochs=9, best_epoch=best, weights=np.arange(3.0))


@pytest.mark.parametrize("scored", [False, True])
def test_early_stopping_counts_epochs_without_improvement(scored):
    stop = EarlyStopping(patience=2, min_delta=0.1)
    losses = [1.0, 0.8, 0.75, 0.65, 0.6, 0.58]  # 0.75 and 0.6, 0.58 do not improve by more than 0.1
    answers = [stop(progress(n, 0.0, -v) if scored else progress(n, v)) for n, v in enumerate(losses, 1)]
    assert answers == [False, False, False, False, False, True]
    assert stop(progress(1, 5.0)) is False, "a new run starts anew"


def test_early_stopping_ends_a_fit():
    clf = VariationalClassifier(**SMALL, epochs=50, callback=EarlyStopping(patience=1, min_delta=1.0)).fit(X, y)
    assert clf.n_iter_ == 2


def test_logs_are_the_history(tmp_path):
    paths = tmp_path / "log.csv", tmp_path / "log.jsonl"
    callbacks = [CSVLog(paths[0]), JSONLog(paths[1])]
    for _ in range(2):  # a second run replaces the files
        clf = VariationalClassifier(**SMALL, epochs=4, early_stopping=True, callback=callbacks).fit(X, y)
    with open(paths[0], newline="") as file:
        rows = list(csv.DictReader(file))
    lines = [json.loads(line) for line in paths[1].read_text().splitlines()]
    for records in (rows, lines):
        assert [int(record["epoch"]) for record in records] == [1, 2, 3, 4]
        np.testing.assert_array_equal([float(record["loss"]) for record in records], clf.loss_history_)
        scores = [float(record["validation_score"]) for record in records]
        np.testing.assert_array_equal(scores, clf.validation_scores_)


def test_logs_write_what_is_missing_or_not_finite(tmp_path):
    CSVLog(tmp_path / "a.csv")(progress(1, np.inf))
    JSONLog(tmp_path / "a.jsonl")(progress(1, np.inf))
    assert (tmp_path / "a.csv").read_text().splitlines()[1] == "1,inf,,0.1,1.0,0.01"
    record = json.loads((tmp_path / "a.jsonl").read_text())
    assert (record["loss"], record["validation_score"]) == ("inf", None)


def test_a_resumed_run_continues_its_log(tmp_path):
    def run(epochs):
        log = CSVLog(tmp_path / "log.csv")
        clf = VariationalRegressor(**SMALL, schedule="constant", epochs=epochs, callback=log)
        return clf.fit(X, X[:, 0], resume=tmp_path / "run.ckpt")

    run(2)
    run(5)
    assert [line.split(",")[0] for line in (tmp_path / "log.csv").read_text().splitlines()[1:]] == list("12345")


def test_weights_are_written(tmp_path):
    path = tmp_path / "w.npz"
    WeightsCheckpoint(path, every=2)(progress(1, 0.5))
    assert not path.exists()
    WeightsCheckpoint(path, every=2)(progress(2, 0.5))
    with np.load(path) as stored:
        assert (int(stored["epoch"]), float(stored["loss"])) == (2, 0.5)
        np.testing.assert_array_equal(stored["weights"], [0, 1, 2])
    WeightsCheckpoint(path, best_only=True)(progress(3, 0.6, best=2))
    WeightsCheckpoint(tmp_path / "best.npz", best_only=True)(progress(4, 0.4, best=4))
    with np.load(path) as stored, np.load(tmp_path / "best.npz") as best:
        assert (int(stored["epoch"]), int(best["epoch"])) == (2, 4)


def test_a_picture_is_drawn_while_training(tmp_path):
    pytest.importorskip("matplotlib")
    VariationalClassifier(**SMALL, epochs=3, callback=LivePlot(tmp_path / "live.png", every=2)).fit(X, y)
    assert (tmp_path / "live.png").read_bytes().startswith(b"\x89PNG")


def test_a_notebook_updates_one_picture(monkeypatch):
    pytest.importorskip("matplotlib")
    display = pytest.importorskip("IPython.display")
    shown = []

    class Handle:
        update = staticmethod(shown.append)

    monkeypatch.setattr(display, "display", lambda figure, display_id: shown.append(figure) or Handle())
    VariationalClassifier(**SMALL, epochs=4, callback=LivePlot(every=1)).fit(X, y)
    assert [figure.get_suptitle() for figure in shown] == [f"Epoch {k} of 4" for k in (1, 2, 3, 4)]


def test_all_of_several_are_called():
    calls = []
    several = [lambda p: calls.append(("a", p.epoch)) or True, lambda p: calls.append(("b", p.epoch))]
    clf = VariationalClassifier(**SMALL, epochs=9, callback=several)
    assert clone(clf).fit(X, y).n_iter_ == 1
    assert calls == [("a", 1), ("b", 1)]


def test_what_cannot_be_called_is_refused():
    for wrong in (3, [3]):
        with pytest.raises(TypeError, match="callback expects a function of the progress, or several, got 3"):
            VariationalClassifier(**SMALL, epochs=1, callback=wrong).fit(X, y)
    with pytest.raises(ValueError, match="patience expects an integer of 1 or more, got 0"):
        EarlyStopping(patience=0)


def test_they_are_public():
    assert qml.callbacks.EarlyStopping is EarlyStopping
