"""Angles of any magnitude, at every door: the sines are NumPy's, of the same double, and states keep their norm."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import Statevector

from simulator import (
    Circuit,
    NoiseModel,
    Parameter,
    ParameterError,
    ParameterVector,
    X,
    Y,
    Z,
    gates,
    hessian_vector_product,
    metric_tensor,
)
from simulator.calculations.statevector import as_inputs
from simulator.noise import amplitude_damping, depolarizing, pauli_channel
from simulator.noise.frames import FrameTrajectories
from simulator.noise.program import NoisyProgram
from simulator.program.program import Program
from simulator.range_reduction import EXACT, affine, reduced, reduced_number, sum_of_squares, term
from tests.simulator.strategies import unitary

SINGLE = 2e-6
SUMS = {"double": 1e-10, "single": 2e-5}  # of a few angles that are just not reduced: 1e5 has a rounding of 1e-11
LARGE = [1e3, 9.9e4, 1.01e5, -1.7e9, 1e12, 1e17, -1e19, 1e22, 1e100, 1e300, 1.7e308]
MAGNITUDES = st.builds(lambda sign, exponent: sign * 10.0**exponent, st.sampled_from([-1, 1]), st.floats(-3, 300))
T, S, U = (Parameter(name) for name in "tsu")
FEW = 3  # qubits on which noise and PennyLane are tried


def accuracy(angle, precision="double"):
    """1e-12, and the rounding of a sum of a few angles that are not reduced."""
    return SINGLE if precision == "single" else 1e-12 + 2 * np.spacing(min(abs(angle), EXACT))


def rotated(angle, num_qubits=1):
    """<Z> on qubit 0 is cos(angle)."""
    return Circuit(num_qubits).rx(angle, 0)


def phased(angle, num_qubits=2):
    """The same by phases, one of them a ZZ rotation that adds 0."""
    circuit = Circuit(num_qubits).h(0).h(1).rz(0.5 * angle, 0).rzz(0.25 * angle, 0, 1).rz(0.5 * angle, 0)
    return circuit.rzz(-0.25 * angle, 0, 1).h(0)


def controlled(angle, num_qubits=2):
    """The same under a control that is on."""
    return Circuit(num_qubits).x(1).crx(angle, 1, 0)


CIRCUITS = [rotated, phased, controlled]


@pytest.mark.parametrize("angle", LARGE)
@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("make", CIRCUITS)
def test_numbers_parameters_and_batches_give_numpys_cosine(make, precision, angle):
    wanted = {"abs": accuracy(angle, precision)}
    assert make(angle).expectation(Z(0), precision=precision) == pytest.approx(np.cos(angle), **wanted)
    circuit = make(T)
    assert circuit.expectation(Z(0), [angle], precision=precision) == pytest.approx(np.cos(angle), **wanted)
    for samples in (1, 3, 9, 40):  # lanes are qubits, then samples
        batch = np.full((samples, 1), 0.3)
        batch[-1] = angle
        found = circuit.expectation(Z(0), batch, precision=precision)
        np.testing.assert_allclose(found, np.cos(batch[:, 0]), atol=accuracy(angle, precision), rtol=0)
        norms = np.linalg.norm(circuit.statevector(batch, precision=precision), axis=1)
        np.testing.assert_allclose(norms, 1, atol=accuracy(angle, precision), rtol=0)


@pytest.mark.parametrize("angle", [-1.7e9, 1e17, 1e300])
@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("make", CIRCUITS)
def test_big_states(make, precision, angle):
    """From 14 qubits on a single sample runs in stages, whose kernels make their angles themselves."""
    circuit = make(T, 14).ry(S, 5).cx(5, 6).rzz(T, 6, 7)
    for value in (circuit.expectation(Z(0), [angle, 0.4], precision=precision), make(angle, 14).expectation(Z(0))):
        assert value == pytest.approx(np.cos(angle), abs=accuracy(angle, precision))


@pytest.mark.parametrize("angle", LARGE)
@pytest.mark.parametrize("make", CIRCUITS)
@pytest.mark.parametrize("method", ["adjoint", "parameter_shift"])
def test_gradients(make, method, angle):
    for values in ([angle], np.full((9, 1), angle)):
        found = make(T).gradient(Z(0), values, method=method)
        np.testing.assert_allclose(found, np.broadcast_to(-np.sin(angle), found.shape), atol=1e-11, rtol=0)


@pytest.mark.parametrize("angle", LARGE)
@pytest.mark.parametrize("make", CIRCUITS)
def test_noise(make, angle):
    circuit, none = make(T), NoiseModel()
    for trajectories, noise in ((None, none), (2, none), (2, NoiseModel(after={"id": amplitude_damping(0.1)}))):
        values = {"noise": noise, "trajectories": trajectories, "seed": 0}
        assert circuit.expectation(Z(0), [angle], **values) == pytest.approx(np.cos(angle), abs=1e-11)
        found = circuit.gradient(Z(0), [angle], **values)
        np.testing.assert_allclose(found, [-np.sin(angle)], atol=1e-11, rtol=0)
    measured = Circuit(circuit.num_qubits, 1).compose(circuit).measure(1, 0) if circuit.num_qubits > 1 else None
    if measured is not None:  # trajectories one by one, and the parameter-shift rule
        found = measured.expectation(Z(0), [angle], noise=none, trajectories=2, seed=0)
        assert found == pytest.approx(np.cos(angle), abs=1e-11)
        found = measured.gradient(Z(0), [angle], noise=none, trajectories=2, seed=0)
        np.testing.assert_allclose(found, [-np.sin(angle)], atol=1e-11, rtol=0)


def test_signs_of_trajectories_are_given_to_reduced_angles():
    noise = NoiseModel(after_1q=pauli_channel({"X": 0.5, "Z": 0.5}))
    circuit = Circuit(1).rx(T, 0).rz(S, 0).rx(1e19, 0).rz(0.7, 0).rx(T, 0)
    exact = circuit.expectation(Z(0), [1e17, 0.3], noise=noise)
    program = NoisyProgram(circuit, [Z(0)], (), noise=noise, trajectories=40_000, seed=0)
    assert isinstance(program.method, FrameTrajectories)
    found = circuit.expectation(Z(0), [1e17, 0.3], noise=noise, trajectories=40_000, seed=0)
    assert found == pytest.approx(exact, abs=5 / math.sqrt(40_000))
    np.testing.assert_allclose(
        np.abs(program.method._angles(np.zeros((1, 0)), np.array([1e17, 0.3]))) <= 2 * EXACT, True
    )


@pytest.mark.parametrize("angle", LARGE)
def test_samples_and_probabilities(angle):
    shots, wanted = 4000, math.cos(angle / 2) ** 2
    np.testing.assert_allclose(phased(T).probabilities([angle])[[0, 2]].sum(), wanted, atol=accuracy(angle))
    for circuit in (rotated(T).measure_all(), rotated(T)):
        zeros = circuit.sample([angle], shots=shots, seed=1).get("0", 0) / shots
        assert zeros == pytest.approx(wanted, abs=5 * math.sqrt(wanted * (1 - wanted) / shots) + 1e-9)


@pytest.mark.parametrize("angle", LARGE)
def test_pennylane(angle):
    pennylane = pytest.importorskip("pennylane")
    from pennylane import numpy as pnp

    @pennylane.qnode(pennylane.device("qumba", wires=FEW))
    def cosine(theta):
        pennylane.Hadamard(0)
        pennylane.RZ(theta, 0)
        pennylane.Hadamard(0)
        pennylane.SingleExcitation(theta, [1, 2])
        return pennylane.expval(pennylane.PauliZ(0))

    assert float(cosine(angle)) == pytest.approx(np.cos(angle), abs=accuracy(angle))
    slope = pennylane.grad(cosine)(pnp.array(angle, requires_grad=True))
    assert float(slope) == pytest.approx(-np.sin(angle), abs=accuracy(angle))


GATES = ["rx", "ry", "rz", "p", "rxx", "ryy", "rzz", "rzx", "crx", "cry", "crz", "cp", "h", "sx", "cx", "swap", "t"]


@st.composite
def large_circuits(draw):
    """A circuit of Qiskit's gates whose angles are numbers or parameters of their own, halved; and the values.

    One parameter in several gates that are merged has its factors added, and their product with it is rounded once.
    """
    circuit, parameters = Circuit(FEW), iter(ParameterVector("x", 8))
    for _ in range(draw(st.integers(1, 8))):
        gate = gates.STANDARD[draw(st.sampled_from(GATES))]
        angles = [draw(MAGNITUDES) if draw(st.booleans()) else -0.5 * next(parameters) for _ in range(gate.num_params)]
        circuit = circuit.append(gate(*angles, *draw(st.permutations(range(FEW)))[: gate.num_qubits]))
    return circuit, {p: draw(MAGNITUDES) for p in circuit.parameters}


@given(large_circuits(), st.sampled_from(["double", "single"]))
@settings(max_examples=60)
def test_circuits_with_angles_of_any_magnitude_equal_qiskits(drawn, precision):
    """Angles about the same string are merged: a small one must not be lost beside a large one."""
    circuit, values = drawn
    bound = circuit.bind(values)
    expected = Statevector(bound.to_qiskit()).data
    batch = {p: np.full(9, value) for p, value in values.items()}
    for case in (values, batch):
        found = np.atleast_2d(circuit.statevector(case, precision=precision))
        np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), atol=SUMS[precision], rtol=0)
    for found in (bound.statevector(), bound.to_matrix()[:, 0]):
        np.testing.assert_allclose(found, expected, atol=SUMS["double"], rtol=0)
    exact = np.abs(expected) ** 2 @ (1.0 - 2.0 * (np.arange(8) & 1))
    assert circuit.expectation(Z(0), values, noise=NoiseModel()) == pytest.approx(exact, abs=SUMS["double"])


@given(st.lists(MAGNITUDES, min_size=1, max_size=20))
def test_reduced_angles_have_the_same_sines(angles):
    angles = np.array(angles)
    found = reduced(angles)
    assert np.abs(found).max() <= EXACT
    np.testing.assert_allclose(np.sin(found / 2), np.sin(angles / 2), atol=2e-15)
    np.testing.assert_allclose(np.cos(found / 2), np.cos(angles / 2), atol=2e-15)
    np.testing.assert_allclose([reduced_number(a) for a in angles.tolist()], found, atol=2e-15)


def test_ordinary_angles_are_left_to_the_last_bit():
    angles = np.linspace(-EXACT, EXACT, 101)
    assert reduced(angles) is angles
    assert [reduced_number(a) for a in angles.tolist()] == angles.tolist()
    np.testing.assert_array_equal(term(0.3, angles, T), 0.3 * angles)


@pytest.mark.parametrize("large", [1e17, -1e300])
@pytest.mark.parametrize("noise", [None, NoiseModel()])
@pytest.mark.parametrize("samples", [None, 1, 9])
def test_a_small_term_is_not_lost_beside_a_large_one(samples, noise, large):
    """Whether gates are merged, as a Hadamard gate's rotation by pi with what follows, or expressions have terms."""
    alone = 2 * np.arctan2(np.sin(large / 2), np.cos(large / 2))
    for circuit, angle in (
        (Circuit(1).h(0).rz(T, 0).rz(S, 0).rz(0.1, 0).h(0), alone + 0.4),
        (Circuit(1).h(0).rz(T + S + 0.1, 0).h(0), alone + 0.4),
        (Circuit(1).h(0).rz(S + large, 0).rz(0.0 * T, 0).p(0.1 - 0.0 * T, 0).h(0), alone + 0.4),
        (Circuit(1).ry(T, 0).ry(S, 0).ry(-U, 0), 0.3),  # large terms that cancel
        (Circuit(1).ry(T + S - U, 0), 0.3),
    ):
        values = {p: {T: large, S: 0.3, U: large}[p] for p in circuit.parameters}
        if samples is not None:
            values = {p: np.full(samples, value) for p, value in values.items()}
        found = circuit.expectation(Z(0), values, noise=noise)
        np.testing.assert_allclose(found, np.full(np.shape(found), np.cos(angle)), atol=1e-12, rtol=0)


def test_a_diagonals_phases():
    phases = np.array([1e17, -0.3, 1e300, 2.0])
    circuit = Circuit(2).h(0).h(1).diagonal(phases, [0, 1])
    expected = np.exp(1j * phases) / 2
    np.testing.assert_allclose(circuit.statevector(), expected, atol=1e-12)


def test_global_phases_of_batches_and_of_one_set():
    circuit = Circuit(2).p(T, 0).global_phase(S).x(1).p(T, 1).p(S, 1)
    for t, s in ([1e17, 3.3e17], [1e19, 0.4], [1e3, 1e300]):
        expected = np.exp(1j * t) * np.exp(2j * s)
        for found in (circuit.statevector([t, s]), circuit.statevector([[t, s]] * 9)[4]):
            np.testing.assert_allclose(found, [0, 0, expected, 0], atol=1e-12)


def test_eigenvalues_are_exact_where_they_are_simple():
    """A rounding error of an eigenvalue would be multiplied by the angle."""
    values, vectors = np.array([0.5, -0.5, 0.5, 0.0]), unitary(0, 4)
    gate = gates.Rotation("dense", vectors @ np.diag(values) @ vectors.conj().T)
    assert set(gate.spectrum[0].tolist()) == {-0.5, 0.0, 0.5}
    assert gate.repeats
    assert not gates.Rotation("uneven", np.diag([0.0, 0.3])).repeats
    expected = vectors @ np.diag(np.exp(-1j * 1e17 * values)) @ vectors.conj().T
    circuit = Circuit(2).append(gate(1e17, 0, 1))
    np.testing.assert_allclose(circuit.to_matrix(), expected, atol=1e-12)
    np.testing.assert_allclose(circuit.statevector(), expected[:, 0], atol=1e-12)


def test_differences_whose_steps_are_lost_are_refused():
    circuit = rotated(T)
    assert circuit.gradient(Z(0), [1e9], method="finite_difference")[0] == pytest.approx(-np.sin(1e9), abs=1e-6)
    with pytest.raises(
        ParameterError, match=r"differences move parameter t by .* lost in the rounding of its value 1e\+17"
    ):
        circuit.gradient(Z(0), [1e17], method="finite_difference")
    with pytest.raises(ParameterError, match="differences move parameter t"):
        hessian_vector_product(circuit, Z(0), [1e17], [1.0])
    for size in (1e-170, 1.0, 1e170):
        found = hessian_vector_product(circuit, Z(0), [0.3], [size])
        assert found[0] / size == pytest.approx(-np.cos(0.3), abs=1e-10)
    assert metric_tensor(circuit, [1e19])[0, 0] == pytest.approx(0.25, abs=1e-12)


OVERFLOWING = r"parameter t is multiplied by 2, which overflows at its value 1\.5e\+308"


@pytest.mark.parametrize(
    "compute",
    [
        lambda c, v: c.expectation(Z(0), v),
        lambda c, v: c.expectation(Z(0), np.array([[0.1], *[v] * 9])),
        lambda c, v: c.expectation(Z(0), v, precision="single"),
        lambda c, v: c.statevector(v),
        lambda c, v: c.gradient(Z(0), v),
        lambda c, v: c.gradient(Z(0), v, method="parameter_shift"),
        lambda c, v: c.bind(v),
        lambda c, v: c.sample(v, shots=10, seed=0),
        lambda c, v: c.expectation(Z(0), v, noise=NoiseModel()),
        lambda c, v: c.expectation(Z(0), v, noise=NoiseModel(depolarizing(0.1)), trajectories=3, seed=0),
        lambda c, v: c.expectation(Z(0), v, noise=NoiseModel(amplitude_damping(0.1)), trajectories=3, seed=0),
        lambda c, v: Circuit(14).compose(c).expectation(Z(0), v),
    ],
)
def test_a_product_that_overflows_is_an_error_that_names_the_parameter(compute):
    with pytest.raises(ParameterError, match=OVERFLOWING):
        compute(rotated(2 * T), [1.5e308])


def test_an_amplitude_that_overflows_is_an_error():
    circuit = Circuit(1).initialize([2 * T, S])
    for noise in (None, NoiseModel()):
        with pytest.raises(ParameterError, match=OVERFLOWING):
            circuit.expectation(Z(0), {T: 1.5e308, S: 1.0}, noise=noise)
    with pytest.raises(ParameterError, match="an amplitude is infinite"):
        Circuit(1).initialize([T + S, S]).statevector({T: 1.5e308, S: 1.5e308})


def test_a_number_that_overflows_in_its_gate_is_an_error():
    gate = gates.Rotation("fast", np.diag([3.0, -3.0]))
    with pytest.raises(ParameterError, match="an angle times its gate's factor overflows"):
        Circuit(1).append(gate(1.7e308, 0)).statevector()


def test_values_that_are_not_finite_stay_so():
    """What trains a model looks for NaN in its losses."""
    program = Program(rotated(T), [Z(0), Y(0), X(0)], [T])
    from simulator.calculations.statevector import expectations

    found = expectations(program, as_inputs(program, np.array([[0.3], [np.nan], [np.inf]])), np.zeros(0))
    np.testing.assert_allclose(found[0], [np.cos(0.3), -np.sin(0.3), 0], atol=1e-12)
    assert np.isnan(found[1:, :2]).all()


def test_angles_that_do_not_repeat_are_plain_sums():
    found = affine(np.array([0.1, 0.2]), np.array([[1.0], [1.0]]), np.array([[1e6]]), np.array([True, False]), [T])
    assert found[0, 0] == pytest.approx(0.1 + reduced_number(1e6), abs=1e-12)
    assert found[0, 1] == 1e6 + 0.2


@pytest.mark.parametrize("shape", [(0, 3), (5, 3), (4096, 2), (2731, 3), (3000, 12)])
def test_sums_of_squares_are_those_of_numpy_and_wake_no_threads_of_blas(shape, monkeypatch):
    values, sizes, vdot = np.random.default_rng(0).normal(size=shape), [], np.vdot

    def recorded(a, b):
        sizes.append(a.size)
        return vdot(a, b)

    monkeypatch.setattr(np, "vdot", recorded)
    assert sum_of_squares(values) == pytest.approx(np.square(values).sum(), rel=1e-12)
    assert max(sizes) < 10_000  # from here on OpenBLAS uses several threads
    if values.size:
        values[-1, -1] = np.nan
        assert np.isnan(sum_of_squares(values))
