"""States and expectation values of a circuit as operations of a collapsed graph.

With the weights inserted, a circuit is ``U_k D_k(x) ... U_1 D_1(x) |c>``: fixed matrices U, and diagonal matrices D of
phases that are affine in the inputs, each in the joint eigenbasis of the commuting Pauli strings about which the data
rotate. While the encoding is a product state, the qubits are computed one by one and multiplied. All is done in the
engine's stored basis, in which CNOTs are free (`simulator.program.lowering`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qml.deploy.amplitudes import Amplitudes, apply, constant_state, product
from qml.deploy.graph import Graph
from qml.deploy.strings import dense_matrix, distinct_columns, joint_eigenbasis, string_times
from simulator.pauli import spread
from simulator.program.levels import Angle, Dense, Rotation
from simulator.program.program import Program

__all__ = [
    "affine_angles",
    "bloch_vectors",
    "encoded_state",
    "expectations_of",
    "initial_state",
    "output_matrix",
]

Array = NDArray[np.float64]
Matrix = NDArray[np.complex128]


def affine_angles(angles: Sequence[Angle], num_inputs: int, weights: Array) -> tuple[Array, Array]:
    """Return the matrix and the offsets that make angles, with the weights inserted, of the inputs.

    Returns
    -------
    matrix : float ndarray, shape (n_inputs, n_angles)
    offsets : float ndarray, shape (n_angles,)
    """
    matrix, offsets = np.zeros((num_inputs, len(angles))), np.zeros(len(angles))
    for column, angle in enumerate(angles):
        trained = 0.0
        for k, factor in angle.factors.items():
            if k < num_inputs:
                matrix[k, column] += factor
            else:
                trained += factor * weights[k - num_inputs]
        offsets[column] = angle.constant + trained
    return matrix, offsets


@dataclass
class Evolution:
    """A state under rotations, lowered one by one; data rotations that commute are collected and applied together."""

    graph: Graph
    inputs: int
    weights: Array
    num_inputs: int
    num_qubits: int
    state: Amplitudes | Matrix
    before: Matrix = field(init=False)
    group: list[Rotation] = field(default_factory=list)
    after: Matrix = field(init=False)
    crossed: list[Rotation] | None = field(default_factory=list)

    def __post_init__(self) -> None:
        self.before = np.eye(1 << self.num_qubits, dtype=complex)
        self.after = self.before.copy()

    def depends(self, rotation: Rotation) -> bool:
        """Whether the angle depends on the inputs."""
        return any(k < self.num_inputs for k, factor in rotation.angle.factors.items() if factor)

    def add(self, member: Rotation | Dense) -> None:
        """Apply a rotation or a matrix."""
        if isinstance(member, Dense):
            self.crossed = None
            self._multiply(dense_matrix(member, self.num_qubits))
        elif self.depends(member):
            if self.crossed is None or not all(map(member.commutes, self.group + self.crossed)):
                self._flush()
            self.group.append(member)
        else:
            angle = affine_angles([member.angle], self.num_inputs, self.weights)[1][0]
            column = self.after if self.group else self.before
            rotated = np.cos(angle / 2) * column - 1j * np.sin(angle / 2) * string_times(member.x, member.z, column)
            if self.group:
                self.after = rotated
                if self.crossed is not None:
                    self.crossed.append(member)
            else:
                self.before = rotated

    def finish(self) -> tuple[Amplitudes, Matrix]:
        """Return a state in the graph, and the matrix that still has to be applied to it."""
        if self.group:
            self._flush()
        if isinstance(self.state, Amplitudes):
            return self.state, self.before
        constant = self.before @ self.state
        return constant_state(self.graph, constant), np.eye(len(constant), dtype=complex)

    def _multiply(self, matrix: Matrix) -> None:
        if self.group:
            self.after = matrix @ self.after
        else:
            self.before = matrix @ self.before

    def _flush(self) -> None:
        """Apply the collected rotations."""
        if self.group:
            basis, signs = joint_eigenbasis([(r.x, r.z) for r in self.group], self.num_qubits)
            angles = [rotation.angle for rotation in self.group]
            factors, constants = affine_angles(angles, self.num_inputs, self.weights)
            into = self.before if basis is None else basis.conj().T @ self.before
            self.state, out_of = self._with_phases(into, 0.5 * factors @ signs, 0.5 * constants @ signs)
            self.before = (self.after if basis is None else self.after @ basis) @ out_of
        self.after = np.eye(1 << self.num_qubits, dtype=complex)
        self.group, self.crossed = [], []

    def _with_phases(self, into: Matrix, factors: Array, offsets: Array) -> tuple[Amplitudes, Matrix]:
        """Multiply the state by ``into``, then entry i by ``exp(-i (inputs @ factors[:, i] + offsets[i]))``.

        Returns a vector, and the matrix that makes it the state.
        """
        angles, places, signs = distinct_columns(np.vstack([factors, offsets]))
        phase = self.graph.affine(self.inputs, angles[:-1], angles[-1])
        cosine, sine = self.graph.function("cos", phase), self.graph.function("sin", phase)
        if not isinstance(self.state, Amplitudes):  # the phases times constants
            constant = into @ self.state
            count = angles.shape[1]
            choice = (places[:, None] == np.arange(count)).T.astype(complex)
            parts = np.vstack([choice * constant, -1j * choice * constant * signs])
            return Amplitudes(self.graph.concat([cosine, sine])), parts.T
        state = apply(self.graph, into, self.state)
        cosine, sine = self.graph.gather(cosine, places), self.graph.gather(sine, places)
        if not (signs == 1.0).all():
            sine = self.graph.scaled(sine, signs)
        graph, real, imaginary = self.graph, state.real, state.imaginary
        unchanged = np.eye(len(into), dtype=complex)
        if imaginary is None:
            turned = Amplitudes(graph.multiply(real, cosine), graph.scaled(graph.multiply(real, sine), -1.0))
            return turned, unchanged
        turned = Amplitudes(
            graph.add(graph.multiply(real, cosine), graph.multiply(imaginary, sine)),
            graph.subtract(graph.multiply(imaginary, cosine), graph.multiply(real, sine)),
        )
        return turned, unchanged


def encoded_state(graph: Graph, inputs: int, program: Program, weights: Array) -> tuple[Amplitudes, Matrix]:
    """Add the state of a program as far as the inputs determine it.

    Returns
    -------
    state : Amplitudes
        In the stored basis.
    matrix : complex ndarray, shape (2**n, size of the state)
        What the circuit applies to it after the last rotation by an input.
    """
    chains, levels = program.schedule
    num_inputs, num_qubits = len(program.inputs), program.num_qubits
    members = [member for level in levels for member in level.members]
    state: Amplitudes | Matrix
    if program.starts:
        state = _started(graph, inputs, program, weights)
    else:
        state, later = _product_state(graph, inputs, chains, weights, num_inputs)
        members = later + members
    evolution = Evolution(graph, inputs, weights, num_inputs, num_qubits, state)
    for member in members:
        evolution.add(member)
    return evolution.finish()


def initial_state(graph: Graph, inputs: int, program: Program, weights: Array) -> int:
    """Add the state before all rotations, in the stored basis: real parts, then imaginary parts."""
    zeros = np.zeros(1 << program.num_qubits)
    if not program.starts:
        return graph.constant(np.concatenate([np.eye(1, len(zeros))[0], zeros]))
    state = _started(graph, inputs, program, weights)
    imaginary = graph.constant(zeros) if state.imaginary is None else state.imaginary
    return graph.concat([state.real, imaginary])


def expectations_of(
    graph: Graph,
    state: Amplitudes,
    matrix: Matrix,
    strings: Sequence[tuple[int, int, int, float]],
    num_observables: int,
) -> int:
    """Add expectation values: one matrix and one sum over probabilities for each set of commuting strings.

    Parameters
    ----------
    strings : sequence of (x mask, z mask, observable, coefficient)
        As in `Program.strings`.
    """
    num_qubits = len(matrix).bit_length() - 1
    offset = np.zeros(num_observables)
    groups: list[list[tuple[int, int, int, float]]] = []
    for string in strings:
        x, z, observable, coefficient = string
        if not x and not z:
            offset[observable] += coefficient
            continue
        for group in groups:
            if all(Rotation(x, z, Angle()).commutes(Rotation(a, b, Angle())) for a, b, _, _ in group):
                group.append(string)
                break
        else:
            groups.append([string])
    total: int | None = None
    for group in groups:
        basis, signs = joint_eigenbasis([string[:2] for string in group], num_qubits)
        measured = apply(graph, matrix if basis is None else basis.conj().T @ matrix, state)
        weights = np.zeros((1 << num_qubits, num_observables))
        for row, (_, _, observable, coefficient) in zip(signs, group, strict=True):
            weights[:, observable] += coefficient * row
        squares = graph.multiply(measured.real, measured.real)
        if measured.imaginary is not None:
            squares = graph.add(squares, graph.multiply(measured.imaginary, measured.imaginary))
        value = graph.affine(squares, weights, offset if total is None else 0.0)
        total = value if total is None else graph.add(total, value)
    return graph.constant(offset) if total is None else total


def output_matrix(program: Program) -> NDArray[np.intp]:
    """Return the stored index of each basis state of the circuit, shape (2**n,)."""
    lowered = program.lowered
    stored = np.arange(1 << program.num_qubits)
    basis = np.zeros_like(stored)
    for qubit, mask in enumerate(lowered.z_rows):
        basis |= (np.bitwise_count(stored & mask).astype(np.intp) & 1) << qubit
    out = np.empty_like(stored)
    out[basis ^ lowered.flips] = stored
    return out


def bloch_vectors(graph: Graph, inputs: int, program: Program, weights: Array) -> int:
    """Add the Bloch vectors of a product state, qubit by qubit: X, Y and Z of stored qubit 0, then of 1, ..."""
    out = []
    for qubit, chain in enumerate(program.schedule[0]):
        state, matrix = _one_qubit(graph, inputs, chain, qubit, weights, len(program.inputs))
        out.append(expectations_of(graph, state, matrix, [(1, 0, 0, 1.0), (1, 1, 1, 1.0), (0, 1, 2, 1.0)], 3))
    return graph.concat(out)


def _product_state(
    graph: Graph, inputs: int, chains: list[list[Rotation]], weights: Array, num_inputs: int
) -> tuple[Amplitudes | Matrix, list[Rotation]]:
    """Return the product of the qubits' states up to their last rotation by an input, and the rotations after it."""
    later: list[Rotation] = []
    parts: list[Amplitudes] = []
    any_input = False
    for qubit, chain in enumerate(chains):
        dependent = [any(k < num_inputs for k, f in r.angle.factors.items() if f) for r in chain]
        end = len(chain) - dependent[::-1].index(True) if any(dependent) else 0
        any_input |= end > 0
        later += chain[end:]
        state, matrix = _one_qubit(graph, inputs, chain[:end], qubit, weights, num_inputs)
        parts.append(apply(graph, matrix, state))
    if not any_input:
        constant = np.zeros(1 << len(chains), complex)
        constant[0] = 1.0
        return constant, later
    total = parts[0]
    for part in parts[1:]:
        total = product(graph, total, part)
    return total, later


def _one_qubit(
    graph: Graph, inputs: int, chain: list[Rotation], qubit: int, weights: Array, num_inputs: int
) -> tuple[Amplitudes, Matrix]:
    """Return the state of one stored qubit after its chain of rotations, as `encoded_state`."""
    evolution = Evolution(graph, inputs, weights, num_inputs, 1, np.array([1.0, 0.0], complex))
    for rotation in chain:
        evolution.add(Rotation(rotation.x >> qubit, rotation.z >> qubit, rotation.angle))
    return evolution.finish()


def _started(graph: Graph, inputs: int, program: Program, weights: Array) -> Amplitudes:
    """Return the state that the program's starts prepare."""
    order: list[int] = []
    total: Amplitudes | None = None
    num_inputs = len(program.inputs)
    for start in program.starts:
        if start.amplitudes is not None:
            part = constant_state(graph, start.amplitudes)
        else:
            angles = affine_angles(start.angles, num_inputs, weights)
            part = Amplitudes(graph.function("normalize", graph.affine(inputs, *angles)))
        total = part if total is None else product(graph, total, part)
        order += start.qubits
    assert total is not None
    places = spread(np.arange(1 << len(order)), order)
    embedding = np.zeros((1 << program.num_qubits, len(places)), complex)
    embedding[places, np.arange(len(places))] = 1.0
    return apply(graph, embedding, total)
