"""Models of Qiskit's circuits, against Qiskit's statevector."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import real_amplitudes, zz_feature_map
from qiskit.quantum_info import SparsePauliOp, Statevector

from qml.models.qiskit_models import model_from_qiskit
from simulator import ParameterError, X, Z


def test_forward_and_both_gradients():
    features, ansatz = zz_feature_map(3, reps=1), real_amplitudes(3, reps=1)
    circuit = features.compose(ansatz)
    inputs, weights = list(features.parameters), list(ansatz.parameters)[::-1]
    model = model_from_qiskit(circuit, inputs, weights, [Z(0) @ Z(1), X(2)])
    rng = np.random.default_rng(1)
    samples, w = rng.uniform(-1, 1, (4, 3)), rng.uniform(-1, 1, 6)
    operators = [SparsePauliOp("IZZ"), SparsePauliOp("XII")]
    expected = [
        [
            Statevector(circuit.assign_parameters(dict(zip(inputs + weights, [*row, *w], strict=True))))
            .expectation_value(operator)
            .real
            for operator in operators
        ]
        for row in samples
    ]
    np.testing.assert_allclose(model.forward(samples, w), expected, atol=1e-10)
    single = model_from_qiskit(circuit, inputs, weights, [Z(0) @ Z(1), X(2)], precision="single")
    assert 1e-10 < np.abs(single.forward(samples, w) - expected).max() < 1e-5
    cotangent = rng.normal(size=(4, 2))
    by_weights, by_samples = model.backward(samples, w, cotangent)
    value = lambda X, w: float((cotangent * model.forward(X, w)).sum())  # noqa: E731
    for k in range(6):
        step = 1e-5 * np.eye(6)[k]
        assert abs(by_weights[k] - (value(samples, w + step) - value(samples, w - step)) / 2e-5) < 1e-7
    for place in np.ndindex(4, 3):
        step = np.zeros((4, 3))
        step[place] = 1e-5
        assert abs(by_samples[place] - (value(samples + step, w) - value(samples - step, w)) / 2e-5) < 1e-7


def test_roles_are_checked():
    x, w = Parameter("x"), Parameter("w")
    circuit = QuantumCircuit(1)
    circuit.ry(x * w, 0)
    with pytest.raises(ParameterError, match=r"affine in the weights, got (x\*w|w\*x)"):
        model_from_qiskit(circuit, [x], [w], Z(0))
    with pytest.raises(ParameterError, match="one of both; these are not: w"):
        model_from_qiskit(circuit, [x], [], Z(0))
