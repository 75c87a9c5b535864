"""The decision log: what is written, who may write, and what happens when writing fails."""

import hashlib
import hmac
import json
import os
import pickle
import stat
import struct
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, LinearSVC

from qml import QuantumKernelClassifier, VariationalClassifier, VariationalRegressor, load
from qml.accounts import DecisionLog, DecisionLogError, chain, decisions, model_digest, verify
from qml.accounts.digests import SaltError
from qml.accounts.log import LogMismatchError
from qml.accounts.state_digest import state_digest
from qml.explain import explain
from qml.tables import Column, Schema, TableModel
from simulator.files import NotAFileError

ROOT = Path(__file__).parents[3]
posix = pytest.mark.skipif(os.name != "posix", reason="signals, limits and modes of POSIX")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 2))
Y = np.where(X[:, 0] * X[:, 1] > 0, "yes", "no")
EXACT = 1e-10
"""Largest difference of numbers that differ by rounding only."""


def shapley_of_two_columns(model, background, row, number):
    """Shapley values by their definition: the mean over both orders of what a column changes."""

    def output(first, second):
        rows = background.copy()
        if first:
            rows[:, 0] = row[0]
        if second:
            rows[:, 1] = row[1]
        if hasattr(model, "feature_names_in_"):
            rows = pd.DataFrame(rows, columns=model.feature_names_in_)
        return model.predict_proba(rows)[:, number].mean()

    none, both, first, second = output(False, False), output(True, True), output(True, False), output(False, True)
    return [(first - none + both - second) / 2, (second - none + both - first) / 2]


@pytest.fixture(scope="module")
def model():
    return VariationalClassifier(n_layers=1, epochs=3, random_state=0).fit(X, Y)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "decisions.jsonl"


def entries(path):
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def kinds(path):
    """The entries of all lines that are not torn."""
    return [entry for entry in map(chain.parse, path.read_bytes().splitlines()) if entry is not None]


def run(code, *arguments, check=True):
    """Run a program in a fresh process, with the model of this file and its rows."""
    start = """
        import os, sys
        import numpy as np
        from sklearn.linear_model import LogisticRegression
        from qml.accounts import DecisionLog, DecisionLogError
        X = np.arange(40.0).reshape(20, 2) % 7
        model = LogisticRegression(tol=1e-3).fit(X, X[:, 0] > 2)
        path = sys.argv[1]
    """
    program = textwrap.dedent(start) + textwrap.dedent(code)
    command = [sys.executable, "-c", program, *map(str, arguments)]
    if not check:
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return subprocess.Popen(command, cwd=ROOT, text=True, **pipes)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


class TestLines:
    def test_each_line_has_the_hash_of_the_line_before(self, model, path):
        with DecisionLog(path, model) as log:
            logged = log.wrap()
            np.testing.assert_array_equal(logged.predict(X), model.predict(X))
            logged.predict(X[:1])
            head = log.head
        lines = path.read_bytes().splitlines()
        assert len(lines) == 42
        previous = "0" * 64
        for number, line in enumerate(lines, 1):
            entry = json.loads(line)
            assert (entry["line"], entry["previous"]) == (number, previous)
            previous = hashlib.sha256(line).hexdigest()
        assert previous == head

    def test_what_a_decision_says(self, model, path):
        with DecisionLog(path, model) as log:
            log.wrap().predict(X)
        opened, *lines = entries(path)
        assert opened["kind"] == "open"
        assert opened["class"] == "VariationalClassifier"
        assert opened["versions"]["numpy"] == np.__version__
        secret = bytes.fromhex(Path(f"{path}.salt").read_text())
        for row, label, probability, entry in zip(X, model.predict(X), model.predict_proba(X), lines, strict=True):
            assert entry["kind"] == "decision"
            assert entry["method"] == "predict"
            assert entry["model"] == model_digest(model)
            assert entry["input"] == hmac.new(secret, struct.pack("<2d", *row), "sha256").hexdigest()
            assert entry["prediction"] == label
            assert entry["probability"] == probability.tolist()
            assert "values" not in entry

    def test_inputs_in_clear_only_when_asked(self, model, path):
        number = repr(X[0, 0])
        with DecisionLog(path, model) as log:
            log.wrap().predict(X)
            assert number not in path.read_text()
        with DecisionLog(path, model, inputs="clear") as log:
            log.wrap().predict(X[:1])
        assert entries(path)[-1]["values"] == X[0].tolist()
        with pytest.raises(ValueError, match="inputs expects 'digest' or 'clear', got 'plain'"):
            DecisionLog(path, model, inputs="plain")

    def test_equal_values_have_equal_digests_whatever_their_type(self, model, path):
        with DecisionLog(path, model) as log:
            first = log.digests(np.array([[1.0, 0.0]]))
            assert first == log.digests([[1, -0.0]]) == log.digests(pd.DataFrame({"a": [1], "b": [0]}))
            assert first != log.digests([[1.0, 1e-300]])

    def test_probabilities_can_be_left_out_and_are_with_a_backend(self, model, path):
        with DecisionLog(path, model, probability=False) as log:
            log.wrap().predict(X[:1])
        assert "probability" not in entries(path)[-1]
        with DecisionLog(path, model) as log:
            log.wrap().predict(X[:1], backend=None)  # any option may change what runs
        assert "probability" not in entries(path)[-1]

    def test_other_methods(self, model, path):
        with DecisionLog(path, model) as log:
            logged = log.wrap()
            np.testing.assert_array_equal(logged.predict_proba(X[:2]), model.predict_proba(X[:2]))
            np.testing.assert_array_equal(logged.decision_function(X[:2]), model.decision_function(X[:2]))
            assert logged.score(X, Y) == model.score(X, Y)
            assert list(logged.classes_) == ["no", "yes"]
        assert [entry.get("method") for entry in entries(path)[1:]] == ["predict_proba"] * 2 + ["decision_function"] * 2
        assert entries(path)[1]["probability"] == model.predict_proba(X[:1])[0].tolist()

    def test_explanations(self, model, path):
        with DecisionLog(path, model, explain=lambda rows: [{"first": row[0]} for row in rows]) as log:
            log.wrap().predict(X[:2])
        assert [entry["explanation"] for entry in entries(path)[1:]] == [{"first": value} for value in X[:2, 0]]

    @pytest.mark.parametrize("kind", ["quantum", "frame", "three classes", "table"])
    def test_shapley_values_of_an_explanation(self, kind, model, path):
        rows, y = (pd.DataFrame(X, columns=["a", "b"]), Y) if kind == "frame" else (X, Y)
        if kind in ("frame", "three classes"):
            y = Y if kind == "frame" else np.digitize(X[:, 0], [-0.5, 0.5])
            model = LogisticRegression().fit(rows, y)
        if kind == "table":
            model = TableModel(model, Schema("answer", (Column("a", "number", 0.0), Column("b", "number", 0.0))))
            rows = pd.DataFrame({"b": X[:, 1], "name": "somebody", "a": X[:, 0]})
        explanation = explain(model, rows, rows[:2], y, max_background=7, random_state=3)
        with DecisionLog(path, model, explain=explanation) as log:
            log.wrap().predict(rows[10:13])
        estimator = model.estimator if kind == "table" else model
        features, background = X[10:13], explanation.background
        if kind == "frame":
            features, background = rows[10:13], pd.DataFrame(background, columns=["a", "b"])
        probability, average = estimator.predict_proba(features), estimator.predict_proba(background).mean(axis=0)
        for entry, row, of_row in zip(entries(path)[1:], X[10:13], probability, strict=True):
            logged = entry["explanation"]
            number = 1 if kind != "three classes" else int(of_row.argmax())
            assert logged["output"] == str(estimator.classes_[number])
            assert logged["value"] == pytest.approx(of_row[number], abs=EXACT)
            assert logged["average"] == pytest.approx(average[number], abs=EXACT)
            assert list(logged["shapley"].values()) == pytest.approx(
                shapley_of_two_columns(estimator, explanation.background, row, number), abs=EXACT
            )
            assert list(logged["shapley"]) == list(explanation.columns)

    def test_a_row_has_the_same_explanation_alone_and_among_others(self, path):
        many = RNG.normal(size=(60, 13))  # 2^13 sets are too many: random orders
        forest = RandomForestClassifier(5, random_state=0).fit(many, many[:, 0] > 0)
        explanation = explain(forest, many, many[:1], max_background=3, random_state=0)
        with DecisionLog(path, forest, explain=explanation) as log:
            log.wrap().predict(many[:2])
            log.wrap().predict(many[1:2])
        _, _, among, alone = entries(path)
        assert among["explanation"] == alone["explanation"]

    def test_an_explanation_of_another_model_is_refused(self, model, path):
        other = VariationalClassifier(n_layers=1, epochs=2, random_state=1).fit(X, Y)
        with pytest.raises(ValueError, match="the explanation is of another model: the mean output of its background"):
            DecisionLog(path, model, explain=explain(other, X))
        with pytest.raises(TypeError, match=r"what qml.explain.explain returns, or a function of rows, got str"):
            DecisionLog(path, model, explain="shapley")
        assert not path.exists()

    def test_an_explanation_for_too_few_rows_withholds_the_prediction(self, model, path):
        with (
            DecisionLog(path, model, explain=lambda rows: rows[:1]) as log,
            pytest.raises(ValueError, match="explanation: expected one entry for each of 2 rows, got 1"),
        ):
            log.wrap().predict(X[:2])
        assert len(entries(path)) == 1

    def test_numbers_that_are_not_finite_are_text(self, path):
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
        with DecisionLog(path, model, inputs="clear") as log:
            log.append("predict", np.array([[np.inf, 1.0]]), prediction=[np.nan], probability=[[0.5, np.nan]])
        last = entries(path)[-1]
        assert (last["prediction"], last["probability"], last["values"]) == ("nan", [0.5, "nan"], ["inf", 1.0])

    def test_rows_only(self, model, path):
        with DecisionLog(path, model) as log:
            with pytest.raises(ValueError, match=r"rows of features, shape \(n_rows, n_features\), got \(2,\)"):
                log.append("predict", X[0], prediction=["yes"])
            with pytest.raises(ValueError, match="prediction: expected one entry for each of 40 rows, got 1"):
                log.append("predict", X, prediction=["yes"])
            log.append("predict", X[:0], prediction=[])
        assert len(entries(path)) == 1


class TestModels:
    def test_a_table_model_logs_its_features_only(self, model, path):
        schema = Schema("answer", (Column("a", "number", 0.0), Column("b", "number", 0.0)))
        table_model = TableModel(model, schema)
        frame = pd.DataFrame({"b": X[:, 1], "name": "somebody", "a": X[:, 0]})
        with DecisionLog(path, table_model, inputs="clear") as log:
            np.testing.assert_array_equal(log.wrap().predict(frame), model.predict(X))
            assert log.digests(frame) == [entry["input"] for entry in entries(path)[1:]]
        assert entries(path)[1]["values"] == {"a": X[0, 0], "b": X[0, 1]}
        assert "somebody" not in path.read_text()

    @pytest.mark.parametrize("classifier", [LogisticRegression(), LinearSVC(), QuantumKernelClassifier(random_state=0)])
    def test_any_classifier(self, classifier, path):
        classifier.fit(X, Y)
        with DecisionLog(path, classifier) as log:
            logged = log.wrap()
            np.testing.assert_array_equal(logged.predict(X), classifier.predict(X))
            assert hasattr(logged, "predict_proba") == hasattr(classifier, "predict_proba")
        assert ("probability" in entries(path)[1]) == hasattr(classifier, "predict_proba")
        assert verify(path).intact

    def test_text_and_gaps_in_the_input(self, path):
        class Constant:
            def predict(self, X):
                return np.zeros(len(X))

        frame = pd.DataFrame({"city": ["Bern", None], "size": [1.5, np.nan]})
        with DecisionLog(path, Constant(), inputs="clear") as log:
            log.wrap().predict(frame)
        first, second = (entry["values"] for entry in entries(path)[1:])
        assert first == {"city": "Bern", "size": 1.5}
        assert second["size"] == "nan"

    def test_another_model_is_refused(self, model, path):
        other = VariationalClassifier(n_layers=1, epochs=3, random_state=1).fit(X, Y)
        with DecisionLog(path, model) as log, pytest.raises(LogMismatchError, match="is the log of the model sha256:"):
            log.wrap(other)
        with pytest.raises(LogMismatchError, match="give each a path of its own"):
            DecisionLog(path, other)

    def test_the_same_model_from_a_file_goes_on(self, model, path, tmp_path):
        model.save(tmp_path / "model.qumba")
        with DecisionLog(path, model) as log:
            log.wrap().predict(X[:1])
        copy = load(tmp_path / "model.qumba")
        with DecisionLog(path, copy) as log:
            log.wrap(model).predict(X[:1])
        assert [entry["kind"] for entry in entries(path)] == ["open", "decision"] * 2
        assert verify(path).intact

    def test_a_logged_model_is_not_trained_again(self, model, path):
        with DecisionLog(path, model) as log, pytest.raises(TypeError, match="a logged model is not trained again"):
            log.wrap().fit(X, Y)

    @pytest.mark.parametrize(
        "estimator",
        [
            VariationalClassifier(n_layers=1, epochs=2, random_state=0),
            VariationalRegressor(n_layers=1, epochs=2, random_state=0),
            QuantumKernelClassifier(random_state=0),
            make_pipeline(StandardScaler(), VariationalClassifier(n_layers=1, epochs=2, random_state=0)),
        ],
        ids=lambda estimator: type(estimator).__name__,
    )
    def test_a_digest_is_that_of_the_content(self, estimator, tmp_path):
        from qml import save

        y = X[:, 0] if isinstance(estimator, VariationalRegressor) else Y
        estimator.fit(X, y)
        save(estimator, tmp_path / "model.qumba")
        again = load(tmp_path / "model.qumba")
        assert model_digest(again) == model_digest(estimator)
        trained = again[-1] if hasattr(again, "steps") else again
        arrays = {name: value for name, value in vars(trained).items() if isinstance(value, np.ndarray) and value.size}
        name = next(name for name, value in arrays.items() if value.dtype.kind == "f")
        values = np.array(getattr(trained, name))
        values.flat[0] = np.nextafter(values.flat[0], 9)
        setattr(trained, name, values)
        assert model_digest(again) != model_digest(estimator)

    def test_a_digest_does_not_depend_on_progress_bars(self, model):
        digest = model_digest(model)
        verbose = model.verbose
        try:
            model.set_params(verbose=not verbose)
            assert model_digest(model) == digest
        finally:
            model.set_params(verbose=verbose)

    @pytest.mark.parametrize(
        "make",
        [
            lambda C: LogisticRegression(C=C),
            lambda C: RandomForestClassifier(5, max_depth=int(C), random_state=0),
            lambda C: make_pipeline(FunctionTransformer(np.tanh), SVC(C=C)),
            lambda C: HistGradientBoostingClassifier(max_iter=3, l2_regularization=C, random_state=0),
        ],
    )
    def test_other_estimators_have_a_digest_too(self, make):
        one, same, other = (make(C).fit(X, Y) for C in (1.0, 1.0, 2.0))
        assert model_digest(one).startswith("state-sha256:")
        copy = pickle.loads(pickle.dumps(one))
        assert model_digest(one) == model_digest(copy) == model_digest(same)
        assert model_digest(one) != model_digest(other)

    def test_a_state_may_hold_itself_but_no_open_file(self, tmp_path):
        class Loop:
            pass

        loop = Loop()
        loop.self, loop.values = loop, [{1: {2.5}, "a": (None, b"b")}, np.array(["x", None], dtype=object)]
        first = state_digest(loop)
        loop.values[0]["a"] = (None, b"c")
        assert state_digest(loop) != first
        with open(tmp_path / "file", "w") as file, pytest.raises(TypeError, match="cannot"):
            state_digest([file])


class TestSalt:
    @posix
    def test_it_is_for_the_owner_only(self, model, path):
        DecisionLog(path, model).close()
        assert stat.S_IMODE(os.stat(f"{path}.salt").st_mode) == 0o600
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600

    def test_it_may_be_elsewhere_or_in_memory(self, model, path, tmp_path):
        with DecisionLog(path, model, salt=tmp_path / "secret") as log:
            log.wrap().predict(X[:1])
        with DecisionLog(path, model, salt=bytes.fromhex((tmp_path / "secret").read_text())) as log:
            log.wrap().predict(X[:1])
        assert not Path(f"{path}.salt").exists()
        assert len(list(decisions(path, X[:1], salt=tmp_path / "secret"))) == 2

    def test_another_or_a_missing_one_is_refused(self, model, path):
        DecisionLog(path, model).close()
        with pytest.raises(SaltError, match="the salt is not that of"):
            DecisionLog(path, model, salt=b"another secret of a log")
        with pytest.raises(SaltError, match="the salt is not that of"):  # with it, no row would be found
            next(decisions(path, X[:1], salt=b"another secret of a log"))
        os.remove(f"{path}.salt")
        with pytest.raises(SaltError, match=r"the salt of .* is not at .*: give it by salt=, or start a new log"):
            DecisionLog(path, model)
        Path(f"{path}.salt").write_text("no salt")
        with pytest.raises(SaltError, match="does not hold a salt"):
            DecisionLog(path, model)
        with pytest.raises(SaltError, match="at least 16 secret bytes"):
            DecisionLog(path, model, salt=b"short")

    def test_decisions_on_a_row_are_found(self, model, path):
        with DecisionLog(path, model) as log:
            log.wrap().predict(X)
            log.wrap().predict_proba(X[7:8])
        assert len(list(decisions(path))) == 41
        found = list(decisions(path, X[7:8]))
        assert [entry["line"] for entry in found] == [9, 42]
        assert found[0]["prediction"] == model.predict(X[7:8])[0]
        assert list(decisions(path, X[7:8] + 1)) == []


class TestSeveralProcesses:
    def test_no_line_is_lost(self, path):
        code = """
            with DecisionLog(path, model) as log:
                print("ready", flush=True)
                sys.stdin.readline()
                for _ in range(1000):
                    log.append("predict", X[:3], prediction=[0, 1, 1])
        """
        started = [run(code, path, check=False) for _ in range(2)]
        for process in started:
            assert process.stdout.readline() == "ready\n"
        for process in started:
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in started:
            _, errors = process.communicate()
            assert process.returncode == 0, errors
        result = verify(path)
        assert result.intact
        assert result.decisions == 2 * 1000 * 3
        assert result.lines == result.decisions + 2

    def test_two_objects_in_one_process_and_threads(self, model, path):
        from concurrent.futures import ThreadPoolExecutor

        with DecisionLog(path, model) as one, DecisionLog(path, model) as two, ThreadPoolExecutor(4) as pool:
            logs = [one, two] * 20
            list(pool.map(lambda log: log.append("predict", X[:2], prediction=["yes", "no"]), logs))
        result = verify(path)
        assert result.intact
        assert result.decisions == 80

    @posix
    def test_a_fork_takes_turns_with_its_parent(self, path):
        code = """
            log = DecisionLog(path, model)
            child = os.fork()
            for _ in range(200):
                log.append("predict", X[:2], prediction=[0, 1])
            log.close()
            if child:
                _, status = os.waitpid(child, 0)
                assert status == 0
            else:
                os._exit(0)
        """
        run(code, path)
        result = verify(path)
        assert result.intact
        assert result.decisions == 800

    @posix
    def test_kill_9_leaves_an_intact_log(self, path):
        code = """
            import signal, time
            for child in range(8):
                reader, writer = os.pipe()
                process = os.fork()
                if process == 0:
                    log = DecisionLog(path, model)
                    os.write(writer, b"!")
                    while True:
                        log.wrap().predict(X)
                os.read(reader, 1)
                time.sleep(0.01 * child)
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
            print(DecisionLog(path, model).wrap().predict(X).shape)
        """
        assert run(code, path) == "(20,)\n"
        result = verify(path)
        assert result.intact
        assert result.decisions >= 7 * 20
        assert sum(entry["kind"] == "open" for entry in kinds(path)) == 9
        assert sum("torn" in note for note in result.notes) <= 8

    def test_a_log_cannot_be_pickled(self, model, path):
        with DecisionLog(path, model) as log, pytest.raises(TypeError, match="open the same path there"):
            pickle.dumps(log)


class TestTornLines:
    def tear(self, path, count=100):
        """Leave the first bytes of a line, as a process that was killed would."""
        with open(path, "ab") as file:
            file.write(b'{"line":99,"previous":"' + b"a" * count)

    def test_a_torn_last_line_is_reported_and_hashed(self, model, path):
        with DecisionLog(path, model) as log:
            log.wrap().predict(X[:2])
        self.tear(path)
        result = verify(path)
        assert result.intact
        assert result.decisions == 2
        assert "the last line is torn after 123 bytes" in result.notes[0]
        with DecisionLog(path, model) as log:
            log.wrap().predict(X[:1])
        lines = path.read_bytes().splitlines()
        torn, opened = json.loads(lines[4]), json.loads(lines[5])
        assert (torn["kind"], torn["torn"], torn["previous"]) == ("torn", 4, hashlib.sha256(lines[3]).hexdigest())
        assert (opened["kind"], opened["line"]) == ("open", 6)
        result = verify(path)
        assert result.intact
        assert result.notes == ("line 4 is torn: a process was killed while writing it",)

    def test_another_process_goes_on_behind_it(self, model, path):
        with DecisionLog(path, model) as log:
            self.tear(path)
            log.wrap().predict(X[:1])
        assert [entry["kind"] for entry in map(json.loads, path.read_bytes().splitlines()[2:])] == ["torn", "decision"]
        assert verify(path).intact

    def test_a_line_torn_before_its_line_feed(self, model, path):
        with DecisionLog(path, model) as log:
            log.wrap().predict(X[:2])
        path.write_bytes(path.read_bytes()[:-1])
        assert "torn" in verify(path).notes[0]
        with DecisionLog(path, model) as log:
            log.wrap().predict(X[:1])
        assert verify(path).intact
        assert [entry["kind"] for entry in entries(path)] == [
            "open",
            "decision",
            "decision",
            "torn",
            "open",
            "decision",
        ]

    def test_a_change_is_not_taken_for_a_torn_line(self, model, path):
        with DecisionLog(path, model) as log:
            log.wrap().predict(X[:5])
        lines = path.read_bytes().splitlines(keepends=True)
        lines[3] = lines[3][:80] + b"\n"
        path.write_bytes(b"".join(lines))
        findings = " ".join(verify(path).findings)
        assert "line 4 cannot be read, and the next line does not say that it was torn" in findings
        assert "line 4 was changed" in findings


class TestFailures:
    @posix
    def test_on_a_full_disk_the_prediction_is_withheld(self, path):
        code = """
            import resource
            with DecisionLog(path, model) as log:
                logged = log.wrap()
                logged.predict(X)
                size = os.path.getsize(path)
                resource.setrlimit(resource.RLIMIT_FSIZE, (size + 700, resource.RLIM_INFINITY))
                prediction = None
                try:
                    prediction = logged.predict(X)
                except DecisionLogError as error:
                    print(error)
                assert prediction is None
                assert os.path.getsize(path) == size, "a part of the lines stayed"
                resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
                logged.predict(X)
        """
        assert "file too large; the prediction is withheld" in run(code, path)
        result = verify(path)
        assert result.intact
        assert result.decisions == 40

    def test_a_closed_log(self, model, path):
        with DecisionLog(path, model) as log:
            logged = log.wrap()
        with pytest.raises(DecisionLogError, match="this log is closed, the prediction is withheld"):
            logged.predict(X)

    def test_a_log_that_was_cut_meanwhile(self, model, path):
        with DecisionLog(path, model) as log:
            log.wrap().predict(X)
            os.truncate(path, os.path.getsize(path) // 2)
            with pytest.raises(DecisionLogError, match="is shorter than it was: somebody cut it"):
                log.wrap().predict(X)

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("a diary\n", "its last line cannot be read"),
            ('{"line":1,"previous":"","time":"","kind":"decision"}\n', "is not a decision log: give the path of one"),
            ('{"line":1,"previous":"","time":"","kind":"open","model":"m","format":9}\n', "has format 9, this version"),
            ("no line feed", "its only line is not whole"),
        ],
    )
    def test_another_file(self, model, path, content, message):
        path.write_text(content)
        Path(f"{path}.salt").write_text("ab" * 32)
        with pytest.raises(DecisionLogError, match=message):
            DecisionLog(path, model)
        assert path.read_text() == content

    def test_a_folder_or_a_missing_folder(self, model, tmp_path):
        with pytest.raises(NotAFileError, match="this is a folder"):
            DecisionLog(tmp_path, model)
        with pytest.raises(DecisionLogError, match="no such file or directory"):
            DecisionLog(tmp_path / "missing" / "log", model)

    def test_a_clock_that_goes_back_is_noted(self, model, path, monkeypatch):
        with DecisionLog(path, model) as log:
            log.wrap().predict(X[:1])
            past = time.time() - 3600
            monkeypatch.setattr(chain.time, "time", lambda: past)
            log.wrap().predict(X[:1])
        result = verify(path)
        assert result.intact
        assert "line 3: the clock went back, from " in result.notes[0]


class TestHead:
    def test_it_is_written_elsewhere_after_each_call(self, model, path, tmp_path):
        with DecisionLog(path, model, head=tmp_path / "head", sync=True) as log:
            for _ in range(3):
                log.wrap().predict(X[:2])
                number, head = (tmp_path / "head").read_text().split()
                assert (int(number), head) == (log.lines, log.head)
                assert head == hashlib.sha256(path.read_bytes().splitlines()[-1]).hexdigest()

    def test_a_log_behind_its_head_is_not_continued(self, model, path, tmp_path):
        with DecisionLog(path, model, head=tmp_path / "head") as log:
            log.wrap().predict(X)
        whole = path.read_bytes()
        path.write_bytes(b"".join(whole.splitlines(keepends=True)[:-3]))
        with pytest.raises(DecisionLogError, match=r"was cut or changed: its head in .* is line 41"):
            DecisionLog(path, model, head=tmp_path / "head")
        path.write_bytes(whole.replace(b'"yes"', b'"YES"'))
        with pytest.raises(DecisionLogError, match="was cut or changed"):
            DecisionLog(path, model, head=tmp_path / "head")
        path.write_bytes(whole)
        DecisionLog(path, model, head=tmp_path / "head").close()

    def test_a_damaged_head_is_refused(self, model, path, tmp_path):
        head = tmp_path / "head"
        with DecisionLog(path, model, head=head) as log:
            log.wrap().predict(X[:2])
        whole = head.read_bytes()
        for position in (0, 19, 20, 21, 84, 85):
            head.write_bytes(whole[:position] + bytes([whole[position] ^ 64]) + whole[position + 1 :])
            with pytest.raises(
                DecisionLogError, match="head is damaged, or not the head of a log: see what `qumba log"
            ):
                DecisionLog(path, model, head=head)
        head.write_bytes(b"")
        DecisionLog(path, model, head=head).close()
        assert head.read_bytes() > whole


def test_something_else_than_a_model_leaves_no_file(path):
    with pytest.raises(TypeError, match="model expects a fitted estimator, got 5"):
        DecisionLog(path, 5)
    assert not path.exists()
