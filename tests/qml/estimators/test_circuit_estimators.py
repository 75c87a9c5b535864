"""Circuit-centric, convolutional, tree tensor and quanvolutional classifiers against PennyLane, and on data."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.datasets import load_digits, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from qml import (
    CircuitCentricClassifier,
    ConvolutionalClassifier,
    NetworkClassifier,
    QuanvolutionClassifier,
    TreeTensorClassifier,
    load,
)
from qml.datasets import bars_and_stripes, cluster_ising
from qml.feature_maps import AmplitudeMap
from qml.layers import Dense, ReLU, Sequential
from simulator import CircuitError, NoiseModel, depolarizing
from simulator.backends.numba_backend import NumbaBackend

X, y = load_iris(return_X_y=True)
ROWS = slice(0, 150, 10)
SQUARE, SQUARE_LABELS = bars_and_stripes(60, noise=0.3, random_state=1)
ROUNDING = 1e-10

MODELS = [
    CircuitCentricClassifier(n_layers=2),
    ConvolutionalClassifier(block="ry_cx"),
    TreeTensorClassifier(),
    QuanvolutionClassifier(),
    QuanvolutionClassifier(trained=True, observables="z", dropout=0.2),
]


def data_for(estimator):
    return (SQUARE, SQUARE_LABELS) if isinstance(estimator, QuanvolutionClassifier) else (X, y)


def named(estimator):
    return type(estimator).__name__ + "-trained" * bool(getattr(estimator, "trained", False))


def fresh(estimator, **settings):
    return type(estimator)(**(estimator.get_params() | {"random_state": 0, "epochs": 2} | settings))


class TestAgainstPennyLane:
    """The circuits in PennyLane's words, with the weights that were learnt."""

    @pytest.fixture(autouse=True)
    def pennylane(self):
        self.qml = pytest.importorskip("pennylane")

    def expectations(self, circuit, rows, observables, num_qubits):
        """Expectation values of ``observables()`` after ``circuit(row)``, shape (n_rows, n_observables)."""

        @self.qml.qnode(self.qml.device("default.qubit", wires=num_qubits))
        def node(row):
            circuit(row)
            return [self.qml.expval(observable) for observable in observables()]

        return np.array([node(row) for row in rows], float)

    def assert_outputs(self, clf, data, values):
        factors, bias = clf.readout_.split(clf.weights_[clf.model_.num_weights :])
        expected = values @ factors.T + bias
        outputs = expected if len(clf.classes_) > 2 else expected[:, 0]
        np.testing.assert_allclose(clf.decision_function(data), outputs, atol=ROUNDING)
        if len(clf.classes_) > 2:
            np.testing.assert_allclose(clf.predict_proba(data), softmax(expected, axis=1), atol=ROUNDING)

    @pytest.mark.parametrize("num_copies", [1, 2])
    def test_circuit_centric(self, num_copies):
        qml, num_qubits = self.qml, 3 * num_copies
        clf = CircuitCentricClassifier(n_layers=3, n_copies=num_copies, constant=0.7, epochs=2, random_state=0)
        clf.fit(X, y)
        weights = clf.weights_[: clf.model_.num_weights].reshape(3, 2, num_qubits, 3)

        def circuit(row):
            padded = np.concatenate([row, [0.7]])
            for copy in range(num_copies):  # the first wire is the last bit of our indices
                wires = [3 * copy + k for k in (2, 1, 0)]
                qml.AmplitudeEmbedding(padded, wires=wires, pad_with=0.0, normalize=True)
            for layer in range(3):
                for q in range(num_qubits):
                    qml.Rot(*weights[layer, 0, q], wires=q)
                for q in range(num_qubits):
                    target = (q + 1 + layer % (num_qubits - 1)) % num_qubits
                    qml.CRot(*weights[layer, 1, q], wires=[q, target])

        rows = StandardScaler().fit(X).transform(X[ROWS])
        observables = clf.model_.observables
        assert len(observables) == num_qubits
        values = self.expectations(circuit, rows, lambda: [qml.Z(q) for q in range(num_qubits)], num_qubits)
        self.assert_outputs(clf, X[ROWS], values)

    def test_tree(self):
        qml = self.qml
        binary = y < 2
        clf = TreeTensorClassifier(block="ry_cx", epochs=2, random_state=0).fit(X[binary], y[binary])

        def block(weights, wires):
            qml.RY(weights[0], wires=wires[0])
            qml.RY(weights[1], wires=wires[1])
            qml.CNOT(wires=wires)

        def circuit(row):
            qml.AngleEmbedding(row, wires=range(4), rotation="Y")
            qml.TTN(range(4), 2, block, 2, clf.weights_[:6].reshape(3, 2))

        rows = clf.scaling_(X[ROWS])
        values = self.expectations(circuit, rows, lambda: [qml.X(3), qml.Y(3), qml.Z(3)], 4)
        self.assert_outputs(clf, X[ROWS], values)

    def test_convolutional(self):
        """Hur et al.: a ring of blocks with shared weights, then pooling by controlled rotations, twice."""
        qml = self.qml
        binary = y < 2
        clf = ConvolutionalClassifier(block="ry_cx", epochs=2, random_state=0).fit(X[binary], y[binary])
        weights = clf.weights_[: clf.model_.num_weights].reshape(2, 4)
        rings = [[(0, 3), (0, 1), (2, 3), (1, 2)], [(0, 2)]]
        pools = [[(1, 0), (3, 2)], [(2, 0)]]

        def circuit(row):
            qml.AngleEmbedding(row, wires=range(4), rotation="Y")
            for (first, second, if_one, if_zero), ring, pool in zip(weights, rings, pools, strict=True):
                for a, b in ring:
                    qml.RY(first, wires=a)
                    qml.RY(second, wires=b)
                    qml.CNOT(wires=[a, b])
                for measured, staying in pool:
                    qml.CRZ(if_one, wires=[measured, staying])
                    qml.ctrl(qml.RX(if_zero, wires=staying), control=measured, control_values=0)

        values = self.expectations(circuit, clf.scaling_(X[ROWS]), lambda: [qml.Z(0)], 4)
        self.assert_outputs(clf, X[ROWS], values)

    def test_quanvolution(self):
        """A loop over patches, the filter drawn by PennyLane's template, and the dense layers written out."""
        qml = self.qml
        clf = QuanvolutionClassifier(observables="z", n_hidden=5, epochs=2, random_state=0).fit(SQUARE, SQUARE_LABELS)
        angles = np.random.default_rng(clf._seed).uniform(0, 2 * np.pi, (2, 4))

        def circuit(pixels):
            qml.AngleEmbedding(pixels, wires=range(4), rotation="Y")
            qml.RandomLayers(angles, wires=range(4), seed=clf._seed)

        low, high = SQUARE.min(), SQUARE.max()
        images = (SQUARE[:5] - low).reshape(5, 4, 4) * np.pi / (high - low)
        corners = [(row, column) for row in (0, 2) for column in (0, 2)]
        patches = [image[r : r + 2, c : c + 2].ravel() for image in images for r, c in corners]
        values = self.expectations(circuit, patches, lambda: [qml.Z(q) for q in range(4)], 4).reshape(5, 16)
        first, second = clf.weights_[: 5 * 17], clf.weights_[5 * 17 :]
        hidden = np.maximum(values @ first[:80].reshape(5, 16).T + first[80:], 0)
        np.testing.assert_allclose(clf.decision_function(SQUARE[:5]), hidden @ second[:5] + second[5], atol=ROUNDING)


@pytest.mark.parametrize("estimator", MODELS, ids=named)
class TestWhatIsInherited:
    def test_files(self, estimator, tmp_path):
        data, labels = data_for(estimator)
        clf = fresh(estimator).fit(data, labels)
        clf.save(tmp_path / "model.qumba")
        loaded = load(tmp_path / "model.qumba")
        np.testing.assert_array_equal(loaded.decision_function(data), clf.decision_function(data))
        np.testing.assert_array_equal(loaded.fit(data, labels).weights_, clf.weights_)

    def test_checkpoints(self, estimator, tmp_path):
        data, labels = data_for(estimator)
        settings = {"epochs": 4, "batch_size": 16, "early_stopping": True}
        path, whole = tmp_path / "run.ckpt", fresh(estimator, **settings).fit(data, labels)
        interrupted = fresh(estimator, **settings, callback=lambda progress: progress.epoch == 2)
        interrupted.fit(data, labels, resume=path)
        resumed = fresh(estimator, **settings).fit(data, labels, resume=path)
        np.testing.assert_array_equal(resumed.weights_, whole.weights_)

    def test_noise_and_backends(self, estimator):
        data, labels = (part[:10] for part in data_for(estimator))
        labels = np.arange(10) % 2
        noise = NoiseModel(after_1q=depolarizing(0.1))
        noisy = fresh(estimator, epochs=1, noise=noise).fit(data, labels)
        shifted = fresh(estimator, epochs=1, backend=NumbaBackend(noise=noise)).fit(data, labels)
        np.testing.assert_allclose(noisy.weights_, shifted.weights_, atol=1e-8)
        exact = noisy.decision_function(data, backend="numba")
        assert not np.allclose(exact, noisy.decision_function(data), atol=1e-6)
        plan = noisy.plan(data, NumbaBackend())
        patches = 4 if isinstance(noisy, QuanvolutionClassifier) else 1
        assert plan.parameter_sets == patches * len(data)

    def test_weights_of_samples_and_classes(self, estimator):
        data, labels = data_for(estimator)
        repeated = np.concatenate([data[:20], data[:5]]), np.concatenate([labels[:20], labels[:5]])
        weighted = np.r_[np.full(5, 2.0), np.ones(15)]
        settings = {"batch_size": "full", "epochs": 2, "scale_features": False}
        if len(np.unique(labels[:20])) < 2:
            repeated = repeated[0], np.r_[np.arange(20) % 2, np.arange(5) % 2]
        if getattr(estimator, "dropout", 0.0):
            settings["dropout"] = 0.0
        one = fresh(estimator, **settings).fit(data[:20], repeated[1][:20], sample_weight=weighted)
        other = fresh(estimator, **settings).fit(*repeated)
        np.testing.assert_allclose(one.weights_, other.weights_, atol=1e-8)
        balanced = fresh(estimator, class_weight="balanced", **settings).fit(*repeated)
        assert not np.allclose(balanced.weights_, other.weights_)


class TestCircuitCentric:
    def test_the_constant_keeps_rows_of_zeros_and_multiples_apart(self):
        encoding = AmplitudeMap(copies=2, constant=0.5).encoding(3)
        assert encoding.circuit.num_qubits == 4
        inputs = encoding.angles([[0.0, 0.0, 0.0], [1.0, 2.0, 2.0], [2.0, 4.0, 4.0]])
        np.testing.assert_allclose(inputs[0], [0, 0, 0, 1])
        expected = np.array([1.0, 2.0, 2.0, 0.5]) / np.sqrt(9.25)
        np.testing.assert_allclose(inputs[1], expected)
        np.testing.assert_allclose(encoding.circuit.statevector(inputs[1]), np.kron(expected, expected), atol=ROUNDING)
        assert not np.allclose(inputs[1], inputs[2])

    def test_its_derivative(self):
        from qml.feature_maps.data_functions import AmplitudesWithConstant, check_pullback

        check_pullback(AmplitudesWithConstant(0.3), np.random.default_rng(0).normal(size=(4, 3)))

    def test_errors(self):
        with pytest.raises(ValueError, match="n_copies expects an integer of 1 or more, got 0"):
            CircuitCentricClassifier(n_copies=0).fit(X, y)
        with pytest.raises(CircuitError, match="2 copies need a multiple of 2 qubits, got 5"):
            CircuitCentricClassifier(n_qubits=5).fit(X, y)
        with pytest.raises(ValueError, match="constant expects a finite number"):
            CircuitCentricClassifier(constant=np.inf).fit(X, y)

    def test_many_features_pass_through_a_dense_layer(self):
        data, labels = load_digits(return_X_y=True)
        clf = CircuitCentricClassifier(n_qubits=4, n_layers=1, epochs=1, random_state=0).fit(data[:60], labels[:60])
        assert clf.network_[0] == Dense(64, 3)
        assert CircuitCentricClassifier(epochs=1).fit(data[:30], labels[:30]).model_.circuit.num_qubits <= 10


class TestHierarchical:
    def test_layers_follow_the_number_of_classes(self):
        rng = np.random.default_rng(0)
        data = rng.normal(size=(40, 8))
        for num_classes, remaining in ((2, 1), (3, 2), (4, 2), (5, 4)):
            clf = ConvolutionalClassifier(epochs=1, observables="z").fit(data, np.arange(40) % num_classes)
            assert clf.readout_.num_inputs == remaining
        assert ConvolutionalClassifier(n_layers=1, epochs=1, observables="z").fit(data, np.arange(40) % 2).readout_ == (
            Dense(4, 1)
        )

    def test_phases_of_a_spin_chain(self):
        states, phases = cluster_ising(120, num_qubits=6, random_state=0)
        clf = ConvolutionalClassifier("amplitude", n_qubits=6, scale_features=False, epochs=60, random_state=0)
        assert clf.fit(states[:60], phases[:60]).score(states[60:], phases[60:]) > 0.9
        assert [type(layer).__name__ for layer in clf.network_] == ["Quantum", "Dense"]

    def test_qubits_of_a_tree_are_a_power_of_two(self):
        wide = np.random.default_rng(0).normal(size=(20, 5))
        clf = TreeTensorClassifier(epochs=1).fit(wide, np.arange(20) % 2)
        assert clf.circuit_.num_qubits == 8
        with pytest.raises(CircuitError, match="power of two of qubits, got 6"):
            TreeTensorClassifier(n_qubits=6).fit(wide, np.arange(20) % 2)

    @pytest.mark.parametrize("kind", [ConvolutionalClassifier, TreeTensorClassifier, CircuitCentricClassifier])
    def test_iris(self, kind):
        assert kind(epochs=60, random_state=0).fit(X[::2], y[::2]).score(X[1::2], y[1::2]) > 0.9


class TestQuanvolution:
    def test_bars_and_stripes(self):
        """A linear model sees nothing in single pixels; the filter loses nothing that the layers after it need."""
        data, labels = bars_and_stripes(1000, noise=0.5, random_state=0)
        train, test = slice(0, 500), slice(500, 1000)
        linear = LogisticRegression().fit(data[train], labels[train]).score(data[test], labels[test])
        settings = {"epochs": 50, "learning_rate": 0.01, "random_state": 0}
        head = NetworkClassifier(Sequential(Dense(None, 32), ReLU(), Dense()), **settings).fit(
            data[train], labels[train]
        )
        fixed = QuanvolutionClassifier(**settings).fit(data[train], labels[train])
        trained = QuanvolutionClassifier(trained=True, **settings).fit(data[train], labels[train])
        assert linear < 0.6
        for clf in (head, fixed, trained):
            assert clf.score(data[test], labels[test]) > 0.9

    def test_digits(self):
        data, labels = load_digits(return_X_y=True)
        data /= 16
        train, test = slice(0, 900), slice(900, 1797)
        clf = QuanvolutionClassifier(epochs=40, random_state=0).fit(data[train], labels[train])
        linear = (
            LogisticRegression(max_iter=5000).fit(data[train] / 16, labels[train]).score(data[test] / 16, labels[test])
        )
        assert clf.score(data[test], labels[test]) > max(0.9, linear - 0.03)

    def test_a_filter_that_is_not_trained_is_drawn_by_the_seed(self):
        clf = QuanvolutionClassifier(epochs=1, random_state=3).fit(SQUARE, SQUARE_LABELS)
        assert clf.model_.num_weights == 0
        again = QuanvolutionClassifier(epochs=1, random_state=3).fit(SQUARE, SQUARE_LABELS)
        other = QuanvolutionClassifier(epochs=1, random_state=4).fit(SQUARE, SQUARE_LABELS)
        pixels = [0.3, 0.1, 2.0, 1.4]
        np.testing.assert_array_equal(clf.circuit_.statevector(pixels), again.circuit_.statevector(pixels))
        assert not np.allclose(clf.circuit_.statevector(pixels), other.circuit_.statevector(pixels))

    def test_arrays_of_images(self):
        rows = np.random.default_rng(0).normal(size=(20, 3 * 4 * 2))
        labels = np.arange(20) % 2
        images = rows.reshape(20, 3, 4, 2)
        settings = {"epochs": 1, "random_state": 0}
        flat = QuanvolutionClassifier(image_shape=(3, 4, 2), **settings).fit(rows, labels)
        found = QuanvolutionClassifier(**settings).fit(images, labels)
        assert found.image_shape_ == flat.image_shape_ == (3, 4, 2)
        np.testing.assert_array_equal(found.decision_function(images), flat.decision_function(rows))
        np.testing.assert_array_equal(found.decision_function(rows), flat.decision_function(images))
        assert QuanvolutionClassifier(image_shape=(3, -1, 2), **settings).fit(rows, labels).image_shape_ == (3, 4, 2)
        with pytest.raises(ValueError, match=r"images of shape \(3, 4, 2\) .* expected, got \(4, 3, 2\)"):
            found.predict(images.transpose(0, 2, 1, 3))
        with pytest.raises(ValueError, match="features"):
            found.predict(rows[:, :16])
        with pytest.raises(ValueError, match=r"images of shape \(4, 6, 1\) .* expected, got \(3, 4, 2\)"):
            QuanvolutionClassifier(image_shape=(4, 6), **settings).fit(images, labels)

    def test_lists_of_images(self):
        images = np.random.default_rng(0).normal(size=(6, 4, 4))
        labels = np.arange(6) % 2
        clf = QuanvolutionClassifier(epochs=1, random_state=0)
        expected = clf.fit(images, labels).decision_function(images)
        np.testing.assert_array_equal(clf.fit(list(images), labels).decision_function(images.tolist()), expected)
        with pytest.raises(
            ValueError, match=r"images must have one shape, got \(4, 4\) for image 0 and \(4, 5\) for image 2: crop"
        ):
            clf.fit([images[0], images[1], np.zeros((4, 5))], labels[:3])

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({}, r"rows of 15 numbers are not square images of one channel; give image_shape"),
            ({"image_shape": (4, 4)}, r"image_shape=\(4, 4\) is 4 \* 4 numbers for each image, X has 15 features"),
            ({"image_shape": (4, -1)}, r"X has 15 features"),
            ({"image_shape": (15,)}, r"image_shape expects \(height, width\) or"),
            ({"image_shape": (-1, -1)}, r"of which one may be -1"),
            ({"image_shape": (0, 15)}, r"sizes of at least 1"),
            ({"image_shape": (1, 15)}, r"a patch of 2 x 2 pixels does not fit into"),
            ({"image_shape": (3, 5), "kernel_size": 0}, "kernel_size expects an integer"),
            ({"image_shape": (3, 5), "dropout": 1.0}, "rate expects a number"),
            ({"image_shape": (3, 5), "trained": 1}, "trained expects True or False"),
        ],
    )
    def test_errors(self, settings, message):
        rows = np.random.default_rng(0).normal(size=(20, 15))
        with pytest.raises(ValueError, match=message):
            QuanvolutionClassifier(**settings).fit(rows, np.arange(20) % 2)

    def test_constant_images(self):
        clf = QuanvolutionClassifier(epochs=1).fit(np.ones((10, 4)), np.arange(10) % 2)
        assert np.isfinite(clf.decision_function(np.ones((2, 4)))).all()
