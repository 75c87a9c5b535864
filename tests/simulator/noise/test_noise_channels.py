"""Channels and noise models: physical, as documented, and as Qiskit has them."""

import json
import math
import pickle

import numpy as np
import pytest
from qiskit.quantum_info import Kraus, SuperOp

from simulator import Circuit, NoiseError, NoiseModel, PauliSum, X, Y, Z, depolarizing, gates
from simulator.noise import (
    Channel,
    amplitude_damping,
    bit_flip,
    estimate,
    fold,
    kraus,
    mitigate_readout,
    pauli_channel,
    phase_damping,
    phase_flip,
    thermal_relaxation,
    zero_noise_extrapolation,
)
from simulator.noise.readout import read_through

CHANNELS = [
    bit_flip(0.1),
    phase_flip(1.0),
    depolarizing(0.3),
    depolarizing(0.3, 2),
    *(depolarizing(4**n / (4**n - 1), n) for n in (1, 2, 3)),
    amplitude_damping(0.2),
    amplitude_damping(0.2, 0.3),
    phase_damping(0.4),
    thermal_relaxation(50, 70, 10, 0.1),
    thermal_relaxation(math.inf, 20, 3),
    pauli_channel({"XZ": 0.1, "YI": 0.2}),
    amplitude_damping(0.2).tensor(bit_flip(0.1)),
    amplitude_damping(0.2).compose(phase_damping(0.1)),
    kraus([np.diag([1, 1j])]),
]


def random_density(num_qubits, seed=0):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(2, 1 << num_qubits, 1 << num_qubits))
    matrix = matrix[0] + 1j * matrix[1]
    return matrix @ matrix.conj().T / np.trace(matrix @ matrix.conj().T).real


def applied(channel, rho):
    return sum(k @ rho @ k.conj().T for k in channel.kraus)


@pytest.mark.parametrize("channel", CHANNELS, ids=repr)
def test_channels_are_physical(channel):
    assert Kraus(list(channel.kraus)).is_cptp()
    assert pickle.loads(pickle.dumps(channel)) == channel
    assert hash(pickle.loads(pickle.dumps(channel))) == hash(channel)


@pytest.mark.parametrize("channel", CHANNELS, ids=repr)
def test_pauli_mixtures_are_found(channel):
    expected = np.abs(SuperOp(Kraus(list(channel.kraus))).data).size
    assert expected
    rho = random_density(channel.num_qubits)
    if channel.paulis is not None:
        assert math.isclose(sum(channel.paulis.values()), 1)
        mixed = pauli_channel(channel.paulis)
        np.testing.assert_allclose(applied(mixed, rho), applied(channel, rho), atol=1e-12)
    if channel.mixture is not None:
        probabilities, unitaries = channel.mixture
        mixed = sum(p * u @ rho @ u.conj().T for p, u in zip(probabilities, unitaries, strict=True))
        np.testing.assert_allclose(mixed, applied(channel, rho), atol=1e-12)


def test_which_channels_are_pauli_mixtures():
    assert set(phase_damping(0.3).paulis) == {"I", "Z"}
    assert set(depolarizing(0.3, 2).paulis) == {a + b for a in "IXYZ" for b in "IXYZ"}
    assert amplitude_damping(0.2).paulis is None
    assert amplitude_damping(0.2).mixture is None
    assert kraus([np.diag([1, 1j])]).paulis is None
    assert kraus([np.diag([1, 1j])]).mixture is not None


def test_formulas():
    rho = random_density(1)
    np.testing.assert_allclose(applied(depolarizing(0.3), rho), 0.7 * rho + 0.3 * np.eye(2) / 2)
    after = applied(thermal_relaxation(50, 70, 10, 0.1), rho)
    decay = math.exp(-10 / 50)
    assert math.isclose(after[1, 1].real, decay * rho[1, 1].real + (1 - decay) * 0.1)
    assert np.isclose(after[0, 1], math.exp(-10 / 70) * rho[0, 1])
    rho2 = random_density(2)
    np.testing.assert_allclose(applied(depolarizing(0.3, 2), rho2), 0.7 * rho2 + 0.3 * np.eye(4) / 4)
    np.testing.assert_allclose(applied(phase_damping(0.3), rho)[0, 1], math.sqrt(0.7) * rho[0, 1])


def test_agrees_with_aer():
    aer = pytest.importorskip("qiskit_aer.noise")
    pairs = [
        (depolarizing(0.13), aer.depolarizing_error(0.13, 1)),
        (depolarizing(0.13, 2), aer.depolarizing_error(0.13, 2)),
        (depolarizing(1.2), aer.depolarizing_error(1.2, 1)),
        (depolarizing(4 / 3), aer.depolarizing_error(4 / 3, 1)),
        (depolarizing(16 / 15, 2), aer.depolarizing_error(16 / 15, 2)),
        (amplitude_damping(0.2, 0.3), aer.amplitude_damping_error(0.2, 0.3)),
        (phase_damping(0.2), aer.phase_damping_error(0.2)),
        (thermal_relaxation(50, 70, 10, 0.1), aer.thermal_relaxation_error(50, 70, 10, 0.1)),
        (thermal_relaxation(50, 30, 10, 0.1), aer.thermal_relaxation_error(50, 30, 10, 0.1)),
        (pauli_channel({"XZ": 0.1, "YI": 0.2}), aer.pauli_error([("XZ", 0.1), ("YI", 0.2), ("II", 0.7)])),
    ]
    for ours, theirs in pairs:
        np.testing.assert_allclose(SuperOp(Kraus(list(ours.kraus))).data, SuperOp(theirs).data, atol=1e-10)


@pytest.mark.parametrize("num_qubits", [1, 2])
def test_depolarizing_beyond_1_in_every_way_of_computing(num_qubits):
    p = 1.05
    noise = NoiseModel(after={"cx": depolarizing(p, num_qubits)})
    circuit = Circuit(2).ry(0.4, 0).cx(0, 1)
    exact = math.cos(0.4) * (1 - p)  # every Pauli string that acts on a depolarised qubit is scaled by 1 - p
    assert math.isclose(circuit.expectation(Z(0), noise=noise), exact)
    assert math.isclose(np.trace(circuit.density_matrix(noise=noise) @ np.diag([1, -1, 1, -1])).real, exact)
    found = estimate(circuit, Z(0), noise=noise, trajectories=20_000, seed=1)
    assert abs(found.value - exact) < 4 * found.standard_error
    counts = circuit.sample(shots=20_000, seed=1, noise=noise)
    sampled = sum(count * (-1) ** int(key[-1]) for key, count in counts.items()) / 20_000
    assert abs(sampled - exact) < 4 / math.sqrt(20_000)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: depolarizing(1.34), "p is between 0 and 4/3, got 1.34"),
        (lambda: depolarizing(1.07, 2), "p is between 0 and 16/15, got 1.07"),
        (lambda: depolarizing(-1e-9), "between 0 and 4/3"),
        (lambda: bit_flip(-0.1), "between 0 and 1"),
        (lambda: bit_flip("x"), "a number between 0 and 1"),
        (lambda: bit_flip(math.nan), "between 0 and 1"),
        (lambda: depolarizing(0.1, 0), "num_qubits"),
        (lambda: kraus([np.diag([1, 0.5])]), "not complete"),
        (lambda: kraus([[[1, 0], [0, math.nan]]]), "NaN"),
        (lambda: kraus([[1, 0]]), "shape"),
        (lambda: kraus([np.eye(3)]), "shape"),
        (lambda: pauli_channel({"X": 0.7, "Y": 0.7}), "more than 1"),
        (lambda: pauli_channel({"X": 0.1, "XX": 0.1}), "one length"),
        (lambda: pauli_channel({"Q": 0.1}), "I, X, Y and Z"),
        (lambda: thermal_relaxation(10, 30, 1), "at most 2 t1"),
        (lambda: thermal_relaxation(50, 100.0001, 1), r"got t1 = 50, t2 = 100\.0001$"),
        (lambda: thermal_relaxation(0, 1, 1), "positive"),
        (lambda: bit_flip(0.1).compose(depolarizing(0.1, 2)), "as many qubits"),
        (lambda: NoiseModel(0.1), "Channel"),
        (lambda: NoiseModel(after_1q=depolarizing(0.1, 2)), "does not fit"),
        (lambda: NoiseModel(after_2q={(0, 0): depolarizing(0.1)}), "distinct"),
        (lambda: NoiseModel(after={("cx", -1): None}), "from 0"),
        (lambda: NoiseModel(after={"cnot": None}), "did you mean 'cx'"),
        (lambda: NoiseModel(after={("CNOT", (0, 1)): None}), "did you mean 'cx'"),
        (lambda: NoiseModel(readout=1.5), "between 0 and 1"),
        (lambda: NoiseModel(readout=[[0.9, 0.2], [0.1, 0.9]]), "sum to"),
        (
            lambda: NoiseModel(after_2q=depolarizing(0.1, 2)).channels_after(gates.CCX(0, 1, 2)),
            "a channel that fits",
        ),
        (lambda: mitigate_readout({"0": 1}, 0.5), "carries no information"),
        (lambda: fold(Circuit(1).h(0), 0.5), "at least 1"),
        (lambda: zero_noise_extrapolation(float, Circuit(1), [1]), "two different"),
    ],
)
def test_errors(build, message):
    with pytest.raises(NoiseError, match=message):
        build()


def test_the_most_specific_entry_counts():
    a, b, c, d = (bit_flip(p) for p in (0.1, 0.2, 0.3, 0.4))
    model = NoiseModel({0: a, 1: b}, depolarizing(0.1), {"x": c, ("x", 0): d, "h": None})
    assert model.channels_after(gates.RX(0.1, 0)) == [(a, (0,))]
    assert model.channels_after(gates.RX(0.1, 1)) == [(b, (1,))]
    assert model.channels_after(gates.RX(0.1, 2)) == []
    assert model.channels_after(gates.X(0)) == [(d, (0,))]
    assert model.channels_after(gates.X(1)) == [(c, (1,))]
    assert model.channels_after(gates.H(0)) == []
    assert model.channels_after(gates.CX(2, 1)) == [(depolarizing(0.1), (2,)), (depolarizing(0.1), (1,))]
    pair = NoiseModel(after_2q={(1, 0): depolarizing(0.2, 2)})
    assert pair.channels_after(gates.CX(0, 1)) == [(depolarizing(0.2, 2), (1, 0))]
    assert pair.channels_after(gates.CX(0, 2)) == []


def test_models_are_values():
    model = NoiseModel(
        {0: amplitude_damping(0.1)}, depolarizing(0.1, 2), {"h": None, ("cx", (0, 1)): bit_flip(0.1)}, {1: (0.1, 0.2)}
    )
    restored = NoiseModel.from_dict(json.loads(json.dumps(model.to_dict())))
    assert restored == model
    assert hash(restored) == hash(model)
    assert pickle.loads(pickle.dumps(model)) == model
    assert model != NoiseModel()
    assert "amplitude_damping" in repr(model)
    assert NoiseModel(readout=0.1) == NoiseModel(readout=[[0.9, 0.1], [0.1, 0.9]])


def test_readout_errors_are_read_through():
    # <Z> read with P(1|0) = a, P(0|1) = b is p0 (1 - 2a) - p1 (1 - 2b)
    a, b = 0.1, 0.3
    observable = read_through(Z(0) @ Z(1) + 0.5 * X(1), np.array([[a, b], [0, 0]]))
    expected = (1 - a - b) * (Z(0) @ Z(1)) + (b - a) * Z(1) + 0.5 * X(1)
    assert isinstance(observable, PauliSum)
    np.testing.assert_allclose((observable - expected).coefficients, 0, atol=1e-15)


def test_readout_errors_agree_with_samples_and_are_undone():
    circuit = Circuit(2).ry(0.8, 0).cx(0, 1)
    model = NoiseModel(readout={0: (0.1, 0.2), 1: 0.05})
    counts = circuit.sample(shots=200_000, seed=1, noise=model)
    p = {bits: count / 200_000 for bits, count in counts.items()}
    zz = p["00"] + p["11"] - p["01"] - p["10"]
    assert abs(zz - circuit.expectation(Z(0) @ Z(1), noise=model)) < 0.01
    undone = mitigate_readout(counts, model)
    assert math.isclose(sum(undone.values()), 1, abs_tol=1e-12)
    for bits, exact in zip(("00", "11"), circuit.probabilities()[[0, 3]], strict=True):
        assert abs(undone[bits] - exact) < 0.01


def test_readout_is_mitigated_for_the_qubits_that_were_measured():
    counts = {"01": 900, "11": 100}  # qubit 2, then qubit 0
    assert mitigate_readout(counts, {0: 0.0, 2: 0.1}, qubits=[0, 2]) == pytest.approx({"01": 1.0})
    assert mitigate_readout(counts, {0: 0.1, 2: 0.0}, qubits=[2, 0]) == pytest.approx({"01": 1.0})


def test_folding_keeps_the_unitary():
    circuit = Circuit(2).h(0).t(0).cx(0, 1).ry(0.3, 1)
    for factor in (1, 1.5, 2, 3, 4.2):
        folded = fold(circuit, factor)
        np.testing.assert_allclose(folded.statevector(), circuit.statevector(), atol=1e-12)
        assert abs(len(folded) - factor * len(circuit)) <= 1


def test_extrapolation_comes_closer():
    circuit = Circuit(2).ry(0.7, 0).cx(0, 1).ry(0.4, 1).cx(1, 0)
    model = NoiseModel(after_1q=depolarizing(0.01), after_2q=depolarizing(0.02))
    observables = [Z(0), X(1), Y(0) @ Y(1)]
    exact = circuit.expectation(observables)
    noisy = circuit.expectation(observables, noise=model)
    found = zero_noise_extrapolation(lambda folded: folded.expectation(observables, noise=model), circuit)
    assert np.abs(found - exact).max() < np.abs(noisy - exact).max() / 10
    linear = zero_noise_extrapolation(lambda folded: folded.expectation(Z(0), noise=model), circuit, (1, 2), 1)
    assert abs(linear - exact[0]) < abs(noisy[0] - exact[0]) / 3


def test_channels_can_not_be_changed():
    channel = Channel("mine", [np.eye(2)])
    assert channel.is_identity
    with pytest.raises(ValueError, match="read-only"):
        channel.kraus[0, 0, 0] = 2


def test_names_of_standard_gates_are_read_in_any_case():
    channel = depolarizing(0.1)
    assert NoiseModel(after={"CX": channel, ("Rz", 1): None}) == NoiseModel(after={"cx": channel, ("rz", 1): None})
    custom = gates.Fixed("V", np.diag([1, 1j]))
    assert NoiseModel(after={"V": channel}).channels_after(custom(0)) == [(channel, (0,))]
