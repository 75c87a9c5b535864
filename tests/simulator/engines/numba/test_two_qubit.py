"""Unitaries on two qubits inside a stage's blocks, wherever their masks lie, against the dense reference."""

import numpy as np
import pytest

from simulator import Circuit, Parameter, Z
from simulator.calculations.gradients import gradient
from simulator.engines.choice import using
from simulator.engines.numba.kernels import stages as kernel
from simulator.engines.numba.layout import passes
from simulator.engines.numba.options import Options
from simulator.engines.numba.sweeps import NumbaEngine
from simulator.engines.numba.tables import zeros
from simulator.engines.numba.tables.stages import StageTableBuilder
from simulator.program.levels import Dense, Level
from simulator.program.program import Program
from tests.simulator.engines.test_engine import TOLERANCE

BLOCKED = Options(batch_qubits=0, big_qubits=0, block_bits=7, part_bits=5, sparse_qubits=0)


def random_unitary(rng):
    return np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))[0]


def applied(psi, matrix, qubits):
    """The unitary on the qubits of a state, little-endian, by NumPy."""
    n = psi.size.bit_length() - 1
    axes = [n - 1 - q for q in qubits[::-1]]
    moved = np.moveaxis(psi.reshape((2,) * n), axes, (0, 1))
    out = (matrix @ moved.reshape(4, -1)).reshape(moved.shape)
    return np.moveaxis(out, (0, 1), axes).ravel()


@pytest.fixture
def blocked():
    """States so small run in blocks of seven qubits, done in parts of five."""
    with using(NumbaEngine(BLOCKED)):
        yield


@pytest.mark.parametrize("precision", ["double", "single"])
def test_every_pair_of_qubits(blocked, precision):
    n, rng = 9, np.random.default_rng(3)
    pairs = [(a, b) for a in range(n) for b in range(n) if a != b]
    circuit, expected = Circuit(n), np.eye(1, 1 << n)[0].astype(complex)
    for pair in rng.permutation(pairs).tolist():
        matrix = random_unitary(rng)
        circuit, expected = circuit.unitary(matrix, pair), applied(expected, matrix, pair)
    np.testing.assert_allclose(circuit.statevector(precision=precision), expected, atol=TOLERANCE[precision])


@pytest.mark.parametrize("precision", ["double", "single"])
def test_pairs_whose_masks_were_changed_by_cnots(blocked, precision):
    n, rng = 9, np.random.default_rng(4)
    circuit, expected = Circuit(n), np.eye(1, 1 << n)[0].astype(complex)
    cx = np.eye(4)[[0, 3, 2, 1]]
    for _ in range(40):
        a, b, c, d = rng.permutation(n)[:4].tolist()
        matrix = random_unitary(rng)
        circuit = circuit.unitary(matrix, (a, b)).cx(c, d)
        expected = applied(applied(expected, matrix, (a, b)), cx, (c, d))
    np.testing.assert_allclose(circuit.statevector(precision=precision), expected, atol=TOLERANCE[precision])


def test_all_three_ways_are_taken():
    """Otherwise the tests above would not say much."""
    rng = np.random.default_rng(5)
    circuit = Circuit(9)
    for pair in ((0, 1), (1, 6), (6, 0), (5, 7)):
        circuit = circuit.unitary(random_unitary(rng), pair)
    builder = StageTableBuilder(Program(circuit), 3, False, BLOCKED)
    builder.build()
    ways = [row[passes.HOW] for row in builder.code if row[passes.KIND] == passes.TWO_QUBIT]
    assert sorted(ways) == [passes.LANES, passes.MIXED, passes.MIXED, passes.VECTORS]


UNITARIES = {
    "random": lambda: random_unitary(np.random.default_rng(8)),
    "identity": lambda: np.eye(4),
    "swap": lambda: np.eye(4)[[0, 2, 1, 3]],
    "iswap": lambda: np.array([[1, 0, 0, 0], [0, 0, 1j, 0], [0, 1j, 0, 0], [0, 0, 0, 1]]),
    "cx": lambda: np.eye(4)[[0, 3, 2, 1]],
    "cz": lambda: np.diag([1, 1, 1, -1]),
    "product": lambda: np.kron([[0.6, 0.8j], [0.8j, 0.6]], [[0, 1], [1, 0]]),
}


@pytest.mark.parametrize("slots", [(0, 1), (1, 0)])
@pytest.mark.parametrize("name", UNITARIES)
def test_zeros_leave_the_product_as_it_is(name, slots):
    """Two unitaries on the same qubits: the first one gets zeros, the second one what is left."""
    lanes = 3
    xs = tuple((1 << 5, 1 << 2)[k] for k in slots)  # qubit 5 moves vectors, qubit 2 lanes
    matrices = UNITARIES[name]().astype(complex), random_unitary(np.random.default_rng(9))
    levels = zeros.with_zeros([Level("dense", [Dense(xs, xs, matrix, True)]) for matrix in matrices], lanes)
    first, second = (level.members[0].matrix for level in levels)
    assert zeros.has_zeros(first, slots.index(0))
    np.testing.assert_allclose(second @ first, matrices[1] @ matrices[0], atol=1e-14)


def test_zeros_are_left_out_only_where_both_qubits_go_on_to_unitaries():
    rng, n = np.random.default_rng(10), 10
    circuit = Circuit(n)
    for pairs in ([(4, 9), (5, 8), (6, 0)], [(4, 5), (8, 9), (0, 7)], [(6, 9), (5, 8)]):
        for pair in pairs:
            circuit = circuit.unitary(random_unitary(rng), pair)
        circuit = circuit.rx(0.3, 7)
    builder = StageTableBuilder(Program(circuit), 3, False, BLOCKED)
    builder.build()
    sparse = [row[passes.WITH_ZEROS] for row in builder.code if row[passes.KIND] == passes.TWO_QUBIT]
    assert (sum(sparse), len(sparse)) == (4, 8)


def test_gradients_pass_through_them(blocked):
    n, rng = 9, np.random.default_rng(6)
    names = [Parameter(f"t{k}") for k in range(12)]
    circuit = Circuit(n)
    for t in names:
        a, b, c = rng.permutation(n)[:3].tolist()
        circuit = circuit.ry(t, a).unitary(random_unitary(rng), (b, a)).rx(2 * t, b).cx(b, c)
    values, observables = rng.uniform(-3, 3, 12), [Z(0) @ Z(5), Z(3)]
    exact = gradient(circuit, observables, values)
    np.testing.assert_allclose(exact, gradient(circuit, observables, values, method="finite_difference"), atol=1e-8)


def test_blocks_that_are_still_zero_are_left_out():
    """From |0...0> the first stage has one block to work on; qubits that were rotated before it make it more."""
    rng = np.random.default_rng(7)
    pairs = [(q, (q + 3) % 9) for q in range(9)]
    for rotated, expected in (((), 1), ((0,), 1), (range(9), 4)):
        circuit = Circuit(9)
        for q in rotated:
            circuit = circuit.ry(0.3, q)
        for pair in pairs:
            circuit = circuit.unitary(random_unitary(rng), pair)
        builder = StageTableBuilder(Program(circuit), 3, False, BLOCKED)
        builder.build()
        reached = [int(stage[kernel.REACHED]) for stage in builder.stages]
        blocks = [1 << int(stage[kernel.BLOCKS_BITS]) for stage in builder.stages]
        assert (reached[0], reached[-1]) == (expected, blocks[-1])
        assert blocks[0] == 4
