"""Hessian-vector products and the metric tensor against differences of exact quantities."""

import numpy as np
import pytest

from simulator import Circuit, Parameter, ParameterError, X, Z, gates
from simulator.calculations.curvature import hessian_vector_product, metric_tensor


def ansatz():
    a, b, c, d = (Parameter(name) for name in "abcd")
    circuit = Circuit(3).h(0).ry(a, 0).cx(0, 1).rz(2 * b + a, 1).rzz(c, 1, 2).rx(b, 2).crx(d, 0, 2)
    return circuit.append(gates.PauliRotation("XYZ")(0.3 + c, 2, 0, 1)).ry(d, 1)


POINT = np.array([0.3, -1.1, 0.7, 2.0])


def test_hessian_vector_product_equals_differences_of_gradients():
    circuit, observable = ansatz(), Z(0) @ X(1) + 0.5 * Z(2)
    step = 1e-5
    hessian = np.array(
        [
            (circuit.gradient(observable, POINT + step * e) - circuit.gradient(observable, POINT - step * e))
            / (2 * step)
            for e in np.eye(4)
        ]
    )
    for vector in (*np.eye(4), np.array([1.0, -2.0, 0.5, 3.0])):
        found = hessian_vector_product(circuit, observable, POINT, vector)
        np.testing.assert_allclose(found, hessian @ vector, atol=1e-8)
    both = hessian_vector_product(circuit, [observable, Z(1)], POINT, np.ones(4))
    np.testing.assert_allclose(both[0], hessian.sum(axis=1), atol=1e-8)
    assert not hessian_vector_product(circuit, observable, POINT, np.zeros(4)).any()


def test_hessian_of_one_rotation_is_its_cosine():
    circuit = Circuit(1).ry(Parameter("t"), 0)
    np.testing.assert_allclose(hessian_vector_product(circuit, Z(0), [0.4], [2.0]), [-2 * np.cos(0.4)], atol=1e-10)


def test_metric_tensor_is_the_loss_of_fidelity():
    circuit = ansatz()
    metric = metric_tensor(circuit, POINT)
    np.testing.assert_allclose(metric, metric.T, atol=1e-14)
    assert np.linalg.eigvalsh(metric).min() > -1e-12
    psi = circuit.statevector(POINT)
    rng = np.random.default_rng(0)
    for _ in range(4):
        step = 1e-3 * rng.normal(size=4)
        lost = 1 - abs(np.vdot(circuit.statevector(POINT + step), circuit.statevector(POINT - step))) ** 2
        np.testing.assert_allclose(lost, 4 * step @ metric @ step, rtol=1e-4)
    assert np.linalg.norm(psi) == pytest.approx(1)


def test_metric_tensor_of_a_layer_is_a_quarter_of_the_variances():
    t = [Parameter(f"t{k}") for k in range(2)]
    circuit = Circuit(2).ry(0.8, 0).rz(t[0], 0).ry(t[1], 1)
    expected = np.diag([(1 - np.cos(0.8) ** 2) / 4, 0.25])
    np.testing.assert_allclose(metric_tensor(circuit, [0.3, 0.9]), expected, atol=1e-14)


def test_one_set_of_values_and_a_vector_of_the_parameters():
    with pytest.raises(ParameterError, match="one set of 4 values"):
        hessian_vector_product(ansatz(), Z(0), POINT, [1.0])
    with pytest.raises(ParameterError, match="NaN"):
        hessian_vector_product(ansatz(), Z(0), POINT, [1.0, np.nan, 0.0, 0.0])
    with pytest.raises(ParameterError, match="one set of values"):
        metric_tensor(ansatz(), np.zeros((2, 4)))
