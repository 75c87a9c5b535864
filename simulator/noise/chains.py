"""Matrices of many blocks at once, as products of constants and rotations, and their derivatives."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.noise.factors import Block, merged
from simulator.parameters import Parameter
from simulator.range_reduction import affine, reduced

FloatArray = NDArray[np.float64]


class Chains:
    """Blocks of one size, each the product ``C_L R_L(t_L) ... C_1 R_1(t_1) C_0``, padded to a common length.

    Parameters
    ----------
    blocks : sequence of m Block
    parameters : sequence of Parameter
        Inputs, then weights.

    Attributes
    ----------
    length : int
        Number of rotations in the longest chain.
    parametric : bool ndarray, shape (m,)
        Which blocks depend on a parameter.
    """

    def __init__(self, blocks: Sequence[Block], parameters: Sequence[Parameter]) -> None:
        self.names = parameters
        chains = [merged(block) for block in blocks]
        count, size = len(chains), 4 ** len(blocks[0].qubits)
        self.length = max(len(chain) // 2 for chain in chains)
        terms = max((len(f.matrices) for chain in chains for f in chain[1::2]), default=1)
        self.constants = np.zeros((count, self.length + 1, size, size))
        self.constants[:] = np.eye(size)
        self.series = np.zeros((count, self.length, terms, size, size))
        self.series[:, :, 0] = np.eye(size)
        self.frequencies = np.zeros((count, self.length, terms // 2))
        self.offsets = np.zeros((count, self.length))
        self.factors = np.zeros((count, self.length, len(parameters)))
        for b, chain in enumerate(chains):
            for step, factor in enumerate(chain[::2]):
                self.constants[b, step] = factor.matrices[0]
            for step, factor in enumerate(chain[1::2]):
                f = len(factor.frequencies)
                self.frequencies[b, step, :f] = factor.frequencies
                self.series[b, step, : 1 + f] = factor.matrices[: 1 + f]
                self.series[b, step, 1 + terms // 2 : 1 + terms // 2 + f] = factor.matrices[1 + f :]
                self.offsets[b, step] = factor.angle.constant  # type: ignore[union-attr]
                for k, value in factor.angle.factors.items():  # type: ignore[union-attr]
                    self.factors[b, step, k] += value
        self.parametric = np.any(self.factors != 0, axis=(1, 2))
        self.periodic = np.all(2 * self.frequencies % 1 == 0, axis=2).ravel()  # angles of period 4 pi
        self.offsets = np.where(self.periodic, reduced(self.offsets.ravel()), self.offsets.ravel())

    def matrices(self, parameters: FloatArray) -> tuple[FloatArray, list[FloatArray]]:
        """Compute the blocks' matrices (m, B, s, s) at parameters (B, P), and the rotations for `derivatives`."""
        angles = self._angles(parameters)
        out = np.broadcast_to(self.constants[:, :1], (len(angles), len(parameters), *self.constants.shape[2:]))
        rotations = []
        for step in range(self.length):
            cosines, sines = self._phases(angles, step)
            terms = np.concatenate([np.ones((*cosines.shape[:2], 1)), cosines, sines], axis=2)
            rotation = (terms @ self._flat(step)).reshape(out.shape)
            rotations.append(rotation)
            out = self.constants[:, step + 1, None] @ (rotation @ out)
        return out, rotations

    def derivatives(self, parameters: FloatArray, rotations: list[FloatArray], by_matrix: FloatArray) -> FloatArray:
        """Map derivatives with respect to the matrices (m, B, s, s) to those with respect to the parameters (B, P)."""
        angles = self._angles(parameters)
        before = [np.broadcast_to(self.constants[:, :1], by_matrix.shape)]
        for step, rotation in enumerate(rotations[:-1]):
            before.append(self.constants[:, step + 1, None] @ (rotation @ before[-1]))
        by_angle = np.zeros((len(parameters), *self.factors.shape[:2]))
        after = by_matrix
        for step in range(self.length - 1, -1, -1):
            after = np.swapaxes(self.constants[:, step + 1, None], -1, -2) @ after
            by_rotation = after @ np.swapaxes(before[step], -1, -2)
            by_term = by_rotation.reshape(*by_rotation.shape[:2], -1) @ np.swapaxes(self._flat(step), -1, -2)
            cosines, sines = self._phases(angles, step)
            f = cosines.shape[2]
            change = self.frequencies[:, step, None] * (
                cosines * by_term[..., 1 + f :] - sines * by_term[..., 1 : 1 + f]
            )
            by_angle[:, :, step] = change.sum(axis=2).T
            after = np.swapaxes(rotations[step], -1, -2) @ after
        return by_angle.reshape(len(parameters), self.offsets.size) @ self.factors.reshape(
            self.offsets.size, self.factors.shape[2]
        )

    def _angles(self, parameters: FloatArray) -> FloatArray:
        """Compute the angles (m, B, length) at parameters (B, P)."""
        angles = affine(self.offsets, self._rows(), parameters, self.periodic, self.names)
        return angles.reshape(len(parameters), *self.factors.shape[:2]).swapaxes(0, 1)

    def _phases(self, angles: FloatArray, step: int) -> tuple[FloatArray, FloatArray]:
        """Compute cosines and sines of the frequencies at one step's angles, each (m, B, f)."""
        phases = angles[:, :, step, None] * self.frequencies[:, step, None]
        return np.cos(phases), np.sin(phases)

    def _flat(self, step: int) -> FloatArray:
        """Return the series' matrices of one step, each as a row: (m, terms, s * s)."""
        return self.series[:, step].reshape(len(self.series), self.series.shape[2], -1)

    def _rows(self) -> FloatArray:
        """Return the factors of the parameters for each angle, shape (m * length, P)."""
        return self.factors.reshape(self.offsets.size, self.factors.shape[2])
