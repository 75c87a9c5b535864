"""Landmarks and random features: scikit-learn's checks, the exact kernel, and dense formulas."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from qml.estimators.random_features import NystroemFeatures, RandomQuantumFeatures
from qml.estimators.random_features.landmarks import estimated_leverage_scores, leverage_scores
from qml.kernels import FidelityKernel
from simulator import Circuit, ParameterVector, X, Z

KERNEL = FidelityKernel("zz", bandwidth=0.2)


def data(n=120, d=3):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (n, d))
    return X, np.where(X[:, 0] * X[:, 1] > 0, "same", "other")


@parametrize_with_checks(
    [
        NystroemFeatures(),
        NystroemFeatures(FidelityKernel("angle"), n_landmarks=7, selection="leverage"),
        NystroemFeatures("iqp", n_landmarks=5, selection="kmeans"),
        RandomQuantumFeatures(50),
        RandomQuantumFeatures(7, n_qubits=2, gamma=0.1, observables="z+zz", precision="single"),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


class TestNystroem:
    @pytest.mark.parametrize("selection", ["uniform", "leverage", "kmeans"])
    def test_all_samples_as_landmarks_make_the_exact_kernel(self, selection):
        samples, _ = data()
        features = NystroemFeatures(KERNEL, n_landmarks=500, selection=selection).fit_transform(samples)
        np.testing.assert_allclose(features @ features.T, KERNEL(samples), atol=1e-9)

    def test_a_linear_model_behind_is_then_the_kernel_model(self):
        samples, _ = data()
        y = np.sin(3 * samples[:, 0]) + samples[:, 1]
        exact = KernelRidge(alpha=0.1, kernel="precomputed").fit(KERNEL(samples), y)
        linear = make_pipeline(NystroemFeatures(KERNEL, n_landmarks=120), Ridge(alpha=0.1, fit_intercept=False))
        new = np.random.default_rng(1).uniform(-1, 1, (40, 3))
        expected = exact.predict(KERNEL(new, samples))
        np.testing.assert_allclose(linear.fit(samples, y).predict(new), expected, atol=1e-7)

    @pytest.mark.parametrize("selection", ["uniform", "leverage", "kmeans"])
    def test_against_the_formula_in_matrices(self, selection):
        samples, _ = data()
        nystroem = NystroemFeatures(KERNEL, n_landmarks=20, selection=selection, random_state=3).fit(samples)
        assert nystroem.landmarks_.shape == (20, 3)
        cross = KERNEL(samples, nystroem.landmarks_)
        expected = cross @ np.linalg.solve(KERNEL(nystroem.landmarks_), cross.T)
        features = nystroem.transform(samples)
        np.testing.assert_allclose(features @ features.T, expected, atol=1e-8)

    def test_entries_with_landmarks_are_exact(self):
        samples, _ = data()
        nystroem = NystroemFeatures(KERNEL, n_landmarks=20, random_state=3).fit(samples)
        left, right = nystroem.transform(samples), nystroem.transform(nystroem.landmarks_)
        np.testing.assert_allclose(left @ right.T, KERNEL(samples, nystroem.landmarks_), atol=1e-9)

    def test_more_landmarks_come_closer(self):
        samples, _ = data(300)
        exact = KERNEL(samples)
        errors = []
        for count in (10, 40, 160):
            features = NystroemFeatures(KERNEL, n_landmarks=count, random_state=0).fit_transform(samples)
            errors.append(np.linalg.norm(features @ features.T - exact) / np.linalg.norm(exact))
        assert errors[0] > 3 * errors[1] > 9 * errors[2]

    def test_equal_rows_are_one_landmark(self):
        samples = np.repeat(data(10)[0], 10, axis=0)
        for selection in ("uniform", "leverage", "kmeans"):
            nystroem = NystroemFeatures(KERNEL, n_landmarks=60, selection=selection, random_state=0).fit(samples)
            features = nystroem.transform(samples)
            assert features.shape[1] == nystroem.n_components_ <= 10
            np.testing.assert_allclose(features[::10], features[9::10])

    def test_blocks_of_rows_change_nothing(self, monkeypatch):
        samples, _ = data()
        whole = NystroemFeatures(KERNEL, n_landmarks=30, selection="leverage", random_state=0).fit_transform(samples)
        monkeypatch.setattr("qml.estimators.random_features.nystroem.ROWS_AT_ONCE", 50)
        monkeypatch.setattr("qml.estimators.random_features.landmarks.ROWS_AT_ONCE", 7)
        parts = NystroemFeatures(KERNEL, n_landmarks=30, selection="leverage", random_state=0).fit_transform(samples)
        np.testing.assert_allclose(np.abs(parts), np.abs(whole), atol=1e-7)

    def test_targets(self):
        samples, y = data(30)
        with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[30, 5\]"):
            NystroemFeatures().fit(samples, y[:5])
        with pytest.raises(ValueError, match=r"y should be a 1d array, got an array of shape \(30, 2\)"):
            NystroemFeatures().fit(samples, np.c_[y, y])

    def test_in_a_grid_search(self):
        samples, y = data()
        model = make_pipeline(NystroemFeatures(KERNEL, n_landmarks=40, random_state=0), LogisticRegression(C=100))
        search = GridSearchCV(model, {"nystroemfeatures__kernel__bandwidth": [1e-3, 0.1]}, cv=3).fit(samples, y)
        assert search.best_params_ == {"nystroemfeatures__kernel__bandwidth": 0.1}
        assert search.best_score_ > 0.8

    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({"n_landmarks": 0}, "n_landmarks expects an integer"),
            ({"selection": "levrage"}, "did you mean 'leverage'"),
            ({"kernel": "zzz"}, "did you mean 'zz'"),
        ],
    )
    def test_settings_that_make_no_sense(self, settings, words):
        with pytest.raises((ValueError, LookupError), match=words):
            NystroemFeatures(**settings).fit(data()[0])


class TestLeverage:
    def test_with_all_samples_as_pilot_the_scores_are_exact(self):
        samples, _ = data()
        kernel = clone(KERNEL).fit(samples)
        K = kernel(samples)
        penalty = np.sort(np.linalg.eigvalsh(K))[:-15].sum() / 15
        expected = np.diag(K @ np.linalg.inv(K + penalty * np.eye(len(K))))
        np.testing.assert_allclose(leverage_scores(kernel, samples, np.arange(120), 15), expected, rtol=1e-6)

    def test_a_pilot_comes_close(self):
        samples, _ = data(600)
        kernel = clone(KERNEL).fit(samples)
        exact = leverage_scores(kernel, samples, np.arange(600), 15)
        pilot = np.random.default_rng(0).choice(600, 150, replace=False)
        estimated = leverage_scores(kernel, samples, pilot, 15)
        assert np.corrcoef(exact, estimated)[0, 1] > 0.8
        assert estimated.sum() == pytest.approx(exact.sum(), rel=0.3)

    def test_two_rounds_know_that_rare_samples_share_their_score(self):
        rng = np.random.default_rng(0)
        rare = np.repeat(rng.uniform(-3, 3, (6, 2)), 5, axis=0) + rng.normal(0, 0.01, (30, 2))
        samples = np.concatenate([rng.normal(0, 0.05, (270, 2)), rare])
        kernel = clone(KERNEL).set_params(bandwidth=0.8).fit(samples)
        exact = leverage_scores(kernel, samples, np.arange(300), 12)[-30:]
        found = [
            estimated_leverage_scores(kernel, samples, 12, np.random.default_rng(seed))[-30:] for seed in range(20)
        ]
        assert np.abs(np.array(found) - exact).mean() < 0.35  # one round: 0.52, for most are not in its pilot
        assert np.sum(found, axis=1).mean() == pytest.approx(exact.sum(), rel=0.4)  # one round: twice as much

    def test_samples_unlike_the_rest_are_chosen_more_often(self):
        rng = np.random.default_rng(0)
        samples = np.concatenate([rng.normal(0, 0.05, (290, 2)), rng.uniform(-3, 3, (10, 2))])
        found = {}
        for selection in ("uniform", "leverage"):
            chosen = [
                NystroemFeatures(KERNEL, n_landmarks=10, selection=selection, random_state=seed).fit(samples).landmarks_
                for seed in range(20)
            ]
            found[selection] = np.mean([np.sum(np.abs(landmarks).max(axis=1) > 0.3) for landmarks in chosen])
        assert found["uniform"] < 1
        assert found["leverage"] > 3


class TestRandomFeatures:
    @pytest.mark.parametrize("n_qubits", [1, 3])
    def test_inner_products_converge_to_a_mixture_of_gaussians(self, n_qubits):
        samples, _ = data(25)
        random = RandomQuantumFeatures(60_000, n_qubits=n_qubits, gamma=0.4, random_state=0)
        features = random.fit_transform(samples)
        half = rbf_kernel(samples, gamma=0.4) / 2
        expected = np.mean([half ** (q + 1) for q in range(n_qubits)], axis=0)
        np.testing.assert_allclose(features @ features.T, expected, atol=0.01)

    def test_a_circuit_of_ones_own(self):
        x = ParameterVector("x", 2)
        circuit = Circuit(2).ry(x[0], 0).ry(x[1], 1).cz(0, 1)
        random = RandomQuantumFeatures(5, circuit=circuit, observables=[Z(0), X(0) @ Z(1)], random_state=1)
        samples, _ = data(4)
        features = random.fit_transform(samples) * np.sqrt(5)
        a = np.einsum("ekf,sf->sek", random.frequencies_, samples) + random.offsets_
        expected = np.stack([np.cos(a[..., 0]), np.sin(a[..., 0]) * np.cos(a[..., 1]) ** 2], axis=-1).reshape(4, -1)
        own = circuit.expectation([Z(0), X(0) @ Z(1)], a.reshape(-1, 2)).reshape(4, -1)
        np.testing.assert_allclose(features, own[:, :5], atol=1e-12)
        np.testing.assert_allclose(features[:, ::2], expected[:, :5:2], atol=1e-12)

    def test_chunks_change_nothing(self, monkeypatch):
        samples, _ = data()
        random = RandomQuantumFeatures(33, random_state=0).fit(samples)
        whole = random.transform(samples)
        monkeypatch.setattr("qml.estimators.random_features.random_features.CIRCUITS_AT_ONCE", 20)
        np.testing.assert_allclose(random.transform(samples), whole, atol=1e-14)

    def test_more_components_than_were_drawn_are_refused_before_memory_is_taken(self):
        samples, _ = data()
        random = RandomQuantumFeatures(33, random_state=0).fit(samples).set_params(n_components=10**12)
        with pytest.raises(ValueError, match=r"n_components=1,000,000,000,000, but 36 .* drawn by fit"):
            random.transform(samples)

    def test_they_learn_what_is_not_linear(self):
        samples, y = data(400)
        model = make_pipeline(RandomQuantumFeatures(200, random_state=0), LogisticRegression(C=1e4, max_iter=1000))
        assert model.fit(samples[:300], y[:300]).score(samples[300:], y[300:]) > 0.9

    def test_constant_columns(self):
        assert RandomQuantumFeatures(8).fit(np.ones((5, 2))).gamma_ == 1.0

    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({"n_components": 0}, "n_components"),
            ({"n_qubits": 1.5}, "n_qubits"),
            ({"gamma": -1.0}, "gamma expects a positive number or 'scale', got -1.0"),
            ({"gamma": "auto"}, "gamma expects a positive number or 'scale', got 'auto'"),
            ({"circuit": Circuit(1).h(0)}, "no parameters"),
        ],
    )
    def test_settings_that_make_no_sense(self, settings, words):
        with pytest.raises(ValueError, match=words):
            RandomQuantumFeatures(**settings).fit(data()[0])
