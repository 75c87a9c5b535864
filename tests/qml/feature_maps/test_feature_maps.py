"""Feature maps against Qiskit's library and closed forms; data functions against central differences."""

import math

import numpy as np
import pytest
from qiskit.circuit.library import pauli_feature_map, z_feature_map, zz_feature_map
from qiskit.quantum_info import Statevector

from qml.entanglement import PATTERNS, entangled_groups
from qml.feature_maps import FEATURE_MAPS, AmplitudeMap, AngleMap, Encoding, PauliMap, get_feature_map
from qml.feature_maps.data_functions import (
    Amplitudes,
    OwnFunction,
    Products,
    SubsetFunction,
    check_pullback,
)
from qml.feature_maps.domains import ArcCosines
from qml.models.layered import layered_model
from qml.models.observables import readout_observables
from simulator.circuit import Circuit
from simulator.errors import CircuitError, ObservableError, ParameterError, UnknownNameError
from simulator.observables import X, Z
from simulator.parameters import Parameter

PATTERNS_OF_PAIRS = (*PATTERNS, [(0, 2), (1, 0)])


def state(encoding: Encoding, features: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    values = dict(zip(encoding.inputs, encoding.angles(np.atleast_2d(features))[0], strict=True))
    if weights is None:
        weights = encoding.initial_weights(np.random.default_rng(0))
    return encoding.circuit.statevector(values | dict(zip(encoding.weights, weights, strict=True)))


def overlap(ours: np.ndarray, circuit, features: np.ndarray) -> float:
    return abs(np.vdot(ours, Statevector(circuit.assign_parameters(features)).data))


class TestAgainstQiskit:
    @pytest.mark.parametrize("num_features", [1, 2, 3, 4])
    @pytest.mark.parametrize("reps", [1, 2])
    def test_z(self, num_features, reps):
        features = np.random.default_rng(num_features).uniform(0, 6, num_features)
        ours = state(get_feature_map("z", reps=reps).encoding(num_features), features)
        assert overlap(ours, z_feature_map(num_features, reps=reps), features) == pytest.approx(1, abs=1e-12)

    @pytest.mark.parametrize("entanglement", PATTERNS_OF_PAIRS, ids=str)
    @pytest.mark.parametrize("num_features", [3, 4, 5])
    def test_zz(self, num_features, entanglement):
        features = np.random.default_rng(num_features).uniform(0, 6, num_features)
        ours = state(get_feature_map("zz", reps=3, entanglement=entanglement).encoding(num_features), features)
        pairs = (
            entanglement if isinstance(entanglement, str) else {1: [(q,) for q in range(num_features)], 2: entanglement}
        )
        qiskit = zz_feature_map(num_features, reps=3, entanglement=pairs)
        assert overlap(ours, qiskit, features) == pytest.approx(1, abs=1e-12)

    @pytest.mark.parametrize(
        "paulis", [["Z", "XX"], ["X", "Y", "ZZ"], ["XZ"], ["YZX", "Z"], ["Z", "YX", "ZZZ"]], ids=str
    )
    def test_any_pauli_strings(self, paulis):
        features = np.random.default_rng(1).uniform(0, 6, 4)
        ours = state(PauliMap(tuple(paulis), reps=2, alpha=1.3).encoding(4), features)
        qiskit = pauli_feature_map(4, reps=2, paulis=paulis, alpha=1.3)
        assert overlap(ours, qiskit, features) == pytest.approx(1, abs=1e-12)

    def test_a_data_map_of_ones_own(self):
        """One function for both: Qiskit calls it with parameters, we with the features of all samples."""

        def data_map(x):
            return 2 * x[0] if len(x) == 1 else (1 - x[0]) * x[1] * x[1]

        features = np.random.default_rng(2).uniform(-3, 3, 4)
        ours = state(get_feature_map("zz", entanglement="circular", data_map=data_map).encoding(4), features)
        qiskit = zz_feature_map(4, entanglement="circular", data_map_func=data_map)
        assert overlap(ours, qiskit, features) == pytest.approx(1, abs=1e-12)

    def test_a_data_map_that_is_none(self):
        with pytest.raises(TypeError, match="data_map expects a function or None, got 3"):
            PauliMap(data_map=3)


class TestAngleMap:
    def test_one_rotation_a_qubit_is_a_product_state(self):
        ours = state(AngleMap("y").encoding(3), np.array([0.3, -1.1, 2.0]))
        expected = np.array([1.0])
        for angle in (0.3, -1.1, 2.0):
            expected = np.kron([np.cos(angle / 2), np.sin(angle / 2)], expected)
        np.testing.assert_allclose(ours, expected, atol=1e-14)

    def test_further_features_turn_about_the_next_axis(self):
        a, b, c = 0.4, 1.2, -0.7
        ours = state(AngleMap("yz", features_per_qubit=3).encoding(3, num_qubits=1), np.array([a, b, c]))
        expected = Circuit(1).ry(a, 0).rz(b, 0).ry(c, 0).statevector()
        np.testing.assert_allclose(ours, expected, atol=1e-14)

    def test_fewer_features_than_qubits_start_again(self):
        ours = state(AngleMap("x").encoding(2, num_qubits=3), np.array([0.4, 1.2]))
        expected = Circuit(3).rx(0.4, 0).rx(1.2, 1).rx(0.4, 2).statevector()
        np.testing.assert_allclose(ours, expected, atol=1e-14)

    def test_one_axis_takes_one_feature_a_qubit(self):
        with pytest.raises(CircuitError, match=r"at most 2 features on 2 qubits, got 3"):
            AngleMap("y").encoding(3, num_qubits=2)

    def test_reuploading_takes_the_features_of_a_qubit_in_turn(self):
        encoding = AngleMap("yx", features_per_qubit=2, reupload=True).encoding(3, num_qubits=2)
        x = encoding.inputs
        assert encoding.turns == (Circuit(2).ry(x[0], 0).ry(x[1], 1), Circuit(2).rx(x[2], 0).rx(x[0], 1))
        assert encoding.circuit == encoding.turns[0] + encoding.turns[1]

    def test_as_few_qubits_as_possible(self):
        assert AngleMap("yz", features_per_qubit=2).encoding(5).circuit.num_qubits == 3

    @pytest.mark.parametrize(
        "settings",
        [
            {"axes": ""},
            {"axes": "w"},
            {"axes": "y", "features_per_qubit": 2},
            {"axes": "xyx", "features_per_qubit": 4},
            {"features_per_qubit": 0},
            {"features_per_qubit": 1.5},
        ],
        ids=str,
    )
    def test_settings_that_make_no_sense(self, settings):
        with pytest.raises(CircuitError):
            AngleMap(**settings)


class TestLayeredModel:
    def test_data_stand_once_before_all_layers(self):
        model = layered_model("angle", "basic", num_features=2, num_layers=3)
        x, w = model.inputs, model.weights
        expected = Circuit(2).ry(x[0], 0).ry(x[1], 1)
        for layer in range(3):
            expected = expected.rx(w[2 * layer], 0).rx(w[2 * layer + 1], 1).cx(0, 1)
        assert model.circuit == expected

    def test_or_again_before_each_layer_in_turn(self):
        feature_map = AngleMap(features_per_qubit=2, reupload=True)
        model = layered_model(feature_map, "basic", num_features=2, num_layers=3, num_qubits=1)
        x, w = model.inputs, model.weights
        expected = Circuit(1).ry(x[0], 0).rx(w[0], 0).ry(x[1], 0).rx(w[1], 0).ry(x[0], 0).rx(w[2], 0)
        assert model.circuit == expected
        with pytest.raises(CircuitError, match="at least 2 layers for its features, got 1"):
            layered_model(feature_map, "basic", num_features=2, num_layers=1, num_qubits=1)

    @pytest.mark.parametrize("observables", ["", "q", "z+", "z++x", "zz"])
    def test_observables_that_make_no_sense(self, observables):
        with pytest.raises(ObservableError, match="observables"):
            layered_model("angle", "basic", num_features=1, num_layers=1, observables=observables)

    def test_observables_by_name(self):
        assert readout_observables("z+xx", 3) == [Z(0), Z(1), Z(2), X(0) @ X(1), X(0) @ X(2), X(1) @ X(2)]


class TestAmplitudeMap:
    @pytest.mark.parametrize(("num_features", "num_qubits"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (16, 4), (17, 5)])
    def test_features_are_the_amplitudes(self, num_features, num_qubits):
        features = np.random.default_rng(num_features).normal(size=num_features)
        encoding = AmplitudeMap().encoding(num_features)
        assert encoding.circuit.num_qubits == num_qubits
        expected = np.zeros(1 << num_qubits)
        expected[:num_features] = features / np.linalg.norm(features)
        np.testing.assert_allclose(state(encoding, features), expected, atol=1e-14)

    def test_a_row_of_zeros_is_the_first_basis_state(self):
        np.testing.assert_array_equal(state(AmplitudeMap().encoding(3), np.zeros(3)), [1, 0, 0, 0])

    @pytest.mark.parametrize("size", [1e-200, 1e200])
    def test_huge_and_tiny_rows(self, size):
        np.testing.assert_allclose(state(AmplitudeMap().encoding(2), np.array([3.0, 4.0]) * size), [0.6, 0.8])

    def test_too_many_features(self):
        with pytest.raises(CircuitError, match="at most 4 features on 2 qubits, got 5"):
            AmplitudeMap().encoding(5, num_qubits=2)


class TestDataFunctions:
    @pytest.mark.parametrize(
        ("function", "num_features"),
        [
            (Products(((0,), (1,), (0, 2), (0, 1, 2))), 3),
            (Products(((0, 1), (1, 2)), center=0.0), 3),
            (Products(((2,), (0, 3), (2, 0, 3), (3, 2, 0, 5))), 7),
            (Amplitudes(), 4),
            (OwnFunction(np.sin, lambda X, cotangent: np.cos(X) * cotangent), 2),
        ],
        ids=["distances", "products", "unused_features", "amplitudes", "own"],
    )
    def test_pullback_is_the_derivative(self, function, num_features):
        rng = np.random.default_rng(5)
        X = rng.normal(size=(3, num_features))
        cotangent = rng.normal(size=function(X).shape)
        numeric = np.empty_like(X)
        for index in np.ndindex(*X.shape):
            step = np.zeros_like(X)
            step[index] = 1e-6
            numeric[index] = np.sum(cotangent * (function(X + step) - function(X - step))) / 2e-6
        np.testing.assert_allclose(function.pullback(X, cotangent), numeric, rtol=1e-7, atol=1e-8)

    def test_products_of_each_subset(self):
        X, subsets = np.random.default_rng(9).normal(size=(4, 5)), ((3,), (4, 1), (1, 3, 4), (0, 1), (2,))
        expected = [[row[s[0]] if len(s) == 1 else math.prod(0.5 - row[j] for j in s) for s in subsets] for row in X]
        np.testing.assert_allclose(Products(subsets, center=0.5)(X), expected, rtol=1e-14)

    def test_amplitudes_of_a_zero_row_have_no_derivative(self):
        np.testing.assert_array_equal(Amplitudes().pullback(np.zeros((1, 2)), np.ones((1, 2))), [[0, 0]])

    def test_a_derivative_that_is_not_given_is_found(self):
        X = np.random.default_rng(6).normal(size=(4, 3)) * [1, 1e3, 1e-3]
        function = OwnFunction(lambda X: np.column_stack([np.sin(X[:, 0]) * X[:, 1], X[:, 2] ** 2]))
        cotangent = np.array([[1.0, 2.0]] * 4)
        expected = np.column_stack([np.cos(X[:, 0]) * X[:, 1], np.sin(X[:, 0]), 4 * X[:, 2]])
        np.testing.assert_allclose(function.pullback(X, cotangent), expected, rtol=1e-9, atol=1e-9)

    @pytest.mark.parametrize("jacobian", [None, lambda x: np.stack([np.cos(x[0]), *np.zeros_like(x[1:])])])
    def test_function_of_subsets(self, jacobian):
        function = SubsetFunction(((0,), (2, 1)), lambda x: np.sin(x[0]), jacobian)
        X = np.random.default_rng(7).normal(size=(5, 3))
        np.testing.assert_array_equal(function(X), np.sin(X[:, [0, 2]]))
        expected = np.cos(X) * [1.0, 0.0, 10.0]
        np.testing.assert_allclose(function.pullback(X, np.array([[1.0, 10.0]] * 5)), expected, rtol=1e-9, atol=1e-9)

    def test_function_of_subsets_of_another_shape(self):
        with pytest.raises(ValueError, match=r"data map of features \(0,\) must have shape \(4,\), got \(1, 4\)"):
            SubsetFunction(((0,),), lambda x: x)(np.ones((4, 2)))
        with pytest.raises(ValueError, match=r"Jacobian of features \(0,\) must have shape \(1, 4\), got \(4,\)"):
            SubsetFunction(((0,),), lambda x: x[0], lambda x: x[0]).pullback(np.ones((4, 2)), np.ones((4, 1)))

    @pytest.mark.parametrize("data", [Products(((0,), (0, 2), (0, 1, 2))), ArcCosines(), Amplitudes()], ids=repr)
    def test_right_derivatives_pass_the_check(self, data):
        check_pullback(data, np.random.default_rng(8).uniform(-0.9, 0.9, (3, 3)))

    @pytest.mark.parametrize("factor", [-1.0, 1.001, np.nan])
    def test_wrong_derivatives_do_not(self, factor):
        wrong = OwnFunction(np.sin, lambda X, cotangent: factor * np.cos(X) * cotangent)
        with pytest.raises(ValueError, match="with respect to feature 0 is wrong: central differences give 0.8775"):
            check_pullback(wrong, np.array([[0.5, 0.7]]))

    def test_arccosines(self):
        X = np.array([[1.0, -1.0, 0.0, 0.5, 1.0 + 1e-15]])
        np.testing.assert_allclose(ArcCosines()(X), [[0, np.pi, np.pi / 2, np.pi / 3, 0]], atol=1e-15)
        assert (ArcCosines().pullback(X, np.ones_like(X))[0, [0, 1, 4]] == 0).all()
        with pytest.raises(ValueError, match="from -1 to 1.*column 1 has 1.5 in row 2"):
            ArcCosines()(np.array([[0.0, 0.0], [1.0, -1.0], [0.0, 1.5]]))


class TestEntanglement:
    def test_groups_of_ones_own_are_checked(self):
        with pytest.raises(CircuitError, match="does not fit 3 qubits"):
            entangled_groups([(0, 3)], 3)
        with pytest.raises(CircuitError, match="2 distinct qubits"):
            entangled_groups([(0, 0)], 3)

    def test_unknown_pattern(self):
        with pytest.raises(UnknownNameError, match="'linear'"):
            entangled_groups("linaer", 3)

    @pytest.mark.parametrize("pattern", PATTERNS)
    def test_one_qubit_has_nothing_to_entangle(self, pattern):
        assert entangled_groups(pattern, 1) == []


class TestRegistry:
    @pytest.mark.parametrize("name", FEATURE_MAPS)
    @pytest.mark.parametrize("num_features", [1, 2, 5])
    def test_every_map_makes_a_normalised_state(self, name, num_features):
        encoding = get_feature_map(name).encoding(num_features)
        features = np.random.default_rng(0).uniform(0.1, 1, num_features)
        if name == "basis":
            features = features.round()
        assert np.linalg.norm(state(encoding, features)) == pytest.approx(1, abs=1e-12)

    def test_an_object_passes_through(self):
        own = PauliMap(reps=1)
        assert get_feature_map(own) is own

    def test_unknown_name(self):
        with pytest.raises(UnknownNameError, match="did you mean 'angle'"):
            get_feature_map("angel")

    @pytest.mark.parametrize("wrong", [3, None, AngleMap])
    def test_neither_name_nor_map(self, wrong):
        with pytest.raises(TypeError, match="feature map expects a name or an object with"):
            get_feature_map(wrong)

    @pytest.mark.parametrize("num_features", [0, -1])
    @pytest.mark.parametrize("name", FEATURE_MAPS)
    def test_no_features(self, name, num_features):
        with pytest.raises(CircuitError, match="num_features expects an integer of 1 or more"):
            get_feature_map(name).encoding(num_features)

    @pytest.mark.parametrize("num_qubits", [0, -2, 1.5, True])
    def test_impossible_widths(self, num_qubits):
        with pytest.raises(CircuitError, match="integer of 1 or more"):
            AngleMap().encoding(1, num_qubits)

    @pytest.mark.parametrize("settings", [{"reps": 0}, {"reps": 1.5}, {"paulis": ()}, {"paulis": ("ZQ",)}], ids=str)
    def test_impossible_pauli_maps(self, settings):
        with pytest.raises(CircuitError):
            PauliMap(**settings)


class TestOwnEncoding:
    def test_its_parameters_are_inputs(self):
        x, other = Parameter("x"), Parameter("other")
        with pytest.raises(ParameterError, match="other"):
            Encoding(Circuit(1).rx(x, 0).ry(other, 0), [x])

    def test_its_weights_are_not_inputs(self):
        x = Parameter("x")
        with pytest.raises(ParameterError, match="both inputs and weights: x"):
            Encoding(Circuit(1).rx(x, 0), [x], weights=[x])

    def test_it_is_for_its_sizes(self):
        x = Parameter("x")
        own = Encoding(Circuit(2).rx(x, 0), [x])
        assert get_feature_map(own).encoding(1) is own
        with pytest.raises(CircuitError, match="takes 1 features, got 2"):
            own.encoding(2)
        with pytest.raises(CircuitError, match="on 2 qubits, got num_qubits=3"):
            own.encoding(1, 3)
