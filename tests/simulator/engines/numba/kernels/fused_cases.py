"""Cases of the fused passes: layers of rotations with the phases before them, as the table builder writes them."""

import numpy as np

from simulator import Circuit, Parameter
from simulator.engines.numba import simd
from simulator.engines.numba.kernels import preparation, steps
from simulator.engines.numba.kernels.sections import passes_of
from simulator.engines.numba.layout import passes as layout
from simulator.engines.numba.layout import scratch, sections
from simulator.engines.numba.tables.builder import TableBuilder
from simulator.program.levels import Angle, Level, Rotation
from simulator.program.program import Program
from tests.simulator.engines.numba.kernels.cases import TOLERANCE, Case, rotation, uncached

_prepare, _tile_angles = preparation.prepare, preparation.tile_angles
_apply_passes, _undo_passes = steps.apply_passes, steps.undo_passes
EDGES = [0.0, np.pi, -np.pi, np.pi / 2, 3 * np.pi, 1e-9, 17.0]  # where signs change
STEEP = [np.pi, -np.pi, 3 * np.pi]  # of several such angles with a cosine of almost 0, some are flipped


@uncached
def _start(packed, weights, base, shared, tables, X, states, work):
    _prepare(packed, weights, base, shared, tables, work, -1, None)
    for j in range(states):
        _tile_angles(packed, base, X, j, j, work, None)


@uncached
def _apply(packed, psi, lam, step, shared, tables, work):
    return _apply_passes(packed, psi, lam, step, passes_of(packed), shared, tables, work, None)


@uncached
def _undo(packed, psi, step, number, lam, gradient, shared, tables, work):
    _undo_passes(packed, psi, step, number, lam, gradient, passes_of(packed), shared, tables, work, None)


def _strings(count, n, rng):
    """Ys of different qubits, seen from a basis that random CNOTs have changed."""
    x, z = [1 << q for q in range(n)], [1 << q for q in range(n)]
    for _ in range(3 * n):
        control, target = rng.permutation(n)[:2]
        z[target] ^= z[control]
        x[control] ^= x[target]
    return [(x[q], z[q]) for q in rng.permutation(n)[:count]]


def fused(dtype, lanes, rng):
    """Two to five rotations, with shared angles or with different ones for each sample, after up to five phases."""
    for n in (3, 4, 5):
        for count in range(2, n + 1):
            for local in (False, True):
                for _ in range(6):
                    yield _case(n, count, local, [*EDGES, *rng.uniform(-3, 3, 7)], dtype, rng)
                yield _case(n, count, local, STEEP, dtype, rng)


def _case(n, count, local, choices, dtype, rng):
    W, states = simd.width(dtype), 1 if local else 2
    strings = _strings(count, n, rng)
    zs = [int(z) for z in rng.permutation(np.arange(1, 1 << n))[: rng.integers(6)]]
    number = count + len(zs)
    parameters = [Parameter(f"p{k}") for k in range(number)]
    inputs, weights = (parameters[:count], parameters[count:]) if local else ([], parameters)
    circuit = Circuit(n)
    for parameter in parameters:
        circuit = circuit.rz(parameter, 0)
    precision = "double" if dtype is np.float64 else "single"
    program = Program(circuit, [], inputs=inputs, weights=weights, precision=precision)
    members = [Rotation(x, z, Angle(0.0, {k: 1.0})) for k, (x, z) in enumerate(strings)]
    phases = [Rotation(0, z, Angle(0.0, {count + k: 1.0})) for k, z in enumerate(zs)]
    levels = [Level("phases", phases)] * bool(phases) + [Level("rotations", members)]
    vars(program)["schedule"] = ([[] for _ in range(n)], levels)
    builder = TableBuilder(program, None, derive_inputs=True)
    tables = builder.build()
    rows = tables.integers(sections.PASSES).reshape(-1, layout.COLUMNS)
    assert layout.FUSED in rows[:, layout.KIND]
    values = rng.choice(choices, (number, W if local else 1))
    values[count:] = values[count:, :1]
    X = np.ascontiguousarray(values[:count].T) if local else np.zeros((W * states, 0))
    given = np.ascontiguousarray(values[count:, 0] if local else values[:, 0])
    base = np.zeros(tables.slots + 1)
    shared, stored, work = (
        simd.aligned_zeros(size + 1, dtype) for size in (tables.shared_size, tables.stored_size, tables.scratch_size)
    )

    def begin():
        work[:] = np.nan
        _start(tables.packed, given, base, shared, stored, X, states, work)

    def apply(psi):
        begin()
        _apply(tables.packed, psi, psi, 0, shared, stored, work)

    def undo(psi, lam, gradient):
        """Undo the pass as one that others precede, and as the first one, where psi need not be undone."""
        others = psi.copy(), lam.copy(), gradient.copy()
        given_states, given_gradient = (psi.copy(), lam.copy()), gradient.copy()
        for first_needed, arrays in ((-1, (psi, lam, gradient)), (0, others)):
            tables.packed[0][scratch.FIRST_NEEDED] = first_needed
            begin()
            _undo(tables.packed, arrays[0], 0, 0, *arrays[1:], shared, stored, work)
        np.testing.assert_array_equal(others[1], lam)
        np.testing.assert_array_equal(others[2], gradient)
        check_kept(psi, given_states, lam, gradient, given_gradient)

    def check_kept(psi, given_states, lam, gradient, given_gradient):
        """Compare with the way back along which states between passes are kept."""
        step = len(psi) + 2 * W
        path = simd.aligned_zeros((len(tables.integers(sections.PASSES)) // layout.COLUMNS + 1) * step, dtype)
        path[: len(psi)] = psi
        begin()
        number = _apply(tables.packed, path, psi, step, shared, stored, work)
        assert number == tables.groups
        final, dual, derivatives = path[number * step :][: len(psi)], given_states[1].copy(), given_gradient.copy()
        tolerance = TOLERANCE[dtype] * np.abs(given_states[0]).max()
        np.testing.assert_allclose(final, given_states[0], rtol=0, atol=tolerance)
        begin()
        _undo(tables.packed, path, step, number, dual, derivatives, shared, stored, work)
        np.testing.assert_allclose(dual, lam, rtol=0, atol=TOLERANCE[dtype] * np.abs(lam).max())
        scale = np.abs(gradient).max() + np.abs(psi).max() * np.abs(lam).max() * len(psi)
        np.testing.assert_allclose(derivatives, gradient, rtol=0, atol=TOLERANCE[dtype] * scale)

    slots = {id(angle): slot for slot, angle in enumerate(builder.slots.angles)}
    order = [*zip(phases, values[count:], strict=True), *zip(members, values[:count], strict=True)]
    expected = [rotation(each.x, each.z, angles, slots[id(each.angle)], n) for each, angles in order]
    assert tables.layout[scratch.SLOTS] == number
    return Case(n, None, dtype, expected, apply, undo, states, sums_lanes=not local or bool(zs))
