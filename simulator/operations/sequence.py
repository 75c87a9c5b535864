"""Immutable sequences of operations on a fixed number of qubits and classical bits: the data of a circuit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Self, TypeVar

from simulator.errors import CircuitError, counted
from simulator.gates import Gate, Operation
from simulator.operations.arguments import whole_number
from simulator.parameters import Expression, Parameter

__all__ = ["CircuitT", "OperationSequence"]


class OperationSequence:
    """Immutable sequence of operations in the order of application. Its only subclass, `Circuit`, documents it."""

    # A chain of calls shares one growing list: a circuit is the first `_length` entries of `_log`. `_turn`
    # holds one token until an operation is appended behind them; popping it (atomic) grants the right to append.
    __slots__ = (
        "__weakref__",
        "_hash",
        "_length",
        "_log",
        "_num_clbits",
        "_num_qubits",
        "_operations",
        "_parameters",
        "_structure",
        "_turn",
    )

    _log: list[Operation]
    _operations: tuple[Operation, ...] | None
    _parameters: tuple[Parameter, ...] | None
    _hash: int | None
    _structure: Any  # see `simulator.program.structure`

    def __init__(self, num_qubits: int, operations: Iterable[Operation] | int = (), num_clbits: int = 0) -> None:
        self._num_qubits = whole_number("Circuit", "num_qubits", num_qubits)
        if self._num_qubits < 1:
            raise CircuitError(f"a circuit has at least 1 qubit, got {num_qubits}")
        if isinstance(operations, Operation):
            raise CircuitError(f"a circuit takes a list of operations, got one; write [{operations.gate.name}(...)]")
        if not isinstance(operations, Iterable):
            if num_clbits:
                raise CircuitError(f"num_clbits is given twice: {operations} and {num_clbits}")
            num_clbits, operations = operations, ()
        self._num_clbits = whole_number("Circuit", "num_clbits", num_clbits)
        if self._num_clbits < 0:
            raise CircuitError(f"a circuit has 0 or more classical bits, got {num_clbits}")
        self._start([self._checked(operation) for operation in operations])

    def _start(self, log: list[Operation]) -> None:
        self._log, self._length, self._turn = log, len(log), [True]
        self._operations = self._parameters = self._hash = self._structure = None

    def append(self, *operations: Operation) -> Self:
        """Append operations, for example of a custom gate: ``circuit.append(gate(0.3, 1))``."""
        return self.extended_by([self._checked(operation) for operation in operations])

    def extended_by(self, operations: Iterable[Operation]) -> Self:
        """Append operations without checks, for conversions that derive them from checked operations."""
        log = self._log
        try:
            self._turn.pop()
        except IndexError:  # another circuit has already appended to the shared list
            log = log[: self._length]
        log.extend(operations)
        circuit = object.__new__(type(self))
        circuit._num_qubits, circuit._num_clbits = self._num_qubits, self._num_clbits
        circuit._start(log)
        return circuit

    def with_operations(
        self, operations: Iterable[Operation], num_qubits: int | None = None, num_clbits: int | None = None
    ) -> Self:
        """Create a circuit of the same class from operations that are not checked, with new sizes where specified."""
        circuit = object.__new__(type(self))
        circuit._num_qubits = self._num_qubits if num_qubits is None else num_qubits
        circuit._num_clbits = self._num_clbits if num_clbits is None else num_clbits
        circuit._start(list(operations))
        return circuit

    def _with(self, operation: Operation) -> Self:
        """Append an operation created by a gate, which has checked all but the range of its qubits."""
        self._check_range(operation.gate.name, operation.qubits)
        return self.extended_by((operation,))

    def _checked(self, operation: Any) -> Operation:
        if not isinstance(operation, Operation):
            hint = f"; call it on its qubits: {operation.name}(...)" if isinstance(operation, Gate) else ""
            raise CircuitError(f"a circuit consists of operations, got {operation!r}{hint}")
        checked = operation.gate(*operation.angles, *operation.qubits, *operation.clbits)
        self._check_range(checked.gate.name, checked.qubits)
        if checked.clbits or operation.conditions:
            checked = checked._replace(conditions=operation.conditions)
            for clbit in (*checked.clbits, *(bit for test in checked.conditions for bit in test.clbits)):
                if clbit >= self._num_clbits:
                    count = counted(self._num_clbits, "classical bit") if self._num_clbits else "no classical bits"
                    hint = f"; Circuit({self._num_qubits}, {clbit + 1}) has it"
                    raise CircuitError(f"{checked.gate.name}: the circuit has {count}, not bit {clbit}{hint}")
        return checked

    def _check_range(self, name: str, qubits: tuple[int, ...]) -> None:
        for qubit in qubits:
            if qubit >= self._num_qubits:
                count = counted(self._num_qubits, "qubit")
                raise CircuitError(f"{name}: qubit {qubit} is out of range for a circuit of {count}")

    @property
    def num_qubits(self) -> int:
        """Number of qubits."""
        return self._num_qubits

    @property
    def num_clbits(self) -> int:
        """Number of classical bits."""
        return self._num_clbits

    @property
    def measures(self) -> bool:
        """Whether an operation measures, resets, or depends on classical bits."""
        return not all(operation.is_unitary for operation in self.operations)

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Operations in the order of application."""
        if self._operations is None:
            self._operations = tuple(self._log[: self._length])
        return self._operations

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Free parameters in the order of first use, which is also the order of arrays of values.

        Parameters that first occur in the same expression are sorted by name, so that equal circuits agree even
        if one was built with ``a + b`` and the other with ``b + a``.
        """
        if self._parameters is None:
            ordered: dict[Parameter, None] = {}
            for operation in self.operations:
                for angle in operation.angles:
                    if type(angle) is float:
                        continue
                    if isinstance(angle, Parameter):
                        ordered[angle] = None
                    elif isinstance(angle, Expression):
                        ordered.update(dict.fromkeys(sorted(angle.terms, key=lambda parameter: parameter.sort_key)))
            self._parameters = tuple(ordered)
        return self._parameters

    @property
    def num_parameters(self) -> int:
        """Number of free parameters."""
        return len(self.parameters)

    def count_gates(self) -> dict[str, int]:
        """Number of occurrences of each gate by name, most frequent first."""
        return dict(Counter(operation.gate.name for operation in self.operations).most_common())

    def depth(self) -> int:
        """Count the gates of the longest chain that shares qubits or classical bits, without global phases."""
        level = [0] * (self.num_qubits + self.num_clbits)
        for operation in self.operations:
            clbits = {*operation.clbits, *(bit for test in operation.conditions for bit in test.clbits)}
            touched = [*operation.qubits, *(self.num_qubits + bit for bit in clbits)]
            if touched:
                reached = 1 + max(level[place] for place in touched)
                for place in touched:
                    level[place] = reached
        return max(level)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OperationSequence):
            return NotImplemented
        sizes, others = (self.num_qubits, self.num_clbits), (other.num_qubits, other.num_clbits)
        return self is other or (sizes == others and self.operations == other.operations)

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash((self.num_qubits, self.num_clbits, self.operations))
        return self._hash

    def _adopt(self, other: OperationSequence) -> bool:
        """Take over what was derived from the operations of an equal circuit; return whether ``other`` is equal."""
        if self != other:
            return False
        self._operations, self._parameters = other._operations, other._parameters
        self._hash, self._structure = other._hash, other._structure
        return True

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.num_qubits, self.operations, self.num_clbits)

    def __repr__(self) -> str:
        bits = f" and {counted(self.num_clbits, 'classical bit')}" if self.num_clbits else ""
        text = f"<Circuit of {counted(self.num_qubits, 'qubit')}{bits}: {counted(len(self), 'gate')}"
        return text + (f", {counted(self.num_parameters, 'parameter')}>" if self.num_parameters else ">")


CircuitT = TypeVar("CircuitT", bound=OperationSequence)
"""Class of the circuit passed in; the result has the same class."""
