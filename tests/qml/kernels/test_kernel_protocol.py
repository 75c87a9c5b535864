"""A custom kernel, written with public names alone, works wherever ours do."""

import numpy as np
import pytest
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC

from qml import FidelityKernel, NystroemFeatures, ProjectedKernel, QuantumKernelClassifier
from qml.feature_maps import QAOAMap
from qml.kernels import Kernel

RNG = np.random.default_rng(20)
X = RNG.normal(size=(40, 3))
Y = RNG.normal(size=(7, 3))
LABELS = (X[:, 0] * X[:, 1] > 0).astype(int)
EXACT = 1e-12


class OwnGaussian(Kernel):
    """A Gaussian kernel whose width is learnt, and whose features are the scaled samples."""

    def __init__(self, precision="double", n_jobs=None):
        self.precision = precision
        self.n_jobs = n_jobs

    def learn(self, X, y):
        self.width_ = 2.0 * X.std()

    def compute_features(self, X):
        return X / self.width_

    def fill_gram(self, A, B, out, progress):
        others = A if B is None else B
        out[...] = np.exp(-np.square(A[:, None] - others[None]).sum(axis=2))


def expected(A, B):
    return rbf_kernel(A, B, gamma=1 / (2.0 * X.std()) ** 2)


def test_its_matrices_are_those_of_scikit_learn():
    kernel = OwnGaussian().fit(X)
    np.testing.assert_allclose(kernel(X), expected(X, X), atol=EXACT)
    np.testing.assert_allclose(kernel(Y, X), expected(Y, X), atol=EXACT)
    np.testing.assert_allclose(kernel.gram(kernel.features(Y), kernel.features(X)), expected(Y, X), atol=EXACT)
    np.testing.assert_allclose(kernel.compute_matrix(Y), expected(Y, Y), atol=EXACT)
    np.testing.assert_array_equal(kernel.diag(Y), np.ones(7))


def test_its_precision_is_the_matrix_type():
    assert OwnGaussian("single").dtype is np.float32
    assert OwnGaussian("single").fit(X)(X).dtype == np.float32


def test_estimators_take_it():
    model = QuantumKernelClassifier(OwnGaussian(), scale_features=False, C=10.0).fit(X, LABELS)
    reference = SVC(C=10.0, kernel="precomputed").fit(expected(X, X), LABELS)
    np.testing.assert_array_equal(model.predict(Y), reference.predict(expected(Y, X)))
    features = NystroemFeatures(OwnGaussian(), n_landmarks=len(X), random_state=0).fit_transform(X)
    np.testing.assert_allclose(features @ features.T, expected(X, X), atol=1e-8)  # small eigenvalues are left out


@pytest.mark.parametrize("kind", [FidelityKernel, ProjectedKernel])
def test_ours_are_filled_from_checked_samples_in_the_same_way(kind):
    kernel = kind("zz", bandwidth=0.3).fit(X)
    whole = kernel(Y, X)
    np.testing.assert_allclose(kernel.compute_matrix(Y, X), whole, atol=EXACT)
    out = np.empty((7, 40))
    kernel.fill_gram(kernel.compute_features(Y), kernel.compute_features(X), out, None)
    np.testing.assert_allclose(out, whole, atol=EXACT)


def test_embedding_kernels_show_their_circuit():
    kernel = FidelityKernel("qaoa", random_state=0).fit(X)
    encoding, program = kernel.prepare(3)
    assert encoding == kernel.encoding(3)
    assert program.num_qubits == encoding.circuit.num_qubits
    assert kernel.weight_values(encoding).shape == (len(encoding.weights),)
    assert kernel.known_map() == QAOAMap()
