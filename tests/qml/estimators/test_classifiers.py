"""VariationalClassifier: what it learns, every option of it, and its errors."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris, make_blobs, make_moons
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale

from qml import Adam, AngleMap, NLocal, QuantumModel, VariationalClassifier
from qml.ansatze import ANSATZE
from qml.feature_maps import FEATURE_MAPS
from qml.losses import CrossEntropy
from simulator.circuit import Circuit
from simulator.errors import CircuitError, UnknownNameError
from simulator.observables import X as PauliX
from simulator.observables import Z
from simulator.parameters import ParameterVector
from tests.qml.feature_maps.samples import samples_for


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def moons():
    return make_moons(200, noise=0.1, random_state=0)


class TestAccuracy:
    def test_breast_cancer(self):
        X, y = load_breast_cancer(return_X_y=True)
        X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
        clf = VariationalClassifier(random_state=0).fit(X_train, y_train)
        assert clf.score(X_test, y_test) > 0.94

    def test_iris(self, iris):
        clf = VariationalClassifier(random_state=0).fit(*iris)
        assert clf.score(*iris) > 0.95
        assert log_loss(iris[1], clf.predict_proba(iris[0])) < 0.15

    def test_a_boundary_that_is_not_linear(self, moons):
        assert VariationalClassifier("reuploading", random_state=0).fit(*moons).score(*moons) > 0.97

    @pytest.mark.parametrize("feature_map", FEATURE_MAPS)
    def test_every_feature_map(self, feature_map):
        X, y = make_blobs(90, n_features=3, centers=[[5, 0, 1], [1, 6, 0], [0, 1, 5]], random_state=1)
        X = samples_for(feature_map, X)
        clf = VariationalClassifier(feature_map, n_layers=3, epochs=60, random_state=0).fit(X, y)
        assert clf.score(X, y) > 0.85

    @pytest.mark.parametrize("ansatz", ANSATZE)
    def test_every_ansatz(self, ansatz, iris):
        expected = 0.8 if "conserving" in ansatz else 0.9  # without rotations of single qubits
        assert VariationalClassifier(ansatz=ansatz, epochs=60, random_state=0).fit(*iris).score(*iris) > expected

    @pytest.mark.parametrize("loss", ["cross_entropy", "hinge", "mse", "mae", "huber", CrossEntropy()], ids=str)
    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_every_loss(self, loss, n_classes, iris):
        X, y = iris[0][iris[1] < n_classes], iris[1][iris[1] < n_classes]
        assert VariationalClassifier(loss=loss, epochs=60, random_state=0).fit(X, y).score(X, y) > 0.9

    @pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop", "l-bfgs-b", Adam(0.1)], ids=str)
    def test_every_kind_of_optimizer(self, optimizer, iris):
        clf = VariationalClassifier(optimizer=optimizer, learning_rate=0.1, epochs=60, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a SciPy method may stop at its limit of iterations
            assert clf.fit(*iris).score(*iris) > 0.85

    def test_single_precision(self, iris):
        single = VariationalClassifier(epochs=30, random_state=0, precision="single").fit(*iris)
        double = VariationalClassifier(epochs=30, random_state=0).fit(*iris)
        np.testing.assert_allclose(single.predict_proba(iris[0]), double.predict_proba(iris[0]), atol=1e-2)


class TestSizes:
    def test_one_qubit_a_feature(self, iris):
        clf = VariationalClassifier(epochs=1).fit(*iris)
        assert clf.circuit_.num_qubits == 4
        assert clf.weights_.shape == (4 * 4 * 3 + 3 * (4 + 6 + 1),)  # circuit; Z, Z Z and bias for each class

    @pytest.mark.parametrize(("n_features", "n_qubits"), [(1, 4), (2, 4), (6, 6), (12, 8)])
    def test_four_to_eight_qubits_unless_said(self, n_features, n_qubits):
        X = np.random.default_rng(0).normal(size=(30, n_features))
        clf = VariationalClassifier(epochs=1, random_state=0).fit(X, X[:, 0] > 0)
        assert clf.circuit_.num_qubits == n_qubits

    def test_more_features_than_qubits_pass_through_a_trained_layer(self, iris):
        clf = VariationalClassifier(n_qubits=2, epochs=60, random_state=0).fit(*iris)
        assert clf.circuit_.num_qubits == 2
        assert (clf.network_[0].num_inputs, clf.network_[0].num_outputs) == (4, 2)
        assert clf.score(*iris) > 0.9

    def test_the_trained_layer_starts_as_principal_components(self, iris):
        clf = VariationalClassifier(n_qubits=2, epochs=0, random_state=0)
        with pytest.warns(ConvergenceWarning, match="nothing was trained"):
            clf.fit(*iris)
        scaled = clf.scaling_(iris[0])
        scores = PCA(2, whiten=True).fit_transform(scaled) / np.sqrt(len(scaled) / (len(scaled) - 1))
        outputs = clf.network_[0].forward(scaled, clf.weights_[clf.network_.parts[0]])
        np.testing.assert_allclose(np.abs(outputs - outputs.mean(axis=0)), np.abs(scores), rtol=0, atol=0.05)

    def test_principal_components_can_replace_the_features(self, iris):
        clf = VariationalClassifier(n_qubits=2, reduction="components", epochs=60, random_state=0)
        with pytest.warns(UserWarning, match="4 features were replaced by 2 principal components, which hold 9[0-9]%"):
            clf.fit(*iris)
        assert clf.scaling_.factor.shape == (4, 2)
        assert clf.explained_variance_ratio_ == pytest.approx(
            PCA(2).fit(scale(iris[0])).explained_variance_ratio_.sum()
        )
        assert clf.score(*iris) > 0.85

    def test_several_features_a_qubit(self, iris):
        feature_map = AngleMap(features_per_qubit=2, reupload=True)
        clf = VariationalClassifier(feature_map, n_qubits=2, epochs=60, random_state=0).fit(*iris)
        assert clf.scaling_.factor.shape == (4,)
        assert clf.model_.num_features == 4
        assert clf.score(*iris) > 0.9
        with pytest.raises(CircuitError, match="at least 2 layers for its features, got 1"):
            clf.set_params(n_layers=1).fit(*iris)

    def test_objects_in_place_of_names(self, iris):
        clf = VariationalClassifier(AngleMap("xy", 2), NLocal(("rx", "rz"), "full"), n_qubits=3, epochs=2).fit(*iris)
        assert {"rx", "ry", "rz", "cx"} == set(clf.circuit_.count_gates())

    def test_observables(self, iris):
        clf = VariationalClassifier(observables=[Z(0) @ Z(1), PauliX(2)], epochs=2).fit(*iris)
        assert clf.readout_.num_inputs == 2


class TestOwnModel:
    @pytest.fixture
    def model(self):
        x, w = ParameterVector("x", 2), ParameterVector("w", 8)
        circuit = Circuit(2)
        for layer in range(4):
            circuit = circuit.ry(x[0] / 2, 0).ry(x[1] / 2, 1).rx(w[2 * layer], 0).rx(w[2 * layer + 1], 1).cx(0, 1)
        return QuantumModel(circuit, inputs=x, weights=w, observables=[Z(0), Z(1)])

    def test_it_is_trained(self, model, moons):
        clf = VariationalClassifier(model=model, random_state=0).fit(*moons)
        assert clf.circuit_ is model.circuit
        assert clf.score(*moons) > 0.85

    def test_features_as_they_are(self, model, moons):
        clf = VariationalClassifier(model=model, scale_features=False, epochs=2, random_state=0).fit(*moons)
        values = model.forward(moons[0], clf.weights_[:8])
        expected = clf.readout_.forward(values, clf.weights_[8:])[:, 0]
        np.testing.assert_array_equal(clf.decision_function(moons[0]), expected)

    def test_it_is_for_its_features(self, model, iris):
        with pytest.raises(ValueError, match="the model takes 2 features, X has 4"):
            VariationalClassifier(model=model).fit(*iris)

    def test_it_is_a_model(self, model, moons):
        with pytest.raises(TypeError, match="model expects a QuantumModel"):
            VariationalClassifier(model=model.circuit).fit(*moons)


class TestLabels:
    @pytest.mark.parametrize(
        "labels",
        [["no", "yes"], [-1, 1], [3, 7], [False, True], [0.0, 1.0], np.array(["a", "bc"], object)],
        ids=str,
    )
    def test_two_labels_of_any_kind(self, labels, moons):
        y = np.asarray(labels)[moons[1]]
        clf = VariationalClassifier(epochs=20, random_state=0).fit(moons[0], y)
        assert set(clf.predict(moons[0])) == set(y)
        assert clf.predict_proba(moons[0]).shape == (200, 2)
        assert clf.decision_function(moons[0]).shape == (200,)
        np.testing.assert_array_equal(clf.predict(moons[0]) == clf.classes_[1], clf.decision_function(moons[0]) > 0)

    def test_log_probabilities(self, iris):
        for y in (iris[1], iris[1] > 0):
            clf = VariationalClassifier(epochs=5, random_state=0).fit(iris[0], y)
            np.testing.assert_allclose(np.exp(clf.predict_log_proba(iris[0])), clf.predict_proba(iris[0]), rtol=1e-12)

    def test_probabilities_only_from_cross_entropy(self, moons):
        clf = VariationalClassifier(loss="hinge", epochs=1).fit(*moons)
        with pytest.raises(AttributeError, match=r"no predict_proba: .* got loss='hinge'; .* use decision_function"):
            clf.predict_proba(moons[0])
        assert not hasattr(clf, "predict_proba")
        assert not hasattr(clf, "predict_log_proba")

    def test_unseen_labels_count_as_wrong(self, moons):
        clf = VariationalClassifier(epochs=1, random_state=0).fit(*moons)
        assert clf.score(moons[0], np.full(200, 9)) == 0


class TestWeights:
    def test_class_weight(self):
        X, y = make_blobs([180, 20], centers=[[0, 0], [1, 1]], random_state=0)
        plain = VariationalClassifier(epochs=30, random_state=0).fit(X, y)
        balanced = VariationalClassifier(epochs=30, random_state=0, class_weight="balanced").fit(X, y)
        same = VariationalClassifier(epochs=30, random_state=0, class_weight={0: 200 / 360, 1: 200 / 40}).fit(X, y)
        assert balanced.predict(X).sum() > 1.5 * plain.predict(X).sum()
        np.testing.assert_allclose(same.decision_function(X), balanced.decision_function(X), rtol=1e-6)

    def test_weight_k_is_k_rows(self, iris):
        rng = np.random.default_rng(3)
        X, y = iris[0][::3], iris[1][::3]
        weight = rng.integers(0, 4, len(X))
        settings = {"epochs": 30, "batch_size": "full", "random_state": 0, "class_weight": "balanced"}
        weighted = VariationalClassifier(**settings).fit(X, y, weight)
        repeated = VariationalClassifier(**settings).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
        np.testing.assert_allclose(weighted.decision_function(X), repeated.decision_function(X), rtol=1e-8)

    def test_minibatches_use_the_weights_too(self, moons):
        weight = np.where(moons[1] == 1, 1.0, 1e-9)
        clf = VariationalClassifier(batch_size=16, epochs=20, random_state=0).fit(*moons, sample_weight=weight)
        assert clf.predict(moons[0]).mean() > 0.99


class TestTraining:
    def test_history(self, iris):
        clf = VariationalClassifier(epochs=25, random_state=0).fit(*iris)
        assert clf.n_iter_ == 25
        assert clf.loss_history_.shape == (25,)
        assert clf.loss_history_[-1] < clf.loss_history_[0]
        assert clf.validation_scores_ is None

    def test_early_stopping_keeps_the_best_weights(self, iris):
        clf = VariationalClassifier(early_stopping=True, patience=5, epochs=500, learning_rate=0.2, random_state=0)
        clf.fit(*iris)
        assert clf.n_iter_ < 500
        assert clf.validation_scores_.shape == (clf.n_iter_,)
        rows = np.arange(len(iris[0]))
        _, aside = train_test_split(rows, test_size=0.15, random_state=clf._seed, stratify=iris[1])
        loss = log_loss(iris[1][aside], clf.predict_proba(iris[0][aside]))
        assert -loss == pytest.approx(clf.validation_scores_.max(), rel=1e-9)
        assert clf.best_epoch_ == 1 + clf.validation_scores_.argmax()

    def test_same_seed_same_model(self, iris):
        first, again, other = (
            VariationalClassifier(epochs=3, batch_size=32, random_state=seed).fit(*iris).weights_ for seed in (0, 0, 1)
        )
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)

    def test_a_callback_stops(self, iris):
        seen = []

        def stop(progress):
            seen.append((progress.epoch, progress.loss))
            return progress.epoch == 3

        clf = VariationalClassifier(epochs=50, callback=stop, random_state=0).fit(*iris)
        assert clf.n_iter_ == 3
        np.testing.assert_array_equal([loss for _, loss in seen], clf.loss_history_)

    def test_partial_fit_goes_on(self, moons):
        X, y = moons
        clf = VariationalClassifier("reuploading", random_state=0)
        for epoch in range(30):
            for part in np.array_split(np.random.default_rng(epoch).permutation(200), 4):
                clf.partial_fit(X[part], y[part], classes=[0, 1])
        assert clf.n_iter_ == 120
        assert clf.loss_history_.shape == (120,)
        assert clf.score(X, y) > 0.9

    def test_partial_fit_knows_its_classes(self, iris):
        clf = VariationalClassifier(random_state=0)
        with pytest.raises(ValueError, match="classes must be passed on the first call"):
            clf.partial_fit(*iris)
        clf.partial_fit(iris[0][:50], iris[1][:50], classes=[0, 1, 2])
        assert clf.predict_proba(iris[0]).shape == (150, 3)
        with pytest.raises(ValueError, match=r"not among the classes .*9"):
            clf.partial_fit(iris[0][:5], [0, 0, 0, 0, 9])

    def test_partial_fit_can_not_balance(self, iris):
        with pytest.raises(ValueError, match="needs all of the data at once"):
            VariationalClassifier(class_weight="balanced").partial_fit(*iris, classes=[0, 1, 2])

    def test_partial_fit_after_fit(self, iris):
        clf = VariationalClassifier(epochs=20, random_state=0).fit(*iris)
        before = clf.loss_history_[-1]
        clf.partial_fit(*iris)
        assert clf.n_iter_ == 21
        assert clf.loss_history_[-1] < before * 1.2

    def test_fit_starts_afresh(self, iris):
        clf = VariationalClassifier(epochs=5, random_state=0).fit(*iris)
        weights = clf.weights_
        np.testing.assert_array_equal(clf.partial_fit(*iris).fit(*iris).weights_, weights)

    def test_resume(self, iris, tmp_path):
        path = tmp_path / "run.ckpt"
        whole = VariationalClassifier(epochs=12, batch_size=32, random_state=0).fit(*iris)
        stopped = VariationalClassifier(epochs=12, batch_size=32, random_state=0, callback=lambda p: p.epoch == 5)
        stopped.fit(*iris, resume=path)
        assert stopped.n_iter_ == 5
        resumed = VariationalClassifier(epochs=12, batch_size=32, random_state=0).fit(*iris, resume=path)
        np.testing.assert_array_equal(resumed.weights_, whole.weights_)
        np.testing.assert_array_equal(resumed.loss_history_, whole.loss_history_)

    def test_resume_is_for_the_same_run(self, iris, tmp_path):
        clf = VariationalClassifier(epochs=3, random_state=0)
        clf.fit(*iris, resume=tmp_path / "run.ckpt")
        with pytest.raises(ValueError, match=r"run\.ckpt"):
            clf.fit(iris[0] + 1.0 * (iris[0] > 3), iris[1], resume=tmp_path / "run.ckpt")

    def test_no_epochs(self, iris):
        with pytest.warns(ConvergenceWarning, match="epochs is 0"):
            clf = VariationalClassifier(epochs=0, random_state=0).fit(*iris)
        assert clf.n_iter_ == 0
        assert clf.predict(iris[0]).shape == (150,)

    def test_divergence_keeps_the_best_weights(self, iris):
        clf = VariationalClassifier(optimizer="sgd", learning_rate=1e160, epochs=30, random_state=0)
        with pytest.warns(ConvergenceWarning):
            clf.fit(*iris)
        assert np.isfinite(clf.predict_proba(iris[0])).all()

    def test_the_progress_bar(self, iris, capsys, monkeypatch):
        monkeypatch.setattr("sys.stderr.isatty", lambda: True)
        VariationalClassifier(epochs=3, early_stopping=True, verbose=True, random_state=0).fit(*iris)
        shown = capsys.readouterr().err
        assert "3/3" in shown
        assert "loss=" in shown
        assert "score=" in shown

    def test_interrupt_keeps_the_best_weights(self, iris):
        def interrupt(progress):
            if progress.epoch == 4:
                raise KeyboardInterrupt

        clf = VariationalClassifier(epochs=50, callback=interrupt, random_state=0)
        with pytest.raises(KeyboardInterrupt):
            clf.fit(*iris)
        assert clf.n_iter_ >= 3
        assert clf.predict(iris[0]).shape == (150,)


class TestErrors:
    def test_predict_before_fit(self):
        for method in ("predict", "predict_proba", "decision_function"):
            with pytest.raises(NotFittedError):
                getattr(VariationalClassifier(), method)([[0.0]])
        assert not hasattr(VariationalClassifier(), "circuit_")

    def test_one_class(self):
        with pytest.raises(ValueError, match="at least 2 classes, the data contain only one class: 'a'"):
            VariationalClassifier().fit([[0.0], [1.0]], ["a", "a"])

    @pytest.mark.parametrize(
        ("X", "y", "message"),
        [
            ([[0.0], [np.nan]], [0, 1], "NaN"),
            ([[0.0], [np.inf]], [0, 1], "infinity"),
            ([[0.0], [1.0]], [0, 1, 1], "inconsistent numbers of samples"),
            (np.empty((0, 2)), [], "0 sample"),
            ([0.0, 1.0], [0, 1], "2D array"),
            ([[0.0], [1.0]], [0.1, 0.7], "continuous"),
            ([["a"], ["b"]], [0, 1], "could not convert"),
        ],
        ids=str,
    )
    def test_data_in_scikit_learns_words(self, X, y, message):
        with pytest.raises(ValueError, match=message):
            VariationalClassifier().fit(X, y)

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"n_layers": 0}, "n_layers expects an integer of 1 or more, got 0"),
            ({"n_layers": 1.5}, "n_layers"),
            ({"n_qubits": 0}, "n_qubits expects an integer of 1 or more, or None, got 0"),
            ({"n_qubits": -1}, "n_qubits"),
            ({"epochs": -1}, "epochs"),
            ({"batch_size": 0}, "batch_size"),
            (
                {"batch_size": "half"},
                "batch_size expects an integer of 1 or more, or 'auto', or 'full', got 'half'",
            ),
            ({"patience": 0}, "patience"),
            ({"tol": -1.0}, "tol"),
            ({"tol": np.nan}, "tol"),
            ({"validation_fraction": 1.0}, "validation_fraction expects a number between 0 and 1, got 1.0"),
            ({"learning_rate": -1.0}, "learning_rate"),
            ({"class_weight": "equal"}, "balanced"),
        ],
        ids=str,
    )
    def test_settings(self, settings, message, iris):
        with pytest.raises(ValueError, match=message):
            VariationalClassifier(**settings).fit(*iris)

    @pytest.mark.parametrize("setting", ["feature_map", "ansatz", "loss", "optimizer", "precision"])
    def test_unknown_names(self, setting, iris):
        with pytest.raises(UnknownNameError, match="unknown"):
            VariationalClassifier(**{setting: "nonsense"}).fit(*iris)

    def test_columns_at_prediction(self, iris):
        clf = VariationalClassifier(epochs=1).fit(*iris)
        with pytest.raises(ValueError, match="X has 3 features, but VariationalClassifier is expecting 4"):
            clf.predict(iris[0][:, :3])

    def test_constant_and_extreme_columns(self):
        X = np.random.default_rng(0).normal(size=(40, 4)) * [1e200, 1e-200, 0.0, 1.0] + [0, 0, 7, 1e9]
        y = X[:, 0] > 0
        clf = VariationalClassifier(random_state=0).fit(X, y)
        assert clf.score(X, y) > 0.9
        assert np.isfinite(clf.predict_proba(X * [1, 1, 3, 1])).all()
