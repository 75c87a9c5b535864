"""Kitchen sinks and static reservoirs: Qiskit with scikit-learn, twins, noise, backends, files."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp, Statevector
from scipy.linalg import expm
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge

import qml
from simulator import Circuit, NoiseModel, ParameterVector, X, Z, depolarizing
from simulator.qiskit_backend import QiskitBackend
from tests.simulator.reference import pauli_label

DATA, CLASSES = load_iris(return_X_y=True)
ROWS = slice(0, 150, 3)
SAMPLES, LABELS = DATA[ROWS], np.array(["setosa", "versicolor", "virginica"])[CLASSES[ROWS]]
TARGET = SAMPLES[:, 2]
NEW = DATA[1::30]

SOLVER_TOLERANCE = 1e-5
"""How far two solvers of the same convex problem may end from each other."""

SMALL = {
    "KitchenSinksClassifier": {"n_components": 40, "n_qubits": 3},
    "KitchenSinksRegressor": {"n_components": 40, "n_qubits": 3},
    "ReservoirClassifier": {"n_layers": 3},
    "ReservoirRegressor": {"n_layers": 3},
}


def small(name, **settings):
    return getattr(qml, name)(**SMALL[name], random_state=0, **settings)


def target_of(name):
    return LABELS if name.endswith("Classifier") else TARGET


def standardised(X):
    return (X - SAMPLES.mean(axis=0)) / SAMPLES.std(axis=0)


def qiskit_z(circuit, *groups):
    """Expectation values of Z on groups of qubits."""
    state, n = Statevector(circuit), circuit.num_qubits
    labels = ["".join("Z" if q in group else "I" for q in reversed(range(n))) for group in groups]
    return [state.expectation_value(SparsePauliOp(label)).real for label in labels]


def kitchen_sinks_by_qiskit(model, X):
    drawn = model.random_features_
    rows = []
    for sample in standardised(X):
        row = []
        for frequencies, offsets in zip(drawn.frequencies_, drawn.offsets_, strict=True):
            circuit = QuantumCircuit(3)
            for q, angle in enumerate(frequencies @ sample + offsets):
                circuit.rx(angle, q)
            circuit.cx(0, 1)
            circuit.cx(1, 2)
            row += qiskit_z(circuit, [0], [1], [2])
        rows.append(row[:40])
    return np.array(rows) / np.sqrt(40)


def reservoir_by_qiskit(model, X):
    pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)]
    rows = []
    for sample in np.arctan(standardised(X)):
        circuit = QuantumCircuit(4)
        for q in range(4):
            circuit.ry(sample[q], q)
        for layer in model.weights_.reshape(3, 6):
            for (i, j), angle in zip(pairs, layer, strict=True):
                circuit.rzz(angle, i, j)
            circuit.rx(2 * model.field * model.evolution_time / 3, range(4))
        rows.append(qiskit_z(circuit, *([q] for q in range(4)), *pairs))
    return np.array(rows)


@pytest.mark.parametrize(
    ("family", "features"), [("KitchenSinks", kitchen_sinks_by_qiskit), ("Reservoir", reservoir_by_qiskit)]
)
class TestAgainstQiskitAndScikitLearn:
    def test_classifier(self, family, features):
        model = small(family + "Classifier").fit(SAMPLES, LABELS)
        expected = LogisticRegression(C=100, tol=1e-10, max_iter=10_000).fit(features(model, SAMPLES), LABELS)
        assert model.classes_.tolist() == ["setosa", "versicolor", "virginica"]
        probabilities = expected.predict_proba(features(model, NEW))
        np.testing.assert_allclose(model.predict_proba(NEW), probabilities, atol=SOLVER_TOLERANCE)
        np.testing.assert_allclose(np.exp(model.predict_log_proba(NEW)), probabilities, atol=SOLVER_TOLERANCE)
        np.testing.assert_array_equal(model.predict(NEW), expected.predict(features(model, NEW)))
        np.testing.assert_array_equal(model.decision_function(NEW).argmax(axis=1), probabilities.argmax(axis=1))

    def test_regressor(self, family, features):
        model = small(family + "Regressor").fit(SAMPLES, TARGET)
        scaled = (TARGET - TARGET.mean()) / TARGET.std()
        expected = Ridge(alpha=1e-3).fit(features(model, SAMPLES), scaled).predict(features(model, NEW))
        np.testing.assert_allclose(model.predict(NEW), expected * TARGET.std() + TARGET.mean(), atol=1e-7)


@pytest.mark.parametrize("name", SMALL)
class TestEveryEstimator:
    def test_it_learns(self, name):
        model = getattr(qml, name)(random_state=0).fit(SAMPLES, target_of(name))
        names = np.unique(LABELS)
        assert model.score(DATA[1::3], names[CLASSES[1::3]] if name.endswith("Classifier") else DATA[1::3, 2]) > 0.85

    def test_the_twin_has_no_gates_on_several_qubits(self, name):
        model = small(name).fit(SAMPLES, target_of(name))
        twin = model.without_entanglement()
        with pytest.raises(NotFittedError):
            twin.predict(SAMPLES)
        assert twin.get_params() == model.get_params() | {"entangled": False}
        twin.fit(SAMPLES, target_of(name))
        assert {len(operation.qubits) for operation in model.circuit_.operations} == {1, 2}
        assert {len(operation.qubits) for operation in twin.circuit_.operations} == {1}
        assert not np.allclose(twin._outputs(SAMPLES), model._outputs(SAMPLES))

    def test_an_exact_backend_predicts_the_same(self, name):
        exact = QiskitBackend(StatevectorEstimator())
        model = small(name).fit(SAMPLES, target_of(name))
        np.testing.assert_array_equal(model.predict(NEW), model.predict(NEW, backend="numba"))
        np.testing.assert_allclose(model._outputs(NEW, exact), model._outputs(NEW), atol=1e-8)
        assert model.score(SAMPLES[:5], target_of(name)[:5], backend=exact) == pytest.approx(
            model.score(SAMPLES[:5], target_of(name)[:5]), abs=1e-8
        )

    def test_plans_count_the_parameter_sets(self, name):
        sets = 14 if name.startswith("Kitchen") else 1
        planned = small(name).plan(SAMPLES, y=target_of(name))
        assert planned.parameter_sets == 50 * sets
        model = small(name).fit(SAMPLES, target_of(name))
        plan = model.plan(NEW, QiskitBackend(StatevectorEstimator()))
        assert (plan.parameter_sets, plan.qubits) == (5 * sets, model.circuit_.num_qubits)

    def test_noise_is_that_of_the_circuit(self, name):
        noise = NoiseModel(after_1q=depolarizing(0.02), after_2q=depolarizing(0.05), readout=0.03)
        model = small(name, noise=noise).fit(SAMPLES, target_of(name))
        if name.startswith("Kitchen"):
            angles = model.random_features_._angles(model.scaling_(NEW))
            exact = model.circuit_.expectation([Z(0), Z(1), Z(2)], angles, noise=noise)
            expected = exact.reshape(len(NEW), -1)[:, :40] / np.sqrt(40)
        else:
            inputs, weights = model.scaling_(NEW), np.tile(model.weights_, (len(NEW), 1))
            values = np.hstack([inputs, weights])
            names = [*model.model_.inputs, *model.model_.weights]
            values = values[:, [names.index(parameter) for parameter in model.circuit_.parameters]]
            expected = model.circuit_.expectation(model.model_.observables, values, noise=noise)
        np.testing.assert_allclose(model._features(NEW, None, None), expected, atol=1e-10)
        assert not np.allclose(model.set_params(noise=None)._features(NEW, None, None), expected, atol=1e-3)

    def test_it_comes_back_from_a_file(self, name, tmp_path):
        model = small(name, noise=NoiseModel(depolarizing(0.01))).fit(SAMPLES, target_of(name))
        model.save(tmp_path / "model.qumba")
        loaded = qml.load(tmp_path / "model.qumba")
        np.testing.assert_array_equal(loaded.predict(DATA), model.predict(DATA))
        np.testing.assert_array_equal(loaded._outputs(DATA), model._outputs(DATA))
        np.testing.assert_array_equal(loaded.fit(SAMPLES, target_of(name)).predict(DATA), model.predict(DATA))

    def test_the_seed_decides(self, name):
        first, again = (small(name).fit(SAMPLES, target_of(name))._outputs(NEW) for _ in range(2))
        other = small(name).set_params(random_state=1).fit(SAMPLES, target_of(name))._outputs(NEW)
        np.testing.assert_array_equal(first, again)
        assert not np.allclose(first, other)

    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({"n_qubits": 0}, "n_qubits expects an integer of 1 or more"),
            ({"precision": "half"}, "unknown precision 'half'"),
            ({"noise": NoiseModel(depolarizing(0.1)), "backend": "numba"}, "give one of the two"),
        ],
    )
    def test_settings_that_make_no_sense(self, name, settings, words):
        with pytest.raises(ValueError, match=words):
            small(name).set_params(**settings).fit(SAMPLES, target_of(name))


class TestTargets:
    @pytest.mark.parametrize("name", ["KitchenSinksRegressor", "ReservoirRegressor"])
    def test_several_targets_are_learnt_as_each_alone(self, name):
        several = SAMPLES[:, 2:] * [1.0, 1e6]
        together = small(name).fit(SAMPLES, several).predict(NEW)
        alone = [small(name).fit(SAMPLES, column).predict(NEW) for column in several.T]
        np.testing.assert_allclose(together, np.transpose(alone), rtol=1e-8)
        assert small(name).fit(SAMPLES, several).score(SAMPLES, several) > 0.8

    def test_class_weights_are_factors_of_sample_weights(self):
        weights = {"setosa": 0.3, "versicolor": 2.0, "virginica": 5.0}
        by_class = small("ReservoirClassifier", class_weight=weights, scale_features=False).fit(SAMPLES, LABELS)
        by_sample = small("ReservoirClassifier", scale_features=False).fit(
            SAMPLES, LABELS, [weights[label] for label in LABELS]
        )
        plain = small("ReservoirClassifier", scale_features=False).fit(SAMPLES, LABELS)
        np.testing.assert_allclose(by_class.readout_.coef_, by_sample.readout_.coef_, atol=SOLVER_TOLERANCE)
        assert not np.allclose(by_class.readout_.coef_, plain.readout_.coef_, atol=0.1)

    @pytest.mark.parametrize("setting", [{"C": -1.0}, {"C": np.nan}])
    def test_regularisation_of_the_wrong_sign(self, setting):
        with pytest.raises(ValueError, match="C expects a finite number of 0 or more"):
            small("ReservoirClassifier", **setting).fit(SAMPLES, LABELS)


class TestKitchenSinks:
    def test_features_are_those_of_the_transformer(self):
        model = small("KitchenSinksClassifier").fit(SAMPLES, LABELS)
        transformer = qml.RandomQuantumFeatures(40, n_qubits=3, random_state=0).fit(standardised(SAMPLES))
        np.testing.assert_allclose(
            model._features(NEW, None, None), transformer.transform(standardised(NEW)), atol=1e-12
        )

    def test_shots_are_binomial_around_the_exact_values(self):
        exact = small("KitchenSinksClassifier", observables="z+zz").fit(SAMPLES, LABELS)._features(NEW, None, None)
        exact = exact * np.sqrt(40)
        shots, seeds = 8, 400
        drawn = small("KitchenSinksClassifier", observables="z+zz", shots=shots).fit(SAMPLES, LABELS)
        values = np.empty((seeds, *exact.shape))
        for seed in range(seeds):
            drawn.random_features_._shot_seed = seed
            values[seed] = drawn._features(NEW, None, None) * np.sqrt(40)
        assert set(np.unique(values.round(10))) <= set(np.linspace(-1, 1, shots + 1).round(10))
        deviation = np.sqrt((1 - exact**2) / shots)
        errors = (values.mean(axis=0) - exact) / (deviation / np.sqrt(seeds) + 1e-12)
        assert np.abs(errors).max() < 5
        assert np.mean(errors**2) == pytest.approx(1, abs=0.3)
        np.testing.assert_allclose(values.std(axis=0), deviation, atol=0.05)

    def test_a_sample_has_the_same_shots_wherever_it_occurs(self):
        model = small("KitchenSinksRegressor", shots=1).fit(SAMPLES, TARGET)
        np.testing.assert_allclose(model.predict(SAMPLES[::-1])[::-1], model.predict(SAMPLES))
        np.testing.assert_allclose(model.predict(SAMPLES[7:9]), model.predict(SAMPLES)[7:9])

    def test_one_shot_learns_too(self):
        model = qml.KitchenSinksClassifier(1000, shots=1, C=1.0, random_state=0).fit(SAMPLES, LABELS)
        assert model.score(DATA[1::3], LABELS) > 0.8

    def test_a_custom_circuit(self):
        x = ParameterVector("x", 2)
        circuit = Circuit(2).ry(x[0], 0).ry(x[1], 1).cz(0, 1)
        model = qml.KitchenSinksClassifier(20, circuit=circuit, observables=[Z(0), X(0) @ Z(1)], random_state=0)
        assert model.fit(SAMPLES, LABELS).circuit_ is circuit

    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({"n_components": 0}, "n_components expects an integer"),
            ({"shots": 0}, "shots expects an integer of 1 or more, or None"),
            ({"gamma": "auto"}, "gamma expects a positive number or 'scale'"),
            ({"shots": 3, "observables": [Z(0) + X(0)]}, "single Pauli strings"),
            ({"shots": 3, "backend": QiskitBackend(StatevectorEstimator())}, "a backend brings its own"),
        ],
    )
    def test_settings_that_make_no_sense(self, settings, words):
        with pytest.raises(ValueError, match=words):
            small("KitchenSinksClassifier").set_params(**settings).fit(SAMPLES, LABELS)


class TestReservoirs:
    def test_many_trotter_steps_are_the_evolution(self):
        model = qml.ReservoirRegressor(n_layers=4000, evolution_time=3.0, n_qubits=3, random_state=0)
        model.fit(SAMPLES[:, :3], TARGET)
        couplings = model.weights_[:3] * 4000 / (2 * 3.0)
        hamiltonian = sum(0.5 * pauli_label(label) for label in ("IIX", "IXI", "XII"))
        for strength, label in zip(couplings, ("IZZ", "ZIZ", "ZZI"), strict=True):
            hamiltonian = hamiltonian + strength * pauli_label(label)
        assert np.abs(couplings).max() <= 0.5
        angles = model.scaling_(SAMPLES[:1, :3])[0]
        state = np.ones(1)
        for angle in angles:  # qubit 0 is the last factor
            state = np.kron([np.cos(angle / 2), np.sin(angle / 2)], state)
        state = expm(-3j * hamiltonian) @ state
        labels = ("IIZ", "IZI", "ZII", "IZZ", "ZIZ", "ZZI")
        expected = [np.vdot(state, pauli_label(label) @ state).real for label in labels]
        np.testing.assert_allclose(model._features(SAMPLES[:1, :3], None, None)[0], expected, atol=1e-3)

    def test_without_couplings_each_qubit_is_on_its_own(self):
        model = small("ReservoirRegressor", entangled=False, observables="z").fit(SAMPLES, TARGET)
        turn = 2 * model.field * model.evolution_time  # RX after RY: <Z> = cos(turn) cos(angle)
        expected = np.cos(turn) * np.cos(np.arctan(standardised(NEW)))
        np.testing.assert_allclose(model._features(NEW, None, None), expected, atol=1e-10)

    @pytest.mark.parametrize("reservoir", ["Strongly-Entangling", "basic", qml.NLocal()])
    def test_an_ansatz_with_angles_from_the_circle(self, reservoir):
        model = small("ReservoirClassifier", reservoir=reservoir, feature_map="zz", n_qubits=4).fit(SAMPLES, LABELS)
        assert 0 <= model.weights_.min() < np.pi < model.weights_.max() < 2 * np.pi
        assert model.score(SAMPLES, LABELS) > 0.7

    @pytest.mark.parametrize(
        ("settings", "error", "words"),
        [
            ({"reservoir": "isin"}, ValueError, "did you mean 'ising'"),
            ({"reservoir": 3}, TypeError, "ansatz expects a name or an object"),
            ({"n_layers": 0}, ValueError, "n_layers expects an integer"),
            ({"coupling": np.inf}, ValueError, "coupling expects a finite number"),
            ({"evolution_time": -1.0}, ValueError, "evolution_time expects a finite number of 0 or more"),
            ({"feature_map": "amplitude", "entangled": False}, ValueError, "cannot be separated"),
        ],
    )
    def test_settings_that_make_no_sense(self, settings, error, words):
        with pytest.raises(error, match=words):
            small("ReservoirClassifier").set_params(**settings).fit(SAMPLES, LABELS)
