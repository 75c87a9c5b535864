"""Collapsed models: equal to the model, for many samples and for one; clear errors for what does not collapse."""

import pickle
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from qml import (
    BoltzmannClassifier,
    FidelityKernel,
    KitchenSinksClassifier,
    OwnFunction,
    PauliMap,
    ProjectedKernel,
    QuantumGaussianProcessClassifier,
    QuantumKernelClassifier,
    QuantumModel,
    VariationalClassifier,
    VariationalRegressor,
)
from qml.deploy import CannotCollapseError, collapse
from qml.deploy.circuits import circuit_inputs, matrices, quantum_outputs
from qml.deploy.fourier import fourier_sum
from qml.deploy.graph import Graph
from qml.deploy.kernel_machines import kernel_diagonal, kernel_row, pair_margins, pair_votes
from qml.deploy.rotations import rotation_sequence
from qml.deploy.row_kernel import RowProgram
from qml.estimators.kernel_methods.calibration import class_margins, votes
from qml.feature_maps import FEATURE_MAPS
from qml.kernels import RBF, Kernel, Laplacian, Linear, Polynomial
from qml.kernels.composite import CompositeKernel
from qml.models.layered import layered_model
from qml.models.reuploading import reuploading_model
from qml.tables import Schema, TableModel
from simulator import Circuit, NoiseModel, Parameter, ParameterVector, X, Y, Z, depolarizing, gates
from simulator.program.program import Program
from tests.qml.deploy.fitted_models import BINARY, CLASSIFIERS, IRIS, PROGRESS, REGRESSORS, SPECIES, fitted, unseen

EQUAL = 1e-10


def largest_difference(computed, expected):
    return np.abs(computed - expected).max() / max(1.0, np.abs(expected).max())


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_equal_the_model(name):
    model, samples = fitted(name), unseen(name)
    fast = collapse(model)
    methods = [method for method in ("decision_function", "predict_proba") if hasattr(model, method)]
    assert methods == [method for method in ("decision_function", "predict_proba") if hasattr(fast, method)]
    np.testing.assert_array_equal(fast.predict(samples), model.predict(samples))
    for method in methods:
        expected = getattr(model, method)(samples)
        assert getattr(fast, method)(samples).shape == expected.shape
        assert largest_difference(getattr(fast, method)(samples), expected) < EQUAL
        for sample, row in zip(samples[::10], expected[::10], strict=True):
            assert largest_difference(getattr(fast, method)(sample), row) < EQUAL
            assert largest_difference(getattr(fast, method)(sample[None])[0], row) < EQUAL
    for sample, label in zip(samples[::10], model.predict(samples[::10]), strict=True):
        np.testing.assert_array_equal(fast.predict(sample), label)
        np.testing.assert_array_equal(fast.predict(sample[None]), np.array([label]))


@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors_equal_the_model(name):
    model, samples = fitted(name), unseen(name)
    fast, expected = collapse(model), model.predict(samples)
    assert fast.predict(samples).shape == expected.shape
    assert largest_difference(fast.predict(samples), expected) < EQUAL
    for sample, value in zip(samples[::5], expected[::5], strict=True):
        assert largest_difference(fast.predict(sample), value) < EQUAL


KERNELS = {
    "fidelity": FidelityKernel("zz"),
    "product": FidelityKernel("angle", bandwidth=[0.5, 1.0, 1.5, 2.0]),
    **{outer: ProjectedKernel("zz", outer=outer) for outer in ("gaussian", "laplacian", "linear", "polynomial")},
    "pairs": ProjectedKernel("angle", order=2, outer="linear"),
    "rbf": RBF(0.3),
    "manhattan": Laplacian(0.3),
    "dot": Linear(),
    "degree 5": Polynomial(5, gamma=0.2, coef0=0.7),
    "sum": Linear() + FidelityKernel("angle"),
    "power": (0.3 * RBF() * Polynomial(2)) ** 11,
    "nested": (FidelityKernel("zz") + 2.0 * (Linear() + ProjectedKernel("zz", outer="polynomial"))) * RBF() ** 2,
}


@pytest.mark.parametrize("name", KERNELS)
def test_rows_and_diagonals_equal_the_kernel(name):
    samples, others = IRIS[::10] - 4.0, IRIS[3::20] - 4.0
    kernel = KERNELS[name].fit(samples)
    graph = Graph(4)
    graph.outputs["row"], _ = kernel_row(graph, 0, kernel, kernel.features(others))
    graph.outputs["diagonal"] = kernel_diagonal(graph, 0, kernel)
    values = graph.pruned().evaluate(samples)
    assert largest_difference(values["row"], kernel(samples, others)) < EQUAL
    assert largest_difference(values["diagonal"][:, 0], kernel.diag(samples)) < EQUAL


def test_equal_work_is_done_once():
    graph = Graph(2)
    first, second = (graph.function("sin", graph.affine(0, [[0.1], [0.2]], 0.3)) for _ in range(2))
    other = graph.function("sin", graph.affine(0, [[0.1], [0.2]], 0.4))
    graph.outputs["values"] = graph.add(graph.add(first, second), other)
    pruned, samples = graph.pruned(), np.random.default_rng(0).normal(size=(5, 2))
    assert [node.operation for node in pruned.nodes].count("sin") == 2
    np.testing.assert_array_equal(pruned.evaluate(samples)["values"], graph.evaluate(samples)["values"])


def test_a_metric_learner_stores_no_more_states_than_its_classes_have_dimensions():
    model = fitted("metric learning")
    assert len(model.support_) > 3 * 16
    assert max(node.size for node in collapse(model).collapsed_.graph.nodes) <= 3 * 16 * 2


@pytest.mark.parametrize("name", FEATURE_MAPS)
def test_every_form_equals_the_circuit_for_every_feature_map(name):
    rng = np.random.default_rng(3)
    features, observables = 3, [X(0) @ Y(1) + 0.5 * Z(0), Z(1), "I" * 2 if name == "amplitude" else Y(0)]
    model = layered_model(name, "strongly_entangling", features, 2, observables=observables)
    samples = rng.integers(0, 2, (6, 3)).astype(float) if name == "basis" else rng.uniform(-0.9, 0.9, (6, 3))
    weights = rng.normal(size=model.num_weights)
    program = Program(model.circuit, model.observables, model.inputs, model.weights)
    forms = [form(program, weights) for form in (matrices, rotation_sequence, fourier_sum)]
    forms = [form for form in forms if form is not None]
    assert len(forms) == 3 or name not in ("angle", "reuploading", "z", "chebyshev", "qaoa")
    for form in forms:
        graph = Graph(features)
        graph.outputs["values"] = graph.embed(form, circuit_inputs(graph, 0, model.data), "values")
        expected = model.forward(samples, weights)
        assert largest_difference(graph.evaluate(samples)["values"], expected) < EQUAL
        row_program = RowProgram(graph.pruned())
        assert largest_difference(np.array([row_program(sample) for sample in samples]), expected) < EQUAL


def test_a_circuit_of_dense_gates_controlled_rotations_and_starts():
    rng = np.random.default_rng(5)
    a, b, w = Parameter("a"), Parameter("b"), Parameter("w")
    matrix = np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))[0]
    circuit = Circuit(3).initialize([0.6, 0.8j], qubits=[1]).ry(2 * a + 0.3, 0).crx(b, 0, 2).unitary(matrix, [2, 0])
    circuit = circuit.rzz(a - b + w, 1, 2).cu(w, 0.2, a, 0.1, 2, 1).x(0).cx(0, 2).rxx(b, 0, 2)
    model = QuantumModel(circuit, [a, b], [w], [Z(0) @ X(2), Y(1), Z(0) @ Z(1) + 0.3])
    samples, weights = rng.normal(size=(9, 2)), np.array([0.7])
    graph = Graph(2)
    graph.outputs["values"], choice = quantum_outputs(graph, 0, model, weights)
    assert choice.form == "matrices"  # a, b and a - b are not independent
    assert largest_difference(graph.evaluate(samples)["values"], model.forward(samples, weights)) < EQUAL


def test_a_fourier_sum_has_the_coefficients_of_the_closed_form():
    x, w = Parameter("x"), Parameter("w")
    program = Program(Circuit(1).ry(3 * x, 0).ry(w, 0), [Z(0)], [x], [w])
    graph = fourier_sum(program, np.array([0.4]))
    samples = np.linspace(-3, 3, 20)[:, None]
    np.testing.assert_allclose(graph.evaluate(samples)["values"], np.cos(3 * samples + 0.4), atol=1e-14)
    assert sorted(map(len, (node.constants[1] for node in graph.nodes if node.operation == "affine"))) == [1, 1]


def test_the_form_with_fewer_operations_is_taken_and_described():
    few = ParameterVector("x", 2)
    weights = ParameterVector("w", 2)
    small = QuantumModel(Circuit(2).ry(few[0], 0).ry(few[1], 1).cx(0, 1).ry(weights[0], 0), few, weights, [Z(0)])
    large = reuploading_model(num_inputs=2, num_layers=4, num_qubits=2)
    wide = reuploading_model(num_inputs=7, num_layers=3, num_qubits=7)
    for model, form in ((small, "fourier"), (large, "matrices"), (wide, "rotations")):
        graph = Graph(len(model.inputs))
        values, choice = quantum_outputs(graph, 0, model, np.full(model.num_weights, 0.3))
        assert choice.form == form
        assert all(choice.operations <= operations for _, operations in choice.alternatives.values())
        assert graph.size(values) == model.num_outputs
    plan = collapse(fitted("binary")).plan
    assert "operations a sample" in plan
    assert "kB" in plan


def test_single_precision_models_collapse_in_double_precision():
    model = VariationalClassifier(epochs=2, precision="single", random_state=0).fit(IRIS[:100], BINARY)
    assert largest_difference(collapse(model).decision_function(IRIS), model.decision_function(IRIS)) < 1e-5


def test_it_is_an_estimator_that_can_be_cloned_pickled_and_fitted():
    model = fitted("binary")
    fast = collapse(model)
    again = clone(fast).fit(IRIS[:100], BINARY)
    assert largest_difference(again.predict_proba(IRIS), model.predict_proba(IRIS)) < EQUAL
    copied = pickle.loads(pickle.dumps(fast))
    np.testing.assert_array_equal(copied.decision_function(IRIS[0]), fast.decision_function(IRIS[0]))
    assert fast.score(IRIS[:100], BINARY) == model.score(IRIS[:100], BINARY)


@pytest.mark.parametrize("convert", [np.asfortranarray, lambda X: X.astype(np.float32), lambda X: X.tolist()])
def test_other_layouts_and_types_of_one_sample(convert):
    fast, samples = collapse(fitted("multiclass")), unseen("multiclass").astype(np.float32).astype(np.float64)
    for sample in samples[:3]:
        np.testing.assert_allclose(fast.predict_proba(convert(sample[None])), fast.predict_proba(sample[None]))
    locked = samples[:1].copy()
    locked.flags.writeable = False
    np.testing.assert_allclose(fast.predict_proba(locked), fast.predict_proba(samples[:1]))
    np.testing.assert_allclose(fast.predict_proba(samples.T.copy().T[0]), fast.predict_proba(samples[0]))


def test_bad_samples_are_refused():
    fast = collapse(fitted("multiclass"))
    with pytest.raises(ValueError, match="contains nan in column 2"):
        fast.predict(np.array([1.0, 2.0, np.nan, 0.0]))
    with pytest.raises(ValueError, match="NaN"):
        fast.predict(np.full((3, 4), np.nan))
    with pytest.raises(ValueError, match="features"):
        fast.predict(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="1D array"):
        fast.predict(np.zeros(3))
    bits = VariationalClassifier("basis", epochs=1, random_state=0).fit(IRIS[:100] > 3.0, BINARY)
    for samples in (np.full((1, 4), 0.5), np.full((3, 4), 0.5)):
        with pytest.raises(ValueError, match="no value for the sample"):
            collapse(bits).predict(samples)


def noisy(**settings):
    return VariationalClassifier(epochs=1, random_state=0, **settings).fit(IRIS[:100], BINARY)


def custom_function():
    feature_map = PauliMap(data_map=lambda x: x[0] if len(x) == 1 else x[0] * x[1])
    return VariationalClassifier(feature_map, epochs=1, random_state=0).fit(IRIS[:100], BINARY)


def own_data():
    x, w = Parameter("x"), Parameter("w")
    data = OwnFunction(lambda X: X[:, :1] ** 2)
    model = QuantumModel(Circuit(1).ry(x, 0).ry(w, 0), x, w, [Z(0)], data=data, num_features=4)
    return VariationalClassifier(model=model, epochs=1, random_state=0).fit(IRIS[:100], BINARY)


@dataclass(eq=False, repr=False)
class Exponential(CompositeKernel):
    """Kernel with an operator of its own."""

    kernel: Kernel
    part_names, precedence = ("kernel",), 3

    def combine(self, out, *others):
        np.exp(out, out=out)

    def partials(self, *matrices):
        return (np.exp(matrices[0]),)

    def __repr__(self):
        return f"exp({self.kernel!r})"


REFUSED = {
    "noise": (lambda: noisy(noise=NoiseModel(after_2q=depolarizing(0.01))), "noise"),
    "custom data map": (custom_function, "custom Python code"),
    "custom data function": (own_data, "custom Python code"),
    "shots": (
        lambda: QuantumKernelClassifier(FidelityKernel("angle", shots=100, random_state=0)).fit(IRIS[:100], BINARY),
        "shots",
    ),
    "drawn features": (
        lambda: KitchenSinksClassifier(n_components=8, shots=10, random_state=0).fit(IRIS[:100], BINARY),
        "shots",
    ),
    "custom operator": (
        lambda: QuantumKernelClassifier(Exponential(FidelityKernel("angle"))).fit(IRIS[:100], BINARY),
        "the kernel exp.* is custom Python code",
    ),
    "shots in a sum": (
        lambda: QuantumKernelClassifier(RBF() + FidelityKernel("angle", shots=100, random_state=0)).fit(
            IRIS[:100], BINARY
        ),
        "shots",
    ),
    "Gibbs state of many qubits": (
        lambda: BoltzmannClassifier(9, epochs=1, batch_size=8, random_state=0).fit(IRIS[40:60], SPECIES[40:60]),
        "at most 8 interacting qubits",
    ),
    "processes with noise": (
        lambda: QuantumGaussianProcessClassifier(
            FidelityKernel("angle", shots=1000, regularization="threshold", random_state=0), optimizer=None
        ).fit(IRIS[40:60], SPECIES[40:60]),
        "shots",
    ),
    "function in a pipeline": (
        lambda: make_pipeline(FunctionTransformer(np.sqrt), VariationalClassifier(epochs=1)).fit(IRIS[:100], BINARY),
        "cannot be taken out of Python",
    ),
    "many qubits": (
        lambda: VariationalRegressor("zz", n_qubits=13, n_layers=1, epochs=1).fit(
            np.random.default_rng(0).normal(size=(10, 13)), PROGRESS[:10]
        ),
        "at most 12 qubits",
    ),
}


@pytest.mark.parametrize(("make", "text"), REFUSED.values(), ids=REFUSED)
def test_models_that_are_no_fixed_function_are_refused(make, text):
    with pytest.raises(CannotCollapseError, match=text):
        collapse(make())


def test_a_subclass_that_predicts_in_a_way_of_its_own_is_noticed():
    class Shifted(VariationalClassifier):
        def _decisions(self, outputs):
            return super()._decisions(outputs) + 0.1

    with pytest.raises(CannotCollapseError, match="does not predict by its layers alone"):
        collapse(Shifted(epochs=1, random_state=0).fit(IRIS[:100], BINARY))


@pytest.mark.parametrize("num_classes", [2, 3, 5])
def test_votes_and_margins_of_pairs_also_where_they_name_different_classes(num_classes):
    outputs = np.random.default_rng(num_classes).normal(size=(500, num_classes * (num_classes - 1) // 2))
    graph = Graph(outputs.shape[1])
    graph.outputs["margins"] = pair_margins(graph, 0, num_classes)
    expected = class_margins(outputs, num_classes)
    if num_classes > 2:
        graph.outputs["votes"] = pair_votes(graph, 0, num_classes)
        winners = votes(outputs, num_classes)
        np.testing.assert_allclose(graph.evaluate(outputs)["votes"], winners, atol=1e-14)
        pairs = combinations(range(num_classes), 2)
        smallest = np.full(expected.shape, np.inf)
        for output, (i, j) in zip(outputs.T, pairs, strict=True):
            smallest[:, i], smallest[:, j] = np.minimum(smallest[:, i], output), np.minimum(smallest[:, j], -output)
        assert (smallest.argmax(axis=1) != winners.argmax(axis=1)).sum() > 20
    np.testing.assert_allclose(graph.evaluate(outputs)["margins"], expected, atol=1e-12)


def test_other_objects_are_refused():
    with pytest.raises(NotFittedError, match="call fit"):
        collapse(VariationalClassifier())
    for other in (SVC().fit(IRIS, IRIS[:, 0] > 5), gates.H, None):
        with pytest.raises(TypeError, match="expected a fitted classifier or regressor of qml"):
            collapse(other)
    with pytest.raises(TypeError, match="got TableModel, whose attribute estimator is one"):
        collapse(TableModel(VariationalClassifier(), Schema("y", ())))
    y = IRIS[:, 0] > 5
    with pytest.raises(TypeError, match="got VotingClassifier: export each of its estimators_ by itself"):
        collapse(VotingClassifier([("svm", SVC())]).fit(IRIS, y))
    with pytest.raises(TypeError, match="got GridSearchCV, whose attribute best_estimator_ may be one"):
        collapse(GridSearchCV(SVC(), {"C": [1.0]}, cv=2).fit(IRIS, y))
