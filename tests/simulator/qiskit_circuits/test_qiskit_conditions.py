"""Conditions of Qiskit's if-tests: expressions of bits against Aer; how bits that are not a register are written."""

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit.classical import expr, types

from simulator import Circuit, CircuitError
from simulator.gates import Condition
from simulator.qiskit_provider import QumbaBackend, Sampler

SHOTS = 20  # each outcome is certain

# Of two registers, a with 2 bits and b with 3, and two bits: the lowest of a (q) and the second of b (p).
EXPRESSIONS = {
    "bit": lambda a, b, q, p: expr.lift(q),
    "not": lambda a, b, q, p: expr.logic_not(p),
    "and": lambda a, b, q, p: expr.logic_and(q, expr.logic_not(p)),
    "or": lambda a, b, q, p: expr.logic_or(q, p),
    "exclusive or": lambda a, b, q, p: expr.bit_xor(q, p),
    "register equal": lambda a, b, q, p: expr.equal(b, 5),
    "register equal, turned": lambda a, b, q, p: expr.equal(5, b),
    "register unequal": lambda a, b, q, p: expr.not_equal(b, 5),
    "two tests": lambda a, b, q, p: expr.logic_and(expr.not_equal(b, 5), q),
    "mask": lambda a, b, q, p: expr.equal(expr.bit_and(b, 5), 4),
    "complement": lambda a, b, q, p: expr.equal(expr.bit_not(b), 6),
    "less": lambda a, b, q, p: expr.less(b, 3),
    "greater or equal": lambda a, b, q, p: expr.greater_equal(b, 6),
    "two registers": lambda a, b, q, p: expr.less_equal(expr.cast(a, types.Uint(3)), b),
    "always": lambda a, b, q, p: expr.logic_or(q, expr.logic_not(q)),
    "never": lambda a, b, q, p: expr.logic_and(q, expr.logic_not(q)),
}


def conditioned(condition, values):
    """The bits are set to ``values``; qubit 5 becomes 1 if the condition holds, qubit 6 if it does not."""
    qc = QuantumCircuit(QuantumRegister(7), ClassicalRegister(2, "a"), ClassicalRegister(3, "b"))
    for k in range(5):
        if values >> k & 1:
            qc.x(k)
        qc.measure(k, k)
    with qc.if_test(condition(*qc.cregs, qc.clbits[0], qc.clbits[3])) as otherwise:
        qc.x(5)
    with otherwise:
        qc.x(6)
    qc.add_register(ClassicalRegister(2, "out"))
    qc.measure([5, 6], [5, 6])
    return qc


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_holds_where_it_does_in_aer(name):
    aer = pytest.importorskip("qiskit_aer")
    circuits = [conditioned(EXPRESSIONS[name], values) for values in range(32)]
    theirs = aer.AerSimulator().run(circuits, shots=1, seed_simulator=1).result()
    for values, circuit in enumerate(circuits):
        ((ours, count),) = Circuit.from_qiskit(circuit).sample(shots=SHOTS, seed=1).items()
        (expected,) = theirs.get_counts(values)
        assert (ours, count) == (expected.replace(" ", ""), SHOTS)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (lambda a, b, q, p: expr.index(b, 2), {4, 5, 6, 7}),
        (lambda a, b, q, p: expr.equal(expr.shift_left(b, 1), 4), {2, 6}),
        (lambda a, b, q, p: expr.equal(expr.shift_right(b, 1), 2), {4, 5}),
        (lambda a, b, q, p: expr.greater(expr.add(b, 3), 5), {3, 4}),  # modulo 8
    ],
    ids=["index", "shift left", "shift right", "sum"],
)
def test_an_expression_that_aer_does_not_know(condition, holds):
    for b in range(8):
        ((outcome, count),) = Circuit.from_qiskit(conditioned(condition, b << 2)).sample(shots=SHOTS, seed=1).items()
        assert (outcome[:2], count) == ("01" if b in holds else "10", SHOTS)


def test_a_wide_register_is_compared_without_a_table():
    qc = QuantumCircuit(QuantumRegister(1), ClassicalRegister(20, "c"))
    with qc.if_test(expr.not_equal(qc.cregs[0], 3)):
        qc.x(0)
    assert Circuit.from_qiskit(qc).operations[0].conditions == (Condition(tuple(range(20)), 3, equal=False),)


def test_values_that_the_bits_cannot_hold_never_come():
    qc = QuantumCircuit(QuantumRegister(1), ClassicalRegister(2, "c"))
    with qc.if_test((qc.cregs[0], 5)) as otherwise:
        qc.x(0)
    with otherwise:
        qc.y(0)
    assert [(o.gate.name, o.conditions) for o in Circuit.from_qiskit(qc)] == [("y", ())]


def test_a_condition_without_bits_is_decided_at_once():
    qc = QuantumCircuit(1)
    with qc.if_test(expr.lift(True)):
        qc.x(0)
    assert Circuit.from_qiskit(qc) == Circuit(1).x(0)


def test_other_expressions_are_refused():
    wide = QuantumCircuit(QuantumRegister(1), ClassicalRegister(9, "c"))
    with wide.if_test(expr.less(wide.cregs[0], 2)):
        wide.x(0)
    with pytest.raises(CircuitError, match="at most 8 classical bits, got 9"):
        Circuit.from_qiskit(wide)
    variable = QuantumCircuit(1)
    with variable.if_test(variable.add_input("flag", types.Bool())):
        variable.x(0)
    with pytest.raises(CircuitError, match="compares classical bits or registers with integers, got Var"):
        Circuit.from_qiskit(variable)


# What is written


def partial():
    """Conditions on bits 0 and 2 of three, nested, and with both branches."""
    return (
        Circuit(4, 3)
        .h(0)
        .h(1)
        .measure([0, 1], [0, 2])
        .if_test(((0, 2), 2), Circuit(4).x(2))
        .if_else(((2, 0), 2), Circuit(4).x(3), Circuit(4, 3).if_test((0, 0), Circuit(4).x(3).z(2)))
        .measure(2, 1)
    )


def test_bits_that_are_not_a_register_are_written_as_an_expression():
    out = partial().to_qiskit()
    assert [register.name for register in out.cregs] == ["c"]
    assert Circuit.from_qiskit(out) == partial()
    assert str(partial().draw())


def test_their_counts_are_those_of_aer_and_of_the_backend():
    aer = pytest.importorskip("qiskit_aer")
    circuit = partial()
    expected = {"000", "001", "101", "110"}  # bit 1 is 1 where bits 0 and 2 are 0 and 1
    assert set(circuit.sample(shots=200, seed=1)) == expected
    assert set(QumbaBackend().run(circuit.to_qiskit(), shots=200, seed_simulator=1).result().get_counts()) == expected
    assert set(Sampler(seed=1).run([circuit.to_qiskit()], shots=200).result()[0].data.c.get_counts()) == expected
    theirs = aer.AerSimulator().run(circuit.to_qiskit(), shots=200, seed_simulator=1).result().get_counts()
    assert set(theirs) == expected
    low = transpile(circuit.to_qiskit(), basis_gates=["rz", "sx", "x", "cx"], optimization_level=1)
    assert set(Circuit.from_qiskit(low).sample(shots=200, seed=1)) == expected


@pytest.mark.parametrize("bits", [(0, 2), (2, 0), (1, 0), (2, 1, 0), (0, 1, 2)])
@pytest.mark.parametrize("value", [0, 1, 2])
def test_conditions_through_qasm_3(bits, value):
    for values in range(8):
        circuit = Circuit(5, 3)
        for k in range(3):
            circuit = circuit.x(k) if values >> k & 1 else circuit
        circuit = circuit.measure([0, 1, 2], [0, 1, 2]).if_else((bits, value), Circuit(5).x(3), Circuit(5).x(4))
        circuit = circuit.measure([3, 4], [0, 1])
        back = Circuit.from_qasm(circuit.to_qasm())
        assert back.sample(shots=SHOTS, seed=1) == circuit.sample(shots=SHOTS, seed=1)
        held = sum((values >> bit & 1) << k for k, bit in enumerate(bits)) == value
        assert circuit.sample(shots=SHOTS, seed=1) == {f"{values >> 2}{'01' if held else '10'}": SHOTS}


def test_qasm_2_has_no_such_conditions():
    with pytest.raises(CircuitError, match="OpenQASM 2 cannot express the circuit"):
        partial().to_qasm(2)


# Boxes


def test_boxes_are_their_content():
    qc = QuantumCircuit(3, 1)
    qc.h(0)
    with qc.box():
        qc.cx(0, 2)
        with qc.box(label="inner"):
            qc.ry(0.3, 1)
        qc.measure(2, 0)
    with qc.if_test((qc.clbits[0], 1)), qc.box():
        qc.x(1)
    expected = Circuit(3, 1).h(0).cx(0, 2).ry(0.3, 1).measure(2, 0).if_test((0, 1), Circuit(3).x(1))
    assert Circuit.from_qiskit(qc) == expected
    np.testing.assert_array_equal(
        Circuit.from_qasm('OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[1] q;\nbox { h q[0]; }').to_matrix(),
        Circuit(1).h(0).to_matrix(),
    )
