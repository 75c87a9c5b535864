"""PennyLane's observables as Pauli sums."""

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

MAX_MATRIX_WIRES = 8  # of observables that are given as a matrix: 4**k strings
_KEPT = 64


class Same:
    """Stands for one object in a key; what is compared is identity, and the object is kept alive."""

    __slots__ = ("it",)

    def __init__(self, it: Any) -> None:
        self.it = it

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.it is other.it

    def __hash__(self) -> int:
        return id(self.it)


_large: OrderedDict[int, tuple[Operator, Hashable]] = OrderedDict()


def signature(observable: Operator) -> Hashable:
    """What distinguishes the observable from others; sums and products are remembered by identity."""
    if not isinstance(observable, CompositeOp):
        return _signature(observable)
    found = _large.get(id(observable))
    if found is None or found[0] is not observable:
        found = observable, _signature(observable)
        if len(_large) >= _KEPT:
            _large.popitem(last=False)
        _large[id(observable)] = found
    return found[1]


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
    """The observable as a Pauli sum, ``qubits`` telling each wire's; None if it is not Hermitian or too large."""
    sentence = observable.pauli_rep
    if sentence is not None:
        terms = [("".join(word.values()), tuple(qubits[w] for w in word), complex(c)) for word, c in sentence.items()]
        if any(abs(c.imag) > 1e-12 * max(1.0, abs(c)) for _, _, c in terms):
            return None
        return PauliSum.from_terms([(letters, places, c.real) for letters, places, c in terms])
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
    """Sums, products and multiples of observables, each of which is small enough."""
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
    """The observable of a measurement that is given by its eigenvalues on basis states (mid-circuit values)."""
    values = measurement.eigvals()
    if values is None or len(measurement.wires) > MAX_MATRIX_WIRES or np.size(values) != 1 << len(measurement.wires):
        return None
    coefficients = pauli.walsh_hadamard(np.asarray(values, float)) / np.size(values)
    places = [qubits[w] for w in reversed(measurement.wires)]
    masks = pauli.spread(np.arange(len(coefficients)), places)
    return PauliSum([0] * len(masks), masks, coefficients)
