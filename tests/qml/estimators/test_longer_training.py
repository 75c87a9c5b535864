"""Validation data of the user, training that continues, and a rate that falls on plateaus."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_moons
from sklearn.metrics import log_loss

from qml import SGD, BornMachine, VariationalClassifier, VariationalRegressor, load
from qml.training import train
from qml.training.schedules import Plateau

X, y = make_moons(80, noise=0.2, random_state=0)
ASIDE = make_moons(40, noise=0.2, random_state=1)
SMALL = {"n_qubits": 2, "n_layers": 1, "random_state": 0}
TOLERANCE = 1e-10


class TestValidationData:
    def test_scores_are_of_these_samples_and_none_are_held_out(self):
        clf = VariationalClassifier(**SMALL, epochs=6).fit(X, y, validation_data=ASIDE)
        assert len(clf.validation_scores_) == 6
        best = clf.validation_scores_.max()
        assert clf.validation_scores_[clf.best_epoch_ - 1] == best
        np.testing.assert_allclose(-log_loss(ASIDE[1], clf.predict_proba(ASIDE[0])), best, rtol=TOLERANCE)
        plain = VariationalClassifier(**SMALL, epochs=6).fit(X, y)
        np.testing.assert_array_equal(clf.loss_history_, plain.loss_history_)  # the same training samples

    def test_they_decide_when_to_stop(self):
        shuffled = ASIDE[0], 1 - ASIDE[1]  # a better model is worse here
        clf = VariationalClassifier(**SMALL, epochs=80, early_stopping=True, patience=3, tol=0.0)
        clf.fit(X, y, validation_data=shuffled)
        assert clf.n_iter_ < 80
        assert clf.n_iter_ == clf.best_epoch_ + 3

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (X, "validation_data expects a tuple"),
            ((X[:, :1], y), "X has 1 features"),
            ((X, y + 5), "labels that are not among the classes"),
            ((X, y[:3]), "inconsistent numbers of samples"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, data, message):
        with pytest.raises(ValueError, match=message):
            VariationalClassifier(**SMALL, epochs=1).fit(X, y, validation_data=data)


def test_a_born_machine_takes_them_too():
    bits = np.random.default_rng(0).integers(0, 2, (40, 3))
    model = BornMachine(epochs=4, random_state=0).fit(bits, validation_data=(bits[:20], None))
    assert np.isfinite(model.validation_scores_).all()
    assert len(model.set_params(warm_start=True).fit(bits).loss_history_) == 8


class TestWarmStart:
    def test_training_continues_from_the_weights(self):
        clf = VariationalClassifier(**SMALL, epochs=5, schedule="constant", batch_size="full", warm_start=True)
        clf.fit(X, y).fit(X, y)
        whole = VariationalClassifier(**SMALL, epochs=10, schedule="constant", batch_size="full").fit(X, y)
        assert clf.n_iter_ == 10
        np.testing.assert_allclose(clf.loss_history_, whole.loss_history_, rtol=TOLERANCE)
        np.testing.assert_allclose(clf.weights_, whole.weights_, rtol=1e-8)

    def test_without_it_fit_starts_anew(self):
        clf = VariationalClassifier(**SMALL, epochs=3)
        first = clf.fit(X, y).weights_
        np.testing.assert_array_equal(clf.fit(X, y).weights_, first)

    def test_a_loaded_model_continues(self, tmp_path):
        clf = VariationalRegressor(**SMALL, epochs=3, warm_start=True).fit(X, X[:, 0])
        clf.save(tmp_path / "m.qumba")
        again = load(tmp_path / "m.qumba")
        np.testing.assert_array_equal(again.fit(X, X[:, 0]).weights_, clf.fit(X, X[:, 0]).weights_)
        assert again.n_iter_ == 6

    def test_the_held_out_samples_stay_held_out(self):
        clf = VariationalClassifier(**SMALL | {"random_state": None}, epochs=2, early_stopping=True, warm_start=True)
        clf.fit(X, y)
        before = clf._seed
        clf.fit(X, y)
        assert clf._seed == before
        assert len(clf.validation_scores_) == len(clf.loss_history_) == 4

    def test_scores_that_are_missing_are_nan(self):
        clf = VariationalClassifier(**SMALL, epochs=2, warm_start=True).fit(X, y)
        clf.fit(X, y, validation_data=ASIDE)
        assert np.isnan(clf.validation_scores_).tolist() == [True, True, False, False]

    def test_other_classes_or_a_checkpoint_are_refused(self, tmp_path):
        clf = VariationalClassifier(**SMALL, epochs=1, warm_start=True).fit(X, y)
        with pytest.raises(ValueError, match="labels that are not among the classes"):
            clf.fit(X, y + 1)
        with pytest.raises(ValueError, match="give one of the two"):
            clf.fit(X, y, resume=tmp_path / "run.ckpt")
        assert clone(clf).warm_start is True


class Flat:
    """A loss that falls for some epochs and is then constant, with a gradient of constant size."""

    n_samples = 1

    def __init__(self, falls):
        self.calls, self.falls = 0, falls

    def value(self, weights, rows):
        return 1.0

    def value_and_gradient(self, weights, rows):
        self.calls += 1
        return max(1.0, 1.0 + self.falls - self.calls), np.ones(1)

    def validation_score(self, weights):
        return None


def test_the_rate_is_halved_on_a_plateau():
    objective = Flat(falls=3)
    result = train(objective, np.zeros(1), SGD(0.1, momentum=0.0), epochs=16, schedule="plateau")
    rates = [record.learning_rate for record in result.history]
    # losses 3, 2, 1, 1, ...: epoch 3 is the last improvement, so that the rate falls after epochs 9 and 15
    factor, wait = Plateau().factor, Plateau().patience + 1
    expected = [0.1] * (3 + wait) + [0.1 * factor] * wait + [0.1 * factor**2]
    np.testing.assert_allclose(rates, expected, rtol=TOLERANCE)


def test_a_resumed_run_has_the_same_rates(tmp_path):
    def run(epochs, path):
        clf = VariationalRegressor(**SMALL, schedule="plateau", learning_rate=1.0, epochs=epochs)
        return clf.fit(X, X[:, 0], resume=path)

    run(9, tmp_path / "a.ckpt")
    resumed, whole = run(20, tmp_path / "a.ckpt"), run(20, tmp_path / "b.ckpt")
    np.testing.assert_array_equal(resumed.weights_, whole.weights_)
