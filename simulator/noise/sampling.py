"""Sampling of noisy circuits, and of circuits with mid-circuit measurements, resets or branches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import pauli
from simulator.calculations import sampling
from simulator.calculations.statevector import statevector
from simulator.errors import CircuitError
from simulator.noise.density import DensityProgram, expectations
from simulator.noise.jumps import JumpProgram
from simulator.noise.model import NoiseModel, checked_noise
from simulator.noise.readout import misread
from simulator.observables import PauliSum
from simulator.operations.binding import Values, bind
from simulator.operations.measurements import final_measurements
from simulator.operations.sequence import OperationSequence

IntArray = NDArray[np.int64]

_EXACT_QUBITS = 10  # maximum number of qubits for probabilities from a density matrix


def sample(
    circuit: OperationSequence,
    values: Values,
    shots: int,
    seed: Any,
    noise: NoiseModel | None,
    qubits: int | Sequence[int] | None = None,
) -> tuple[IntArray, IntArray]:
    """Sample outcomes (m, width), bit 0 first, in ascending order, and their counts (m,)."""
    shots, noise = sampling.checked_shots(shots), checked_noise(noise)
    rng = np.random.default_rng(seed)
    bound = bind(circuit, sampling.bound_values(circuit, values))
    split = final_measurements(bound.operations)
    if split is None:
        if qubits is not None and any(operation.clbits for operation in bound.operations):
            raise CircuitError("the circuit measures into classical bits, which are sampled; omit qubits")
        return _drawn(bound, shots, rng, noise, qubits)
    plain, measured = split
    read, width = sampling.what_is_read(bound, measured, qubits)
    unitary = bound.with_operations(plain, num_clbits=0)
    flips = noise.readout_flips(bound.num_qubits)[list(read)]
    if not noise.has_gate_noise:
        outcomes, counts = sampling.sample_state(statevector(unitary), shots, rng, read)
    elif bound.num_qubits <= _EXACT_QUBITS:
        outcomes, counts = sampling.draw(_probabilities(unitary, noise, read), shots, rng)
    else:
        basis_states = JumpProgram(unitary, noise).run(shots, rng, measure_all=True)[2]
        outcomes, counts = pauli.gather(basis_states, read), np.ones(shots, np.int64)
    if flips.any():
        outcomes, counts = misread(outcomes, counts, flips, rng), np.ones(shots, np.int64)
    if measured:
        outcomes = sampling.onto_clbits(outcomes, read, measured)
    outcomes, counts = sampling.merged(outcomes, counts)
    return outcomes[:, None] >> np.arange(width) & 1, counts


def _drawn(
    circuit: OperationSequence,
    shots: int,
    rng: np.random.Generator,
    noise: NoiseModel,
    qubits: int | Sequence[int] | None,
) -> tuple[IntArray, IntArray]:
    """Sample with one trajectory per shot."""
    measures = any(operation.clbits for operation in circuit.operations)
    _, bits, basis_states = JumpProgram(circuit, noise).run(shots, rng, measure_all=not measures)
    if not measures:
        read = sampling.check_qubits(range(circuit.num_qubits) if qubits is None else qubits, circuit.num_qubits)
        flips = noise.readout_flips(circuit.num_qubits)[list(read)]
        outcomes = misread(pauli.gather(basis_states, read), np.ones(shots, np.int64), flips, rng)
        bits = outcomes[:, None] >> np.arange(len(read)) & 1
    unique, counts = np.unique(bits[:, ::-1], axis=0, return_counts=True)
    return unique[:, ::-1], counts.astype(np.int64)


def _probabilities(circuit: OperationSequence, noise: NoiseModel, qubits: Sequence[int]) -> NDArray[np.float64]:
    """Compute probabilities of outcomes on the qubits, as the transform of the expectations of their Z strings."""
    masks = pauli.spread(np.arange(1 << len(qubits)), qubits)
    strings = [PauliSum([0], [int(mask)], [1.0]) for mask in masks]
    program = DensityProgram(circuit, strings, (), (), noise)
    values = expectations(program, np.zeros((1, 0)), np.zeros(0))[0]
    return np.maximum(pauli.walsh_hadamard(values) / len(values), 0.0)
