"""Projected kernels against Qiskit's partial traces."""

import numpy as np
import pytest
from qiskit.circuit.library import zz_feature_map
from qiskit.quantum_info import Statevector, partial_trace
from sklearn.exceptions import NotFittedError

from qml.kernels import ProjectedKernel

N = 3
X = np.random.default_rng(0).uniform(-1.0, 1.0, (6, N))


def reduced(order: int) -> np.ndarray:
    """Reduced density matrices, shape (n_samples, n_subsets, 2**order, 2**order), by Qiskit."""
    circuit = zz_feature_map(N, reps=2)
    traced_out = [[q for q in range(N) if q != kept] for kept in range(N)] if order == 1 else [[q] for q in range(N)]
    states = [Statevector(circuit.assign_parameters(row)) for row in X]
    return np.array([[partial_trace(state, out).data for out in traced_out] for state in states])


@pytest.mark.parametrize("order", [1, 2])
def test_gaussian(order: int) -> None:
    rho = reduced(order)
    squared = (np.abs(rho[:, None] - rho) ** 2).sum(axis=(2, 3, 4))
    kernel = ProjectedKernel("zz", order=order, gamma=0.7)
    np.testing.assert_allclose(kernel(X), np.exp(-0.7 * squared), atol=1e-12)
    np.testing.assert_allclose(kernel(X[:2], X), np.exp(-0.7 * squared[:2]), atol=1e-12)
    median = ProjectedKernel("zz", order=order).fit(X)
    np.testing.assert_allclose(median.gamma_, 1 / np.median(squared[np.triu_indices(6, 1)]))


@pytest.mark.parametrize("order", [1, 2])
def test_linear_and_polynomial(order: int) -> None:
    rho = reduced(order)
    traces = np.einsum("ikab,jkba->ij", rho, rho).real
    np.testing.assert_allclose(ProjectedKernel("zz", order=order, outer="linear").fit(X)(X), traces, atol=1e-12)
    cubic = ProjectedKernel("zz", order=order, outer="polynomial", gamma=0.3).fit(X)
    np.testing.assert_allclose(cubic(X), (0.3 * traces + 1) ** 3, atol=1e-11)
    np.testing.assert_allclose(cubic.diag(X), np.diag(cubic(X)), atol=1e-11)


@pytest.mark.parametrize("outer", ["gaussian", "laplacian", "polynomial", "linear"])
def test_positive_semidefinite_in_blocks(outer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import qml.kernels.projected

    many = np.random.default_rng(1).normal(size=(60, 4))
    kernel = ProjectedKernel("iqp", outer=outer, reps=2).fit(many)
    K = kernel(many)
    assert np.linalg.eigvalsh(K)[0] > -1e-10
    np.testing.assert_array_equal(K, K.T)
    monkeypatch.setattr(qml.kernels.projected, "_BLOCK", 25)
    np.testing.assert_allclose(kernel(many), K, atol=1e-12)
    features = kernel.features(many)
    np.testing.assert_allclose(kernel.gram(features[:9], features), K[:9], atol=1e-12)


def test_single_precision() -> None:
    kernel = ProjectedKernel("zz", gamma=0.7, precision="single")
    K = kernel(X)
    assert K.dtype == np.float32
    np.testing.assert_allclose(K, ProjectedKernel("zz", gamma=0.7)(X), atol=1e-5)


def test_bad_settings() -> None:
    with pytest.raises(NotFittedError, match="gamma='median' is learnt"):
        ProjectedKernel()(X)
    with pytest.raises(ValueError, match="order is 1 or 2"):
        ProjectedKernel(order=3).fit(X)
    with pytest.raises(ValueError, match="pairs of qubits"):
        ProjectedKernel(order=2).fit(X[:, :1])
    with pytest.raises(ValueError, match="gamma is a positive number"):
        ProjectedKernel(gamma=-1.0).fit(X)
    with pytest.raises(ValueError, match="did you mean 'gaussian'"):
        ProjectedKernel(outer="gausian").fit(X)


def test_equal_samples() -> None:
    same = np.repeat(X[:1], 4, axis=0)
    kernel = ProjectedKernel().fit(same)
    assert kernel.gamma_ == 1.0
    np.testing.assert_allclose(kernel(same), 1.0)
    np.testing.assert_allclose(ProjectedKernel().fit(X[:1])(X[:1]), 1.0)
