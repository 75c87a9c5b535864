"""Features that nobody scaled: kernels stay fidelities, predictions stay finite, model files give the same."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import Statevector

import qml
from qml import (
    FidelityKernel,
    QuantumGaussianProcessClassifier,
    QuantumKernelClassifier,
    QuantumKernelRidge,
    QuantumOneClassSVM,
    VariationalClassifier,
)
from qml.kernels import ProjectedKernel
from simulator import Circuit, ParameterVector

EXACT = {"double": 1e-10, "single": 2e-5}  # sums of angles of up to 1e5 are rounded to 1e-11
RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = (X[:, 0] > 0).astype(int)
METHODS = ("decision_function", "predict_proba", "predict", "score_samples")


@pytest.mark.parametrize("scale", [1.0, 100.0, 1e4, 1e7, 1e12])
@pytest.mark.parametrize("precision", ["double", "single"])
def test_a_zz_kernel_equals_qiskits_on_unscaled_features(precision, scale):
    """Amounts of money, dates in seconds: angles (pi - x)(pi - y) of any size are reduced in double precision."""
    features = np.random.default_rng(0).normal(scale, 0.3 * scale, (8, 2))
    states = np.array([Statevector(_zz_circuit(*x)).data for x in features.tolist()])
    expected = np.abs(states @ states.conj().T) ** 2
    found = FidelityKernel("zz", precision=precision)(features)
    np.testing.assert_allclose(found, expected, atol=EXACT[precision])


def _zz_circuit(a, b):
    """Qiskit's ``zz_feature_map``; written out, for the order of a product decides how a large angle is rounded."""
    circuit = QuantumCircuit(2)
    for _ in range(2):
        circuit.h([0, 1])
        circuit.p(2 * a, 0)
        circuit.p(2 * b, 1)
        circuit.cx(0, 1)
        circuit.p(2 * ((np.pi - a) * (np.pi - b)), 1)
        circuit.cx(0, 1)
    return circuit


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("scale", [1e6, 1e17, 1e30, 1e100])
def test_a_kernel_without_entanglement_is_a_product_of_cosines(precision, scale):
    features = np.random.default_rng(1).normal(size=(6, 3)) * scale
    half = features[:, None] / 2, features[None] / 2
    expected = np.prod(np.cos(half[0]) * np.cos(half[1]) + np.sin(half[0]) * np.sin(half[1]), axis=2) ** 2
    np.testing.assert_allclose(FidelityKernel("angle", precision=precision)(features), expected, atol=EXACT[precision])


def test_a_kernel_without_entanglement_loses_no_small_term_beside_a_large_one():
    x = ParameterVector("x", 2)
    kernel = FidelityKernel(Circuit(1).h(0).rz(x[0], 0).rz(x[1], 0))
    features = np.array([[1e17, 0.3], [1e17, 0.8], [-1e19, 0.0]])
    phases = np.exp(1j * features).prod(axis=1)
    expected = np.abs(1 + phases[:, None] * phases.conj()) ** 2 / 4
    np.testing.assert_allclose(kernel(features), expected, atol=1e-12)


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("kernel", [FidelityKernel, ProjectedKernel])
@pytest.mark.parametrize("scale", [1e3, 1e9, 1e17, 1e50])
def test_kernel_matrices_stay_positive_with_a_unit_diagonal(kernel, precision, scale):
    K = kernel("zz", precision=precision).fit(X * scale)(X * scale)
    np.testing.assert_allclose(np.diag(K), 1, atol=1e-5)
    assert np.linalg.eigvalsh(K.astype(float)).min() > -1e-4


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize(
    "kind",
    [
        QuantumKernelClassifier,
        QuantumKernelRidge,
        QuantumGaussianProcessClassifier,
        QuantumOneClassSVM,
        VariationalClassifier,
    ],
)
def test_rows_far_from_the_training_data_get_finite_answers(kind, precision, tmp_path):
    model = kind(precision=precision).fit(X, Y)
    path = tmp_path / "model.qumba"
    model.save(path)
    loaded = qml.load(path)
    for scale in (1e6, 1e13, 1e17, 1e30):
        for method in METHODS:
            if hasattr(model, method):
                found = getattr(model, method)(X[:2] * scale)
                assert np.isfinite(found).all(), (method, scale)
                np.testing.assert_array_equal(getattr(loaded, method)(X[:2] * scale), found)
