"""What estimators beyond circuits with a readout promise: scikit-learn's checks, resumption, files, weights, twins."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.utils.estimator_checks import parametrize_with_checks

from qml import BoltzmannClassifier, BornMachine, MetricLearningClassifier, NLocal, QAOAMap, load
from qml.datasets import bars_and_stripes_patterns
from qml.training.checkpoints import CheckpointMismatchError
from simulator import NoiseModel, depolarizing

IRIS = load_iris(return_X_y=True)
BITS = (np.repeat(bars_and_stripes_patterns(2, 2), 5, axis=0), None)

# the data of this check have 30 columns, and a Born machine holds all 2**30 probabilities of as many bits; a test below
# checks the same for 4 bits
TOO_WIDE = "check_sample_weight_equivalence_on_dense_data"

MODELS = [
    (BoltzmannClassifier(3, epochs=8, batch_size=32, learning_rate=0.02, random_state=3), IRIS),
    (BoltzmannClassifier(4, "all", epochs=8, random_state=3), IRIS),
    (MetricLearningClassifier(epochs=8, random_state=3), IRIS),
    (MetricLearningClassifier("hubregtsen", n_qubits=2, reps=1, epochs=8, random_state=3), IRIS),  # a linear map before
    (BornMachine(n_layers=2, epochs=8, batch_size=16, random_state=3), BITS),
    (BornMachine("iqp", loss="nll", epochs=8, random_state=3), BITS),
    (BornMachine(n_layers=1, shots=100, epochs=8, random_state=3), BITS),
]
every_model = pytest.mark.parametrize(
    ("model", "data"), MODELS, ids=lambda part: "" if type(part) is tuple else str(part)
)


def outputs(fitted, data):
    return fitted.score_samples(data[0]) if isinstance(fitted, BornMachine) else fitted.decision_function(data[0])


@parametrize_with_checks([MetricLearningClassifier(epochs=40), MetricLearningClassifier(entangled=False, epochs=40)])
def test_checks(estimator, check):
    check(estimator)


@parametrize_with_checks([BornMachine(binarize=0.0), BornMachine("iqp", n_layers=1, binarize=0.5, loss="nll")])
def test_checks_of_the_born_machine(estimator, check):
    if check.func.__name__ == TOO_WIDE:
        with pytest.raises(ValueError, match="at most 24 bits; X has 30"):
            check(estimator)
    else:
        check(estimator)


class Killed(Exception):
    pass


@every_model
def test_a_killed_run_resumes_to_the_same_bits(model, data, tmp_path):
    whole = clone(model).fit(*data)

    def kill(progress):
        if progress.epoch == 4:
            raise Killed

    path = tmp_path / "run.ckpt"
    with pytest.raises(Killed):
        clone(model).set_params(callback=kill).fit(*data, resume=path)
    assert path.exists()
    resumed = clone(model).fit(*data, resume=path)
    np.testing.assert_array_equal(resumed.weights_, whole.weights_)
    np.testing.assert_array_equal(resumed.loss_history_, whole.loss_history_)


@every_model
def test_the_checkpoint_of_other_data_is_refused(model, data, tmp_path):
    X, y = data
    clone(model).fit(X, y, resume=tmp_path / "run.ckpt")
    with pytest.raises(CheckpointMismatchError):
        clone(model).fit(X[:-1], None if y is None else y[:-1], resume=tmp_path / "run.ckpt")
    with pytest.raises(CheckpointMismatchError):
        clone(model).set_params(entangled=False).fit(X, y, resume=tmp_path / "run.ckpt")


@pytest.mark.parametrize(
    ("model", "data", "settings"),
    [
        (MetricLearningClassifier(QAOAMap(local_field="y")), IRIS, {"feature_map": QAOAMap(local_field="x")}),
        (MetricLearningClassifier(), IRIS, {"bandwidth": 1.0}),
        (MetricLearningClassifier(), IRIS, {"precision": "single"}),
        (BornMachine(NLocal(("ry",))), BITS, {"ansatz": NLocal(("rx",))}),
        (BornMachine(), BITS, {"bandwidths": (1.0, 3.0)}),
        (BornMachine(), BITS, {"loss": "nll"}),
        (BornMachine(shots=20), BITS, {"shots": 30}),
        (BornMachine(shots=20), BITS, {"noise": NoiseModel(after_2q=depolarizing(0.1))}),
        (BoltzmannClassifier(4), IRIS, {"visible": "all"}),
    ],
)
def test_the_checkpoint_of_other_settings_is_refused(model, data, settings, tmp_path):
    model.set_params(epochs=2, random_state=0)
    clone(model).fit(*data, resume=tmp_path / "run.ckpt")
    with pytest.raises(CheckpointMismatchError):
        clone(model).set_params(**settings).fit(*data, resume=tmp_path / "run.ckpt")


@every_model
def test_model_files(model, data, tmp_path):
    fitted = clone(model).fit(*data)
    fitted.save(tmp_path / "model.qumba")
    loaded = load(tmp_path / "model.qumba")
    assert repr(loaded) == repr(fitted)
    np.testing.assert_array_equal(outputs(loaded, data), outputs(fitted, data))


@every_model
def test_early_stopping_keeps_the_weights_with_the_best_validation_score(model, data):
    fitted = clone(model).set_params(early_stopping=True, patience=3, epochs=60, learning_rate=0.3).fit(*data)
    scores = fitted.validation_scores_
    assert len(scores) == fitted.n_iter_
    assert fitted.best_epoch_ == 0 or scores[fitted.best_epoch_ - 1] == scores.max()


@every_model
def test_a_weight_counts_as_repetitions(model, data):
    X, y = data[0][::3], None if data[1] is None else data[1][::3]
    weight = np.random.default_rng(5).integers(0, 3, len(X))
    model = clone(model).set_params(batch_size="full")
    weighted = clone(model).fit(X, y, sample_weight=weight)
    repeated = clone(model).fit(np.repeat(X, weight, axis=0), None if y is None else np.repeat(y, weight))
    np.testing.assert_allclose(weighted.weights_, repeated.weights_, atol=1e-8)
    np.testing.assert_allclose(outputs(weighted, data), outputs(repeated, data), atol=1e-7)


@every_model
def test_twins_have_no_entanglement(model, data):
    twin = model.without_entanglement()
    assert twin.get_params() == model.get_params() | {"entangled": False}
    assert not hasattr(twin, "weights_")
    twin.fit(*data)
    if hasattr(twin, "circuit_"):
        assert all(len(operation.qubits) == 1 for operation in twin.circuit_.operations)
    else:
        assert not twin.network_[-1].interacting


@every_model
def test_the_seed_decides(model, data):
    first = clone(model).fit(*data)
    np.testing.assert_array_equal(clone(model).fit(*data).weights_, first.weights_)
    assert not np.array_equal(clone(model).set_params(random_state=4).fit(*data).weights_, first.weights_)


@pytest.mark.parametrize("kind", [BoltzmannClassifier, MetricLearningClassifier])
def test_several_labels_per_sample_are_refused(kind):
    labels = np.eye(3, dtype=int)[IRIS[1]]
    with pytest.raises(ValueError, match="y should be a 1d array, got an array of shape"):
        kind(epochs=1).fit(IRIS[0], labels)
    assert not kind().__sklearn_tags__().classifier_tags.multi_label


@every_model
def test_entangled_is_a_flag(model, data):
    with pytest.raises(ValueError, match="entangled expects True or False, got 'no'"):
        clone(model).set_params(entangled="no").fit(*data)
