"""Sobol indices against conditional variances on a grid, and the series of several observables against the model."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from qml import QuantumModel, VariationalClassifier, layered_model
from qml.explain import fourier_spectrum, sobol_indices
from simulator import Circuit, ParameterVector, X, Z

EXACT = 1e-12
SERIES = 1e-10


@pytest.fixture(scope="module")
def model():
    """Three features, one of them encoded twice, and two observables."""
    x, w = ParameterVector("x", 3), ParameterVector("w", 6)
    circuit = Circuit(3).ry(x[0], 0).ry(x[1], 1).rx(x[2], 2).cx(0, 1).ry(w[0], 0).ry(w[1], 1).rx(w[2], 2)
    circuit = circuit.cx(1, 2).ry(x[0], 0).rz(w[3], 1).cx(2, 0).ry(w[4], 0).rx(w[5], 1)
    weights = np.random.default_rng(0).uniform(0, 2 * np.pi, 6)
    return QuantumModel(circuit, inputs=x, weights=w, observables=[Z(0), X(1) @ Z(2) + 0.3 * Z(1)]), weights


def test_shares_are_conditional_variances(model):
    model, weights = model
    indices = sobol_indices(fourier_spectrum(model, np.zeros((1, 3)), weights))
    points = 2 * np.pi * np.arange(6) / 6  # more than twice the highest frequency: means over the grid are exact
    grid = np.stack(np.meshgrid(points, points, points, indexing="ij"), axis=-1).reshape(-1, 3)
    values = model.forward(grid, weights).T.reshape(2, 6, 6, 6)
    variances = values.reshape(2, -1).var(axis=1)
    np.testing.assert_allclose(indices.variances, variances, atol=EXACT)
    for j in range(3):
        others = tuple(axis for axis in (1, 2, 3) if axis != j + 1)
        alone = values.mean(axis=others).var(axis=1) / variances
        together = values.var(axis=j + 1).reshape(2, -1).mean(axis=1) / variances
        np.testing.assert_allclose(indices.first_order[j], alone, atol=EXACT)
        np.testing.assert_allclose(indices.total[j], together, atol=EXACT)
    np.testing.assert_allclose(sum(indices.shares.values()), 1.0, atol=EXACT)


def test_the_series_is_the_model_and_has_the_frequencies_of_the_encoding(model):
    model, weights = model
    spectrum = fourier_spectrum(model, np.zeros((1, 3)), weights)
    assert [frequencies.tolist() for frequencies in spectrum.frequencies] == [[-2, -1, 0, 1, 2], [-1, 0, 1], [-1, 0, 1]]
    rows = np.random.default_rng(1).uniform(-9, 9, (50, 3))
    np.testing.assert_allclose(spectrum(rows), model.forward(rows, weights), atol=SERIES)


def test_a_constant_output_has_no_shares():
    x = ParameterVector("x", 2)
    constant = QuantumModel(Circuit(2).rz(x[0], 0).rz(x[1], 1), inputs=x, observables=Z(0))
    indices = sobol_indices(fourier_spectrum(constant, [[0.0, 0.0]]))
    assert indices.variances.tolist() == [0.0]
    assert np.isnan(indices.total).all()


def test_models_that_are_not_periodic_are_refused():
    features, y = load_iris(return_X_y=True)
    clf = VariationalClassifier("zz", n_layers=1, epochs=1).fit(features, y)
    with pytest.raises(ValueError, match="not periodic in the features"):
        fourier_spectrum(clf, features)


def test_features_that_are_not_read_have_no_share():
    model = layered_model("angle", "basic", num_features=2, num_layers=1, observables=[Z(0)])
    alone = QuantumModel(model.circuit.without_entanglement(), model.inputs, model.weights, [Z(0)])
    indices = sobol_indices(fourier_spectrum(alone, np.zeros((1, 2)), [0.3, 0.4]))
    np.testing.assert_allclose(indices.total[:, 0], [1, 0], atol=EXACT)
