"""Trainable circuits.

An ansatz is a small immutable value without sizes. For given numbers of qubits and layers it has a number of weights, a
rule to draw their first values, and one circuit a layer, so that a model can put something between the layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from qml.entanglement import Entanglement, entangled_groups
from qml.settings import check_whole
from simulator import gates
from simulator.circuit import Circuit
from simulator.errors import CircuitError, ParameterError, unknown_name
from simulator.gates import Angle, Operation
from simulator.parameters import ParameterVector

__all__ = ["ANSATZE", "Ansatz", "BasicEntangling", "NLocal", "StronglyEntangling", "ansatz_circuit", "get_ansatz"]

INITIAL_SPREAD = 0.3
"""Standard deviation, in radians, of weights before training.

Angles from the whole circle make a random deep circuit, whose gradients vanish exponentially with its width (McClean et
al., arXiv:1803.11173); all zero would start at a saddle.
"""


@runtime_checkable
class Ansatz(Protocol):
    """What an ansatz offers; one of your own may inherit the rule for its first weights."""

    def num_weights(self, num_qubits: int, num_layers: int) -> int:
        """Number of weights of all layers together."""

    def layers(self, num_qubits: int, num_layers: int, weights: Sequence[Angle]) -> list[Circuit]:
        """One circuit a layer; one after another they are the ansatz."""

    def initial_weights(self, num_qubits: int, num_layers: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Weights to start training from: normal with standard deviation ``INITIAL_SPREAD``, shape (num_weights,)."""
        return rng.normal(0.0, INITIAL_SPREAD, self.num_weights(num_qubits, num_layers))


@dataclass(frozen=True)
class StronglyEntangling(Ansatz):
    """Three rotations (RZ, RY, RZ) a qubit, then a ring of CNOTs, whose reach grows from layer to layer.

    Weights are in the order of PennyLane's ``StronglyEntanglingLayers``: (layer, qubit, rotation). Layer l entangles
    qubit q with ``q + 1 + l % (num_qubits - 1)``.

    References
    ----------
    Schuld, Bocharov, Svore and Wiebe, arXiv:1804.00633.
    """

    def num_weights(self, num_qubits: int, num_layers: int) -> int:
        """Three a qubit and layer."""
        return 3 * num_qubits * num_layers

    def layers(self, num_qubits: int, num_layers: int, weights: Sequence[Angle]) -> list[Circuit]:
        """One circuit a layer."""
        angles = iter(_checked_weights(self, num_qubits, num_layers, weights))
        out = []
        for layer in range(num_layers):
            operations: list[Operation] = []
            for q in range(num_qubits):
                operations += [gates.RZ(next(angles), q), gates.RY(next(angles), q), gates.RZ(next(angles), q)]
            if num_qubits > 1:
                reach = 1 + layer % (num_qubits - 1)
                operations += [gates.CX(q, (q + reach) % num_qubits) for q in range(num_qubits)]
            out.append(Circuit(num_qubits, operations))
        return out


@dataclass(frozen=True)
class BasicEntangling(Ansatz):
    """One rotation a qubit, then a ring of CNOTs between neighbours; two qubits have one CNOT.

    PennyLane's ``BasicEntanglerLayers``, weights in its order (layer, qubit).

    Parameters
    ----------
    axis : str
        Axis of the rotations: x, y or z.
    """

    axis: str = "x"

    def __post_init__(self) -> None:
        if self.axis not in ("x", "y", "z"):
            raise unknown_name("rotation axis", self.axis, "xyz")

    def num_weights(self, num_qubits: int, num_layers: int) -> int:
        """One a qubit and layer."""
        return num_qubits * num_layers

    def layers(self, num_qubits: int, num_layers: int, weights: Sequence[Angle]) -> list[Circuit]:
        """One circuit a layer."""
        angles = iter(_checked_weights(self, num_qubits, num_layers, weights))
        rotation = gates.STANDARD["r" + self.axis]
        ring = [(q, (q + 1) % num_qubits) for q in range(num_qubits if num_qubits > 2 else num_qubits - 1)]
        return [
            Circuit(num_qubits, [rotation(next(angles), q) for q in range(num_qubits)] + [gates.CX(*p) for p in ring])
            for _ in range(num_layers)
        ]


@dataclass(frozen=True)
class NLocal(Ansatz):
    """Layers of rotations and CNOTs, and a last layer of rotations: Qiskit's ``real_amplitudes``, ``efficient_su2``.

    Weights are in Qiskit's order: (layer, rotation, qubit). The last rotations belong to the last layer.

    Parameters
    ----------
    rotations : tuple of str
        Gates with one angle, each on every qubit: ``("ry",)`` for real amplitudes, ``("ry", "rz")`` for SU(2).
    entanglement : str or groups of two qubits
        See `entangled_groups`.
    """

    rotations: tuple[str, ...] = ("ry",)
    entanglement: Entanglement = "reverse_linear"

    def __post_init__(self) -> None:
        object.__setattr__(self, "rotations", tuple(self.rotations))
        one_angle = [name for name, gate in gates.STANDARD.items() if (gate.num_params, gate.num_qubits) == (1, 1)]
        for name in self.rotations:
            if name not in one_angle:
                raise unknown_name("rotation", name, one_angle)

    def num_weights(self, num_qubits: int, num_layers: int) -> int:
        """One a rotation and qubit, in each layer and once more at the end."""
        return len(self.rotations) * num_qubits * (num_layers + 1)

    def layers(self, num_qubits: int, num_layers: int, weights: Sequence[Angle]) -> list[Circuit]:
        """One circuit a layer."""
        angles = iter(_checked_weights(self, num_qubits, num_layers, weights))

        def rotated() -> list[Operation]:
            return [gates.STANDARD[name](next(angles), q) for name in self.rotations for q in range(num_qubits)]

        out = []
        for layer in range(num_layers):
            operations = rotated()
            operations += [gates.CX(*pair) for pair in entangled_groups(self.entanglement, num_qubits, 2, layer)]
            if layer == num_layers - 1:
                operations += rotated()
            out.append(Circuit(num_qubits, operations))
        return out


ANSATZE: dict[str, Callable[..., Ansatz]] = {
    "strongly_entangling": StronglyEntangling,
    "basic": BasicEntangling,
    "real_amplitudes": NLocal,
    "efficient_su2": partial(NLocal, rotations=("ry", "rz")),
}
"""Ansätze by name; ``get_ansatz`` passes options on to them."""


def get_ansatz(ansatz: str | Ansatz, **options: Any) -> Ansatz:
    """The ansatz of a name, or the object itself.

    Parameters
    ----------
    ansatz : str or Ansatz
        One of ``ANSATZE``, in any case.
    **options
        Settings for the ansatz of that name, such as ``entanglement="circular"``.

    Raises
    ------
    UnknownNameError
        If there is no such name; the nearest ones are given.
    TypeError
        If it is neither a name nor an ansatz, or options come with an object.
    """
    if isinstance(ansatz, str):
        if ansatz.lower() not in ANSATZE:
            raise unknown_name("ansatz", ansatz, ANSATZE)
        return ANSATZE[ansatz.lower()](**options)
    if isinstance(ansatz, type) or not isinstance(ansatz, Ansatz):
        raise TypeError(f"ansatz expects a name or an ansatz object, got {ansatz!r}")
    if options:
        raise TypeError(f"options {sorted(options)} go with an ansatz's name, not with an object")
    return ansatz


def ansatz_circuit(
    ansatz: str | Ansatz, num_qubits: int, num_layers: int, weights: Sequence[Angle] | None = None
) -> Circuit:
    """All layers of an ansatz as one circuit.

    Parameters
    ----------
    ansatz : str or Ansatz
    num_qubits, num_layers : int
    weights : sequence of float or Expression, optional
        By default a new ``ParameterVector("w", ...)``.

    Examples
    --------
    >>> ansatz_circuit("real_amplitudes", num_qubits=3, num_layers=2).num_parameters
    9
    """
    ansatz = get_ansatz(ansatz)
    if weights is None:
        weights = ParameterVector("w", ansatz.num_weights(num_qubits, num_layers))
    circuit = Circuit(num_qubits)
    for layer in ansatz.layers(num_qubits, num_layers, weights):
        circuit = circuit.compose(layer)
    return circuit


def _checked_weights(ansatz: Ansatz, num_qubits: int, num_layers: int, weights: Sequence[Angle]) -> Sequence[Angle]:
    for name, value in (("num_qubits", num_qubits), ("num_layers", num_layers)):
        check_whole(name, value, error=CircuitError)
    expected = ansatz.num_weights(num_qubits, num_layers)
    if len(weights) != expected:
        raise ParameterError(f"the ansatz takes {expected} weights, got {len(weights)}")
    return weights
