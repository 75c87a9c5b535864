"""Re-uploading and dressed estimators, and estimators of any network."""

from typing import ClassVar

import numpy as np
import pennylane as qml_peer
import pytest
from sklearn.datasets import load_digits, load_iris, make_circles, make_gaussian_quantiles
from sklearn.ensemble import BaggingClassifier
from sklearn.metrics import log_loss
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import train_test_split

from qml import (
    DressedClassifier,
    DressedRegressor,
    NetworkClassifier,
    NetworkRegressor,
    ReuploadingClassifier,
    ReuploadingRegressor,
    VariationalClassifier,
    datasets,
    layered_model,
    load,
)
from qml.estimators.variational.fidelity_cost import WeightedFidelityCost
from qml.estimators.variational.roughness import roughness
from qml.layers import ClassFidelities, Dense, Dropout, Quantum, Sequential, Softmax, Tanh
from qml.layers.fidelities import class_states
from qml.losses import CrossEntropy
from qml.models.reuploading import reuploading_model
from tests.qml.layers.differences import TOLERANCE, gradient


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


class TestCircuit:
    @pytest.mark.parametrize(("num_inputs", "num_qubits"), [(2, 2), (5, 2), (3, 3), (1, 1)])
    def test_it_is_pennylanes_circuit(self, num_inputs, num_qubits):
        model = reuploading_model(num_inputs, 2, num_qubits, observables="z")
        rng = np.random.default_rng(0)
        x, w = rng.normal(size=2 * num_inputs), rng.normal(size=model.num_weights)
        device = qml_peer.device("default.qubit", wires=num_qubits)

        @qml_peer.qnode(device)
        def circuit():
            for layer in range(2):
                for i in range(num_inputs):
                    rotation = qml_peer.RZ if i // num_qubits % 2 else qml_peer.RY
                    rotation(x[layer * num_inputs + i], i % num_qubits)
                for q in range(num_qubits):
                    begin = 3 * (layer * num_qubits + q)
                    qml_peer.Rot(*w[begin : begin + 3], wires=q)
                if layer == 0:
                    for q in range(num_qubits if num_qubits > 2 else num_qubits - 1):
                        qml_peer.CZ([q, (q + 1) % num_qubits])
            return [qml_peer.expval(qml_peer.PauliZ(q)) for q in range(num_qubits)]

        np.testing.assert_allclose(model.forward(x[None], w)[0], circuit(), rtol=0, atol=1e-12)

    @pytest.mark.parametrize("encoding", ["combined", "separate"])
    def test_every_feature_moves_the_output(self, encoding):
        X = np.random.default_rng(0).normal(size=(40, 11))
        clf = ReuploadingClassifier(n_qubits=2, encoding=encoding, epochs=2, random_state=0).fit(X, X[:, 0] > 0)
        for column in range(11):
            moved = X[:1].copy()
            moved[0, column] += 0.5
            assert abs(clf.decision_function(moved) - clf.decision_function(X[:1]))[0] > 1e-6


class TestAccuracy:
    @pytest.mark.parametrize("size", [12, 20])
    def test_linearly_separable_data_of_many_features(self, size):
        """The study of arXiv:2403.07059 reports 0.75 at 20 features for re-uploading."""
        X_train, X_test, y_train, y_test = datasets.study_split("linearly_separable", size)
        for kind in (ReuploadingClassifier, DressedClassifier, VariationalClassifier):
            assert kind(random_state=0).fit(X_train, y_train).score(X_test, y_test) > 0.95

    def test_combined_features_reach_the_circuit_nearly_linearly(self):
        """Bent as angles of their own are, they give 0.98 here."""
        X, y = datasets.linearly_separable(1240, 15, random_state=1)
        order = np.random.default_rng(0).permutation(len(X))
        train, test = order[:240], order[240:]
        clf = ReuploadingClassifier(n_layers=1, learning_rate=0.01, random_state=0).fit(X[train], y[train])
        assert clf.score(X[test], y[test]) > 0.99

    def test_sixty_four_features(self):
        X, y = load_digits(return_X_y=True)
        clf = ReuploadingClassifier(epochs=40, random_state=0).fit(X[:900], y[:900])
        assert clf.score(X[900:], y[900:]) > 0.85

    def test_one_qubit_learns_a_circle(self):
        X, y = make_circles(300, noise=0.05, factor=0.6, random_state=0)
        for loss in ("cross_entropy", "fidelity"):
            clf = ReuploadingClassifier(n_qubits=1, n_layers=5, loss=loss, random_state=0).fit(X[:200], y[:200])
            assert clf.score(X[200:], y[200:]) > 0.95


@pytest.fixture(scope="module")
def squares():
    X = np.random.default_rng(0).uniform(-1, 1, (160, 2))
    return X, np.floor(2 * X).sum(axis=1) % 2


class TestDefaults:
    SMALL: ClassVar = {"n_layers": 1, "n_qubits": 4, "epochs": 2, "random_state": 0}

    def test_rough_classes_are_smoothed_and_not_decayed(self, squares):
        X, y = squares
        clf = ReuploadingClassifier(**self.SMALL).fit(X, y)
        assert clf.roughness_ > 0.15
        assert clf.loss_ == CrossEntropy(label_smoothing=0.2)
        assert clf.weight_decay_ == 0
        same = ReuploadingClassifier(loss=clf.loss_, weight_decay=0.0, **self.SMALL).fit(X, y)
        np.testing.assert_array_equal(clf.weights_, same.weights_)
        for smooth in (X[:, 0] > 0, (X**2).sum(axis=1) > 0.7, np.random.default_rng(0).normal(size=160) > 0):
            assert clf.fit(X, smooth).roughness_ < 0.15
            assert clf.loss_ == CrossEntropy()
            assert clf.weight_decay_ == 0.1

    def test_each_of_both_can_be_set_alone(self, squares):
        plain = ReuploadingClassifier(loss="cross_entropy", **self.SMALL).fit(*squares)
        assert plain.loss_ == "cross_entropy"
        assert plain.weight_decay_ == 0
        decayed = ReuploadingClassifier(weight_decay=0.3, **self.SMALL).fit(*squares)
        assert decayed.loss_ == CrossEntropy(label_smoothing=0.2)
        assert decayed.weight_decay_ == 0.3

    def test_part_of_the_data_decides_nothing(self, squares):
        clf = ReuploadingClassifier(**self.SMALL).partial_fit(*squares, classes=np.unique(squares[1]))
        assert clf.roughness_ is None
        assert clf.loss_ == CrossEntropy()
        assert clf.weight_decay_ == 0.1

    def test_several_labels(self, squares):
        X, y = squares
        rough = np.column_stack([y == 0, y == 1]).astype(int)
        assert ReuploadingClassifier(**self.SMALL).fit(X, rough).loss_ == CrossEntropy(label_smoothing=0.2)
        assert ReuploadingClassifier(**self.SMALL).fit(X, (X > 0).astype(int)).loss_ == CrossEntropy()

    def test_curves_are_predicted_better(self):
        """Three draws of two curves: against the defaults for other classes, in accuracy and in log loss."""
        scores = []
        for seed in range(3):
            X, y = datasets.two_curves(1240, degree=20, offset=1 / 40, random_state=4000 + seed)
            X, unseen, y, truth = train_test_split(X, y, train_size=240, random_state=42)
            clf = ReuploadingClassifier(random_state=0)
            for _ in range(2):
                clf.fit(X, y)
                scores.append((clf.score(unseen, truth), -log_loss(truth, clf.predict_proba(unseen))))
                clf = ReuploadingClassifier(loss="cross_entropy", weight_decay=0.1, random_state=0)
        gain = np.mean(scores[::2], axis=0) - np.mean(scores[1::2], axis=0)
        assert gain[0] > 0.02
        assert gain[1] > 0.05


def test_restarts_are_averaged_as_scikit_learn_does_it(squares):
    X, y = squares
    one = ReuploadingClassifier(n_layers=1, n_qubits=2, epochs=2)
    together = BaggingClassifier(one, n_estimators=3, bootstrap=False, random_state=0).fit(X, y)
    probabilities = [model.predict_proba(X) for model in together.estimators_]
    np.testing.assert_allclose(together.predict_proba(X), np.mean(probabilities, axis=0), rtol=0, atol=1e-12)
    assert np.abs(probabilities[0] - probabilities[1]).max() > 0.01
    again = BaggingClassifier(one, n_estimators=3, bootstrap=False, random_state=0).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), together.predict_proba(X))


class TestRoughness:
    def test_each_row_is_predicted_from_the_others(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(40, 3)) * [1, 5, 0.1] + 2
        y = np.column_stack([np.sin(3 * X[:, 0]), rng.normal(size=40)])
        standardised = (X - X.mean(axis=0)) / X.std(axis=0)
        explained = []
        for gamma in (1 / 24, 1 / 3):
            kernel = rbf_kernel(standardised, gamma=gamma)
            residuals, by_mean = [], []
            for k in range(40):
                others = np.arange(40) != k
                # conditions for the coefficients and the intercept: the coefficients sum to 0
                ridge = kernel[np.ix_(others, others)] + 0.03 * np.eye(39)
                system = np.block([[ridge, np.ones((39, 1))], [np.ones(40)]])
                system[-1, -1] = 0
                solution = np.linalg.solve(system, np.vstack([y[others], np.zeros(2)]))
                residuals.append(y[k] - np.append(kernel[k, others], 1) @ solution)
                by_mean.append(y[k] - y[others].mean(axis=0))
            explained.append(1 - np.square(residuals).sum() / np.square(by_mean).sum())
        assert abs(explained[1] - explained[0]) > 0.01
        assert roughness(X, y, np.ones(40), seed=0) == pytest.approx(explained[1] - explained[0], rel=1e-10)

    def test_weights_are_copies_and_constants_are_ignored(self):
        rng = np.random.default_rng(1)
        X, weight = rng.normal(size=(30, 20)), rng.integers(1, 4, 30)
        y = (X[:, :1] > 0).astype(float)
        value = roughness(X, y, weight.astype(float), seed=0)
        repeated = roughness(np.repeat(X, weight, axis=0), np.repeat(y, weight, axis=0), np.ones(weight.sum()), seed=0)
        assert repeated == pytest.approx(value, rel=1e-10)
        assert roughness(np.c_[X, np.full(30, 7.0)], y, 0.01 * weight, seed=0) == pytest.approx(value, rel=1e-10)
        assert roughness(X, np.ones((30, 1)), np.ones(30), seed=0) == 0
        assert roughness(np.ones((30, 1)), y, np.ones(30), seed=0) == 0
        sizes = np.array([1e200, 1e-200, *np.ones(18)])  # whose squares leave the range of doubles
        assert roughness(sizes * X, y, weight.astype(float), seed=0) == pytest.approx(value, rel=1e-10)

    def test_random_rows_represent_many(self):
        X, y = datasets.two_curves(1000, degree=8, random_state=0)
        values = [roughness(X, y[:, None].astype(float), np.ones(1000), seed) for seed in (0, 0, 1)]
        assert values[0] == values[1] != values[2]
        assert values[2] == pytest.approx(values[0], abs=0.1)


class TestFidelityCost:
    @pytest.mark.parametrize("num_classes", [2, 3, 4, 5, 6])
    def test_target_states_are_pure_and_far_apart(self, num_classes):
        states = class_states(num_classes)
        np.testing.assert_allclose(np.linalg.norm(states, axis=1), 1.0, rtol=0, atol=1e-12)
        products = states @ states.T - 2 * np.eye(num_classes)
        bounds = {2: -1.0, 3: -0.5, 4: -1 / 3, 5: 0.45, 6: 0.0}  # of the best arrangement; 5 points only nearly so
        assert products.max() <= bounds[num_classes] + 1e-12

    def test_fidelities_are_those_of_state_vectors(self):
        rng = np.random.default_rng(3)
        amplitudes = rng.normal(size=(5, 2)) + 1j * rng.normal(size=(5, 2))
        amplitudes /= np.linalg.norm(amplitudes, axis=1, keepdims=True)
        paulis = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
        bloch = np.einsum("si,aij,sj->sa", amplitudes.conj(), paulis, amplitudes).real
        layer = ClassFidelities(1, 3)
        found = layer.forward(bloch, np.ones(3))
        for k, vector in enumerate(class_states(3)):
            values, vectors = np.linalg.eigh(np.einsum("a,aij->ij", vector, paulis))
            target = vectors[:, values.argmax()]
            np.testing.assert_allclose(found[:, k], np.abs(amplitudes @ target.conj()) ** 2, rtol=0, atol=1e-12)

    def test_gradient(self):
        loss, y = WeightedFidelityCost(3), np.array([0, 2, 1, 1])
        outputs = np.random.default_rng(0).normal(size=(4, 6))
        expected = gradient(lambda z: loss.value(z, y).sum(), outputs)
        np.testing.assert_allclose(loss.gradient(outputs, y), expected, rtol=0, atol=TOLERANCE)

    def test_it_gives_no_probabilities(self, iris):
        clf = ReuploadingClassifier(n_qubits=1, loss="fidelity", epochs=2, random_state=0).fit(*iris)
        assert not hasattr(clf, "predict_proba")
        assert clf.decision_function(iris[0]).shape == (150, 3)


class TestDressed:
    def test_it_is_a_dense_circuit_dense_network(self, iris):
        X, y = iris
        clf = DressedClassifier(n_qubits=2, n_layers=1, epochs=2, random_state=0).fit(X, y)
        assert clf.angles_per_qubit == 2
        assert [type(layer) for layer in clf.network_] == [Dense, Tanh, Quantum, Dense]
        scaled = clf.scaling_(X)
        np.testing.assert_allclose(scaled.std(axis=0), 0.5, rtol=1e-12)  # 4 features
        first, _, middle, last = (clf.weights_[part] for part in clf.network_.parts)
        hidden = np.tanh(scaled @ first[:16].reshape(4, 4).T + first[16:])
        values = clf.model_.forward(hidden, middle)
        outputs = values @ last[:6].reshape(3, 2).T + last[6:]
        np.testing.assert_allclose(clf.decision_function(X), outputs, rtol=0, atol=1e-12)

    @pytest.mark.parametrize("scale_features", [True, False])
    def test_angles_of_a_qubit_start_with_one_variance_together(self, scale_features):
        X, y = np.random.default_rng(0).normal(size=(300, 40)), np.arange(300) % 2
        for count in (1, 2, 3):
            settings = {"epochs": 1, "optimizer": "sgd", "learning_rate": 1e-9, "scale_features": scale_features}
            clf = DressedClassifier(n_layers=1, angles_per_qubit=count, random_state=0, **settings).fit(X, y)
            hidden = clf.network_[0].forward(clf.scaling_(X), clf.weights_[clf.network_.parts[0]])
            rotations = [operation.gate.name for operation in clf.circuit_.operations[: 8 * count]]
            assert rotations == (["ry"] * 8 + ["rz"] * 8 + ["ry"] * 8)[: 8 * count]
            assert hidden.shape == (300, 8 * count)
            assert hidden.var(axis=0).sum() / 8 == pytest.approx(1.0, rel=0.25)  # 320 draws and more

    def test_a_second_angle_per_qubit_learns_curved_boundaries(self):
        gains = []
        for seed in range(6):
            X, y = make_gaussian_quantiles(n_samples=1240, n_features=5, n_classes=2, random_state=seed)
            one, two = (
                DressedClassifier(angles_per_qubit=count, random_state=seed).fit(X[:240], y[:240]) for count in (1, 2)
            )
            gains.append(two.score(X[240:], y[240:]) - one.score(X[240:], y[240:]))
        assert np.mean(gains) > 0.05

    def test_a_number_of_angles_is_at_least_one(self, iris):
        with pytest.raises(ValueError, match="angles_per_qubit expects an integer of 1 or more, got 0"):
            DressedClassifier(angles_per_qubit=0).fit(*iris)


class TestNetworks:
    def test_dropout_resumes_to_the_same_bits(self, iris, tmp_path):
        net = Sequential(Dense(4, 6), Tanh(), Dropout(0.3), Dense(6, 3))
        settings = {"schedule": "constant", "random_state": 0}
        once = NetworkClassifier(net, epochs=6, **settings).fit(*iris)
        NetworkClassifier(net, epochs=3, **settings).fit(*iris, resume=tmp_path / "run")
        again = NetworkClassifier(net, epochs=6, **settings).fit(*iris, resume=tmp_path / "run")
        np.testing.assert_array_equal(again.weights_, once.weights_)
        without = NetworkClassifier(Sequential(Dense(4, 6), Tanh(), Dense(6, 3)), epochs=6, **settings).fit(*iris)
        assert (without.weights_ != once.weights_).any()

    def test_dropout_needs_an_optimizer_that_takes_steps(self, iris):
        net = Sequential(Dense(4, 6), Dropout(0.3), Dense(6, 3))
        with pytest.raises(ValueError, match="random in training, as with dropout, and SciPy's methods need"):
            NetworkClassifier(net, optimizer="bfgs", random_state=0).fit(*iris)

    def test_a_softmax_at_the_end_is_refused(self, iris):
        with pytest.raises(ValueError, match="takes logits: leave out the Softmax at the end"):
            NetworkClassifier(Sequential(Dense(4, 3), Softmax())).fit(*iris)
        NetworkClassifier(Sequential(Dense(4, 3), Softmax()), loss="mse", epochs=1, random_state=0).fit(*iris)

    def test_what_is_not_a_network_is_refused(self, iris):
        with pytest.raises(TypeError, match="network expects a layer, such as a Sequential of qml.layers, got 3"):
            NetworkClassifier(3).fit(*iris)
        with pytest.raises(ValueError, match="sizes do not chain: the number of features is 4, layer 0"):
            NetworkClassifier(Sequential(Dense(5, 3))).fit(*iris)
        with pytest.raises(ValueError, match="sizes do not chain: .* the targets need 3"):
            NetworkClassifier(Sequential(Dense(4, 2))).fit(*iris)

    def test_the_summary_tells_what_is_quantum(self):
        circuit = layered_model("angle", "basic", num_features=2, num_layers=3)
        lines = str(Sequential(Dense(None, 2), Tanh(), Quantum(circuit), Dense())).splitlines()
        assert lines[-1] == "number of weights: known once the open sizes are"
        assert lines[3].split() == ["2", "Quantum", "quantum", "2", "2", "6"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: ReuploadingClassifier(n_qubits=2, epochs=2, random_state=0),
        lambda: ReuploadingClassifier(n_qubits=2, loss="fidelity", epochs=2, random_state=0),
        lambda: ReuploadingRegressor(n_qubits=2, encoding="separate", epochs=2, random_state=0),
        lambda: DressedClassifier(n_qubits=2, epochs=2, random_state=0),
        lambda: DressedRegressor(n_qubits=2, epochs=2, random_state=0),
        lambda: NetworkClassifier(epochs=2, random_state=0),
        lambda: NetworkRegressor(Sequential(Dense(4, 3), Tanh(), Dropout(0.1), Dense(3, 1)), epochs=2, random_state=0),
    ],
)
def test_model_files_predict_the_same_bits(make, iris, tmp_path):
    model = make().fit(*iris)
    model.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(iris[0]), model.predict(iris[0]))
    assert repr(loaded) == repr(model)
