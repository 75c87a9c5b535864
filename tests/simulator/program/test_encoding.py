"""The states before the first weight, and the program that begins in them, against the whole program and Qiskit."""

import numpy as np
import pytest
from qiskit.quantum_info import SparsePauliOp, Statevector

from simulator import Circuit, ParameterVector, X, Y, Z
from simulator.calculations.gradients import adjoint_sweep
from simulator.calculations.statevector import expectations, states
from simulator.engines.choice import using
from simulator.program.encoding import split_encoding
from simulator.program.program import Program
from tests.simulator.engines.engines import ENGINES

TOLERANCE = {"double": 1e-12, "single": 1e-4}
OBSERVABLES = [Z(0) + 0.5 * (X(1) @ Y(2)), Z(3)]
x, w = ParameterVector("x", 4), ParameterVector("w", 6)


def encoding(circuit, reps=3):
    for _ in range(reps):
        for q in range(4):
            circuit = circuit.h(q).rz(x[q], q)
        circuit = circuit.rzz(x[0], 0, 1).cx(1, 2).rzz(2.0 * x[2], 2, 3).cx(3, 0).x(1)
    return circuit


def ansatz(circuit):
    """Its first gates are diagonal, so that the lowered circuit merges them with the encoding."""
    for q in range(4):
        circuit = circuit.rz(w[q], q).ry(0.3, q)
    return circuit.cx(0, 1).rx(w[4], 1).cx(2, 3).crz(w[5] + w[0], 0, 3).ry(w[4], 3)


def values(seed, rows):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, 4)), rng.normal(size=6), rng.normal(size=(rows, 2))


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("rows", [1, 5, 40])
@pytest.mark.parametrize("engine", ENGINES)
def test_both_parts_are_the_program(engine, rows, precision):
    with using(ENGINES[engine]):
        check_parts(rows, precision)


def check_parts(rows, precision):
    whole = Program(ansatz(encoding(Circuit(4))), OBSERVABLES, list(x), list(w), precision)
    first, second = split_encoding(whole)
    X_, w_, v = values(0, rows)
    amplitudes = np.ascontiguousarray(states(first, X_, np.empty(0)), complex).view(np.float64)
    assert amplitudes.shape == (rows, len(second.inputs)) == (rows, 32)
    tolerance = TOLERANCE[precision]
    for part, row in zip(amplitudes.view(complex), X_, strict=True):
        expected = Statevector(encoding(Circuit(4)).bind(dict(zip(x, row, strict=True))).to_qiskit()).data
        np.testing.assert_allclose(abs(np.vdot(expected, part)), 1.0, atol=tolerance)
    computed = adjoint_sweep(second, amplitudes, w_, v)
    for one, other in zip(computed[:2], adjoint_sweep(whole, X_, w_, v)[:2], strict=True):
        np.testing.assert_allclose(one, other, atol=40 * tolerance)
    np.testing.assert_allclose(expectations(second, amplitudes, w_), computed[0], atol=tolerance)


def test_a_program_that_begins_in_states_against_qiskit():
    rng = np.random.default_rng(1)
    start = rng.normal(size=(3, 16)) + 1j * rng.normal(size=(3, 16))
    start /= np.linalg.norm(start, axis=1, keepdims=True)
    _, w_, _ = values(1, 1)
    circuit = ansatz(Circuit(4).cx(0, 2).x(3))
    program = Program.from_states(circuit, OBSERVABLES, list(w))
    operators = [SparsePauliOp(["IIIZ", "IYXI"], [1.0, 0.5]), SparsePauliOp("ZIII")]
    bound = circuit.bind(dict(zip(w, w_, strict=True))).to_qiskit()
    expected = [[Statevector(row).evolve(bound).expectation_value(o).real for o in operators] for row in start]
    np.testing.assert_allclose(expectations(program, start.view(np.float64), w_), expected, atol=1e-12)


def test_amplitudes_are_an_encoding():
    a = ParameterVector("a", 8)
    whole = Program(Circuit(3).initialize(list(a)).ry(w[0], 0).cx(0, 2).rx(w[1], 1), [Z(2)], list(a), list(w[:2]))
    first, second = split_encoding(whole)
    X_, w_ = np.random.default_rng(2).normal(size=(5, 8)), np.array([0.3, -1.2])
    amplitudes = states(first, X_, np.empty(0)).view(np.float64)
    expected = adjoint_sweep(whole, X_, w_, np.ones((5, 1)))
    np.testing.assert_allclose(adjoint_sweep(second, amplitudes, w_, np.ones((5, 1)))[1], expected[1], atol=1e-13)


@pytest.mark.parametrize(
    "circuit",
    [
        ansatz(Circuit(4).rx(x[0], 0).rx(x[1], 1).rx(x[2], 2).rx(x[3], 3)),
        ansatz(encoding(Circuit(4), reps=1)),
        encoding(ansatz(encoding(Circuit(4)))),
        ansatz(encoding(Circuit(4)).rz(w[0], 0)).rx(x[0], 0),
        encoding(Circuit(4)),
    ],
    ids=["product", "short", "re-uploading", "an input behind a weight", "no weights"],
)
def test_programs_that_are_not_split(circuit):
    assert split_encoding(Program(circuit, OBSERVABLES, list(x), list(w))) is None


def test_an_encoding_is_split_once_for_each_program():
    program = Program(ansatz(encoding(Circuit(4))), OBSERVABLES, list(x), list(w))
    assert split_encoding(program)[1] is split_encoding(program)[1]
