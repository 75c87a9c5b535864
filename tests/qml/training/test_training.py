"""The training loop on logistic regression, whose minimum scikit-learn knows, and on objectives made to fail."""

import logging
import os
import signal
import subprocess
import sys
import textwrap
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import sklearn.linear_model
from sklearn.exceptions import ConvergenceWarning

import qml.training.checkpoints
from qml.files.container import read_container
from qml.optimizers import OPTIMIZERS, SGD, SPSA, Adam, Optimizer, SciPy, get_optimizer
from qml.training import TrainingInterrupted, train
from qml.training.checkpoints import CheckpointMismatchError
from simulator.errors import UnknownNameError
from tests.qml.logistic_regression import N_WEIGHTS, PENALTY, LogisticRegression

ALL = slice(None)
START = np.full(N_WEIGHTS, 0.3)


class Scripted:
    """A line downhill whose losses, gradients and scores are what a test wants them to be."""

    n_samples = 4

    def __init__(self, losses=(), scores=(), gradients=()):
        self.losses, self.scores, self.gradients = list(losses), [None, *scores], list(gradients)
        self.calls = 0
        if scores:
            self.scores[0] = 0.0

    def value_and_gradient(self, weights, rows):
        call = self.calls
        self.calls += 1
        loss = self.losses[call] if call < len(self.losses) else 1.0 / (1 + call)
        gradient = self.gradients[call] if call < len(self.gradients) else np.ones(len(weights))
        return loss, gradient

    def value(self, weights, rows):
        return self.value_and_gradient(weights, rows)[0]

    def validation_score(self, weights):
        return self.scores.pop(0) if len(self.scores) > 1 else self.scores[0]


class Recording(LogisticRegression):
    """Remembers the rows it was asked for."""

    def __init__(self, **sizes):
        super().__init__(**sizes)
        self.asked = []

    def value_and_gradient(self, weights, rows):
        self.asked.append(rows)
        return super().value_and_gradient(weights, rows)


def minimum():
    objective = LogisticRegression()
    model = sklearn.linear_model.LogisticRegression(
        C=1 / (PENALTY * objective.n_samples), fit_intercept=False, tol=1e-12, max_iter=10_000
    )
    return model.fit(objective.X, objective.y).coef_[0]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_finds_scikit_learns_minimum(name):
    objective = LogisticRegression()
    result = train(objective, START, name, epochs=400, rng=1)
    best = objective.value(minimum(), ALL)
    assert best - 1e-12 <= objective.value(result.weights, ALL) <= best + 2e-3
    if isinstance(get_optimizer(name), SciPy) and get_optimizer(name).uses_gradient:
        assert result.stop_reason == "converged"
        np.testing.assert_allclose(result.weights, minimum(), atol=2e-2)


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "rmsprop", "natural_gradient", "spsa", "qnspsa"])
def test_minibatches_find_it_too(name):
    objective = LogisticRegression()
    result = train(objective, START, name, epochs=150, batch_size=16, rng=1)
    assert objective.value(result.weights, ALL) <= objective.value(minimum(), ALL) + 0.01


class TestBatches:
    def test_each_epoch_takes_every_row_once_in_a_new_order(self):
        objective = Recording(n_samples=10)
        train(objective, START, epochs=3, batch_size=4, rng=0)
        assert [len(rows) for rows in objective.asked] == [4, 4, 2] * 3
        epochs = [np.concatenate(objective.asked[i : i + 3]) for i in (0, 3, 6)]
        for order in epochs:
            assert sorted(order) == list(range(10))
        assert len({tuple(order) for order in epochs}) == 3

    @pytest.mark.parametrize("batch_size", [None, "full", 60, 1000])
    def test_a_full_batch_is_a_slice(self, batch_size):
        objective = Recording()
        result = train(objective, START, epochs=5, batch_size=batch_size, rng=0)
        assert objective.asked == [ALL] * 5
        np.testing.assert_array_equal(result.weights, train(LogisticRegression(), START, epochs=5).weights)

    def test_scipy_takes_all_rows(self):
        objective = Recording()
        train(objective, START, "slsqp", batch_size=4)
        assert all(rows == ALL for rows in objective.asked)

    def test_the_loss_of_an_epoch_counts_every_row_alike(self):
        class Rows(Scripted):
            n_samples = 5

            def value_and_gradient(self, weights, rows):
                return float(np.mean(rows)), np.zeros(len(weights))  # the mean over all rows is 2

        assert train(Rows(), START, epochs=1, batch_size=2, rng=0).losses.tolist() == [2.0]

    def test_the_seed_decides(self):
        def weights(rng):
            return train(LogisticRegression(), START, epochs=3, batch_size=7, rng=rng).weights.tolist()

        assert weights(5) == weights(5)
        assert weights(5) != weights(6)
        assert weights(np.random.default_rng(5)) == weights(np.random.default_rng(5))
        assert weights(None) != weights(None)


class TestBestWeights:
    def test_the_loss_of_a_full_batch_belongs_to_the_weights_before_the_step(self):
        objective = LogisticRegression()
        seen = [START]
        result = train(objective, START, epochs=4, callback=lambda progress: seen.append(progress.weights))
        np.testing.assert_array_equal(result.losses, [objective.value(weights, ALL) for weights in seen[:-1]])

    def test_the_lowest_loss_wins(self):
        # losses at w0, w1, w2, w3 and, looked at once more in the end, w4
        seen = [START]
        result = train(Scripted([5, 3, 1, 2, 4]), START, epochs=4, callback=lambda p: seen.append(p.weights))
        np.testing.assert_array_equal(result.weights, seen[2])
        assert result.best_epoch == 2
        np.testing.assert_array_equal(result.last_weights, seen[4])

    def test_the_last_step_of_a_full_batch_is_looked_at(self):
        result = train(Scripted([5, 4, 3]), START, epochs=2)
        assert result.best_epoch == 2
        np.testing.assert_array_equal(result.weights, result.last_weights)
        assert train(LogisticRegression(), START, epochs=1).weights.tolist() != START.tolist()

    @pytest.mark.parametrize("batch_size", [None, 2])
    def test_the_highest_validation_score_wins(self, batch_size):
        seen = []
        objective = Scripted(scores=[0.1, 0.9, 0.9, 0.3])
        result = train(objective, START, epochs=4, batch_size=batch_size, callback=lambda p: seen.append(p.weights))
        assert result.best_epoch == 2
        np.testing.assert_array_equal(result.weights, seen[1])
        assert result.validation_scores.tolist() == [0.1, 0.9, 0.9, 0.3]

    def test_scipys_best_is_by_validation_too(self):
        seen = []
        objective = LogisticRegression(n_held_out=30)
        scores = iter([-9.0, -8.0, -5.0, -7.0, *[-9.0] * 50])  # all below minus the loss, which must not count
        objective.validation_score = lambda weights: next(scores)
        result = train(objective, START, "l-bfgs-b", callback=lambda p: seen.append(p.weights))
        assert result.best_epoch == 2
        np.testing.assert_array_equal(result.weights, seen[1])

    def test_real_validation(self):
        objective = LogisticRegression(n_held_out=40)
        result = train(objective, -START, SGD(0.02), epochs=60, batch_size=16, patience=15, rng=0)
        assert objective.validation_score(result.weights) == result.validation_scores.max() > 0.7
        assert result.validation_scores.argmax() + 1 == result.best_epoch == result.n_epochs - 15


class TestPatience:
    def test_it_counts_epochs_without_improvement(self):
        result = train(Scripted(scores=[0.1, 0.5, 0.4, 0.5, 0.3, 0.9]), START, epochs=9, patience=3)
        assert (result.n_epochs, result.stop_reason, result.best_epoch) == (5, "converged", 2)

    def test_without_validation_the_loss_counts(self):
        result = train(Scripted([5, 4, 3, 3, 3, 3, 3]), START, epochs=9, patience=2)
        assert (result.n_epochs, result.stop_reason) == (5, "converged")

    def test_small_improvements_are_none_but_they_add_up(self):
        losses = [5, 4.8, 4.6, 4.4, 4.2, 4.0, 3.95, 3.9, 3.85, 3.8]  # 0.6 in three epochs, then less than 0.5
        result = train(Scripted(losses), START, epochs=9, patience=3, tol=0.5)
        assert result.n_epochs == 7
        result = train(Scripted(losses), START, epochs=9, patience=2, tol=0.5)
        assert result.n_epochs == 3

    def test_none_goes_on(self):
        assert train(Scripted([1] * 20), START, SGD(1e-3), epochs=3, rng=0, batch_size=1).n_epochs == 3

    def test_scipy_is_stopped_too(self):
        result = train(LogisticRegression(), START, "nelder-mead", epochs=400, patience=5, tol=0.01)
        assert result.stop_reason == "converged"
        assert 5 < result.n_epochs < 100


class TestCallback:
    @pytest.mark.parametrize("name", OPTIMIZERS)
    def test_every_optimizer_calls_it_alike_and_true_stops(self, name):
        objective = LogisticRegression(n_held_out=20)
        seen = []

        def callback(progress):
            seen.append(progress)
            return progress.epoch == 3

        result = train(objective, START, name, epochs=7, callback=callback, rng=0)
        assert [progress.epoch for progress in seen] == [1, 2, 3][: len(seen)]
        assert (result.stop_reason == "callback") == (len(seen) == 3)
        assert len(seen) == result.n_epochs >= 2
        for progress, record in zip(seen, result.history, strict=True):
            assert (progress.loss, progress.validation_score) == (record.loss, record.validation_score)
            assert progress.epochs == 7
            assert 0 < progress.loss < 3
            assert 0 <= progress.validation_score <= 1
            assert progress.validation_score == objective.validation_score(progress.weights)
            assert progress.seconds > 0
            stepwise = isinstance(get_optimizer(name), Optimizer)
            assert (progress.learning_rate is not None) == stepwise
            uses_gradient = stepwise or get_optimizer(name).uses_gradient
            assert (progress.gradient_norm is not None) == uses_gradient

    def test_what_it_does_to_the_weights_does_not_matter(self):
        def vandal(progress):
            progress.weights[:] = np.nan

        np.testing.assert_array_equal(
            train(LogisticRegression(), START, epochs=5, callback=vandal).weights,
            train(LogisticRegression(), START, epochs=5).weights,
        )

    def test_other_answers_do_not_stop(self):
        assert train(LogisticRegression(), START, epochs=5, callback=lambda progress: None).n_epochs == 5

    def test_its_errors_are_the_callers(self):
        def broken(progress):
            raise RuntimeError("mine")

        with pytest.raises(RuntimeError, match="mine"):
            train(LogisticRegression(), START, callback=broken)


class TestHistory:
    def test_norm_and_rate(self):
        objective = LogisticRegression()
        result = train(objective, START, Adam(0.07), epochs=2)
        first = result.history[0]
        assert first.gradient_norm == pytest.approx(np.linalg.norm(objective.value_and_gradient(START, ALL)[1]))
        assert first.learning_rate == 0.07
        assert result.validation_scores is None

    def test_the_rate_of_spsa_falls(self):
        rates = [record.learning_rate for record in train(LogisticRegression(), START, SPSA(), epochs=5).history]
        assert rates == sorted(rates, reverse=True)
        assert rates[0] > rates[-1] > 0

    @pytest.mark.parametrize("verbose", [True, False])
    def test_the_bar_shows_loss_score_and_time_left(self, capsys, monkeypatch, verbose):
        monkeypatch.setattr("sys.stderr.isatty", lambda: True)
        result = train(LogisticRegression(n_held_out=20), START, epochs=4, verbose=verbose)
        output = capsys.readouterr().err
        if verbose:
            last = output.split("\r")[-1]
            assert "4/4" in last
            assert f"loss={result.losses[-1]:.4g}" in last
            assert f"score={result.validation_scores[-1]:.4g}" in last
            assert "<" in last  # tqdm's "elapsed<left"
        else:
            assert output == ""


@pytest.mark.parametrize("batch_size", [None, 15])
def test_a_run_goes_on_from_where_another_ended(batch_size):
    objective = LogisticRegression()
    first = train(objective, START, epochs=4, batch_size=batch_size, rng=0)
    second = train(
        objective, first.last_weights, epochs=4, batch_size=batch_size, rng=0, optimizer_state=first.optimizer_state
    )
    assert second.optimizer_state["step"] == 8 * (1 if batch_size is None else 4)
    if batch_size is None:
        whole = train(objective, START, epochs=8)
        np.testing.assert_array_equal(second.last_weights, whole.last_weights)


class TestSchedule:
    def test_cosine_scales_each_step(self):
        weights = []
        train(
            Scripted(),
            np.zeros(1),
            SGD(0.5, momentum=0.0),
            epochs=4,
            schedule="cosine",
            callback=lambda progress: weights.append(progress.weights[0]),
        )
        expected = -0.5 * np.cumsum(0.5 * (1 + np.cos(np.pi * np.arange(4) / 4)))
        np.testing.assert_allclose(weights, expected, rtol=1e-12)

    def test_the_history_has_the_rate_that_was_used(self):
        result = train(LogisticRegression(), START, Adam(0.1), epochs=8, batch_size=15, schedule="cosine")
        rates = [record.learning_rate for record in result.history]
        assert rates == sorted(rates, reverse=True)
        assert rates[0] > 0.09
        assert rates[-1] < 0.003

    def test_a_resumed_run_follows_it_and_keeps_its_length(self, tmp_path):
        settings = {"epochs": 9, "batch_size": 15, "rng": 0, "schedule": "cosine"}
        whole = train(LogisticRegression(), START, **settings)
        path = tmp_path / "run.ckpt"
        train(LogisticRegression(), START, **settings, resume=path, callback=lambda p: p.epoch == 4)
        resumed = train(LogisticRegression(), START, **settings, resume=path)
        np.testing.assert_array_equal(resumed.last_weights, whole.last_weights)
        with pytest.raises(CheckpointMismatchError, match="cosine over 9 epochs"):
            train(LogisticRegression(), START, **{**settings, "epochs": 12}, resume=path)

    def test_unknown(self):
        with pytest.raises(UnknownNameError, match="'cosine'"):
            train(LogisticRegression(), START, schedule="cosin")


class TestNoConvergence:
    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("optimizer", ["adam", "sgd", "l-bfgs-b"])
    def test_a_loss_that_is_not_finite_stops(self, bad, optimizer):
        class Falling(LogisticRegression):
            calls = 0

            def value_and_gradient(self, weights, rows):
                self.calls += 1
                loss, gradient = super().value_and_gradient(weights, rows)
                return (loss if self.calls < 4 else bad), gradient

        seen = [START]
        with pytest.warns(ConvergenceWarning, match=r"the loss is -?(nan|inf) in epoch [34]; the weights of epoch \d"):
            result = train(Falling(), START, optimizer, callback=lambda progress: seen.append(progress.weights))
        assert result.stop_reason == "diverged"
        assert np.isfinite(result.weights).all()
        assert result.weights.tolist() in [weights.tolist() for weights in seen]
        assert LogisticRegression().value(result.weights, ALL) < LogisticRegression().value(START, ALL)

    def test_in_the_first_step_the_initial_weights_are_kept(self):
        for optimizer in ("adam", "spsa", "bfgs", "cobyla"):
            with pytest.warns(ConvergenceWarning, match="in epoch 1; the initial weights are kept"):
                result = train(Scripted([np.nan] * 100), START, optimizer)
            np.testing.assert_array_equal(result.weights, START)
            assert result.n_epochs == 0
            assert result.losses.shape == (0,)

    def test_of_a_first_epoch_that_explodes_the_initial_weights_are_kept(self):
        with pytest.warns(ConvergenceWarning, match=r"from 4 to 5e\+08 in epoch 1; the initial weights are kept"):
            result = train(Scripted([4, 1e9]), START, batch_size=2)
        np.testing.assert_array_equal(result.weights, START)
        assert (result.best_epoch, result.n_epochs) == (0, 1)
        assert not np.array_equal(result.last_weights, START)

    def test_a_gradient_that_is_not_finite_stops(self):
        gradients = [np.ones(5), np.ones(5), np.array([1, 1, np.nan, 1, 1])]
        with pytest.warns(ConvergenceWarning, match="the gradient is not finite in epoch 3"):
            result = train(Scripted(gradients=gradients), START)
        assert result.n_epochs == 2

    def test_a_step_that_is_not_finite_stops(self):
        with pytest.warns(ConvergenceWarning, match="a step is not finite in epoch 2"):
            result = train(Scripted(gradients=[np.ones(5), np.full(5, 1e300)]), START, SGD(1e10))
        assert np.isfinite(result.last_weights).all()

    def test_within_an_epoch_of_minibatches(self):
        seen = []
        with pytest.warns(ConvergenceWarning, match="the loss is nan in epoch 3; the weights of epoch 2 are kept"):
            result = train(
                Scripted([4, 4, 3, 3, 2, np.nan]), START, batch_size=2, callback=lambda p: seen.append(p.weights)
            )
        np.testing.assert_array_equal(result.weights, seen[-1])
        assert result.losses.tolist() == [4, 3]

    def test_a_loss_that_explodes_stops(self):
        class Parabola(Scripted):
            def value_and_gradient(self, weights, rows):
                return weights @ weights, 2 * weights

        with pytest.warns(ConvergenceWarning, match=r"the loss went from 0.45 to .* in epoch \d+; the initial weights"):
            result = train(Parabola(), START, SGD(1.3, momentum=0), epochs=1000)
        assert result.n_epochs < 20
        np.testing.assert_array_equal(result.weights, START)

    def test_zero_epochs(self):
        for optimizer in ("adam", "l-bfgs-b"):
            with pytest.warns(ConvergenceWarning, match="nothing was trained"):
                result = train(LogisticRegression(), START, optimizer, epochs=0)
            np.testing.assert_array_equal(result.weights, START)

    def test_never_an_improvement(self):
        with pytest.warns(
            ConvergenceWarning, match=r"in 3 epochs the loss never fell below its first value, 1 \(.*2\.2\)"
        ):
            train(Scripted([1, 2, 3, 4]), START, epochs=3)

    def test_scipy_gives_up(self):
        with pytest.warns(ConvergenceWarning, match="SciPy stopped: .*iterations"):
            result = train(LogisticRegression(), START, SciPy("bfgs", {"maxiter": 2}))
        assert result.n_epochs == 2

    def test_scipy_content_with_the_start(self):
        best = train(LogisticRegression(), START, "bfgs").weights
        result = train(LogisticRegression(), best, "bfgs")
        assert (result.n_epochs, result.stop_reason) == (1, "converged")
        np.testing.assert_array_equal(result.weights, best)


class Interrupting(LogisticRegression):
    """Ctrl-C comes in evaluation number ``after``."""

    def __init__(self, after):
        super().__init__()
        self.left = after

    def value(self, weights, rows):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return super().value(weights, rows)


class TestInterrupt:
    @pytest.mark.parametrize("name", OPTIMIZERS)
    def test_the_best_weights_come_with_the_exception(self, name, caplog):
        optimizer = get_optimizer(name)
        after = 4 * (optimizer.evaluations_per_step or 1) if optimizer.uses_gradient else 60
        objective = Interrupting(after)
        with caplog.at_level(logging.WARNING), pytest.raises(KeyboardInterrupt) as caught:
            train(objective, START, name, epochs=1000, tol=0, rng=0)
        assert isinstance(caught.value, TrainingInterrupted)
        result = caught.value.result
        assert result.stop_reason == "interrupted"
        assert LogisticRegression().value(result.weights, ALL) < LogisticRegression().value(START, ALL)
        (line,) = caplog.messages
        assert line == result.message
        assert line.startswith(f"training interrupted after {result.n_epochs} of 1000 epochs; the best weights so far")

    def test_before_the_first_step(self):
        with pytest.raises(TrainingInterrupted) as caught:
            train(Interrupting(after=1), START)
        np.testing.assert_array_equal(caught.value.result.weights, START)

    def test_the_checkpoint_is_of_the_last_step(self, tmp_path, monkeypatch):
        monkeypatch.setattr(qml.training.checkpoints, "SECONDS_BETWEEN", 1000.0)
        path = tmp_path / "run"
        with pytest.raises(TrainingInterrupted, match=f"; {path} goes on from here"):
            train(Interrupting(after=10), START, batch_size=20, resume=path)
        assert read_container(path, kind="checkpoint", version=1)[0]["steps"] == 9

    def test_a_second_one_while_the_checkpoint_is_written(self, tmp_path, monkeypatch):
        def interrupt(*_):
            raise KeyboardInterrupt

        with pytest.raises(TrainingInterrupted) as caught:
            train(
                LogisticRegression(),
                START,
                resume=tmp_path / "run",
                callback=lambda progress: monkeypatch.setattr(os, "fsync", interrupt) or interrupt(),
            )
        assert caught.value.result.n_epochs == 1

    @pytest.mark.parametrize("optimizer", ["adam", "l-bfgs-b"])
    def test_anywhere(self, optimizer, tmp_path, monkeypatch):
        """In every line of the loop in turn: what is kept is a state that the whole run went through."""
        monkeypatch.setattr(os, "fsync", lambda _: None)  # hundreds of runs
        objective = LogisticRegression(n_samples=12)
        settings = {"epochs": 2, "batch_size": 6, "rng": 0}
        states = {START.tobytes()}
        whole = train(objective, START, optimizer, **settings, callback=lambda p: states.add(p.weights.tobytes()))
        line, kept = 0, []
        while True:
            line += 1
            path = tmp_path / str(line)
            try:
                with interrupt_at_line(line):
                    train(objective, START, optimizer, **settings, resume=path)
                break
            except TrainingInterrupted as stop:
                kept.append(stop.result.weights.tobytes())
            except KeyboardInterrupt:  # before the first or after the last step
                pass
            if optimizer == "adam":
                resumed = train(objective, START, optimizer, **settings, resume=path)
                assert resumed.weights.tobytes() == whole.weights.tobytes()
                assert resumed.losses.tobytes() == whole.losses.tobytes()
        assert len(kept) > 100
        if optimizer == "adam":
            assert set(kept) <= states

    @pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
    def test_a_real_signal(self, tmp_path):
        path = tmp_path / "run"
        script = f"""
            import time
            import numpy as np
            from qml.training import train
            from tests.qml.logistic_regression import LogisticRegression

            class Slow(LogisticRegression):
                def value_and_gradient(self, weights, rows):
                    time.sleep(0.002)
                    return super().value_and_gradient(weights, rows)

            def tell(progress):
                if progress.epoch == 4:
                    print("started", flush=True)

            start = np.full(5, 0.3)
            train(Slow(), start, epochs=100_000, batch_size=20, rng=3, resume={str(path)!r}, callback=tell)
        """
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script)],
            cwd=Path(__file__).parents[3],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
        )
        assert process.stdout.readline() == "started\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
        assert process.returncode != 0
        said = [line for line in stderr.splitlines() if line.startswith("training interrupted after")]
        assert len(said) == 1
        epochs = int(said[0].split()[3])
        assert epochs > 3
        resumed = train(
            LogisticRegression(), START, epochs=epochs + 5, batch_size=20, rng=3, resume=path, callback=lambda p: None
        )
        whole = train(LogisticRegression(), START, epochs=epochs + 5, batch_size=20, rng=3)
        assert resumed.weights.tobytes() == whole.weights.tobytes()


class interrupt_at_line:
    """Raise KeyboardInterrupt at the n-th line that is run in qml/training, as a signal would."""

    def __init__(self, n):
        self.left = n

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self.trace)

    def __exit__(self, *_):
        sys.settrace(self.before)

    def trace(self, frame, event, argument):
        if f"qml{os.sep}training{os.sep}" not in frame.f_code.co_filename:
            return None
        if event == "line":
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
        return self.trace


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": -1}, "epochs must be an integer >= 0, got -1"),
        ({"epochs": 1.5}, "epochs must be an integer"),
        ({"batch_size": 0}, "batch_size must be an integer >= 1, got 0"),
        ({"batch_size": "half"}, "batch_size must be an integer >= 1, got 'half'"),
        ({"batch_size": True}, "batch_size"),
        ({"patience": 0}, "patience"),
        ({"optimizer": "adan"}, "did you mean 'adam'"),
        ({"weights": np.zeros((2, 2))}, "weights must be finite numbers of shape"),
        ({"weights": np.array([np.nan])}, "weights must be finite numbers of shape"),
        ({"objective": Scripted(gradients=[np.ones(3)])}, r"shape of the weights, \(5,\), got \(3,\)"),
    ],
)
def test_settings_that_make_no_sense(settings, message):
    with pytest.raises(ValueError, match=message):
        train(**{"objective": LogisticRegression(), "weights": START} | settings)


def test_nothing_is_warned_of_when_all_is_well():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(LogisticRegression(), START, epochs=3)
