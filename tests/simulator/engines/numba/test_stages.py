"""Stages of big states: the schedule, and blocks of every size against the dense reference."""

import numpy as np
import pytest
from qiskit.quantum_info import Statevector

from simulator import Circuit, Parameter, X, Z, set_num_threads
from simulator.calculations.gradients import gradient
from simulator.calculations.states import apply
from simulator.engines.choice import using
from simulator.engines.numba.layout import stages as layout
from simulator.engines.numba.options import Options
from simulator.engines.numba.sweeps import NumbaEngine
from simulator.engines.numba.tables.schedule import Stage, runs, schedule
from simulator.engines.numba.tables.stages import StageTableBuilder
from simulator.program.levels import Rotation
from simulator.program.program import Program
from tests.simulator.engines.test_engine import (
    TOLERANCE,
    check_against_reference,
    random_circuit,
    random_observables,
)


@pytest.fixture(params=[4, 5, 7])
def block(request):
    """Blocks of so few qubits that small circuits have many stages."""
    bits = request.param
    with using(NumbaEngine(Options(batch_qubits=0, big_qubits=0, block_bits=bits, part_bits=bits - 1))):
        yield bits


def layers(num_qubits, depth, seed=0):
    """Rotation layers with rings of CNOTs between them."""
    rng = np.random.default_rng(seed)
    circuit = Circuit(num_qubits)
    for _ in range(depth):
        for q in range(num_qubits):
            a, b, c = rng.uniform(-3, 3, 3).tolist()
            circuit = circuit.rz(a, q).rx(b, q).rz(c, q)
        for q in range(num_qubits):
            circuit = circuit.cx(q, (q + 1) % num_qubits)
    return circuit


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("num_qubits", [5, 8])
def test_blocks_equal_the_reference(block, num_qubits, precision):
    for seed in range(2):
        circuit = random_circuit(seed, num_qubits, 30)
        values = np.random.default_rng(seed).uniform(-3, 3, (2, circuit.num_parameters))
        observables = random_observables(seed, num_qubits)
        check_against_reference(circuit, values, observables, precision)


@pytest.mark.parametrize("precision", ["double", "single"])
def test_rotations_by_pi_have_no_cosine_to_leave_out(block, precision):
    """Passes of a block apply tangents and leave cosines to the end: here they would overflow."""
    n, names = 7, [Parameter(f"t{k}") for k in range(6)]
    circuit = Circuit(n)
    for layer in range(3):
        for q in range(n):
            circuit = circuit.h(q).rx(names[2 * layer], q).rz(0.3 + q, q).ry(names[2 * layer + 1], q)
        for q in range(n):
            circuit = circuit.cx(q, (q + 1) % n)
    values = np.array([np.full(6, np.pi), np.full(6, np.pi - 1e-9), [np.pi, 0.4, -np.pi, 3.1, 1.0, 2 * np.pi]])
    check_against_reference(circuit, values, random_observables(1, n), precision)


def test_gradients_through_blocks_equal_central_differences(block):
    for seed in range(2):
        circuit = random_circuit(20 + seed, 7, 30)
        values = np.random.default_rng(seed).uniform(-3, 3, circuit.num_parameters)
        observables = random_observables(seed, 7)
        exact = gradient(circuit, observables, values)
        central = gradient(circuit, observables, values, method="finite_difference")
        np.testing.assert_allclose(exact, central, atol=1e-8)


@pytest.mark.parametrize("bits", [6, 9, 12])
def test_stages_keep_every_mask_in_its_block_and_lose_nothing(bits):
    levels = Program(layers(12, 4)).schedule[1]
    scheduled = schedule(levels, 12, 3, bits)
    assert len(scheduled) < sum(level.kind == "rotations" for level in levels) * 12 / (bits - 3) + 2
    for stage in scheduled:
        assert stage.block_bits <= bits
        for level in stage.levels:
            assert all(isinstance(m, Rotation) and m.x >> stage.block_bits == 0 for m in level.members)
    angles = [m.angle.constant for stage in scheduled for level in stage.levels for m in level.members if m.x]
    expected = [m.angle.constant for level in levels for m in level.members if m.x]
    np.testing.assert_allclose(np.sort(np.abs(angles)), np.sort(np.abs(expected)))


def test_a_basis_and_its_runs_visit_each_amplitude_once():
    stage = Stage([1, 2, 4, 0b1101010, 0b0100001, 0b1110000, 0b1000000], 6)
    sources, places = runs(stage, 3)
    index = place = 0
    seen = []
    for j in range(8):
        seen.append((index, place))
        expected = 0
        for k in range(3):
            expected ^= stage.basis[3 + k] if place >> k & 1 else 0
        assert index == expected
        t = ((j ^ (j + 1)).bit_length()) - 1
        if j < 7:
            index, place = index ^ sources[t], place ^ places[t]
    assert [i >> 3 for i, _ in seen] == sorted({i >> 3 for i, _ in seen})
    assert sorted(p for _, p in seen) == list(range(8))


def test_two_stages_have_blocks_as_small_as_two_stages_allow():
    options, lanes = Options(block_bits=10, part_bits=6), 3
    layer = Circuit(14)
    for q in range(14):
        layer = layer.rx(0.1 + q, q)
    start = Circuit(14).initialize(np.eye(1, 1 << 14)[0], range(14))
    for circuit, bits, count in ((layer, 9, 2), (layers(14, 2), 10, 2)):  # blocks of eight hold too little
        builder = StageTableBuilder(Program(start + circuit), lanes, False, options)
        builder.build()
        assert {int(stage[layout.BLOCK_BITS]) + lanes for stage in builder.stages} == {bits}
        assert len(builder.stages) == count


def test_a_long_circuit_is_scheduled_without_forgetting_gates():
    circuit = layers(14, 40)
    amplitudes = circuit.statevector()
    np.testing.assert_allclose(np.linalg.norm(amplitudes), 1, atol=1e-12)
    np.testing.assert_allclose((circuit + circuit.inverse()).statevector()[0], 1, atol=1e-11)


def test_results_do_not_depend_on_the_threads_and_norms_stay_one():
    rng = np.random.default_rng(0)
    names = [Parameter(f"t{k}") for k in range(60)]
    circuit = Circuit(15)
    for k, t in enumerate(names):
        circuit = circuit.ry(t, k % 15).cx(k % 15, (k + 4) % 15).rz(2 * t, (k + 1) % 15).rzz(t, k % 15, (k + 7) % 15)
    values = rng.uniform(-3, 3, 60)
    observables = [Z(0), X(3) @ Z(14) + 0.5 * Z(7)]
    found = []
    for threads in (1, 2, 3):
        set_num_threads(threads)
        found.append((circuit.statevector(values), *circuit.expectation_and_gradient(observables, values)))
    set_num_threads(None)
    for others in found[1:]:
        for one, other in zip(found[0], others, strict=True):
            np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(np.linalg.norm(found[0][0]), 1, atol=1e-12)
    np.testing.assert_allclose(found[0][1], [mean(o, found[0][0]) for o in observables], atol=1e-12)


def mean(observable, psi):
    return np.vdot(psi, apply(observable, psi)).real


@pytest.mark.parametrize("precision", ["double", "single"])
def test_whole_blocks_equal_aer(precision):
    qiskit_aer = pytest.importorskip("qiskit_aer")
    circuit = random_circuit(5, 15, 60)
    values = np.random.default_rng(5).uniform(-3, 3, circuit.num_parameters)
    bound = circuit.bind(dict(zip(circuit.parameters, values.tolist(), strict=True)))
    other = bound.to_qiskit()
    other.save_statevector()
    simulator = qiskit_aer.AerSimulator(method="statevector")
    transpiled = pytest.importorskip("qiskit").transpile(other, simulator, optimization_level=0)
    expected = np.asarray(simulator.run(transpiled).result().get_statevector())
    np.testing.assert_allclose(circuit.statevector(values, precision=precision), expected, atol=TOLERANCE[precision])


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("qubits", [range(14), [3, 0, 1, 2, *range(4, 14)], [0, 9, 4]])
def test_a_big_state_begins_with_given_amplitudes(qubits, precision):
    rng = np.random.default_rng(8)
    amplitudes = rng.normal(size=1 << len(qubits)) + 1j * rng.normal(size=1 << len(qubits))
    circuit = Circuit(14).initialize(amplitudes, qubits, normalize=True)
    gates = layers(14, 1)
    begin = np.zeros(1 << 14, complex)
    begin[[sum((k >> j & 1) << q for j, q in enumerate(qubits)) for k in range(1 << len(qubits))]] = amplitudes
    expected = Statevector(begin / np.linalg.norm(begin)).evolve(gates.to_qiskit()).data
    np.testing.assert_allclose((circuit + gates).statevector(precision=precision), expected, atol=TOLERANCE[precision])
