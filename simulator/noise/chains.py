"""The matrices of many blocks at once: products of constants and rotations, and their derivatives."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.noise.factors import Block, merged

FloatArray = NDArray[np.float64]


class Chains:
    """Blocks of one size, each the product ``C_L R_L(t_L) ... C_1 R_1(t_1) C_0``, padded to a common length.

    Parameters
    ----------
    blocks : sequence of m Block
    num_parameters : int

    Attributes
    ----------
    length : int
        Rotations of the longest chain.
    parametric : bool ndarray, shape (m,)
        Which blocks depend on a parameter.
    """

    def __init__(self, blocks: Sequence[Block], num_parameters: int) -> None:
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
        self.factors = np.zeros((count, self.length, num_parameters))
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

    def matrices(self, parameters: FloatArray) -> tuple[FloatArray, list[FloatArray]]:
        """The blocks' matrices (B, m, s, s) at parameters (B, P), and the rotations by step for `derivatives`."""
        out = self.constants[None, :, 0]
        rotations = []
        angles = self.offsets + np.einsum("mlp,bp->bml", self.factors, parameters)
        for step in range(self.length):
            rotation = self._combined(self._terms(angles[:, :, step], step)[0], step)
            rotations.append(rotation)
            out = self.constants[:, step + 1] @ (rotation @ out)
        return np.broadcast_to(out, (len(parameters), *out.shape[1:])), rotations

    def derivatives(self, parameters: FloatArray, rotations: list[FloatArray], by_matrix: FloatArray) -> FloatArray:
        """Derivatives by the parameters, (B, P), from those by the matrices, (B, m, s, s)."""
        angles = self.offsets + np.einsum("mlp,bp->bml", self.factors, parameters)
        before = [self.constants[None, :, 0]]
        for step, rotation in enumerate(rotations[:-1]):
            before.append(self.constants[:, step + 1] @ (rotation @ before[-1]))
        out = np.zeros((len(by_matrix), self.factors.shape[2]))
        after = by_matrix
        for step in range(self.length - 1, -1, -1):
            after = np.swapaxes(self.constants[:, step + 1], -1, -2) @ after
            by_rotation = after @ np.swapaxes(before[step], -1, -2)
            by_term = np.einsum("bmij,mtij->bmt", by_rotation, self.series[:, step], optimize=True)
            by_angle = (by_term * self._terms(angles[:, :, step], step)[1]).sum(axis=-1)
            out += by_angle @ self.factors[:, step]
            after = np.swapaxes(rotations[step], -1, -2) @ after
        return out

    def _terms(self, angles: FloatArray, step: int) -> tuple[FloatArray, FloatArray]:
        """Factors of the series' matrices at angles (B, m), and their derivatives: each (B, m, terms)."""
        phases = angles[:, :, None] * self.frequencies[:, step]
        cosines, sines = np.cos(phases), np.sin(phases)
        one = np.ones((*angles.shape, 1))
        frequencies = self.frequencies[:, step]
        return (
            np.concatenate([one, cosines, sines], axis=2),
            np.concatenate([0 * one, -frequencies * sines, frequencies * cosines], axis=2),
        )

    def _combined(self, terms: FloatArray, step: int) -> FloatArray:
        return np.einsum("bmt,mtij->bmij", terms, self.series[:, step], optimize=True)
