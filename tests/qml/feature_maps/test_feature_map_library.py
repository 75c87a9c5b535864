"""Feature maps that Qiskit lacks: against PennyLane's states, and dense matrices made from the papers' formulas."""

from functools import reduce

import numpy as np
import pytest
from scipy.linalg import expm, sqrtm
from scipy.special import eval_chebyt, eval_chebyu

from qml import VariationalClassifier
from qml.feature_maps import (
    FEATURE_MAPS,
    AngleMap,
    ChebyshevMap,
    HamiltonianMap,
    HighDimensionalMap,
    HubregtsenMap,
    QAOAMap,
    get_feature_map,
)
from qml.kernels import FidelityKernel
from simulator.circuit import Circuit
from simulator.errors import CircuitError
from tests.qml.feature_maps.samples import samples_for

FEATURES = np.array([0.3, -0.7, 1.1])

I2, PAULI = np.eye(2), {
    "x": np.array([[0, 1], [1, 0]]),
    "y": np.array([[0, -1j], [1j, 0]]),
    "z": np.array([[1, 0], [0, -1]]),
}  # fmt: skip
HADAMARD = np.array([[1, 1], [1, -1]]) / np.sqrt(2)

# default.qubit of PennyLane 0.45, its first wire made the last bit of the index.
PENNYLANE = {
    "iqp": [
        0.730198135266 + 0.067470782331j, -0.055621862356 - 0.101902443333j, 0.221836124094 - 0.216029147744j,
        0.069015899363 - 0.04661272283j, 0.161580991061 - 0.419751070536j, -0.045687194071 - 0.113606683339j,
        0.014800409791 + 0.325310263232j, 0.147070519172 + 0.031558598531j,
    ],  # IQPEmbedding([0.3, -0.7, 1.1], n_repeats=2)
    "iqp neighbours": [
        0.350094222881 + 0.049335941316j, 0.344243055261 + 0.080602226425j, 0.01088642476 - 0.353385746396j,
        0.18201594818 - 0.30310096438j, 0.315216991237 + 0.160119481749j, 0.299549917196 + 0.187802681311j,
        0.334476478199 + 0.114566511387j, 0.235983745171 + 0.263271099848j,
    ],  # IQPEmbedding([0.3, -0.7, 1.1], pattern=[[0, 1], [1, 2]])
    "qaoa 3": [
        0.320331538072 + 0.180693697485j, 0.076863602504 - 0.026298900421j, -0.428214118285 + 0.433869146386j,
        0.127137133148 + 0.458535179854j, 0.25859068927 + 0.255118694303j, 0.20740798014 + 0.113211611444j,
        -0.085913450393 + 0.153071993069j, 0.03250575552 + 0.201125102028j,
    ],  # QAOAEmbedding([0.3, -0.7], [[0.1, ..., 0.6], [-0.6, 0.7, -0.8, 0.9, -1.0, 1.1]], wires=range(3))
    "qaoa 2": [
        0.784245754315 - 0.049171073128j, -0.004933563498 - 0.331573786748j,
        -0.007431480859 + 0.480825160469j, 0.203289617245 + 0.000745635195j,
    ],  # QAOAEmbedding([0.3, -0.7], [[0.1, 0.2, 0.3]], wires=range(2), local_field="X")
    "qaoa 1": [0.709198894087 - 0.598390814752j, 0.036971585638 - 0.370942668483j],
    # QAOAEmbedding([0.3], [[0.4], [0.9]], wires=range(1), local_field="Z")
    "hubregtsen": [
        0.693059108911 + 0.561394433843j, 0.045939240113 - 0.232968980471j, 0.234774927893 + 0.165217688201j,
        0.038082795506 + 0.065423733835j, 0.077535666034 - 0.151268930686j, 0.102367709074 + 0.030336995601j,
        0.023998962099 + 0.115588357825j, -0.068003569493 + 0.033451933661j,
    ],  # the ansatz of its kernel-training tutorial: 3 wires, 2 layers, features 0.3 and -0.7, parameters 0.1 ... 1.2
    "angle x": [
        0.791845722502, -0.119675775939j, 0.289046252223j, 0.043685068359,
        -0.485484740586j, -0.073373842132, 0.177215764119, -0.026783543154j,
    ],  # AngleEmbedding([0.3, -0.7, 1.1], rotation="X")
    "angle y": [
        0.791845722502, 0.119675775939, -0.289046252223, -0.043685068359,
        0.485484740586, 0.073373842132, -0.177215764119, -0.026783543154,
    ],  # the same, rotation="Y"
    "angle z": [
        0.332118407658 - 0.121232682453j, 0.353111540919 - 0.017670304755j, 0.175917931043 - 0.306680422488j,
        0.25869108045 - 0.240995694766j, 0.25869108045 + 0.240995694766j, 0.175917931043 + 0.306680422488j,
        0.353111540919 + 0.017670304755j, 0.332118407658 + 0.121232682453j,
    ],  # Hadamards, then the same, rotation="Z"
}  # fmt: skip


def state(feature_map, features, num_qubits=None, weights=()):
    encoding = feature_map.encoding(len(features), num_qubits)
    values = dict(zip(encoding.inputs, encoding.angles(np.atleast_2d(features))[0], strict=True))
    return encoding.circuit.statevector(values | dict(zip(encoding.weights, weights, strict=True)))


def on(num_qubits, matrices):
    """Kronecker product with ``matrices[q]`` on qubit q; qubit 0 is the last factor."""
    return reduce(np.kron, [matrices.get(q, I2) for q in reversed(range(num_qubits))])


def rotation(axis, angle):
    return expm(-0.5j * angle * PAULI[axis])


def assert_same_state(ours, expected):
    assert np.linalg.norm(expected) == pytest.approx(1, abs=1e-9)
    assert abs(np.vdot(ours, expected)) == pytest.approx(1, abs=1e-10)


class TestAgainstPennyLane:
    @pytest.mark.parametrize(
        ("name", "feature_map", "num_features", "num_qubits", "weights"),
        [
            ("iqp", get_feature_map("iqp", reps=2), 3, 3, ()),
            ("iqp neighbours", get_feature_map("iqp", reps=1, entanglement="linear"), 3, 3, ()),
            ("qaoa 3", QAOAMap(), 2, 3, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, -0.6, 0.7, -0.8, 0.9, -1.0, 1.1]),
            ("qaoa 2", QAOAMap(reps=1, local_field="x"), 2, 2, [0.1, 0.2, 0.3]),
            ("qaoa 1", QAOAMap(local_field="z"), 1, 1, [0.4, 0.9]),
            ("hubregtsen", HubregtsenMap(), 2, 3, np.arange(1, 13) / 10),
            ("angle x", AngleMap("x"), 3, 3, ()),
            ("angle y", AngleMap("y"), 3, 3, ()),
            ("angle z", AngleMap("z"), 3, 3, ()),
        ],
        ids=str,
    )
    def test_same_state(self, name, feature_map, num_features, num_qubits, weights):
        assert_same_state(state(feature_map, FEATURES[:num_features], num_qubits, weights), np.array(PENNYLANE[name]))


class TestChebyshev:
    @pytest.mark.parametrize("x", [-1.0, -0.3, 0.0, 0.8, 1.0])
    def test_amplitudes_are_chebyshev_polynomials(self, x):
        """T_d(x) and sqrt(1 - x^2) U_{d-1}(x), of degree d = q + 1 on qubit q."""
        factors = [
            np.array([eval_chebyt(d, x), np.sqrt(1 - x * x) * eval_chebyu(d - 1, x)]).reshape(2, 1) for d in (3, 2, 1)
        ]
        np.testing.assert_allclose(state(ChebyshevMap(), [x], 3), reduce(np.kron, factors)[:, 0], atol=1e-12)

    def test_without_a_tower_all_degrees_are_one(self):
        expected = Circuit(3).ry(2 * np.arccos(0.2), 0).ry(2 * np.arccos(-0.4), 1).ry(2 * np.arccos(0.2), 2)
        np.testing.assert_allclose(state(ChebyshevMap(tower=False), [0.2, -0.4], 3), expected.statevector(), atol=1e-12)

    def test_features_outside_the_domain(self):
        encoding = ChebyshevMap().encoding(2)
        with pytest.raises(ValueError, match="column 1 has -1.01 in row 0"):
            encoding.angles([[0.0, -1.01]])


class TestHubregtsen:
    def test_features_go_around_qubits_and_layers(self):
        encoding = HubregtsenMap(reps=2).encoding(3, num_qubits=2)
        x, v = encoding.inputs, encoding.weights
        layer = Circuit(2).h(0).rz(x[0], 0).ry(v[0], 0).h(1).rz(x[1], 1).ry(v[1], 1).crz(v[2], 0, 1)
        layer = layer.h(0).rz(x[2], 0).ry(v[3], 0).h(1).rz(x[0], 1).ry(v[4], 1).crz(v[5], 0, 1)
        assert encoding.circuit == layer

    def test_too_many_features(self):
        with pytest.raises(CircuitError, match="at most 4 features on 2 qubits, got 5"):
            HubregtsenMap(reps=2).encoding(5, num_qubits=2)

    def test_weights_of_a_kernel_that_is_not_trained(self):
        encoding = HubregtsenMap(reps=50).encoding(4)
        weights = encoding.initial_weights(np.random.default_rng(0))
        assert weights.shape == (50 * 8,)
        assert 0 <= weights.min() < 0.2
        assert 6.1 < weights.max() < 2 * np.pi


class TestHighDimensional:
    @pytest.mark.parametrize(("num_features", "num_qubits", "layers"), [(7, 3, 2), (18, 3, 2), (20, 3, 3), (1, 2, 2)])
    def test_against_dense_matrices(self, num_features, num_qubits, layers):
        features = np.random.default_rng(num_features).uniform(-1, 1, num_features)
        iswap = np.array([[1, 0, 0, 0], [0, 0, 1j, 0], [0, 1j, 0, 0], [0, 0, 0, 1]])
        root = sqrtm(iswap)
        expected = on(num_qubits, dict.fromkeys(range(num_qubits), HADAMARD))[:, 0]
        stream = np.resize(features, 3 * layers * num_qubits)
        for layer in range(layers):
            if layer:
                for first in [*range(0, num_qubits - 1, 2), *range(1, num_qubits - 1, 2)]:
                    low, high = np.eye(1 << first), np.eye(1 << (num_qubits - first - 2))
                    expected = np.kron(high, np.kron(root, low)) @ expected
            for q in range(num_qubits):
                a, b, c = stream[3 * (layer * num_qubits + q) :][:3]
                expected = on(num_qubits, {q: rotation("z", c) @ rotation("y", b) @ rotation("z", a)}) @ expected
        assert_same_state(state(HighDimensionalMap(), features, num_qubits), expected)

    @pytest.mark.parametrize(("num_features", "num_qubits"), [(1, 2), (12, 2), (13, 3), (67, 12)])
    def test_fewer_qubits_than_features(self, num_features, num_qubits):
        assert HighDimensionalMap().encoding(num_features).circuit.num_qubits == num_qubits

    def test_the_67_features_of_the_paper_fit_its_17_qubits(self):
        encoding = HighDimensionalMap().encoding(67, num_qubits=17)
        assert len(encoding.inputs) == len(encoding.circuit.parameters) == 67

    def test_given_layers_can_be_full(self):
        with pytest.raises(CircuitError, match="at most 6 features on 2 qubits, got 7"):
            HighDimensionalMap(reps=1).encoding(7, num_qubits=2)


class TestHamiltonian:
    @pytest.mark.parametrize(("steps", "time"), [(1, None), (3, 0.7), (20, None)])
    def test_against_matrix_exponentials(self, steps, time):
        start = state(HamiltonianMap(seed=5), np.zeros(3))
        duration = 1.0 if time is None else time  # three features
        step = np.eye(16)
        for j, x in enumerate(FEATURES):
            coupling = sum(on(4, {j: pauli, j + 1: pauli}) for pauli in PAULI.values())
            step = expm(-1j * duration / steps * x * coupling) @ step
        expected = np.linalg.matrix_power(step, steps) @ start
        assert_same_state(state(HamiltonianMap(steps, time, seed=5), FEATURES), expected)

    def test_converges_to_the_evolution_under_the_sum(self):
        hamiltonian = sum(
            x * on(4, {j: pauli, j + 1: pauli}) for j, x in enumerate(FEATURES) for pauli in PAULI.values()
        )
        expected = expm(-1j * hamiltonian) @ state(HamiltonianMap(), np.zeros(3))
        errors = [1 - abs(np.vdot(expected, state(HamiltonianMap(steps), FEATURES))) for steps in (5, 10, 20)]
        assert errors[0] > 3 * errors[1] > 9 * errors[2] > 0

    def test_first_states_are_products_drawn_uniformly_from_the_sphere(self):
        z = []
        for seed in range(200):
            psi = state(HamiltonianMap(seed=seed), np.zeros(1))
            assert np.linalg.svd(psi.reshape(2, 2), compute_uv=False)[1] < 1e-12
            qubit = psi.reshape(2, 2)
            z.append(np.sum(np.abs(qubit[:, 0]) ** 2) - np.sum(np.abs(qubit[:, 1]) ** 2))
        counts, _ = np.histogram(z, bins=4, range=(-1, 1))
        assert counts.min() > 30  # of 50 expected; Archimedes: heights on a sphere are uniform

    def test_takes_a_qubit_more_than_features(self):
        with pytest.raises(CircuitError, match="at most 2 features on 3 qubits, got 3"):
            HamiltonianMap().encoding(3, num_qubits=3)


@pytest.mark.parametrize("name", FEATURE_MAPS)
def test_every_map_trains_a_classifier(name):
    rng = np.random.default_rng(0)
    X = np.repeat([[1.0, 0.0], [0.0, 1.0]], 20, axis=0) + rng.normal(0, 0.2, (40, 2))
    y = np.repeat([0, 1], 20)
    settings = {"n_qubits": 3, "n_layers": 2, "epochs": 20, "batch_size": 8, "random_state": 0}
    X = samples_for(name, X)
    classifier = VariationalClassifier(feature_map=name, **settings).fit(X, y)
    assert classifier.score(X, y) > 0.9


@pytest.mark.parametrize("name", FEATURE_MAPS)
def test_every_map_makes_a_kernel(name):
    X = samples_for(name, np.random.default_rng(1).uniform(-1, 1, (12, 3)))
    kernel = FidelityKernel(name, random_state=0).fit(X)
    K = kernel(X)
    np.testing.assert_allclose(np.diag(K), 1, atol=1e-12)
    assert np.linalg.eigvalsh(K)[0] > -1e-12
    states = kernel.states(X)
    np.testing.assert_allclose(K, np.abs(states @ states.conj().T) ** 2, atol=1e-12)
    assert K[np.triu_indices(12, 1)].std() > 0.01


def test_a_kernel_names_the_column_outside_the_domain():
    with pytest.raises(ValueError, match=r"from -1 to 1.*column 2 has 1.5 in row 1"):
        FidelityKernel("chebyshev")([[0.0, 0.0, 0.0], [0.0, 1.0, 1.5]])


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (QAOAMap, {"reps": 0}),
        (QAOAMap, {"local_field": "w"}),
        (HubregtsenMap, {"reps": 1.5}),
        (HighDimensionalMap, {"reps": -1}),
        (HamiltonianMap, {"steps": 0}),
        (HamiltonianMap, {"time": np.inf}),
    ],
    ids=str,
)
def test_settings_that_make_no_sense(kind, settings):
    with pytest.raises(CircuitError, match=next(iter(settings))):
        kind(**settings)
