"""Finite numbers at the ends of the range of doubles: the right result, or an error that names the true cause."""

import warnings
from fractions import Fraction

import numpy as np
import pytest
from sklearn.metrics import r2_score

import qml
from qml.features import AngleScaler, QubitReducer, SumFeatures
from qml.kernels import ClassicalKernel, FidelityKernel, kernel_target_alignment
from qml.models.layered import layered_model
from simulator import StateTooLargeError

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3))
Y = X[:, 0] + 0.1 * rng.normal(size=40)
LABELS = (X[:, 0] > 0).astype(int)

HUGE, TINY = 2.0**996, 2.0**-900  # powers of two: what is scaled by them has the same digits
LARGEST, SMALLEST = 1.7e308, 1e-322

REGRESSORS = [
    qml.VariationalRegressor(epochs=2, random_state=0),
    qml.QuantumKernelRegressor(),
    qml.QuantumKernelRidge(),
    qml.QuantumGaussianProcessRegressor(),
    qml.KitchenSinksRegressor(20, random_state=0),
    qml.ReservoirRegressor(n_layers=2, random_state=0),
]
SCALING = [
    qml.VariationalClassifier(epochs=2, random_state=0),
    qml.VariationalClassifier("amplitude", epochs=2, random_state=0),
    qml.VariationalClassifier(n_qubits=2, epochs=2, random_state=0),
    qml.QuantumKernelClassifier(),
    qml.QuantumKernelClassifier("rbf"),
    qml.QuantumKernelClassifier("rbf", scale_features="jointly"),
    qml.QuantumKernelClassifier(n_qubits=2),
    qml.KitchenSinksClassifier(20, random_state=0),
]
UNSCALED = [
    ClassicalKernel("rbf"),
    ClassicalKernel("polynomial"),
    qml.QuantumKernelClassifier("linear", scale_features=False),
    qml.RandomQuantumFeatures(8, random_state=0),
    QubitReducer(2),
]


def named(estimator):
    return str(estimator).split("\n")[0]


class TestTargets:
    @pytest.mark.parametrize("size", [HUGE, TINY])
    @pytest.mark.parametrize("estimator", REGRESSORS, ids=named)
    def test_the_unit_of_the_target_changes_no_digit(self, estimator, size):
        expected = estimator.fit(X, Y).predict(X)
        score = estimator.score(X, Y)
        np.testing.assert_array_equal(estimator.fit(X, Y * size).predict(X), expected * size)
        assert estimator.score(X, Y * size) == score == pytest.approx(r2_score(Y, expected))

    @pytest.mark.parametrize("estimator", REGRESSORS, ids=named)
    def test_targets_around_which_nothing_can_be_predicted(self, estimator):
        with pytest.raises(ValueError, match=r"y holds 1\.7e\+308: predictions .* divide y by a constant"):
            estimator.fit(X, np.where(Y > 0, LARGEST, 0.0))

    def test_mean_and_deviation_are_exact(self):
        y = np.array([3e300, -1e300, 2e300, 7e299])
        reg = qml.QuantumKernelRidge().fit(X[:4], y)
        exact = [Fraction(value) for value in y.tolist()]
        mean = sum(exact) / 4
        variance = sum((value - mean) ** 2 for value in exact) / 4
        assert reg.target_mean_ == pytest.approx(float(mean), rel=1e-14)
        assert Fraction(reg.target_scale_) ** 2 / variance == pytest.approx(1, rel=1e-14)

    def test_later_targets_too_far_from_the_first(self):
        reg = qml.VariationalRegressor(random_state=0).partial_fit(X, Y * 1e-10)
        with pytest.raises(ValueError, match=r"y holds -?\S+e\+30\d, too far from the targets"):
            reg.partial_fit(X, Y * 1e305)

    def test_single_precision_targets_are_taken_as_doubles(self):
        single = Y.astype(np.float32)
        alike = qml.VariationalRegressor(epochs=2, random_state=0)
        expected = alike.fit(X, single.astype(np.float64)).predict(X)
        np.testing.assert_array_equal(alike.fit(X, single).predict(X), expected)

    @pytest.mark.parametrize("size", [HUGE, 2.0**300])
    def test_alignment_does_not_depend_on_the_unit(self, size):
        K = np.exp(-((X[:, :1] - X[:, 0]) ** 2))
        assert kernel_target_alignment(K, Y * size) == pytest.approx(kernel_target_alignment(K, Y), rel=1e-12)


class TestFeatures:
    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (X * SMALLEST, "column 0 of X holds numbers of up to 2.32e-322, too small .* multiply it by a constant"),
            (np.where(X > 0, LARGEST, 0.0), r"column 0 of X holds numbers of up to 1.7e\+308, too large .* divide it"),
        ],
        ids=["smallest", "largest"],
    )
    @pytest.mark.parametrize("estimator", SCALING, ids=named)
    def test_columns_that_cannot_be_scaled(self, estimator, data, message):
        with pytest.raises(ValueError, match=message):
            estimator.fit(data, LABELS)

    @pytest.mark.parametrize("size", [2.0**1015, 2.0**-1000])
    @pytest.mark.parametrize("estimator", SCALING, ids=named)
    def test_columns_that_can(self, estimator, size):
        expected = estimator.fit(X, LABELS).predict(X)
        np.testing.assert_array_equal(estimator.fit(X * size, LABELS).predict(X * size), expected)

    @pytest.mark.parametrize("constant", [0.0, LARGEST, SMALLEST, 0.1])
    @pytest.mark.parametrize("estimator", [SCALING[0], SCALING[3], SCALING[4]], ids=named)
    def test_constant_columns(self, estimator, constant):
        data = np.column_stack([X, np.full(40, constant)])
        assert set(estimator.fit(data, LABELS).predict(data)) == {0, 1}

    @pytest.mark.parametrize("estimator", [SCALING[0], SCALING[2]], ids=named)
    def test_an_arctangent_takes_rows_far_from_the_training_data(self, estimator):
        estimator.fit(X * 1e-3, LABELS)
        expected = estimator.decision_function(np.sign(X) * 1e200)
        np.testing.assert_allclose(estimator.decision_function(np.sign(X) * 1e300), expected, atol=1e-12)
        assert set(estimator.predict(np.full((2, 3), LARGEST))) <= {0, 1}

    @pytest.mark.parametrize("estimator", [SCALING[1], *SCALING[3:]], ids=named)
    def test_rows_too_far_from_the_training_data(self, estimator):
        estimator.fit(X * 1e-3, LABELS)
        with pytest.raises(ValueError, match=r"X\[0, 0\] is 1\.7e\+308, too large or too far from the training data"):
            estimator.predict(np.full((2, 3), LARGEST))

    @pytest.mark.parametrize("estimator", UNSCALED, ids=named)
    def test_squares_beyond_doubles(self, estimator):
        with pytest.raises(ValueError, match="range of doubles") as caught:
            estimator.fit(X * 1e200, LABELS)(X * 1e200) if callable(estimator) else estimator.fit(X * 1e200, LABELS)
        assert "NaN" not in str(caught.value)

    @pytest.mark.parametrize("feature_map", ["zz", "iqp", "pauli"])
    def test_angles_beyond_doubles(self, feature_map):
        message = r"features are too large for the feature map, .* row 0 has -?\d.\d+e\+(199|200) in column \d"
        model = layered_model(feature_map, "basic", num_features=3, num_layers=1)
        weights = np.zeros(model.num_weights)
        for call in (
            lambda: model.forward(X * 1e200, weights),
            lambda: model.loss_and_gradient(X * 1e200, np.zeros((40, len(model.observables))), weights),
            lambda: qml.VariationalClassifier(feature_map, scale_features=False, epochs=1).fit(X * 1e200, LABELS),
            lambda: FidelityKernel(feature_map)(X * 1e200),
        ):
            with pytest.raises(ValueError, match=message):
                call()

    @pytest.mark.parametrize("size", [HUGE, TINY])
    def test_a_bandwidth_follows_the_unit(self, size):
        bandwidth = FidelityKernel("z", bandwidth="auto").fit(X).bandwidth_
        assert FidelityKernel("z", bandwidth="auto").fit(X * size).bandwidth_ == bandwidth / size

    def test_transformers(self):
        with pytest.raises(ValueError, match=r"column \d of X spans"):
            AngleScaler().fit(X * SMALLEST)
        with pytest.raises(ValueError, match=r"X\[0, \d\] is .*range of doubles"):
            AngleScaler().fit(X * 1e-3).transform(np.where(X > 0, LARGEST, 0.0))
        with pytest.raises(ValueError, match=r"X\[0, 0\] is 1.7e\+308.*range of doubles"):
            SumFeatures().fit(X).transform(np.full((1, 3), LARGEST))
        assert AngleScaler(clip=True).fit(X * 1e-3).transform([[LARGEST, -LARGEST, 0]])[0, :2] == pytest.approx(
            [np.pi / 2, -np.pi / 2]
        )
        column = np.where(X[:, :1] > 0, LARGEST, LARGEST / 4)
        scaler = AngleScaler(n_std=2.0).fit(column)
        assert scaler.center_ == pytest.approx((column / 64).mean(axis=0) * 64, rel=1e-12)

    def test_clusters_of_rows_that_are_all_alike(self):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            clusters = qml.QuantumKernelKMeans(2, random_state=0).fit(np.full((10, 3), 2.5))
        assert "only 1 distinct rows" in str(caught[0].message)
        np.testing.assert_array_equal(clusters.predict(X), 0)


@pytest.mark.parametrize("name", ["VariationalClassifier", "QuantumKernelClassifier", "ReservoirClassifier"])
@pytest.mark.parametrize("n_qubits", [62, 99])
def test_far_too_many_qubits_are_refused_with_the_sizes(name, n_qubits):
    X, y = np.arange(20.0).reshape(10, 2), np.arange(10) % 2
    with pytest.raises(StateTooLargeError, match=f"{n_qubits} qubits in double precision needs"):
        getattr(qml, name)(n_qubits=n_qubits).fit(X, y)


WITH_QUBITS = [
    name
    for name in dir(qml)
    if isinstance(kind := getattr(qml, name), type) and hasattr(kind, "fit") and "n_qubits" in kind().get_params()
]


@pytest.mark.parametrize("name", [name for name in WITH_QUBITS if name != "QubitReducer"])  # it takes what there is
@pytest.mark.parametrize("n_qubits", [10**6, 10**12])
def test_numbers_of_qubits_that_no_circuit_has_are_refused_at_once(name, n_qubits):
    X, y = np.arange(20.0).reshape(10, 2), np.arange(10) % 2
    data = (X[:, 0],) if name == "ReservoirForecaster" else (X, y)
    with pytest.raises((ValueError, MemoryError), match=f"{n_qubits}|{n_qubits:,}"):
        getattr(qml, name)(n_qubits=n_qubits).fit(*data)


@pytest.mark.parametrize(
    "estimator",
    [
        qml.VariationalClassifier(n_layers=10**9),
        qml.ReuploadingClassifier(n_layers=10**9),
        qml.CircuitCentricClassifier(n_copies=10**9),
        qml.QuanvolutionClassifier(image_shape=(1, 3), n_layers=10**9),
        qml.MetricLearningClassifier(reps=10**9),
        qml.QuantumKernelClassifier(reps=10**9),
        qml.ReservoirClassifier(n_layers=10**9),
    ],
    ids=named,
)
def test_circuits_too_deep_or_wide_to_be_built_are_refused_at_once(estimator):
    with pytest.raises(ValueError, match=r"expects at most 1\d*,000( qubits)?, got 1,000,000,000"):
        estimator.fit(X, LABELS)


def test_readouts_of_a_reservoir_that_do_not_fit_are_refused_at_once():
    with pytest.raises(StateTooLargeError, match="virtual_nodes"):
        qml.ReservoirForecaster(virtual_nodes=10**12).fit(np.sin(np.arange(100.0)))
