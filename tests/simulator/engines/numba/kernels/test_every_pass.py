"""Every kind of pass of the packed tables, its compiled kernels alone, against dense matrices by ``np.kron``."""

import numpy as np
import pytest

from simulator.engines.numba.layout import passes
from tests.simulator.engines.numba.kernels import fused_cases, matrix_cases, phase_cases, rotation_cases
from tests.simulator.engines.numba.kernels.cases import WAYS, check

CASES = {
    passes.ROTATION: rotation_cases.rotations,
    passes.ROTATION_PAIR: rotation_cases.pairs,
    passes.LANE_ROTATION: rotation_cases.lane_rotations,
    passes.PHASES: phase_cases.phases,
    passes.DENSE: matrix_cases.dense,
    passes.LIKE_X: rotation_cases.like_x,
    passes.LIKE_Y: rotation_cases.like_y,
    passes.FACTORED: phase_cases.factored,
    passes.TWO_QUBIT: matrix_cases.two_qubits,
    passes.FUSED: fused_cases.fused,
}
LANES_ARE_QUBITS = {passes.LANE_ROTATION, passes.LIKE_X, passes.LIKE_Y, passes.FACTORED, passes.TWO_QUBIT}
LANES_ARE_SAMPLES = {passes.FUSED}
FEWEST = 50  # cases, so that no test passes because it has none


def _runs():
    for kind in passes.KINDS:
        name = CASES[kind].__name__ if kind in CASES else kind
        for dtype, lanes in WAYS:
            if kind not in (LANES_ARE_QUBITS if lanes is None else LANES_ARE_SAMPLES):
                use = "samples" if lanes is None else "qubits"
                yield pytest.param(kind, dtype, lanes, id=f"{name}-{use}-{dtype.__name__}")


@pytest.mark.parametrize(("kind", "dtype", "lanes"), list(_runs()))
def test_every_kernel_equals_its_dense_matrix(kind, dtype, lanes):
    assert kind in CASES, f"no case tests passes of kind {kind}: add a row to CASES"
    rng = np.random.default_rng(kind)
    count = 0
    for case in CASES[kind](dtype, lanes, rng):
        check(case, rng)
        count += 1
    assert count >= FEWEST
