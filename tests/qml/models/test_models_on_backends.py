"""Trained models elsewhere than on this engine: prediction, training, noise, plans, comparison, files."""

import pickle

import numpy as np
import pytest
from qiskit.primitives import StatevectorEstimator
from sklearn.base import clone
from sklearn.datasets import load_iris

from qml import VariationalClassifier, VariationalRegressor, compare_backends, load
from qml.models.evaluation import BackendEvaluation
from simulator import NoiseModel, depolarizing
from simulator.backends.numba_backend import NumbaBackend
from simulator.errors import JobError
from simulator.qiskit_backend import Patience, QiskitBackend
from tests.simulator.remote import TOKEN, RemoteBackend

X, y = load_iris(return_X_y=True)
ROWS = slice(0, 150, 15)
NOISE = NoiseModel(after_2q=depolarizing(0.05), readout=0.02)


@pytest.fixture(scope="module")
def classifier():
    return VariationalClassifier(n_layers=1, n_qubits=3, epochs=5, random_state=0).fit(X, y)


@pytest.fixture(scope="module")
def exact():
    return QiskitBackend(StatevectorEstimator())


class Counting:
    """A backend that counts parameter sets and requests."""

    def __init__(self):
        self.inner, self.sets, self.requests = NumbaBackend(), 0, 0

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def __deepcopy__(self, memo):
        return self

    def estimate(self, circuit, observables, values=None, *, resume=None):
        self.requests += 1
        self.sets += len(values)
        return self.inner.estimate(circuit, observables, values)

    def expectation_and_gradient(self, circuit, observables, values=None, parameters=None, *, resume=None):
        self.requests += 1
        self.sets += len(values)
        return self.inner.expectation_and_gradient(circuit, observables, values, parameters)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba", "decision_function"])
def test_methods_that_predict_agree_on_an_exact_backend(classifier, exact, method):
    there = getattr(classifier, method)(X[ROWS], backend=exact)
    here = getattr(classifier, method)(X[ROWS])
    assert np.array_equal(there, here) if method == "predict" else np.allclose(there, here, atol=1e-9)


def test_scores_agree_on_an_exact_backend(classifier, exact):
    assert classifier.score(X[ROWS], y[ROWS], backend=exact) == classifier.score(X[ROWS], y[ROWS])
    regressor = VariationalRegressor(n_layers=1, n_qubits=2, epochs=3, random_state=0).fit(X[ROWS], y[ROWS])
    here, there = (regressor.score(X[ROWS], y[ROWS], backend=backend) for backend in (None, exact))
    assert here == pytest.approx(there, abs=1e-9)


def test_amplitude_encoding_on_a_backend(exact):
    model = VariationalClassifier("amplitude", n_layers=1, n_qubits=2, epochs=2, random_state=0).fit(X, y)
    assert np.allclose(model.predict_proba(X[ROWS], backend=exact), model.predict_proba(X[ROWS]), atol=1e-9)


def test_training_by_parameter_shift_equals_training_here(exact):
    settings = {"n_layers": 1, "n_qubits": 2, "epochs": 2, "batch_size": "full", "random_state": 1}
    here = VariationalClassifier(**settings).fit(X[ROWS], y[ROWS])
    there = VariationalClassifier(**settings, backend=exact).fit(X[ROWS], y[ROWS])
    assert np.allclose(there.weights_, here.weights_, atol=1e-6)
    assert np.allclose(there.loss_history_, here.loss_history_, atol=1e-9)


def test_train_here_and_fine_tune_there_with_another_optimizer(classifier):
    backend = Counting()
    tuned = clone(classifier).fit(X, y).set_params(backend=backend, optimizer="spsa", batch_size="full")
    tuned.partial_fit(X[ROWS], y[ROWS])
    assert backend.requests > 0
    assert not np.array_equal(tuned.weights_, classifier.weights_)


@pytest.mark.parametrize("optimizer", ["adam", "spsa"])
def test_the_plan_of_a_training_is_what_it_takes(optimizer):
    backend = Counting()
    model = VariationalClassifier(
        n_layers=1, n_qubits=2, epochs=3, batch_size=5, optimizer=optimizer, random_state=0, backend=backend
    )
    plan = model.plan(X[ROWS], y=y[ROWS])
    assert backend.requests == 0
    model.fit(X[ROWS], y[ROWS])
    assert backend.sets == plan.parameter_sets


def test_a_plan_needs_a_fitted_model_or_targets(classifier, exact):
    plan = classifier.plan(X[ROWS], exact)
    assert (plan.parameter_sets, plan.circuits, plan.qubits) == (10, 1, 3)
    assert classifier.plan(X[ROWS]).jobs == 0  # here nothing is sent


@pytest.mark.parametrize("name", ["no_such", 3])
def test_a_plan_refuses_what_predict_refuses(classifier, name):
    refusal = f"backend expects a Backend .* got {name!r}"
    for call in (
        lambda: classifier.predict(X[ROWS], backend=name),
        lambda: classifier.plan(X[ROWS], name),
        lambda: classifier.plan(X[ROWS], name, y=y[ROWS]),
        lambda: clone(classifier).set_params(backend=name).plan(X[ROWS], y=y[ROWS]),
        lambda: compare_backends(classifier, X[ROWS], ["numba", name]),
    ):
        with pytest.raises(TypeError, match=refusal):
            call()
    assert classifier.plan(X[ROWS], "numba").jobs == 0


def test_noise_in_training_and_prediction(classifier):
    noisy = clone(classifier).set_params(noise=NOISE).fit(X, y)
    assert noisy.loss_history_[-1] < noisy.loss_history_[0]
    evaluation = BackendEvaluation(noisy.model_, NumbaBackend(noise=NOISE))
    values = evaluation.expectations(*noisy._circuit_arguments(noisy.scaling_(X[ROWS])))
    assert np.allclose(noisy._read_out(values), noisy.decision_function(X[ROWS]))
    assert not np.allclose(noisy.decision_function(X[ROWS]), noisy.decision_function(X[ROWS], backend="numba"))


def test_noise_gradients_are_those_of_parameter_shift(classifier):
    noisy = clone(classifier).set_params(noise=NOISE, epochs=1).fit(X[ROWS], y[ROWS])
    shifted = clone(classifier).set_params(backend=NumbaBackend(noise=NOISE), epochs=1).fit(X[ROWS], y[ROWS])
    assert np.allclose(noisy.weights_, shifted.weights_, atol=1e-9)


def test_noise_and_backend_are_one_too_many():
    with pytest.raises(ValueError, match="give one of the two"):
        VariationalClassifier(noise=NOISE, backend=NumbaBackend()).fit(X, y)
    with pytest.raises(TypeError, match="backend expects a Backend"):
        VariationalClassifier(backend="ibm_nowhere").fit(X, y)


def test_files_hold_noise_and_no_backend(classifier, tmp_path):
    remote = RemoteBackend(tmp_path / "server")
    model = clone(classifier).set_params(backend=QiskitBackend(remote))
    model.save(tmp_path / "model.qumba")
    assert TOKEN.encode() not in (tmp_path / "model.qumba").read_bytes()
    assert load(tmp_path / "model.qumba").backend is None
    with pytest.raises(TypeError, match="set backend=None"):
        pickle.dumps(model)
    assert clone(model).backend is model.backend
    classifier = clone(classifier).set_params(noise=NOISE)
    classifier.save(tmp_path / "noisy.qumba")
    assert load(tmp_path / "noisy.qumba").noise == NOISE
    assert pickle.loads(pickle.dumps(classifier)).noise == NOISE


def test_a_training_on_a_device_goes_on_where_it_was(tmp_path):
    """A job fails in the middle of training: steps before it are not run again, jobs under way are picked up."""
    few = [0, 50, 100]

    def model(server):
        backend = QiskitBackend(server, shots=50, seed=1, patience=Patience(poll_interval=0.001))
        return VariationalClassifier(n_layers=1, n_qubits=2, epochs=3, observables="z", random_state=0, backend=backend)

    whole = RemoteBackend(tmp_path / "whole")
    reference = model(whole).fit(X[few], y[few], resume=tmp_path / "whole.ckpt")
    broken = RemoteBackend(tmp_path / "broken")
    broken.fate = ["DONE", "DONE", "ERROR"]
    with pytest.raises(JobError, match="qubit 2 is out of order"):
        model(broken).fit(X[few], y[few], resume=tmp_path / "broken.ckpt")
    resumed = model(broken).fit(X[few], y[few], resume=tmp_path / "broken.ckpt")
    assert broken.num_jobs == whole.num_jobs + 1
    assert resumed.n_iter_ == reference.n_iter_ == 3


def test_comparison(classifier, tmp_path):
    worse = NumbaBackend(noise=NoiseModel(after_2q=depolarizing(0.3)))
    found = compare_backends(classifier, X[ROWS], ["numba", NumbaBackend(noise=NOISE), worse], y[ROWS])
    assert found.names == ("numba", "numba with noise", "numba with noise #2")
    assert np.all(found.drift[0] == 0)
    assert found.drift[2].mean() > found.drift[1].mean() > 0
    assert 1 > found.contrast[1] > found.contrast[2] > 0
    assert found.changed[0] == 0
    assert found.scores[0] == classifier.score(X[ROWS], y[ROWS])
    assert found.as_dict()["numba with noise"]["drift"]["Z(0)"] == found.drift[1, 0]
    assert "label flips" in str(found)
    found.plot(tmp_path / "comparison.png")
    assert (tmp_path / "comparison.png").stat().st_size > 10_000
    with pytest.raises(ValueError, match="at least two backends"):
        compare_backends(classifier, X, ["numba"])
