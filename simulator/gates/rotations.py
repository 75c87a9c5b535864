"""Gates with one angle: ``exp(-i theta G)``, declared by the generator G."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator import pauli
from simulator.caching import cached_property
from simulator.errors import GateError
from simulator.gates.matrices import log2, square_matrix
from simulator.gates.trait import ComplexMatrix, Gate
from simulator.precision import TOLERANCE, tolerance_for

_EIGENVALUE_ERROR = 1e-14  # rounding error of eigenvalues of matrices with a few dozen rows, relative to the largest
_EQUAL = 1e-9  # difference up to which two frequencies are one, relative to the largest


class Rotation(Gate):
    """A gate with one angle: ``exp(-i theta G)`` with a Hermitian generator G.

    Parameters
    ----------
    name : str
    generator : array_like, shape (2**t, 2**t)

    Raises
    ------
    GateError
        If the shape is not a power of two, an entry is NaN or infinite, or the matrix is not Hermitian.
    """

    num_params = 1

    def __init__(self, name: str, generator: ArrayLike, *, controls: tuple[int, ...] = ()) -> None:
        self.name, self.controls = name, controls
        self.generator = square_matrix(name, generator)
        self.num_targets = log2(len(self.generator))
        adjoint = self.generator.conj().T
        deviation, tolerance = np.abs(self.generator - adjoint).max(), tolerance_for(generator)
        if deviation > tolerance:
            raise GateError(f"{name}: the generator is not Hermitian: |G - G^dagger| = {deviation:.3g}")
        if tolerance > TOLERANCE:
            self.generator = (self.generator + adjoint) / 2
        self.generator.setflags(write=False)

    @cached_property
    def spectrum(self) -> tuple[NDArray[np.float64], ComplexMatrix]:
        """Eigenvalues (2**t,) and eigenvectors (2**t, 2**t) of the generator."""
        values, vectors = np.linalg.eigh(self.generator)
        # large angles amplify rounding errors, so values that are multiples of 1/1024 up to rounding are made exact
        exact = np.round(values * 1024) / 1024
        close = np.abs(values - exact) <= _EIGENVALUE_ERROR * np.abs(values).max()
        return np.where(close, exact, values), vectors

    @cached_property
    def repeats(self) -> bool:
        """Whether the gate has the period 4 pi in its angle."""
        return bool(np.all(2 * self.spectrum[0] % 1 == 0))

    @cached_property
    def pauli_terms(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Generator as Pauli strings on the targets: X masks, Z masks, coefficients."""
        return pauli.decompose(self.generator)

    def target_matrix(self, *angles: float) -> ComplexMatrix:
        (angle,) = angles
        values, vectors = self.spectrum
        return (vectors * np.exp(-1j * angle * values)) @ vectors.conj().T

    def inverse(self, *angles: Any) -> tuple[Gate, tuple[Any, ...]]:
        return self, tuple(-angle for angle in angles)

    @property
    def is_diagonal(self) -> bool:
        return not np.any(self.pauli_terms[0])

    @cached_property
    def frequencies(self) -> NDArray[np.float64]:
        """Positive frequencies of an expectation, a trigonometric polynomial in the angle, in ascending order.

        They are the gaps of the generator's spectrum.
        """
        values = self.spectrum[0]
        if self.controls:
            values = np.append(values, 0.0)  # the identity on the inactive subspace
        gaps = np.sort(np.abs(values[:, None] - values[None, :]), axis=None)
        return gaps[np.diff(gaps, prepend=0.0) > _EQUAL * gaps[-1]]

    @cached_property
    def shift_rule(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Shifts s and weights c with ``f'(t) = sum_k c_k (f(t + s_k) - f(t - s_k))``, exactly.

        One shift per frequency determines the derivative.

        References
        ----------
        Wierichs, Izaac, Wang, Lin, arXiv:2107.12390.
        """
        gaps = self.frequencies
        if not len(gaps):
            return np.zeros(0), np.zeros(0)
        count = len(gaps)
        shifts = (2 * np.arange(1, count + 1) - 1) * math.pi / (2 * count * gaps[0])
        if not np.allclose(gaps, gaps[0] * np.arange(1, count + 1), rtol=_EQUAL, atol=0.0):
            shifts = (2 * np.arange(1, count + 1) - 1) * math.pi / (4 * gaps[-1])
        weights = np.linalg.lstsq(2 * np.sin(np.outer(gaps, shifts)), gaps, rcond=None)[0]
        return shifts, weights

    def _with_controls(self, name: str, controls: tuple[int, ...]) -> Gate:
        return Rotation(name, self.generator, controls=controls)

    def _identity(self) -> tuple[Any, ...]:
        return self.name, "rotation", self.controls, self.generator.tobytes()


class PauliRotation(Rotation):
    """``exp(-i theta/2 P)`` for a Pauli string P such as ``"XZY"``; the last character is the first qubit.

    It is not stored as a matrix, so strings may be as long as the circuit is wide.
    """

    def __init__(self, label: str, *, name: str | None = None, controls: tuple[int, ...] = ()) -> None:
        try:
            if not isinstance(label, str):
                raise TypeError
            self.masks = pauli.masks(label)
        except (ValueError, TypeError):
            raise GateError(f"a Pauli string consists of I, X, Y and Z, got {label!r}") from None
        self.label = label
        self.name, self.controls = name or "r" + label.lower(), controls
        self.num_targets = len(label)

    @property
    def generator(self) -> ComplexMatrix:  # type: ignore[override]
        """``P / 2`` as a dense matrix, shape (2**t, 2**t)."""
        return pauli.matrix(*self.masks, self.num_targets) / 2

    @cached_property
    def pauli_terms(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Generator as one Pauli string."""
        x, z = self.masks
        return np.array([x]), np.array([z]), np.array([0.5])

    @property
    def frequencies(self) -> NDArray[np.float64]:  # type: ignore[override]
        """1, the gap of the eigenvalues of ``P / 2`` unless P is the identity, and with controls also 1/2."""
        return np.array([0.5] * bool(self.controls) + [1.0] * any(self.masks))

    @property
    def repeats(self) -> bool:  # type: ignore[override]
        """Whether the gate has the period 4 pi in its angle; always True."""
        return True

    def _with_controls(self, name: str, controls: tuple[int, ...]) -> Gate:
        return PauliRotation(self.label, name=name, controls=controls)

    def _identity(self) -> tuple[Any, ...]:
        return self.name, "pauli", self.controls, self.label
