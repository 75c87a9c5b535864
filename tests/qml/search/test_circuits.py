"""Evolved circuits on labels with a known circuit, on Qiskit's devices, and against Qiskit's expectations."""

import numpy as np
import pandas as pd
import pytest
from qiskit import transpile
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit.transpiler import CouplingMap
from sklearn.base import clone

from qml import VariationalClassifier, VariationalRegressor, load
from qml.search import search_circuit
from qml.search.layouts import Place, Space, coupled_pairs
from simulator.errors import CircuitError, ObservableError, UnknownNameError

EQUAL = 1e-10
"""Largest difference of expectations from Qiskit's."""

SMALL = {"n_qubits": 2, "generations": 1, "population": 3, "epochs": 3, "final_epochs": 3, "random_state": 0}


def entangled_rows(count, seed=0):
    """Labels by the sign of <Z_1> after RX(x_0) on qubit 0, RX(x_1) on qubit 1 and a CX, which is cos x_0 cos x_1."""
    X = np.random.default_rng(seed).uniform(0, np.pi, (count, 2))
    return X, (np.cos(X[:, 0]) * np.cos(X[:, 1]) > 0).astype(int)


def two_qubit_gates(circuit):
    return sum(len(instruction.qubits) > 1 for instruction in circuit.data)


@pytest.fixture(scope="module")
def solved():
    X, y = entangled_rows(160)
    return search_circuit(X, y, n_qubits=2, encoding="own", generations=8, max_gates=12, random_state=1)


class TestKnownCircuit:
    def test_is_solved_with_entanglement(self, solved):
        X_test, y_test = entangled_rows(400, seed=7)
        assert solved.best.two_qubit_gates >= 1
        assert solved.estimator.score(X_test, y_test) > 0.93

    def test_is_not_solved_without_pairs(self):
        """Without entanglement the output is a sum of functions of one feature, at chance for this product."""
        X, y = entangled_rows(160)
        result = search_circuit(
            X, y, n_qubits=2, encoding="own", coupling_map=[], generations=8, max_gates=12, random_state=1
        )
        X_test, y_test = entangled_rows(400, seed=7)
        assert all(record.two_qubit_gates == 0 for record in result.history)
        assert result.estimator.score(X_test, y_test) < 0.75

    def test_a_price_above_every_gain_leaves_no_two_qubit_gate(self):
        X, y = entangled_rows(60)
        result = search_circuit(X, y, penalty=1.0, **SMALL)
        assert result.best.two_qubit_gates == 0
        assert result.history[0].two_qubit_gates == 0

    def test_result_agrees_with_itself(self, solved):
        best = max(solved.history, key=lambda record: (record.value, -record.loss))
        assert best == solved.best
        assert best.value == pytest.approx(best.score - 0.01 * best.two_qubit_gates)
        assert len(solved.circuit) == best.gates <= 12
        assert two_qubit_gates(solved.circuit.to_qiskit()) == best.two_qubit_gates
        assert solved.estimator.model_ is solved.model
        assert np.array_equal(solved.estimator.weights_[: solved.model.num_weights], solved.weights)
        assert "best of 108 layouts in 9 generations" in str(solved)
        assert "flattering" in str(solved)

    def test_features_stay_on_their_own_qubits(self, solved):
        for operation in solved.circuit:
            names = [p.name for angle in operation.angles for p in angle.terms if p.name.startswith("x")]
            assert all(name == f"x[{operation.qubits[0]}]" for name in names)

    def test_is_a_model_file(self, solved, tmp_path):
        X, _ = entangled_rows(20)
        solved.estimator.save(tmp_path / "model.qumba")
        assert np.array_equal(load(tmp_path / "model.qumba").predict_proba(X), solved.estimator.predict_proba(X))

    def test_clone_trains_the_same_circuit(self, solved):
        X, y = entangled_rows(60)
        again = clone(solved.estimator).set_params(epochs=2).fit(X, y)
        assert again.circuit_ == solved.circuit

    def test_plot(self, solved, tmp_path):
        figure = solved.plot(tmp_path / "search.png")
        assert (tmp_path / "search.png").stat().st_size > 1000
        points = figure.axes[1].lines[0].get_xydata()
        assert sorted(map(tuple, points)) == sorted((r.two_qubit_gates, r.score) for r in solved.history)


def test_expectations_equal_qiskits(solved):
    rows = np.random.default_rng(3).uniform(-1.5, 1.5, (4, 2))
    outputs = solved.model.forward(rows, solved.weights)
    circuit = solved.circuit.to_qiskit()
    weights = dict(zip([p.name for p in solved.model.weights], solved.weights, strict=True))
    for row, output in zip(rows, outputs, strict=True):
        values = weights | {f"x[{k}]": value for k, value in enumerate(row)}
        state = Statevector(circuit.assign_parameters({p: values[p.name] for p in circuit.parameters}))
        expected = [state.expectation_value(SparsePauliOp(label)).real for label in ("IZ", "ZI")]
        assert np.abs(output - expected).max() < EQUAL


class TestCouplingMap:
    LINE = ((0, 1), (1, 2), (2, 3))

    @pytest.mark.parametrize("kind", ["pairs", "CouplingMap"])
    def test_transpiler_adds_no_two_qubit_gate(self, kind):
        """Also Qiskit's least optimising transpiler, with qubit k on qubit k of the device."""
        X = np.random.default_rng(0).uniform(-1, 1, (60, 4))
        y = (X[:, 0] * X[:, 3] > 0).astype(int)
        device = CouplingMap([pair for a, b in self.LINE for pair in ((a, b), (b, a))])
        coupling = list(device.get_edges()) if kind == "pairs" else device
        settings = SMALL | {"n_qubits": 4, "generations": 3, "penalty": 0.0}
        result = search_circuit(X, y, coupling_map=coupling, **settings)
        exported = result.circuit.to_qiskit()
        assert two_qubit_gates(exported) > 0
        compiled = transpile(
            exported,
            coupling_map=device,
            initial_layout=range(4),
            basis_gates=["cx", "cz", "rx", "ry", "rz"],
            optimization_level=0,
        )
        assert two_qubit_gates(compiled) == two_qubit_gates(exported) == result.best.two_qubit_gates

    def test_all_layouts_keep_to_the_pairs_and_the_size(self):
        space = Space(3, 2, ((1, 0), (1, 2)), 5, "z")
        rng = np.random.default_rng(0)
        layouts = [space.first(rng) for _ in range(20)]
        for _ in range(500):
            first, second = (layouts[int(k)] for k in rng.integers(len(layouts), size=2))
            layout = space.varied(space.crossed(first, second, rng), rng)
            layouts[int(rng.integers(len(layouts)))] = layout
            roles = [place.role for place in layout]
            assert 2 <= len(layout) <= 5
            assert "feature" in roles
            assert "weight" in roles
            assert {place.qubits for place in layout if len(place.qubits) > 1} <= {(1, 0), (1, 2)}

    @pytest.mark.parametrize("size", [2, 3])
    def test_the_smallest_layouts(self, size):
        space, rng = Space(2, 3, ((0, 1),), size, "z"), np.random.default_rng(1)
        layout = (Place("cx", (0, 1)),) * size
        for _ in range(200):
            layout = space.varied(layout, rng)
            assert {"feature", "weight"} <= {place.role for place in layout}

    def test_of_a_device_its_first_qubits_are_taken(self):
        device = CouplingMap([(0, 1), (1, 0), (1, 2), (2, 3)])
        assert coupled_pairs(device, 3) == ((0, 1), (1, 0), (1, 2))
        assert coupled_pairs(None, 2) == ((0, 1), (1, 0))
        assert coupled_pairs([], 2) == ()
        assert coupled_pairs(np.array([[1, 0]]), 2) == ((1, 0),)

    def test_backends_of_qiskit(self):
        from qiskit.providers.fake_provider import GenericBackendV2

        assert coupled_pairs(GenericBackendV2(4, coupling_map=[(0, 1), (2, 3)], seed=0), 2) == ((0, 1),)

    @pytest.mark.parametrize("pairs", [[(0, 2)], [(0, 0)], [(0, 1, 2)], [3], [(0, 0.5)], [(-1, 0)], "line", 7])
    def test_impossible_pairs(self, pairs):
        with pytest.raises(CircuitError, match="coupling_map expects pairs"):
            coupled_pairs(pairs, 2)

    def test_a_device_whose_first_qubits_are_apart(self):
        with pytest.raises(CircuitError, match="couples none of its first 2 qubits"):
            coupled_pairs(CouplingMap([(0, 2), (2, 1)]), 2)


def test_regression():
    X = np.random.default_rng(0).uniform(-1, 1, (100, 2))
    result = search_circuit(X, np.sin(2 * X[:, 0]) + 0.3 * X[:, 1], **SMALL | {"generations": 4, "epochs": 20})
    assert isinstance(result.estimator, VariationalRegressor)
    assert result.metric == "R^2"
    assert result.best.score > 0.5


def test_integers_are_classes_unless_a_task_is_given():
    X = np.random.default_rng(0).uniform(-1, 1, (30, 2))
    y = np.arange(30) % 3
    result = search_circuit(X, y, **SMALL)
    assert isinstance(result.estimator, VariationalClassifier)
    assert result.estimator.classes_.tolist() == [0, 1, 2]
    assert isinstance(search_circuit(X, y, task="regression", **SMALL).estimator, VariationalRegressor)


def test_labels_of_text():
    X, y = entangled_rows(40)
    result = search_circuit(X, np.array(["no", "yes"])[y], **SMALL)
    assert set(result.estimator.predict(X)) <= {"no", "yes"}


def test_column_names_are_learnt():
    X, y = entangled_rows(40)
    table = pd.DataFrame(X, columns=["a", "b"])
    result = search_circuit(table, pd.Series(y), **SMALL)
    assert result.estimator.feature_names_in_.tolist() == ["a", "b"]
    assert result.estimator.predict(table).shape == (40,)


def test_same_seed_gives_the_same_search():
    X, y = entangled_rows(40)
    first, again = (search_circuit(X, y, **SMALL) for _ in range(2))
    assert first.history == again.history
    assert first.circuit.to_qasm() == again.circuit.to_qasm()
    assert np.array_equal(first.weights, again.weights)
    assert search_circuit(X, y, **SMALL | {"random_state": 1}).history != first.history


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_qubits": 0}, "n_qubits expects an integer of 1 or more, got 0"),
        ({"generations": 0}, "generations expects an integer of 1 or more, got 0"),
        ({"population": 1}, "population expects an integer of 2 or more, got 1"),
        ({"max_gates": 1}, "max_gates expects an integer of 2 or more, got 1"),
        ({"epochs": 0}, "epochs expects an integer of 1 or more, got 0"),
        ({"final_epochs": 0}, "final_epochs expects an integer of 1 or more, got 0"),
        ({"penalty": -0.1}, "penalty expects a finite number of 0 or more, got -0.1"),
        ({"penalty": np.nan}, "penalty expects a finite number of 0 or more, got nan"),
        ({"held_out": 1.0}, "held_out expects a number between 0 and 1, got 1.0"),
    ],
)
def test_settings_out_of_range(settings, message):
    X, y = entangled_rows(20)
    with pytest.raises(ValueError, match=message):
        search_circuit(X, y, **SMALL | settings)


def test_unknown_names_are_told_with_the_nearest():
    X, y = entangled_rows(20)
    with pytest.raises(UnknownNameError, match="classification"):
        search_circuit(X, y, task="clasification", **SMALL)
    with pytest.raises(UnknownNameError, match="own"):
        search_circuit(X, y, encoding="owns", **SMALL)
    with pytest.raises(ObservableError, match="Pauli strings"):
        search_circuit(X, y, observables="q", **SMALL)


def test_data_that_cannot_be_searched():
    X, y = entangled_rows(20)
    with pytest.raises(ValueError, match="at least 8 rows"):
        search_circuit(X[:7], y[:7], **SMALL)
    with pytest.raises(ValueError, match="at least 2 classes of at least 2 rows"):
        search_circuit(X, np.zeros(20, int), **SMALL)
    with pytest.raises(ValueError, match="0: 19, 1: 1"):
        search_circuit(X, (np.arange(20) == 3).astype(int), **SMALL)
    with pytest.raises(ValueError, match="fewer rows than the 5 classes"):
        search_circuit(X, np.arange(20) % 5, held_out=0.1, **SMALL)
    with pytest.raises(ValueError, match="NaN"):
        search_circuit(np.where(X > 3, np.nan, X * np.nan), y, **SMALL)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        search_circuit(X, y[:-1], **SMALL)
