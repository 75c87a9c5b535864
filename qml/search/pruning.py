"""Removal of the gates that a trained circuit can do without."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.diagnostics.parameters import parameter_report
from qml.diagnostics.subject import as_subject
from qml.losses import Loss
from qml.models.quantum_model import QuantumModel
from qml.search.trained_parts import CircuitInEstimator, CircuitWithWeights, trained_part
from qml.settings import check_non_negative, check_whole
from simulator.circuit import Circuit
from simulator.display import Preformatted
from simulator.errors import counted

__all__ = ["PrunedCircuit", "prune_circuit"]

Array = NDArray[np.float64]
Part = CircuitWithWeights | CircuitInEstimator

ROUNDING = 1e-12
"""Increase of the loss, relative to it (absolute if it is below 1), that is a rounding error."""


@dataclass(frozen=True)
class PrunedCircuit(Preformatted):
    """Result of `prune_circuit`.

    Attributes
    ----------
    circuit : Circuit
    model : QuantumModel
        Model of the circuit, with the same inputs and outputs as before.
    weights : float ndarray, shape (n_weights,), radians
        Weights of the remaining gates; without retraining, their values are those of before.
    estimator : fitted estimator or None
        Copy of the estimator with the smaller circuit; None for a `QuantumModel`, and for an estimator that does not
        take a circuit as ``model``, or trains other layers before it.
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
    epochs: int = 0,
    weights: ArrayLike | None = None,
    loss: str | Loss = "mse",
    random_state: Any = None,
) -> PrunedCircuit:
    """Remove gates of a trained circuit as long as the loss stays within a tolerance.

    Gates are tried in the order of their estimated effect. For a rotation this is the derivative of the outputs with
    respect to its angle, from one sweep, times the distance of the angle from 0 or 2 pi; for a weight on which no
    output depends at all (`qml.diagnostics.parameter_report`) it is 0; for other gates it is the increase of the loss
    without them. Each removal is checked on the loss. Gates that only together do nothing, such as two equal CX, are
    removed in pairs of the same gate on the same qubits. The order is repeated until nothing more can be removed.

    With ``epochs``, gates of redundant weights, which other weights can replace, are tried before that, one by one,
    each followed by training of the smaller circuit. Otherwise nothing is trained.

    Parameters
    ----------
    model : fitted estimator that trains a network with one circuit, or QuantumModel
    X : array-like, shape (n_rows, n_features)
        Rows, best those of the training: on rows that it has not seen, a loss may fall without a useful gate.
    y : array-like, shape (n_rows,), or (n_rows, n_outputs)
        Classes or target values; for a QuantumModel in the form that the loss takes.
    tolerance : float
        Increase of the loss that all removals together may cause. With 0, the loss may stay or fall.
    epochs : int
        Number of epochs of training after the removal of a redundant weight, for estimators; 0 for none.
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
    check_whole("epochs", epochs, least=0)
    if epochs and isinstance(model, QuantumModel):
        raise ValueError(f"epochs={epochs} needs an estimator, which knows how to train; a QuantumModel has epochs=0")
    start = trained_part(model, X, y, weights, loss)
    before = start.loss()
    if not np.isfinite(before):
        raise ValueError(f"the loss must be finite before gates are removed, got {before}")
    limit = before + float(tolerance) + ROUNDING * max(1.0, abs(before))
    dead: tuple[str, ...] = ()
    if start.model.weights:
        report = parameter_report(*start.subject[:2], random_state=random_state)
        dead = tuple(report.names[k] for k in report.dead)
    pruning = Pruning(start, limit, before, list(range(len(start.model.circuit))))
    if epochs:
        pruning.remove_redundant(epochs, random_state)
    pruning.remove_all(dead)
    smaller = pruning.part
    return PrunedCircuit(
        smaller.model.circuit,
        smaller.model,
        smaller.weights,
        smaller.estimator,
        tuple(sorted(set(range(len(start.model.circuit))) - set(pruning.positions))),
        dead,
        (_two_qubit_gates(start.model.circuit), _two_qubit_gates(smaller.model.circuit)),
        before,
        pruning.loss,
    )


@dataclass
class Pruning:
    """A circuit that loses operations; ``positions`` are those of the remaining operations at the start."""

    part: Part
    limit: float
    loss: float
    positions: list[int]

    def without(self, originals: Sequence[int]) -> Part:
        """Return the circuit without the operations at these original positions."""
        return self.part.without({k for k, original in enumerate(self.positions) if original in originals})

    def accept(self, part: Part, originals: Sequence[int]) -> bool:
        """Take a smaller circuit if its loss is within the limit."""
        loss = part.loss()
        if not loss <= self.limit:
            return False
        self.part, self.loss = part, loss
        self.positions = [k for k in self.positions if k not in originals]
        return True

    def remove_all(self, dead: Collection[str]) -> None:
        """Remove single operations and pairs until none can be removed."""
        estimates = _effects(self.part, dead)
        effects = {self.positions[k]: effect for k, effect in estimates.items()}
        removed = True
        while removed:
            removed = False
            order = {k: effects[k] if k in effects else self._increase(k) for k in self.positions}
            for originals in self._attempts(sorted(self.positions, key=lambda k: (order[k], k))):
                if set(originals) <= set(self.positions) and self.accept(self.without(originals), originals):
                    removed = True

    def remove_redundant(self, epochs: int, random_state: Any) -> None:
        """Remove operations of redundant weights, each with training, until none can be removed."""
        removed = True
        while removed and self.part.model.weights:
            removed = False
            report = parameter_report(*self.part.subject[:2], random_state=random_state)
            for number in (*report.dead, *report.redundant):
                parameter = self.part.model.weights[number]
                operations = zip(self.positions, self.part.model.circuit, strict=True)
                originals = [k for k, operation in operations if parameter in _parameters(operation)]
                smaller = self.without(originals)
                assert isinstance(smaller, CircuitInEstimator)
                if self.accept(smaller.trained(epochs), originals):
                    removed = True
                    break

    def _increase(self, original: int) -> float:
        return abs(self.without([original]).loss() - self.loss)

    def _attempts(self, order: Sequence[int]) -> Iterator[tuple[int, ...]]:
        """Return single operations in this order, then pairs of equal gates that follow each other on their qubits."""
        for k in order:
            yield (k,)
        operations = dict(zip(self.positions, self.part.model.circuit, strict=True))
        latest: dict[tuple[Any, tuple[int, ...]], int] = {}
        for k, operation in operations.items():
            if operation.angles:
                continue
            key = operation.gate, operation.qubits
            if key in latest:
                yield latest[key], k
            latest[key] = k


def _effects(part: Part, dead: Collection[str]) -> dict[int, float]:
    """Estimate the effect on the outputs of removing each operation whose angles are weights."""
    model = part.model
    if not model.weights:
        return {}
    subject = as_subject(*part.subject)
    jacobian = subject.jacobian(subject.values(part.weights[None], every_row=True))
    slopes = np.sqrt(np.mean(jacobian**2, axis=(0, 1)))
    slope_of = {
        weight: 0.0 if weight.name in dead else slope
        for weight, slope in zip(model.weights, slopes.tolist(), strict=True)
    }
    value_of = dict(zip(model.weights, part.weights.tolist(), strict=True))
    effects = {}
    for position, operation in enumerate(model.circuit):
        used = _parameters(operation)
        if used and used <= slope_of.keys():
            distance = sum(abs(_wrapped(_value(angle, value_of))) for angle in operation.angles)
            effects[position] = max(slope_of[parameter] for parameter in used) * distance
    return effects


def _parameters(operation: Any) -> set[Any]:
    return {parameter for angle in operation.angles for parameter in getattr(angle, "terms", ())}


def _value(angle: Any, values: dict[Any, float]) -> float:
    return float(angle.bind(values)) if hasattr(angle, "bind") else float(angle)


def _wrapped(angle: float) -> float:
    """Return the angle between -pi and pi."""
    return float(np.remainder(angle + np.pi, 2 * np.pi) - np.pi)


def _two_qubit_gates(circuit: Circuit) -> int:
    return sum(len(operation.qubits) > 1 for operation in circuit)
