"""The search against known scores, recorded rows, killed processes and scikit-learn's checks."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import optuna
import pytest
from joblib import parallel_config
from optuna.storages.journal import JournalFileBackend
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import load_iris, make_regression
from sklearn.ensemble import VotingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import RobustScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_info, threadpool_limits

from qml import KitchenSinksClassifier, KitchenSinksRegressor, VariationalClassifier, load, save
from qml.files.container import ModelFileError
from qml.honesty.scores import choose_metrics
from qml.search import QuantumSearchCV, evaluation
from qml.search.comparison import Contender, compare, verdict
from qml.search.evaluation import Outcome, evaluate
from qml.search.fitting import SearchFailedError
from qml.search.records import TrialRecord
from qml.search.running import Run
from qml.search.studies import StudyLockedError, StudyMismatchError, new_pruner, open_storage
from simulator.errors import UnknownNameError
from tests.qml.search.models import (
    SEEN,
    FewSinks,
    FewSinksRegressor,
    Learner,
    Nothing,
    OtherLearner,
    OtherSinks,
    Several,
    Single,
    accuracy_of,
    known_rows,
)

ROOT = Path(__file__).parents[3]


def small(**settings):
    """A search that takes a fraction of a second."""
    return QuantumSearchCV(**({"models": [Learner()], "classical": False, "random_state": 0, "cv": 2} | settings))


def summary(search):
    return [(record.kind, record.state, record.params, record.fold_scores) for record in search.trials_]


@parametrize_with_checks(
    [
        QuantumSearchCV(n_trials=3, cv=2, models=[FewSinks()], random_state=0),
        QuantumSearchCV("regression", n_trials=2, cv=2, models=[FewSinksRegressor()], classical=False, random_state=0),
    ]
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


class TestTrials:
    def test_same_seed_gives_the_same_trials(self):
        X, y = load_iris(return_X_y=True)
        settings = {"models": [FewSinks(), "Network"], "classical": True, "n_trials": 6}
        first, again = (small(**settings).fit(X, y) for _ in range(2))
        assert summary(first) == summary(again)
        assert first.best_params_ == again.best_params_
        other = small(**settings | {"random_state": 1}).fit(X, y)
        assert summary(first) != summary(other)

    def test_finds_the_best_of_a_grid_and_tries_nothing_twice(self):
        X, y = known_rows()
        search = small(n_trials=60, pruner=None).fit(X, y)
        tried = [record.params["Learner.place"] for record in search.trials_]
        assert sorted(tried) == list(range(20))
        assert search.best_params_ == {"place": 13}
        assert "all models of the spaces were tried after 20 trials" in str(search.leaderboard_)

    @pytest.mark.parametrize("pruner", ["median", "halving"])
    @pytest.mark.parametrize("seed", range(5))
    def test_pruning_spares_the_winner_of_a_grid_of_20(self, pruner, seed):
        X, y = known_rows()
        search = small(n_trials=40, pruner=pruner, random_state=seed).fit(X, y)
        assert len(search.trials_) == 20
        pruned = [record for record in search.trials_ if record.state == "pruned"]
        assert len(pruned) >= 3
        assert search.best_params_ == {"place": 13}
        assert all(accuracy_of(record.params["Learner.place"]) < accuracy_of(13) for record in pruned)

    def test_a_pruned_training_ends_early(self):
        X, y = known_rows()
        SEEN.clear()
        search = small(n_trials=20).fit(X, y)
        early = [record for record in search.trials_ if record.state == "pruned" and not record.fold_scores]
        assert early
        assert len([what for what, _ in SEEN if what == "fit"]) < 2 * 20

    def test_every_trial_rebuilds_its_model_exactly(self):
        X, y = load_iris(return_X_y=True)
        models, X, y = [FewSinks(), "QuantumKernel"], X[::3], y[::3]
        search = small(n_trials=7, models=models, classical=True, pruner=None).fit(X, y)
        task, _ = search._task(X, y, int(np.random.RandomState(0).randint(np.iinfo(np.int32).max)))
        for record in search.trials_:
            outcome = evaluate(task, task.drawn(record.params, record.kind), None)
            assert tuple(outcome.scores) == record.fold_scores

    def test_every_second_trial_after_the_first_ones_varies_one_of_the_best_three(self):
        X, y = known_rows()
        search = small(models=[Several()], n_trials=21).fit(X, y)
        differences = {}
        for number in range(1, 21):  # the trial before these has the usual settings
            params = search.trials_[number].params
            earlier = sorted((r for r in search.trials_[:number] if r.complete), key=lambda r: -r.score)[:3]
            counts = [sum(r.params[name] != params.get(name) for name in r.params) for r in earlier]
            differences[number] = min(counts)
        assert max(differences[number] for number in range(2, 21, 2)) <= 2
        assert np.mean([differences[number] for number in range(1, 21, 2)]) > 2.5

    def test_a_failing_trial_is_recorded(self):
        X, y = known_rows()
        broken = OtherLearner(fault="no such luck")
        search = small(models=[broken, Learner()], n_trials=8).fit(X, y)
        failed = [record for record in search.trials_ if record.state == "failed"]
        assert failed
        assert {record.error for record in failed} == {"RuntimeError: no such luck"}
        assert "RuntimeError: no such luck" in str(search.leaderboard_)
        assert "nan" not in str(search.leaderboard_)  # the score of a family without complete trials
        assert search.best_trial_.family == "Learner"

    @pytest.mark.parametrize("backend", ["threading", pytest.param("loky", marks=pytest.mark.slow)])
    def test_parallel_trials_prune_too(self, backend):
        X, y = known_rows()
        with parallel_config(backend):
            search = small(n_trials=16, n_jobs=2).fit(X, y)
        assert [record.number for record in search.trials_] == list(range(16))
        assert len({record.params["Learner.place"] for record in search.trials_}) == 16
        assert any(record.state == "pruned" for record in search.trials_)
        for record in search.trials_:
            if record.complete:
                expected = accuracy_of(record.params["Learner.place"]) * (1 - np.exp(-3.0))
                assert record.score == pytest.approx(expected, abs=0.02)


class TestStudyFile:
    def test_resumed_study_equals_an_uninterrupted_one(self, tmp_path):
        X, y = known_rows()
        whole = small(n_trials=14).fit(X, y)
        path = tmp_path / "search.journal"
        small(n_trials=6, study=path).fit(X, y)
        resumed = small(n_trials=14, study=path).fit(X, y)
        assert summary(resumed) == summary(whole)

    def test_a_trial_that_a_killed_process_only_enqueued_changes_nothing(self, tmp_path):
        X, y = known_rows()
        whole = small(n_trials=14).fit(X, y)
        path = tmp_path / "search.journal"
        small(n_trials=6, study=path).fit(X, y)
        with open_storage(path) as storage:
            study = optuna.load_study(study_name="search quantum", storage=storage)
            study.enqueue_trial({"model": "Learner", "Learner.place": 19})
        assert summary(small(n_trials=14, study=path).fit(X, y)) == summary(whole)

    def test_killed_search_resumes_with_no_trial_twice(self, tmp_path):
        path = tmp_path / "search.journal"
        program = f"""
            import sys
            sys.path.insert(0, {str(ROOT)!r})
            from tests.qml.search.test_search import Learner, known_rows, small
            small(n_trials=14, study={str(path)!r}, models=[Learner(wait=0.15)], pruner=None).fit(*known_rows())
        """
        process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and finished_trials(path) < 3:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        with open(path, "ab") as file:
            file.write(b'{"op_code": 5, "worker_')  # what a process killed while writing leaves
        before = finished_trials(path)
        assert 3 <= before < 14
        X, y = known_rows()
        search = small(n_trials=14, study=path, models=[Learner(wait=0.15)], pruner=None).fit(X, y)
        whole = small(n_trials=14, models=[Learner(wait=0.0)], pruner=None).fit(X, y)
        assert summary(search) == summary(whole)
        assert len({record.params["Learner.place"] for record in search.trials_}) == 14

    def test_optuna_reads_the_journal_and_the_disk_is_waited_for_once_per_trial(self, tmp_path, monkeypatch):
        X, y = known_rows()
        path, synced, sync = tmp_path / "search.journal", [], os.fsync

        def counted(descriptor):
            synced.append(finished_trials(path))
            sync(descriptor)

        monkeypatch.setattr(os, "fsync", counted)
        search = small(n_trials=6, study=path, pruner=None).fit(X, y)
        assert len(synced) <= 2 * 6 + 2  # a trial that is enqueued changes its state twice
        assert synced[-1] == 6
        storage = optuna.storages.JournalStorage(JournalFileBackend(str(path)))
        study = optuna.load_study(study_name="search quantum", storage=storage)
        assert [trial.value for trial in study.get_trials()] == [record.score for record in search.trials_]

    def test_flipped_bits_lost_and_swapped_lines_are_noticed(self, tmp_path):
        X, y = known_rows()
        path = tmp_path / "search.journal"
        small(n_trials=3, study=path).fit(X, y)
        whole = path.read_bytes()
        lines = whole.splitlines(keepends=True)
        damaged = [b"".join(lines[:4] + lines[5:]), b"".join([*lines[:4], lines[5], lines[4], *lines[6:]])]
        for position in range(0, len(whole) - len(lines[-1]), 61):
            damaged.append(whole[:position] + bytes([whole[position] ^ 2]) + whole[position + 1 :])
        for content in damaged:
            path.write_bytes(content)
            with pytest.raises(ModelFileError, match=r"search\.journal: damaged"), open_storage(path):
                pass
            assert path.read_bytes() == content

    def test_a_journal_without_checksums_is_continued(self, tmp_path):
        X, y = known_rows()
        path = tmp_path / "search.journal"
        whole = small(n_trials=8).fit(X, y)
        small(n_trials=4, study=path).fit(X, y)
        path.write_bytes(re.sub(rb',"sha256":"[0-9a-f]*"', b"", path.read_bytes()))
        assert summary(small(n_trials=8, study=path).fit(X, y)) == summary(whole)

    @pytest.mark.parametrize(
        "content", [b"a,b\n1,2", b"{}\n", b"[1]\n{", b"[" * 100_000, b'{"op_code":77}\n', b"\0" * 99]
    )
    def test_another_file_is_refused_and_stays_as_it_is(self, tmp_path, content):
        path = tmp_path / "table.csv"
        path.write_bytes(content)
        with pytest.raises(ModelFileError, match=r"table\.csv: damaged, or not the file of a study"):
            small(n_trials=2, study=path).fit(*known_rows())
        assert path.read_bytes() == content

    def test_study_of_another_search_is_refused(self, tmp_path):
        X, y = known_rows()
        path = tmp_path / "search.journal"
        small(n_trials=2, study=path).fit(X, y)
        with pytest.raises(StudyMismatchError, match="data differ"):
            small(n_trials=3, study=path).fit(X[::-1].copy(), y[::-1])
        with pytest.raises(StudyMismatchError, match="random_state, models differ"):
            small(n_trials=3, study=path, random_state=5, models=[OtherLearner()]).fit(X, y)

    def test_study_in_use_is_refused(self, tmp_path):
        X, y = known_rows()
        path = tmp_path / "search.journal"
        with open_storage(path), pytest.raises(StudyLockedError, match="another process"):
            small(n_trials=2, study=path).fit(X, y)

    def test_ctrl_c_keeps_the_best_so_far(self, tmp_path):
        X, y = known_rows()
        path = tmp_path / "search.journal"

        class Stopped(Learner):
            def fit(self, X, y):
                if len(SEEN) > 12:
                    SEEN.clear()
                    raise KeyboardInterrupt
                return super().fit(X, y)

        SEEN.clear()
        search = small(n_trials=20, study=path, models=[Stopped()], pruner=None)
        with pytest.raises(KeyboardInterrupt):
            search.fit(X, y)
        assert 1 <= len(search.trials_) < 20
        assert search.predict(X).shape == (100,)


def finished_trials(path):
    if not path.exists():
        return 0
    return path.read_text(errors="replace").count('"state":1')


class TestBudget:
    def test_timeout_is_kept_to_one_trial(self):
        X, y = known_rows()
        search = small(n_trials=1000, timeout=0.3, models=[Learner(wait=0.05)], pruner=None)
        search.fit(X, y)
        slowest = max(record.seconds for record in search.trials_)
        assert 1 <= len(search.trials_) < 20
        running = sum(record.seconds for record in search.trials_)
        assert running <= 0.3 + slowest
        assert "time limit ended the search" in str(search.leaderboard_)

    def test_budget_for_one_trial_is_said(self):
        X, y = known_rows()
        with pytest.warns(UserWarning, match="enough for a single trial"):
            search = small(n_trials=5, timeout=1e-6).fit(X, y)
        assert len(search.trials_) == 1

    @pytest.mark.parametrize(
        "settings", [{"n_trials": 0}, {"timeout": 0}, {"timeout": -1.0}, {"cv": 1}, {"nested": 1}, {"ensemble": 0}]
    )
    def test_no_budget(self, settings):
        X, y = known_rows()
        with pytest.raises(ValueError, match=f"{next(iter(settings))} expects"):
            small(**settings).fit(X, y)


class TestHonesty:
    def test_trials_of_an_outer_fold_get_its_training_rows_only(self, monkeypatch):
        from qml.search import fitting

        X, y = known_rows(60)
        tests, trials = [], []
        original_run, original_score = fitting._run, fitting._score_outer

        def run(storage, name, task, options, timeout):
            SEEN.clear()
            result = original_run(storage, name, task, options, timeout)
            trials.append(set(np.concatenate([rows for _, rows in SEEN]).tolist()))
            return result

        def score(outer, task, run, X_test, y_test, ensemble):
            tests.append(set(X_test[:, 0].astype(int).tolist()))
            original_score(outer, task, run, X_test, y_test, ensemble)

        monkeypatch.setattr(fitting, "_run", run)
        monkeypatch.setattr(fitting, "_score_outer", score)
        search = small(n_trials=3, nested=3).fit(X, y)
        assert trials[0] == set(range(60))
        assert set.union(*tests) == set(range(60))
        assert sum(map(len, tests)) == 60
        for seen, tested in zip(trials[1:], tests, strict=True):
            assert seen == set(range(60)) - tested
        assert search.outer_scores_.shape == (3,)

    @pytest.mark.slow
    def test_noise_labels_score_at_chance_on_outer_rows_and_above_it_inside(self):
        inner, outer = [], []
        for seed in range(8):
            rng = np.random.default_rng(seed)
            X, y = rng.normal(size=(400, 4)), rng.permutation(np.arange(400) % 2)
            search = small(n_trials=5, nested=3, models=[FewSinks()], random_state=seed, cv=3).fit(X, y)
            inner.append(search.best_score_)
            outer.append(search.outer_scores_.mean())
        assert abs(np.mean(outer) - 0.5) < 0.02  # of 3200 rows, whose standard error is 0.009
        assert np.mean(inner) > np.mean(outer)
        assert np.mean(inner) > 0.51

    def test_leaderboard_has_the_classical_partners_and_the_budgets(self):
        X, y = load_iris(return_X_y=True)
        search = small(n_trials=18, models=[FewSinks()], classical=True, pruner=None).fit(X[::2], y[::2])
        rows = {row.model: row for row in search.leaderboard_}
        opponents = {"logistic regression", "RBF SVM", "neural network", "gradient boosting", "random forest"}
        assert rows.keys() == opponents | {"FewSinks"}
        assert all(rows[name].complete >= 1 for name in opponents)
        assert sum(row.trials for row in rows.values()) == 18
        verdict = search.leaderboard_.verdict()
        assert "the best of 12 trials of 1 model" in verdict
        assert "the best of 6 trials of 5 models" in verdict
        assert "nested=5 gives scores of rows that no trial has seen" in verdict

    def test_paired_test_against_a_formula_of_its_own(self):
        from scipy.stats import t

        truth = [np.array([0, 1, 0, 1, 1, 0])] * 3
        right = tuple(values.copy() for values in truth)
        wrong = tuple(np.where(np.arange(6) < count, 1 - truth[0], truth[0]) for count in (1, 2, 3))
        scores = [tuple(float(np.mean(p == t)) for p, t in zip(ps, truth, strict=True)) for ps in (right, wrong)]
        quantum = Contender("a", 7, 1, scores[0], right)
        classical = Contender("b", 5, 2, scores[1], wrong)
        metrics = choose_metrics("classification", truth[0])
        comparison = compare(quantum, classical, truth, 12.0, metrics, unseen=True, metric="accuracy")
        differences = np.array(scores[0]) - scores[1]
        statistic = differences.mean() / np.sqrt(differences.var(ddof=1) * (1 / 3 + 6 / 12))
        assert comparison.test.p_value == pytest.approx(2 * t.sf(abs(statistic), 2), rel=1e-12)
        assert comparison.rows_p_value == pytest.approx(2 * 0.5**6, rel=1e-12)  # six of six disagreements

    def test_equal_differences_on_all_folds_have_no_t_test(self):
        truth = [np.array([0, 1, 0, 1, 1, 0])] * 3
        right = tuple(values.copy() for values in truth)
        wrong = tuple(np.where(np.arange(6) < 1, 1 - values, values) for values in truth)
        quantum = Contender("a", 7, 1, (1.0,) * 3, right)
        classical = Contender("b", 5, 2, (5 / 6,) * 3, wrong)
        metrics = choose_metrics("classification", truth[0])
        comparison = compare(quantum, classical, truth, 12.0, metrics, unseen=True, metric="accuracy")
        text = verdict(comparison)
        assert "a t-test learns nothing; p = 0.25 by a test of the rows" in text  # three of three disagreements
        assert "too uncertain to tell them apart" in text


class TestEnsemble:
    def test_members_are_of_different_families_first(self):
        entries = [("A", 0.9), ("A", 0.8), ("B", 0.7), ("C", 0.6), ("B", 0.65)]
        run = Run(
            [
                TrialRecord(number, family, "quantum", "complete", score, (), (), {}, 0.0, 0.0)
                for number, (family, score) in enumerate(entries)
            ]
        )
        assert [record.number for record in run.best_models("quantum", 2)] == [0, 2]
        assert [record.number for record in run.best_models("quantum", 9)] == [0, 2, 3, 1, 4]

    def test_probabilities_are_the_mean_of_the_best_models_of_different_families(self):
        frame, y = load_iris(return_X_y=True, as_frame=True)
        words = np.array(["a", "b", "c"])[y]
        settings = {"models": [FewSinks(), OtherSinks()], "warm_starts": False, "pruner": None}
        search = small(n_trials=4, ensemble=2, **settings).fit(frame[::3], words[::3])
        seed = int(np.random.RandomState(0).randint(np.iinfo(np.int32).max))
        task, _ = search._task(frame[::3].to_numpy(), words[::3], seed)
        expected = []
        for name in ("FewSinks", "OtherSinks"):
            record = max((r for r in search.trials_ if r.family == name), key=lambda r: r.score)
            drawn = task.drawn(record.params, "quantum")
            model = drawn.pipeline(drawn.estimator(task.seed)).fit(task.X, task.y)
            expected.append(model.predict_proba(frame.to_numpy()))
        np.testing.assert_allclose(search.predict_proba(frame), np.mean(expected, axis=0), atol=1e-12)
        assert set(search.predict(frame)) == {"a", "b", "c"}

    def test_model_file(self, tmp_path):
        X, y = load_iris(return_X_y=True)
        words = np.array(["a", "b", "c"])[y]
        sinks = KitchenSinksClassifier(n_components=8, n_qubits=2, random_state=0)
        members = [("a", sinks), ("left out", "drop"), ("b", make_pipeline(RobustScaler(), sinks))]
        model = VotingClassifier(members, voting="soft")
        save(model.fit(X[::3], words[::3]), tmp_path / "model.qumba")
        again = load(tmp_path / "model.qumba")
        assert list(again.named_estimators_) == list(model.named_estimators_)
        assert again.named_estimators_["b"] is again.estimators_[1]  # in the file once
        assert np.array_equal(again.predict(X), model.predict(X))
        assert np.array_equal(again.predict_proba(X), model.predict_proba(X))

    def test_second_trials_join_where_families_are_few_and_classes_are_voted_for(self):
        X, y = known_rows()
        search = small(n_trials=8, ensemble=3, nested=2, classical=True, pruner=None).fit(X, y)
        best = sorted(search.trials_, key=lambda record: (record.kind == "classical", -record.score))[:3]
        members = search.best_estimator_.estimators_
        assert [member.place for member in members] == [record.params["Learner.place"] for record in best]
        votes = np.sum([member.predict(X) for member in members], axis=0)
        assert np.array_equal(search.predict(X), votes > 1)
        assert "an ensemble of 3 quantum models" in search.leaderboard_.verdict()
        assert "classical models" in search.leaderboard_.verdict()

    def test_regression(self):
        X, y = make_regression(60, 3, random_state=0)
        search = small(task="regression", models=[FewSinksRegressor()], n_trials=3, ensemble=2).fit(X, y)
        members = search.best_estimator_.estimators_
        assert len(members) == 2
        np.testing.assert_allclose(search.predict(X), np.mean([m.predict(X) for m in members], axis=0))


class TestObjectives:
    def test_pareto_front_against_a_double_loop(self):
        X, y = load_iris(return_X_y=True)
        names = [FewSinks(), "Reservoir"]
        objectives = ("score", "two_qubit_gates", "depth", "inference", "seconds")
        search = small(n_trials=12, models=names, objectives=objectives).fit(X, y)
        values = {
            r.number: np.array([-r.score, *r.costs]) for r in search.trials_ if r.complete and r.kind == "quantum"
        }
        assert all(len(entry) == 5 for entry in values.values())
        expected = {
            mine
            for mine, entry in values.items()
            if not any((other <= entry).all() and (other < entry).any() for other in values.values())
        }
        assert {record.number for record in search.pareto_front_} == expected
        assert not any(record.state == "pruned" for record in search.trials_)

    def test_gates_are_those_of_the_circuit(self):
        X, y = load_iris(return_X_y=True)
        search = small(n_trials=4, models=["KitchenSinks"], objectives=("score", "two_qubit_gates", "depth")).fit(X, y)
        for record in search.trials_:
            prefix = "KitchenSinksClassifier."
            qubits = record.params[prefix + "n_qubits"]
            gates = qubits - 1 if record.params[prefix + "entangled"] else 0  # a chain of CNOTs
            assert record.costs[0] == gates
            assert record.costs[1] == gates + 1  # after a layer of rotations


class TestInput:
    def test_regression_and_a_model_file(self, tmp_path):
        X, y = make_regression(60, 3, random_state=0)
        search = QuantumSearchCV("regression", 6, cv=2, models=["KitchenSinks"], random_state=0).fit(X, y)
        assert is_regressor(search)
        assert not is_classifier(search)
        search.save(tmp_path / "model.qumba")
        assert np.array_equal(load(tmp_path / "model.qumba").predict(X), search.predict(X))

    def test_columns_of_a_frame_keep_their_names(self, tmp_path):
        frame, y = load_iris(return_X_y=True, as_frame=True)
        search = small(n_trials=3, models=[KitchenSinksClassifier(n_components=12)]).fit(frame, y)
        search.save(tmp_path / "best.qumba")
        for model in (search.best_estimator_, load(tmp_path / "best.qumba")):
            np.testing.assert_array_equal(model.predict(frame), search.predict(frame))
            with pytest.raises(ValueError, match="feature names"):
                model.predict(frame[frame.columns[::-1]])

    def test_a_space_of_one_point(self):
        X, y = known_rows()
        search = small(n_trials=5, models=[Single()]).fit(X, y)
        assert [record.params["Single.place"] for record in search.trials_] == [5]
        assert "all models of the spaces were tried after 1 trials" in str(search.leaderboard_)

    def test_names_are_suggested(self):
        X, y = known_rows()
        with pytest.raises(UnknownNameError, match="Variational"):
            small(models=["Varational"]).fit(X, y)
        with pytest.raises(UnknownNameError, match="roc_auc"):
            small(scoring="roc_auk").fit(X, y)
        with pytest.raises(UnknownNameError, match="depth"):
            small(objectives=("score", "deepth")).fit(X, y)
        with pytest.raises(UnknownNameError, match="median"):
            small(pruner="medain").fit(X, y)
        with pytest.raises(ValueError, match="begins with 'score'"):
            small(objectives=("depth",)).fit(X, y)

    def test_no_models(self):
        X, y = known_rows()
        with pytest.raises(ValueError, match="at least one quantum model"):
            small(models=[]).fit(X, y)
        with pytest.raises(TypeError, match="not for that task"):
            small(models=[KitchenSinksRegressor()]).fit(X, y)
        with pytest.raises(TypeError, match="unfitted estimators"):
            small(models=[KitchenSinksClassifier]).fit(X, y)

    def test_data_without_a_search(self):
        X, y = known_rows()
        with pytest.raises(ValueError, match="one class only"):
            small().fit(X, np.zeros(100))
        with pytest.raises(ValueError, match="needs 5 rows of each class"):
            small(cv=5).fit(X[:6], y[:6])
        with pytest.raises(ValueError, match="NaN"):
            small().fit(np.where(X == 3, np.nan, X), y)

    def test_scores_that_are_not_numbers(self):
        X, y = make_regression(20, 2, random_state=0)
        with pytest.raises(SearchFailedError, match="the first failed with ValueError"):
            small(task="regression", models=[Nothing()], n_trials=3).fit(X, y)

    def test_nan_from_a_scorer(self):
        X, y = known_rows()
        with pytest.raises(SearchFailedError, match="the score of the trial is nan"):
            small(scoring=lambda model, X, y: np.nan, n_trials=2).fit(X, y)

    def test_scorer_of_scikit_learn(self):
        X, y = load_iris(return_X_y=True)
        search = small(scoring="neg_log_loss", models=["KitchenSinks"], n_trials=3).fit(X, y)
        assert search.best_score_ < 0
        assert search.leaderboard_.metric == "neg_log_loss"

    def test_estimators_keep_settings_outside_their_space(self):
        X, y = load_iris(return_X_y=True)
        model = VariationalClassifier(epochs=2, batch_size="full", precision="single")
        search = small(models=[model], n_trials=1).fit(X, y)
        best = search.best_estimator_
        best = best.steps[-1][1] if hasattr(best, "steps") else best
        assert (best.batch_size, best.precision) == ("full", "single")

    def test_clone(self):
        search = small(study="x.journal", objectives=("score", "depth"))
        assert clone(search).get_params()["objectives"] == ("score", "depth")


def test_pruner_without_prunes_nothing():
    assert type(new_pruner(None, False)).__name__ == "NopPruner"
    assert type(new_pruner("median", True)).__name__ == "NopPruner"


@pytest.mark.parametrize("kind", ["quantum", "classical"])
def test_trials_on_small_data_use_one_thread(kind):
    task, _ = small()._task(*known_rows(), 0)
    with threadpool_limits(2), evaluation._few_threads(task, kind):
        pools = [pool for pool in threadpool_info() if kind == "classical" or pool["user_api"] == "blas"]
    assert pools
    assert {pool["num_threads"] for pool in pools} == {1}


def test_outcome_score_is_the_mean_of_the_folds():
    assert Outcome(scores=[0.5, 1.0]).score == 0.75


@pytest.mark.parametrize(
    ("objectives", "n_trials", "panels"), [(("score",), 9, 2), (("score",), 12, 3), (("score", "seconds"), 9, 2)]
)
def test_figures(tmp_path, objectives, n_trials, panels):
    X, y = load_iris(return_X_y=True)
    settings = {"models": [FewSinks()], "classical": True, "pruner": None, "objectives": objectives}
    search = small(n_trials=n_trials, **settings).fit(X, y)
    figure = search.plot(tmp_path / "search.png")
    assert len(figure.axes) == panels  # the importance of parameters needs 8 complete trials of quantum models
    assert os.path.getsize(tmp_path / "search.png") > 1000
