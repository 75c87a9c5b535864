"""A new model is its settings and one hook; everything else is inherited, as the checks of one made here show."""

import inspect
from dataclasses import KW_ONLY, dataclass

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.utils.estimator_checks import parametrize_with_checks

from qml import VariationalClassifier, VariationalRegressor, layered_model
from qml.estimators.variational.classifier import TrainedClassifier
from qml.estimators.variational.regressor import TrainedRegressor
from qml.estimators.variational.trained import TrainedNetwork
from qml.layers import Dense, Quantum, Sequential, Tanh, TrainedScales
from simulator import NoiseModel, depolarizing
from simulator.backends.numba_backend import NumbaBackend
from tests.qml.layers.differences import gradient

X, y = load_iris(return_X_y=True)
ROWS = slice(0, 150, 10)


@dataclass(eq=False, repr=False)
class Dressed(TrainedNetwork):
    n_qubits: int = 2
    _: KW_ONLY
    n_layers: int = 1

    def _network(self, n_features, n_outputs):
        model = layered_model("angle", "strongly_entangling", num_features=self.n_qubits, num_layers=self.n_layers)
        return Sequential(Dense(None, self.n_qubits), Tanh(), TrainedScales(), Quantum(model), Dense())


@dataclass(eq=False, repr=False)
class DressedClassifier(TrainedClassifier, Dressed):
    """A classifier with a dense layer on either side of its circuit."""


@dataclass(eq=False, repr=False)
class DressedRegressor(TrainedRegressor, Dressed):
    """A regressor with a dense layer on either side of its circuit."""


@parametrize_with_checks([DressedClassifier(learning_rate=0.1), DressedRegressor()])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def test_settings_are_inherited():
    clf = DressedClassifier(3, loss="hinge", n_layers=2)
    assert (clf.n_qubits, clf.n_layers, clf.loss, clf.epochs) == (3, 2, "hinge", 100)
    assert repr(clf) == "DressedClassifier(loss='hinge', n_layers=2, n_qubits=3)"
    assert clone(clf).get_params() == clf.get_params()
    assert DressedRegressor().loss == "mse"
    assert not hasattr(DressedRegressor(), "class_weight")
    assert DressedClassifier() != DressedClassifier()


def test_it_learns():
    clf = DressedClassifier(learning_rate=0.1, random_state=0).fit(X, y)
    assert clf.score(X, y) > 0.95
    assert [type(layer) for layer in clf.network_] == [Dense, Tanh, TrainedScales, Quantum, Dense]
    assert (clf.network_.num_inputs, clf.network_.num_outputs) == (4, 3)
    assert DressedRegressor(learning_rate=0.1, random_state=0).fit(X[:, :3], X[:, 3]).score(X[:, :3], X[:, 3]) > 0.9


def test_the_objective_is_the_mean_loss_of_the_whole_chain():
    clf = DressedClassifier(epochs=1, batch_size="full", optimizer="sgd", learning_rate=1e-9, random_state=0).fit(X, y)
    outputs = clf.network_.forward(clf.scaling_(X), clf.weights_)
    probabilities = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    assert clf.loss_history_[0] == pytest.approx(-np.log(probabilities[np.arange(150), y]).mean(), rel=1e-6)
    np.testing.assert_allclose(clf.predict_proba(X), probabilities, rtol=1e-12)


def test_the_first_step_is_the_gradient_of_the_chain():
    """One step of gradient descent of size 1, against differences of the loss written out."""
    few, labels = X[ROWS], y[ROWS]
    settings = {"optimizer": "sgd", "schedule": "constant", "batch_size": "full", "random_state": 0}
    clf = DressedClassifier(epochs=1, learning_rate=1e-3, **settings).fit(few, labels)
    start = clf.network_.initial_weights(np.random.default_rng(clf._seed))

    def loss(weights):
        outputs = clf.network_.forward(clf.scaling_(few), weights)
        return np.mean(np.log(np.exp(outputs).sum(axis=1)) - outputs[np.arange(len(few)), labels])

    np.testing.assert_allclose(clf._last_weights, start - 1e-3 * gradient(loss, start), rtol=0, atol=1e-11)


def test_noise_and_backends_come_for_nothing():
    noise = NoiseModel(after_2q=depolarizing(0.1))
    noisy = DressedClassifier(epochs=2, noise=noise, random_state=0).fit(X[ROWS], y[ROWS])
    shifted = DressedClassifier(epochs=2, backend=NumbaBackend(noise=noise), random_state=0).fit(X[ROWS], y[ROWS])
    np.testing.assert_allclose(noisy.weights_, shifted.weights_, rtol=0, atol=1e-9)
    there = noisy.decision_function(X[ROWS], backend=NumbaBackend(noise=noise))
    np.testing.assert_allclose(there, noisy.decision_function(X[ROWS]), rtol=0, atol=1e-12)
    assert not np.allclose(there, noisy.decision_function(X[ROWS], backend="numba"))
    assert noisy.plan(X[ROWS], NumbaBackend()).parameter_sets == 15


def test_a_run_goes_on_from_a_checkpoint(tmp_path):
    path = tmp_path / "run.ckpt"
    settings = {"epochs": 6, "batch_size": 32, "early_stopping": True, "random_state": 0}
    whole = DressedClassifier(**settings).fit(X, y)
    DressedClassifier(**settings, callback=lambda progress: progress.epoch == 3).fit(X, y, resume=path)
    resumed = DressedClassifier(**settings).fit(X, y, resume=path)
    np.testing.assert_array_equal(resumed.weights_, whole.weights_)
    assert resumed.partial_fit(X, y).n_iter_ == 7


class TestNetworksThatCanNotBeTrained:
    @staticmethod
    def made(*layers):
        class Mine(DressedClassifier):
            def _network(self, n_features, n_outputs):
                return Sequential(*layers)

        return Mine(epochs=1)

    def test_without_weights(self):
        with pytest.raises(ValueError, match=r"nothing to train: Sequential\(Tanh\(\)\) has no weights"):
            self.made(Tanh(3)).fit(X[:, :3], y)

    def test_for_other_sizes(self):
        with pytest.raises(ValueError, match=r"number of features is 4, layer 0, Dense\(5, 3\), takes 5"):
            self.made(Dense(5, 3)).fit(X, y)
        with pytest.raises(ValueError, match=r"layer 0, Dense\(4, 2\), gives 2, the targets need 3"):
            self.made(Dense(4, 2)).fit(X, y)

    def test_a_plan_needs_a_circuit(self):
        classical = self.made(Dense()).fit(X, y)
        with pytest.raises(ValueError, match="no layer of Sequential.* is a circuit"):
            classical.plan(X)


POSITIONAL = ["feature_map", "ansatz", "n_layers", "n_qubits"]
KEYWORDS = {
    "reduction": "trained",
    "initialisation": "ansatz",
    "optimizer": "adam", "learning_rate": 0.05, "epochs": 100, "batch_size": "auto", "schedule": "cosine",
    "early_stopping": False, "validation_fraction": 0.15, "patience": 20, "tol": 0.0, "observables": "z+zz",
    "model": None, "scale_features": True, "entangled": True, "precision": "double", "noise": None, "backend": None,
    "random_state": None, "callback": None, "verbose": False, "warm_start": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (VariationalClassifier, {"loss": "cross_entropy", "class_weight": None, "weight_decay": 0.0}),
        (VariationalRegressor, {"loss": "mse", "weight_decay": "auto"}),
    ],
)
def test_constructors_of_the_variational_estimators(kind, more):
    parameters = inspect.signature(kind).parameters.values()
    assert [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD] == POSITIONAL
    assert [p.default for p in parameters][:4] == ["angle", "strongly_entangling", 4, None]
    assert {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY} == KEYWORDS | more


def test_attributes_of_the_variational_estimators():
    clf = VariationalClassifier(n_layers=2, epochs=1, random_state=0).fit(X, y)
    assert clf.model_ is clf.network_[0].model
    assert clf.circuit_ is clf.model_.circuit
    assert clf.readout_ == Dense(10, 3)
    assert len(clf.weights_) == clf.model_.num_weights + clf.readout_.num_weights
    for name in ("network_", "model_", "circuit_", "readout_", "scaling_"):
        assert not hasattr(VariationalClassifier(), name)
