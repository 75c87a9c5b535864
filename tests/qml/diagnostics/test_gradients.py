"""Variance of gradients against analytic values and the published scaling of barren plateaus."""

import numpy as np
import pytest

from qml import QuantumModel, VariationalClassifier
from qml.diagnostics import gradient_scaling, gradient_variance
from simulator import Circuit, Parameter, ParameterVector, X, Z, gates

SAMPLING = 0.03  # about three standard errors of a variance from 20,000 sets


def random_circuit(num_qubits, num_layers):
    """The circuit of McClean et al.: RY(pi/4) on each qubit, then layers of random rotations and a ladder of CZ."""
    rng = np.random.default_rng(num_qubits)
    weights = ParameterVector("w", num_layers * num_qubits)
    circuit = Circuit(num_qubits, [gates.RY(np.pi / 4, q) for q in range(num_qubits)])
    for layer in range(num_layers):
        axes = rng.choice([gates.RX, gates.RY, gates.RZ], num_qubits)
        for q in range(num_qubits):
            circuit = circuit.append(axes[q](weights[layer * num_qubits + q], q))
        for q in range(num_qubits - 1):
            circuit = circuit.cz(q, q + 1)
    return QuantumModel(circuit, weights=weights, observables=Z(0) @ Z(1))


def shallow_circuit(num_qubits, num_layers):
    """RY on each qubit and CZ on even pairs, then on odd pairs: qubit 0 depends on few weights at any width."""
    weights = ParameterVector("w", 2 * num_layers * num_qubits)
    circuit, angles = Circuit(num_qubits), iter(weights)
    for _ in range(num_layers):
        for first in (0, 1):
            for q in range(num_qubits):
                circuit = circuit.ry(next(angles), q)
            for q in range(first, num_qubits - 1, 2):
                circuit = circuit.cz(q, q + 1)
    return QuantumModel(circuit, weights=weights, observables=Z(0))


def test_products_of_cosines():
    """<Z> = cos w_0 cos w_1 cos w_2, so each derivative has variance 1/2 * 1/2 * 1/2."""
    w = ParameterVector("w", 3)
    circuit = Circuit(3).ry(w[0], 0).ry(w[1], 1).ry(w[2], 2)
    model = QuantumModel(circuit, weights=w, observables=[Z(0), Z(0) @ Z(1) @ Z(2)])
    variances = gradient_variance(model, n_sets=20_000, output=1, random_state=0)
    np.testing.assert_allclose(variances, 1 / 8, atol=SAMPLING)
    np.testing.assert_allclose(gradient_variance(model, n_sets=20_000, random_state=0), [0.5, 0, 0], atol=SAMPLING)


def test_probabilities_have_half_the_derivatives():
    w = Parameter("w")
    variance = gradient_variance(Circuit(1).ry(w, 0), n_sets=20_000, random_state=0)
    assert variance[0] == pytest.approx(1 / 8, abs=SAMPLING)  # P(0) = (1 + cos w) / 2


def test_weight_sets_encode_the_rows_in_turn():
    """d/dw of cos(x + w) for x = 0 and pi/2, at w = 0: -sin x, of variance 1/4."""
    x, w = Parameter("x"), Parameter("w")
    model = QuantumModel(Circuit(1).ry(x, 0).ry(w, 0), inputs=x, weights=w, observables=Z(0))
    variance = gradient_variance(model, [[0.0], [np.pi / 2]], n_sets=10, draw=lambda rng: np.zeros(1))
    assert variance[0] == pytest.approx(0.25, abs=1e-12)


def test_random_circuits_have_a_barren_plateau():
    scaling = gradient_scaling(random_circuit, [2, 4, 6, 8, 10], [60], n_sets=150, random_state=0)
    assert scaling.slopes[0] == pytest.approx(-1.0, abs=0.25)


def test_shallow_circuits_with_a_local_observable_have_none():
    scaling = gradient_scaling(shallow_circuit, [4, 6, 8, 10], [1], n_sets=400, random_state=0)
    assert abs(scaling.slopes[0]) < 0.05
    assert scaling.variances.shape == (1, 4)


def test_scaling_of_one_of_several_outputs():
    def build(num_qubits, num_layers):
        w = ParameterVector("w", 1)
        return QuantumModel(Circuit(num_qubits).ry(w[0], 0), weights=w, observables=[Z(0), 0.5 * Z(0)])

    for output, variance in enumerate([1 / 2, 1 / 8]):
        scaling = gradient_scaling(build, [1, 2], [1], n_sets=20_000, output=output, random_state=0)
        np.testing.assert_allclose(scaling.variances, variance, atol=SAMPLING)


def test_features_are_drawn_for_models_of_other_sizes():
    x, w = Parameter("x"), Parameter("w")

    def build(num_qubits, num_layers):
        circuit = Circuit(num_qubits).ry(x, 0).ry(w, 0)
        return QuantumModel(circuit, inputs=x, weights=w, observables=X(0))

    scaling = gradient_scaling(build, [1, 2], [1, 3], n_sets=20_000, random_state=0)
    np.testing.assert_allclose(scaling.variances, 0.5, atol=SAMPLING)


def test_bad_input():
    w = Parameter("w")
    model = QuantumModel(Circuit(1).ry(w, 0), weights=w, observables=Z(0))
    with pytest.raises(ValueError, match="n_sets expects an integer of 2 or more"):
        gradient_variance(model, n_sets=1)
    with pytest.raises(ValueError, match="output expects a number below 1, got 1"):
        gradient_variance(model, output=1)
    with pytest.raises(ValueError, match="draw must return weights of shape"):
        gradient_variance(model, draw=lambda rng: np.zeros(2))
    with pytest.raises(ValueError, match="this circuit has none"):
        gradient_variance(Circuit(1).h(0))
    with pytest.raises(ValueError, match="num_qubits expects at least two different"):
        gradient_scaling(random_circuit, [3, 3], [1])
    with pytest.raises(ValueError, match="num_layers expects at least one"):
        gradient_scaling(random_circuit, [2, 3], [])
    with pytest.raises(ValueError, match="not fitted|is not fitted"):
        gradient_variance(VariationalClassifier(), np.zeros((2, 2)))
