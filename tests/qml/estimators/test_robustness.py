"""Estimators in threads, forks, process pools and killed processes: the same numbers as in a quiet single process."""

import copy
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris

from qml import VariationalClassifier

X, Y = load_iris(return_X_y=True)
ROOT = Path(__file__).parents[3]


def trained(seed: int) -> VariationalClassifier:
    return VariationalClassifier(epochs=4, random_state=seed).fit(X, Y)


def logits(seed: int) -> np.ndarray:
    return trained(seed).decision_function(X)


@pytest.fixture(scope="module")
def clf():
    return trained(0)


def test_threads_that_train_at_once(clf):
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(logits, range(8)))
    for seed, found in enumerate(together):
        np.testing.assert_array_equal(found, logits(seed))


# JAX, if another test of the process has imported it, warns of every fork
forks = pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")


def test_threads_that_predict_at_once(clf):
    expected = clf.decision_function(X)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: clf.decision_function(X), range(60)):
            np.testing.assert_array_equal(found, expected)


@forks
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_process_pools(clf, method):
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        for found in pool.map(clf.decision_function, [X] * 4, timeout=120):
            np.testing.assert_array_equal(found, clf.decision_function(X))
        np.testing.assert_array_equal(pool.submit(logits, 3).result(timeout=120), logits(3))


@forks
def test_a_child_forked_after_use(clf):
    expected = clf.decision_function(X)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        same = np.array_equal(clf.decision_function(X), expected) and np.array_equal(logits(0), expected)
        os.write(writing, b"same" if same else b"other")
        os._exit(0)
    os.close(writing)
    deadline = time.monotonic() + 60
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            pytest.fail("the forked child hangs")
        time.sleep(0.01)
    assert os.read(reading, 10) == b"same"
    os.close(reading)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))])
def test_copies_predict_and_train_alike(clf, duplicate):
    other = duplicate(clf)
    np.testing.assert_array_equal(other.decision_function(X), clf.decision_function(X))
    np.testing.assert_array_equal(clone(other).fit(X, Y).weights_, clf.weights_)


@pytest.mark.parametrize("threads", ["1", "2"])
def test_the_number_of_threads_changes_no_bit(clf, threads):
    script = textwrap.dedent("""
        import sys
        from tests.qml.estimators.test_robustness import logits
        sys.stdout.buffer.write(logits(0).tobytes())
    """)
    environment = {**os.environ, "QUMBA_NUM_THREADS": threads, "NUMBA_NUM_THREADS": threads}
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True
    )
    assert found.stdout == clf.decision_function(X).tobytes()


def test_a_killed_run_goes_on_as_if_it_had_not_been(tmp_path):
    settings = {"epochs": 300, "batch_size": 8, "early_stopping": True, "patience": 300}
    script = textwrap.dedent(f"""
        from sklearn.datasets import load_iris
        from qml import VariationalClassifier
        print("started", flush=True)
        VariationalClassifier(**{settings}).fit(*load_iris(return_X_y=True), resume={str(tmp_path / "run")!r})
    """)
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "started\n"
        deadline = time.monotonic() + 60
        while not (tmp_path / "run").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.3)
        process.send_signal(signal.SIGKILL)
    resumed = VariationalClassifier(**settings).fit(X, Y, resume=tmp_path / "run")
    whole = VariationalClassifier(**settings, random_state=OneSeed(resumed._seed)).fit(X, Y)
    np.testing.assert_array_equal(resumed.weights_, whole.weights_)
    np.testing.assert_array_equal(resumed.validation_scores_, whole.validation_scores_)


class OneSeed(np.random.RandomState):
    """Draws one given seed."""

    def __init__(self, seed: int) -> None:
        super().__init__(0)
        self._drawn = seed

    def randint(self, *_args, **_kwargs) -> int:
        return self._drawn


def test_predicting_changes_nothing(clf):
    before = pickle.dumps(clf)
    clf.predict(X)
    clf.predict_proba(X)
    clf.score(X, Y)
    assert pickle.dumps(clf) == before


def test_the_rest_of_the_data_does_not_matter(clf):
    order = np.random.default_rng(0).permutation(len(X))
    np.testing.assert_allclose(clf.decision_function(X[order]), clf.decision_function(X)[order], atol=1e-13)
    single = np.vstack([clf.decision_function(row[None]) for row in X])
    np.testing.assert_allclose(single, clf.decision_function(X), atol=1e-13)
