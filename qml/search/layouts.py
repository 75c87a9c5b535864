"""Gate layouts: which rotation is where, and which pairs entangle; and how a layout varies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.models.observables import readout_observables
from qml.models.quantum_model import QuantumModel
from simulator import gates
from simulator.circuit import Circuit
from simulator.errors import CircuitError, counted
from simulator.parameters import ParameterVector

__all__ = ["Layout", "Place", "Space", "coupled_pairs"]

Array = NDArray[np.float64]
Pair = tuple[int, int]

ROTATIONS = ("rx", "ry", "rz")
ENTANGLING = ("cx", "cz")

ROLES = {"weight": 0.45, "entangling": 0.3, "feature": 0.25}
"""Probabilities of the kinds of a new gate."""

CHANGES = ("add", "add", "remove", "axis", "move", "shift")
"""Changes of a layout; each is drawn with the same probability."""

NEAR_IDENTITY = 0.1
"""Standard deviation of the weight of a gate that is added to a trained layout, in radians."""


@dataclass(frozen=True)
class Place:
    """One gate of a layout.

    Parameters
    ----------
    gate : str
        Name of the gate.
    qubits : tuple of int
    feature : int or None
        Feature that is the angle of an encoding rotation; None for trained rotations and entangling gates.
    weight : float
        Value of the weight of a trained rotation, in radians; not part of the structure.
    """

    gate: str
    qubits: tuple[int, ...]
    feature: int | None = None
    weight: float = 0.0

    @property
    def role(self) -> str:
        """One of ``ROLES``."""
        if len(self.qubits) > 1:
            return "entangling"
        return "weight" if self.feature is None else "feature"

    @property
    def structure(self) -> tuple[Any, ...]:
        """The gate without its weight."""
        return self.gate, self.qubits, self.feature


Layout = tuple[Place, ...]


def coupled_pairs(coupling_map: Any, n_qubits: int) -> tuple[Pair, ...]:
    """Return the ordered pairs on which a two-qubit gate may act.

    Parameters
    ----------
    coupling_map : sequence of pairs, CouplingMap of Qiskit, backend of Qiskit, or None
        None stands for all pairs. Of a device, the pairs of its first ``n_qubits`` qubits are taken.
    n_qubits : int

    Raises
    ------
    CircuitError
        If something is not a pair of two different qubits of the circuit, or the first qubits of a device are not
        coupled.
    """
    everything = tuple((a, b) for a in range(n_qubits) for b in range(n_qubits) if a != b)
    device = hasattr(coupling_map, "coupling_map")
    edges = coupling_map.coupling_map if device else coupling_map
    if edges is None:
        return everything
    if device or hasattr(edges, "get_edges"):
        inside = set(everything).intersection((int(a), int(b)) for a, b in edges.get_edges())
        if everything and not inside:
            raise CircuitError(
                f"the device couples none of its first {counted(n_qubits, 'qubit')}; give coupling_map as a list of "
                "pairs of the qubits 0 to n_qubits - 1, and place them on the device when the circuit is transpiled"
            )
        return tuple(sorted(inside))
    if isinstance(edges, str) or not isinstance(edges, Sequence | np.ndarray | set | frozenset):
        raise CircuitError(f"coupling_map expects pairs of qubits, a CouplingMap or backend of Qiskit, got {edges!r}")
    allowed, pairs = set(everything), []
    for edge in edges:
        try:
            first, second = edge
            pair = (int(first), int(second))
        except (TypeError, ValueError):
            pair = (-1, -1)
        if pair not in allowed or pair != (first, second):
            raise CircuitError(
                f"coupling_map expects pairs of different qubits of 0 to {n_qubits - 1}, such as (0, 1), got {edge!r}"
            )
        pairs.append(pair)
    return tuple(sorted(set(pairs)))


@dataclass(frozen=True)
class Space:
    """Layouts of a search.

    Parameters
    ----------
    n_qubits, n_features : int
    pairs : tuple of pair
        Ordered pairs that may entangle; the control of a CX is the first qubit.
    max_gates : int
    observables : str or sequence of Observable
    own_qubits : bool
        Whether feature k is encoded on qubit ``k % n_qubits`` only.
    """

    n_qubits: int
    n_features: int
    pairs: tuple[Pair, ...]
    max_gates: int
    observables: Any
    own_qubits: bool = False

    def model(self, layout: Layout) -> tuple[QuantumModel, Array]:
        """Return the model of a layout, whose inputs are the features, and the values of its weights."""
        x = ParameterVector("x", self.n_features)
        values = np.array([place.weight for place in layout if place.role == "weight"])
        w = ParameterVector("w", len(values))
        circuit, number = Circuit(self.n_qubits), 0
        for place in layout:
            gate: Any = gates.STANDARD[place.gate]
            if place.role == "entangling":
                circuit = circuit.append(gate(*place.qubits))
            elif place.feature is not None:
                circuit = circuit.append(gate(x[place.feature], *place.qubits))
            else:
                circuit = circuit.append(gate(w[number], *place.qubits))
                number += 1
        observables = self.observables
        if isinstance(observables, str):
            observables = readout_observables(observables, self.n_qubits)
        return QuantumModel(circuit, x, w, observables), values

    def first(self, rng: np.random.Generator, plain: bool = False) -> Layout:
        """Draw a layout: a rotation for each feature, a trained one for each qubit, and, unless plain, random gates."""
        features = rng.permutation(self.n_features)
        encoding = [Place(str(rng.choice(ROTATIONS[:2])), (int(k) % self.n_qubits,), feature=int(k)) for k in features]
        trained = [
            Place(str(rng.choice(ROTATIONS)), (qubit,), weight=rng.uniform(-np.pi, np.pi))
            for qubit in range(self.n_qubits)
        ]
        layout = (encoding[: max(1, self.max_gates - self.n_qubits)] + trained)[: self.max_gates]
        for _ in range(0 if plain else int(rng.integers(self.max_gates - len(layout) + 1))):
            layout.insert(int(rng.integers(len(layout) + 1)), self._place(rng, np.pi))
        return self._repaired(tuple(layout), rng)

    def varied(self, layout: Layout, rng: np.random.Generator) -> Layout:
        """Return a layout with one to three random changes; gates that stay keep their weights."""
        for _ in range(int(rng.integers(1, 4))):
            layout = self._changed(layout, str(rng.choice(CHANGES)), rng)
        return self._repaired(layout, rng)

    def crossed(self, first: Layout, second: Layout, rng: np.random.Generator) -> Layout:
        """Return the beginning of one layout and the end of another, each with its weights."""
        share = rng.uniform()
        begin, end = first[: round(share * len(first))], second[round(share * len(second)) :]
        return self._repaired(begin + end, rng)

    def _changed(self, layout: Layout, change: str, rng: np.random.Generator) -> Layout:
        places = list(layout)
        if change == "add" and len(places) < self.max_gates:
            spread = NEAR_IDENTITY if rng.uniform() < 0.5 else np.pi
            places.insert(int(rng.integers(len(places) + 1)), self._place(rng, spread))
            return tuple(places)
        number = int(rng.integers(len(places)))
        place = places[number]
        match change:
            case "remove" | "add":
                if len(places) > 1:
                    del places[number]
            case "axis":
                kinds = ENTANGLING if place.role == "entangling" else ROTATIONS
                places[number] = replace(place, gate=str(rng.choice([kind for kind in kinds if kind != place.gate])))
            case "move":
                new = self._place(rng, np.pi, place.role)
                places[number] = replace(place, qubits=new.qubits, feature=new.feature)
            case _:
                places.insert(int(rng.integers(len(places))), places.pop(number))
        return tuple(places)

    def _place(self, rng: np.random.Generator, spread: float, role: str | None = None) -> Place:
        """Draw a gate, with a weight of up to pi if ``spread`` is pi, otherwise of that standard deviation."""
        if role is None:
            role = str(rng.choice(list(ROLES), p=list(ROLES.values())))
        if role == "entangling" and self.pairs:
            return Place(str(rng.choice(ENTANGLING)), self.pairs[int(rng.integers(len(self.pairs)))])
        gate, qubits = str(rng.choice(ROTATIONS)), (int(rng.integers(self.n_qubits)),)
        if role == "feature":
            feature = int(rng.integers(self.n_features))
            return Place(gate, (feature % self.n_qubits,) if self.own_qubits else qubits, feature=feature)
        weight = rng.uniform(-np.pi, np.pi) if spread == np.pi else rng.normal(0.0, spread)
        return Place(gate, qubits, weight=float(weight))

    def _repaired(self, layout: Layout, rng: np.random.Generator) -> Layout:
        """Return a layout of at most ``max_gates`` gates that encodes a feature and has a weight."""
        places = list(layout[: self.max_gates])
        for role in ("feature", "weight"):
            roles = [place.role for place in places]
            if role in roles:
                continue
            if len(places) == self.max_gates:
                del places[next(k for k, other in enumerate(roles) if other == "entangling" or roles.count(other) > 1)]
            places.insert(0 if role == "feature" else len(places), self._place(rng, np.pi, role))
        return tuple(places)
