"""Conversion of PennyLane's observables to Pauli sums."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pennylane as qml
from pennylane.measurements import MeasurementProcess
from pennylane.operation import Operator
from pennylane.ops import CompositeOp, SProd

from simulator import pauli
from simulator.errors import ObservableError
from simulator.observables import Hermitian, PauliSum

MAX_MATRIX_WIRES = 8
"""Maximum number of wires of an observable that is converted from its matrix, to 4**k strings for k wires."""

_CACHE_SIZE = 64
"""Number of sums and products whose signature is kept."""


class Same:
    """Key that compares an object by identity, and keeps the object alive."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


_composite: OrderedDict[int, tuple[Operator, Hashable]] = OrderedDict()


def signature(observable: Operator) -> Hashable:
    """Return a key that distinguishes the observable from others; those of sums and products are cached by identity."""
    if not isinstance(observable, CompositeOp):
        return _signature(observable)
    entry = _composite.get(id(observable))
    if entry is None or entry[0] is not observable:
        entry = observable, _signature(observable)
        if len(_composite) >= _CACHE_SIZE:
            _composite.popitem(last=False)
        _composite[id(observable)] = entry
    return entry[1]


def _signature(observable: Operator) -> Hashable:
    kind = type(observable)
    if isinstance(observable, CompositeOp):
        return kind, tuple(_signature(operand) for operand in observable.operands)
    if isinstance(observable, SProd):
        return kind, complex(observable.scalar), _signature(observable.base)
    if not observable.data:
        return (kind, observable.wires) if kind in _NAMED else Same(observable)
    if kind in (qml.Hermitian, qml.Projector) or isinstance(observable, qml.Projector):
        return kind, observable.wires, *(np.asarray(data).tobytes() for data in observable.data)
    return Same(observable)


_NAMED = {qml.Identity, qml.PauliX, qml.PauliY, qml.PauliZ, qml.Hadamard}


def pauli_sum(observable: Operator, qubits: Mapping[Any, int]) -> PauliSum | None:
    """Convert an observable, with ``qubits`` from wire to qubit; return None if it is not Hermitian or too large."""
    sentence = observable.pauli_rep
    if sentence is not None:
        terms = [("".join(word.values()), tuple(qubits[w] for w in word), complex(c)) for word, c in sentence.items()]
        if any(abs(c.imag) > 1e-12 * max(1.0, abs(c)) for _, _, c in terms):
            return None
        return PauliSum.from_terms([(letters, positions, c.real) for letters, positions, c in terms])
    if len(observable.wires) > MAX_MATRIX_WIRES:
        return _by_parts(observable, qubits)
    if observable.has_matrix:
        matrix = observable.matrix()
    elif observable.has_sparse_matrix:
        matrix = observable.sparse_matrix().toarray()
    else:
        return None
    try:
        return Hermitian(np.asarray(matrix), [qubits[w] for w in reversed(observable.wires)])
    except ObservableError:
        return None


def _by_parts(observable: Operator, qubits: Mapping[Any, int]) -> PauliSum | None:
    """Convert sums, products and multiples of observables that are small enough."""
    if isinstance(observable, SProd):
        part = pauli_sum(observable.base, qubits)
        return None if part is None or complex(observable.scalar).imag else part * float(np.real(observable.scalar))
    if not isinstance(observable, CompositeOp):
        return None
    parts = [pauli_sum(operand, qubits) for operand in observable.operands]
    if any(part is None for part in parts):
        return None
    total: Any = parts[0]
    try:
        for part in parts[1:]:
            total = total + part if isinstance(observable, qml.ops.Sum) else total @ part
    except ObservableError:
        return None
    return total  # type: ignore[no-any-return]


def diagonal(measurement: MeasurementProcess, qubits: Mapping[Any, int]) -> PauliSum | None:
    """Convert a measurement that is defined by its eigenvalues on basis states (mid-circuit values)."""
    values = measurement.eigvals()
    if values is None or len(measurement.wires) > MAX_MATRIX_WIRES or np.size(values) != 1 << len(measurement.wires):
        return None
    coefficients = pauli.walsh_hadamard(np.asarray(values, float)) / np.size(values)
    positions = [qubits[w] for w in reversed(measurement.wires)]
    masks = pauli.spread(np.arange(len(coefficients)), positions)
    return PauliSum([0] * len(masks), masks, coefficients)
