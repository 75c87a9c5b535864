"""Fourier series against FFT sampling, PennyLane, and the models themselves."""

import numpy as np
import pennylane
import pytest
from sklearn.datasets import load_iris

from qml import (
    QuantumKernelClassifier,
    QuantumModel,
    ReuploadingClassifier,
    ReuploadingRegressor,
    VariationalClassifier,
    layered_model,
)
from qml.diagnostics import fourier_spectrum
from qml.diagnostics.fourier import line_powers
from simulator import Circuit, Parameter, ParameterVector, X, Z
from simulator.errors import ParameterError

EXACT = 1e-12
SERIES = 1e-9


@pytest.fixture(scope="module")
def reuploading():
    """Two features, each encoded twice."""
    model = layered_model("reuploading", "strongly_entangling", num_features=2, num_layers=2)
    return model, np.random.default_rng(0).uniform(0, 2 * np.pi, model.num_weights)


def test_coefficients_are_those_of_the_fft(reuploading):
    model, weights = reuploading
    spectrum = fourier_spectrum(model, np.zeros((1, 2)), weights)
    points = 2 * np.pi * np.arange(7) / 7  # more than needed
    grid = np.stack(np.meshgrid(points, points, indexing="ij"), -1).reshape(-1, 2)
    values = model.forward(grid, weights).T.reshape(-1, 7, 7)
    sampled = np.fft.fftn(values, axes=(1, 2)) / 49
    frequencies = [int(k) for k in spectrum.frequencies[0]]
    assert frequencies == [-2, -1, 0, 1, 2]
    np.testing.assert_allclose(spectrum.coefficients, sampled[:, frequencies][:, :, frequencies], atol=EXACT)


def test_coefficients_are_those_of_pennylane():
    x, w = ParameterVector("x", 2), ParameterVector("w", 4)
    circuit = Circuit(2).rx(x[0], 0).ry(x[1], 1).cx(0, 1).ry(w[0], 0).rz(w[1], 1)
    circuit = circuit.rx(x[0], 1).cx(1, 0).ry(w[2], 0).rx(w[3], 1)
    weights = np.random.default_rng(1).uniform(0, 2 * np.pi, 4)
    spectrum = fourier_spectrum(QuantumModel(circuit, inputs=x, weights=w, observables=Z(0)), np.zeros((1, 2)), weights)

    @pennylane.qnode(pennylane.device("default.qubit", wires=2))
    def theirs(features):
        pennylane.RX(features[0], 0)
        pennylane.RY(features[1], 1)
        pennylane.CNOT([0, 1])
        pennylane.RY(weights[0], 0)
        pennylane.RZ(weights[1], 1)
        pennylane.RX(features[0], 1)
        pennylane.CNOT([1, 0])
        pennylane.RY(weights[2], 0)
        pennylane.RX(weights[3], 1)
        return pennylane.expval(pennylane.PauliZ(0))

    expected = pennylane.fourier.coefficients(theirs, 2, (2, 1))
    order = [[int(k) for k in frequencies] for frequencies in spectrum.frequencies]
    np.testing.assert_allclose(spectrum.coefficients[0], expected[np.ix_(*order)], atol=1e-10)


def test_frequencies_need_not_be_integers():
    x, w = Parameter("x"), Parameter("w")
    circuit = Circuit(2).ry(0.7 * x, 0).rx(np.pi * x + 0.3, 1).cx(0, 1).ry(w, 1).ry(1.9 * x, 1)
    model = QuantumModel(circuit, inputs=x, weights=w, observables=[Z(1), X(0) @ X(1)])
    spectrum = fourier_spectrum(model, [[0.0]], [0.4])
    assert len(spectrum.frequencies[0]) == 27
    rows = np.random.default_rng(0).uniform(-20, 20, (30, 1))
    np.testing.assert_allclose(spectrum(rows), model.forward(rows, [0.4]), atol=SERIES)
    np.testing.assert_allclose(spectrum.coefficients, spectrum.coefficients[:, ::-1].conj(), atol=SERIES)


def test_other_features_keep_the_values_of_the_row(reuploading):
    model, weights = reuploading
    spectrum = fourier_spectrum(model, [[0.4, -0.9]], weights, features=[1])
    rows = np.column_stack([np.full(5, 0.4), np.linspace(-3, 3, 5)])
    np.testing.assert_allclose(spectrum(rows[:, 1:]), model.forward(rows, weights), atol=EXACT)


@pytest.mark.parametrize("encoding", ["separate", "combined"])
def test_the_series_of_an_estimator_with_trained_scales(encoding):
    X = np.random.default_rng(0).normal(size=(30, 2))
    reg = ReuploadingRegressor(n_layers=2, n_qubits=1, encoding=encoding, epochs=5, random_state=0)
    reg.fit(X, np.sin(X[:, 0]) * X[:, 1])
    spectrum = fourier_spectrum(reg, X)
    expected = (reg.predict(X) - reg.target_mean_) / reg.target_scale_
    np.testing.assert_allclose(spectrum(reg.scaling_(X))[:, 0], expected, atol=SERIES)


def test_powers_along_lines_are_variances():
    """Parseval: the powers of positive frequencies add up to the variance over a period."""
    model = layered_model("reuploading", "strongly_entangling", num_features=2, num_layers=3)
    rng = np.random.default_rng(0)
    weights, rows = rng.uniform(0, 2 * np.pi, model.num_weights), rng.uniform(-1, 1, (3, 2))
    lines = line_powers(model, rows, weights)
    assert [spectrum.tolist() for spectrum, _ in lines] == [[1, 2, 3], [1, 2, 3]]
    for j, (_, powers) in enumerate(lines):
        variances = []
        for row in rows:
            period = np.tile(row, (64, 1))
            period[:, j] = np.linspace(0, 2 * np.pi, 64, endpoint=False)
            variances.append(model.forward(period, weights).var(axis=0).sum())
        assert powers.sum() == pytest.approx(np.mean(variances), abs=EXACT)


def test_bad_input(reuploading):
    model, weights = reuploading
    features, y = load_iris(return_X_y=True)
    zz = VariationalClassifier("zz", n_layers=1, epochs=1).fit(features, y)
    with pytest.raises(ValueError, match=r"not periodic in the features, which pass through Products"):
        fourier_spectrum(zz, features)
    reduced = VariationalClassifier(n_qubits=2, n_layers=1, epochs=1).fit(features, y)
    with pytest.raises(ValueError, match=r"pass through Arctan"):
        fourier_spectrum(reduced, features)
    with pytest.raises(TypeError, match="a kernel has no outputs"):
        fourier_spectrum(QuantumKernelClassifier().fit(features, y), features)
    combined = ReuploadingClassifier(n_layers=4, epochs=1, random_state=0).fit(features, y)
    with pytest.raises(ParameterError, match="more than 128 frequencies"):
        fourier_spectrum(combined, features)
    with pytest.raises(ValueError, match="a model has no trained ones"):
        fourier_spectrum(model, np.zeros((1, 2)))
    with pytest.raises(ValueError, match="features expects different numbers from 0 to 1"):
        fourier_spectrum(model, np.zeros((1, 2)), weights, features=[0, 2])
    wide = layered_model("angle", "basic", num_features=14, num_layers=1)
    with pytest.raises(ParameterError, match="choose fewer features"):
        fourier_spectrum(wide, np.zeros((1, 14)), np.zeros(wide.num_weights))
    w = Parameter("w")
    without_inputs = QuantumModel(Circuit(1).ry(w, 0), weights=w, observables=Z(0))
    x = Parameter("x")
    close = QuantumModel(Circuit(2).ry(x, 0).ry((1 + 1e-8) * x, 1), inputs=x, observables=Z(0))
    with pytest.raises(ParameterError, match="cannot be told apart"):
        fourier_spectrum(close, [[0.0]])
    with pytest.raises(ValueError, match="needs features"):
        fourier_spectrum(without_inputs, weights=[0.1])
    with pytest.raises(ValueError, match=r"X must have shape \(n_rows, 2\)"):
        fourier_spectrum(model, np.zeros((1, 2)), weights)(np.zeros((3, 1)))
