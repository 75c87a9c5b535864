"""Results of a search for circuits: the evolved circuit, and a record of each layout that was trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.models.quantum_model import QuantumModel
from simulator.circuit import Circuit
from simulator.display import Preformatted
from simulator.errors import counted

__all__ = ["EvolvedCircuit", "LayoutRecord"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LayoutRecord:
    """One trained layout of a search.

    Attributes
    ----------
    generation : int
        0 for random layouts.
    value : float
        Score minus the price of the two-qubit gates, by which layouts are selected.
    score : float
        Accuracy or R^2 on the held-out rows.
    loss : float
        Loss on the held-out rows, which decides between equal values.
    two_qubit_gates, gates : int
    """

    generation: int
    value: float
    score: float
    loss: float
    two_qubit_gates: int
    gates: int


@dataclass(frozen=True)
class EvolvedCircuit(Preformatted):
    """Result of `search_circuit`.

    Attributes
    ----------
    circuit : Circuit
        Circuit with features and weights as parameters; ``to_qiskit()`` exports it.
    model : QuantumModel
        Model of the circuit.
    weights : float ndarray, shape (n_weights,), radians
        Trained weights of the circuit.
    estimator : VariationalClassifier or VariationalRegressor
        Fitted to all rows. Its clone is the same circuit, trained from random weights.
    best : LayoutRecord
        The selected layout as it was in the search. Its score chose it, so it is flattering: judge the estimator by
        rows that the search has not seen.
    history : tuple of LayoutRecord
        All trained layouts, in the order of training.
    pairs : tuple of (int, int)
        Pairs that were allowed to entangle.
    penalty : float
        Price of a two-qubit gate.
    metric : str
    """

    circuit: Circuit
    model: QuantumModel
    weights: Array
    estimator: Any
    best: LayoutRecord
    history: tuple[LayoutRecord, ...] = field(repr=False)
    pairs: tuple[tuple[int, int], ...] = field(repr=False)
    penalty: float
    metric: str

    def __str__(self) -> str:
        best, generations = self.best, self.history[-1].generation
        used = sorted({operation.qubits for operation in self.circuit if len(operation.qubits) > 1})
        return "\n".join(
            [
                f"circuit of {counted(self.circuit.num_qubits, 'qubit')}, {counted(best.gates, 'gate')}, "
                f"{counted(self.model.num_weights, 'weight')}; {counted(best.two_qubit_gates, 'two-qubit gate')} on "
                f"{', '.join(map(str, used)) or 'no pair'}",
                f"{self.metric} on held-out rows {best.score:.3f}, minus {self.penalty:g} for each two-qubit gate: "
                f"{best.value:.3f}",
                f"best of {counted(len(self.history), 'layout')} in {counted(generations + 1, 'generation')}; "
                "these rows chose it, so the score is flattering",
            ]
        )

    def plot(self, path: str | PathLike[str] | None = None) -> Any:
        """Draw the values by generation, and the scores of all layouts against their numbers of two-qubit gates.

        Parameters
        ----------
        path : path of a PNG file, optional

        Returns
        -------
        matplotlib Figure
        """
        from qml.search.circuit_figure import plot_evolution

        return plot_evolution(self, path)
