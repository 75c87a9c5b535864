"""The study of `benchmarks/study`: cells against scikit-learn and stored scores, interruptions, and the report."""

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from joblib.externals.loky.process_executor import TerminatedWorkerError
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from benchmarks import scaling
from benchmarks.study import running
from benchmarks.study.__main__ import main
from benchmarks.study.cells import measure
from benchmarks.study.cost import extrapolated_hours
from benchmarks.study.data import SYNTHETIC, load, sizes
from benchmarks.study.journal import OtherStudyError, StudyInUseError, opened, read
from benchmarks.study.models import CONTENDERS
from benchmarks.study.published import published
from benchmarks.study.report import results, tables, update_page, write_report
from benchmarks.study.running import MAX_KILLED, Progress, duration, run
from benchmarks.study.settings import SETTINGS, Cell, Setting, cells, identity
from qml.datasets import study_split

ROOT = Path(__file__).parents[1]
QUICK = Setting({"two_curves": (4,)}, models=("re-uploading", "SVC"), short=True, folds=2, seeds=2, epochs=1)
FIRST, SECOND = Cell("two_curves", 4, "SVC"), Cell("two_curves", 5, "SVC")
IDENTITY = {"setting": {"epochs": 1}, "numpy": "1"}


def record(cell, test=(0.5, 0.7), **more):
    entry = {"family": cell.family, "size": cell.size, "model": cell.model, "entangled": cell.entangled}
    scores = {"train": [1.0], "test": list(test), "fits": 10, "fit_seconds": 0.5, "seconds": 5.0, "best": {}}
    return entry | scores | more


class TestCells:
    @pytest.mark.parametrize(("family", "size"), [("two_curves", 4), ("hidden_manifold", 16)])
    def test_the_svc_has_the_stored_score_of_the_published_study(self, family, size):
        ours = measure(Cell(family, size, "SVC"), Setting({}))
        assert np.mean(ours["test"]) == pytest.approx(published(family, size, "SVC").test, abs=1e-4)

    def test_a_cell_is_scikit_learns_search(self):
        X_train, X_test, y_train, y_test = study_split("two_curves_diff", 16)
        search = GridSearchCV(SVC(), dict(CONTENDERS["SVC"].grid), cv=5).fit(X_train, y_train)
        ours = measure(Cell("two_curves_diff", 16, "SVC"), Setting({}))
        assert ours["best"] == search.best_params_
        assert ours["folds"] == pytest.approx(search.best_score_)
        assert ours["test"] == [search.score(X_test, y_test)] * 5
        assert ours["fits"] == 16 * 5 + 5

    def test_a_quantum_cell_and_its_twin_are_json(self):
        for entangled in (True, False):
            ours = measure(Cell("two_curves", 4, "re-uploading", entangled), QUICK)
            assert json.loads(json.dumps(ours, allow_nan=False)) == ours
            assert len(ours["test"]) == 2
            assert ours["fits"] == 2 * 2 + 2

    @pytest.mark.parametrize("name", SETTINGS)
    def test_every_setting_has_each_cell_once_and_its_grids_have_no_addresses(self, name):
        planned = list(cells(SETTINGS[name]))
        assert len(planned) == len(set(planned)) > 0
        text = json.dumps(identity(SETTINGS[name]))
        assert "0x" not in text
        assert json.loads(text) == identity(SETTINGS[name])

    def test_the_full_study_has_all_114_data_sets_and_every_model(self):
        planned = set(cells(SETTINGS["full"]))
        synthetic = {cell for cell in planned if cell.family in SYNTHETIC}
        assert len({(cell.family, cell.size) for cell in synthetic}) == 114
        per_set = sum(1 + contender.twin for contender in CONTENDERS.values())
        assert len(synthetic) == 114 * per_set

    def test_hours_are_the_seconds_of_a_fit_times_the_fits_of_all_cells(self):
        lines = []
        setting = Setting({"two_curves": (4, 5), "digits": (10,)}, models=("SVC", "reservoir"), folds=3, seeds=2)
        hours = extrapolated_hours(setting, lines.append)
        rows = [[part.strip() for part in line.split("|")[1:-1]] for line in lines[1:-1]]
        assert [row[0] for row in rows] == ["SVC", "reservoir", "reservoir, no entanglement"]
        assert [int(row[2]) for row in rows] == [3 * (16 * 3 + 2), 3 * (4 * 3 + 2), 3 * (4 * 3 + 2)]
        assert hours == pytest.approx(sum(float(row[1]) * int(row[2]) for row in rows) / 3600, rel=0.01)


class TestData:
    def test_published_files_are_read(self, tmp_path):
        for part, rows in (("train", 6), ("test", 3)):
            table = np.column_stack([np.arange(2.0 * rows).reshape(rows, 2), np.resize([1, -1], rows)])
            np.savetxt(tmp_path / f"mnist_3-5_2d-250_{part}.csv", table, delimiter=",")
        X_train, X_test, y_train, y_test = load("mnist_pca-", 2, str(tmp_path))
        assert (X_train.shape, X_test.shape) == ((6, 2), (3, 2))
        assert y_train.tolist() == [1, -1] * 3
        assert y_test.tolist() == [1, -1, 1]
        assert sizes("mnist_pca-", str(tmp_path)) == (2,)
        with pytest.raises(FileNotFoundError, match="10d-250_train.csv is missing"):
            load("mnist_pca-", 10, str(tmp_path))

    @pytest.mark.parametrize("ending", ["", ".gz"])
    def test_the_images_of_mnist_give_all_sizes_also_beside_published_files(self, tmp_path, ending):
        folder = str(tmp_path)
        (tmp_path / "mnist_3-5_2d_train.csv").touch()
        assert sizes("mnist_pca", folder) == (2,)
        (tmp_path / f"train-images-idx3-ubyte{ending}").touch()
        assert sizes("mnist_pca", folder) == tuple(range(2, 21))
        assert sizes("mnist_pca-", folder) == ()

    def test_without_files_these_families_are_left_out(self):
        assert sizes("mnist_pca", None) == sizes("mnist_pca-", None) == ()
        with pytest.raises(ValueError, match="needs --mnist.*'digits' is a similar task"):
            load("mnist_pca", 10)

    def test_digits_are_standardised_components_of_the_training_rows(self):
        X_train, X_test, y_train, y_test = load("digits", 10)
        assert X_train.shape[1] == X_test.shape[1] == 10
        assert set(y_train) == set(y_test) == {-1, 1}
        np.testing.assert_allclose(X_train.mean(axis=0), 0.0, atol=1e-10)
        covariance = np.cov(X_train.T)
        np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-8)


class TestPublished:
    def test_the_contaminated_column_is_corrected(self):
        rows = [published("two_curves_diff", degree, "SVC") for degree in range(2, 21)]
        assert np.mean([row.stored for row in rows]) == pytest.approx(0.9732, abs=1e-4)
        assert np.mean([row.test for row in rows]) == pytest.approx(0.9395, abs=1e-4)
        assert published("two_curves_diff", 20, "MLPClassifier").test is None
        assert published("two_curves_diff", 12, "MLPClassifier").test is not None
        assert published("two_curves_diff", 3, "SeparableVariationalClassifier").test is None

    def test_scores_of_the_paper(self):
        row = published("linearly_separable", 16, "DataReuploadingClassifier")
        assert row.test == pytest.approx(0.730, abs=1e-3)
        assert published("linearly_separable", 20, "IQPKernelClassifier") is None
        assert published("linearly_separable", 4, None) is None


class TestJournal:
    def test_an_incomplete_line_is_removed_and_its_cell_run_again(self, tmp_path):
        with opened(tmp_path, IDENTITY) as journal:
            journal.append(record(FIRST))
        path = tmp_path / "journal.jsonl"
        path.write_bytes(path.read_bytes() + json.dumps(record(SECOND)).encode()[:40])  # as after kill -9
        with opened(tmp_path, IDENTITY) as journal:
            assert journal.done == {FIRST}
            journal.append(record(SECOND))
        assert len(path.read_text().splitlines()) == len(read(path)) == 2

    def test_another_process_is_refused(self, tmp_path):
        with (
            opened(tmp_path, IDENTITY),
            pytest.raises(StudyInUseError, match="in use by another study"),
            opened(tmp_path, IDENTITY),
        ):
            pass
        with opened(tmp_path, IDENTITY):
            pass

    def test_other_settings_and_versions_are_refused_by_name(self, tmp_path):
        with opened(tmp_path, IDENTITY):
            pass
        other = {"setting": {"epochs": 2}, "numpy": "2"}
        expected = r"differs in numpy \(\"1\" there, \"2\" here\), setting.epochs \(1 there, 2 here\)"
        with pytest.raises(OtherStudyError, match=expected), opened(tmp_path, other):
            pass

    @pytest.mark.parametrize("line", ["{}", "[]", "nonsense", '{"family": 3}'])
    def test_what_is_not_a_record_is_named(self, tmp_path, line):
        (tmp_path / "journal.jsonl").write_text(json.dumps(record(FIRST)) + f"\n{line}\n")
        with pytest.raises(OtherStudyError, match="line 2 of"):
            read(tmp_path / "journal.jsonl")


def failing(cell, folder):
    """Fail the first time."""
    marker = folder / "failed"
    if cell == FIRST and not marker.exists():
        marker.touch()
        raise ZeroDivisionError("first time")
    return record(cell)


def killing(cell, folder, times):
    """Kill the worker the first few times."""
    count = len(list(folder.glob("killed*")))
    if cell == FIRST and count < times:
        (folder / f"killed{count}").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return record(cell)


class TestRunning:
    def test_a_failed_cell_is_recorded_and_run_again(self, tmp_path):
        lines = []
        work = partial(failing, folder=tmp_path)
        with opened(tmp_path, IDENTITY) as journal:
            assert run([FIRST, SECOND], journal, work, say=lines.append) == 1
            assert journal.done == {SECOND}
        assert "FAILED, ZeroDivisionError: first time" in lines[0]
        with opened(tmp_path, IDENTITY) as journal:
            assert run([FIRST], journal, work, say=lines.append) == 0
            assert journal.done == {FIRST, SECOND}
        assert len(results(read(tmp_path / "journal.jsonl"))) == 2

    @pytest.mark.slow
    def test_a_killed_worker_is_replaced(self, tmp_path):
        lines = []
        with opened(tmp_path, IDENTITY) as journal:
            work = partial(killing, folder=tmp_path, times=1)
            assert run([FIRST, SECOND], journal, work, jobs=2, say=lines.append) == 0
            assert journal.done == {FIRST, SECOND}
        assert any("a worker was killed" in line for line in lines)
        assert len((tmp_path / "journal.jsonl").read_text().splitlines()) == 2

    def test_workers_that_are_always_killed_end_the_run(self, tmp_path, monkeypatch):
        def killed(*arguments):
            raise TerminatedWorkerError

        monkeypatch.setattr(running, "_results", killed)
        lines = []
        with (
            opened(tmp_path, IDENTITY) as journal,
            pytest.raises(RuntimeError, match=f"killed {MAX_KILLED} times in a row.*fewer --jobs"),
        ):
            run([FIRST], journal, record, jobs=2, say=lines.append)
        assert len(lines) == MAX_KILLED - 1

    def test_the_time_left_is_the_mean_of_each_model(self):
        dressed = Cell("two_curves", 4, "dressed")
        progress = Progress([FIRST, SECOND, dressed], [], 2, lambda line: None)
        assert progress.time_left() is None
        progress.finished(FIRST, record(FIRST, seconds=10.0))
        progress.finished(dressed, record(dressed, seconds=100.0))
        assert progress.time_left() == pytest.approx(10.0 / 2)
        assert [duration(value) for value in (20.0, 600.0, 7200.0)] == ["20 s", "10 min", "2.0 h"]

    @pytest.mark.slow
    def test_a_cluster_of_two_workers_gives_the_same_bits(self, tmp_path):
        distributed = pytest.importorskip("distributed")
        planned = list(cells(QUICK))
        work = partial(measure, setting=QUICK)
        with opened(tmp_path / "here", IDENTITY) as journal:
            run(planned, journal, work, say=lambda line: None)
            here = {(r["model"], r["entangled"]): r for r in journal.records}
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50
            ) as cluster,
            distributed.Client(cluster) as client,
            opened(tmp_path / "cluster", IDENTITY) as journal,
        ):
            assert run(planned, journal, work, client=client, say=lambda line: None) == 0
            there = {(r["model"], r["entangled"]): r for r in journal.records}
        assert here.keys() == there.keys()
        for key, entry in here.items():
            for name in ("best", "folds", "train", "test", "fits"):
                assert there[key][name] == entry[name], (key, name)


@pytest.mark.slow
def test_a_killed_study_continues_without_doing_a_cell_twice(tmp_path, capsys):
    folder = tmp_path / "study"
    selection = ["--families", "two_curves", "--sizes", "4", "--models", "SVC", "gradient boosting", "reservoir"]
    arguments = [str(folder), "--jobs", "1", *selection]
    command = [sys.executable, "-m", "benchmarks.study", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    lines = [process.stdout.readline() for _ in range(2)]
    process.kill()  # kill -9
    process.communicate()
    assert "4 cells, 0 finished before" in lines[0]
    finished = read(folder / "journal.jsonl")
    assert len(finished) >= 1
    assert main(arguments) == 0
    assert f"4 cells, {len(finished)} finished before" in capsys.readouterr().out
    assert len((folder / "journal.jsonl").read_text().splitlines()) == 4
    assert {path.name for path in folder.iterdir()} >= {"results.csv", "tables.md", "two_curves.png"}
    assert main([*arguments, "--setting", "full"]) == 2
    assert "holds a study that differs in" in capsys.readouterr().err
    assert main([str(tmp_path / "empty"), "--report"]) == 1
    assert "no finished cell" in capsys.readouterr().err


class TestReport:
    RECORDS = (
        record(Cell("linearly_separable", 16, "re-uploading"), (0.9, 1.0)),
        record(Cell("linearly_separable", 16, "re-uploading", entangled=False), (0.9, 0.9)),
        record(Cell("linearly_separable", 16, "SVC"), (1.0,)),
        record(Cell("two_curves_diff", 20, "MLP"), (0.8,)),
        record(FIRST) | {"error": "ZeroDivisionError: x"},
    )

    def test_tables(self):
        made = tables(self.RECORDS)
        assert "| linearly_separable | re-uploading | 16 | 0.950 | 0.950 | 0.730 | +0.220 |" in made["scores"]
        assert "| two_curves_diff | MLP | 20 | 0.800 |  |  |  |" in made["scores"]  # the stored score is not one
        assert "| re-uploading | 1 | 0.950 | 0.900 | +0.050 | 1 / 0 / 0 | 1 |" in made["entanglement"]
        assert "| re-uploading, no entanglement | 1 | 0.900 | 1.000 | -0.100 | 0 / 0 / 1 | 1 |" in made["classical"]
        assert "| re-uploading | 0.950 (0.730) |  |" in made["families"]

    def test_targets(self):
        """Stored means: 0.730 and 1.000 on linearly separable 16, 0.673 and 0.883 on curves of degree 20 and 16."""
        records = (
            *self.RECORDS,
            record(Cell("two_curves_diff", 16, "SVC"), (0.85,)),
            record(Cell("two_curves_diff", 20, "SVC"), (0.85,)),
            record(Cell("two_curves_diff", 20, "re-uploading"), (0.63,)),
        )
        made = tables(records)
        assert "| model | linearly_separable | two_curves_diff | met |" in made["target"]
        assert "| re-uploading | +0.220 | **-0.043** | 1 of 2 |" in made["target"]
        assert "| SVC | +0.000 | -0.017 | 2 of 2 |" in made["target"]  # the mean of a family counts
        assert "MLP" not in made["target"]  # its stored score is not one
        below = made["below"].splitlines()[2:]
        error = np.sqrt(0.6733 * (1 - 0.6733) / 60)
        assert (
            f"| two_curves_diff 20 | re-uploading | 0.630 | 0.673 | -0.043 | {0.0433 / error:.1f} | 1.000 (" in below[0]
        )
        assert [row.split(" | ")[:2] for row in below] == [
            ["| two_curves_diff 20", "re-uploading"],
            ["| two_curves_diff 16", "SVC"],
        ]
        assert tables(self.RECORDS)["below"] == "None."

    def test_files_and_page(self, tmp_path):
        paths = write_report(tmp_path, self.RECORDS)
        assert all(path.stat().st_size > 0 for path in paths)
        page = tmp_path / "page.md"
        page.write_text(
            "before\n<!-- small scores -->\nold\n<!-- end -->\nbetween\n<!-- full scores -->\nx\n<!-- end -->\n"
        )
        update_page(page, "small", self.RECORDS)
        text = page.read_text()
        assert "old" not in text
        assert text.startswith("before\n<!-- small scores -->\n| family | model |")
        assert text.endswith("<!-- end -->\nbetween\n<!-- full scores -->\nx\n<!-- end -->\n")
        with pytest.raises(ValueError, match="no mark such as <!-- hard scores -->"):
            update_page(page, "hard", self.RECORDS)


@pytest.mark.slow
def test_questions_of_scale_are_answered(tmp_path, capsys):
    scaling.main(["--tiny", "--seeds", "1", "--out", str(tmp_path)])
    out = capsys.readouterr().out
    assert {path.stem for path in tmp_path.iterdir()} == set(scaling.QUESTIONS)
    assert "| shots for each Pauli string | 4 | 16 |" in out
    with pytest.raises(SystemExit):
        scaling.main(["speed"])
    assert "unknown question 'speed'" in capsys.readouterr().err
