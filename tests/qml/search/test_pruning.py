"""Removal of gates from circuits in which the ones without use are known."""

import numpy as np
import pytest
from qiskit.quantum_info import SparsePauliOp, Statevector
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from qml import (
    DressedClassifier,
    QuantumKernelClassifier,
    QuantumModel,
    VariationalClassifier,
    VariationalRegressor,
    load,
)
from qml.search import prune_circuit
from simulator import Circuit, ParameterVector, Z

EQUAL = 1e-10
"""Largest difference of outputs that should be equal."""

x, w = ParameterVector("x", 2), ParameterVector("w", 8)


def live_circuit():
    """A circuit of which Z(0) depends on every gate."""
    return Circuit(2).ry(x[0], 0).ry(x[1], 1).ry(w[0], 0).ry(w[1], 1).cx(1, 0).rx(w[2], 0)


def rows(count=40, seed=0):
    return np.random.default_rng(seed).uniform(-1.5, 1.5, (count, 2))


LIVE = np.array([0.5, -0.7, 0.4])


def with_dead_gates():
    """The same function: a phase of |0>, cancelling pairs, a full turn, gates outside the light cone or after it."""
    circuit = (
        Circuit(3)
        .rz(w[3], 0)  # 0: a phase
        .cx(0, 1)  # 1: on |00>
        .ry(x[0], 0)
        .ry(x[1], 1)
        .ry(w[0], 0)
        .ry(w[1], 1)
        .cz(0, 1)  # 6 and 7: cancel
        .cz(0, 1)
        .cx(1, 0)
        .rx(w[4], 2)  # 9: on a qubit that is not read
        .cx(1, 2)  # 10: control commutes with everything that is read
        .rx(w[2], 0)
        .rx(w[5], 0)  # 12: 2 pi
        .rz(w[6], 0)  # 13: commutes with Z
    )
    weights = np.concatenate([LIVE, [0.9, 1.1, 2 * np.pi, -0.3]])
    return QuantumModel(circuit, x, list(w)[:7], Z(0)), weights


def targets(X):
    return QuantumModel(live_circuit(), x, list(w)[:3], Z(0)).forward(X, LIVE)


class TestDeadGates:
    def test_inserted_ones_are_removed_and_no_other(self):
        model, weights = with_dead_gates()
        X = rows()
        pruned = prune_circuit(model, X, targets(X), weights=weights, tolerance=0, random_state=0)
        assert pruned.removed == (0, 1, 6, 7, 9, 10, 12, 13)
        assert pruned.circuit.operations == live_circuit().operations
        assert np.array_equal(pruned.weights, LIVE)
        assert pruned.dead == ("w[3]", "w[4]", "w[6]")
        assert pruned.two_qubit_gates == (5, 1)
        assert pruned.loss_before < 1e-25
        assert pruned.loss_after < 1e-12
        assert str(pruned).startswith("14 gates before, 6 after; two-qubit gates: 5 before, 1 after\nloss ")

    @pytest.mark.parametrize("seed", range(5))
    def test_live_ones_never(self, seed):
        rng = np.random.default_rng(seed)
        model = QuantumModel(live_circuit(), x, list(w)[:3], Z(0))
        weights = rng.uniform(0.3, 1.2, 3)
        X = rows(seed=seed)
        pruned = prune_circuit(model, X, model.forward(X, weights), weights=weights, tolerance=1e-4, random_state=seed)
        assert pruned.removed == ()
        assert pruned.circuit == live_circuit()

    def test_expectations_equal_those_of_the_whole_circuit_by_qiskit(self):
        model, weights = with_dead_gates()
        X = rows(4)
        pruned = prune_circuit(model, X, targets(X), weights=weights, tolerance=0, random_state=0)
        outputs = pruned.model.forward(X, pruned.weights)
        circuit = model.circuit.to_qiskit()
        values = {p.name: value for p, value in zip(model.weights, weights, strict=True)}
        for row, output in zip(X, outputs, strict=True):
            known = values | {"x[0]": row[0], "x[1]": row[1]}
            state = Statevector(circuit.assign_parameters({p: known[p.name] for p in circuit.parameters}))
            assert abs(output[0] - state.expectation_value(SparsePauliOp("IIZ")).real) < EQUAL

    def test_a_weight_of_two_gates_stays_with_one_of_them(self):
        circuit = Circuit(1).rz(w[0], 0).ry(x[0], 0).rx(w[0], 0)
        model = QuantumModel(circuit, x, w[0], Z(0))
        X = rows()
        pruned = prune_circuit(model, X, model.forward(X, [0.6]), weights=[0.6], tolerance=0)
        assert [operation.gate.name for operation in pruned.circuit] == ["ry", "rx"]
        assert pruned.weights.tolist() == [0.6]

    def test_tolerance_is_for_all_removals_together(self):
        model, X = QuantumModel(live_circuit(), x, list(w)[:3], Z(0)), rows()
        y = targets(X)
        ends = []
        for tolerance in (0.0, 0.05, 0.2, 10.0):
            pruned = prune_circuit(model, X, y, weights=LIVE, tolerance=tolerance)
            assert pruned.loss_after <= pruned.loss_before + tolerance + 1e-12
            assert pruned.loss_after == pytest.approx(np.mean((pruned.model.forward(X, pruned.weights) - y) ** 2))
            ends.append(len(pruned.circuit))
        assert ends == sorted(ends, reverse=True)
        assert (ends[0], ends[-1]) == (6, 0)

    def test_probabilities(self):
        model = QuantumModel(Circuit(2).rz(w[0], 0).ry(x[0], 0).rx(w[1], 1), x, list(w)[:2], outputs="probabilities")
        X, weights = rows(), [0.4, 0.8]
        pruned = prune_circuit(model, X, model.forward(X, weights), weights=weights, tolerance=0)
        assert pruned.removed == (0,)
        assert np.abs(pruned.model.forward(X, pruned.weights) - model.forward(X, weights)).max() < EQUAL


class TestEstimators:
    def test_smaller_estimator_predicts_and_is_a_file(self, tmp_path):
        X = rows(60)
        y = (X[:, 0] > 0).astype(int)
        clf = VariationalClassifier(n_layers=2, epochs=20, random_state=0).fit(X, y)
        pruned = prune_circuit(clf, X, y, tolerance=0.02, random_state=0)
        assert len(pruned.circuit) < len(clf.circuit_)
        loss = pruned.estimator.losses_at(X, y, pruned.estimator.weights_[None])[0]
        assert loss == pruned.loss_after <= clf.losses_at(X, y, clf.weights_[None])[0] + 0.02 + 1e-12
        assert pruned.estimator.circuit_ == pruned.circuit
        assert clf.model is None
        assert pruned.estimator.score(X, y) > 0.9
        pruned.estimator.save(tmp_path / "model.qumba")
        assert np.array_equal(load(tmp_path / "model.qumba").predict_proba(X), pruned.estimator.predict_proba(X))

    @pytest.mark.filterwarnings("ignore:5 features were replaced by 2 principal components")
    @pytest.mark.parametrize("feature_map", ["angle", "zz", "amplitude"])
    def test_a_clone_scales_and_reduces_features_as_before(self, feature_map):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(60, 2)) @ rng.normal(size=(2, 5)) + rng.normal(0, 0.05, (60, 5)) + 1.0
        y = X[:, 0] - X[:, 1] > 0
        n_qubits = 1 if feature_map == "amplitude" else 2
        clf = VariationalClassifier(feature_map, n_qubits=n_qubits, n_layers=2, reduction="components", random_state=0)
        pruned = prune_circuit(clf.set_params(epochs=20).fit(X, y), X, y, tolerance=0.01, random_state=0)
        again = clone(pruned.estimator).fit(X, y)
        assert again.circuit_ == pruned.circuit
        assert np.array_equal(again.scaling_(X), clf.scaling_(X))
        assert again.explained_variance_ratio_ == clf.explained_variance_ratio_
        components = PCA(2).fit_transform((X - X.mean(axis=0)) / X.std(axis=0))
        if feature_map != "amplitude":  # whose features are not centred
            spread = np.abs(np.corrcoef(again.scaling_(X).T, components.T)[:2, 2:])
            assert np.diag(spread).min() > 0.9  # an arctangent bends the components

    def test_with_its_own_predictions_as_targets_they_stay(self):
        X = rows(60)
        model = QuantumModel(with_dead_gates()[0].circuit, x, list(w)[:7], Z(0))
        reg = VariationalRegressor(model=model, epochs=20, random_state=0).fit(X, np.cos(X[:, 0]) * np.sin(X[:, 1]))
        pruned = prune_circuit(reg, X, reg.predict(X), tolerance=0, random_state=0)
        assert pruned.removed == (0, 1, 6, 7, 9, 10, 13)  # 12 has not been trained to a full turn
        assert np.abs(pruned.estimator.predict(X) - reg.predict(X)).max() < EQUAL

    def test_a_redundant_weight_is_removed_with_training(self):
        """Two rotations about one axis: neither can go by itself, but one can take the angle of both."""
        X = rows(60)
        y = np.cos(X[:, 0] + 0.8) + 0.2 * X[:, 1]
        circuit = Circuit(2).ry(x[0], 0).ry(x[1], 1).ry(w[0], 0).ry(w[1], 0).ry(w[2], 1)
        model = QuantumModel(circuit, x, list(w)[:3], [Z(0), Z(1)])
        reg = VariationalRegressor(model=model, epochs=60, learning_rate=0.1, weight_decay=0.0, random_state=0)
        reg.fit(X, y)
        plain = prune_circuit(reg, X, y, tolerance=1e-4, random_state=0)
        assert plain.removed == ()
        trained = prune_circuit(reg, X, y, tolerance=1e-4, epochs=60, random_state=0)
        assert trained.removed in ((2,), (3,))
        assert trained.loss_after <= trained.loss_before + 1e-4
        assert trained.estimator.epochs == 60
        assert trained.estimator.warm_start is False

    def test_layers_before_the_circuit_stay_and_then_no_estimator_takes_the_circuit(self):
        X = rows(60)
        y = (X[:, 0] > 0).astype(int)
        clf = DressedClassifier(n_qubits=2, n_layers=2, epochs=20, random_state=0).fit(X, y)
        pruned = prune_circuit(clf, X, y, tolerance=0.05)
        assert pruned.estimator is None
        assert len(pruned.removed) > 0
        assert pruned.model.num_weights == len(pruned.weights)

    def test_same_seed_gives_the_same_circuit(self):
        X = rows(40)
        y = (X[:, 0] > 0).astype(int)
        clf = VariationalClassifier(n_layers=2, epochs=10, random_state=0).fit(X, y)
        first, again = (prune_circuit(clf, X, y, tolerance=0.02, epochs=5, random_state=0) for _ in range(2))
        assert first.removed == again.removed
        assert np.array_equal(first.weights, again.weights)


class TestBadInput:
    def test_models_without_a_trained_circuit(self):
        X = rows(20)
        y = (X[:, 0] > 0).astype(int)
        with pytest.raises(TypeError, match="a diagnosis needs an estimator"):
            prune_circuit(LogisticRegression().fit(X, y), X, y)
        with pytest.raises(TypeError, match="expected a fitted estimator that trains a network with one circuit"):
            prune_circuit(QuantumKernelClassifier().fit(X, y), X, y)
        with pytest.raises(NotFittedError):
            prune_circuit(VariationalClassifier(), X, y)

    def test_settings_and_shapes(self):
        model, weights = with_dead_gates()
        X = rows(5)
        y = targets(X)
        for settings, message in (
            ({}, r"weights of shape \(7,\) are needed"),
            ({"weights": weights[1:]}, r"weights must have shape \(7,\), got \(6,\)"),
            ({"weights": weights, "tolerance": -1}, "tolerance expects a finite number of 0 or more, got -1"),
            ({"weights": weights, "epochs": 3}, "needs an estimator, which knows how to train"),
            ({"weights": weights, "epochs": -1}, "epochs expects an integer of 0 or more"),
            ({"weights": weights, "loss": "msee"}, "mse"),
        ):
            with pytest.raises(ValueError, match=message):
                prune_circuit(model, X, y, **settings)
        with pytest.raises(ValueError, match="one target per row: expected 5, got"):
            prune_circuit(model, X, y[1:], weights=weights)
        with pytest.raises(ValueError, match="X contains NaN"):
            prune_circuit(model, X * np.nan, y, weights=weights)
        with pytest.raises(ValueError, match="the loss must be finite"):
            prune_circuit(model, X, y * np.nan, weights=weights)
