"""The conformance suite, third part: trajectories and density matrices of noisy engines, against NumPy."""

import numpy as np
import pytest

from simulator import PauliSum, Z
from simulator.engines.choice import engine_for_noise, using
from simulator.gates import Condition
from simulator.program.superoperators import SuperoperatorGroup, SuperoperatorProgram
from simulator.program.trajectories import Jump, TrajectoryProgram
from tests.simulator import reference

TOLERANCE = 1e-11
NUM_REPEATED = 5  # trajectories of a run that are repeated one by one


def random_unitary(rng, num_qubits):
    matrix = rng.normal(size=(2, 1 << num_qubits, 1 << num_qubits))
    return np.linalg.qr(matrix[0] + 1j * matrix[1])[0]


def random_kraus(rng, count, num_qubits):
    """Kraus operators: blocks of an isometry."""
    tall = rng.normal(size=(2, count << num_qubits, 1 << num_qubits))
    return np.linalg.qr(tall[0] + 1j * tall[1])[0].reshape(count, 1 << num_qubits, 1 << num_qubits)


def random_trajectories(num_qubits, seed):
    """Every kind of jump: gates, mixtures, channels, measurements, and all of them under conditions."""
    rng = np.random.default_rng(seed)
    projectors = np.array([np.diag([1.0 + 0j, 0]), np.diag([0j, 1.0])])
    jumps = []
    for k in range(12):
        width = min(1 + k % 3, num_qubits)
        qubits = tuple(int(q) for q in rng.permutation(num_qubits)[:width])
        conditions = (Condition((0,), 1), Condition((2, 1), 2, k % 2 == 0))[: k % 3] if k > 5 else ()
        if k % 4 == 0:
            jumps.append(Jump(qubits, random_unitary(rng, width)[None], np.ones(1), conditions=conditions))
        elif k % 4 == 1:
            mixture = np.array([np.eye(1 << width), *(random_unitary(rng, width) for _ in range(2))], complex)
            jumps.append(Jump(qubits, mixture, np.array([0.5, 0.3, 0.2]), conditions=conditions))
        elif k % 4 == 2:
            jumps.append(Jump(qubits, random_kraus(rng, 3, width), None, conditions=conditions))
        else:
            jumps.append(Jump(qubits[:1], projectors, None, k // 4, conditions))
    initial = rng.normal(size=1 << num_qubits) + 1j * rng.normal(size=1 << num_qubits)
    return TrajectoryProgram(num_qubits, 3, initial / np.linalg.norm(initial), tuple(jumps))


def dense_trajectory(program, uniforms, final):
    """Final state, classical bits and measured basis state of one trajectory."""
    state, bits, numbers = program.initial, [0] * program.num_clbits, iter(uniforms)
    for jump in program.jumps:
        draw = next(numbers) if len(jump.matrices) > 1 else 0.0
        values = [sum(bits[c] << k for k, c in enumerate(test.clbits)) for test in jump.conditions]
        if any((value == test.value) != test.equal for value, test in zip(values, jump.conditions, strict=True)):
            continue
        images = [reference.apply(matrix, jump.qubits, state, program.num_qubits) for matrix in jump.matrices]
        weights = [np.linalg.norm(image) ** 2 for image in images] if jump.probabilities is None else jump.probabilities
        number = int(np.searchsorted(np.cumsum(weights), draw, side="right"))
        state = images[number] / np.linalg.norm(images[number])
        if jump.clbit >= 0:
            bits[jump.clbit] = number
    return state, bits, int(np.searchsorted(np.cumsum(np.abs(state) ** 2), final, side="right"))


@pytest.mark.parametrize("num_qubits", [1, 2, 5])
def test_trajectories_equal_the_reference(engine, num_qubits):
    program = random_trajectories(num_qubits, seed=num_qubits)
    rng = np.random.default_rng(1)
    uniforms, final = rng.random((300, program.draws)), rng.random(300)
    observables = [Z(0), PauliSum.from_label("Y" * num_qubits) + 0.5 * PauliSum.from_label("X" * num_qubits)]
    values, bits, outcomes = engine.noisy.trajectories(program, observables, uniforms, final)
    operators = [
        reference.pauli_sum(o.x_masks.tolist(), o.z_masks.tolist(), o.coefficients.tolist(), num_qubits)
        for o in observables
    ]
    for row in range(300):
        state, expected_bits, outcome = dense_trajectory(program, uniforms[row], final[row])
        np.testing.assert_allclose(
            values[row], [reference.expectation(state, operator) for operator in operators], atol=TOLERANCE
        )
        assert bits[row].tolist() == expected_bits
        assert outcomes[row] == outcome
    assert len(set(map(tuple, bits.tolist()))) > 2
    alone = engine.noisy.trajectories(program, observables, uniforms[:NUM_REPEATED], np.zeros(0))
    np.testing.assert_array_equal(alone[0], values[:NUM_REPEATED])
    np.testing.assert_array_equal(alone[1], bits[:NUM_REPEATED])
    assert len(alone[2]) == 0


def random_superoperators(num_qubits, seed, samples, start=False):
    """A program in two groups of one width and one of another, with its matrices and initial coefficients."""
    rng = np.random.default_rng(seed)
    pairs = [tuple(int(q) for q in rng.permutation(num_qubits)[:2]) for _ in range(num_qubits + 3)]
    positions, qubits = (0, 2, 4, *range(6, 3 + num_qubits)), (pairs[0], pairs[2], pairs[4], *pairs[6:])
    groups = (
        SuperoperatorGroup(positions, qubits, False, (1,)),
        SuperoperatorGroup((1, 5), (pairs[1], (num_qubits - 1, 0)), True, (0, 1)),
        SuperoperatorGroup((3,), ((num_qubits - 1, 0, 1),), True, ()),
    )
    strings = rng.choice(4**num_qubits, 5, replace=False)
    matrices = []
    for group in groups:
        shape = (len(group.positions), samples if group.varies else 1, group.size, group.size)
        matrices.append(np.eye(group.size) + 0.2 * rng.normal(size=shape) / np.sqrt(group.size))
    initial = rng.normal(size=(samples, 4**num_qubits)) if start else None
    return SuperoperatorProgram(num_qubits, groups, strings, start, start), matrices, initial


def dense_coefficients(program, matrices, start, samples):
    """All coefficients of the final states: every matrix multiplies the axes of its qubits."""
    n = program.num_qubits
    out = np.empty((samples, 4**n))
    listed = sorted(
        (position, qubits, values)
        for group, block in zip(program.groups, matrices, strict=True)
        for position, qubits, values in zip(group.positions, group.qubits, block.tolist(), strict=True)
    )
    zero = np.array([1.0, 0, 1, 0])  # I and Z of a qubit in 0
    for row in range(samples):
        r = start[row] if start is not None else np.array([1.0])
        for _ in range(n if start is None else 0):
            r = np.kron(r, zero)
        r = r.reshape((4,) * n)
        for _, qubits, values in listed:
            axes = [n - 1 - q for q in reversed(qubits)]  # the first qubit is the lowest digit
            matrix = np.array(values[row if len(values) > 1 else 0]).reshape((4,) * (2 * len(qubits)))
            image = np.tensordot(matrix, r, (range(len(qubits), 2 * len(qubits)), axes))
            r = np.moveaxis(image, range(len(axes)), axes)
        out[row] = r.ravel()
    return out


SIZES = [(3, 11, False), (4, 1, True), (7, 3, False), (7, 2, True), (9, 1, False), (9, 2, True)]


@pytest.mark.parametrize(("num_qubits", "samples", "start"), SIZES)
def test_density_matrices_equal_the_reference(engine, num_qubits, samples, start):
    program, matrices, initial = random_superoperators(num_qubits, 2, samples, start)
    expected = dense_coefficients(program, matrices, initial, samples)
    states = engine.noisy.density_states(program, samples, matrices, initial)
    np.testing.assert_allclose(states, expected, atol=TOLERANCE)
    values = engine.noisy.density_expectations(program, samples, iter(matrices), initial)
    np.testing.assert_allclose(values, expected[:, program.strings], atol=TOLERANCE)


@pytest.mark.parametrize(("num_qubits", "samples", "start"), SIZES)
def test_sweeps_of_density_matrices_are_exact(engine, num_qubits, samples, start):
    """Expectations are linear in every matrix and in the start, so that differences are derivatives."""
    program, matrices, initial = random_superoperators(num_qubits, 3, samples, start)
    rng = np.random.default_rng(4)
    v = rng.normal(size=(samples, len(program.strings)))
    seen = []
    by_matrices, by_start = engine.noisy.density_sweep(
        program, samples, matrices, lambda values: seen.append(values.copy()) or v, initial
    )
    before = dense_coefficients(program, matrices, initial, samples)[:, program.strings]
    np.testing.assert_allclose(seen[0], before, atol=TOLERANCE)
    for number, group in enumerate(program.groups):
        assert by_matrices[number].shape == (len(group.differentiated), *matrices[number].shape[1:])
        for place, member in enumerate(group.differentiated):
            direction = rng.normal(size=matrices[number].shape[1:])
            moved = [values.copy() for values in matrices]
            moved[number][member] += direction
            change = dense_coefficients(program, moved, initial, samples)[:, program.strings] - before
            assert np.sum(by_matrices[number][place] * direction) == pytest.approx(np.sum(v * change), rel=1e-9)
    if start:
        direction = rng.normal(size=initial.shape)
        change = dense_coefficients(program, matrices, initial + direction, samples)[:, program.strings] - before
        assert np.sum(by_start * direction) == pytest.approx(np.sum(v * change), rel=1e-9)
    else:
        assert by_start is None


def test_superoperators_on_one_qubit_are_refused():
    with pytest.raises(ValueError, match=r"at least 2 qubits, got \(3,\)"):
        SuperoperatorGroup((0, 1), ((0, 1), (3,)), False, ())


def test_noise_asks_the_engine_that_is_in_use(engine):
    program = random_trajectories(1, 0)
    with using(engine):
        assert engine_for_noise(program) is engine.noisy
