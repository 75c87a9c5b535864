"""Ways of the numba engine that other engines do not have: where phases are kept, how many states a tile holds."""

from dataclasses import replace

import numpy as np
import pytest

from simulator import Circuit, ParameterVector, X, Y, Z
from simulator.calculations.gradients import adjoint_sweep
from simulator.engines.choice import using
from simulator.engines.numba.layout import scratch
from simulator.engines.numba.sweeps import NumbaEngine
from simulator.program.program import Program
from tests.simulator.engines.engines import NUMBA
from tests.simulator.engines.test_engine import check_sweeps, dense_expectations, dense_state


@pytest.mark.parametrize("num_qubits", [11, 13])
@pytest.mark.parametrize("stored_bytes", [0, 1 << 30])
@pytest.mark.parametrize("options", NUMBA)
def test_phases_are_the_same_wherever_they_are_kept(options, num_qubits, stored_bytes):
    with using(NumbaEngine(replace(NUMBA[options], stored_bytes=stored_bytes))):
        check_sweeps(num_qubits)


@pytest.mark.parametrize("derive_inputs", [False, True])
def test_tiles_of_several_states_rotate_each_by_its_own_angles(derive_inputs):
    """Re-uploading: angles differ from sample to sample, and one input rotates several qubits, in several layers."""
    x, w = ParameterVector("x", 2), ParameterVector("w", 9)
    circuit = Circuit(3)
    for layer in range(3):
        circuit = circuit.ry(x[0], 0).rx(x[1], 1).ry(x[0], 2).rx(0.3, layer)
        for q in range(3):
            circuit = circuit.rz(w[3 * layer + q], q).ry(w[3 * layer + q] + x[1], q)
        circuit = circuit.cx(0, 1).cx(1, 2)
    observables = [Z(0) + X(1) @ Y(2), Z(2)]
    rng = np.random.default_rng(4)
    X_, w_, v = rng.normal(size=(300, 2)), rng.normal(size=9), rng.normal(size=(300, 2))
    compiled = Program(circuit, observables, list(x), list(w))
    assert (NumbaEngine().plan(compiled, 300, derive_inputs).states > 1) is not derive_inputs
    values, by_weights, by_inputs = adjoint_sweep(compiled, X_, w_, v, inputs=derive_inputs)
    names = [*x, *w]
    bound = [dict(zip(names, [*row, *w_], strict=True)) for row in X_]
    states_ = [dense_state(circuit, [each[p] for p in circuit.parameters]) for each in bound]
    dense = np.array([dense_expectations(observables, state) for state in states_])
    np.testing.assert_allclose(values, dense, atol=1e-12)
    alone = [adjoint_sweep(compiled, X_[i : i + 1], w_, v[i : i + 1], inputs=True) for i in range(300)]
    np.testing.assert_allclose(by_weights, sum(each[1] for each in alone), atol=1e-10)
    if derive_inputs:
        np.testing.assert_allclose(by_inputs, np.concatenate([each[2] for each in alone]), atol=1e-12)


@pytest.mark.parametrize("derive_inputs", [False, True])
def test_passes_with_the_same_phases_share_a_table(derive_inputs):
    x, w = ParameterVector("x", 3), ParameterVector("w", 4)

    def circuit(phases):
        out = Circuit(4)
        for k in range(4):
            for q in range(4):
                out = out.h(q)
            out = phases(out, k)
        for q in range(4):
            out = out.ry(w[q], q)
        return out

    same = circuit(lambda c, k: c.rzz(x[0], 0, 1).rzz(2.0 * x[1], 1, 2).rz(x[2], 3).rzz(x[2], 0, 3))
    other = circuit(lambda c, k: c.rzz((1.0 + 0.1 * k) * x[0], 0, 1).rzz(2.0 * x[1], 1, 2).rz(x[2], 3).rzz(x[2], 0, 3))
    observables, rng = [Z(0) + X(1) @ Y(2), Z(3)], np.random.default_rng(5)
    X_, w_, v = rng.normal(size=(40, 3)), rng.normal(size=4), rng.normal(size=(40, 2))
    sizes = []
    for each in (same, other):
        compiled = Program(each, observables, list(x), list(w))
        values, by_weights, by_inputs = adjoint_sweep(compiled, X_, w_, v, inputs=derive_inputs)
        rows = [each.bind(dict(zip([*x, *w], [*row, *w_], strict=True))) for row in X_]
        dense = np.array([dense_expectations(observables, dense_state(row, [])) for row in rows])
        np.testing.assert_allclose(values, dense, atol=1e-12)
        step = 1e-6

        def total(X_, w_, compiled=compiled):
            return float((v * adjoint_sweep(compiled, X_, w_, v)[0]).sum())

        for k in range(4):
            slope = (total(X_, w_ + step * np.eye(4)[k]) - total(X_, w_ - step * np.eye(4)[k])) / (2 * step)
            assert by_weights[k] == pytest.approx(slope, abs=1e-7)
        if derive_inputs:
            for k in range(3):
                slope = (total(X_ + step * np.eye(3)[k], w_) - total(X_ - step * np.eye(3)[k], w_)) / (2 * step)
                assert by_inputs[:, k].sum() == pytest.approx(slope, abs=1e-7)
        layout = NumbaEngine().plan(compiled, 40, derive_inputs).tables.layout
        sizes.append(int(layout[scratch.BUFFER] - layout[scratch.TABLES]))
    assert 0 < sizes[0] < sizes[1]
