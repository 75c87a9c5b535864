"""Every gate: unitary, inverse, controls, and against Qiskit's own matrix."""

import itertools
import pickle

import numpy as np
import pytest
import qiskit.circuit.library as library
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.quantum_info import Operator, Pauli

from simulator import Circuit, Parameter, X, Z, gates
from simulator.calculations.gradients import gradient
from simulator.errors import CircuitError, GateError, ParameterError

EXACT = 1e-14
QISKIT = get_standard_gate_name_mapping()
REQUIRED = """id x y z h s sdg t tdg sx sxdg rx ry rz p r u swap iswap ecr dcx rxx ryy rzz rzx xx_minus_yy
    xx_plus_yy cx cy cz ch cs csdg csx crx cry crz cp cu ccx ccz cswap rccx global_phase""".split()
ALL = list(gates.STANDARD.values())
named = pytest.mark.parametrize("gate", ALL, ids=lambda gate: gate.name)


def angles_of(gate, seed=0):
    return np.random.default_rng(seed).uniform(-4, 4, gate.num_params)


def qiskit_matrix(name, angles):
    return Operator(type(QISKIT[name])(*angles)).data


def test_all_of_qiskits_standard_gates_are_declared():
    assert set(REQUIRED) <= set(gates.STANDARD)


@named
def test_matrix_equals_qiskits(gate):
    angles = angles_of(gate)
    np.testing.assert_allclose(gate.matrix(*angles), qiskit_matrix(gate.name, angles), atol=EXACT)


@named
def test_unitary_and_inverse(gate):
    angles = angles_of(gate, 1)
    matrix = gate.matrix(*angles)
    undo, undo_angles = gate.inverse(*angles)
    np.testing.assert_allclose(matrix @ matrix.conj().T, np.eye(len(matrix)), atol=EXACT)
    np.testing.assert_allclose(undo.matrix(*undo_angles) @ matrix, np.eye(len(matrix)), atol=EXACT)


@named
@pytest.mark.parametrize("values", [(1,), (0,), (1, 0)])
def test_controls_equal_qiskits(gate, values):
    angles = angles_of(gate, 2)
    state = sum(v << k for k, v in enumerate(values))
    if gate.num_qubits:
        unitary = library.UnitaryGate(qiskit_matrix(gate.name, angles))
        expected = Operator(unitary.control(len(values), ctrl_state=state)).data
    else:
        phase = np.exp(1j * angles[0])
        expected = np.diag([phase if i == state else 1 for i in range(1 << len(values))])
    ours = gate.controlled(len(values), values)
    np.testing.assert_allclose(ours.matrix(*angles), expected, atol=1e-9)  # qiskit synthesises
    undo, undo_angles = ours.inverse(*angles)
    np.testing.assert_allclose(undo.matrix(*undo_angles) @ ours.matrix(*angles), np.eye(len(expected)), atol=EXACT)


@named
def test_is_diagonal_is_true_exactly_for_diagonal_matrices(gate):
    matrix = gate.matrix(*angles_of(gate, 3))
    assert gate.is_diagonal == (not np.any(matrix - np.diag(np.diag(matrix))))


@named
def test_pickle_hash_and_equality(gate):
    copy = pickle.loads(pickle.dumps(gate))
    assert copy == gate
    assert hash(copy) == hash(gate)
    assert sum(copy == other for other in ALL) == 1


@pytest.mark.parametrize(
    ("derived", "name"),
    [
        (lambda: gates.X.controlled(), "cx"),
        (lambda: gates.X.controlled(2), "ccx"),
        (lambda: gates.CX.controlled(), "ccx"),
        (lambda: gates.S.inverse()[0], "sdg"),
        (lambda: gates.SXDG.inverse()[0], "sx"),
        (lambda: gates.P.controlled(), "cp"),
        (lambda: gates.RZ.controlled(), "crz"),
    ],
)
def test_derived_gates_that_are_standard_take_their_name(derived, name):
    assert derived() is gates.STANDARD[name]


@pytest.mark.parametrize("gate", [g for g in ALL if isinstance(g, gates.Rotation)], ids=lambda gate: gate.name)
def test_shift_rule_differentiates_any_expectation(gate):
    rng = np.random.default_rng(4)
    dim = 1 << gate.num_qubits
    state = rng.normal(size=dim) + 1j * rng.normal(size=dim)
    observable = rng.normal(size=(dim, dim))
    observable = observable + observable.T

    def expectation(angle):
        psi = gate.matrix(angle) @ state
        return np.vdot(psi, observable @ psi).real

    shifts, weights = gate.shift_rule
    exact = sum(w * (expectation(0.7 + s) - expectation(0.7 - s)) for s, w in zip(shifts, weights, strict=True))
    central = (expectation(0.7 + 1e-5) - expectation(0.7 - 1e-5)) / 2e-5
    assert exact == pytest.approx(central, abs=1e-7)


def test_shift_rule_of_an_unevenly_spaced_spectrum():
    gate = gates.Rotation("uneven", np.diag([0.0, 1.0, 2.7, 3.1]))
    shifts, weights = gate.shift_rule
    phases = np.array([0.3, 1.1, -0.4, 2.0])
    f = lambda t: np.abs(np.exp(1j * (phases - t * np.array([0.0, 1.0, 2.7, 3.1]))).sum()) ** 2  # noqa: E731
    exact = sum(w * (f(0.2 + s) - f(0.2 - s)) for s, w in zip(shifts, weights, strict=True))
    assert exact == pytest.approx((f(0.2 + 1e-5) - f(0.2 - 1e-5)) / 2e-5, abs=1e-6)


@pytest.mark.parametrize("label", ["X", "YZ", "XIZ", "YYX"])
def test_pauli_rotation_equals_qiskits_pauli(label):
    import scipy.linalg

    expected = scipy.linalg.expm(-0.35j * Pauli(label).to_matrix())
    np.testing.assert_allclose(gates.PauliRotation(label).matrix(0.7), expected, atol=EXACT)


@pytest.mark.parametrize("scale", [1e-24, 1e-9, 1e-6, 1.0, 1e6])
@pytest.mark.parametrize("controls", [[], [0]])
def test_generators_of_any_size(scale, controls):
    """Matrix, state, and derivatives by both rules, as of energies in joules."""
    import scipy.linalg

    rng, t = np.random.default_rng(3), Parameter("t")
    hermitian = rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4))
    hermitian += hermitian.conj().T
    gate = gates.Rotation("own", scale * hermitian)
    gate = gate.controlled(1, controls) if controls else gate
    generator = np.kron(hermitian, np.diag([1, 0])) if controls else hermitian  # the control is the lowest bit
    expected = scipy.linalg.expm(-0.7j * generator)
    np.testing.assert_allclose(gate.matrix(0.7 / scale), expected, atol=1e-13)
    circuit = Circuit(gate.num_qubits)
    for q in range(gate.num_qubits):
        circuit = circuit.ry(0.4 + q, q)
    before = circuit.statevector()
    circuit, psi, observable = circuit.append(gate(t, *range(gate.num_qubits))), expected @ before, Z(0) @ X(1)
    np.testing.assert_allclose(circuit.statevector([0.7 / scale]), psi, atol=1e-13)
    label = "I" * (gate.num_qubits - 2) + "XZ"
    derivative = 2 * np.vdot(psi, Pauli(label).to_matrix() @ (-1j * generator @ psi)).real
    for method in ("adjoint", "parameter_shift"):
        slope = gradient(circuit, observable, [0.7 / scale], method=method)[0]
        assert slope / scale == pytest.approx(derivative, abs=1e-12)


def test_state_preparation_has_the_amplitudes_as_first_column():
    rng = np.random.default_rng(5)
    for size, others in itertools.product((2, 8), (1.0, 1e-3, 1e-6, 1e-8, 1e-12)):  # of the first amplitude
        amplitudes = (rng.normal(size=size) + 1j * rng.normal(size=size)) * np.where(np.arange(size), others, 1.0)
        gate = gates.StatePreparation(amplitudes, normalize=True)
        matrix = gate.matrix()
        np.testing.assert_allclose(matrix[:, 0], amplitudes / np.linalg.norm(amplitudes), atol=EXACT)
        np.testing.assert_allclose(matrix @ matrix.conj().T, np.eye(size), atol=EXACT)
        np.testing.assert_allclose(gate.inverse()[0].matrix() @ matrix, np.eye(size), atol=EXACT)


def test_a_composite_without_a_declared_inverse_is_inverted_step_by_step():
    steps = [
        gates.Step(gates.RX, (0,), ((1.0, 0.0),)),
        gates.Step(gates.S, (1,)),
        gates.Step(gates.U, (1,), ((0.0, 1.0), (2.0, 0.0), (0.0, -1.0))),
        gates.Step(gates.CX, (0, 1)),
    ]
    gate = gates.Composite("mine", 2, 2, steps)
    undo, angles = gate.inverse(0.3, -1.2)
    np.testing.assert_allclose(undo.matrix(*angles) @ gate.matrix(0.3, -1.2), np.eye(4), atol=EXACT)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: gates.Fixed("v", np.eye(3)), r"v: a matrix of shape \(2\*\*k, 2\*\*k\) is expected, got \(3, 3\)"),
        (lambda: gates.Fixed("v", [[1, 1], [0, 1]]), r"v: the matrix is not unitary: .* = 1"),
        (lambda: gates.Fixed("v", [[1, 0], [0, np.nan]]), "v: the matrix contains NaN"),
        (lambda: gates.Fixed("v", [["a", 0], [0, 1]]), "v: the matrix is not numeric"),
        (lambda: gates.Rotation("w", [[0, 1], [0, 0]]), "w: the generator is not Hermitian"),
        (lambda: gates.PauliRotation([]), r"Pauli string consists of I, X, Y and Z, got \[\]"),
        (lambda: gates.PauliRotation("XQ"), "Pauli string consists of I, X, Y and Z, got 'XQ'"),
        (lambda: gates.Diagonal("d", [0, 1, 2]), r"d: phases has shape \(2\*\*k,\), got \(3,\)"),
        (lambda: gates.Diagonal("d", [0, np.inf]), "d: phases contain NaN"),
        (lambda: gates.StatePreparation([1, 1]), r"amplitudes have norm 1.41421356, expected 1 \(normalize=True"),
        (lambda: gates.StatePreparation([0, 0], normalize=True), "all amplitudes are zero"),
        (lambda: gates.X.controlled(2, [1, 2]), "control_values needs 2 values 0 or 1"),
    ],
)
def test_bad_declarations_say_what_is_wrong(make, message):
    with pytest.raises(GateError, match=message):
        make()


def test_a_matrix_that_is_not_unitary_is_accepted_when_asked():
    gate = gates.Fixed("k", [[1, 0], [0, 0.5]], check=False)
    np.testing.assert_allclose(gate.inverse()[0].matrix() @ gate.matrix(), np.eye(2))


@pytest.mark.parametrize(
    "matrix",
    [
        gates.H.unitary,
        gates.RX.generator,
        gates.Fixed("k", np.eye(2)).unitary,
        gates.Fixed.accepted("k", np.eye(2) + 1e-6, 1e-4).unitary,
    ],
)
def test_the_matrix_of_a_gate_cannot_be_changed(matrix):
    with pytest.raises(ValueError, match="read-only"):
        matrix[0, 0] = 2


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: gates.CX(1, 1), CircuitError, r"cx takes 2 distinct qubits, got \(1, 1\)"),
        (lambda: gates.CX(0), CircuitError, "cx takes 2 qubits, got 1 argument"),
        (lambda: gates.RX(0), CircuitError, "rx takes 1 angle and 1 qubit, got 1 argument"),
        (lambda: gates.H(-1), CircuitError, "h: a qubit is counted from 0, got -1"),
        (lambda: gates.H(0.5), CircuitError, "h: a qubit is an integer, got 0.5"),
        (lambda: gates.H(True), CircuitError, "h: a qubit is an integer, got True"),
        (lambda: gates.RX(float("nan"), 0), ParameterError, "rx: .*nan"),
        (lambda: gates.RX(1j, 0), ParameterError, "rx: "),
        (lambda: gates.RX("pi", 0), ParameterError, "rx: "),
        (lambda: gates.RX.matrix(), ParameterError, "rx takes 1 angles, got 0"),
    ],
)
def test_bad_calls_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("name", ["", 5, None])
@pytest.mark.parametrize("kind", [gates.Fixed, gates.Rotation])
def test_a_custom_gate_needs_a_name(kind, name):
    with pytest.raises(GateError, match="the name of a gate must be a non-empty string"):
        kind(name, np.eye(2))
