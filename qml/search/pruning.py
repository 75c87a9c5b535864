"""Removal of the gates that a trained circuit can do without."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.diagnostics.parameters import parameter_report
from qml.diagnostics.subject import as_subject
from qml.estimators.variational.circuit import VariationalEstimator
from qml.estimators.variational.trained import TrainedNetwork
from qml.layers import Quantum, Sequential
from qml.losses import Loss, get_loss
from qml.models.quantum_model import QuantumModel
from qml.settings import check_non_negative
from simulator.circuit import Circuit
from simulator.errors import counted
from simulator.gates import Operation

__all__ = ["PrunedCircuit", "prune_circuit"]

Array = NDArray[np.float64]
Losses = Callable[[QuantumModel, Array], float]

ROUNDING = 1e-12
"""Increase of the loss, relative to it (absolute if it is below 1), that is a rounding error."""


@dataclass(frozen=True)
class PrunedCircuit:
    """Result of `prune_circuit`.

    Attributes
    ----------
    circuit : Circuit
    model : QuantumModel
        Model of the circuit, with the same inputs and outputs as before.
    weights : float ndarray, shape (n_weights,), radians
        Weights of the gates that are left; their values are those of before.
    estimator : fitted estimator or None
        Copy of the estimator with the smaller circuit; None for a `QuantumModel`, and for an estimator that does not
        take a circuit as ``model``, or has other layers before it.
    removed : tuple of int
        Positions of the removed operations in the circuit of before.
    dead : tuple of str
        Weights of before on which no output depends, whatever the weights.
    two_qubit_gates : (int, int)
        Number of gates on two or more qubits, before and after.
    loss_before, loss_after : float
        Loss on the rows.
    """

    circuit: Circuit
    model: QuantumModel
    weights: Array
    estimator: Any
    removed: tuple[int, ...]
    dead: tuple[str, ...]
    two_qubit_gates: tuple[int, int]
    loss_before: float
    loss_after: float

    def __str__(self) -> str:
        size = len(self.circuit)
        before, after = self.two_qubit_gates
        return (
            f"{counted(size + len(self.removed), 'gate')} before, {size} after; two-qubit gates: {before} before, "
            f"{after} after\nloss {self.loss_before:.6g} before, {self.loss_after:.6g} after"
        )


def prune_circuit(
    model: Any,
    X: ArrayLike,
    y: ArrayLike,
    *,
    tolerance: float = 1e-3,
    weights: ArrayLike | None = None,
    loss: str | Loss = "mse",
    random_state: Any = None,
) -> PrunedCircuit:
    """Remove gates of a trained circuit as long as the loss stays within a tolerance; nothing is trained.

    Gates are tried in the order of their estimated effect. For a rotation this is the derivative of the outputs with
    respect to its angle, from one sweep, times the distance of the angle from 0 or a full turn; for a weight on which no
    output depends at all (`qml.diagnostics.parameter_report`) it is 0; for other gates it is the increase of the loss
    without them. Each removal is checked on the loss. Gates that only together do nothing, such as two equal CX, are
    removed in pairs of the same gate on the same qubits. The order is repeated until nothing more can be removed.

    Parameters
    ----------
    model : fitted estimator that trains a network with one circuit, or QuantumModel
    X : array-like, shape (n_rows, n_features)
        Rows, best those of the training: on rows that it has not seen, a loss may fall without a useful gate.
    y : array-like, shape (n_rows,), or (n_rows, n_outputs)
        Classes or target values; for a QuantumModel in the form that the loss takes.
    tolerance : float
        Increase of the loss that all removals together may cause. With 0, only gates without use are removed.
    weights : array-like, shape (n_weights,), radians, optional
        Weights of a QuantumModel.
    loss : str or Loss
        Loss of the outputs of a QuantumModel; an estimator has its own.
    random_state : int, Generator or None
        Seed of the weights at which dead ones are looked for.

    Returns
    -------
    PrunedCircuit

    Raises
    ------
    TypeError
        If the model does not train a circuit.
    ValueError
        If shapes do not fit, the estimator runs on a backend, the tolerance is negative, or the loss is not finite.

    References
    ----------
    Sim, Romero, Gonthier and Kunitsa, arXiv:2010.00629: removal of gates with small angles.

    Examples
    --------
    >>> from simulator import ParameterVector, Z
    >>> x, w = ParameterVector("x", 1), ParameterVector("w", 3)
    >>> circuit = Circuit(2).rz(w[0], 0).ry(x[0], 0).ry(w[1], 0).cx(1, 0).rz(w[2], 0)
    >>> model = QuantumModel(circuit, x, w, Z(0))
    >>> X, weights = np.linspace(-1, 1, 9)[:, None], [0.4, 0.5, 0.6]
    >>> pruned = prune_circuit(model, X, np.cos(X + 0.5), weights=weights, tolerance=0)
    >>> pruned.removed, pruned.dead, [operation.gate.name for operation in pruned.circuit]
    ((0, 3, 4), ('w[0]', 'w[2]'), ['ry', 'ry'])
    """
    check_non_negative("tolerance", tolerance)
    start, values, loss_of, changed = _parts(model, X, y, weights, loss)
    before = loss_of(start, values)
    if not np.isfinite(before):
        raise ValueError(f"the loss must be finite before gates are removed, got {before}")
    limit = before + float(tolerance) + ROUNDING * max(1.0, abs(before))
    dead = _dead(model, X, start, random_state)
    kept = list(range(len(start.circuit)))
    after, removed_one = before, True

    def loss_without(gates: Sequence[int]) -> float:
        return loss_of(*_restricted(start, values, [k for k in kept if k not in gates]))

    effects = _effects(model, X, weights, start, values, dead)
    while removed_one:
        removed_one = False
        order = {k: effects.get(k, np.inf) for k in kept}
        for k in kept:
            if k not in effects:
                order[k] = abs(loss_without([k]) - after)
        for gates in _attempts(start, sorted(kept, key=lambda k: (order[k], k))):
            if not set(gates) <= set(kept):
                continue
            candidate = loss_without(gates)
            if candidate <= limit:
                kept = [k for k in kept if k not in gates]
                after, removed_one = candidate, True
    smaller, remaining = _restricted(start, values, kept)
    return PrunedCircuit(
        smaller.circuit,
        smaller,
        remaining,
        changed(smaller, remaining),
        tuple(sorted(set(range(len(start.circuit))) - set(kept))),
        tuple(start.weights[k].name for k in sorted(dead)),
        (_two_qubit_gates(start.circuit), _two_qubit_gates(smaller.circuit)),
        before,
        after,
    )


def _parts(
    model: Any, X: ArrayLike, y: ArrayLike, weights: ArrayLike | None, loss: str | Loss
) -> tuple[QuantumModel, Array, Losses, Callable[[QuantumModel, Array], Any]]:
    """Return circuit, its weights, the loss as a function of both, and the estimator as a function of both."""
    as_subject(model, X, weights)  # checks the model, its state, and the rows
    if isinstance(model, QuantumModel):
        if weights is None:
            if model.weights:
                raise ValueError(f"weights of shape ({model.num_weights},) are needed: a model has no trained ones")
            weights = ()
        loss_function, targets = get_loss(loss), np.asarray(y)
        if len(targets) != len(np.asarray(X)):
            raise ValueError(f"y must have one target per row: expected {len(np.asarray(X))}, got {len(targets)}")

        def loss_of(part: QuantumModel, values: Array) -> float:
            return float(np.mean(loss_function.value(part.forward(X, values), targets)))

        return model, np.asarray(weights, np.float64), loss_of, lambda part, values: None
    network = getattr(model, "network_", None)
    places = [k for k, layer in enumerate(network or ()) if isinstance(layer, Quantum)]
    if not isinstance(model, TrainedNetwork) or network is None or len(places) != 1:
        raise TypeError(
            "expected a fitted estimator that trains a network with one circuit, such as VariationalClassifier, or a "
            f"QuantumModel, got {type(model).__name__}"
        )
    place, layers = places[0], network.layers
    part = network.parts[place]

    def with_part(smaller: QuantumModel, values: Array) -> Any:
        out = copy.copy(model)
        out.network_ = Sequential(*layers[:place], Quantum(smaller), *layers[place + 1 :])
        out._begin(np.concatenate([model.weights_[: part.start], values, model.weights_[part.stop :]]))
        return out

    def loss_of_estimator(smaller: QuantumModel, values: Array) -> float:
        estimator = with_part(smaller, values)
        return float(estimator.losses_at(X, y, estimator.weights_[None])[0])

    def changed(smaller: QuantumModel, values: Array) -> Any:
        if not isinstance(model, VariationalEstimator) or place or len(layers) != 2:
            return None
        out = with_part(smaller, values)
        return out.set_params(model=smaller, initialisation="ansatz", warm_start=False)

    return layers[place].model, model.weights_[part], loss_of_estimator, changed


def _dead(model: Any, X: ArrayLike, start: QuantumModel, random_state: Any) -> set[int]:
    """Return the indices of the weights on which no output depends."""
    return set(parameter_report(model, X, random_state=random_state).dead) if start.weights else set()


def _effects(
    model: Any, X: ArrayLike, weights: ArrayLike | None, start: QuantumModel, values: Array, dead: set[int]
) -> dict[int, float]:
    """Return, for each operation with weights but without inputs, the estimated effect of its removal on the outputs."""
    if not start.weights:
        return {}
    subject = as_subject(model, X, weights)
    jacobian = subject.jacobian(subject.values(values[None], every_row=True))
    slopes = np.sqrt(np.mean(jacobian**2, axis=(0, 1)))
    numbers = {parameter: k for k, parameter in enumerate(start.weights)}
    known = {parameter: float(value) for parameter, value in zip(start.weights, values, strict=True)}
    effects = {}
    for position, operation in enumerate(start.circuit):
        terms = [angle.terms for angle in operation.angles if hasattr(angle, "terms")]
        used = {parameter for each in terms for parameter in each}
        if not used or not used <= numbers.keys():
            continue
        effect = 0.0
        for angle in operation.angles:
            value = angle.bind(known) if hasattr(angle, "bind") else angle
            slope = max((slopes[numbers[p]] for p in getattr(angle, "terms", ()) if numbers[p] not in dead), default=0.0)
            effect += float(slope) * abs(np.remainder(float(value) + np.pi, 2 * np.pi) - np.pi)
        effects[position] = effect
    return effects


def _attempts(model: QuantumModel, order: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Return single gates in this order, then pairs of neighbouring equal gates."""
    for k in order:
        yield (k,)
    latest: dict[tuple[Any, tuple[int, ...]], int] = {}
    operations = model.circuit.operations
    for k in sorted(order):
        operation: Operation = operations[k]
        if operation.angles:
            continue
        key = operation.gate, operation.qubits
        if key in latest:
            yield latest[key], k
        latest[key] = k


def _restricted(model: QuantumModel, values: Array, kept: Sequence[int]) -> tuple[QuantumModel, Array]:
    """Return the model of some of the operations, and the values of the weights that occur in them."""
    circuit = model.circuit.with_operations(model.circuit.operations[k] for k in kept)
    used = set(circuit.parameters)
    places = [k for k, parameter in enumerate(model.weights) if parameter in used]
    smaller = QuantumModel(
        circuit,
        model.inputs,
        [model.weights[k] for k in places],
        model.observables if model.qubits is None else (),
        outputs=model.outputs,  # type: ignore[arg-type]
        qubits=model.qubits,
        precision=model.precision,
        data=model.data,
        num_features=model.num_features,
    )
    return smaller, values[places]


def _two_qubit_gates(circuit: Circuit) -> int:
    return sum(len(operation.qubits) > 1 for operation in circuit)
