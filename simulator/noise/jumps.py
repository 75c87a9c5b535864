"""Trajectories in which outcomes are drawn one after another: any channel, measurements, conditions.

For Pauli noise after gates, `simulator.noise.frames` is faster.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import gates, memory, progress
from simulator.engines.choice import engine_for_noise
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
from simulator.program.trajectories import Jump, TrajectoryProgram

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MAX_GATE_QUBITS = 4  # maximum number of qubits of a dense matrix; wider gates are decomposed
_CHUNK_NUMBERS = 1 << 22  # number of random numbers drawn at a time, which bounds temporary memory

Noisy = tuple[Operation, Sequence[tuple[Channel, tuple[int, ...]]]]


def noisy_operations(circuit: OperationSequence, noise: NoiseModel) -> list[Noisy]:
    """List a circuit's operations, each with the channels that follow it."""
    return [(operation, noise.channels_after(operation)) for operation in circuit.operations]


@dataclass
class _Jumps:
    """Collector of jumps that multiplies plain gates on the same one or two qubits."""

    jumps: list[Jump] = field(default_factory=list)
    last: dict[int, Jump] = field(default_factory=dict)

    def gate(self, matrix: ComplexArray, qubits: tuple[int, ...]) -> None:
        """Add a gate without conditions."""
        latest = [self.last.get(q) for q in qubits]
        if latest[0] is not None and latest[0].plain and all(jump is latest[0] for jump in latest):
            target = latest[0]
            place = [target.qubits.index(q) for q in qubits]
            target.matrices = (gates.embed(matrix, place, len(target.qubits)) @ target.matrices[0])[None]
            return
        jump = Jump(qubits, matrix[None], np.ones(1))
        for q in qubits:  # merges pending one-qubit gates on these qubits
            earlier = self.last.get(q)
            if len(qubits) > 1 and earlier is not None and earlier.plain and earlier.qubits == (q,):
                jump.matrices = jump.matrices @ gates.embed(earlier.matrices[0], [qubits.index(q)], len(qubits))
                self.jumps = [other for other in self.jumps if other is not earlier]
        self.add(jump)

    def add(self, jump: Jump) -> None:
        """Add any other jump."""
        self.jumps.append(jump)
        for q in jump.qubits:
            self.last[q] = jump


class JumpProgram:
    """A noisy circuit without free parameters, as trajectories of an engine.

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
        self._flips = noise.readout_flips(circuit.num_qubits)
        self._collected = _Jumps()
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
        initial = product_states(starts, np.zeros((1, 0)), np.zeros(0), circuit.num_qubits)[0]
        jumps = tuple(self._collected.jumps)
        self.program = TrajectoryProgram(circuit.num_qubits, circuit.num_clbits, initial, jumps)

    def _operation(self, operation: Operation, fresh: bool) -> None:
        gate, qubits, conditions = operation.gate, operation.qubits, operation.conditions
        if isinstance(gate, gates.Measure):
            flips = self._flips[qubits[0]]
            kraus = np.array([np.diag([1.0 + 0j, 0]), np.diag([0j, 1.0])])
            if flips.any():
                # operator for outcome j: sqrt(P(j|i)) on the diagonal, a readout error without further disturbance
                kraus = np.sqrt([np.diag([1 - flips[0], flips[1]]), np.diag([flips[0], 1 - flips[1]])]).astype(complex)
                projectors = np.array([np.diag([1.0 + 0j, 0]), np.diag([0j, 1.0])])
                self._collected.add(Jump(qubits, projectors, None, conditions=conditions))
            self._collected.add(Jump(qubits, kraus, None, operation.clbits[0], conditions))
        elif isinstance(gate, gates.Reset):
            if not fresh:
                kraus = np.array([[[1, 0], [0, 0]], [[0, 1], [0, 0]]], complex)
                self._collected.add(Jump(qubits, kraus, None, conditions=conditions))
        elif not qubits:
            return
        elif gate.num_qubits <= MAX_GATE_QUBITS:
            matrix = gate.matrix(*operation.angles)  # type: ignore[arg-type]
            if conditions:
                self._collected.add(Jump(qubits, matrix[None], np.ones(1), conditions=conditions))
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
            self._collected.add(Jump(qubits, channel.kraus, None, conditions=conditions))
            return
        probabilities, unitaries = mixture
        order = np.argsort([not np.allclose(u, u[0, 0] * np.eye(len(u))) for u in unitaries], kind="stable")
        self._collected.add(Jump(qubits, unitaries[order], probabilities[order], conditions=conditions))

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
        program = self.program
        engine = engine_for_noise(program)
        rng = np.random.default_rng(seed)
        values = np.empty((trajectories, len(observables)))
        bits = np.zeros((trajectories, program.num_clbits), np.int64)
        outcomes = np.zeros(trajectories if measure_all else 0, np.int64)
        step = max(64, _CHUNK_NUMBERS // max(program.draws + 1, 1) // 64 * 64)
        for rows in progress.steps(progress.chunks(trajectories, step)):
            count = rows.stop - rows.start
            uniforms = rng.random((count, program.draws))
            final = rng.random(count) if measure_all else np.zeros(0)
            values[rows], bits[rows], drawn = engine.trajectories(program, observables, uniforms, final)
            if measure_all:
                outcomes[rows] = drawn
        return values, bits, outcomes


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
