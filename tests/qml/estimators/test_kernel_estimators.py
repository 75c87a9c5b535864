"""Kernel estimators: scikit-learn's solvers on Gram matrices that Qiskit computed must give the same."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from qiskit.circuit.library import zz_feature_map
from qiskit.quantum_info import Statevector
from sklearn.base import clone
from sklearn.cluster import KMeans, SpectralClustering
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.decomposition import KernelPCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics import adjusted_rand_score, log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC, SVR, OneClassSVM

import qml
from qml.kernels import ClassicalKernel, FidelityKernel

IRIS = load_iris(return_X_y=True)
ROWS = np.random.default_rng(0).permutation(150)
TRAIN, TEST = ROWS[:60], ROWS[60:90]
SETTINGS = {"reps": 2, "bandwidth": 1.0, "scale_features": False}


def qiskit_gram(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Fidelities between Qiskit's ZZ states; A and B lie about 0, where the estimators put the map's middle, pi."""
    circuit = zz_feature_map(A.shape[1], reps=2)
    states = [np.array([Statevector(circuit.assign_parameters(row + np.pi)).data for row in rows]) for rows in (A, B)]
    return np.abs(states[0] @ states[1].conj().T) ** 2


def assert_close(actual: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(actual, expected, atol=1e-5)  # libsvm keeps its kernel in single precision


@pytest.fixture(scope="module")
def data() -> dict[str, np.ndarray]:
    X = 0.3 * (IRIS[0] - IRIS[0].mean(axis=0))
    return {
        "X": X[TRAIN],
        "Z": X[TEST],
        "y": IRIS[1][TRAIN],
        "gram": qiskit_gram(X[TRAIN], X[TRAIN]),
        "cross": qiskit_gram(X[TEST], X[TRAIN]),
    }


@pytest.fixture(scope="module")
def target(data: dict[str, np.ndarray]) -> np.ndarray:
    y = data["X"][:, 0] - 2 * data["X"][:, 2] ** 2
    return (y - y.mean()) / y.std()


class TestAgainstSolversOnQiskitsGramMatrix:
    @pytest.mark.parametrize("class_weight", [None, "balanced", {0: 1.0, 1: 5.0, 2: 0.2}])
    def test_classifier(self, data, class_weight):
        mine = qml.QuantumKernelClassifier(**SETTINGS, C=3.0, class_weight=class_weight, tol=1e-8)
        mine.fit(data["X"], data["y"])
        theirs = SVC(kernel="precomputed", C=3.0, class_weight=class_weight, tol=1e-8, break_ties=True)
        theirs.fit(data["gram"], data["y"])
        np.testing.assert_allclose(
            mine.decision_function(data["Z"]), theirs.decision_function(data["cross"]), atol=1e-5
        )
        np.testing.assert_array_equal(mine.predict(data["Z"]), theirs.predict(data["cross"]))
        assert sorted(mine.support_) == sorted(theirs.support_)

    def test_binary_classifier_with_sample_weights(self, data):
        y, weight = data["y"] == 1, np.random.default_rng(1).uniform(0.2, 3, 60)
        mine = qml.QuantumKernelClassifier(**SETTINGS, tol=1e-8).fit(data["X"], y, weight)
        theirs = SVC(kernel="precomputed", tol=1e-8).fit(data["gram"], y, weight)
        np.testing.assert_allclose(
            mine.decision_function(data["Z"]), theirs.decision_function(data["cross"]), atol=1e-5
        )

    def test_regressor(self, data, target):
        mine = qml.QuantumKernelRegressor(**SETTINGS, C=10.0, epsilon=0.05, tol=1e-8).fit(data["X"], target)
        theirs = SVR(kernel="precomputed", C=10.0, epsilon=0.05, tol=1e-8).fit(data["gram"], target)
        np.testing.assert_allclose(mine.predict(data["Z"]), theirs.predict(data["cross"]), atol=1e-5)

    def test_ridge(self, data, target):
        mine = qml.QuantumKernelRidge(**SETTINGS, alpha=0.1).fit(data["X"], 7 * target - 3)
        theirs = KernelRidge(kernel="precomputed", alpha=0.1).fit(data["gram"], target)
        np.testing.assert_allclose(mine.predict(data["Z"]), 7 * theirs.predict(data["cross"]) - 3, atol=1e-8)

    def test_one_class(self, data):
        mine = qml.QuantumOneClassSVM(**SETTINGS, nu=0.2, tol=1e-8).fit(data["X"])
        theirs = OneClassSVM(kernel="precomputed", nu=0.2, tol=1e-8).fit(data["gram"])
        np.testing.assert_allclose(
            mine.decision_function(data["Z"]), theirs.decision_function(data["cross"]), atol=1e-5
        )
        assert_close(mine.score_samples(data["Z"]), theirs.score_samples(data["cross"]))

    def test_components(self, data):
        mine = qml.QuantumKernelPCA(4, **SETTINGS).fit(data["X"])
        theirs = KernelPCA(4, kernel="precomputed").fit(data["gram"])
        np.testing.assert_allclose(mine.eigenvalues_, theirs.eigenvalues_, rtol=1e-8)
        np.testing.assert_allclose(
            np.abs(mine.transform(data["Z"])), np.abs(theirs.transform(data["cross"])), atol=1e-7
        )

    def test_spectral_clustering(self, data):
        mine = qml.QuantumSpectralClustering(3, **SETTINGS, random_state=0).fit_predict(data["X"])
        theirs = SpectralClustering(3, affinity="precomputed", random_state=0).fit_predict(data["gram"])
        assert adjusted_rand_score(mine, theirs) == 1.0

    def test_gaussian_process_regressor(self, data, target):
        mine = qml.QuantumGaussianProcessRegressor(**SETTINGS, noise_level=0.05, optimizer=None)
        mean, std = mine.fit(data["X"], target).predict(data["Z"], return_std=True)
        gram, cross = data["gram"] + 0.05 * np.eye(60), data["cross"]
        np.testing.assert_allclose(mean, cross @ np.linalg.solve(gram, target), atol=1e-8)
        variance = 1.05 - np.sum(cross * np.linalg.solve(gram, cross.T).T, axis=1)
        np.testing.assert_allclose(std, np.sqrt(variance), atol=1e-8)


class TestAgainstScikitLearnsOwnKernel:
    """``kernel="rbf"`` is the same kernel as scikit-learn's, so its own estimators are the reference."""

    X = (IRIS[0] - IRIS[0].mean(axis=0)) / IRIS[0].std(axis=0)
    LENGTH = np.sqrt(2.0)  # exp(-d^2 / 2 l^2) with gamma = 1 / n_features = 1 / 4

    def test_classifier_is_an_svc_on_standardised_features(self):
        mine = qml.QuantumKernelClassifier("rbf", probability=False, tol=1e-8).fit(*IRIS)
        theirs = SVC(gamma=0.25, tol=1e-8, break_ties=True).fit(self.X, IRIS[1])
        np.testing.assert_allclose(mine.decision_function(IRIS[0]), theirs.decision_function(self.X), atol=1e-5)

    def test_gaussian_process_tunes_amplitude_noise_and_bandwidth(self):
        y = np.sin(2 * self.X[:, 0]) + self.X[:, 2] + 0.1 * np.random.default_rng(0).normal(size=150)
        y = (y - y.mean()) / y.std()
        mine = qml.QuantumGaussianProcessRegressor("rbf").fit(IRIS[0], y)
        covariance = ConstantKernel() * RBF(self.LENGTH) + WhiteKernel(0.1)
        theirs = GaussianProcessRegressor(covariance).fit(self.X, y)
        assert mine.log_marginal_likelihood_value_ == pytest.approx(theirs.log_marginal_likelihood_value_, abs=1e-3)
        assert self.LENGTH / mine.stretch_ == pytest.approx(theirs.kernel_.k1.k2.length_scale, rel=1e-2)
        for mine_value, their_value in zip(
            mine.predict(IRIS[0], return_std=True), theirs.predict(self.X, return_std=True), strict=True
        ):
            np.testing.assert_allclose(mine_value, their_value, atol=1e-3)

    @pytest.mark.parametrize("classes", [2, 3])
    def test_gaussian_process_classifier(self, classes):
        rows = IRIS[1] < classes
        y = np.where(np.random.default_rng(0).random(150) < 0.1, 1 - IRIS[1] % 2, IRIS[1])[rows]
        mine = qml.QuantumGaussianProcessClassifier("rbf").fit(IRIS[0][rows], y)
        X = (IRIS[0][rows] - IRIS[0][rows].mean(axis=0)) / IRIS[0][rows].std(axis=0)
        theirs = GaussianProcessClassifier(ConstantKernel(1.0, (1e-3, 1e3)) * RBF(self.LENGTH)).fit(X, y)
        assert mine.log_marginal_likelihood_value_ == pytest.approx(theirs.log_marginal_likelihood_value_, abs=1e-3)
        np.testing.assert_allclose(mine.predict_proba(IRIS[0][rows]), theirs.predict_proba(X), atol=5e-3)

    def test_k_means_with_a_linear_kernel_is_k_means(self):
        mine = qml.QuantumKernelKMeans(3, "linear", random_state=0).fit(IRIS[0])
        theirs = KMeans(3, n_init=10, random_state=0).fit(self.X)
        assert mine.inertia_ == pytest.approx(theirs.inertia_, rel=1e-6)
        assert adjusted_rand_score(mine.labels_, theirs.labels_) == 1.0
        assert adjusted_rand_score(mine.predict(IRIS[0] + 0.01), mine.labels_) > 0.95


class TestProbabilities:
    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_they_are_calibrated_and_agree_with_predictions(self, n_classes):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(300, 3))
        y = np.digitize(X[:, 0] + 0.7 * rng.normal(size=300), [0.0, 1.0][: n_classes - 1])
        clf = qml.QuantumKernelClassifier(random_state=0).fit(X[:200], y[:200])
        probabilities = clf.predict_proba(X[200:])
        np.testing.assert_array_equal(clf.classes_[probabilities.argmax(axis=1)], clf.predict(X[200:]))
        np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
        np.testing.assert_allclose(np.log(probabilities), clf.predict_log_proba(X[200:]))
        sure = 0.01 / n_classes + 0.99 * np.eye(n_classes)[clf.predict(X[200:])]
        prior = np.tile(np.bincount(y[:200]) / 200, (100, 1))
        assert log_loss(y[200:], probabilities) < 0.9 * min(log_loss(y[200:], prior), log_loss(y[200:], sure))

    def test_a_class_with_one_row(self):
        X, y = np.array([[0.0], [0.1], [5.0]]), ["a", "a", "b"]
        probabilities = qml.QuantumKernelClassifier(C=100).fit(X, y).predict_proba(X)
        assert probabilities.argmax(axis=1).tolist() == [0, 0, 1]

    def test_not_asked_for(self):
        clf = qml.QuantumKernelClassifier(probability=False).fit(*IRIS)
        assert not hasattr(clf, "predict_proba")
        with pytest.raises(AttributeError, match="fitted with probability=False"):
            clf.set_params(probability=True).predict_proba(IRIS[0])


class TestData:
    def test_weights_count_like_rows(self):
        rng = np.random.default_rng(0)
        weight = rng.integers(0, 4, 150)
        repeated = rng.permutation(np.repeat(np.arange(150), weight))
        a = qml.QuantumKernelClassifier(random_state=0).fit(*IRIS, weight)
        b = qml.QuantumKernelClassifier(random_state=0).fit(IRIS[0][repeated], IRIS[1][repeated])
        np.testing.assert_array_equal(a.predict_proba(IRIS[0]), b.predict_proba(IRIS[0]))

    def test_support_rows_are_rows_of_the_data(self):
        clf = qml.QuantumKernelClassifier(C=10).fit(*IRIS)
        alone = clone(clf).fit(IRIS[0][clf.support_], IRIS[1][clf.support_])
        assert len(set(clf.support_)) == len(clf.basis_) == clf.n_support_.sum()
        assert set(IRIS[1][clf.support_]) == {0, 1, 2}
        assert alone.score(*IRIS) > 0.9

    def test_string_labels_and_column_names(self):
        frame = pd.DataFrame(IRIS[0], columns=list("abcd"))
        clf = qml.QuantumKernelClassifier().fit(frame, np.array(["x", "y", "z"])[IRIS[1]])
        assert set(clf.predict(frame)) == {"x", "y", "z"}
        assert clf.feature_names_in_.tolist() == list("abcd")
        with pytest.raises(ValueError, match="feature names"):
            clf.predict(frame.rename(columns={"a": "b", "b": "a"}))

    def test_constant_features_and_duplicates(self):
        X = np.column_stack([IRIS[0], np.ones(150)]).repeat(2, axis=0)
        assert qml.QuantumKernelClassifier().fit(X, IRIS[1].repeat(2)).score(X, IRIS[1].repeat(2)) > 0.9
        same = np.ones((6, 2))
        assert qml.QuantumKernelRegressor().fit(same, [1, 1, 1, 1, 1, 1]).predict(same).tolist() == [1] * 6

    def test_more_features_than_qubits_become_components(self):
        X, y = load_breast_cancer(return_X_y=True)
        clf = qml.QuantumKernelClassifier(n_qubits=4, probability=False).fit(X[:200], y[:200])
        assert clf.basis_.shape[1:] == (16,)
        assert clf.scaling_.num_outputs == 4
        assert clf.score(X[200:], y[200:]) > 0.9

    def test_fewer_distinct_rows_than_clusters(self):
        with pytest.warns(ConvergenceWarning, match="n_clusters=3, but there are only 2 distinct rows"):
            labels = qml.QuantumKernelKMeans(3).fit_predict([[0.0], [0.0], [1.0]])
        assert labels[0] == labels[1] != labels[2]


class TestSettings:
    def test_a_kernel_object(self):
        kernel = FidelityKernel("iqp", reps=1, bandwidth=0.3)
        clf = qml.QuantumKernelClassifier(kernel, C=5).fit(*IRIS)
        assert clf.score(*IRIS) > 0.9
        assert clone(clf).get_params()["kernel__reps"] == 1
        assert not hasattr(kernel, "bandwidth_")
        classical = qml.QuantumKernelClassifier(ClassicalKernel("rbf", gamma=0.25), tol=1e-6, probability=False)
        named = qml.QuantumKernelClassifier("rbf", tol=1e-6, probability=False)
        expected = named.fit(*IRIS).decision_function(IRIS[0])
        np.testing.assert_allclose(classical.fit(*IRIS).decision_function(IRIS[0]), expected, atol=1e-4)

    @pytest.mark.parametrize("kernel", ["projected", "trained", "linear", "polynomial", "rbf", "laplacian"])
    def test_a_comparison_is_one_word(self, kernel):
        assert qml.QuantumKernelClassifier(kernel, random_state=0).fit(*IRIS).score(*IRIS) > 0.9

    @pytest.mark.parametrize("feature_map", ["angle", "amplitude", "z", "iqp", "reuploading", "chebyshev"])
    def test_feature_maps(self, feature_map):
        assert qml.QuantumKernelClassifier(feature_map=feature_map, C=10).fit(*IRIS).score(*IRIS) > 0.9

    @pytest.mark.parametrize(
        "kernel", ["fidelity", FidelityKernel("chebyshev", bandwidth="auto")], ids=["name", "object"]
    )
    def test_outliers_stay_in_the_domain_of_a_map(self, kernel):
        clf = qml.QuantumKernelClassifier(kernel, feature_map="chebyshev").fit(*IRIS)
        assert set(clf.predict(100 * IRIS[0])) <= {0, 1, 2}

    def test_jointly_scaled_features_keep_their_proportions(self):
        X = IRIS[0] * [1.0, 1.0, 1.0, 1e-6]
        own = qml.QuantumKernelClassifier(scale_features="jointly", C=10, probability=False).fit(X, IRIS[1])
        rest = qml.QuantumKernelClassifier(scale_features="jointly", C=10, probability=False).fit(X[:, :3], IRIS[1])
        assert own.score(*IRIS) > 0.9
        assert np.mean(own.predict(X) == rest.predict(X[:, :3])) > 0.97

    def test_automatic_bandwidth_beats_standardised_features(self):
        X, y = load_breast_cancer(return_X_y=True)
        X, y = X[:, :8], y
        auto = qml.QuantumKernelClassifier(probability=False).fit(X[:200], y[:200])
        standard = FidelityKernel("zz")
        usual = qml.QuantumKernelClassifier(standard, probability=False).fit(X[:200], y[:200])
        assert auto.score(X[200:], y[200:]) > usual.score(X[200:], y[200:]) + 0.15

    def test_regressors_learn(self):
        X, y = load_diabetes(return_X_y=True)
        for estimator in (qml.QuantumKernelRegressor(), qml.QuantumKernelRidge()):
            assert estimator.fit(X[:200], y[:200]).score(X[200:], y[200:]) > 0.35

    @pytest.mark.parametrize(
        ("settings", "problem"),
        [
            ({"kernel": "fidelty"}, "fidelity"),
            ({"kernel": 3}, "a name or a Kernel, got 3"),
            ({"feature_map": "zzz"}, "zz"),
            ({"n_qubits": 0}, "n_qubits expects an integer"),
            ({"reps": 1.5}, "reps expects an integer"),
            ({"feature_map": "angle", "reps": 2}, "takes no reps"),
            ({"precision": "half"}, "precision"),
            ({"bandwidth": "wide"}, "bandwidth"),
            ({"scale_features": "joint"}, "jointly"),
            ({"scale_features": "jointly", "feature_map": "chebyshev"}, "features of its own range"),
        ],
        ids=str,
    )
    def test_bad_settings(self, settings, problem):
        with pytest.raises((ValueError, TypeError), match=problem):
            qml.QuantumKernelClassifier(**settings).fit(*IRIS)

    def test_negative_kernels_are_no_affinities(self):
        with pytest.raises(ValueError, match="without negative values, kernel='linear'"):
            qml.QuantumSpectralClustering(2, "linear").fit(IRIS[0])

    def test_one_class_only(self):
        with pytest.raises(ValueError, match="only one class"):
            qml.QuantumKernelClassifier().fit(IRIS[0], np.ones(150))


def test_copies_predict_the_same():
    clf = qml.QuantumKernelClassifier(random_state=0).fit(*IRIS)
    expected = clf.predict_proba(IRIS[0])
    for twin in (pickle.loads(pickle.dumps(clf)), copy.deepcopy(clf), clone(clf).fit(*IRIS)):
        np.testing.assert_array_equal(twin.predict_proba(IRIS[0]), expected)


def test_grid_search_in_processes():
    search = GridSearchCV(
        qml.QuantumKernelClassifier(probability=False), {"C": [1, 10], "kernel": ["fidelity", "rbf"]}, n_jobs=2, cv=3
    ).fit(*IRIS)
    serial = clone(search).set_params(n_jobs=None).fit(*IRIS)
    assert search.best_score_ > 0.93
    np.testing.assert_array_equal(serial.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"])
