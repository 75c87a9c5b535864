"""Expectations of noisy circuits and their derivatives from exact density matrices.

A density matrix is represented by its real Pauli coefficients (see `simulator.noise.transfer`), and a circuit by blocks
of fused transfer matrices. The adjoint sweep goes backward through stored states, so channels need not be invertible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from simulator import memory, progress
from simulator.engines.choice import engine_for_noise
from simulator.noise import starts
from simulator.noise.chains import Chains
from simulator.noise.factors import Factors, fused, separated
from simulator.noise.model import NoiseModel
from simulator.observables import PauliSum
from simulator.operations.sequence import OperationSequence
from simulator.parameters import Parameter
from simulator.program.starts import product_states
from simulator.program.superoperators import SuperoperatorGroup, SuperoperatorProgram

FloatArray = NDArray[np.float64]

_SEPARATED_QUBITS = 6  # maximum number of qubits at which more passes cost less than more matrices per sample
_CHUNK_BYTES = 1 << 28  # maximum bytes of matrices and derivatives of one chunk of samples


class DensityProgram:
    """A noisy circuit with observables, as fused transfer matrices; immutable except for cached results.

    Parameters
    ----------
    circuit : Circuit
    observables : sequence of PauliSum
    inputs, weights : sequence of Parameter
    noise : NoiseModel
        Noise model; readout error is ignored here, and the caller applies it.
    support : sequence of int, optional
        Qubits whose reduced state is required; those of the observables by default.
    """

    def __init__(
        self,
        circuit: OperationSequence,
        observables: Sequence[PauliSum],
        inputs: Sequence[Parameter],
        weights: Sequence[Parameter],
        noise: NoiseModel,
        support: Sequence[int] | None = None,
    ) -> None:
        self.num_qubits = max(circuit.num_qubits, 2)
        self.n_inputs, self.n_weights = len(inputs), len(weights)
        self.parameters = (*inputs, *weights)
        factors = Factors(circuit, noise, {p: k for k, p in enumerate((*inputs, *weights))})
        self.starts = factors.starts
        if support is None:
            mask = 0
            for observable in observables:
                mask |= int(np.bitwise_or.reduce(observable.x_masks | observable.z_masks, initial=0))
            support = [q for q in range(circuit.num_qubits) if mask >> q & 1]
        self.blocks = fused(factors.seen_by(support), self.num_qubits)
        if self.num_qubits <= _SEPARATED_QUBITS:
            self.blocks = separated(self.blocks, self.n_inputs)
        keys: dict[int, int] = {}
        self.coefficients = np.zeros((len(observables), sum(o.num_terms for o in observables)))
        for k, observable in enumerate(observables):
            indices = starts.interleaved(observable.x_masks, observable.z_masks, self.num_qubits)
            for index, value in zip(indices.tolist(), observable.coefficients.tolist(), strict=True):
                self.coefficients[k, keys.setdefault(index, len(keys))] += value
        self.strings = np.array([*keys], np.int64)
        self.coefficients = np.ascontiguousarray(self.coefficients[:, : len(keys)])

        self.chains, groups = self._grouped()
        self.superoperators = SuperoperatorProgram(
            self.num_qubits, groups, self.strings, bool(self.starts), any(start.angles for start in self.starts)
        )

    def _grouped(self) -> tuple[list[Chains], tuple[SuperoperatorGroup, ...]]:
        """Group blocks of equal size that do, or do not, depend on an input, with the chains of each group."""
        members: dict[tuple[int, bool], list[int]] = {}
        for number, block in enumerate(self.blocks):
            varies = any(k < self.n_inputs for angle in block.angles() for k in angle.factors)
            members.setdefault((len(block.qubits), varies), []).append(number)
        chains, groups = [], []
        for (_, varies), numbers in members.items():
            blocks = [self.blocks[number] for number in numbers]
            chains.append(Chains(blocks, self.parameters))
            differentiated = tuple(np.flatnonzero(chains[-1].parametric).tolist())
            qubits = tuple(block.qubits for block in blocks)
            groups.append(SuperoperatorGroup(tuple(numbers), qubits, varies, differentiated))
        return chains, tuple(groups)


class _Samples:
    """Transfer matrices and initial coefficients at the parameters of some samples, and derivatives through them."""

    def __init__(self, program: DensityProgram, X: FloatArray, weights: FloatArray) -> None:
        self._program, self.count = program, len(X)
        self._parameters = np.concatenate([X, np.broadcast_to(weights, (len(X), len(weights)))], axis=1)
        self._rotations: list[list[FloatArray]] = []
        self._states, self.start = None, None
        if program.starts:
            n, names = program.num_qubits, program.parameters
            self._states = product_states(program.starts, self._parameters, np.zeros(0), n, names)
            self.start = starts.coefficients(self._states)

    def _rows(self, varies: bool) -> FloatArray:
        return self._parameters if varies else self._parameters[:1]

    def matrices(self) -> Iterator[FloatArray]:
        """Compute the matrices of each group of superoperators, shape (members, count or 1, s, s)."""
        self._rotations.clear()
        program = self._program
        for chains, group in zip(program.chains, program.superoperators.groups, strict=True):
            matrices, rotations = chains.matrices(self._rows(group.varies))
            self._rotations.append(rotations)
            yield matrices

    def by_parameters(self, by_matrices: Sequence[FloatArray], by_start: FloatArray | None) -> FloatArray:
        """Map derivatives with respect to the matrices and the start to those of the parameters, (count, P)."""
        program = self._program
        out = np.zeros(self._parameters.shape)
        groups = program.superoperators.groups
        for chains, group, rotations, part in zip(program.chains, groups, self._rotations, by_matrices, strict=True):
            if not group.differentiated:
                continue
            by_matrix = np.zeros((len(group.positions), *part.shape[1:]))
            by_matrix[list(group.differentiated)] = part
            by_parameter = chains.derivatives(self._rows(group.varies), rotations, by_matrix)
            out[: len(by_parameter)] += by_parameter  # those of shared parameters are already summed over samples
        if by_start is not None:
            assert self._states is not None
            out += starts.derivatives(program.starts, self._parameters, self._states, by_start)
        return out


def _chunks(program: DensityProgram, samples: int) -> list[slice]:
    each = 4**program.num_qubits if program.starts else 0  # floats that a sample needs
    for group in program.superoperators.groups:
        each += (len(group.positions) + 2 * len(group.differentiated)) * group.size**2
    return progress.chunks(samples, max(64, _CHUNK_BYTES // max(8 * each, 1)))


def expectations(program: DensityProgram, X: FloatArray, weights: FloatArray) -> FloatArray:
    """Compute exact expectations, shape (B, K)."""
    memory.check_density(program.num_qubits, 1)
    values = np.empty((len(X), len(program.strings)))
    engine = engine_for_noise(program.superoperators)
    for rows in progress.steps(_chunks(program, len(X))):
        samples = _Samples(program, X[rows], weights)
        values[rows] = engine.density_expectations(
            program.superoperators, samples.count, samples.matrices(), samples.start
        )
    return values @ program.coefficients.T


def final_coefficients(program: DensityProgram, X: FloatArray, weights: FloatArray) -> FloatArray:
    """Compute all Pauli coefficients of the final states, shape (B, 4**n)."""
    memory.check_density(program.num_qubits, 2 * len(X))
    samples = _Samples(program, X, weights)
    engine = engine_for_noise(program.superoperators)
    return engine.density_states(program.superoperators, samples.count, samples.matrices(), samples.start)


def adjoint_sweep(
    program: DensityProgram,
    X: FloatArray,
    weights: FloatArray,
    cotangent: FloatArray | Callable[[FloatArray, slice], FloatArray],
) -> tuple[FloatArray, FloatArray]:
    """Compute expectations (B, K), and derivatives of any function of them with respect to the parameters, (B, P)."""
    memory.check_density(program.num_qubits, 4)
    values = np.empty((len(X), len(program.coefficients)))
    out = np.empty((len(X), program.n_inputs + program.n_weights))
    engine = engine_for_noise(program.superoperators)
    for rows in progress.steps(_chunks(program, len(X))):
        samples = _Samples(program, X[rows], weights)

        def by_string(strings: FloatArray, rows: slice = rows) -> FloatArray:
            values[rows] = strings @ program.coefficients.T
            v = np.asarray(cotangent(values[rows], rows) if callable(cotangent) else cotangent[rows], float)
            if v.shape != values[rows].shape:
                raise ValueError(f"a cotangent of shape {values[rows].shape} expected, got {v.shape}")
            return v @ program.coefficients

        derivatives = engine.density_sweep(
            program.superoperators, samples.count, samples.matrices(), by_string, samples.start
        )
        out[rows] = samples.by_parameters(*derivatives)
    return values, out
