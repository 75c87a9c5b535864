"""Shapley values of the gates and layers of a trained circuit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.explain.circuits import TrainedCircuit
from qml.explain.coalitions import MAX_EXACT, Masks, all_coalitions, exact_shapley, permutation_shapley
from qml.models.quantum_model import QuantumModel
from qml.settings import check_choice, check_whole
from simulator.display import Preformatted
from simulator.errors import ParameterError, counted
from simulator.gates import Operation

__all__ = ["GateImportance", "gate_importance"]

Array = NDArray[np.float64]

MAX_EXACT_GATES = 10
"""Maximum number of players of which all sets are evaluated by default: each set is a circuit, lowered by itself."""

ROUNDING = 1e-12
"""Values below this, relative to the largest value of a set, are rounding errors and given as 0."""


@dataclass(frozen=True)
class GateImportance(Preformatted):
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
    circuit = TrainedCircuit.of(model, X, weights)
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
