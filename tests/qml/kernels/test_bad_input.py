"""Faults of a user, and what kernels say to them."""

import numpy as np
import pytest
from sklearn.exceptions import DataConversionWarning

from qml.assessment import kernels as kernel_inspection
from qml.kernels import FidelityKernel, ProjectedKernel, TrainedKernel, get_kernel
from simulator.errors import KernelTooLargeError, UnknownNameError

X = np.random.default_rng(0).uniform(-1, 1, (12, 3))
Y = np.arange(12) % 2
NOT_PSD = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.where(np.eye(12, 3) > 0, np.nan, X), "contains NaN"),
        (np.where(np.eye(12, 3) > 0, np.inf, X), "contains infinity"),
        (X[:0], r"0 sample\(s\)"),
        (X[0], "Expected 2D array"),
        (X + 1j, "Complex data not supported"),
        ([["a", "b"]], "could not convert string"),
        (1e200 * X, r"angles are not finite: row 0 has -?\d.*e\+199 in column"),
    ],
)
def test_samples(given, words):
    for kernel in (FidelityKernel(), ProjectedKernel(gamma=1.0)):
        with pytest.raises(ValueError, match=words):
            kernel(given)


@pytest.mark.parametrize(
    "kernel", [FidelityKernel(bandwidth="auto"), ProjectedKernel(), TrainedKernel(epochs=1)], ids=["f", "p", "t"]
)
def test_targets(kernel):
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[12, 11\]"):
        kernel.fit(X, Y[:-1])
    with pytest.raises(ValueError, match="Input y contains NaN"):
        kernel.fit(X, np.where(Y, np.nan, 1.0))
    with pytest.raises(ValueError, match=r"y should be a 1d array, got an array of shape \(12, 2\)"):
        kernel.fit(X, np.c_[Y, Y])
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        kernel.fit(X, Y[:, None])


def test_other_samples_of_another_width():
    with pytest.raises(ValueError, match="X and Y must have equally many features, got 3 and 2"):
        FidelityKernel()(X, X[:, :2])
    with pytest.raises(ValueError, match="X has 2 features, but FidelityKernel is expecting 3"):
        FidelityKernel().fit(X)(X[:, :2])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: get_kernel("fidelty"), "did you mean 'fidelity'"),
        (lambda: FidelityKernel("zzz")(X), "did you mean 'zz'"),
        (lambda: FidelityKernel("zz", rep=1)(X), "unknown setting of the feature map 'zz' 'rep'; did you mean 'reps'"),
        (lambda: FidelityKernel(precision="half")(X), "unknown precision 'half'"),
        (lambda: ProjectedKernel(outer="gausian").fit(X), "did you mean 'gaussian'"),
    ],
)
def test_names(make, words):
    with pytest.raises(UnknownNameError, match=words):
        make()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: FidelityKernel(num_qubits=2)(X), "at most 2 features on 2 qubits, got 3"),
        (lambda: FidelityKernel(num_qubits=-1)(X), "num_qubits expects an integer of 1 or more, got -1"),
        (lambda: FidelityKernel(num_qubits=10**6)(X), "num_qubits expects at most 10,000 qubits, got 1,000,000"),
        (
            lambda: ProjectedKernel("angle", num_qubits=63).fit(X),
            "a projected kernel measures at most 62 qubits, got 63",
        ),
        (lambda: FidelityKernel(shots=0)(X), "shots is an integer of at least 1"),
        (lambda: FidelityKernel(bandwidth=np.nan)(X), "bandwidth is a finite number"),
        (lambda: ProjectedKernel(gamma=-1.0)(X), "gamma is a positive number"),
        (lambda: ProjectedKernel(order=3).fit(X), "order is 1 or 2"),
        (lambda: FidelityKernel("chebyshev")(3 * X), r"from -1 to 1.*; column \d has"),
        (lambda: FidelityKernel("qaoa", weights=[1.0]).fit(X)(X), r"weights of shape \(\d+,\) expected, got \(1,\)"),
    ],
)
def test_settings(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_matrix_that_no_memory_holds_names_its_size_and_the_landmarks():
    with pytest.raises(KernelTooLargeError, match=r"10000000 x 10000000 .* GiB, .* \(qml.NystroemFeatures\)"):
        FidelityKernel()(np.zeros((10_000_000, 1)))


def test_one_sample_and_equal_samples():
    for kernel in (FidelityKernel(bandwidth="auto"), ProjectedKernel()):
        np.testing.assert_allclose(kernel.fit(X[:1], Y[:1])(X[:1]), [[1.0]])
        np.testing.assert_allclose(kernel.fit(X[[0] * 5], Y[:5])(X[[0] * 5]), np.ones((5, 5)))


@pytest.mark.parametrize(
    "use",
    [
        kernel_inspection.effective_dimension,
        lambda K: kernel_inspection.model_complexity(K, [1, -1, 1], 0.1),
        lambda K: kernel_inspection.geometric_difference(K, np.eye(3), 0.1),
    ],
)
def test_matrices_that_are_no_kernel(use):
    with pytest.raises(ValueError, match=r"must be positive semidefinite, got eigenvalues from -0\.8 .*nearest_psd"):
        use(NOT_PSD)
