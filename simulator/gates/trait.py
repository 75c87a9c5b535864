"""Abstract base class of gates, and operations, which are gates applied to qubits."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator import pauli
from simulator.errors import CircuitError, GateError, ParameterError, counted
from simulator.parameters import Expression, as_angle

ComplexMatrix = NDArray[np.complex128]
Angle = float | Expression


@dataclass(frozen=True)
class Condition:
    """Condition on classical bits under which an operation is applied.

    Parameters
    ----------
    clbits : tuple of int
        ``clbits[0]`` is the lowest bit of ``value``.
    value : int
    equal : bool
        If False, the test is negated: the bits must not hold ``value``.
    """

    clbits: tuple[int, ...]
    value: int
    equal: bool = True


class Operation(NamedTuple):
    """A gate applied to qubits, with its angles; circuits are sequences of operations.

    Parameters
    ----------
    gate : Gate
    qubits : tuple of int
        Controls first; ``qubits[0]`` is the least significant bit of the gate's matrix.
    angles : tuple of float or Expression, radians
    clbits : tuple of int
        Classical bits that a measurement writes to; empty for gates.
    conditions : tuple of Condition
        The operation is applied if all conditions hold.
    """

    gate: Gate
    qubits: tuple[int, ...]
    angles: tuple[Angle, ...] = ()
    clbits: tuple[int, ...] = ()
    conditions: tuple[Condition, ...] = ()

    @property
    def is_unitary(self) -> bool:
        """Whether this is a plain gate: not a measurement or reset, and without conditions."""
        return self.gate.is_reversible and not self.conditions

    def inverse(self) -> Operation:
        """Return the inverse operation."""
        self._check_unconditional("undone")
        gate, angles = self.gate.inverse(*self.angles)
        return Operation(gate, self.qubits, angles)

    def controlled(self, controls: Sequence[int], control_values: Sequence[int] | None = None) -> Operation:
        """Return this operation controlled by additional qubits."""
        self._check_unconditional("controlled by a qubit")
        gate = self.gate.controlled(len(controls), control_values)
        return Operation(gate, (*controls, *self.qubits), self.angles)

    def _check_unconditional(self, what: str) -> None:
        if self.conditions:
            raise CircuitError(f"{self.gate.name} depends on classical bits and cannot be {what}")


class Gate(abc.ABC):
    """Abstract base class of gates: a name, numbers of qubits and angles, and a unitary matrix.

    Attributes
    ----------
    name : str
    controls : tuple of int
        Value, 0 or 1, required of each control qubit; controls are the first qubits.
    num_qubits, num_params : int
        Number of qubits, including controls, and number of angles.
    """

    name: str
    controls: tuple[int, ...]
    num_params: int
    num_targets: int
    is_reversible: bool = True  # measurements and resets are not
    _hash: int

    @property
    def num_qubits(self) -> int:
        """Number of qubits, including controls."""
        return len(self.controls) + self.num_targets

    @abc.abstractmethod
    def target_matrix(self, *angles: float) -> ComplexMatrix:
        """Compute the unitary on the targets when every control has its required value, shape (2**t, 2**t)."""

    @abc.abstractmethod
    def inverse(self, *angles: Any) -> tuple[Gate, tuple[Any, ...]]:
        """Return the inverse of this gate at ``angles``, as a gate and its angles."""

    @abc.abstractmethod
    def _with_controls(self, name: str, controls: tuple[int, ...]) -> Gate: ...

    @abc.abstractmethod
    def _identity(self) -> tuple[Any, ...]:
        """Return a hashable key that distinguishes this gate from all others."""

    @property
    @abc.abstractmethod
    def is_diagonal(self) -> bool:
        """Whether the matrix is diagonal at every angle."""

    def matrix(self, *angles: float) -> ComplexMatrix:
        """Compute the unitary matrix, shape (2**num_qubits, 2**num_qubits); the first qubit is the lowest bit."""
        if len(angles) != self.num_params:
            raise ParameterError(f"{self.name} takes {self.num_params} angles, got {len(angles)}")
        target = self.target_matrix(*angles)
        if not self.controls:
            return target
        out = np.eye(1 << self.num_qubits, dtype=complex)
        active = (np.arange(len(target)) << len(self.controls)) + pauli.mask_of(self.controls)
        out[np.ix_(active, active)] = target
        return out

    def controlled(
        self, num_controls: int = 1, control_values: Sequence[int] | None = None, name: str | None = None
    ) -> Gate:
        """Return this gate controlled by ``num_controls`` additional qubits, which come first.

        Parameters
        ----------
        num_controls : int
        control_values : sequence of 0 or 1, optional
            Value required of each new control; all ones by default.
        name : str, optional
            By default the name with one prefix ``c`` per control (``o`` for a control on 0).
        """
        values = (1,) * num_controls if control_values is None else tuple(int(v) for v in control_values)
        if len(values) != num_controls or any(v not in (0, 1) for v in values) or num_controls < 1:
            raise GateError(f"control_values needs {num_controls} values 0 or 1, got {control_values}")
        name = name or "".join("c" if v else "o" for v in values) + self.name
        return self._with_controls(name, values + self.controls).under_standard_name()

    def without_controls(self) -> Gate:
        """Return this gate without its controls."""
        return self._with_controls(self.name, ()).under_standard_name()

    def under_standard_name(self) -> Gate:
        """Return the standard gate equal up to the name, if there is one; else this gate."""
        return _standard.get(self._identity()[1:], self)

    def __call__(self, *arguments: Any) -> Operation:
        """Create the operation ``gate(*angles, *qubits)``.

        Raises
        ------
        CircuitError
            If the number of arguments is wrong or a qubit is not an index, negative or repeated.
        ParameterError
            If an angle is not a finite real number or an expression.
        """
        expected = self.num_params + self.num_qubits
        if len(arguments) != expected:
            angle_count = f"{counted(self.num_params, 'angle')} and " if self.num_params else ""
            raise CircuitError(
                f"{self.name} takes {angle_count}{counted(self.num_qubits, 'qubit')}, "
                f"got {counted(len(arguments), 'argument')}"
            )
        split = self.num_params
        try:
            angles = tuple([as_angle(a) for a in arguments[:split]])
        except ParameterError as error:
            raise ParameterError(f"{self.name}: {error}") from None
        return Operation(self, self.check_qubits(arguments[split:]), angles)

    def check_qubits(self, qubits: Sequence[Any]) -> tuple[int, ...]:
        """Convert ``qubits`` to a tuple of distinct non-negative ints."""
        out = []
        for qubit in qubits:
            if type(qubit) is not int:
                if isinstance(qubit, bool | np.bool_) or not isinstance(qubit, int | np.integer):
                    raise CircuitError(f"{self.name}: a qubit is an integer, got {qubit!r}")
                qubit = int(qubit)
            if qubit < 0:
                raise CircuitError(f"{self.name}: a qubit is counted from 0, got {qubit}")
            out.append(qubit)
        if len(out) != self.num_qubits or (len(out) > 1 and len(set(out)) != len(out)):
            raise CircuitError(f"{self.name} takes {counted(self.num_qubits, 'distinct qubit')}, got {tuple(out)}")
        return tuple(out)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Gate) and (self is other or self._identity() == other._identity())

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:
            self._hash = hash(self._identity())
            return self._hash

    def __getstate__(self) -> dict[str, Any]:
        # hashes differ between processes
        return {name: value for name, value in self.__dict__.items() if name != "_hash"}

    def __repr__(self) -> str:
        return f"<gate {self.name}: {self.num_qubits} qubits, {self.num_params} angles>"


def classical_bit(owner: str, clbit: Any) -> int:
    """Convert ``clbit`` to a non-negative int."""
    if isinstance(clbit, bool | np.bool_) or not isinstance(clbit, int | np.integer):
        raise CircuitError(f"{owner}: a classical bit is an integer, got {clbit!r}")
    if clbit < 0:
        raise CircuitError(f"{owner}: a classical bit is counted from 0, got {clbit}")
    return int(clbit)


_standard: dict[Any, Gate] = {}


def name_standard_gates(standard: Sequence[Gate]) -> None:
    """Register standard names for equal gates: x controlled is cx, s inverted is sdg."""
    _standard.update({gate._identity()[1:]: gate for gate in standard})
