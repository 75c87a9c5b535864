"""Plots: the numbers in the figures, against NumPy, Qiskit and scikit-learn; no windows are opened."""

import numpy as np
import pytest
from qiskit.quantum_info import Statevector, partial_trace
from sklearn.calibration import calibration_curve
from sklearn.datasets import make_blobs
from sklearn.metrics import confusion_matrix
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import qumba
from qml import (
    FidelityKernel,
    QuantumKernelClassifier,
    QuantumModel,
    VariationalClassifier,
    VariationalRegressor,
    plots,
)
from qml.plots import circuits
from qml.plots.landscapes import fourier_sizes
from qml.plots.states import bloch_vectors
from simulator import Circuit, NoiseModel, ParameterVector, Z, depolarizing

pytest.importorskip("matplotlib")

TOLERANCE = 1e-12
X, y = make_blobs(60, 2, centers=3, random_state=3)
X4, _ = make_blobs(60, 4, centers=3, random_state=3)


@pytest.fixture(scope="module")
def classifier():
    return VariationalClassifier(n_layers=1, n_qubits=2, epochs=8, early_stopping=True, random_state=0).fit(X, y)


def titles(figure):
    return [axis.get_title() for axis in figure.axes] + [figure.get_suptitle()]


def test_training_shows_the_history(classifier, tmp_path):
    figure = plots.plot_training(make_pipeline(StandardScaler(), classifier), tmp_path / "t.png")
    loss, score = (axis.lines[0].get_ydata() for axis in figure.axes)
    np.testing.assert_array_equal(loss, classifier.loss_history_)
    np.testing.assert_array_equal(score, classifier.validation_scores_)
    assert "Training of VariationalClassifier" in titles(figure)
    assert (tmp_path / "t.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("model", [VariationalClassifier(), QuantumKernelClassifier()])
def test_training_of_what_has_no_history_is_refused(model):
    with pytest.raises(TypeError, match="trained step by step, after fit, which learns loss_history_; got"):
        plots.plot_training(model)


def test_confusion_and_predictions_are_those_of_the_model(classifier):
    figure = plots.plot_confusion(classifier, X, y)
    shares = np.asarray(figure.axes[0].images[0].get_array())
    expected = confusion_matrix(y, classifier.predict(X))
    np.testing.assert_allclose(shares, expected / expected.sum(axis=1, keepdims=True), atol=TOLERANCE)
    regressor = VariationalRegressor(n_layers=1, epochs=2, random_state=0).fit(X, X[:, 0])
    points = plots.plot_predictions(regressor, X, X[:, 0]).axes[0].lines[1]
    labelled = plots.plot_predictions(regressor, X, X[:, 0], name="height").axes[0]
    assert labelled.get_xlabel() == "true height"
    np.testing.assert_allclose(points.get_ydata(), regressor.predict(X), atol=TOLERANCE)


def test_calibration_is_that_of_scikit_learn(classifier):
    axis = plots.plot_calibration(classifier, X, y, n_bins=4).axes[0]
    probabilities = classifier.predict_proba(X)
    correct = classifier.predict(X) == y
    rates, means = calibration_curve(correct, probabilities.max(axis=1), n_bins=4, strategy="quantile")
    line = axis.containers[0].lines[0]
    np.testing.assert_allclose(line.get_xdata(), means, atol=TOLERANCE)
    np.testing.assert_allclose(line.get_ydata(), rates, atol=TOLERANCE)


def test_decision_regions_are_the_predictions(classifier):
    axis = plots.plot_decision_boundary(classifier, X, y, resolution=9).axes[0]
    mesh = axis.collections[0]
    corners = np.asarray(mesh.get_coordinates())
    centres = (corners[1:, 1:] + corners[:-1, :-1]) / 2
    predicted = classifier.predict(centres.reshape(-1, 2))
    np.testing.assert_array_equal(np.asarray(mesh.get_array()).ravel(), np.searchsorted([0, 1, 2], predicted))
    assert len(axis.collections) == 1 + 3


def test_decision_regions_of_more_features_are_in_the_plane_of_two_components():
    model = QuantumKernelClassifier(n_qubits=2).fit(X4, y)
    axis = plots.plot_decision_boundary(model, X4, y, resolution=5).axes[0]
    assert axis.get_xlabel().startswith("component 1 (")
    with pytest.raises(ValueError, match=r"2 or more features\), got \(60, 1\)"):
        plots.plot_decision_boundary(model, X4[:, :1], y)


def test_kernels_are_drawn_as_objects():
    kernel = FidelityKernel("angle")
    image = plots.plot_kernel_matrix(kernel, X=X).axes[0].images[0]
    np.testing.assert_allclose(np.asarray(image.get_array()), kernel.fit(X)(X), atol=TOLERANCE)
    line = plots.plot_spectrum(kernel, X=X).axes[0].lines[0]
    eigenvalues = np.linalg.eigvalsh(kernel(X))[::-1][: len(line.get_ydata())]
    np.testing.assert_allclose(line.get_ydata(), eigenvalues / 60, atol=1e-10)
    with pytest.raises(ValueError, match="pass X="):
        plots.plot_kernel_matrix(kernel)


def test_the_landscape_is_the_loss_around_the_weights():
    model = VariationalClassifier(n_layers=1, n_qubits=2, epochs=5, random_state=0).fit(X, y)
    probabilities = model.predict_proba(X)[np.arange(60), y]
    loss = -np.log(probabilities).mean()
    np.testing.assert_allclose(model.losses_at(X, y, [model.weights_]), [loss], rtol=1e-10)
    figure = plots.plot_loss_landscape(model, X, y, resolution=5)
    assert figure.axes[0].lines[0].get_xydata().tolist() == [[0, 0]]
    near, other = (
        plots.plot_loss_landscape(model, X, y, span=1e-6, resolution=5, random_state=seed).axes[0] for seed in (0, 1)
    )
    assert near.get_xlim() == (-1e-6, 1e-6)
    levels = [axes.collections[0].get_array() for axes in (near, other)]
    np.testing.assert_allclose(levels[0], loss, atol=1e-5)
    assert not np.array_equal(*levels)
    with pytest.raises(ValueError, match=r"weights must have shape \(n_points, \d+\), got \(1, 2\)"):
        model.losses_at(X, y, [[0, 0]])


STATES = [
    Circuit(3).h(0).cx(0, 2).ry(0.7, 1).s(1),
    Circuit(1).rx(-1.1, 0),
    Circuit(2).u(0.3, 1.2, -0.4, 0).cx(0, 1).rx(0.2, 1),
]


@pytest.mark.parametrize("circuit", STATES)
def test_bloch_vectors_are_those_of_qiskit(circuit):
    state = circuit.statevector()
    vectors = bloch_vectors(state)
    paulis = [np.array(p) for p in ([[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]])]
    for qubit in range(circuit.num_qubits):
        others = [q for q in range(circuit.num_qubits) if q != qubit]
        rho = partial_trace(Statevector(state), others).data
        np.testing.assert_allclose(vectors[qubit], [np.trace(rho @ p).real for p in paulis], atol=TOLERANCE)
    np.testing.assert_allclose(bloch_vectors(np.outer(state, state.conj())), vectors, atol=TOLERANCE)
    assert len(plots.plot_bloch(circuit).axes) == circuit.num_qubits


def test_noise_shortens_the_vector():
    circuit = Circuit(1).h(0)
    noisy = circuit.density_matrix(noise=NoiseModel(after_1q=depolarizing(0.3)))
    length = np.linalg.norm(bloch_vectors(noisy))
    assert length < np.linalg.norm(bloch_vectors(circuit.statevector())) - 0.1
    assert f"length {length:.2f}" in titles(plots.plot_bloch(noisy))[0]


def test_the_city_has_a_bar_for_each_entry():
    figure = plots.plot_state_city(Circuit(2).h(0).cx(0, 1).s(0))
    assert [len(axis.collections[0].get_facecolor()) for axis in figure.axes] == [16 * 6, 16 * 6]
    for call in (plots.plot_bloch, plots.plot_state_city):
        with pytest.raises(ValueError, match=r"a state has shape \(2\*\*n,\) or \(2\*\*n, 2\*\*n\), got \(3,\)"):
            call([1, 0, 0])


def test_the_spectrum_is_that_of_a_known_polynomial():
    x, w = ParameterVector("x", 2), ParameterVector("w", 1)
    circuit = Circuit(2).rx(x[0], 0).rx(2 * x[0], 1).ry(x[1], 0).ry(w[0], 0)
    model = QuantumModel(circuit, x, w, [Z(0), Z(0) @ Z(1), Z(1)])
    sizes = fourier_sizes(model, [0.0], 0, None, 4)  # cos x, cos x cos 2x = (cos x + cos 3x) / 2, cos 2x
    expected = [[0, 1 / 2, 0, 0, 0], [0, 1 / 4, 0, 1 / 4, 0], [0, 0, 1 / 2, 0, 0]]
    np.testing.assert_allclose(sizes, expected, atol=TOLERANCE)
    assert len(plots.plot_fourier_spectrum(model, [0.0], max_frequency=4).axes[0].patches) == 15
    bars = plots.plot_fourier_spectrum(model, [0.0], at=[0.0, 1.0], max_frequency=4).axes[0].patches
    heights = np.reshape([bar.get_height() for bar in bars], (3, 5))  # RY after RX(x) leaves the share cos(x_1) of Z
    np.testing.assert_allclose(heights, np.cos([[1.0], [1.0], [0.0]]) * expected, atol=TOLERANCE)
    with pytest.raises(ValueError, match="feature must be one of 0 to 1, got 2"):
        plots.plot_fourier_spectrum(model, [0.0], feature=2)


def layers(count):
    w = ParameterVector("w", 2 * count)
    circuit = Circuit(2).h([0, 1])
    for layer in range(count):
        circuit = circuit.ry(w[2 * layer], 0).ry(w[2 * layer + 1], 1).cx(0, 1)
    return circuit.x(0)


def test_repeated_layers_are_folded():
    folded = circuits._folded(layers(5))
    assert [operation.gate.name for operation in folded] == ["h", "h", "ry", "ry", "cx", "... 5 in all", "x"]
    assert folded.operations[5].qubits == (0, 1)
    texts = [len(plots.plot_circuit(layers(5), fold_layers=fold).axes[0].texts) for fold in (True, False)]
    assert texts[0] < texts[1]
    circuit = layers(2)
    assert circuits._folded(circuit) is circuit


def test_a_circuit_is_found_in_models(classifier, tmp_path):
    for thing in (classifier, classifier.model_, classifier.circuit_):
        plots.plot_circuit(thing, tmp_path / "c.png")
        assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(TypeError, match="draws a Circuit, or what has one"):
        plots.plot_circuit(3)


def test_they_are_under_the_one_name():
    assert qumba.plots is plots
    assert all(callable(getattr(plots, name)) for name in plots.__all__)
