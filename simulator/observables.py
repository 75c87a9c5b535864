"""Observables: sums of Pauli strings with real coefficients.

>>> Z(0) @ Z(1) + 0.5 * X(0)
Z(0) @ Z(1) + 0.5 * X(0)
>>> Projector("01", [0, 1])
0.25 * I() - 0.25 * Z(0) + 0.25 * Z(1) - 0.25 * Z(0) @ Z(1)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator import pauli
from simulator.errors import ObservableError

__all__ = ["Hermitian", "I", "PauliSum", "Projector", "X", "Y", "Z"]

MAX_QUBITS = 62  # masks are int64 with the sign bit unused
MAX_PROJECTOR_QUBITS = 20
HERMITIAN_TOLERANCE = 1e-8
SHOWN_TERMS = 16


class PauliSum:
    """A real linear combination of Pauli strings; immutable.

    Made by `X`, `Y`, `Z`, `I`, `Projector`, `Hermitian` and arithmetic: ``@`` is the product of
    operators, ``+`` and ``-`` their sum and difference, ``*`` and ``/`` go with real numbers, and a number
    added stands for that multiple of the identity. Terms are kept merged and sorted, so equal sums have
    equal arrays.

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
        x, z = _masks("x_masks", x_masks), _masks("z_masks", z_masks)
        values = _real_array(coefficients)
        if not x.shape == z.shape == values.shape:
            raise ObservableError(
                f"x_masks, z_masks and coefficients need one length, got {len(x)}, {len(z)} and {len(values)}"
            )
        values, x, z = _canonical(values, x, z)
        for name, array in (("x_masks", x), ("z_masks", z), ("coefficients", values)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a PauliSum does not change; {name} can not be set")

    @classmethod
    def from_label(cls, label: str, coefficient: float = 1.0) -> PauliSum:
        """Make one string from a label such as ``"XIZ"``; the last character is qubit 0, as in Qiskit.

        Examples
        --------
        >>> PauliSum.from_label("XIZ", 0.5)
        0.5 * Z(0) @ X(2)
        """
        x, z = _label_masks("label", label)
        _check_width(len(label))
        return cls([x], [z], [coefficient])

    @classmethod
    def from_terms(cls, terms: Iterable[tuple[str, Sequence[int], float]]) -> PauliSum:
        """Make a sum from ``(letters, qubits, coefficient)``; ``letters[k]`` acts on ``qubits[k]``.

        The order is that of Qiskit's ``SparsePauliOp.from_sparse_list``: letters are listed beside their
        qubits, not as a label.

        Examples
        --------
        >>> PauliSum.from_terms([("XZ", (0, 2), 0.5), ("", (), 1.0)])
        I() + 0.5 * X(0) @ Z(2)
        """
        x_masks, z_masks, coefficients = [], [], []
        for letters, qubits, coefficient in terms:
            positions = _qubits(f"Pauli string {letters!r}", qubits)
            if len(letters) != len(positions):
                raise ObservableError(
                    f"Pauli string {letters!r} needs {len(letters)} qubits, got {len(positions)}: {positions}"
                )
            x, z = _label_masks("string", letters[::-1])
            x_masks.append(_spread(np.array([x]), positions)[0])
            z_masks.append(_spread(np.array([z]), positions)[0])
            coefficients.append(_coefficient(coefficient))
        return cls(np.array(x_masks, np.int64), np.array(z_masks, np.int64), coefficients)

    @property
    def terms(self) -> tuple[tuple[str, tuple[int, ...], float], ...]:
        """The strings as ``(letters, qubits, coefficient)``, what `from_terms` takes."""
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
        """Dense matrix, shape (2**num_qubits, 2**num_qubits), for small checks.

        Raises
        ------
        ObservableError
            If the observable acts on a qubit beyond ``num_qubits``.
        """
        width = self.num_qubits if num_qubits is None else num_qubits
        self.check_fits(width)
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
        return NotImplemented if not _is_number(other) else self + PauliSum([0], [0], [_coefficient(other)])

    __radd__ = __add__

    def __sub__(self, other: PauliSum | float) -> PauliSum:
        return NotImplemented if not isinstance(other, PauliSum) and not _is_number(other) else self + -1 * other

    def __rsub__(self, other: float) -> PauliSum:
        return NotImplemented if not _is_number(other) else -self + other

    def __mul__(self, factor: Any) -> PauliSum:
        if isinstance(factor, PauliSum):
            raise ObservableError("the product of observables is written with @, as in Z(0) @ Z(1)")
        if not _is_number(factor):
            return NotImplemented
        return PauliSum(self.x_masks, self.z_masks, self.coefficients * _coefficient(factor))

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> PauliSum:
        if not _is_number(divisor):
            return NotImplemented
        if divisor == 0:
            raise ObservableError("cannot divide an observable by zero")
        return PauliSum(self.x_masks, self.z_masks, self.coefficients / _coefficient(divisor))

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


def I() -> PauliSum:  # noqa: E743
    """Identity, which acts on no qubit.

    Examples
    --------
    >>> (I() - Z(0)) / 2
    0.5 * I() - 0.5 * Z(0)
    """
    return PauliSum([0], [0], [1.0])


def X(qubit: int) -> PauliSum:
    """Pauli X on one qubit."""
    bit = _bit("X", qubit)
    return PauliSum([bit], [0], [1.0])


def Y(qubit: int) -> PauliSum:
    """Pauli Y on one qubit."""
    bit = _bit("Y", qubit)
    return PauliSum([bit], [bit], [1.0])


def Z(qubit: int) -> PauliSum:
    """Pauli Z on one qubit."""
    bit = _bit("Z", qubit)
    return PauliSum([0], [bit], [1.0])


def Projector(bits: str | Sequence[int], qubits: Sequence[int]) -> PauliSum:
    """Projector on basis states: its expectation is the probability of reading ``bits`` on ``qubits``.

    Parameters
    ----------
    bits : str or sequence of int
        A string is read as a bit string of `Circuit.sample`: its last character belongs to ``qubits[0]``.
        In a sequence of integers ``bits[k]`` belongs to ``qubits[k]``.
    qubits : sequence of int
        At most 20, because the sum has ``2**len(qubits)`` strings.

    Raises
    ------
    ObservableError
        If ``bits`` has another length than ``qubits``, a bit is not 0 or 1, or a qubit is no index.

    Examples
    --------
    >>> Projector("10", [0, 1]) == Projector([0, 1], [0, 1])
    True
    """
    positions = _qubits("Projector", qubits)
    values: list[Any] = [*reversed(bits)] if isinstance(bits, str) else [*bits]
    if len(values) != len(positions):
        raise ObservableError(f"Projector needs one bit a qubit, got {len(values)} bits for {len(positions)} qubits")
    if any(isinstance(v, bool) or v not in (0, 1, "0", "1") for v in values):
        raise ObservableError(f"the bits of a Projector are 0 or 1, got {bits!r}")
    if len(values) > MAX_PROJECTOR_QUBITS:
        raise ObservableError(f"a Projector takes at most {MAX_PROJECTOR_QUBITS} qubits, got {len(values)}")
    ones = sum(int(v) << k for k, v in enumerate(values))
    subsets = np.arange(1 << len(values))
    signs = 1.0 - 2.0 * (np.bitwise_count(subsets & ones) & 1)
    return PauliSum(np.zeros_like(subsets), _spread(subsets, positions), signs / len(subsets))


def Hermitian(matrix: ArrayLike, qubits: Sequence[int]) -> PauliSum:
    """Pauli sum of a Hermitian matrix on some qubits.

    Parameters
    ----------
    matrix : complex array_like, shape (2**k, 2**k)
        Little-endian: ``qubits[0]`` is the lowest bit of its index.
    qubits : sequence of k int

    Returns
    -------
    PauliSum
        At most ``4**k`` strings, found in O(k 4**k) by Walsh-Hadamard transforms.

    Raises
    ------
    ObservableError
        If the shape does not fit ``qubits``, an entry is NaN or infinite, or the matrix is not Hermitian.

    Examples
    --------
    >>> Hermitian([[1, 0], [0, 0]], [2])
    0.5 * I() + 0.5 * Z(2)
    """
    positions = _qubits("Hermitian", qubits)
    try:
        values = np.array(matrix, complex)
    except (TypeError, ValueError):
        raise ObservableError("Hermitian: the matrix is not numeric") from None
    size = 1 << len(positions)
    if values.shape != (size, size):
        raise ObservableError(
            f"Hermitian: a matrix on {len(positions)} qubits has shape ({size}, {size}), got {values.shape}"
        )
    if not np.isfinite(values).all():
        raise ObservableError("Hermitian: the matrix contains NaN or infinity")
    deviation = np.abs(values - values.conj().T).max()
    allowed = HERMITIAN_TOLERANCE * max(1.0, np.abs(values).max())
    if deviation > allowed:
        raise ObservableError(f"the matrix is not Hermitian: |M - M^dagger| = {deviation:.3g} (allowed {allowed:.3g})")
    x, z, coefficients = pauli.decompose(values)
    return PauliSum(_spread(x, positions), _spread(z, positions), coefficients)


def _canonical(
    values: NDArray[Any], x: NDArray[np.int64], z: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    """Equal strings merged, zeros dropped, sorted by x mask and then by z mask."""
    order = np.lexsort((z, x))
    values, x, z = values[order], x[order], z[order]
    first = np.flatnonzero(np.r_[True, (x[1:] != x[:-1]) | (z[1:] != z[:-1])][: len(x)])
    if len(first) < len(x):
        values, x, z = np.add.reduceat(values, first), x[first], z[first]
    keep = values != 0
    return values[keep], x[keep], z[keep]


def _spread(masks: NDArray[np.int64], positions: Sequence[int]) -> NDArray[np.int64]:
    """Move bit k of each mask to bit ``positions[k]``."""
    out = np.zeros_like(masks)
    for k, position in enumerate(positions):
        out |= (masks >> k & 1) << position
    return out


def _label_masks(kind: str, letters: Any) -> tuple[int, int]:
    try:
        return pauli.masks(letters)
    except (TypeError, ValueError):
        raise ObservableError(f"a Pauli {kind} consists of I, X, Y and Z, got {letters!r}") from None


def _bit(letter: str, qubit: Any) -> int:
    return 1 << _qubits(letter, (qubit,))[0]


def _qubits(owner: str, qubits: Sequence[Any]) -> tuple[int, ...]:
    try:
        given = tuple(qubits)
    except TypeError:
        raise ObservableError(f"{owner}: expected a sequence of qubits, got {qubits!r}") from None
    for qubit in given:
        if isinstance(qubit, bool) or not isinstance(qubit, int | np.integer):
            raise ObservableError(f"{owner}: a qubit is a whole number, got {qubit!r}")
        if qubit < 0:
            raise ObservableError(f"{owner}: a qubit is counted from 0, got {qubit}")
        _check_width(int(qubit) + 1)
    out = tuple(int(qubit) for qubit in given)
    if len(set(out)) != len(out):
        raise ObservableError(f"{owner} takes distinct qubits, got {out}")
    return out


def _check_width(num_qubits: int) -> None:
    if num_qubits > MAX_QUBITS:
        raise ObservableError(f"an observable acts on qubits 0 to {MAX_QUBITS - 1}, got qubit {num_qubits - 1}")


def _is_number(value: Any) -> bool:
    return isinstance(value, Number) and not isinstance(value, bool)


def _coefficient(value: Any) -> float:
    return float(_real_array([value])[0])


def _real_array(coefficients: ArrayLike) -> NDArray[np.float64]:
    values = np.array(coefficients)
    if values.dtype.kind not in "fiu" and values.size:
        raise ObservableError(f"the coefficients of an observable are real numbers, got {coefficients!r}")
    values = values.astype(float)
    if values.ndim != 1:
        raise ObservableError(f"coefficients has shape (n_terms,), got {values.shape}")
    if not np.isfinite(values).all():
        raise ObservableError("the coefficients of an observable contain NaN or infinity")
    return values


def _masks(name: str, masks: ArrayLike) -> NDArray[np.int64]:
    array = np.array(masks)
    if array.ndim != 1 or (array.dtype.kind not in "iu" and array.size):
        raise ObservableError(f"{name} is a sequence of whole numbers, got {masks!r}")
    if array.size and (array.min() < 0 or int(array.max()) >= 1 << MAX_QUBITS):
        raise ObservableError(f"{name} are between 0 and 2**{MAX_QUBITS} - 1, got {masks!r}")
    return array.astype(np.int64)


def _letters(x: int, z: int) -> tuple[str, tuple[int, ...]]:
    qubits = tuple(q for q in range((x | z).bit_length()) if (x | z) >> q & 1)
    return pauli.label(x, z, (x | z).bit_length())[::-1].replace("I", ""), qubits


def _show(x: int, z: int) -> str:
    letters, qubits = _letters(x, z)
    return " @ ".join(f"{letter}({qubit})" for letter, qubit in zip(letters, qubits, strict=True)) or "I()"
