"""Trajectories of Pauli noise: the same circuit with the signs of some angles flipped.

A Pauli error E that acts before a rotation can be moved behind it, ``exp(-i t/2 P) E = E exp(-i (+-t)/2 P)``, with the
minus sign if E and P anticommute. Moved to the end of the circuit, errors only flip the signs of angles and of
observables. A trajectory is therefore a sample of the batch driver with one angle per rotation; the adjoint sweep gives
its derivatives, and trajectories with the same signs are one sample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import pauli, progress
from simulator.calculations import gradients, statevector
from simulator.noise.channels import Channel
from simulator.noise.model import NoiseModel
from simulator.observables import PauliSum
from simulator.operations.sequence import OperationSequence
from simulator.parameters import Parameter, ParameterVector
from simulator.program.levels import Angle
from simulator.program.lowering import Lowering
from simulator.program.program import Program
from simulator.range_reduction import affine

FloatArray = NDArray[np.float64]


class NotPauliError(Exception):
    """Raised if the circuit or its noise contains anything but rotations and Pauli errors."""


@dataclass(frozen=True)
class _Location:
    """Possible error before rotation ``time``, with the stored masks and the probability of each Pauli."""

    time: int
    x: list[int]
    z: list[int]
    probabilities: list[float]


class _SignedLowering(Lowering):
    """Lowering in which every rotation has a separate angle number; it records the angles and the errors."""

    def __init__(self, circuit: OperationSequence, noise: NoiseModel, numbers: Mapping[Parameter, int]) -> None:
        super().__init__(circuit.num_qubits, numbers)
        self.angles: list[Angle] = []
        self.masks: list[tuple[int, int]] = []
        self.locations: list[_Location] = []
        for operation in circuit.operations:
            self.add((operation,))
            for channel, qubits in noise.channels_after(operation):
                self.error(channel, qubits)

    renumbers = True

    def renumbered(self, angle: Angle, x: int, z: int) -> Angle:
        if self.locations or angle.factors:
            return Angle(0.0, {self.number_angle(angle, x, z): 1.0})
        return angle

    def number_angle(self, angle: Angle, x: int, z: int) -> int:
        """Number an angle that belongs to a string with the given stored masks."""
        self.angles.append(angle)
        self.masks.append((x, z))
        return len(self.angles) - 1

    def encoding(self, qubits: tuple[int, ...], angles: tuple[Angle, ...]) -> None:
        super().encoding(qubits, tuple(Angle(0.0, {self.number_angle(angle, 0, 0): 1.0}) for angle in angles))

    def dense(self, matrix: Any, qubits: Sequence[int], unitary: bool = True) -> None:
        raise NotPauliError

    def error(self, channel: Channel, qubits: Sequence[int]) -> None:
        """Record the location of a channel."""
        if channel.paulis is None:
            raise NotPauliError
        x, z, probabilities = [0], [0], [0.0]
        for label, p in channel.paulis.items():
            local_x, local_z = pauli.masks(label)
            if not local_x and not local_z:
                probabilities[0] = p
                continue
            spread_x, spread_z = pauli.spread(np.array([local_x, local_z]), qubits).tolist()
            stored_x, stored_z = self.stored_masks(spread_x, spread_z)
            x.append(stored_x)
            z.append(stored_z)
            probabilities.append(p)
        if len(x) > 1:
            self.locations.append(_Location(len(self.angles), x, z, probabilities))


class FrameProgram:
    """A circuit with Pauli noise and observables, as a program whose inputs are signed angles.

    Parameters
    ----------
    circuit : Circuit
        Circuit without measurements.
    observables : sequence of PauliSum
    inputs, weights : sequence of Parameter
    noise : NoiseModel
        Noise model; readout error is ignored here, and the caller applies it.
    precision : {"double", "single"}

    Raises
    ------
    NotPauliError
        If a channel is not a mixture of Paulis, or a gate is neither a product of rotations nor a permutation.
    """

    def __init__(
        self,
        circuit: OperationSequence,
        observables: Sequence[PauliSum],
        inputs: Sequence[Parameter],
        weights: Sequence[Parameter],
        noise: NoiseModel,
        precision: str = "double",
    ) -> None:
        count = len(inputs) + len(weights)
        lowering = _SignedLowering(circuit, noise, {p: k for k, p in enumerate((*inputs, *weights))})
        lowered = lowering.lowered()
        keys: dict[tuple[int, int], int] = {}
        self.coefficients = np.zeros((len(observables), sum(o.num_terms for o in observables)))
        for k, observable in enumerate(observables):
            for x, z, value in zip(
                observable.x_masks.tolist(), observable.z_masks.tolist(), observable.coefficients, strict=True
            ):
                self.coefficients[k, keys.setdefault((x, z), len(keys))] += value
        self.coefficients = np.ascontiguousarray(self.coefficients[:, : len(keys)])
        strings = [PauliSum([x], [z], [1.0]) for x, z in keys]
        angles = ParameterVector("angle", len(lowering.angles))
        self.program = Program.of_lowered(lowered, strings, angles, precision=precision)
        self.offsets = np.array([angle.constant for angle in lowering.angles])
        self.slopes = np.zeros((len(lowering.angles), count))
        for j, angle in enumerate(lowering.angles):
            for k, factor in angle.factors.items():
                self.slopes[j, k] += factor
        self.parameters = (*inputs, *weights)
        # angles without a string are amplitudes
        self.rotates = np.array([mask != (0, 0) for mask in lowering.masks], bool)
        self.lowered = lowered
        tracked = [*lowering.masks, *(lowered.stored_string(x, z)[:2] for x, z in keys)]
        self._tabulate(lowering.locations, tracked)

    def _tabulate(self, locations: Sequence[_Location], tracked: Sequence[tuple[int, int]]) -> None:
        """Tabulate the signs that each possible Pauli error flips, as packed bits."""
        masks = np.array(tracked, np.int64).reshape(-1, 2)
        angles = len(self.offsets)
        words = -(-max(len(masks), 1) // 64)
        self.first = np.cumsum([0, *(len(location.x) for location in locations)])
        total = int(self.first[-1])
        self.flipped = np.zeros((total, words), np.uint64)
        self.cumulated = np.ones((len(locations), max((len(location.x) for location in locations), default=1)))
        for number, location in enumerate(locations):
            x, z = np.array(location.x), np.array(location.z)
            paulis = slice(int(self.first[number]), int(self.first[number + 1]))
            crossings = np.bitwise_count(x[:, None] & masks[:, 1]) + np.bitwise_count(z[:, None] & masks[:, 0])
            bits = (crossings & 1).astype(bool)
            bits[:, : location.time] = False  # angles before the error
            bits[:, angles:] = (crossings[:, angles:] & 1).astype(bool)
            padded = np.zeros((len(x), 64 * words), bool)
            padded[:, : bits.shape[1]] = bits
            self.flipped[paulis] = np.packbits(padded, axis=1, bitorder="little").view(np.uint64)
            self.cumulated[number, : len(x)] = np.cumsum(location.probabilities)
            self.cumulated[number, len(x) - 1 :] = 1.0

    def draw(self, trajectories: int, seed: Any) -> NDArray[np.uint64]:
        """Draw the errors of trajectories as the signs that they flip, one bit per angle and string, (T, words)."""
        rng = np.random.default_rng(seed)
        count = len(self.cumulated)
        flipped = np.zeros((trajectories, self.flipped.shape[1]), np.uint64)
        if not count:
            return flipped
        step = max(1, (1 << 22) // count)
        for begin in range(0, trajectories, step):
            uniform = rng.random((min(step, trajectories - begin), count))
            row, location = np.nonzero(uniform >= self.cumulated[:, 0])
            if not len(row):
                continue
            which = (uniform[row, location][:, None] >= self.cumulated[location]).sum(axis=1)
            entry = self.first[location] + which
            starts = np.flatnonzero(np.r_[True, row[1:] != row[:-1]])
            flipped[begin + row[starts]] = np.bitwise_xor.reduceat(self.flipped[entry], starts)
        return flipped

    def signs(self, flipped: NDArray[np.uint64]) -> tuple[FloatArray, FloatArray]:
        """Return the signs +1 and -1 of the angles (U, J) and of the observables' strings (U, S)."""
        bits = np.unpackbits(flipped.view(np.uint8), axis=1, bitorder="little")
        angles, strings = len(self.offsets), len(self.program.observables)
        signs = 1.0 - 2.0 * bits[:, : angles + strings].astype(np.float64)
        return signs[:, :angles], signs[:, angles:]


class FrameTrajectories:
    """Trajectories of a `FrameProgram`, drawn once and shared by all samples.

    Parameters
    ----------
    program : FrameProgram
    trajectories : int
    seed : None, int or numpy.random.Generator
    """

    def __init__(self, program: FrameProgram, trajectories: int, seed: Any) -> None:
        self.program, self.trajectories = program, trajectories
        unique, counts = np.unique(program.draw(trajectories, seed), axis=0, return_counts=True)
        self.angle_signs, self.string_signs = program.signs(unique)
        self.counts = counts.astype(float)

    def _angles(self, X: FloatArray, weights: FloatArray) -> FloatArray:
        """Compute the signed angles of all trajectories of each sample, shape (B * U, J)."""
        program = self.program
        parameters = np.concatenate([X, np.broadcast_to(weights, (len(X), len(weights)))], axis=1)
        angles = affine(program.offsets, program.slopes, parameters, program.rotates, program.parameters)
        return (angles[:, None, :] * self.angle_signs).reshape(len(angles) * len(self.counts), angles.shape[1])

    def _by_trajectory(self, values: FloatArray, samples: int) -> FloatArray:
        """Compute observables per sample and distinct trajectory (B, U, K) from the strings' expectations."""
        signed = values.reshape(samples, len(self.counts), -1) * self.string_signs
        return signed @ self.program.coefficients.T

    def values(self, X: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Compute means over the trajectories and their standard errors, each (B, K)."""
        means, errors = [], []
        for rows in progress.steps(self._chunks(len(X))):
            expectations = statevector.expectations(self.program.program, self._angles(X[rows], weights), np.zeros(0))
            values = self._by_trajectory(expectations, rows.stop - rows.start)
            mean = np.einsum("u,buk->bk", self.counts, values) / self.trajectories
            square = np.einsum("u,buk->bk", self.counts, (values - mean[:, None]) ** 2)
            means.append(mean)
            variance = square / (self.trajectories - 1) if self.trajectories > 1 else np.full_like(square, np.nan)
            errors.append(np.sqrt(variance / self.trajectories))
        return np.concatenate(means), np.concatenate(errors)

    def adjoint_sweep(self, X: FloatArray, weights: FloatArray, cotangent: Any) -> tuple[FloatArray, FloatArray]:
        """Compute unbiased means (B, K), and derivatives (B, P) of a function of them with respect to parameters."""
        program = self.program
        means = np.empty((len(X), len(program.coefficients)))
        out = np.empty((len(X), program.slopes.shape[1]))
        share = self.counts / self.trajectories
        for rows in progress.steps(self._chunks(len(X))):
            samples = rows.stop - rows.start
            angles = self._angles(X[rows], weights)
            if callable(cotangent):
                expectations = statevector.expectations(program.program, angles, np.zeros(0))
                means[rows] = np.einsum("u,buk->bk", share, self._by_trajectory(expectations, samples))
                v = np.asarray(cotangent(means[rows], rows), float)
            else:
                v = np.asarray(cotangent[rows], float)
            by_string = (v @ program.coefficients)[:, None, :] * (share[:, None] * self.string_signs)
            expectations, _, by_angle = gradients.adjoint_sweep(
                program.program, angles, np.zeros(0), by_string.reshape(len(angles), -1), inputs=True
            )
            assert by_angle is not None
            means[rows] = np.einsum("u,buk->bk", share, self._by_trajectory(expectations, samples))
            signed = by_angle.reshape(samples, len(self.counts), -1) * self.angle_signs
            out[rows] = signed.sum(axis=1) @ program.slopes
        return means, out

    def _chunks(self, samples: int) -> list[slice]:
        return progress.chunks(samples, max(1, (1 << 23) // max(self.angle_signs.size, 1)))
