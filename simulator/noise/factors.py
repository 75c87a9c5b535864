"""Transfer matrices of a noisy circuit, fused into blocks on two qubits."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulator import gates
from simulator.errors import CircuitError
from simulator.noise.model import NoiseModel
from simulator.noise.transfer import (
    MAX_GATE_QUBITS,
    check_width,
    embed,
    fixed_transfer,
    rotation_series,
    rotation_terms,
    transfer_matrix,
)
from simulator.operations.sequence import OperationSequence
from simulator.parameters import Expression, Parameter
from simulator.program.levels import Angle, Dense, Rotation
from simulator.program.lowering import lower
from simulator.program.starts import Start

FloatArray = NDArray[np.float64]

_RESET = np.array([[1.0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]])  # order I X Z Y
_MEASURE = np.diag([1.0, 0.0, 1.0, 0.0])  # transfer matrix; an outcome that is not read leaves a mixture


@dataclass(slots=True)
class Factor:
    """Transfer matrix on some qubits, constant or a trigonometric polynomial of an angle.

    ``matrices`` is (1, s, s), or (1 + 2 f, s, s) for f ``frequencies``; see `rotation_series`.
    """

    qubits: tuple[int, ...]
    matrices: FloatArray
    frequencies: FloatArray
    angle: Angle | None = None


@dataclass(slots=True)
class Block:
    """Factors on the same few qubits, in the order of application."""

    qubits: tuple[int, ...]
    factors: list[Factor] = field(default_factory=list)

    def angles(self) -> Iterator[Angle]:
        """Yield the angles that are not constant."""
        return (factor.angle for factor in self.factors if factor.angle is not None)


class Factors:
    """Collector of the factors of a circuit and the initial states of its qubits.

    Parameters
    ----------
    circuit : Circuit
    noise : NoiseModel
    numbers : mapping from Parameter to int

    Raises
    ------
    CircuitError
        If an operation depends on classical bits.
    """

    def __init__(self, circuit: OperationSequence, noise: NoiseModel, numbers: Mapping[Parameter, int]) -> None:
        self.numbers = numbers
        self.factors: list[Factor] = []
        self.starts: list[Start] = []
        used: set[int] = set()
        for operation in circuit.operations:
            if operation.conditions:
                raise CircuitError(
                    f"{operation.gate.name} depends on classical bits: only trajectories follow those; "
                    "give a number of trajectories"
                )
            self._operation(operation, fresh=used.isdisjoint(operation.qubits))
            for channel, qubits in noise.channels_after(operation):
                if not channel.is_identity:
                    self._constant(channel.transfer, qubits)
            used.update(operation.qubits)

    def seen_by(self, support: Iterable[int]) -> list[Factor]:
        """Return the factors that affect observables on ``support``; others act on qubits that are traced out."""
        light_cone, out = set(support), []
        for factor in reversed(self.factors):
            if not light_cone.isdisjoint(factor.qubits):
                light_cone.update(factor.qubits)
                out.append(factor)
        return out[::-1]

    def _operation(self, operation: gates.Operation, fresh: bool) -> None:
        gate, qubits = operation.gate, operation.qubits
        if isinstance(gate, gates.Measure):
            self._constant(_MEASURE, qubits)
        elif isinstance(gate, gates.Reset):
            if not fresh:
                self._constant(_RESET, qubits)
        elif isinstance(gate, gates.Composite):
            for step in gate.expand(qubits, operation.angles):
                self._operation(step, fresh)
        elif not qubits:
            pass  # a global phase does not affect a density matrix
        elif isinstance(gate, gates.AmplitudeEncoding):
            if not fresh:
                raise CircuitError("initialize with parameters as amplitudes must be the first operation on its qubits")
            self.starts.append(Start(qubits, None, tuple(self._angle(a) for a in operation.angles)))
        elif isinstance(gate, gates.StatePreparation) and fresh and not gate.controls and not gate.adjoint:
            self.starts.append(Start(qubits, gate.amplitudes))
        elif gate.num_qubits > MAX_GATE_QUBITS:
            self._wide(operation)
        elif isinstance(gate, gates.Rotation):
            self._rotation(gate, qubits, self._angle(operation.angles[0]))
        elif not getattr(gate, "is_unitary", True):
            raise CircuitError(f"{gate.name} is not unitary: give its channel as Kraus operators")
        else:
            self._constant(fixed_transfer(gate), qubits)

    def _angle(self, value: float | Expression) -> Angle:
        if isinstance(value, Expression):
            return Angle(value.constant, {self.numbers[p]: c for p, c in value.terms.items()})
        return Angle(float(value))

    def _constant(self, matrix: FloatArray, qubits: Sequence[int]) -> None:
        self.factors.append(Factor(tuple(qubits), matrix[None], np.zeros(0)))

    def _rotation(self, gate: gates.Rotation, qubits: Sequence[int], angle: Angle) -> None:
        frequencies, matrices = rotation_series(gate)
        if angle.factors:
            self.factors.append(Factor(tuple(qubits), matrices, frequencies, angle))
        else:
            terms, _ = rotation_terms(frequencies, np.array([angle.constant]))
            self._constant(np.tensordot(terms[0], matrices, 1), qubits)

    def _wide(self, operation: gates.Operation) -> None:
        """Add a gate on many qubits as rotations about Pauli strings."""
        lowered = lower(OperationSequence(max(operation.qubits) + 1, [operation]), self.numbers)
        for level in lowered.levels:
            for member in level.members:
                if isinstance(member, Dense):
                    qubits = tuple(x.bit_length() - 1 for x in member.xs)
                    if len(qubits) > MAX_GATE_QUBITS:
                        check_width(operation.gate)
                    self._constant(transfer_matrix(member.matrix[None]), qubits)
                else:
                    self._string(member)

    def _string(self, rotation: Rotation) -> None:
        change, last = ladder(rotation)
        for step in change:
            self._constant(fixed_transfer(step.gate), step.qubits)
        self._rotation(gates.RZ, (last,), rotation.angle)
        for step in reversed(change):
            back = step.inverse()
            self._constant(fixed_transfer(back.gate), back.qubits)


def ladder(rotation: Rotation) -> tuple[list[gates.Operation], int]:
    """Return gates that map a Pauli string to Z of one qubit, with CNOTs for the parity, and that qubit."""
    support = [q for q in range((rotation.x | rotation.z).bit_length()) if (rotation.x | rotation.z) >> q & 1]
    change: list[gates.Operation] = []
    for q in support:
        if rotation.x >> q & 1:
            change += [gates.SDG(q), gates.H(q)] if rotation.z >> q & 1 else [gates.H(q)]
    change += [gates.CX(a, b) for a, b in itertools.pairwise(support)]
    return change, support[-1]


def fused(factors: Sequence[Factor], num_qubits: int) -> list[Block]:
    """Fuse factors into blocks on two qubits, or more for wide gates; a factor joins the last block on its qubits.

    ``num_qubits`` is at least 2, as factors on a single qubit are put into a block with another qubit.
    """
    blocks: list[Block] = []
    last: dict[int, Block] = {}
    waiting: dict[int, list[Factor]] = {}  # factors on qubits that are not yet in a block
    for factor in factors:
        open_blocks = {id(last.get(q)) for q in factor.qubits}
        if len(factor.qubits) == 1 and factor.qubits[0] not in last:
            waiting.setdefault(factor.qubits[0], []).append(factor)
        elif len(open_blocks) == 1 and factor.qubits[0] in last:
            last[factor.qubits[0]].factors.append(factor)
        else:
            block = Block(factor.qubits)
            for q in factor.qubits:
                block.factors += waiting.pop(q, [])
                last[q] = block
            block.factors.append(factor)
            blocks.append(block)
    unpaired = sorted(waiting)
    for first, second in zip(unpaired[::2], unpaired[1::2], strict=False):
        blocks.append(Block((first, second), waiting[first] + waiting[second]))
    if len(unpaired) % 2:
        blocks.append(Block((unpaired[-1], (unpaired[-1] + 1) % num_qubits), waiting[unpaired[-1]]))
    return blocks


def separated(blocks: Sequence[Block], n_inputs: int) -> list[Block]:
    """Split blocks into ones that vary per sample, as short as possible, and ones that do not.

    Products of matrices that are the same for all samples are then computed once.
    """
    out = []
    for block in blocks:
        runs: list[tuple[bool, Block]] = []
        for factor in block.factors:
            local = factor.angle is not None and any(k < n_inputs for k in factor.angle.factors)
            place = len(runs)
            for number in range(len(runs) - 1, -1, -1):
                if runs[number][0] == local:
                    place = number
                if any(not set(other.qubits).isdisjoint(factor.qubits) for other in runs[number][1].factors):
                    break
            if place == len(runs):
                runs.append((local, Block(block.qubits)))
            runs[place][1].factors.append(factor)
        out += [run for _, run in runs]
    return out


def merged(block: Block) -> list[Factor]:
    """Embed the block's factors on all its qubits, alternating constants and rotations, with constants at both ends."""
    k = len(block.qubits)
    place = {q: p for p, q in enumerate(block.qubits)}
    constant = np.eye(4**k)
    out: list[Factor] = []
    for factor in block.factors:
        matrices = embed(factor.matrices, [place[q] for q in factor.qubits], k)
        if factor.angle is None:
            constant = matrices[0] @ constant
            continue
        out.append(Factor(block.qubits, constant[None], np.zeros(0)))
        out.append(Factor(block.qubits, matrices, factor.frequencies, factor.angle))
        constant = np.eye(4**k)
    out.append(Factor(block.qubits, constant[None], np.zeros(0)))
    return out
