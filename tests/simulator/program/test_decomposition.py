"""What gates are made of multiplies out to their matrices; strings and levels against their definitions."""

import itertools

import numpy as np
import pytest

from simulator import Circuit, Parameter, Z, gates
from simulator.engines.choice import using
from simulator.engines.numba.options import Options
from simulator.engines.numba.sweeps import NumbaEngine
from simulator.engines.numba.tables import schedule
from simulator.program import levels, lowering
from simulator.program.decomposition import Cnot, Matrix, Not, StringRotation, decompose
from simulator.program.program import Program
from tests.simulator import reference
from tests.simulator.engines.test_engine import random_circuit

RNG = np.random.default_rng(5)
HERMITIAN = RNG.normal(size=(4, 4)) + 1j * RNG.normal(size=(4, 4))
COMMUTING = [
    {"XXI": 0.3, "YYI": -0.4, "XXZ": 0.7, "ZZI": 0.2, "IIZ": -0.6, "YYZ": 0.1},
    {"XII": 0.3, "IXI": -0.4, "IIX": 0.7},
    {
        "XXII": 0.3,
        "ZZII": -0.4,
        "YYII": 0.7,
        "IIXX": -0.2,
        "IIZZ": 0.5,
        "XXXX": 0.1,
        "YYZZ": 0.8,
        "XXYY": -0.9,
        "ZZZZ": 0.6,
    },
    {"XYZI": 0.3, "YXIZ": 0.2, "ZZII": -0.5, "IIII": 0.4, "ZZZZ": 0.7},
]
SUMS = [gates.Rotation("sum", sum(c * reference.pauli_label(s) for s, c in each.items())) for each in COMMUTING]
OWN = [
    gates.Fixed("own", np.linalg.qr(HERMITIAN)[0]),
    gates.Fixed("own", np.linalg.qr(HERMITIAN)[0]).controlled(1, [0]),
    gates.Fixed("own", np.linalg.qr(HERMITIAN[:2, :2])[0]).controlled(2, [0, 1]),
    gates.Fixed("shear", np.eye(8)[[3, 6, 0, 5, 1, 4, 2, 7]].T * np.exp(1j * np.arange(8))),
    gates.Fixed("scaled", HERMITIAN, check=False),
    gates.Fixed("merging", np.eye(4)[[0, 2, 2, 0]].T, check=False),
    gates.Fixed("merging", np.eye(8)[[1, 2, 2, 3, 4, 5, 6, 7]].T, check=False),
    gates.Rotation("rotation", HERMITIAN + HERMITIAN.conj().T).controlled(1, [0]),
    gates.PauliRotation("XYZIY"),
    gates.PauliRotation("YX").controlled(2, [1, 0]),
    gates.Diagonal("phases", RNG.uniform(-3, 3, 8)).controlled(1),
    gates.SWAP.controlled(),
    gates.SINGLE_EXCITATION.controlled(1, [0]),
    gates.DOUBLE_EXCITATION,
    gates.DOUBLE_EXCITATION.controlled(),
    *SUMS,
    *(gate.controlled(1, [0]) for gate in SUMS),
    gates.U.controlled(1, [0]),
]


def multiplied(gate, steps, angles):
    """The matrix of some steps."""
    n, factors = gate.num_qubits, []
    for step in steps:
        match step:
            case StringRotation(xs, zs, constant, linear):
                angle = constant + sum(factor * angles[k] for k, factor in linear)
                label = "".join("IXZY"[(q in xs) + 2 * (q in zs)] for q in reversed(range(n)))
                string = reference.pauli_label(label)
                matrix = np.cos(angle / 2) * np.eye(2**n) - 1j * np.sin(angle / 2) * string
                factors.append((matrix, tuple(range(n))))
            case Cnot(control, target):
                factors.append((np.eye(4)[[0, 3, 2, 1]], (control, target)))
            case Not(target):
                factors.append((np.eye(2)[::-1], (target,)))
            case Matrix(qubits, matrix, unitary):
                assert unitary == np.allclose(matrix @ matrix.conj().T, np.eye(len(matrix)))
                factors.append((matrix, qubits))
    return reference.unitary(factors, n)


@pytest.mark.parametrize("gate", [*gates.STANDARD.values(), *OWN], ids=lambda gate: gate.name)
def test_the_steps_of_a_gate_multiply_out_to_its_matrix(gate):
    angles = np.random.default_rng(1).uniform(-3, 3, gate.num_params)
    found = multiplied(gate, decompose(gate), angles)
    np.testing.assert_allclose(found, gate.matrix(*angles), atol=1e-13)


def test_every_permutation_of_basis_states_over_gf2_is_cnots_and_nots():
    for columns in itertools.product(range(8), repeat=3):
        image = [0]
        for column in columns:
            image += [other ^ column for other in image]
        if len(set(image)) == 8:
            gate = gates.Fixed("permutation", np.eye(8)[[i ^ 5 for i in image]].T)
            steps = decompose(gate)
            assert all(isinstance(step, Cnot | Not) for step in steps)
            np.testing.assert_array_equal(multiplied(gate, steps, ()), gate.matrix())


@pytest.mark.parametrize("labels", list(itertools.product(["II", "XI", "ZY", "YY", "IZ"], ["XX", "ZI", "IY", "YZ"])))
def test_strings_after_rotations_are_no_matrices(labels):
    first, about = (reference.pauli_label(label) for label in labels)
    rotation = np.cos(0.4) * np.eye(4) - 1j * np.sin(0.4) * about
    gate = gates.Fixed("own", np.exp(0.7j) * first @ rotation)
    steps = decompose(gate)
    assert not any(isinstance(step, Matrix) for step in steps)
    assert sum(isinstance(step, StringRotation) and any((step.xs, step.zs)) for step in steps) <= 4
    np.testing.assert_allclose(multiplied(gate, steps, ()), gate.matrix(), atol=1e-14)


@pytest.mark.parametrize("small", [1e-14, 1e-12, 1e-8])
@pytest.mark.parametrize("labels", [("Z", "Y"), ("I", "X"), ("ZI", "YX"), ("XY", "XI"), ("IZX", "YZX"), ("ZZZ", "III")])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_part_as_small_as_rounding_does_not_tell_the_phase(labels, small, sign):
    """The string that comes first in the order of masks may be either of the two."""
    strings = [reference.pauli_label(label) for label in labels]
    anticommute = np.allclose(strings[0] @ strings[1], -strings[1] @ strings[0])
    error = 3e-17 * np.exp(1j)  # of the small part
    for large, tiny in (strings, strings[::-1]):
        matrix = np.exp(0.7j) * (large + sign * small * (1 if anticommute else 1j) * tiny) + error * tiny
        gate = gates.Fixed("own", matrix)
        np.testing.assert_allclose(multiplied(gate, decompose(gate), ()), matrix, atol=2e-14)
        for controls in ([1], [0, 1]):
            gate = gates.Fixed("own", matrix).controlled(len(controls), controls)
            np.testing.assert_allclose(multiplied(gate, decompose(gate), ()), gate.matrix(), atol=2e-14)


EXCHANGES = [
    *(gate.controlled(k, [0, 1][:k]) for gate in (gates.SWAP, gates.ISWAP) for k in (1, 2)),
    *(gates.Fixed("own", np.eye(8)[rows]) for rows in ([7, 1, 2, 3, 4, 5, 6, 0], [0, 1, 5, 3, 4, 2, 6, 7])),
    gates.RCCX,
    gates.RCCX.controlled(),
]


@pytest.mark.parametrize("gate", EXCHANGES, ids=str)
def test_exchanges_of_two_basis_states_are_no_matrices(gate):
    steps = decompose(gate)
    assert not any(isinstance(step, Matrix) for step in steps)
    assert sum(isinstance(step, StringRotation) and bool(step.xs) for step in steps) == 2
    np.testing.assert_allclose(multiplied(gate, steps, ()), gate.matrix(), atol=1e-14)


@pytest.mark.parametrize("angle", [0.3, -0.3, 2.9, -2.9, np.pi / 4])
@pytest.mark.parametrize("axis", ["X", "Y", "Z"])
def test_a_unitary_on_one_qubit_about_an_axis_is_one_rotation(axis, angle):
    string = reference.pauli_label(axis)
    gate = gates.Fixed("own", np.exp(0.7j) * (np.cos(angle) * np.eye(2) - 1j * np.sin(angle) * string))
    steps = decompose(gate)
    assert [bool(step.xs or step.zs) for step in steps].count(True) == 1
    np.testing.assert_allclose(multiplied(gate, steps, ()), gate.matrix(), atol=1e-14)


def test_eigenvectors_are_rotated_without_what_commutes_with_the_phases():
    """A Toffoli gate is a rotation about Y, phases, and that rotation back."""
    for gate, count in ((gates.CCX, 2), (gates.CH, 2), (gates.CSX, 2), (gates.X.controlled(3, [0, 1, 0]), 2)):
        steps = decompose(gate)
        moving = [step.xs == step.zs == (gate.num_qubits - 1,) for step in steps if step.xs]
        assert moving == [True] * count
        assert steps[0].xs
    for seed in range(5):
        matrix = np.linalg.qr(np.random.default_rng(seed).normal(size=(2, 2, 2)) @ [1, 1j])[0]
        gate = gates.Fixed("own", matrix).controlled(1, [seed % 2])
        steps = decompose(gate)
        assert len(steps) <= 8
        np.testing.assert_allclose(multiplied(gate, steps, ()), gate.matrix(), atol=1e-14)


def test_commuting_strings_are_no_matrices():
    for gate, moving in zip(SUMS, (2, 3, 4, 2), strict=True):
        steps = decompose(gate)
        assert not any(isinstance(step, Matrix) for step in steps)
        assert sum(bool(step.xs) for step in steps) == moving


@pytest.mark.parametrize("gate", [gates.DOUBLE_EXCITATION, gates.SINGLE_EXCITATION.controlled()], ids=str)
def test_excitations_are_phases_between_quarter_turns(gate):
    steps = decompose(gate)
    assert [index for index, step in enumerate(steps) if step.xs] == [0, len(steps) - 1]


def test_preparations_have_no_steps():
    assert decompose(gates.StatePreparation([0.6, 0.8])) is None
    inside = gates.Composite("mine", 2, 0, [gates.Step(gates.StatePreparation([0.6, 0.8]), (1,))])
    assert decompose(inside) is None
    amplitudes = Circuit(3).h(0).append(inside(2, 1)).statevector()
    np.testing.assert_allclose(amplitudes[:4], np.kron([0.6, 0.8], [np.sqrt(0.5), np.sqrt(0.5)]), atol=1e-15)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_out_of_reach_is_forgotten_without_harm(seed, monkeypatch):
    """Levels, numbered strings and windows so short that a circuit leaves them behind many times."""
    circuit = random_circuit(seed, 6, 80)
    values = np.random.default_rng(seed).uniform(-3, 3, circuit.num_parameters)
    expected = circuit.statevector(values)
    monkeypatch.setattr(levels, "LOOK_BACK", 3)
    monkeypatch.setattr(lowering, "_STRINGS", 8)
    monkeypatch.setattr(schedule, "LOOK_BACK", 3)
    monkeypatch.setattr(schedule, "_WINDOW", 16)
    monkeypatch.setattr(schedule, "_LOOK_AHEAD", 4)
    lowered = Program(circuit).lowered
    assert len(lowered.levels) > 30
    lowering_again = lowering.Lowering(6, {p: k for k, p in enumerate(circuit.parameters)})
    lowering_again.add(circuit.operations)
    assert max(level.strings for level in lowering_again.levels.levels).bit_length() < 300
    again = Circuit(6, circuit.operations).global_phase(0.0)  # another circuit, so that nothing is cached
    np.testing.assert_allclose(again.statevector(values), expected, atol=1e-12)
    again = again.global_phase(0.0)
    with using(NumbaEngine(Options(batch_qubits=0, big_alone=0, block_bits=4))):
        np.testing.assert_allclose(again.statevector(values), expected, atol=1e-12)


def test_a_circuit_is_lowered_once(monkeypatch):
    lowered = []
    lower = lowering.Lowering.__init__

    def counted(self, *arguments):
        lowered.append(arguments)
        lower(self, *arguments)

    monkeypatch.setattr(lowering.Lowering, "__init__", counted)
    theta = Parameter("theta")
    circuit = Circuit(3).h(0).ry(theta, 1).cx(0, 1).rzz(0.1234, 1, 2).rx(theta, 2)
    first = circuit.expectation(Z(1), [0.3])
    assert circuit.expectation(Z(1), [0.4]) != first
    assert Circuit(3, circuit.operations).expectation(Z(1), [0.3]) == first  # equal, rebuilt from its operations
    circuit.gradient(Z(1), [0.5])
    assert len(lowered) == 1
    longer = circuit.ry(0.5, 1)
    assert longer.expectation(Z(1), [0.3]) != first
    assert circuit.expectation(Z(1), [0.3]) == first
    assert len(lowered) == 2
    assert circuit.bind([0.3]).expectation(Z(1)) == pytest.approx(first, abs=1e-15)
    assert len(lowered) == 3  # its angles are numbers: another circuit
