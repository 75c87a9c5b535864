"""Gibbs states of Hamiltonians whose fields are the inputs, read out as classes."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.layers.trait import Layer, Rest
from qml.library_threads import one_blas_thread
from qml.settings import check_backend, check_whole
from simulator.backends.trait import Backend
from simulator.caching import cached_property
from simulator.noise import NoiseModel

__all__ = ["Gibbs"]

Array = NDArray[np.float64]

MAX_QUBITS = 10
"""Largest number of interacting qubits: each row takes the eigenvectors of a dense matrix of 2**n rows."""

LEAST_PROBABILITY = 1e-15
"""Added to probabilities before the logarithm, because the eigenvectors are accurate to about that."""

CHUNK = 1 << 22
"""Number of matrix entries held at a time."""

NEAR_ZERO = 0.01
"""Field below which the derivative of tanh(r) / r is computed by its series: both ways err by about 1e-12 there."""


@dataclass(frozen=True)
class Gibbs(Layer):
    """Log-probabilities of classes in the Gibbs state ``exp(-H) / tr exp(-H)``.

    ``H = sum_i a_i Z_i + sum_i b_i X_i + sum_{i<j} c_ij Z_i Z_j``. The inputs are a, then b, then c, pairs in the order
    (0, 1), (0, 2), (1, 2), (0, 3), ...; the temperature is in their scale. A class is an outcome of a group of
    ``ceil(log2(num_classes))`` visible qubits, the first being its lowest bit; with several groups, probabilities are
    averaged over them. Outputs are one logit for two classes, ``log P(1) - log P(0)``, and ``log P(k)`` for each class
    otherwise. States and derivatives are exact, by the eigenvectors of each row's H, or in closed form without pairs.

    Parameters
    ----------
    num_qubits : int
    num_classes : int
    num_groups : int
        Number of groups of visible qubits.
    interacting : bool
        Whether H has terms on pairs; without them the state is a product state, on any number of qubits.

    References
    ----------
    Amin, Andriyash, Rolfe, Kulchytskyy and Melko, arXiv:1601.02036; Zoufal, Lucchi and Woerner, arXiv:2006.06004.

    Examples
    --------
    >>> layer = Gibbs(num_qubits=1)
    >>> layer.forward(np.array([[0.5, 0.0]]), np.empty(0)).round(12)  # log(e^0.5 / e^-0.5)
    array([[1.]])
    """

    num_qubits: int
    num_classes: int = 2
    num_groups: int = 1
    interacting: bool = True

    def __post_init__(self) -> None:
        check_whole("num_qubits", self.num_qubits)
        check_whole("num_classes", self.num_classes, least=2)
        check_whole("num_groups", self.num_groups)
        if self.interacting and self.num_qubits > MAX_QUBITS:
            raise ValueError(
                f"a Gibbs state of interacting qubits is computed for at most {MAX_QUBITS} of them, got "
                f"{self.num_qubits}; without interaction there is no limit"
            )
        if self.num_groups * self._group_size > self.num_qubits:
            raise ValueError(
                f"{self.num_classes} classes take {self._group_size} visible qubits in each of {self.num_groups} "
                f"groups, more than the {self.num_qubits} qubits in all"
            )

    @property
    def _group_size(self) -> int:
        """Number of qubits whose outcome is a class."""
        return int(self.num_classes - 1).bit_length()

    @property
    def num_inputs(self) -> int:
        """Number of terms of the Hamiltonian."""
        n = self.num_qubits
        return 2 * n + (n * (n - 1) // 2 if self.interacting else 0)

    @property
    def num_outputs(self) -> int:
        """One logit for two classes, otherwise one logarithm for each class."""
        return 1 if self.num_classes == 2 else self.num_classes

    def forward(self, X: Array, weights: Array) -> Array:
        return np.concatenate([self._outputs(self._probabilities(X[rows])[0]) for rows in self._chunks(len(X))])

    def sweep(self, X: Array, weights: Array, rest: Rest, inputs: bool) -> tuple[Array, Array | None]:
        d_X = np.empty_like(X) if inputs else None
        for rows in self._chunks(len(X)):
            probabilities, derivative = self._probabilities(X[rows])
            d_outputs = rest(self._outputs(probabilities), rows)
            if d_X is not None:
                signs = np.array([-1.0, 1.0]) if self.num_outputs == 1 else 1.0
                d_X[rows] = derivative(d_outputs * signs / (probabilities + LEAST_PROBABILITY))
        return np.empty(0), d_X

    def on(
        self,
        backend: Backend | str | None = None,
        noise: NoiseModel | None = None,
        resume: str | PathLike[str] | None = None,
        seed: int | None = 0,
    ) -> Gibbs:
        """Return the layer itself for this engine; raise ValueError for noise or a backend, which need a circuit."""
        if noise is not None or check_backend(backend) is not None:
            what = "noise" if noise is not None else "a backend"
            raise ValueError(f"a Gibbs state is computed from its Hamiltonian, without a circuit: {what} cannot apply")
        return self

    def without_entanglement(self) -> Gibbs:
        """Return the layer itself if it has no terms on pairs; raise ValueError otherwise, as it takes other inputs."""
        if self.interacting:
            raise ValueError(
                f"without terms on pairs a Gibbs state takes {2 * self.num_qubits} inputs instead of "
                f"{self.num_inputs}: build the network with Gibbs({self.num_qubits}, {self.num_classes}, "
                f"{self.num_groups}, interacting=False)"
            )
        return self

    def _outputs(self, probabilities: Array) -> Array:
        logarithms = np.log(probabilities + LEAST_PROBABILITY)
        return logarithms[:, 1:] - logarithms[:, :1] if self.num_outputs == 1 else logarithms

    def _chunks(self, count: int) -> list[slice]:
        size = max(1, CHUNK >> (2 * self.num_qubits)) if self.interacting else max(1, count)
        return [slice(start, min(start + size, count)) for start in range(0, count, size)]

    def _probabilities(self, X: Array) -> Any:
        """Return the classes' probabilities, shape (n, num_classes), and their pullback to the inputs."""
        return self._interacting(X) if self.interacting else self._separable(X)

    @cached_property
    def _diagonals(self) -> Array:
        """Diagonals of the terms Z, then Z Z, shape (n_terms, 2**n)."""
        n = self.num_qubits
        z = 1.0 - 2.0 * (np.arange(2**n) >> np.arange(n)[:, None] & 1)
        return np.array([*z, *(z[i] * z[j] for j in range(n) for i in range(j))])

    @cached_property
    def _effects(self) -> Array:
        """Share of the groups that show each class in each basis state, shape (num_classes, 2**n)."""
        size = self._group_size
        shown = np.arange(2**self.num_qubits)[:, None] >> size * np.arange(self.num_groups) & ((1 << size) - 1)
        return np.array([(shown == k).mean(axis=1) for k in range(self.num_classes)])

    def _interacting(self, X: Array) -> Any:
        n, states = self.num_qubits, np.arange(2**self.num_qubits)
        diagonal_terms = np.r_[0:n, 2 * n : self.num_inputs]
        H = np.zeros((len(X), 2**n, 2**n))
        H[:, states, states] = X[:, diagonal_terms] @ self._diagonals
        for q in range(n):
            H[:, states, states ^ 1 << q] = X[:, n + q, None]
        with one_blas_thread():
            energies, vectors = np.linalg.eigh(H)
        energies -= energies[:, :1]
        shares = np.exp(-energies)
        totals = shares.sum(axis=1, keepdims=True)
        populations = np.einsum("sjk,sk->sj", vectors**2, shares / totals)
        probabilities = populations @ self._effects.T

        def pullback(d_probabilities: Array) -> Array:
            # d tr(O rho) = tr(G dH) with G = E rho - (integral over s of exp(-s H) O exp(-(1 - s) H)) / Z, where the
            # integral is an entrywise product in the eigenbasis (Duhamel's formula)
            observable = d_probabilities @ self._effects
            expectation = np.einsum("sj,sj->s", observable, populations)
            gaps = np.abs(energies[:, :, None] - energies[:, None, :])
            smaller = np.minimum(energies[:, :, None], energies[:, None, :])
            means = np.exp(-smaller) * np.divide(-np.expm1(-gaps), gaps, out=np.ones_like(gaps), where=gaps > 0)
            transposed = vectors.transpose(0, 2, 1)
            G = -(transposed @ (observable[:, :, None] * vectors)) * means / totals[:, :, None]
            G[:, states, states] += expectation[:, None] * shares / totals
            G = vectors @ G @ transposed
            out = np.empty_like(X)
            out[:, diagonal_terms] = G[:, states, states] @ self._diagonals.T
            for q in range(n):
                out[:, n + q] = G[:, states, states ^ 1 << q].sum(axis=1)
            return out

        return probabilities, pullback

    def _separable(self, X: Array) -> Any:
        n, size, groups = self.num_qubits, self._group_size, self.num_groups
        a, b = X[:, :n], X[:, n:]
        r = np.hypot(a, b)
        ratio = np.divide(np.tanh(r), r, out=np.ones_like(r), where=r > 0)
        signs = 1.0 - 2.0 * (np.arange(self.num_classes) >> np.arange(size)[:, None] & 1)  # (size, num_classes)
        visible = (-0.5 * a * ratio)[:, : groups * size].reshape(len(X), groups, size, 1)
        factors = 0.5 + visible * signs  # probabilities of each visible qubit's bit in each class
        probabilities = factors.prod(axis=2).mean(axis=1)

        def pullback(d_probabilities: Array) -> Array:
            others = np.stack([np.delete(factors, k, axis=2).prod(axis=2) for k in range(size)], axis=2)
            by_half = np.einsum("sgkc,kc,sc->sgk", others, signs, d_probabilities).reshape(len(X), groups * size)
            by_z = np.zeros_like(a)
            by_z[:, : groups * size] = 0.5 * by_half / groups
            slope = _slope(r, ratio)
            return np.concatenate([-by_z * (ratio + a * a * slope), -by_z * a * b * slope], axis=1)

        return probabilities, pullback


def _slope(r: Array, ratio: Array) -> Array:
    """Derivative of ``tanh(r) / r`` over r."""
    squares = r * r
    near = r < NEAR_ZERO
    exact = np.divide(1.0 - np.tanh(r) ** 2 - ratio, squares, out=np.zeros_like(r), where=~near)
    small = np.minimum(squares, NEAR_ZERO**2)
    return np.where(near, -2 / 3 + small * (8 / 15 - small * 34 / 105), exact)
