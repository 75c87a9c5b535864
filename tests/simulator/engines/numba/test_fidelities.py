"""Fidelities of states: every number of qubits and samples around a tile, a block and a panel; both precisions."""

import numpy as np
import pytest

from simulator import Circuit, ParameterVector
from simulator.calculations.fidelities import fidelities, fidelities_of_states
from simulator.calculations.statevector import states
from simulator.engines.choice import using
from simulator.engines.numba.options import Options
from simulator.engines.numba.sweeps import NumbaEngine
from simulator.engines.numba.threads import set_num_threads
from simulator.program.program import Program

SIZES = [(1, 1, 1), (2, 7, 9), (3, 64, 65), (5, 150, 8), (8, 33, 17), (13, 5, 3)]
TOLERANCE = {"double": 1e-13, "single": 5e-5}


def program_of(n: int, precision: str) -> Program:
    x, w = ParameterVector("x", n), ParameterVector("w", n)
    circuit = Circuit(n)
    for _ in range(2):
        for q in range(n):
            circuit = circuit.ry(x[q], q).rz(w[q], q)
        for q in range(n - 1):
            circuit = circuit.cx(q, q + 1)
    return Program(circuit, (), x, w, precision)


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize(
    ("n", "rows", "columns"), [(1, 1, 1), (2, 7, 9), (3, 64, 65), (5, 150, 8), (8, 33, 17), (13, 5, 3)]
)
def test_against_overlaps(n: int, rows: int, columns: int, precision: str) -> None:
    rng = np.random.default_rng(n)
    program = program_of(n, precision)
    X, Y, weights = rng.normal(size=(rows, n)), rng.normal(size=(columns, n)), rng.normal(size=n)
    a, b = states(program, X, weights), states(program, Y, weights)
    square, rectangle = np.abs(a @ a.conj().T) ** 2, np.abs(a @ b.conj().T) ** 2
    atol = TOLERANCE[precision]
    for panel in (1024, 24, 5):
        with using(NumbaEngine(Options(panel=panel, panel_share=10**9))):
            found = fidelities(program, X, weights)
            assert found.dtype == program.dtype
            assert (found == found.T).all()
            np.testing.assert_allclose(found, square, atol=atol)
            np.testing.assert_allclose(fidelities(program, X, weights, Y), rectangle, atol=atol)
    np.testing.assert_allclose(fidelities_of_states(a), square, atol=atol)
    np.testing.assert_allclose(fidelities_of_states(a, b), rectangle, atol=atol)


@pytest.mark.parametrize("n", [4, 7])
def test_bits_depend_neither_on_threads_nor_on_panels(n: int) -> None:
    program = program_of(n, "double")
    rng = np.random.default_rng(0)
    X, weights = rng.normal(size=(203, n)), rng.normal(size=n)
    with using(NumbaEngine(Options(serial_products=0))):
        first = fidelities(program, X, weights)
    below = np.tril_indices(203, -1)
    with using(NumbaEngine(Options(serial_products=0, panel=40, panel_share=10**9))):
        set_num_threads(1)
        try:
            second = fidelities(program, X, weights)
        finally:
            set_num_threads(None)
        assert (first == second).all()
        assert (fidelities(program, X, weights, X.copy())[below] == first[below]).all()


def test_progress_counts_every_entry_once() -> None:
    counts: list[int] = []
    program = program_of(2, "double")
    X, weights = np.zeros((3000, 2)), np.zeros(2)
    with using(NumbaEngine(Options(panel_share=10**9))):
        fidelities(program, X, weights, progress=counts.append)
    assert sum(counts) == 3000**2
    assert len(counts) > 1


def test_into_a_given_array() -> None:
    program = program_of(2, "double")
    out = np.full((3, 3), -1.0)
    assert fidelities(program, np.zeros((3, 2)), np.zeros(2), out=out) is out
    np.testing.assert_allclose(out, 1.0, atol=1e-14)
