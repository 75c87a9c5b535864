"""The whole diagnosis: what applies to which estimator, the text, the advice, the figure, bad input."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, make_classification
from sklearn.exceptions import NotFittedError
from sklearn.naive_bayes import GaussianNB

from qml import (
    CircuitCentricClassifier,
    ConvolutionalClassifier,
    DressedRegressor,
    NetworkClassifier,
    QuantumKernelClassifier,
    QuantumModel,
    ReuploadingClassifier,
    VariationalClassifier,
    VariationalRegressor,
    diagnose,
)
from qml.assessment.kernels import concentration
from qml.diagnostics import effective_dimension, fisher_information, parameter_report
from qml.kernels import FidelityKernel
from qml.layers import Dense, Quantum, Sequential
from simulator import Circuit, ParameterVector, Z
from simulator.backends.trait import Backend

PARTS = ("gradients", "expressibility", "entanglement", "concentration", "fisher", "fourier", "parameters", "noise")


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return X[::2], y[::2]


@pytest.fixture(scope="module")
def report(iris):
    clf = VariationalClassifier("reuploading", n_layers=2, epochs=5, random_state=0).fit(*iris)
    return diagnose(clf, *iris, random_state=0)


def custom(circuit, weights, observables, n_features=2, **settings):
    """A classifier on a circuit of its own whose first inputs are features."""
    x = [p for p in circuit.parameters if p.name.startswith("x")]
    model = QuantumModel(circuit, inputs=x, weights=weights, observables=observables)
    X, y = make_classification(60, n_features, n_informative=2, n_redundant=0, random_state=0)
    return VariationalClassifier(model=model, epochs=5, random_state=0, **settings).fit(X, y), X, y


def test_all_parts_apply_to_a_periodic_classifier(report):
    assert [part for part in PARTS if getattr(report, part) is None] == []
    assert report.skipped == {}
    assert (report.num_qubits, report.num_weights, report.n_rows, report.n_sets) == (4, 24, 75, 1000)


def test_text_has_a_line_for_each_part(report):
    text = str(report)
    for name in ("gradients", "expressibility", "entanglement", "concentration", "Fisher", "Fourier", "parameters"):
        assert re.search(rf"^{name} ", text, re.M), name
    assert text.startswith("VariationalClassifier: 4 qubits, 24 weights in the circuit, 75 rows")
    assert "Advice\n* " in text
    assert max(map(len, text.splitlines())) <= 120


def test_dictionary_is_json_and_has_the_same_numbers(report):
    plain = json.loads(json.dumps(report.as_dict()))
    assert plain["expressibility"]["divergence"] == report.expressibility.divergence
    assert plain["gradients"]["scaling"]["variances"] == report.gradients.scaling.variances.tolist()
    assert plain["gradients"]["scaling"]["slopes"] == report.gradients.scaling.slopes.tolist()
    assert plain["advice"] == list(report.advice)
    assert "entries" not in plain["concentration"]


def test_figure_has_a_panel_for_each_part(report, tmp_path: Path):
    path = tmp_path / "diagnosis.png"
    figure = report.plot(path)
    assert path.stat().st_size > 10_000
    titles = [axis.get_title() for axis in figure.axes if axis.get_visible()]
    assert len(titles) == len(PARTS)
    assert all(titles)
    drawn = next(axis for axis in figure.axes if axis.get_title() == "gradient variance")
    np.testing.assert_allclose(drawn.lines[-1].get_ydata(), report.gradients.scaling.variances[-1])


def test_parts_are_those_of_the_public_functions(iris):
    X, y = iris
    clf = VariationalRegressor("angle", n_layers=1, epochs=2, random_state=0).fit(X, y)
    report = diagnose(clf, X, y, random_state=5)
    part = parameter_report(clf, X[:64], random_state=0)
    assert (report.parameters.dead, report.parameters.rank) == (part.dead, part.rank)
    weights = np.random.default_rng(0).uniform(0, 2 * np.pi, (50, report.num_weights))
    direct = effective_dimension(fisher_information(clf, X, weights), len(X))
    assert report.fisher.effective_dimension == pytest.approx(direct, rel=0.1)  # other random weights
    assert report.noise.changed is None


def test_a_dimension_above_the_number_of_weights_is_left_out():
    """At 20 rows log k is 0.06, and the formula gives ten times the number of weights."""
    X, y = load_iris(return_X_y=True)
    clf = VariationalClassifier(n_layers=1, epochs=1, random_state=0).fit(X[40:60], y[40:60])
    fishers = fisher_information(clf, X[40:60], np.random.default_rng(0).uniform(0, 6, (5, len(clf.model_.weights))))
    assert effective_dimension(fishers, 20) > len(clf.model_.weights)
    report = diagnose(clf, X[40:60], y[40:60], n_sets=5, random_state=0)
    assert report.fisher.effective_dimension is None
    assert "effective dimension" not in str(report)


def test_same_seed_gives_the_same_report(iris):
    clf = VariationalClassifier("angle", n_layers=1, epochs=2, random_state=0).fit(*iris)
    first, again = (diagnose(clf, *iris, n_sets=50, random_state=3).as_dict() for _ in range(2))
    assert first == again
    assert first != diagnose(clf, *iris, n_sets=50, random_state=4).as_dict()


def test_kernel_estimators(iris):
    report = diagnose(QuantumKernelClassifier().fit(*iris), *iris)
    applied = [part for part in PARTS if getattr(report, part) is not None]
    assert applied == ["entanglement", "concentration"]
    assert set(report.skipped) == {"gradients", "expressibility", "fisher", "fourier", "parameters", "noise"}
    assert len(report.plot().axes) == 2
    assert "not computed: a kernel has no trained circuit" in str(report)


@pytest.mark.parametrize(
    "estimator",
    [
        DressedRegressor(n_layers=1, epochs=1),
        ReuploadingClassifier(n_layers=2, n_qubits=1, loss="fidelity", epochs=1),
        VariationalClassifier("amplitude", n_layers=1, epochs=1),
        VariationalClassifier("chebyshev", "mera", n_layers=1, epochs=1),
        CircuitCentricClassifier(n_layers=1, epochs=1),
        ConvolutionalClassifier(epochs=1),
        QuantumKernelClassifier("rbf"),
    ],
)
def test_other_estimators_have_a_report(estimator, iris):
    report = diagnose(clone(estimator).fit(*iris), *iris, n_sets=20, random_state=0)
    assert type(estimator).__name__ in str(report)
    assert json.dumps(report.as_dict())
    assert report.plot().axes


def test_networks_and_tables(iris):
    table = pd.DataFrame(iris[0], columns=list("abcd"))
    w, x = ParameterVector("w", 2), ParameterVector("x", 2)
    circuit = Circuit(2).ry(x[0], 0).ry(x[1], 1).cx(0, 1).ry(w[0], 0).ry(w[1], 1)
    quantum = Quantum(QuantumModel(circuit, inputs=x, weights=w, observables=[Z(0), Z(1)]))
    clf = NetworkClassifier(Sequential(Dense(4, 2), quantum, Dense(2, 3)), epochs=2, random_state=0)
    report = diagnose(clf.fit(table, iris[1]), table, iris[1], n_sets=20)
    assert report.gradients.scaling is None
    assert report.fourier is not None


def test_advice_on_dead_and_redundant_weights():
    w, x = ParameterVector("w", 4), ParameterVector("x", 2)
    circuit = Circuit(2).ry(x[0], 0).ry(x[1], 1).cx(0, 1).rx(w[0], 0).rx(w[1], 0).ry(w[2], 1).rz(w[3], 1)
    advice = diagnose(*custom(circuit, w, [Z(0), Z(1)]), random_state=0).advice
    assert advice[0].startswith("No output depends on w[3]: remove this weight")
    assert advice[1].startswith("1 of 4 weights are redundant, for example w[")


def test_advice_on_product_states():
    w, x = ParameterVector("w", 2), ParameterVector("x", 2)
    circuit = Circuit(2).ry(x[0], 0).ry(x[1], 1).rx(w[0], 0).rx(w[1], 1)
    advice = " ".join(diagnose(*custom(circuit, w, [Z(0), Z(1)]), random_state=0).advice)
    assert "The states are product states" in advice
    assert "Random weights reach a small part of all states" in advice
    assert "No output depends" not in advice


def test_the_twin_of_an_estimator_is_diagnosed_without_entanglement(iris):
    twin = VariationalClassifier("zz", n_layers=2, epochs=1, random_state=0).without_entanglement().fit(*iris)
    report = diagnose(twin, *iris, n_sets=50, random_state=0)
    assert report.entanglement.measures.max() < 1e-12
    assert np.abs(report.gradients.scaling.slopes).max() < 0.2  # one qubit does not know how many there are
    kernel = FidelityKernel("zz", entangled=False)
    expected = concentration(kernel, twin.scaling_(iris[0]))
    np.testing.assert_allclose(report.concentration.trend.deviations, expected.deviations, atol=1e-12)
    kernels = QuantumKernelClassifier().without_entanglement().fit(*iris)
    assert diagnose(kernels, *iris).entanglement.measures.max() < 1e-12


def test_advice_on_a_barren_plateau(iris):
    clf = VariationalClassifier("angle", n_layers=6, epochs=1, random_state=0).fit(*iris)
    plateau = [sentence for sentence in diagnose(clf, *iris, random_state=0).advice if "barren plateau" in sentence]
    factor = float(re.search(r"divides their variance by (\d+\.\d)", plateau[0]).group(1))
    assert factor == pytest.approx(2.0, abs=0.3)  # that of random circuits
    assert "At this width that is harmless" in plateau[0]
    shallow = ReuploadingClassifier(n_layers=1, n_qubits=4, epochs=1, random_state=0).fit(*iris)
    assert "barren plateau" not in " ".join(diagnose(shallow, *iris, random_state=0).advice)


def test_advice_on_kernels_that_see_nothing():
    X, y = make_classification(60, 10, random_state=0)
    wide = QuantumKernelClassifier(FidelityKernel("zz", bandwidth=3.0), scale_features=False).fit(X, y)
    assert "nearly the identity" in diagnose(wide, X, y).advice[0]
    narrow = QuantumKernelClassifier(FidelityKernel("angle", bandwidth=1e-3), scale_features=False).fit(X, y)
    advice = " ".join(diagnose(narrow, X, y).advice)
    assert "nearly constant" in advice
    assert "product states" in advice


def test_advice_on_noise(iris):
    clf = VariationalClassifier("angle", n_layers=12, epochs=1, random_state=0).fit(*iris)
    noisy = [sentence for sentence in diagnose(clf, *iris, random_state=0).advice if "error probability" in sentence]
    assert len(noisy) == 1
    assert "train with noise=NoiseModel(...)" in noisy[0]


class NoStates(Backend):
    """Backend that only measures."""

    def __getattr__(self, name):
        raise AssertionError("nothing may be sent")


NoStates.__abstractmethods__ = frozenset()


def test_bad_input(iris):
    X, y = iris
    with pytest.raises(NotFittedError):
        diagnose(VariationalClassifier(), X, y)
    clf = VariationalClassifier("angle", n_layers=1, epochs=1, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="at least 2 different rows, all of the 5 rows are equal"):
        diagnose(clf, np.tile(X[:1], (5, 1)))
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        diagnose(clf, X[:0])
    with pytest.raises(ValueError, match="features"):
        diagnose(clf, X[:, :3])
    with pytest.raises(ValueError, match="NaN"):
        diagnose(clf, np.full_like(X, np.nan))
    with pytest.raises(ValueError, match="y must have one entry per row: expected 75, got 3"):
        diagnose(clf, X, y[:3])
    with pytest.raises(ValueError, match="n_sets expects an integer of 2 or more"):
        diagnose(clf, X, y, n_sets=1)
    with pytest.raises(TypeError, match="GaussianNB has neither"):
        diagnose(GaussianNB().fit(X, y), X, y)
    with pytest.raises(TypeError, match="inside an estimator"):
        diagnose(FidelityKernel("zz"), X)
    with pytest.raises(TypeError, match="expected"):
        diagnose(VariationalClassifier, X)
    with pytest.raises(ValueError, match="diagnose a copy on this engine"):
        diagnose(clf.set_params(backend=NoStates()), X, y)
