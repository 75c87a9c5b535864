"""Methods of circuits that append gates, and the error for an unknown gate name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence, Sized
from typing import Any

from simulator.errors import CircuitError, UnknownNameError, unknown_name
from simulator.gates import Gate, Operation
from simulator.gates.names import OTHER_NAMES
from simulator.memory import check_count

__all__ = ["gate_method", "unknown_gate"]

ANGLE_NAMES = ("theta", "phi", "lam", "gamma")  # Qiskit's
OPERATION_BYTES = 330  # of an operation that is built anew; measured by the growth of the process


class UnknownGateError(UnknownNameError, AttributeError):
    """Unknown method of a circuit; an AttributeError, so that `hasattr` works."""


def unknown_gate(name: str, options: Iterable[str]) -> AttributeError:
    """Create the error for an unknown method of a circuit."""
    if name.startswith("_"):  # looked up by Python or NumPy for protocols that a circuit does not implement
        return AttributeError(f"'Circuit' object has no attribute {name!r}")
    if name.lower() in OTHER_NAMES:
        return UnknownGateError(f"unknown gate {name!r}; did you mean {OTHER_NAMES[name.lower()]!r}?")
    public = [option for option in options if not option.startswith("_")]
    return UnknownGateError(f"{unknown_name('gate', name, public)} (for custom gates, use circuit.append)")


def gate_method(gate: Gate) -> Callable[..., Any]:
    """Create the method of a circuit that appends ``gate``: angles first, qubits last.

    Each qubit may also be several, as in Qiskit: ``h(range(4))``, ``cx([0, 1], [2, 3])``, ``cx(0, [1, 2])``.
    """
    angles = ANGLE_NAMES[: gate.num_params]
    names = (*angles, *_qubit_names(len(gate.controls), gate.num_qubits - len(gate.controls)))
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = inspect.Signature([inspect.Parameter(name, kind) for name in ("self", *names)])

    def method(self: Any, *arguments: Any, **named: Any) -> Any:
        if named:
            try:
                arguments = signature.bind(self, *arguments, **named).args[1:]
            except TypeError as error:
                raise CircuitError(f"{gate.name} takes ({', '.join(names)}): {error}") from None
        try:
            operation = gate(*arguments)
        except CircuitError as error:
            if len(arguments) != len(names):
                raise CircuitError(f"{error}; expected {gate.name}({', '.join(names)})") from None
            if not any(_is_several(argument) for argument in arguments[gate.num_params :]):
                raise
            return self.append(*_on_each(gate, arguments))
        return self._with(operation)

    method.__name__ = gate.name
    method.__qualname__ = f"Circuit.{gate.name}"
    method.__signature__ = signature  # type: ignore[attr-defined]
    arguments = f" with angles {', '.join(angles)} in radians" if angles else ""
    method.__doc__ = f"Append the gate {gate.name}{arguments}; its matrix is ``gates.{gate.name.upper()}.matrix``."
    return method


def _is_several(qubits: Any) -> bool:
    return isinstance(qubits, Iterable) and not isinstance(qubits, str | bytes)


def _on_each(gate: Gate, arguments: Sequence[Any]) -> list[Operation]:
    """Place a gate on several qubits: the first of each argument, then the second, with a single qubit repeated."""
    angles, columns = arguments[: gate.num_params], arguments[gate.num_params :]
    for column in columns:
        if isinstance(column, Sized):
            check_count(f"{gate.name} on several qubits", "operations", len(column), OPERATION_BYTES)
    several = [tuple(column) if _is_several(column) else (column,) for column in columns]
    lengths = {len(column) for column in several} - {1}
    if len(lengths) > 1:
        raise CircuitError(
            f"{gate.name} on several qubits takes as many for each of its qubits, or one for all, "
            f"got {' and '.join(str(len(column)) for column in several)}"
        )
    length = lengths.pop() if lengths else 1
    return [gate(*angles, *(column[k % len(column)] for column in several)) for k in range(length)]


def _qubit_names(controls: int, targets: int) -> tuple[str, ...]:
    target = "target" if controls else "qubit"
    return _numbered("control", controls) + _numbered(target, targets)


def _numbered(name: str, count: int) -> tuple[str, ...]:
    return (name,) if count == 1 else tuple(f"{name}{k + 1}" for k in range(count))
