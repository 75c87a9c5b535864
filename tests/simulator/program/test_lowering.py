"""What lowering makes of circuits: how many passes, and which gates cost none."""

import numpy as np
import pytest

from simulator import Circuit, Parameter, ParameterVector, X, Z
from simulator.engines.numba.layout import passes, sections
from simulator.engines.numba.tables.builder import TableBuilder
from simulator.program.program import Program


def kinds(circuit, observables=(Z(0),), lanes=None):
    tables = TableBuilder(Program(circuit, observables), lanes, False).build()
    return tables.integers(sections.PASSES).reshape(-1, passes.COLUMNS)[:, passes.KIND].tolist()


def entangled(num_qubits):
    """A state that no longer is a product, so that gates after it are passes."""
    circuit = Circuit(num_qubits)
    for q in range(num_qubits):
        circuit = circuit.ry(0.3 + q, q)
    for q in range(num_qubits - 1):
        circuit = circuit.rxx(0.5, q, q + 1)
    return circuit


def test_gates_that_permute_basis_states_cost_no_pass():
    circuit = Circuit(4).x(0).cx(0, 1).swap(1, 2).dcx(2, 3).cx(3, 0)
    assert kinds(circuit) == []
    expected = np.zeros(16)
    expected[np.abs(circuit.to_matrix()[:, 0]).argmax()] = 1
    np.testing.assert_array_equal(circuit.probabilities(), expected)


def test_one_qubit_gates_on_the_zero_state_cost_no_pass():
    w = ParameterVector("w", 12)
    circuit = Circuit(4)
    for q in range(4):
        circuit = circuit.h(q).rz(w[q], q).ry(w[4 + q], q).rx(w[8 + q], q)
    assert kinds(circuit) == []


def test_a_layer_of_diagonal_gates_is_one_pass():
    circuit = entangled(4)
    before = kinds(circuit.h(0).h(1).h(2).h(3)).count(passes.PHASES)
    for q in range(4):
        circuit = circuit.rz(0.1 + q, q).t(q).cp(0.3, q, (q + 1) % 4).rzz(0.7, q, (q + 2) % 4)
    assert kinds(circuit.h(0).h(1).h(2).h(3)).count(passes.PHASES) <= max(before, 1)


@pytest.mark.parametrize(("lanes", "passes_of_six"), [(None, 2), (3, 6)])
def test_a_layer_of_rotations_takes_a_third_as_many_passes(lanes, passes_of_six):
    circuit = entangled(6)
    before = kinds(circuit, (), lanes)
    for q in range(6):
        circuit = circuit.ry(0.2, q)
    after = kinds(circuit, (), lanes)
    assert len(after) <= len(before) + passes_of_six
    assert after.count(passes.FUSED) - before.count(passes.FUSED) == (2 if lanes is None else 0)


def test_phases_before_a_fused_pass_take_no_pass_of_their_own():
    w = ParameterVector("w", 18)
    circuit = entangled(6)
    before = kinds(circuit, ())
    for q in range(6):
        circuit = circuit.rz(w[q], q).ry(w[6 + q], q)
    assert kinds(circuit, ()).count(passes.PHASES) <= before.count(passes.PHASES)


def test_rotations_like_x_are_fused_and_single_ones_are_not():
    circuit = Circuit(4).h(0).h(1).h(2).h(3).rzz(0.5, 0, 1).rzz(0.5, 1, 2).rzz(0.5, 2, 3)
    assert kinds(circuit.rx(0.1, 0).rx(0.2, 1).ry(0.3, 2), ())[0] == passes.FUSED
    assert passes.FUSED not in kinds(circuit.rx(0.1, 0), ())


def test_what_no_observable_sees_is_dropped():
    w = ParameterVector("w", 4)
    circuit = entangled(4).rz(w[0], 0).ry(w[1], 1).rz(w[2], 2).rx(w[3], 3)
    assert kinds(circuit, (Z(0),)) == kinds(entangled(4), (Z(0),))
    np.testing.assert_array_equal(circuit.gradient(Z(0), [0.1, 0.2, 0.3, 0.4]), np.zeros(4))


def test_angles_of_equal_rotations_are_added():
    a, b = Parameter("a"), Parameter("b")
    twice = entangled(3).ry(a, 0).rzz(a, 0, 1).rzz(b, 0, 1).ry(b, 0).ry(2 * a + 0.1, 0)
    once = entangled(3).ry(a, 0).rzz(a + b, 0, 1).ry(b + 2 * a + 0.1, 0)
    assert kinds(twice, (X(0),)) == kinds(once, (X(0),))
    values = [0.4, -0.9]
    assert twice.expectation(X(0), values) == pytest.approx(once.expectation(X(0), values), abs=1e-14)
