"""Trajectories in which outcomes are drawn one after another: any channel, measurements, conditions.

For Pauli noise after gates, `simulator.noise.frames` is faster.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import gates, progress
from simulator.engines.numba import memory, simd
from simulator.engines.numba.kernels import jumps as kernels
from simulator.engines.numba.layout import trajectories as columns
from simulator.engines.numba.tables.tables import string_groups
from simulator.engines.numba.threads import get_num_threads, share
from simulator.errors import CircuitError
from simulator.gates import Condition, Operation
from simulator.noise.channels import Channel
from simulator.noise.factors import ladder
from simulator.noise.model import NoiseModel
from simulator.observables import PauliSum
from simulator.operations.sequence import OperationSequence
from simulator.program.levels import Dense
from simulator.program.lowering import lower
from simulator.program.starts import Start, product_states

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MAX_GATE_QUBITS = 4  # maximum number of qubits of a dense matrix; wider gates are decomposed
_CHUNK_NUMBERS = 1 << 22  # number of random numbers drawn at a time, which bounds temporary memory
_SERIAL_WORK = 1 << 18
_LONG = 1 << 25  # number of amplitudes processed above which a call is watched


Noisy = tuple[Operation, Sequence[tuple[Channel, tuple[int, ...]]]]


def noisy_operations(circuit: OperationSequence, noise: NoiseModel) -> list[Noisy]:
    """List a circuit's operations, each with the channels that follow it."""
    return [(operation, noise.channels_after(operation)) for operation in circuit.operations]


@dataclass
class _Step:
    """Matrices on some qubits, of which each trajectory draws one."""

    qubits: tuple[int, ...]
    matrices: ComplexArray
    probabilities: FloatArray | None  # None: they depend on the state
    clbit: int = -1
    conditions: tuple[Condition, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether this is a single matrix that is always applied."""
        return len(self.matrices) == 1 and not self.conditions


@dataclass
class _Steps:
    """Collector of steps that multiplies plain gates on the same one or two qubits."""

    steps: list[_Step] = field(default_factory=list)
    last: dict[int, _Step] = field(default_factory=dict)

    def gate(self, matrix: ComplexArray, qubits: tuple[int, ...]) -> None:
        """Add a gate without conditions."""
        latest = [self.last.get(q) for q in qubits]
        if latest[0] is not None and latest[0].plain and all(step is latest[0] for step in latest):
            target = latest[0]
            place = [target.qubits.index(q) for q in qubits]
            target.matrices = (gates.embed(matrix, place, len(target.qubits)) @ target.matrices[0])[None]
            return
        step = _Step(qubits, matrix[None], np.ones(1))
        for q in qubits:  # merges pending one-qubit gates on these qubits
            earlier = self.last.get(q)
            if len(qubits) > 1 and earlier is not None and earlier.plain and earlier.qubits == (q,):
                step.matrices = step.matrices @ gates.embed(earlier.matrices[0], [qubits.index(q)], len(qubits))
                self.steps = [other for other in self.steps if other is not earlier]
        self.add(step)

    def add(self, step: _Step) -> None:
        """Add any other step."""
        self.steps.append(step)
        for q in step.qubits:
            self.last[q] = step


class JumpProgram:
    """A noisy circuit without free parameters, as steps of the kernel.

    Parameters
    ----------
    circuit : Circuit
        Circuit, which may measure, reset and branch.
    noise : NoiseModel
        Noise model; its readout error acts on measurements that write to classical bits.
    items : iterable of Noisy, optional
        Operations that replace the circuit's, each with the channels that follow it.
    """

    def __init__(self, circuit: OperationSequence, noise: NoiseModel, items: Iterable[Noisy] | None = None) -> None:
        memory.check_state(circuit.num_qubits, 1, "double")
        self.num_qubits, self.num_clbits = circuit.num_qubits, circuit.num_clbits
        self.flips = noise.readout_flips(circuit.num_qubits)
        self._collected = _Steps()
        starts: list[Start] = []
        used: set[int] = set()
        for operation, channels in noisy_operations(circuit, noise) if items is None else items:
            fresh = used.isdisjoint(operation.qubits)
            used.update(operation.qubits)
            gate = operation.gate
            plain = isinstance(gate, gates.StatePreparation) and not gate.controls and not gate.adjoint
            if plain and fresh and not operation.conditions:
                starts.append(Start(operation.qubits, gate.amplitudes))  # type: ignore[attr-defined]
            else:
                self._operation(operation, fresh)
            for channel, qubits in channels:
                self._channel(channel, qubits, operation.conditions)
        self.initial = product_states(starts, np.zeros((1, 0)), np.zeros(0), self.num_qubits)[0]
        self._pack(self._collected.steps)

    def _operation(self, operation: Operation, fresh: bool) -> None:
        gate, qubits, conditions = operation.gate, operation.qubits, operation.conditions
        if isinstance(gate, gates.Measure):
            flips = self.flips[qubits[0]]
            kraus = np.array([np.diag([1.0 + 0j, 0]), np.diag([0j, 1.0])])
            if flips.any():
                # operator for outcome j: sqrt(P(j|i)) on the diagonal, a readout error without further disturbance
                kraus = np.sqrt([np.diag([1 - flips[0], flips[1]]), np.diag([flips[0], 1 - flips[1]])]).astype(complex)
                projectors = np.array([np.diag([1.0 + 0j, 0]), np.diag([0j, 1.0])])
                self._collected.add(_Step(qubits, projectors, None, conditions=conditions))
            self._collected.add(_Step(qubits, kraus, None, operation.clbits[0], conditions))
        elif isinstance(gate, gates.Reset):
            if not fresh:
                kraus = np.array([[[1, 0], [0, 0]], [[0, 1], [0, 0]]], complex)
                self._collected.add(_Step(qubits, kraus, None, conditions=conditions))
        elif not qubits:
            return
        elif gate.num_qubits <= MAX_GATE_QUBITS:
            matrix = gate.matrix(*operation.angles)  # type: ignore[arg-type]
            if conditions:
                self._collected.add(_Step(qubits, matrix[None], np.ones(1), conditions=conditions))
            else:
                self._collected.gate(matrix, qubits)
        else:
            for narrow in _narrow(operation):
                self._operation(narrow, fresh=False)

    def _channel(self, channel: Channel, qubits: tuple[int, ...], conditions: tuple[Condition, ...]) -> None:
        if channel.is_identity:
            return
        mixture = channel.mixture
        if mixture is None:
            self._collected.add(_Step(qubits, channel.kraus, None, conditions=conditions))
            return
        probabilities, unitaries = mixture
        order = np.argsort([not np.allclose(u, u[0, 0] * np.eye(len(u))) for u in unitaries], kind="stable")
        self._collected.add(_Step(qubits, unitaries[order], probabilities[order], conditions=conditions))

    def _pack(self, steps: Sequence[_Step]) -> None:
        """Build the kernel's arrays."""
        code: list[list[int]] = []
        index: list[int] = []
        tests: list[int] = []
        matrices: list[FloatArray] = []
        weights: list[float] = []
        size = self.draws = 0
        skip = []
        for step in steps:
            qubits, count = step.qubits, len(step.matrices)
            pivots, members = len(index), len(index) + len(qubits)
            index += [1 << q for q in sorted(qubits)]
            index += [sum(1 << q for k, q in enumerate(qubits) if d >> k & 1) for d in range(1 << len(qubits))]
            weight, draw, begin = len(weights), 0, size
            if count > 1:
                draw, self.draws = self.draws, self.draws + 1
            if step.probabilities is None:
                weight = columns.DRAWN_BY_STATE
            else:
                weights += step.probabilities.tolist()
            for matrix in step.matrices:
                parts = [matrix] if step.probabilities is not None else [matrix, matrix.conj().T @ matrix]
                for part in parts:
                    matrices.append(np.stack([part.real, part.imag], -1).ravel())
                    size += matrices[-1].size
            first_test = len(tests)
            for test in step.conditions:
                tests += [int(test.equal), test.value, len(test.clbits), *test.clbits]
            row = [0] * columns.COLUMNS
            row[columns.QUBITS], row[columns.OPERATORS] = len(qubits), count
            row[columns.PIVOTS], row[columns.MEMBERS] = pivots, members
            row[columns.MATRICES], row[columns.WEIGHTS], row[columns.DRAW] = begin, weight, draw
            row[columns.CLBIT], row[columns.TESTS], row[columns.LAST_TEST] = step.clbit, first_test, len(tests)
            code.append(row)
            identity = np.eye(len(step.matrices[0])) * step.matrices[0][0, 0]
            skip.append(bool(np.allclose(step.matrices[0], identity)) and step.clbit < 0)
        self.code = np.array(code, np.int64).reshape(-1, columns.COLUMNS)
        self.index, self.tests = np.array(index or [0], np.int64), np.array(tests or [0], np.int64)
        self.matrices = np.concatenate(matrices) if matrices else np.zeros(1)
        self.weights, self.skip = np.array(weights or [1.0]), np.array(skip or [False])
        self.widest = max((len(step.qubits) for step in steps), default=1)

    def run(
        self, trajectories: int, seed: Any, observables: Sequence[PauliSum] = (), measure_all: bool = False
    ) -> tuple[FloatArray, IntArray, IntArray]:
        """Run trajectories.

        Returns
        -------
        values : float64 ndarray, shape (T, K)
            Expectations of the observables in each trajectory's final state.
        bits : int64 ndarray, shape (T, num_clbits)
        outcomes : int64 ndarray, shape (T,) or (0,)
            Basis states from measuring all qubits at the end, if requested.
        """
        memory.check_state(self.num_qubits, simd.width(np.float64) * get_num_threads(), "double")
        rng = np.random.default_rng(seed)
        grouped = _grouped(observables)
        values = np.empty((trajectories, len(observables)))
        bits = np.zeros((trajectories, self.num_clbits), np.int64)
        outcomes = np.zeros(trajectories if measure_all else 0, np.int64)
        step = max(64, _CHUNK_NUMBERS // max(self.draws + 1, 1) // 64 * 64)
        for rows in progress.steps(progress.chunks(trajectories, step)):
            count = rows.stop - rows.start
            uniforms = rng.random((count, self.draws))
            final = rng.random(count) if measure_all else np.zeros(0)
            results = bits[rows], outcomes[rows] if measure_all else outcomes, values[rows]
            self._run((uniforms, final), grouped, results)
        return values, bits, outcomes

    def _run(
        self, draws: tuple[FloatArray, FloatArray], observables: tuple[Any, ...], results: tuple[Any, ...]
    ) -> None:
        W, count, strings = simd.width(np.float64), len(draws[0]), results[-1].shape[1]
        tiles = -(-count // W)
        buffer = (W << self.num_qubits) + W * strings
        size = (2 * W << self.num_qubits) + (2 * W << self.widest) + (4 * W << 2 * self.widest) + buffer
        program = self.code, self.index, self.tests, self.matrices, self.weights, self.skip
        queue = np.zeros(1, np.int64)

        def call() -> None:
            scratch = memory.take(size, np.float64)
            sizes = self.num_qubits, self.widest
            kernels.run(program, self.initial, draws, observables, results, scratch, sizes, queue, tiles)
            memory.give(scratch)

        work = count * max(len(self.code), 1) << self.num_qubits
        share(call, queue, tiles, work, _SERIAL_WORK, _LONG)


def _grouped(observables: Iterable[PauliSum]) -> tuple[IntArray, IntArray, FloatArray]:
    """Group strings by X mask and parity of their Ys, in the format of `kernels.diagonals.expect`."""
    strings = [
        (x, z, k, coefficient)
        for k, observable in enumerate(observables)
        for x, z, coefficient in zip(
            observable.x_masks.tolist(), observable.z_masks.tolist(), observable.coefficients.tolist(), strict=True
        )
    ]
    return string_groups(strings, 0)


def _narrow(operation: Operation) -> list[Operation]:
    """Decompose a gate on many qubits into rotations about Pauli strings, up to its global phase."""
    alone = Operation(operation.gate, operation.qubits, operation.angles)
    lowered = lower(OperationSequence(max(operation.qubits) + 1, [alone]), {})
    out: list[Operation] = []
    for level in lowered.levels:
        for member in level.members:
            if isinstance(member, Dense):
                qubits = tuple(x.bit_length() - 1 for x in member.xs)
                if len(qubits) > MAX_GATE_QUBITS:
                    raise CircuitError(
                        f"{operation.gate.name}: trajectories take dense gates on up to {MAX_GATE_QUBITS} qubits, "
                        f"got {len(qubits)}"
                    )
                out.append(gates.Fixed("unitary", member.matrix, check=False)(*qubits))
            else:
                change, last = ladder(member)
                back = [step.inverse() for step in reversed(change)]
                out += [*change, gates.RZ(member.angle.constant, last), *back]
    return [Operation(o.gate, o.qubits, o.angles, (), operation.conditions) for o in out]
