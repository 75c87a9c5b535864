"""Programs: two ways to make one, copies, and what a program does not depend on."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

from simulator import Circuit, ObservableError, ParameterVector, X, Z
from simulator.calculations.gradients import adjoint_sweep
from simulator.program.lowering import lower
from simulator.program.program import Program


def example():
    x, w = ParameterVector("x", 2), ParameterVector("w", 3)
    circuit = Circuit(3).ry(x[0], 0).cx(0, 1).rz(w[0] + x[1], 1).rx(2 * w[1], 2).cx(2, 0).ry(w[2], 0)
    return circuit, [Z(0) + X(1), Z(2)], x, w


def sweep(program):
    rng = np.random.default_rng(0)
    return adjoint_sweep(program, rng.normal(size=(5, 2)), rng.normal(size=3), rng.normal(size=(5, 2)), inputs=True)


def of_lowered():
    circuit, observables, x, w = example()
    lowered = lower(circuit, {p: k for k, p in enumerate((*x, *w))})
    return Program.of_lowered(lowered, observables, x, w)


def test_a_program_of_a_lowered_circuit_is_that_of_the_circuit():
    circuit, observables, x, w = example()
    program = of_lowered()
    assert program.circuit is None
    assert program.num_qubits == 3
    for ours, theirs in zip(sweep(program), sweep(Program(circuit, observables, x, w)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("copied", [lambda p: pickle.loads(pickle.dumps(p)), copy.copy, copy.deepcopy])
@pytest.mark.parametrize("make", [lambda: Program(*example()), of_lowered])
def test_a_copy_after_use_computes_the_same(make, copied):
    program = make()
    expected = sweep(program)
    again = copied(program)
    assert again != program
    for ours, theirs in zip(sweep(again), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_of_lowered_checks_the_observables():
    lowered = lower(Circuit(2).h(0), {})
    with pytest.raises(ObservableError):
        Program.of_lowered(lowered, [Z(2)])


def test_making_a_program_loads_no_engine():
    code = """
import sys
from simulator import Circuit, Z
from simulator.program.program import Program
Program(Circuit(2).h(0).cx(0, 1), [Z(1)]).schedule
print([name for name in sys.modules if name == "numba" or name.startswith("simulator.engines.numba.kernels")])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("size", [1e39, 1e-39])
def test_coefficients_beyond_single_precision_are_refused(size):
    circuit, (first, second), x, w = example()
    observables = [first, size * second + 0.5 * size * X(0)]
    with pytest.raises(ObservableError, match=r"a sum from 1.2e-38 to 3.4e\+38, got 1.5e[+-]39; multiply"):
        Program(circuit, observables, x, w, "single")
    values, by_weights, _ = sweep(Program(circuit, observables, x, w))
    expected = sweep(Program(circuit, [first, second + 0.5 * X(0)], x, w))
    np.testing.assert_allclose(values, expected[0] * [1.0, size], rtol=1e-12)
    assert np.isfinite(by_weights).all()
