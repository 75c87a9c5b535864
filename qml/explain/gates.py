"""Shapley values of the gates and layers of a trained circuit."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.estimators.variational.trained import TrainedNetwork
from qml.explain.coalitions import MAX_EXACT, Masks, all_coalitions, exact_shapley, permutation_shapley
from qml.explain.outputs import explained, output_function
from qml.honesty.twins import innermost, preprocessing
from qml.layers import Quantum, Sequential
from qml.models.quantum_model import QuantumModel
from qml.settings import check_choice, check_whole
from qml.tables import TableModel
from simulator.errors import ParameterError, counted
from simulator.gates import Operation

__all__ = ["GateImportance", "entangling_operations", "gate_importance"]

Array = NDArray[np.float64]

MAX_EXACT_GATES = 10
"""Maximum number of players of which all sets are evaluated by default: each set is a circuit, lowered by itself."""

ROUNDING = 1e-12
"""Values below this, relative to the largest value of a set, are rounding errors and given as 0."""


@dataclass(frozen=True)
class GateImportance:
    """Shapley values of gates or layers.

    Attributes
    ----------
    names : tuple of str
    values : float ndarray, shape (n_players,)
        They add up to ``full - empty``.
    errors : float ndarray, shape (n_players,), or None
        Standard errors of the estimates; None if the values are exact.
    full, empty : float
        Measure with all gates, and without any.
    measure : str
        What the values divide.
    """

    names: tuple[str, ...]
    values: Array
    errors: Array | None
    full: float
    empty: float
    measure: str

    def __str__(self) -> str:
        width = max(map(len, self.names))
        lines = [f"{self.measure}: {self.full:.3f} with all gates, {self.empty:.3f} without any"]
        for number, (name, value) in enumerate(zip(self.names, self.values, strict=True)):
            error = "" if self.errors is None else f" +- {self.errors[number]:.3f}"
            lines.append(f"  {name:{width}}  {value:+.3f}{error}")
        return "\n".join(lines)


def gate_importance(
    model: Any,
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    weights: ArrayLike | None = None,
    by: Literal["layer", "gate"] = "layer",
    groups: Mapping[str, Sequence[int]] | None = None,
    method: Literal["auto", "exact", "permutations"] = "auto",
    n_permutations: int = 50,
    random_state: Any = None,
) -> GateImportance:
    """Divide the quality of a trained circuit among its gates or layers; a gate that is removed is the identity.

    Nothing is trained again: weights and layers around the circuit stay. The gates of a layer follow each other and are
    of one kind: they encode features, have weights, or have neither and entangle. All ``2^n`` sets are evaluated for up
    to 10 players, on request for up to 12; otherwise random orders.

    Parameters
    ----------
    model : fitted estimator that trains a network with a circuit, or QuantumModel
    X : array-like, shape (n_rows, n_features)
    y : array-like, shape (n_rows,), optional
        With classes or targets, the accuracy or R^2 is divided; otherwise the R^2 of the outputs with respect to those
        of the full circuit, which is 1 with all gates.
    weights : array-like, shape (n_weights,), radians, optional
        Weights of a QuantumModel.
    by : {"layer", "gate"}
    groups : mapping from names to positions of operations, optional
        Players other than layers or gates; operations in no group stay in the circuit.
    method : {"auto", "exact", "permutations"}
    n_permutations : int
        Number of pairs of random orders.
    random_state : int, Generator or None
        Seed for random orders.

    Raises
    ------
    TypeError
        If the model does not train a circuit.
    ParameterError
        If ``method="exact"`` and there are more than 12 players.
    ValueError
        If the outputs are the same for all rows, so that there is nothing to divide.

    References
    ----------
    Heese, Gerlach, Mücke, Müller, Jakobs and Piatkowski, "Explaining quantum circuits with Shapley values",
    arXiv:2301.09138.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from qml import VariationalClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = VariationalClassifier(n_layers=1, epochs=20, random_state=0).fit(X, y)
    >>> importance = gate_importance(clf, X, y)
    >>> importance.names
    ('encoding', 'rotations', 'entangling')
    >>> bool(abs(importance.values.sum() - (importance.full - importance.empty)) < 1e-12)
    True
    """
    check_choice("by", by, ("layer", "gate"))
    check_choice("method", method, ("auto", "exact", "permutations"))
    check_whole("n_permutations", n_permutations, least=2)
    circuit = _Circuit.of(model, X, weights)
    players = _players(circuit.model, by, groups)
    count = len(players)
    if method == "exact" and count > MAX_EXACT:
        raise ParameterError(
            f"exact Shapley values need all 2^{count} sets of {count} gates or layers; the limit is {MAX_EXACT}: use "
            'by="layer", groups, or method="permutations"'
        )
    score, measure = circuit.measure(y)
    values: dict[bytes, float] = {}

    def value(masks: Masks) -> Array:
        for mask in masks:
            if mask.tobytes() not in values:
                values[mask.tobytes()] = score(circuit.restricted(players, mask))
        return np.array([[values[mask.tobytes()]] for mask in masks])

    errors = None
    if method == "exact" or (method == "auto" and count <= MAX_EXACT_GATES):
        shares = exact_shapley(value(all_coalitions(count)))[:, 0]
    else:
        rng = np.random.default_rng(random_state)
        estimates, deviations = permutation_shapley(value, count, n_permutations, rng)
        shares, errors = estimates[:, 0], deviations[:, 0]
    ends = value(np.array([np.ones(count, np.bool_), np.zeros(count, np.bool_)]))[:, 0]
    shares = np.where(np.abs(shares) < ROUNDING * max(1.0, np.abs(list(values.values())).max()), 0.0, shares)
    return GateImportance(tuple(players), shares, errors, float(ends[0]), float(ends[1]), measure)


def entangling_operations(model: Any) -> list[int]:
    """Return the positions of all operations on two or more qubits in the circuit of a model.

    Raises
    ------
    TypeError
        If the model does not train a circuit.
    """
    circuit = model if isinstance(model, QuantumModel) else _trained(model)[1].model
    return [k for k, operation in enumerate(circuit.circuit.operations) if len(operation.qubits) > 1]


def _trained(model: Any) -> tuple[Any, Quantum, int]:
    """Return the estimator in a model, the quantum layer of its network, and the position of this layer."""
    estimator = innermost(model.estimator if isinstance(model, TableModel) else model)
    network = getattr(estimator, "network_", None)
    places = [k for k, layer in enumerate(network or ()) if isinstance(layer, Quantum)]
    if not isinstance(estimator, TrainedNetwork) or len(places) != 1:
        raise TypeError(
            "expected a fitted estimator that trains a network with one circuit, such as VariationalClassifier, "
            f"or a QuantumModel, got {type(estimator).__name__}"
        )
    return estimator, estimator.network_[places[0]], places[0]


@dataclass(frozen=True)
class _Circuit:
    """Circuit of a model, and how its outputs become those of the model.

    ``outputs`` takes a circuit's model; ``estimator`` takes it too, and returns the estimator with it, or None.
    """

    model: QuantumModel
    outputs: Callable[[QuantumModel], Array]
    estimator: Callable[[QuantumModel], Any] | None
    rows: Any

    @classmethod
    def of(cls, model: Any, X: ArrayLike, weights: ArrayLike | None) -> _Circuit:
        if isinstance(model, QuantumModel):
            if weights is None:
                if model.weights:
                    raise ValueError(
                        f"weights of shape ({len(model.weights)},) are needed: a model has no trained ones"
                    )
                weights = ()
            values = np.asarray(weights, np.float64)
            return cls(model, lambda part: part.forward(X, values), None, X)
        if weights is not None:
            raise ValueError("an estimator has weights of its own: give weights with a QuantumModel")
        estimator, layer, place = _trained(model)
        network = estimator.network_
        function, rows = explained(estimator, _inner_rows(model, X))

        def changed(part: QuantumModel) -> Any:
            out = copy.copy(estimator)
            quantum = Quantum(part, draw_weights=layer.draw_weights)
            out.network_ = Sequential(*network.layers[:place], quantum, *network.layers[place + 1 :])
            return out

        def outputs(part: QuantumModel) -> Array:
            return replace(function, function=output_function(changed(part))[0])(rows)

        return cls(layer.model, outputs, changed, function.inputs.restored(rows))

    @cached_property
    def full(self) -> Array:
        """Outputs of the whole circuit."""
        return self.outputs(self.model)

    def restricted(self, players: Mapping[str, Sequence[int]], mask: NDArray[np.bool_]) -> QuantumModel:
        """Return the model without the gates of the players that are not in the mask."""
        removed = {k for gates, present in zip(players.values(), mask, strict=True) if not present for k in gates}
        model = self.model
        kept = (operation for k, operation in enumerate(model.circuit.operations) if k not in removed)
        return QuantumModel(
            model.circuit.with_operations(kept),
            model.inputs,
            model.weights,
            model.observables if model.qubits is None else (),
            outputs="expectations" if model.qubits is None else "probabilities",
            qubits=model.qubits,
            precision=model.precision,
            data=model.data,
            num_features=model.num_features,
        )

    def measure(self, y: ArrayLike | None) -> tuple[Callable[[QuantumModel], float], str]:
        """Return the measure of a circuit's quality, and its name."""
        if y is not None and self.estimator is not None:
            changed = self.estimator
            name = "accuracy" if hasattr(changed(self.model), "classes_") else "R^2"
            return (lambda part: float(changed(part).score(self.rows, y))), name
        target = self.full if y is None else np.asarray(y, np.float64).reshape(len(self.full), -1)
        if target.shape != self.full.shape:
            raise ValueError(f"y must have one row of {self.full.shape[1]} for each row of X, got shape {np.shape(y)}")
        total = float(np.sum((target - target.mean(axis=0)) ** 2))
        if total <= np.finfo(np.float64).eps ** 2 * max(1.0, float(np.sum(target**2))):
            raise ValueError("the outputs are the same for all rows: there is nothing to divide; give other rows")

        def r_squared(part: QuantumModel) -> float:
            return 1.0 - float(np.sum((self.outputs(part) - target) ** 2)) / total

        return r_squared, "R^2" if y is not None else "R^2 with respect to the full circuit"


def _inner_rows(model: Any, X: ArrayLike) -> Array:
    """Return the rows that the estimator at the end of a pipeline takes."""
    estimator = model.estimator if isinstance(model, TableModel) else model
    front = preprocessing(estimator)
    rows = model.features(X) if isinstance(model, TableModel) else X
    return np.asarray(rows if front is None else front.transform(rows), np.float64)


def _players(model: QuantumModel, by: str, groups: Mapping[str, Sequence[int]] | None) -> dict[str, list[int]]:
    """Return the positions of the operations of each player."""
    operations = model.circuit.operations
    if groups is not None:
        members = [k for gates in groups.values() for k in gates]
        if not groups or len(set(members)) != len(members) or not all(0 <= k < len(operations) for k in members):
            raise ValueError(
                f"groups expects lists of different positions of the {counted(len(operations), 'operation')}, "
                f"got {dict(groups)!r}"
            )
        return {name: [int(k) for k in gates] for name, gates in groups.items()}
    if by == "gate":
        return {f"{k}: {_named(operation)}": [k] for k, operation in enumerate(operations)}
    runs: list[tuple[str, list[int]]] = []
    for k, operation in enumerate(operations):
        kind = _kind(operation, model)
        if runs and kind in (runs[-1][0], None):
            runs[-1][1].append(k)
        elif kind == "encoding" and len(runs) > 1 and runs[-1][0] == "entangling" and runs[-2][0] == "encoding":
            runs[-2][1].extend([*runs.pop()[1], k])  # gates between those that encode are part of the feature map
        else:
            runs.append((kind or "encoding", [k]))
    names = [kind for kind, _ in runs]
    seen: dict[str, int] = {}
    out = {}
    for kind, gates in runs:
        seen[kind] = seen.get(kind, 0) + 1
        out[kind if names.count(kind) == 1 else f"{kind} {seen[kind]}"] = gates
    return out


def _named(operation: Operation) -> str:
    """Return an operation as in the method call that appends it."""
    return f"{operation.gate.name}({', '.join(map(str, (*operation.angles, *operation.qubits)))})"


def _kind(operation: Operation, model: QuantumModel) -> str | None:
    """Return what an operation does; None for a fixed gate on one qubit, which belongs to its neighbours."""
    parameters = {p for angle in operation.angles for p in getattr(angle, "terms", ())}
    if parameters & set(model.inputs):
        return "encoding"
    if parameters & set(model.weights):
        return "rotations" if len(operation.qubits) == 1 else "entangling rotations"
    return "entangling" if len(operation.qubits) > 1 else None
