"""Pauli evolution with products of features as angles: the Z, ZZ, Pauli and IQP maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qml.entanglement import Entanglement, entangled_groups
from qml.feature_maps.data_functions import DataFunction, Products, SubsetFunction
from qml.feature_maps.encoding import Encoding, FeatureMap, checked_sizes
from qml.settings import check_layers
from simulator import gates
from simulator.circuit import Circuit
from simulator.errors import CircuitError
from simulator.parameters import ParameterVector

__all__ = ["PauliMap"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PauliMap(FeatureMap):
    """Pauli evolution: Hadamards, then ``exp(i alpha/2 phi_S(x) P_S)`` for Pauli strings on groups S of qubits.

    ``phi_S(x)`` is ``x_i`` for one qubit, and the product of ``center - x_j`` over the group for several, or a
    custom function. The defaults are Qiskit's ``zz_feature_map``; the state equals Qiskit's up to a global phase.
    With ``alpha=1, center=0`` it is PennyLane's ``IQPEmbedding``. Qubits beyond the features stay idle.

    Parameters
    ----------
    paulis : tuple of str
        As in Qiskit's ``pauli_feature_map``.
    reps : int
    entanglement : str or groups of qubits
        See `entangled_groups`.
    alpha : float
    center : float, radians
    data_map : callable, optional
        ``phi_S`` in place of the products: a function of the features of a group, shape (group size, n_samples), with
        one number per sample. Most functions for Qiskit's ``data_map_func`` work unchanged.
    data_map_jacobian : callable, optional
        Its derivatives with respect to these features, shape (group size, n_samples). Without it they are found
        by central differences; `check_pullback` compares the two.

    Examples
    --------
    >>> def angle(x):
    ...     return x[0] if len(x) == 1 else np.sin(np.pi - x[0]) * np.sin(np.pi - x[1])
    >>> PauliMap(data_map=angle).encoding(num_features=2).angles([[0.0, np.pi / 2], [np.pi / 2, np.pi / 2]]).round(3)
    array([[0.   , 1.571, 0.   ],
           [1.571, 1.571, 1.   ]])

    >>> print(PauliMap(reps=1).encoding(num_features=3).circuit)
         ┌───┐┌────────────────────┐
    q_0: ┤ H ├┤ exp(-it Z)(1*x[0]) ├─■────────────■────────────────────────
         ├───┤├────────────────────┤ │ZZ(2*x[3])  │
    q_1: ┤ H ├┤ exp(-it Z)(1*x[1]) ├─■────────────┼────────────■───────────
         ├───┤├────────────────────┤              │ZZ(2*x[4])  │ZZ(2*x[5])
    q_2: ┤ H ├┤ exp(-it Z)(1*x[2]) ├──────────────■────────────■───────────
         └───┘└────────────────────┘

    References
    ----------
    Havlicek et al., arXiv:1804.11326.
    """

    paulis: tuple[str, ...] = ("Z", "ZZ")
    reps: int = 2
    entanglement: Entanglement = "full"
    alpha: float = 2.0
    center: float = np.pi
    data_map: Callable[[Array], Array] | None = None
    data_map_jacobian: Callable[[Array], Array] | None = None
    angle_range: tuple[float, float] = (7 * np.pi / 8, 9 * np.pi / 8)

    def __post_init__(self) -> None:
        object.__setattr__(self, "paulis", tuple(self.paulis))
        if not self.paulis or any(not label or set(label) - set("IXYZ") for label in self.paulis):
            raise CircuitError(f"paulis expects strings of I, X, Y and Z, got {self.paulis}")
        check_layers("reps", self.reps)
        if self.data_map is not None and not callable(self.data_map):
            raise TypeError(f"data_map expects a function or None, got {self.data_map!r}")

    def encoding(self, num_features: int, num_qubits: int | None = None) -> Encoding:
        """Build the evolution, on one qubit per feature unless ``num_qubits`` is given."""
        width = checked_sizes("Pauli", self, num_features, num_qubits)
        layers = [
            [(label, group) for label in self.paulis for group in self._groups(num_features, len(label), layer)]
            for layer in range(self.reps)
        ]
        # sorted because products do not depend on the order
        subset_of = tuple if self.data_map is not None else _sorted
        subsets = sorted({subset_of(group) for layer in layers for _, group in layer}, key=lambda s: (len(s), s))
        x = dict(zip(subsets, ParameterVector("x", len(subsets)), strict=True))
        operations = []
        for layer in layers:
            operations += [gates.H(qubit) for qubit in range(num_features)]
            operations += [
                gates.PauliRotation(label)(self.alpha * x[subset_of(group)], *group)
                for label, group in layer
                if set(label) != {"I"}
            ]
        data: DataFunction | None = None
        if self.data_map is not None:
            data = SubsetFunction(tuple(subsets), self.data_map, self.data_map_jacobian)
        elif any(len(subset) > 1 for subset in subsets):
            data = Products(tuple(subsets), self.center)
        inputs = tuple(x.values())
        return Encoding(Circuit(width, operations), inputs, data, num_features, self.angle_range)

    def _groups(self, num_features: int, size: int, layer: int) -> list[tuple[int, ...]]:
        pattern = self.entanglement if size > 1 else "linear"
        return entangled_groups(pattern, num_features, size, layer)


def _sorted(group: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(group))
