"""Circuits that differ only in numbers share a program; all others do not."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from simulator import Circuit, CircuitError, Parameter, X, Z, gates
from simulator.calculations import statevector
from simulator.program import structure
from tests.simulator import reference

ROUNDING = 1e-13


def circuit(numbers, qubits=(0, 1, 2), gate=gates.CRY):
    """Rotations and fixed gates, with an angle that merges with its neighbour and one that multiplies a phase."""
    a, b, c = qubits
    first, second, third, fourth = numbers
    out = Circuit(3).h(a).rx(first, b).rx(second, b).u(third, fourth, first, c).cx(a, c)
    return out.append(gate(second, b, c)).p(fourth, a).rz(third, c).ccx(a, b, c).h(b)


def expected(circuit):
    """State by the gates' matrices."""
    steps = [(op.gate.matrix(*op.angles), op.qubits) for op in circuit.operations]
    return reference.statevector(steps, circuit.num_qubits)


@pytest.fixture
def programs(monkeypatch):
    """Programs that are created, with an empty cache."""
    monkeypatch.setattr(statevector, "_programs", {})
    created = []

    def program(*args, create=statevector.Program, **options):
        created.append(create(*args, **options))
        return created[-1]

    monkeypatch.setattr(statevector, "Program", program)
    return created


def test_other_numbers_do_not_make_another_program(programs):
    rng = np.random.default_rng(1)
    circuits = [circuit(numbers) for numbers in (*rng.uniform(-4, 4, (5, 4)).tolist(), [0.0, np.pi, -np.pi, 0.5])]
    for each in circuits:
        np.testing.assert_allclose(each.statevector(), expected(each), atol=ROUNDING)
        state = expected(each)
        mean = np.vdot(state, reference.pauli_masks(0b001, 0b100, 3) @ state).real
        assert each.expectation(X(0) @ Z(2)) == pytest.approx(mean, abs=ROUNDING)
    assert len(programs) == 2  # with and without the observable


def test_other_qubits_or_gates_make_another_program(programs):
    numbers = [0.3, -1.1, 2.5, 0.7]
    others = [circuit(numbers, qubits) for qubits in itertools.permutations(range(3))]
    others += [circuit(numbers, gate=gate) for gate in (gates.CRX, gates.CRZ, gates.RY.controlled(1, [0]))]
    for each in others * 2:
        np.testing.assert_allclose(each.statevector(), expected(each), atol=ROUNDING)
    assert len(programs) == len(others)


def test_a_condition_is_not_ignored(programs):
    plain = Circuit(1, 1).rx(0.3, 0)
    plain.statevector()
    with pytest.raises(CircuitError, match="branches on classical bits"):
        Circuit(1, 1).if_test((0, 1), plain).statevector()


def test_large_angles_are_reduced_exactly(programs):
    for angle in (0.1, 1e9, 1e17, 0.2):
        state = Circuit(1).rx(angle, 0).rx(0.25, 0).statevector()
        cosine = np.cos(angle / 2) * np.cos(0.125) - np.sin(angle / 2) * np.sin(0.125)
        assert state[0].real == pytest.approx(cosine, abs=1e-12)


def test_equal_circuits_are_compared_rather_than_hashed(monkeypatch):
    """Also of circuits that have the same size and the same first, middle and last operations."""
    monkeypatch.setattr(structure, "_recent", {})
    theta = Parameter("theta")

    def built(first, second):
        return Circuit(2).ry(0.3, 0).rx(first, 1).cx(0, 1).rz(second, 1).rx(0.2, 0)

    for first, second in [(0.1, 0.2), (0.1, 0.2), (0.4, 0.2), (0.1, 0.5), (0.1, 0.2), (theta, 0.2), (theta, 0.2)]:
        each = built(first, second)
        plain = each if first is not theta else built(1.5, second)
        np.testing.assert_allclose(
            each.statevector(None if first is not theta else [1.5]), expected(plain), atol=ROUNDING
        )
        assert each == built(first, second)
        assert each.parameters == ((theta,) if first is theta else ())
    known, again = built(theta, 0.2), built(theta, 0.2)
    structure.recall(known)
    structure.recall(again)
    assert again.operations is known.operations
    assert len(structure._recent) == 1
    for k in range(2 * structure._RECENT):
        structure.recall(Circuit(1).rx(0.1 * k, 0))
    assert len(structure._recent) == structure._RECENT


def test_few_programs_are_kept_by_many_threads(programs):
    def run(seed):
        rng = np.random.default_rng(seed)
        for _ in range(20):
            each = Circuit(2).rx(float(rng.uniform(-3, 3)), int(rng.integers(2)))
            for _ in range(int(rng.integers(30))):
                each = each.ry(float(rng.uniform(-3, 3)), 0)
            np.testing.assert_allclose(each.statevector(), expected(each), atol=ROUNDING)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))
    assert len(statevector._programs) <= statevector._KEPT_PROGRAMS + 4
