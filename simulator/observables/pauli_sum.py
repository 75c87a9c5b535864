"""Sums of Pauli strings: representation, arithmetic and matrix."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator import pauli
from simulator.errors import ObservableError
from simulator.memory import check_matrix
from simulator.observables.checks import (
    check_width,
    checked_coefficient,
    checked_coefficients,
    checked_masks,
    checked_qubits,
    is_number,
    label_masks,
)

__all__ = ["PauliSum"]

SHOWN_TERMS = 16


class PauliSum:
    """Immutable real linear combination of Pauli strings.

    Created by `X`, `Y`, `Z`, `I`, `Projector`, `Hermitian` and arithmetic: ``@`` is the product of operators, ``+`` and
    ``-`` are their sum and difference, ``*`` and ``/`` take real numbers, and an added number is a multiple of the
    identity. Terms are merged and sorted, so equal sums have equal arrays.

    Parameters
    ----------
    x_masks, z_masks : array_like of int, shape (n_terms,)
        Bit q set in ``x_masks`` puts an X on qubit q, in ``z_masks`` a Z, in both a Y.
    coefficients : array_like of float, shape (n_terms,)

    Attributes
    ----------
    x_masks, z_masks : int64 ndarray, shape (n_terms,), read-only
    coefficients : float64 ndarray, shape (n_terms,), read-only
        Never zero.

    Raises
    ------
    ObservableError
        If a coefficient is complex (the sum would not be Hermitian), NaN or infinite, or the shapes differ.
    """

    __slots__ = ("coefficients", "x_masks", "z_masks")

    x_masks: NDArray[np.int64]
    z_masks: NDArray[np.int64]
    coefficients: NDArray[np.float64]

    def __init__(self, x_masks: ArrayLike, z_masks: ArrayLike, coefficients: ArrayLike) -> None:
        x, z = checked_masks("x_masks", x_masks), checked_masks("z_masks", z_masks)
        values = checked_coefficients(coefficients)
        if not x.shape == z.shape == values.shape:
            raise ObservableError(
                f"x_masks, z_masks and coefficients need one length, got {len(x)}, {len(z)} and {len(values)}"
            )
        values, x, z = _canonical(values, x, z)
        for name, array in (("x_masks", x), ("z_masks", z), ("coefficients", values)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a PauliSum does not change; {name} cannot be set")

    @classmethod
    def from_label(cls, label: str, coefficient: float = 1.0) -> PauliSum:
        """Create one string from a label such as ``"XIZ"``; the last character is qubit 0, as in Qiskit.

        Examples
        --------
        >>> PauliSum.from_label("XIZ", 0.5)
        0.5 * Z(0) @ X(2)
        """
        x, z = label_masks("label", label)
        check_width(len(label))
        return cls([x], [z], [coefficient])

    @classmethod
    def from_terms(cls, terms: Iterable[tuple[str, Sequence[int], float]]) -> PauliSum:
        """Create a sum from ``(letters, qubits, coefficient)``; ``letters[k]`` acts on ``qubits[k]``.

        The order is that of Qiskit's ``SparsePauliOp.from_sparse_list``: letters follow the order of the qubits,
        unlike in a label.

        Examples
        --------
        >>> PauliSum.from_terms([("XZ", (0, 2), 0.5), ("", (), 1.0)])
        I() + 0.5 * X(0) @ Z(2)
        """
        x_masks, z_masks, coefficients = [], [], []
        for letters, qubits, coefficient in terms:
            positions = checked_qubits(f"Pauli string {letters!r}", qubits)
            if len(letters) != len(positions):
                raise ObservableError(
                    f"Pauli string {letters!r} needs {len(letters)} qubits, got {len(positions)}: {positions}"
                )
            x, z = label_masks("string", letters[::-1])
            x_masks.append(pauli.spread(np.array([x]), positions)[0])
            z_masks.append(pauli.spread(np.array([z]), positions)[0])
            coefficients.append(checked_coefficient(coefficient))
        return cls(np.array(x_masks, np.int64), np.array(z_masks, np.int64), coefficients)

    @property
    def terms(self) -> tuple[tuple[str, tuple[int, ...], float], ...]:
        """Strings as ``(letters, qubits, coefficient)``, the format of `from_terms`; a label has them reversed."""
        return tuple(
            (*_letters(int(x), int(z)), float(c))
            for x, z, c in zip(self.x_masks, self.z_masks, self.coefficients, strict=True)
        )

    @property
    def num_terms(self) -> int:
        """Number of strings."""
        return len(self.coefficients)

    @property
    def num_qubits(self) -> int:
        """One more than the highest qubit acted on; 0 for a multiple of the identity."""
        return int(np.bitwise_or.reduce(self.x_masks | self.z_masks, initial=0)).bit_length()

    def matrix(self, num_qubits: int | None = None) -> NDArray[np.complex128]:
        """Compute the dense matrix, shape (2**num_qubits, 2**num_qubits), for small checks.

        Raises
        ------
        ObservableError
            If the observable acts on a qubit beyond ``num_qubits``.
        StateTooLargeError
            If the matrix does not fit in memory.
        """
        width = self.num_qubits if num_qubits is None else num_qubits
        self.check_fits(width)
        check_matrix(width)
        j = np.arange(1 << width)
        out = np.zeros((len(j), len(j)), complex)
        for x, z, c in zip(self.x_masks, self.z_masks, self.coefficients, strict=True):
            signs = 1.0 - 2.0 * (np.bitwise_count(j & z) & 1)
            out[j ^ x, j] += c * 1j ** (int(x & z).bit_count() % 4) * signs
        return out

    def check_fits(self, num_qubits: int) -> None:
        """Raise an ObservableError if the observable acts beyond ``num_qubits`` qubits."""
        if self.num_qubits > num_qubits:
            raise ObservableError(
                f"the observable acts on qubit {self.num_qubits - 1}, so it needs {self.num_qubits} qubits; "
                f"the state has {num_qubits}"
            )

    def __add__(self, other: PauliSum | float) -> PauliSum:
        if isinstance(other, PauliSum):
            return PauliSum(*(np.concatenate(pair) for pair in zip(self._arrays(), other._arrays(), strict=True)))
        return NotImplemented if not is_number(other) else self + PauliSum([0], [0], [checked_coefficient(other)])

    __radd__ = __add__

    def __sub__(self, other: PauliSum | float) -> PauliSum:
        return NotImplemented if not isinstance(other, PauliSum) and not is_number(other) else self + -1 * other

    def __rsub__(self, other: float) -> PauliSum:
        return NotImplemented if not is_number(other) else -self + other

    def __mul__(self, factor: Any) -> PauliSum:
        if isinstance(factor, PauliSum):
            raise ObservableError("the product of observables is written with @, as in Z(0) @ Z(1)")
        if not is_number(factor):
            return NotImplemented
        return PauliSum(self.x_masks, self.z_masks, self.coefficients * checked_coefficient(factor))

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> PauliSum:
        if not is_number(divisor):
            return NotImplemented
        if divisor == 0:
            raise ObservableError("cannot divide an observable by zero")
        return PauliSum(self.x_masks, self.z_masks, self.coefficients / checked_coefficient(divisor))

    def __neg__(self) -> PauliSum:
        return self * -1.0

    def __pos__(self) -> PauliSum:
        return self

    def __matmul__(self, other: PauliSum) -> PauliSum:
        if not isinstance(other, PauliSum):
            return NotImplemented
        xa, za, a = self.x_masks[:, None], self.z_masks[:, None], self.coefficients[:, None]
        xb, zb, b = other._arrays()
        x, z = xa ^ xb, za ^ zb
        # i^|xa za| X^xa Z^za i^|xb zb| X^xb Z^zb: moving Z^za past X^xb gives the sign
        quarter_turns = (
            pauli.popcount(xa & za) + pauli.popcount(xb & zb) - pauli.popcount(x & z) + 2 * pauli.popcount(za & xb)
        ) % 4
        values, x, z = _canonical((a * b * 1j**quarter_turns).ravel(), x.ravel(), z.ravel())
        worst = int(np.argmax(np.abs(values.imag))) if len(values) else 0
        if len(values) and abs(values[worst].imag) > 1e-12 * np.abs(a * b).max():
            raise ObservableError(
                "the product is not Hermitian: the factors do not commute, and "
                f"{_show(int(x[worst]), int(z[worst]))} gets the coefficient {complex(values[worst]):.6g}"
            )
        return PauliSum(x, z, values.real)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PauliSum):
            return NotImplemented
        return all(np.array_equal(a, b) for a, b in zip(self._arrays(), other._arrays(), strict=True))

    def __hash__(self) -> int:
        return hash(tuple(array.tobytes() for array in self._arrays()))

    def __reduce__(self) -> tuple[Any, ...]:
        return PauliSum, self._arrays()

    def __repr__(self) -> str:
        if not self.num_terms:
            return "0 * I()"
        text = ""
        for x, z, c in list(zip(*self._arrays(), strict=True))[:SHOWN_TERMS]:
            sign = (" - " if c < 0 else " + ") if text else ("-" if c < 0 else "")
            size = "" if abs(c) == 1 else f"{float(abs(c))!r} * "
            text += sign + size + _show(int(x), int(z))
        return text + (f" + ... ({self.num_terms} terms)" if self.num_terms > SHOWN_TERMS else "")

    def _arrays(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        return self.x_masks, self.z_masks, self.coefficients


def _canonical(
    values: NDArray[Any], x: NDArray[np.int64], z: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    """Merge equal strings, drop zeros, and sort by X mask and then by Z mask."""
    order = np.lexsort((z, x))
    values, x, z = values[order], x[order], z[order]
    first = np.flatnonzero(np.r_[True, (x[1:] != x[:-1]) | (z[1:] != z[:-1])][: len(x)])
    if len(first) < len(x):
        values, x, z = np.add.reduceat(values, first), x[first], z[first]
    keep = values != 0
    return values[keep], x[keep], z[keep]


def _letters(x: int, z: int) -> tuple[str, tuple[int, ...]]:
    qubits = tuple(q for q in range((x | z).bit_length()) if (x | z) >> q & 1)
    return pauli.label(x, z, (x | z).bit_length())[::-1].replace("I", ""), qubits


def _show(x: int, z: int) -> str:
    letters, qubits = _letters(x, z)
    return " @ ".join(f"{letter}({qubit})" for letter, qubit in zip(letters, qubits, strict=True)) or "I()"
