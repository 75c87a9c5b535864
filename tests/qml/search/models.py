"""Estimators for tests of the search: their scores are known, and they record what they are given."""

import time
from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from qml import KitchenSinksClassifier, KitchenSinksRegressor
from qml.training.progress import TrainingProgress

SEEN = []
"""What models of this process were given: (what, values of the first column)."""


class Learner(ClassifierMixin, BaseEstimator):
    """Classifier whose accuracy is a known function of its settings: it knows the truth, and errs on a share of rows.

    Column 0 of X is the index of the row, column 1 the class.
    """

    def __init__(self, place=0, epochs=8, speed=3.0, random_state=None, callback=None, wait=0.0, fault=""):
        self.place = place
        self.epochs = epochs
        self.speed = speed
        self.random_state = random_state
        self.callback = callback
        self.wait = wait
        self.fault = fault

    def search_space(self, trial):
        return {"place": trial.suggest_int("place", 0, 19)}

    def search_obstacle(self, n_rows, n_features):
        return None

    def fit(self, X, y):
        SEEN.append(("fit", X[:, 0].astype(int)))
        time.sleep(self.wait)
        if self.fault:
            raise RuntimeError(self.fault)
        self.classes_, self.epochs_trained_ = np.unique(y), 0
        for epoch in range(1, self.epochs + 1):
            self.epochs_trained_ = epoch
            weights = np.array([1 - np.exp(-self.speed * epoch / self.epochs)])
            self.weights_ = weights
            progress = TrainingProgress(epoch, 0.0, None, None, None, 0.0, self.epochs, epoch, weights)
            if self.callback is not None and self.callback(progress):
                return self
        return self

    def predict(self, X):
        SEEN.append(("predict", X[:, 0].astype(int)))
        share = accuracy_of(self.place) * self.weights_[0]
        wrong = (X[:, 0].astype(int) * 7) % 100 >= 100 * share
        return np.where(wrong, self.classes_[0] + self.classes_[1] - X[:, 1], X[:, 1]).astype(int)


def accuracy_of(place):
    """Accuracy at the end of the training, highest at 13."""
    return 1.0 - 0.03 * abs(place - 13)


class OtherLearner(Learner):
    """The same with another name."""


class Single(Learner):
    """A space of one point."""

    def search_space(self, trial):
        return {"place": trial.suggest_int("place", 5, 5)}


class Several(Learner):
    """A space of several parameters."""

    def search_space(self, trial):
        return super().search_space(trial) | {
            "epochs": trial.suggest_int("epochs", 8, 30),
            "speed": trial.suggest_float("speed", 1.0, 5.0),
            "wait": trial.suggest_float("wait", 0.0, 1e-9),
        }


@dataclass
class Nothing(RegressorMixin, BaseEstimator):
    """Regressor whose predictions are not numbers."""

    random_state: int | None = None

    def search_space(self, trial):
        return {}

    def fit(self, X, y):
        self.fitted_ = True
        return self

    def predict(self, X):
        return np.full(len(X), np.inf)


def known_rows(count=100):
    """Rows whose class `Learner` reads from column 1."""
    y = np.arange(count) % 2
    return np.column_stack([np.arange(count), y]).astype(float), y


class FewSinks(KitchenSinksClassifier):
    """Classifier that trains in a millisecond."""

    def search_space(self, trial):
        return {"n_components": trial.suggest_int("n_components", 4, 12), "n_qubits": 2}


class OtherSinks(FewSinks):
    """The same with another name."""


class FewSinksRegressor(KitchenSinksRegressor):
    """Regressor that trains in a millisecond."""

    def search_space(self, trial):
        return {"n_components": trial.suggest_int("n_components", 100, 120), "n_qubits": 2}
