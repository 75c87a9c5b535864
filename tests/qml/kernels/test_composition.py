"""Kernels made of kernels: scikit-learn's composition of covariance functions gives the same numbers."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.gaussian_process import kernels as covariance
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

import qml
from qml.estimators import kernel_methods
from qml.kernels import (
    RBF,
    ClassicalKernel,
    FidelityKernel,
    Kernel,
    Laplacian,
    Linear,
    Polynomial,
    PowerKernel,
    ProductKernel,
    ProjectedKernel,
    ScaledKernel,
    SumKernel,
    TrainedKernel,
)
from qml.kernels.bandwidth import find_bandwidth
from qml.kernels.composite import packed
from simulator.errors import UnknownNameError

RNG = np.random.default_rng(3)
X = RNG.normal(size=(24, 3))
Y = RNG.normal(size=(5, 3))
LABELS = (X[:, 0] * X[:, 1] > 0).astype(int)
EXACT = 1e-12
SINGLE = 1e-5


def rbf(gamma):
    return covariance.RBF(length_scale=(2 * gamma) ** -0.5)


PAIRS = {
    "sum": (RBF(0.3) + Linear(), rbf(0.3) + covariance.DotProduct(0.0)),
    "product": (RBF(0.3) * Linear(), rbf(0.3) * covariance.DotProduct(0.0)),
    "power": (RBF(0.3) ** 3, rbf(0.3) ** 3),
    "polynomial": (Polynomial(2, gamma=1.0, coef0=0.25), covariance.DotProduct(0.5) ** 2),
    "multiple": (0.7 * RBF(0.3), covariance.ConstantKernel(0.7) * rbf(0.3)),
    "nothing": (0 * RBF(0.3) + RBF(0.2), rbf(0.2)),
    "nested": (
        (0.5 * RBF(0.3) + Linear() ** 2) * (RBF(0.1) + 2 * RBF(1.0)) ** 2,
        (covariance.ConstantKernel(0.5) * rbf(0.3) + covariance.DotProduct(0.0) ** 2)
        * (rbf(0.1) + covariance.ConstantKernel(2.0) * rbf(1.0)) ** 2,
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_numbers_are_those_of_scikit_learn(name):
    kernel, reference = PAIRS[name]
    np.testing.assert_allclose(kernel(X), reference(X), rtol=EXACT, atol=EXACT)
    np.testing.assert_allclose(kernel(Y, X), reference(Y, X), rtol=EXACT, atol=EXACT)
    np.testing.assert_allclose(kernel.diag(Y), reference.diag(Y), rtol=EXACT, atol=EXACT)


def test_entries_of_quantum_parts_are_those_of_their_states():
    fidelity, projected = FidelityKernel("zz", bandwidth=0.4), ProjectedKernel("iqp", bandwidth=0.3, outer="linear")
    psi, rho = fidelity.states(X), projected.features(X)
    overlaps = np.abs(psi @ psi.conj().T) ** 2
    projections = rho @ rho.T + 3 / 2  # the identity's share, one half for each of three qubits
    kernel = 0.5 * fidelity * projected + fidelity**3
    np.testing.assert_allclose(kernel(X), 0.5 * overlaps * projections + overlaps**3, atol=EXACT)


class OwnKernel(Kernel):
    """A custom kernel, of public names alone."""

    def compute_features(self, X):
        return np.tanh(X)

    def fill_gram(self, A, B, out, progress):
        out[...] = A @ (A if B is None else B).T

    def diag(self, X):
        return np.sum(np.tanh(X) ** 2, axis=1)


COMPOSITES = [
    0.5 * RBF() + FidelityKernel("zz", bandwidth=0.3) * Linear(),
    FidelityKernel("angle", bandwidth="auto") * ProjectedKernel("zz", bandwidth=0.2, outer="laplacian"),
    (FidelityKernel("zz", bandwidth=0.3) + 0.1 * OwnKernel()) ** 2,
    2.0 * (FidelityKernel("iqp", bandwidth=0.3, precision="single") * RBF(0.2)) + Polynomial(2),
    FidelityKernel("qaoa", random_state=0) * TrainedKernel(FidelityKernel("zz"), epochs=1, random_state=0),
]


@pytest.mark.parametrize("kernel", COMPOSITES, ids=repr)
class TestComposites:
    def test_are_kernels(self, kernel):
        fitted = clone(kernel).fit(X, LABELS)
        K = fitted(X)
        np.testing.assert_allclose(K, K.T, atol=EXACT)
        assert np.linalg.eigvalsh(K)[0] > -SINGLE
        np.testing.assert_allclose(fitted.diag(X), np.diag(K), atol=SINGLE)
        np.testing.assert_allclose(fitted(X[:4], X), K[:4], atol=SINGLE)

    def test_features_of_training_rows_can_be_kept(self, kernel):
        fitted = clone(kernel)
        features = fitted.fit_features(X, LABELS)
        np.testing.assert_array_equal(features, fitted.features(X))
        assert len(features) == len(X)
        np.testing.assert_allclose(fitted.gram(features), fitted(X), atol=SINGLE)
        np.testing.assert_allclose(fitted.gram(features[:4], features), fitted(X)[:4], atol=SINGLE)

    def test_fit_leaves_the_settings_alone(self, kernel):
        before = repr(kernel)
        fitted = clone(kernel).fit(X, LABELS)
        assert repr(fitted) == repr(clone(fitted)) == before
        assert not any(hasattr(part, "n_features_in_") for part in clone(fitted).parts)
        assert all(part.n_features_in_ == 3 for part in fitted.parts)

    def test_the_text_is_the_expression(self, kernel):
        names = {name: getattr(qml.kernels, name) for name in qml.kernels.__all__} | {"OwnKernel": OwnKernel}
        again = eval(repr(kernel), names)
        assert repr(again) == repr(kernel)
        assert again.get_params().keys() == kernel.get_params().keys()

    def test_to_a_file_of_numbers(self, kernel, tmp_path):
        fitted = clone(kernel).fit(X, LABELS)
        np.testing.assert_array_equal(np.load(_written(fitted, tmp_path / "kernel.npy")), fitted(X))


def _written(kernel, path):
    kernel(X, out=path)
    return path


@pytest.mark.parametrize(
    ("kernel", "text"),
    [
        (0.5 * RBF() + FidelityKernel("zz") * Linear(), "0.5 * RBF() + FidelityKernel() * Linear()"),
        ((RBF() + Linear()) * Laplacian(2.0), "(RBF() + Linear()) * Laplacian(gamma=2.0)"),
        (RBF() + (Linear() + RBF()), "RBF() + (Linear() + RBF())"),
        (RBF() + Linear() + RBF(), "RBF() + Linear() + RBF()"),
        (2 * (RBF() * Linear()), "2.0 * (RBF() * Linear())"),
        (2 * RBF() * Linear(), "2.0 * RBF() * Linear()"),
        ((2 * RBF()) ** 2, "(2.0 * RBF()) ** 2"),
        ((RBF() ** 2) ** 3, "(RBF() ** 2) ** 3"),
        (2 * RBF() ** 2, "2.0 * RBF() ** 2"),
        (np.float64(0.5) * RBF(), "0.5 * RBF()"),
        (RBF() * np.float32(0.5), "0.5 * RBF()"),
        (Polynomial(coef0=0.0, gamma="auto"), "Polynomial(gamma='auto', coef0=0.0)"),
        (ClassicalKernel("no such kernel"), "ClassicalKernel(name='no such kernel')"),
    ],
)
def test_text(kernel, text):
    assert repr(kernel) == text


def test_tree():
    kernel = 0.5 * RBF() + Linear() * RBF() ** 2
    assert isinstance(kernel, SumKernel)
    assert isinstance(kernel.k1, ScaledKernel)
    assert isinstance(kernel.k2, ProductKernel)
    assert isinstance(kernel.k2.k2, PowerKernel)


def test_settings_of_parts_are_settings():
    kernel = 0.5 * RBF() + FidelityKernel("zz", reps=1)
    params = kernel.get_params()
    assert (params["k1__scale"], params["k1__kernel__gamma"], params["k2__reps"]) == (0.5, "scale", 1)
    changed = clone(kernel).set_params(k1__scale=2.0, k1__kernel__gamma=0.1, k2__bandwidth=0.3)
    expected = 2.0 * RBF(0.1)(X) + FidelityKernel("zz", reps=1, bandwidth=0.3)(X)
    np.testing.assert_allclose(changed(X), expected, atol=EXACT)
    assert kernel.k1.scale == 0.5


def test_precision_is_that_of_the_most_precise_part():
    single, double = FidelityKernel("zz", precision="single"), FidelityKernel("zz")
    assert (0.5 * single).dtype is (single * single).dtype is np.float32
    assert (single + double).dtype is (double + single).dtype is np.float64
    assert (single**2)(X).dtype == (single**2).diag(X).dtype == np.float32
    np.testing.assert_allclose((single + double)(X), 2 * double(X), atol=SINGLE)


class TestErrors:
    @pytest.mark.parametrize("factor", [-1, -0.5, np.inf, np.nan, True, np.float64(-2)])
    def test_factors(self, factor):
        with pytest.raises(ValueError, match="factor of a kernel expects a finite number of 0 or more"):
            factor * RBF()

    @pytest.mark.parametrize("exponent", [-1, 0, 0.5, 2.0, True, RBF()])
    def test_exponents(self, exponent):
        with pytest.raises(ValueError, match="exponent of a kernel expects an integer of 1 or more"):
            RBF() ** exponent

    @pytest.mark.parametrize("other", ["zz", np.eye(3), None, 1j, SVC()])
    def test_what_is_not_a_kernel_is_named(self, other):
        kind = type(other).__name__
        for operation in (lambda: RBF() + other, lambda: other + RBF(), lambda: sum([RBF(), other])):
            with pytest.raises(TypeError, match=f"added to a kernel, got [\\s\\S]* of type ({kind}|int)"):
                operation()
        for operation in (lambda: RBF() * other, lambda: other * RBF()):
            with pytest.raises(TypeError, match=f"by a number of 0 or more, got [\\s\\S]* of type {kind}"):
                operation()

    def test_a_name_is_not_a_kernel(self):
        with pytest.raises(TypeError, match="get_kernel returns the kernel of a name"):
            RBF() * "zz"

    @pytest.mark.parametrize(
        "kernel", [ScaledKernel(-1.0, RBF()), PowerKernel(RBF(), 0.5), SumKernel(RBF(), "zz"), ProductKernel(3, RBF())]
    )
    def test_settings_are_checked(self, kernel):
        for ask in (kernel.fit, kernel, kernel.features):
            with pytest.raises((ValueError, TypeError), match="expects|expected"):
                ask(X)

    def test_parts_name_their_errors(self):
        with pytest.raises(UnknownNameError, match="kernel"):
            (RBF() + ClassicalKernel("no such kernel")).fit(X)

    def test_entries_beyond_doubles(self):
        with pytest.raises(ValueError, match="leave the range of float64; multiply the features"):
            (Polynomial(coef0=1e100) ** 4)(X)

    def test_features_of_another_kernel(self):
        kernel = RBF(1.0) + Linear()
        with pytest.raises(ValueError, match="records with the field 'k1' expected"):
            kernel.gram(X)
        with pytest.raises(ValueError, match="of one number of samples expected"):
            packed({"k1": X, "k2": Y})

    def test_a_composite_kernel_has_no_bandwidth(self):
        with pytest.raises(TypeError, match="give its parts"):
            find_bandwidth(RBF() + FidelityKernel(), X)


def test_every_part_finds_its_bandwidth():
    parts = FidelityKernel("zz", bandwidth="auto"), ProjectedKernel("iqp", bandwidth="auto")
    kernel = (parts[0] + 0.5 * parts[1]).fit(X, LABELS)
    assert kernel.k1_.bandwidth_ == clone(parts[0]).fit(X, LABELS).bandwidth_
    assert kernel.k2_.kernel_.bandwidth_ == clone(parts[1]).fit(X, LABELS).bandwidth_


def test_shots_and_repairs_are_those_of_the_parts():
    sampled = FidelityKernel("zz", bandwidth=0.3, shots=100, regularization="threshold", random_state=0)
    kernel = sampled + 0.5 * sampled * RBF(0.3)
    np.testing.assert_allclose(kernel(X), sampled(X) + 0.5 * sampled(X) * RBF(0.3)(X), atol=EXACT)
    assert np.abs(kernel(X) - kernel.set_params(k1__shots=None)(X)).max() > 0.01


class TestEstimators:
    kernel = 0.5 * RBF(0.3) + FidelityKernel("zz", bandwidth=0.3) * Linear()

    @pytest.mark.parametrize("name", kernel_methods.__all__)
    def test_all_take_it(self, name):
        kernel = RBF(0.3) * FidelityKernel("zz", bandwidth=0.3)  # without negative entries, for spectral clustering
        settings = {"n_clusters": 2} if "Clust" in name or "KMeans" in name else {}
        estimator = getattr(qml, name)(kernel=kernel, random_state=0, **settings).fit(X, LABELS)
        for method in {"predict", "transform"} & set(dir(estimator)):
            assert np.isfinite(getattr(estimator, method)(Y)).all()

    def test_the_machine_is_scikit_learns(self):
        model = qml.QuantumKernelClassifier(self.kernel, scale_features=False, C=10.0, tol=1e-9).fit(X, LABELS)
        reference = SVC(C=10.0, kernel="precomputed", tol=1e-9).fit(self.kernel(X), LABELS)
        expected = reference.decision_function(self.kernel(Y, X))
        np.testing.assert_allclose(model.decision_function(Y), expected, atol=1e-6)

    def test_landmarks(self):
        features = qml.NystroemFeatures(self.kernel, n_landmarks=len(X), random_state=0).fit_transform(X)
        np.testing.assert_allclose(features @ features.T, self.kernel(X), atol=1e-7)
        for selection in ("leverage", "kmeans"):
            some = qml.NystroemFeatures(self.kernel, n_landmarks=5, selection=selection, random_state=0).fit(X)
            assert np.isfinite(some.transform(Y)).all()

    def test_features_fit_on_the_qubits_of_all_parts(self):
        wide = RNG.normal(size=(20, 6))
        kernel = FidelityKernel("zz", num_qubits=2) + RBF() * FidelityKernel("zz", num_qubits=3)
        model = qml.QuantumKernelClassifier(kernel).fit(wide, wide[:, 0] > 0)
        assert model.basis_samples_.shape[1] == 2
        assert qml.QuantumKernelClassifier(RBF() + Linear()).fit(wide, wide[:, 0] > 0).basis_samples_.shape[1] == 6
        model = qml.QuantumKernelClassifier(RBF() + Linear(), n_qubits=4).fit(wide, wide[:, 0] > 0)
        assert model.basis_samples_.shape[1] == 4

    def test_features_stay_in_the_domain_of_a_part(self):
        kernel = RBF() + FidelityKernel("chebyshev")
        model = qml.QuantumKernelClassifier(kernel).fit(X, LABELS)
        assert np.isfinite(model.decision_function(100 * Y)).all()

    def test_grid_search_over_parts(self):
        grid = {"kernel__k1__scale": [0.0, 1.0], "kernel__k2__k1__bandwidth": [0.1, 0.3]}
        search = GridSearchCV(qml.QuantumKernelClassifier(self.kernel, probability=False), grid, cv=2).fit(X, LABELS)
        assert search.best_params_.keys() == grid.keys()
        assert len(set(search.cv_results_["mean_test_score"])) > 1
