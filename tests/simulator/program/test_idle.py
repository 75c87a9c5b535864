"""Members that no expectation sees: against commutators of dense matrices, Qiskit and the dense reference."""

import numpy as np
import pytest
from qiskit.quantum_info import Operator, Pauli, SparsePauliOp, Statevector

from simulator import Circuit, ParameterVector, PauliSum, X, Y, Z, gates
from simulator.calculations.gradients import gradient
from simulator.program.levels import Dense
from simulator.program.program import Program
from tests.simulator import reference
from tests.simulator.strategies import unitary

N, GATES = 4, 16
EXACT = 1e-12


def on_qubit(letter, q):
    return "".join(letter if place == N - 1 - q else "I" for place in range(N))


def random_steps(seed):
    """Labels of rotations, qubits of CNOTs, and unitaries with their two qubits, in the order of the circuit."""
    rng = np.random.default_rng(seed)
    steps = []
    for kind in rng.choice(["rotation", "cx", "unitary"], p=[0.65, 0.3, 0.05], size=GATES):
        pair = tuple(rng.permutation(N)[:2].tolist())
        label = "".join(rng.choice([*"IIXYZ"], size=N))
        steps.append(label if kind == "rotation" else pair if kind == "cx" else (unitary(rng.integers(99), 4), pair))
    return steps


def random_labels(seed):
    """Labels of the strings of one or two observables."""
    rng = np.random.default_rng([seed, 1])
    sizes = rng.integers(1, 3, size=rng.integers(1, 3))
    return [["".join(rng.choice([*"IIXYZ"], size=N)) for _ in range(size)] for size in sizes]


def circuit_of(steps):
    """The circuit, with a parameter for each rotation."""
    weights = iter(ParameterVector("w", len(steps)))
    circuit = Circuit(N)
    for step in steps:
        if isinstance(step, str):
            circuit = circuit.append(gates.PauliRotation(step)(next(weights), *range(N)))
        elif isinstance(step[0], int):
            circuit = circuit.cx(*step)
        else:
            circuit = circuit.unitary(*step)
    return circuit


def seen_rotations(steps, labels):
    """Numbers of the rotations whose strings do not commute with all that is seen, by dense matrices from the end."""

    def commutes(one):
        return all(np.allclose(one @ other, other @ one) for other in seen)

    seen = [reference.pauli_label(label) for each in labels for label in each]
    number, numbers = sum(isinstance(step, str) for step in steps), set()
    for step in reversed(steps):
        if isinstance(step, str):
            number -= 1
            string = reference.pauli_label(step)
            if not commutes(string):
                seen.append(string)
                numbers.add(number)
        elif isinstance(step[0], int):
            permutation = reference.unitary([(gates.CX.matrix(), step)], N)
            seen = [permutation.T @ other @ permutation for other in seen]
        else:
            strings = [reference.pauli_label(on_qubit(letter, q)) for letter in "XZ" for q in step[1]]
            if not all(map(commutes, strings)):
                seen += strings
    return numbers


def remaining_members(program):
    chains, levels = program.schedule
    return [member for chain in chains for member in chain] + [member for level in levels for member in level.members]


def remaining(program):
    """Numbers of the weights in the angles that are left."""
    return {k for member in remaining_members(program) if not isinstance(member, Dense) for k in member.angle.factors}


@pytest.mark.parametrize("seed", range(40))
def test_what_commutes_with_all_that_is_seen_is_dropped_and_nothing_else(seed):
    steps, labels = random_steps(seed), random_labels(seed)
    circuit = circuit_of(steps)
    observables = [sum(map(PauliSum.from_label, each), 0 * Z(0)) for each in labels]
    program = Program(circuit, observables)
    assert remaining(program) == seen_rotations(steps, labels)


@pytest.mark.parametrize("seed", range(12))
def test_values_and_gradients_are_those_of_qiskit(seed):
    steps, labels = random_steps(seed), random_labels(seed)[0]
    circuit = circuit_of(steps)
    coefficients = np.random.default_rng(seed).normal(size=len(labels))
    observable = sum(map(PauliSum.from_label, labels, coefficients), 0 * Z(0))
    operator = SparsePauliOp(labels, coefficients)

    def theirs(values):
        state, angles = Statevector.from_label("0" * N), iter(values)
        for step in steps:
            if isinstance(step, str):
                angle = next(angles)
                state = state * np.cos(angle / 2) + state.evolve(Pauli(step)) * (-1j * np.sin(angle / 2))
            else:
                matrix, qubits = (gates.CX.matrix(), step) if isinstance(step[0], int) else step
                state = state.evolve(Operator(matrix), qubits)
        return state.expectation_value(operator).real

    values = np.random.default_rng([seed, 2]).uniform(-3, 3, circuit.num_parameters)
    assert circuit.expectation(observable, values) == pytest.approx(theirs(values), abs=EXACT)
    shifts = np.pi / 2 * np.eye(len(values))
    expected = [(theirs(values + shift) - theirs(values - shift)) / 2 for shift in shifts]
    np.testing.assert_allclose(gradient(circuit, observable, values), expected, atol=EXACT)


def test_a_ring_of_cnots_hides_the_last_layer_of_the_measured_qubit():
    w = ParameterVector("w", 18)
    circuit = Circuit(3)
    for layer in (0, 9):
        for q in range(3):
            circuit = circuit.rz(w[layer + 3 * q], q).ry(w[layer + 3 * q + 1], q).rz(w[layer + 3 * q + 2], q)
        circuit = circuit.cx(0, 1).cx(1, 2).cx(2, 0)
    assert not remaining(Program(circuit, [Z(0)])) & {9, 10, 11}  # Z0 is Z1 Z2 before the ring
    assert {10, 11} <= remaining(Program(circuit, [Z(0), X(0)]))
    assert len(remaining_members(Program(circuit))) == 18  # states and probabilities are of the whole circuit


def test_a_matrix_on_other_qubits_is_dropped_unless_it_is_not_unitary():
    circuit = Circuit(4).h(0).cx(0, 1).h(2).cx(2, 3)
    unseen = circuit.unitary(unitary(1, 4), [2, 3])
    assert not any(isinstance(member, Dense) for member in remaining_members(Program(unseen, [Z(0), Y(1)])))
    shrunk = circuit.unitary(np.diag([1, 0.5]), 2, check=False).unitary(unitary(1, 4), [2, 3])
    assert len([m for m in remaining_members(Program(shrunk, [Z(0)])) if isinstance(m, Dense)]) == 1
    assert shrunk.expectation(Z(0) @ Z(1)) == pytest.approx(np.linalg.norm(shrunk.statevector()) ** 2, abs=EXACT)


def test_observables_without_strings_or_of_the_identity_see_nothing():
    circuit = circuit_of(random_steps(0))
    assert remaining_members(Program(circuit, [PauliSum.from_label("I" * N)])) == []
    values = np.ones(circuit.num_parameters)
    np.testing.assert_array_equal(gradient(circuit, PauliSum.from_label("I" * N), values), 0 * values)
