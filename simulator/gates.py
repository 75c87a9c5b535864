"""The gate trait, and every standard gate declared once.

A fixed gate *is* its unitary; a rotation *is* its Hermitian generator, ``exp(-i theta G)``; control is a
method; a composite is a short sequence of these. Matrix, derivative, inverse, diagonal flag and
parameter-shift rule follow from the declaration. Names and conventions are Qiskit's: little-endian (the
first qubit is the least significant bit), controls first, angles in radians.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator import pauli
from simulator.errors import CircuitError, GateError, ParameterError
from simulator.parameters import Expression, as_angle

ComplexMatrix = NDArray[np.complex128]
Angle = float | Expression

UNITARY_TOLERANCE = 1e-8


@dataclass(frozen=True)
class Operation:
    """A gate on qubits, with its angles: what a circuit is made of.

    Parameters
    ----------
    gate : Gate
    qubits : tuple of int
        Controls first; ``qubits[0]`` is the least significant bit of the gate's matrix.
    angles : tuple of float or Expression, radians
    """

    gate: Gate
    qubits: tuple[int, ...]
    angles: tuple[Angle, ...] = ()

    def inverse(self) -> Operation:
        """The operation that undoes this one."""
        gate, angles = self.gate.inverse(*self.angles)
        return Operation(gate, self.qubits, angles)

    def controlled(self, controls: Sequence[int], control_values: Sequence[int] | None = None) -> Operation:
        """This operation under the control of further qubits."""
        gate = self.gate.controlled(len(controls), control_values)
        return Operation(gate, (*controls, *self.qubits), self.angles)


class Gate(abc.ABC):
    """The trait of a gate: a name, a number of qubits and angles, and a unitary matrix.

    Attributes
    ----------
    name : str
    controls : tuple of int
        The value, 0 or 1, that each control qubit must have; controls are the first qubits.
    num_qubits, num_params : int
        Controls included.
    """

    name: str
    controls: tuple[int, ...]
    num_params: int
    num_targets: int

    @property
    def num_qubits(self) -> int:
        """Number of qubits, controls included."""
        return len(self.controls) + self.num_targets

    @abc.abstractmethod
    def target_matrix(self, *angles: float) -> ComplexMatrix:
        """The unitary on the targets when every control has its value, shape (2**t, 2**t)."""

    @abc.abstractmethod
    def inverse(self, *angles: Any) -> tuple[Gate, tuple[Any, ...]]:
        """The gate and angles that undo this gate at ``angles``."""

    @abc.abstractmethod
    def _with_controls(self, name: str, controls: tuple[int, ...]) -> Gate: ...

    @abc.abstractmethod
    def _identity(self) -> tuple[Any, ...]:
        """What distinguishes this gate from every other; hashable."""

    @property
    @abc.abstractmethod
    def is_diagonal(self) -> bool:
        """Whether the matrix is diagonal at every angle."""

    def matrix(self, *angles: float) -> ComplexMatrix:
        """The unitary, shape (2**num_qubits, 2**num_qubits); the first qubit is the lowest bit."""
        if len(angles) != self.num_params:
            raise ParameterError(f"{self.name} takes {self.num_params} angles, got {len(angles)}")
        target = self.target_matrix(*angles)
        if not self.controls:
            return target
        out = np.eye(1 << self.num_qubits, dtype=complex)
        active = (np.arange(len(target)) << len(self.controls)) + _bits(self.controls)
        out[np.ix_(active, active)] = target
        return out

    def controlled(
        self, num_controls: int = 1, control_values: Sequence[int] | None = None, name: str | None = None
    ) -> Gate:
        """This gate under the control of ``num_controls`` further qubits, which come first.

        Parameters
        ----------
        num_controls : int
        control_values : sequence of 0 or 1, optional
            The value each new control must have; all ones by default.
        name : str, optional
            By default ``c`` in front of the name, once a control (``o`` for a control on 0).
        """
        values = (1,) * num_controls if control_values is None else tuple(int(v) for v in control_values)
        if len(values) != num_controls or any(v not in (0, 1) for v in values) or num_controls < 1:
            raise GateError(f"control_values needs {num_controls} values 0 or 1, got {control_values}")
        name = name or "".join("c" if v else "o" for v in values) + self.name
        gate = self._with_controls(name, values + self.controls)
        return _STANDARD_BY_IDENTITY.get(gate._identity()[1:], gate)

    def __call__(self, *arguments: Any) -> Operation:
        """The operation ``gate(*angles, *qubits)``.

        Raises
        ------
        CircuitError
            If the number of arguments is wrong or a qubit is no index, negative or given twice.
        ParameterError
            If an angle is not a finite real number or an expression.
        """
        expected = self.num_params + self.num_qubits
        if len(arguments) != expected:
            angles = f"{self.num_params} angle{'s' * (self.num_params != 1)} and " if self.num_params else ""
            raise CircuitError(
                f"{self.name} takes {angles}{self.num_qubits} qubit{'s' * (self.num_qubits != 1)}, "
                f"got {len(arguments)} arguments"
            )
        split = self.num_params
        try:
            angles = tuple(as_angle(a) for a in arguments[:split])
        except ParameterError as error:
            raise ParameterError(f"{self.name}: {error}") from None
        return Operation(self, self.check_qubits(arguments[split:]), angles)

    def check_qubits(self, qubits: Sequence[Any]) -> tuple[int, ...]:
        """``qubits`` as a tuple of distinct non-negative ints."""
        out = []
        for qubit in qubits:
            if isinstance(qubit, bool | np.bool_) or not isinstance(qubit, int | np.integer):
                raise CircuitError(f"{self.name}: a qubit is a whole number, got {qubit!r}")
            if qubit < 0:
                raise CircuitError(f"{self.name}: a qubit is counted from 0, got {qubit}")
            out.append(int(qubit))
        if len(out) != self.num_qubits or len(set(out)) != len(out):
            raise CircuitError(
                f"{self.name} takes {self.num_qubits} distinct qubit{'s' * (self.num_qubits != 1)}, got {tuple(out)}"
            )
        return tuple(out)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Gate) and (self is other or self._identity() == other._identity())

    def __hash__(self) -> int:
        return hash(self._identity())

    def __repr__(self) -> str:
        return f"<gate {self.name}: {self.num_qubits} qubits, {self.num_params} angles>"


class Fixed(Gate):
    """A gate without angles: it is its unitary.

    Parameters
    ----------
    name : str
    unitary : array_like, shape (2**t, 2**t)
    check : bool
        ``False`` accepts a matrix that is not unitary; its results are then the caller's.

    Raises
    ------
    GateError
        If the shape is not a power of two, an entry is NaN or infinite, or the matrix is not unitary.
    """

    num_params = 0

    def __init__(self, name: str, unitary: ArrayLike, *, check: bool = True, controls: tuple[int, ...] = ()) -> None:
        self.name, self.controls = name, controls
        self.unitary = _square(name, unitary)
        self.num_targets = _log2(len(self.unitary))
        self.check = check
        deviation = np.abs(self.unitary @ self.unitary.conj().T - np.eye(len(self.unitary))).max()
        self.is_unitary = bool(deviation <= UNITARY_TOLERANCE)
        if check and not self.is_unitary:
            raise GateError(
                f"{name}: the matrix is not unitary: |U U^dagger - 1| = {deviation:.3g} "
                f"(allowed {UNITARY_TOLERANCE:g}; check=False accepts it)"
            )

    def target_matrix(self) -> ComplexMatrix:
        return self.unitary.copy()

    def inverse(self, *angles: Any) -> tuple[Gate, tuple[Any, ...]]:
        undo = self.unitary.conj().T if self.is_unitary else np.linalg.inv(self.unitary)
        if np.array_equal(undo, self.unitary):
            return self, ()
        name = self.name[:-2] if self.name.endswith("dg") else self.name + "dg"
        gate = Fixed(name, undo, check=self.check, controls=self.controls)
        return _STANDARD_BY_IDENTITY.get(gate._identity()[1:], gate), ()

    @property
    def is_diagonal(self) -> bool:
        return not np.any(self.unitary - np.diag(np.diag(self.unitary)))

    def _with_controls(self, name: str, controls: tuple[int, ...]) -> Fixed:
        return Fixed(name, self.unitary, check=self.check, controls=controls)

    def _identity(self) -> tuple[Any, ...]:
        return self.name, "fixed", self.controls, self.unitary.tobytes()


class Diagonal(Gate):
    """A fixed diagonal gate, held as its phases: ``diag(exp(i * phases))``.

    Parameters
    ----------
    name : str
    phases : array_like, shape (2**t,), radians
    """

    num_params = 0
    is_diagonal = True

    def __init__(self, name: str, phases: ArrayLike, *, controls: tuple[int, ...] = ()) -> None:
        self.name, self.controls = name, controls
        try:
            self.phases = np.array(phases, float)
        except (TypeError, ValueError):
            raise GateError(f"{name}: phases are real angles in radians") from None
        if self.phases.ndim != 1 or not _is_power_of_two(len(self.phases)):
            raise GateError(f"{name}: phases has shape (2**k,), got {self.phases.shape}")
        if not np.isfinite(self.phases).all():
            raise GateError(f"{name}: phases contain NaN or infinity")
        self.num_targets = _log2(len(self.phases))

    def target_matrix(self) -> ComplexMatrix:
        return np.diag(np.exp(1j * self.phases))

    def inverse(self, *angles: Any) -> tuple[Gate, tuple[Any, ...]]:
        return Diagonal(self.name, -self.phases, controls=self.controls), ()

    def _with_controls(self, name: str, controls: tuple[int, ...]) -> Diagonal:
        return Diagonal(name, self.phases, controls=controls)

    def _identity(self) -> tuple[Any, ...]:
        return self.name, "diagonal", self.controls, self.phases.tobytes()


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
        self.generator = _square(name, generator)
        self.num_targets = _log2(len(self.generator))
        deviation = np.abs(self.generator - self.generator.conj().T).max()
        if deviation > UNITARY_TOLERANCE:
            raise GateError(f"{name}: the generator is not Hermitian: |G - G^dagger| = {deviation:.3g}")

    @cached_property
    def spectrum(self) -> tuple[NDArray[np.float64], ComplexMatrix]:
        """Eigenvalues (2**t,) and eigenvectors (2**t, 2**t) of the generator."""
        values, vectors = np.linalg.eigh(self.generator)
        return values, vectors

    @cached_property
    def pauli_terms(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """The generator as Pauli strings on the targets: x masks, z masks, coefficients."""
        return pauli.decompose(self.generator)

    def target_matrix(self, angle: float) -> ComplexMatrix:
        values, vectors = self.spectrum
        return (vectors * np.exp(-1j * angle * values)) @ vectors.conj().T

    def inverse(self, *angles: Any) -> tuple[Gate, tuple[Any, ...]]:
        return self, tuple(-angle for angle in angles)

    @property
    def is_diagonal(self) -> bool:
        return not np.any(self.pauli_terms[0])

    @cached_property
    def shift_rule(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Shifts s and weights c with ``f'(t) = sum_k c_k (f(t + s_k) - f(t - s_k))``, exactly.

        An expectation is a trigonometric polynomial in the angle whose frequencies are the gaps of the
        generator's spectrum; one shift a distinct gap determines its derivative.

        References
        ----------
        Wierichs, Izaac, Wang, Lin, arXiv:2107.12390.
        """
        values = self.spectrum[0]
        if self.controls:
            values = np.append(values, 0.0)  # the identity on the inactive subspace
        gaps = np.abs(values[:, None] - values[None, :]).ravel()
        gaps = np.unique(np.round(gaps[gaps > 1e-9], 9))
        if not len(gaps):
            return np.zeros(0), np.zeros(0)
        count = len(gaps)
        shifts = (2 * np.arange(1, count + 1) - 1) * math.pi / (2 * count * gaps[0])
        if not np.allclose(gaps, gaps[0] * np.arange(1, count + 1)):
            shifts = (2 * np.arange(1, count + 1) - 1) * math.pi / (4 * gaps[-1])
        weights = np.linalg.lstsq(2 * np.sin(np.outer(gaps, shifts)), gaps, rcond=None)[0]
        return shifts, weights

    def _with_controls(self, name: str, controls: tuple[int, ...]) -> Gate:
        return Rotation(name, self.generator, controls=controls)

    def _identity(self) -> tuple[Any, ...]:
        return self.name, "rotation", self.controls, self.generator.tobytes()


class PauliRotation(Rotation):
    """``exp(-i theta/2 P)`` for a Pauli string P such as ``"XZY"``; the last character is the first qubit.

    Never held as a matrix, so strings may be as long as the circuit is wide.
    """

    def __init__(self, label: str, *, name: str | None = None, controls: tuple[int, ...] = ()) -> None:
        try:
            self.masks = pauli.masks(label)
        except (ValueError, TypeError, AttributeError):
            raise GateError(f"a Pauli string consists of I, X, Y and Z, got {label!r}") from None
        self.label = label
        self.name, self.controls = name or "r" + label.lower(), controls
        self.num_targets = len(label)

    @property
    def generator(self) -> ComplexMatrix:  # type: ignore[override]
        """``P / 2`` as a dense matrix, shape (2**t, 2**t)."""
        return pauli.matrix(*self.masks, self.num_targets) / 2

    @cached_property
    def spectrum(self) -> tuple[NDArray[np.float64], ComplexMatrix]:
        """Eigenvalues and eigenvectors of the generator."""
        values, vectors = np.linalg.eigh(self.generator)
        return values, vectors

    @cached_property
    def pauli_terms(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """The generator as one Pauli string."""
        x, z = self.masks
        return np.array([x]), np.array([z]), np.array([0.5])

    def _with_controls(self, name: str, controls: tuple[int, ...]) -> Gate:
        return PauliRotation(self.label, name=name, controls=controls)

    def _identity(self) -> tuple[Any, ...]:
        return self.name, "pauli", self.controls, self.label


@dataclass(frozen=True)
class Step:
    """One gate of a composite: positions among the targets, angles affine in the composite's angles.

    Parameters
    ----------
    gate : Gate
    positions : tuple of int
    rows : tuple of tuple of float
        For each angle of ``gate``, the factor of each of the composite's angles.
    """

    gate: Gate
    positions: tuple[int, ...]
    rows: tuple[tuple[float, ...], ...] = ()


class Composite(Gate):
    """A named sequence of gates, first applied first.

    Parameters
    ----------
    name : str
    num_targets, num_params : int
    steps : sequence of Step
    undo : tuple of (int, float), optional
        If the inverse is this gate at other angles: for each angle, which one it is and its factor.
    """

    def __init__(
        self,
        name: str,
        num_targets: int,
        num_params: int,
        steps: Sequence[Step],
        *,
        undo: tuple[tuple[int, float], ...] | None = None,
        controls: tuple[int, ...] = (),
    ) -> None:
        self.name, self.controls = name, controls
        self.num_targets, self.num_params = num_targets, num_params
        self.steps, self.undo = tuple(steps), undo

    def expand(self, qubits: Sequence[int], angles: Sequence[Any]) -> list[Operation]:
        """The operations that this gate on ``qubits`` stands for, controls carried along."""
        split = len(self.controls)
        controls, targets = tuple(qubits[:split]), qubits[split:]
        out = []
        for step in self.steps:
            values = tuple(sum((f * a for f, a in zip(row, angles, strict=True) if f), 0.0) for row in step.rows)
            operation = Operation(step.gate, tuple(targets[p] for p in step.positions), values)
            out.append(operation.controlled(controls, self.controls) if controls else operation)
        return out

    def target_matrix(self, *angles: float) -> ComplexMatrix:
        out = np.eye(1 << self.num_targets, dtype=complex)
        for step in self.steps:
            values = [sum(f * a for f, a in zip(row, angles, strict=True)) for row in step.rows]
            out = embed(step.gate.matrix(*values), step.positions, self.num_targets) @ out
        return out

    def inverse(self, *angles: Any) -> tuple[Gate, tuple[Any, ...]]:
        if self.undo is not None:
            return self, tuple(angles[index] * factor for index, factor in self.undo)
        steps = []
        for step in reversed(self.steps):
            # angles are linear in ours, so the step's inverse is found on its rows
            gate, rows = step.gate.inverse(*(np.array(row) for row in step.rows))
            steps.append(Step(gate, step.positions, tuple(tuple(float(v) for v in row) for row in rows)))
        name = self.name[:-2] if self.name.endswith("dg") else self.name + "dg"
        return Composite(name, self.num_targets, self.num_params, steps, controls=self.controls), angles

    @property
    def is_diagonal(self) -> bool:
        return all(step.gate.is_diagonal for step in self.steps)

    def _with_controls(self, name: str, controls: tuple[int, ...]) -> Gate:
        return Composite(name, self.num_targets, self.num_params, self.steps, undo=self.undo, controls=controls)

    def _identity(self) -> tuple[Any, ...]:
        return self.name, "composite", self.controls, self.num_targets, self.num_params, self.steps


class StatePreparation(Gate):
    """Prepares given amplitudes from ``|0...0>``; as a gate, a unitary with them as its first column.

    As the first operation on its qubits it costs nothing; elsewhere it is applied as a dense unitary.

    Parameters
    ----------
    amplitudes : array_like, shape (2**t,)
    normalize : bool

    Raises
    ------
    GateError
        If the length is not a power of two, an entry is NaN, or the norm is not 1.
    """

    num_params = 0
    is_diagonal = False

    def __init__(
        self,
        amplitudes: ArrayLike,
        *,
        normalize: bool = False,
        name: str = "initialize",
        controls: tuple[int, ...] = (),
        adjoint: bool = False,
    ) -> None:
        self.name, self.controls, self.adjoint = name, controls, adjoint
        self.amplitudes = normalized(name, amplitudes, normalize)
        self.num_targets = _log2(len(self.amplitudes))

    def target_matrix(self) -> ComplexMatrix:
        """A Householder reflection that takes the first basis state to the amplitudes."""
        first = self.amplitudes[0]
        phase = first / abs(first) if abs(first) > 0 else 1.0
        vector = self.amplitudes / phase
        vector[0] -= 1.0
        norm = np.vdot(vector, vector).real
        out = np.eye(len(vector), dtype=complex)
        if norm > 1e-30:
            out -= 2 * np.outer(vector, vector.conj()) / norm
        out *= phase
        return out.conj().T.copy() if self.adjoint else out

    def inverse(self, *angles: Any) -> tuple[Gate, tuple[Any, ...]]:
        name = self.name[:-2] if self.adjoint else self.name + "dg"
        undo = StatePreparation(self.amplitudes, name=name, controls=self.controls, adjoint=not self.adjoint)
        return undo, ()

    def _with_controls(self, name: str, controls: tuple[int, ...]) -> Gate:
        return StatePreparation(self.amplitudes, name=name, controls=controls, adjoint=self.adjoint)

    def _identity(self) -> tuple[Any, ...]:
        return self.name, "state", self.controls, self.adjoint, self.amplitudes.tobytes()


class AmplitudeEncoding(Gate):
    """State preparation whose real amplitudes are the gate's parameters, normalised when bound.

    Only as the first operation on its qubits; it has no inverse and no control.

    Parameters
    ----------
    num_qubits : int
    """

    controls = ()
    is_diagonal = False

    def __init__(self, num_qubits: int) -> None:
        self.name = "amplitude_encoding"
        self.num_targets = num_qubits
        self.num_params = 1 << num_qubits

    def target_matrix(self, *amplitudes: float) -> ComplexMatrix:
        return StatePreparation(amplitudes, normalize=True).target_matrix()

    def inverse(self, *angles: Any) -> tuple[Gate, tuple[Any, ...]]:
        raise CircuitError("amplitudes that are parameters can not be inverted; bind them first")

    def _with_controls(self, name: str, controls: tuple[int, ...]) -> Gate:
        raise CircuitError("amplitudes that are parameters can not be controlled; bind them first")

    def _identity(self) -> tuple[Any, ...]:
        return self.name, "amplitudes", (), self.num_targets


def normalized(name: str, amplitudes: ArrayLike, normalize: bool) -> NDArray[np.complex128]:
    """``amplitudes`` as a complex vector of norm 1 and length a power of two, or a GateError."""
    try:
        out = np.array(amplitudes, complex)
    except (TypeError, ValueError):
        raise GateError(f"{name}: amplitudes are numbers") from None
    if out.ndim != 1 or not _is_power_of_two(len(out)):
        raise GateError(f"{name}: amplitudes has shape (2**k,), got {out.shape}")
    if not np.isfinite(out).all():
        raise GateError(f"{name}: amplitudes contain NaN or infinity")
    norm = float(np.linalg.norm(out))
    if norm == 0:
        raise GateError(f"{name}: all amplitudes are zero")
    if not normalize and abs(norm - 1) > UNITARY_TOLERANCE:
        raise GateError(f"{name}: amplitudes have norm {norm:.9g}, expected 1 (normalize=True divides by it)")
    return out / norm


def embed(matrix: ComplexMatrix, positions: Sequence[int], num_qubits: int) -> ComplexMatrix:
    """``matrix`` on ``positions`` as a matrix on ``num_qubits`` qubits."""
    k = len(positions)
    rest = [q for q in range(num_qubits) if q not in positions]
    order = [*positions, *rest]  # bit b of the product's index is qubit order[b]
    big = np.kron(np.eye(1 << len(rest)), matrix) if k else matrix[0, 0] * np.eye(1 << num_qubits)
    index = np.zeros(1 << num_qubits, int)
    for bit, qubit in enumerate(order):
        index |= ((np.arange(1 << num_qubits) >> qubit) & 1) << bit
    return np.asarray(big[np.ix_(index, index)])


def _square(name: str, matrix: ArrayLike) -> ComplexMatrix:
    try:
        out = np.array(matrix, complex)
    except (TypeError, ValueError):
        raise GateError(f"{name}: the matrix is not numeric") from None
    if out.ndim != 2 or out.shape[0] != out.shape[1] or not _is_power_of_two(len(out)):
        raise GateError(f"{name}: a matrix of shape (2**k, 2**k) is expected, got {out.shape}")
    if not np.isfinite(out).all():
        raise GateError(f"{name}: the matrix contains NaN or infinity")
    return out + 0.0  # no negative zeros: equal matrices have equal bytes


def _is_power_of_two(size: int) -> bool:
    return size > 0 and size & (size - 1) == 0


def _log2(size: int) -> int:
    return size.bit_length() - 1


def _bits(values: Sequence[int]) -> int:
    return sum(v << k for k, v in enumerate(values))


_X = np.array([[0, 1], [1, 0]], complex)
_Y = np.array([[0, -1j], [1j, 0]])
_Z = np.diag([1, -1]).astype(complex)
_HALF = 1 / math.sqrt(2)
_FLIP = [(0, -1.0), (1, 1.0)]  # invert the angle, keep the axis

_STANDARD_BY_IDENTITY: dict[Any, Gate] = {}

ID = Fixed("id", np.eye(2))
X = Fixed("x", _X)
Y = Fixed("y", _Y)
Z = Fixed("z", _Z)
H = Fixed("h", (_X + _Z) * _HALF)
S = Fixed("s", np.diag([1, 1j]))
SDG = Fixed("sdg", np.diag([1, -1j]))
T = Fixed("t", np.diag([1, _HALF + _HALF * 1j]))
TDG = Fixed("tdg", np.diag([1, _HALF - _HALF * 1j]))
SX = Fixed("sx", np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2)
SXDG = Fixed("sxdg", np.array([[1 - 1j, 1 + 1j], [1 + 1j, 1 - 1j]]) / 2)

GLOBAL_PHASE = Rotation("global_phase", [[-1]])
RX = Rotation("rx", _X / 2)
RY = Rotation("ry", _Y / 2)
RZ = Rotation("rz", _Z / 2)
P = GLOBAL_PHASE.controlled(name="p")
R = Composite(
    "r", 1, 2, [Step(RZ, (0,), ((0, -1),)), Step(RX, (0,), ((1, 0),)), Step(RZ, (0,), ((0, 1),))], undo=tuple(_FLIP)
)
U = Composite(
    "u",
    1,
    3,
    [Step(P, (0,), ((0, 0, 1),)), Step(RY, (0,), ((1, 0, 0),)), Step(P, (0,), ((0, 1, 0),))],
    undo=((0, -1.0), (2, -1.0), (1, -1.0)),
)

SWAP = Fixed("swap", np.eye(4)[[0, 2, 1, 3]])
ISWAP = Fixed("iswap", [[1, 0, 0, 0], [0, 0, 1j, 0], [0, 1j, 0, 0], [0, 0, 0, 1]])
ECR = Fixed("ecr", np.array([[0, 1, 0, 1j], [1, 0, -1j, 0], [0, 1j, 0, 1], [-1j, 0, 1, 0]]) * _HALF)
DCX = Fixed("dcx", np.eye(4)[[0, 3, 1, 2]])
RXX = PauliRotation("XX")
RYY = PauliRotation("YY")
RZZ = PauliRotation("ZZ")
RZX = PauliRotation("XZ", name="rzx")
XX_MINUS_YY = Composite(
    "xx_minus_yy",
    2,
    2,
    [
        Step(RZ, (1,), ((0, -1),)),
        Step(RXX, (0, 1), ((0.5, 0),)),
        Step(RYY, (0, 1), ((-0.5, 0),)),
        Step(RZ, (1,), ((0, 1),)),
    ],
    undo=tuple(_FLIP),
)
XX_PLUS_YY = Composite(
    "xx_plus_yy",
    2,
    2,
    [
        Step(RZ, (0,), ((0, 1),)),
        Step(RXX, (0, 1), ((0.5, 0),)),
        Step(RYY, (0, 1), ((0.5, 0),)),
        Step(RZ, (0,), ((0, -1),)),
    ],
    undo=tuple(_FLIP),
)

CX = X.controlled(name="cx")
CY = Y.controlled(name="cy")
CZ = Z.controlled(name="cz")
CH = H.controlled(name="ch")
CS = S.controlled(name="cs")
CSDG = SDG.controlled(name="csdg")
CSX = SX.controlled(name="csx")
CRX = RX.controlled(name="crx")
CRY = RY.controlled(name="cry")
CRZ = RZ.controlled(name="crz")
CP = P.controlled(name="cp")
CU = Composite(
    "cu",
    2,
    4,
    [
        Step(P, (0,), ((0, 0, 0, 1),)),
        Step(CP, (0, 1), ((0, 0, 1, 0),)),
        Step(CRY, (0, 1), ((1, 0, 0, 0),)),
        Step(CP, (0, 1), ((0, 1, 0, 0),)),
    ],
    undo=((0, -1.0), (2, -1.0), (1, -1.0), (3, -1.0)),
)
CCX = X.controlled(2, name="ccx")
CCZ = Z.controlled(2, name="ccz")
CSWAP = SWAP.controlled(name="cswap")
RCCX = Fixed(
    "rccx",
    [
        [1, 0, 0, 0, 0, 0, 0, 0],
        [0, 1, 0, 0, 0, 0, 0, 0],
        [0, 0, 1, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, -1j],
        [0, 0, 0, 0, 1, 0, 0, 0],
        [0, 0, 0, 0, 0, -1, 0, 0],
        [0, 0, 0, 0, 0, 0, 1, 0],
        [0, 0, 0, 1j, 0, 0, 0, 0],
    ],
)

STANDARD: dict[str, Gate] = {gate.name: gate for gate in list(globals().values()) if isinstance(gate, Gate)}
"""Every standard gate, by Qiskit's name."""

# a derived gate (x controlled, s inverted) that equals a standard one takes its name
_STANDARD_BY_IDENTITY.update({gate._identity()[1:]: gate for gate in STANDARD.values()})
