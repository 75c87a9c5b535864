"""Results that are there already, and what Ctrl-C after training leaves: nothing is lost, and nothing stale stays."""

import json

import pytest
from sklearn.datasets import load_iris

from qml import load
from qml.cli import main, reporting

INTERRUPTED = 130


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X, y = load_iris(return_X_y=True)
    lines = ["length,width,species", *(f"{row[2]},{row[3]},{'abc'[label]}" for row, label in zip(X, y, strict=True))]
    (tmp_path / "iris.csv").write_text("\n".join(lines))
    return tmp_path


def train(*more):
    settings = [
        "--epochs",
        "3",
        "--layers",
        "1",
        "--cv",
        "0",
        "--candidates",
        "1",
        "--no-twin",
        "--quiet",
        "--no-plots",
    ]
    return main(["train", "iris.csv", "--target", "species", *settings, *more])


def epochs(folder):
    return len(json.loads((folder / "report.json").read_text())["quantum_model"]["loss_history"])


def test_a_second_run_gets_a_folder_of_its_own(here, capsys):
    assert train() == 0
    assert train("--epochs", "2") == 0
    assert "iris-qumba-2/" in capsys.readouterr().out
    assert epochs(here / "iris-qumba") == 3
    assert epochs(here / "iris-qumba-2") == 2


def test_a_named_folder_is_replaced_only_if_asked(here, capsys):
    assert train("-o", "out") == 0
    before = (here / "out" / "model.qumba").read_bytes()
    capsys.readouterr()
    assert train("-o", "out", "--epochs", "2") == 2
    assert capsys.readouterr().err == (
        "qumba train: out holds the results of an earlier run: name another folder with --output, or replace them with "
        "--overwrite\n"
    )
    assert (here / "out" / "model.qumba").read_bytes() == before
    (here / "out" / "predictions.png").write_text("of a regression long ago")
    (here / "out" / "notes.txt").write_text("mine")
    assert train("-o", "out", "--epochs", "2", "--overwrite") == 0
    assert epochs(here / "out") == 2
    assert not (here / "out" / "predictions.png").exists()
    assert (here / "out" / "notes.txt").read_text() == "mine"


def test_a_folder_with_other_things_is_used(here):
    (here / "out").mkdir()
    (here / "out" / "notes.txt").write_text("mine")
    assert train("-o", "out") == 0


def test_ctrl_c_while_comparing_says_what_is_saved(here, capsys, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(reporting, "compare_on_split", interrupted)
    (here / "out").mkdir()
    for name in ("comparison.png", "report.json"):
        (here / "out" / name).write_text("of an earlier run")
    assert train("-o", "out", "--overwrite") == INTERRUPTED
    message = capsys.readouterr().err
    assert "Interrupted while comparing: out/model.qumba is saved, the report is not written." in message
    assert "nothing was saved" not in message
    assert sorted(path.name for path in (here / "out").iterdir()) == ["model.qumba"]
    assert load(here / "out" / "model.qumba").estimator.n_iter_ == 3


def test_ctrl_c_before_there_is_a_model_names_the_checkpoint(here, capsys, monkeypatch):
    def interrupted(self, X, y, resume=None):
        (here / "run.ckpt").write_text("an epoch")
        raise KeyboardInterrupt

    monkeypatch.setattr("qml.VariationalClassifier.fit", interrupted)
    assert train("-o", "out", "--resume", "run.ckpt") == INTERRUPTED
    assert "run.ckpt is saved; run the command again to go on" in capsys.readouterr().err


def test_phases_are_announced_in_a_log(here, capsys):
    assert (
        main(["train", "iris.csv", "-t", "species", "--epochs", "2", "--layers", "1", "--cv", "0", "--candidates", "1"])
        == 0
    )
    error = capsys.readouterr().err
    assert "Comparing with classical models" in error
    assert "Drawing the plots" in error
    assert "\r  1:" not in error  # a live line is for terminals


def test_a_command_does_not_write_over_what_it_reads(here, capsys):
    assert train("-o", "out") == 0
    (here / "model.qumba").symlink_to(here / "out" / "model.qumba")
    inputs = {path: path.read_bytes() for path in (here / "iris.csv", here / "out" / "model.qumba")}
    model = "out/model.qumba"
    for command in (
        ["predict", model, "iris.csv", "-o", "./iris.csv"],
        ["predict", model, "iris.csv", "-o", "model.qumba"],
        ["predict", model, "iris.csv", "--log", "iris.csv"],
        ["export", model, "--to", "c", "-o", model],
        ["card", model, "-o", model, "--overwrite"],
        ["explain", model, "iris.csv", "-o", "iris.csv"],
        ["explain", model, "iris.csv", "--json", "iris.csv"],
        ["explain", model, "iris.csv", "--plot", "iris.csv"],
        ["fairness", model, "iris.csv", "-s", "width", "--json", "iris.csv"],
        ["search", "iris.csv", "--target", "species", "--study", "iris.csv"],
    ):
        capsys.readouterr()
        assert main(command) == 2, command
        assert "is read by this command and would be lost" in capsys.readouterr().err, command
        assert all(path.read_bytes() == content for path, content in inputs.items()), command
    assert main(["predict", model, "iris.csv", "--log", "log.jsonl", "-o", "./log.jsonl"]) == 2
    assert "log.jsonl is named for two outputs" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["explain", "m", "iris.csv"], ["fairness", "m", "iris.csv", "-s", "width"]])
def test_a_figure_that_cannot_be_written_is_refused_at_once(here, capsys, command):
    (here / "m").write_text("not even read")
    assert main([*command, "--plot", "why.txt"]) == 2
    assert "--plot why.txt: no figure has the format .txt; expected one of" in capsys.readouterr().err
