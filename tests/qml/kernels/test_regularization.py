"""Measured kernel matrices made positive semidefinite, against PennyLane's and Higham's numbers; kernels by name."""

import numpy as np
import pytest
from sklearn.metrics import pairwise
from sklearn.svm import SVC

from qml.kernels import (
    KERNELS,
    ClassicalKernel,
    FidelityKernel,
    ProjectedKernel,
    TrainedKernel,
    get_kernel,
    mitigate_depolarizing,
    nearest_psd,
)
from simulator.errors import UnknownNameError

THRESHOLD = [
    [1.04249351, 0.84133481, 0.13693594],
    [0.84133481, 1.0809913, 0.74900742],
    [0.13693594, 0.74900742, 1.03210522],
]
DISPLACED = [[1.15559004, 0.9, 0.1], [0.9, 1.15559004, 0.8], [0.1, 0.8, 1.15559004]]
NOISY = np.array([[1.0, 0.9, 0.1], [0.9, 1.0, 0.8], [0.1, 0.8, 1.0]])


def test_threshold_and_tikhonov_are_pennylanes() -> None:
    # pennylane.kernels.threshold_matrix and displace_matrix (0.45.1) of the same matrix
    np.testing.assert_allclose(nearest_psd(NOISY), THRESHOLD, atol=1e-8)
    np.testing.assert_allclose(nearest_psd(NOISY, "tikhonov"), DISPLACED, atol=1e-8)


def test_nearest_correlation_matrix_is_highams() -> None:
    # Higham, "Computing the nearest correlation matrix", IMA J. Numer. Anal. 22 (2002), section 4
    matrix = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    expected = [[1.0, 0.7607, 0.1573], [0.7607, 1.0, 0.7607], [0.1573, 0.7607, 1.0]]
    np.testing.assert_allclose(nearest_psd(matrix, "correlation"), expected, atol=5e-5)


@pytest.mark.parametrize("method", ["threshold", "tikhonov", "correlation"])
def test_positive_semidefinite_matrices_stay(method: str) -> None:
    rows = np.random.default_rng(0).normal(size=(5, 7))
    matrix = rows @ rows.T
    np.testing.assert_allclose(nearest_psd(matrix, method), matrix, rtol=1e-9)
    found = nearest_psd(NOISY, method)
    assert np.linalg.eigvalsh(found)[0] > -1e-12
    np.testing.assert_array_equal(found, found.T)


def test_depolarizing_noise_is_undone() -> None:
    X = np.random.default_rng(0).uniform(-1, 1, (6, 3))
    K = FidelityKernel()(X)
    survival = np.linspace(0.6, 0.9, 6)
    both = np.sqrt(np.outer(survival, survival))
    np.testing.assert_allclose(mitigate_depolarizing(both * K + (1 - both) / 8, 3), K, atol=1e-12)
    with pytest.raises(ValueError, match=r"must be above 0.125.* entry 0 is 0.1"):
        mitigate_depolarizing(np.diag([0.1, 1.0]), 3)


def test_bad_matrices() -> None:
    with pytest.raises(ValueError, match=r"shape \(n, n\) expected, got \(2, 3\)"):
        nearest_psd(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="NaN"):
        nearest_psd([[np.nan]])
    with pytest.raises(ValueError, match="differs by 1"):
        nearest_psd([[1.0, 2.0], [1.0, 1.0]])
    with pytest.raises(UnknownNameError, match="tikhonov"):
        nearest_psd(NOISY, "tikonov")


def test_classical_kernels_are_scikit_learns() -> None:
    X = np.random.default_rng(0).normal(size=(9, 4))
    for name in ("linear", "polynomial", "rbf", "laplacian"):
        kernel = ClassicalKernel(name, gamma=0.3)
        settings = {} if name == "linear" else {"gamma": 0.3}
        expected = pairwise.pairwise_kernels(X, metric=name, **settings)
        np.testing.assert_allclose(kernel(X), expected)
        np.testing.assert_allclose(kernel(X[:2], X), expected[:2])
        np.testing.assert_allclose(kernel.diag(X), np.diag(expected))
    y = np.arange(9) % 2
    machine = SVC().fit(X, y)
    own = SVC(kernel="precomputed").fit(ClassicalKernel().fit(X)(X), y)
    np.testing.assert_allclose(own.decision_function(ClassicalKernel().fit(X)(X)), machine.decision_function(X))


def test_by_name() -> None:
    assert isinstance(get_kernel("fidelity"), FidelityKernel)
    assert isinstance(get_kernel("projected", gamma=1.0), ProjectedKernel)
    assert isinstance(get_kernel("trained"), TrainedKernel)
    assert get_kernel("iqp", reps=1).get_params()["feature_map"] == "iqp"
    assert repr(get_kernel("RBF")) == "RBF()"
    for name in KERNELS:
        assert get_kernel(get_kernel(name)).get_params() == get_kernel(name).get_params()
    with pytest.raises(UnknownNameError, match="did you mean 'rbf'"):
        get_kernel("rbff")
    with pytest.raises(TypeError, match="kernel expects a name or a Kernel, got 3"):
        get_kernel(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="options reps need the kernel's name"):
        get_kernel(FidelityKernel(), reps=2)
