"""Search for the gates of a circuit by evolution, with short trainings and a price for each two-qubit gate."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_X_y
from sklearn.utils.multiclass import type_of_target

from qml.diagnostics.subject import random_generator
from qml.estimators.variational.classifier import VariationalClassifier
from qml.estimators.variational.regressor import VariationalRegressor
from qml.layers import Quantum, Sequential
from qml.models.observables import Observable
from qml.models.quantum_model import QuantumModel
from qml.search.layouts import Layout, Space, coupled_pairs
from qml.settings import check_choice, check_fraction, check_non_negative, check_whole
from simulator.circuit import Circuit
from simulator.errors import counted

__all__ = ["EvolvedCircuit", "LayoutRecord", "search_circuit"]

Array = NDArray[np.float64]
Rows = tuple[Array, NDArray[Any], Array, NDArray[Any]]

TASKS = ("classification", "regression")

LEAST_ROWS = 8
"""Minimum number of rows, so that some can be held out."""

CROSSED = 0.25
"""Probability that a new layout is made of two others before it is varied."""

LARGEST_BATCH = 256
"""Number of rows per step of a short training: a step on few rows takes hardly less time than one on many."""

ATTEMPTS = 50
"""Number of variations drawn until one has not been trained before."""


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
class EvolvedCircuit:
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


def search_circuit(
    X: ArrayLike,
    y: ArrayLike,
    *,
    n_qubits: int,
    task: Literal["classification", "regression"] | None = None,
    coupling_map: Any = None,
    encoding: Literal["any", "own"] = "any",
    observables: str | Sequence[Observable] = "z",
    generations: int = 15,
    population: int = 12,
    max_gates: int = 24,
    penalty: float = 0.01,
    epochs: int = 30,
    final_epochs: int = 60,
    held_out: float = 0.3,
    random_state: Any = None,
) -> EvolvedCircuit:
    """Evolve the gates of a circuit: which rotation is where, which encodes a feature, and which pairs entangle.

    The first generation is random, but one of its layouts has no two-qubit gate. Each further one has as many new
    layouts, made of good ones by adding, removing, moving, exchanging and crossing gates; the best of old and new ones
    survive. Gates that stay keep their trained weights, so that few epochs for each layout suffice. Layouts are
    compared by their score on held-out rows minus the price of their two-qubit gates, then by their loss. The best one
    is trained further, on all rows.

    Two-qubit gates are CX and CZ on the pairs of the coupling map only, so that a transpiler needs no SWAP.

    Parameters
    ----------
    X : array-like, shape (n_samples, n_features)
        Features; any number of them, each is encoded several times, once, or not at all.
    y : array-like, shape (n_samples,)
        Classes or target values.
    n_qubits : int
    task : {"classification", "regression"}, optional
        By default regression if y has numbers that are not integers.
    coupling_map : sequence of pairs, CouplingMap or backend of Qiskit, optional
        Pairs of qubits that may entangle, by default all. Pairs are ordered, the control of a CX comes first; list both
        orders if a device has both. Of a CouplingMap or backend the first ``n_qubits`` qubits are used. An empty list
        excludes entanglement.
    encoding : {"any", "own"}
        Qubits on which a feature may be encoded: any, or only its own, which is qubit ``k % n_qubits`` for feature k.
        Two features on one qubit can interact without a two-qubit gate.
    observables : str or sequence of Observable
        Observables to read out, which a trained dense layer follows: see `qml.models.observables.readout_observables`.
    generations : int
        Number of generations after the first.
    population : int
        Number of layouts that survive, and of new ones in each generation.
    max_gates : int
        Maximum number of gates, of all kinds together.
    penalty : float
        Price of a two-qubit gate: by how much it must raise the accuracy or R^2.
    epochs : int
        Number of epochs for each layout.
    final_epochs : int
        Number of epochs for the best layout on all rows.
    held_out : float
        Share of the rows that layouts are scored on; the others train them.
    random_state : int, Generator or None
        Seed of rows, layouts and weights.

    Returns
    -------
    EvolvedCircuit

    Raises
    ------
    ValueError
        If a setting is out of range, there are too few rows or classes, or X or y contains NaN or infinity.
    CircuitError
        If the coupling map names qubits that do not exist.

    References
    ----------
    Du, Huang, You, Hsieh and Tao, arXiv:2010.10217: shared weights in the search for circuits. Rattew, Hu, Pistoia,
    Chen and Wood, arXiv:1910.09694: evolution of circuits that inherit their weights.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, (80, 2))
    >>> result = search_circuit(X, X[:, 0] * X[:, 1] > 0, n_qubits=2, generations=4, random_state=0)
    >>> result.circuit.num_qubits, result.best.two_qubit_gates > 0
    (2, True)
    """
    check_whole("n_qubits", n_qubits)
    check_whole("generations", generations)
    check_whole("population", population, least=2)
    check_whole("max_gates", max_gates, least=2)
    check_whole("epochs", epochs)
    check_whole("final_epochs", final_epochs)
    check_choice("encoding", encoding, ("any", "own"))
    check_non_negative("penalty", penalty)
    check_fraction("held_out", held_out)
    features, targets = check_X_y(X, y, dtype=np.float64, y_numeric=task == "regression", estimator="search_circuit")
    kind = _task(task, targets)
    pairs = coupled_pairs(coupling_map, n_qubits)
    rng = random_generator(random_state)
    space = Space(n_qubits, features.shape[1], pairs, max_gates, observables, own_qubits=encoding == "own")
    trainer = Trainer(space, *_split(features, targets, kind, held_out, rng), epochs, penalty, _estimator(kind, rng))
    survivors = _evolved(space, trainer, generations, population, rng)
    best = survivors[0]
    model, weights = space.model(best.layout)
    settings = {"model": model, "epochs": 1, "warm_start": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the weights are trained already
        start = trainer.estimator.set_params(**settings).fit(X, y)  # learns scaling and column names
        estimator = _with_circuit(start, model, np.concatenate([weights, best.readout]))
        estimator.set_params(epochs=final_epochs).fit(X, y)
    estimator.set_params(warm_start=False)
    return EvolvedCircuit(
        model.circuit,
        model,
        estimator.weights_[: model.num_weights],
        estimator,
        best.record,
        tuple(trainer.history),
        pairs,
        float(penalty),
        "accuracy" if kind == "classification" else "R^2",
    )


@dataclass(frozen=True)
class Trained:
    """A layout with its trained weights, those of the readout, and its record."""

    layout: Layout
    readout: Array
    record: LayoutRecord

    @property
    def rank(self) -> tuple[float, float, int]:
        """Smaller is better."""
        return -self.record.value, self.record.loss, self.record.gates


@dataclass
class Trainer:
    """Short trainings of layouts on the same rows; ``history`` grows."""

    space: Space
    X: Array
    y: NDArray[Any]
    X_held_out: Array
    y_held_out: NDArray[Any]
    epochs: int
    penalty: float
    estimator: Any
    history: list[LayoutRecord] = field(default_factory=list)
    start: Any = None

    def __call__(self, layout: Layout, readout: Array | None, generation: int) -> Trained:
        """Train a layout from its weights and those of its parent's readout, and score it."""
        model, weights = self.space.model(layout)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a layout that does not learn is judged by its score
            if self.start is None:  # scaling and classes are learnt once
                settings = {"model": model, "epochs": 1, "warm_start": True, "batch_size": LARGEST_BATCH}
                self.start = clone(self.estimator).set_params(**settings).fit(self.X, self.y)
                self.start.set_params(epochs=self.epochs)
            if readout is None:
                readout = self.start.readout_.initial_weights(np.random.default_rng(self.start.random_state))
            estimator = _with_circuit(self.start, model, np.concatenate([weights, readout])).fit(self.X, self.y)
        trained = iter(estimator.weights_[: model.num_weights].tolist())
        layout = tuple(replace(p, weight=next(trained)) if p.role == "weight" else p for p in layout)
        score = float(estimator.score(self.X_held_out, self.y_held_out))
        loss = float(estimator.losses_at(self.X_held_out, self.y_held_out, estimator.weights_[None])[0])
        count = sum(place.role == "entangling" for place in layout)
        record = LayoutRecord(generation, score - self.penalty * count, score, loss, count, len(layout))
        self.history.append(record)
        return Trained(layout, estimator.weights_[model.num_weights :], record)


def _with_circuit(estimator: Any, model: QuantumModel, weights: Array) -> Any:
    """Return a copy of a fitted variational estimator with another circuit of as many outputs, and other weights."""
    out = copy.copy(estimator)
    out.model = model
    out.network_ = Sequential(Quantum(model), estimator.readout_)
    out._begin(weights)
    return out


def _evolved(
    space: Space, train: Trainer, generations: int, population: int, rng: np.random.Generator
) -> list[Trained]:
    """Return the last survivors, the best first."""
    seen: set[tuple[Any, ...]] = set()

    def is_new(layout: Layout) -> bool:
        structure = tuple(place.structure for place in layout)
        return structure not in seen and not seen.add(structure)  # type: ignore[func-returns-value]

    def parent() -> Trained:
        return survivors[int(min(rng.integers(len(survivors), size=2)))]

    survivors: list[Trained] = []
    for generation in range(generations + 1):
        born: list[Trained] = []
        for _ in range(population):
            for _ in range(ATTEMPTS):
                if generation == 0:
                    layout, readout = space.first(rng, plain=not born), None
                else:
                    mother = parent()
                    layout, readout = mother.layout, mother.readout
                    if rng.uniform() < CROSSED:
                        layout = space.crossed(layout, parent().layout, rng)
                    layout = space.varied(layout, rng)
                if is_new(layout):
                    born.append(train(layout, readout, generation))
                    break
        survivors = sorted(survivors + born, key=lambda trained: trained.rank)[:population]
    return survivors


def _task(task: str | None, y: NDArray[Any]) -> str:
    if task is not None:
        check_choice("task", task, TASKS)
        return task
    return "regression" if type_of_target(y) == "continuous" else "classification"


def _estimator(task: str, rng: np.random.Generator) -> Any:
    seed = int(rng.integers(np.iinfo(np.int32).max))
    estimator = VariationalClassifier if task == "classification" else VariationalRegressor
    return estimator(learning_rate=0.1, weight_decay=0.0, random_state=seed)


def _split(X: Array, y: NDArray[Any], task: str, share: float, rng: np.random.Generator) -> Rows:
    """Return X and y for training, then those held out."""
    if len(X) < LEAST_ROWS:
        raise ValueError(f"search_circuit needs at least {LEAST_ROWS} rows, to hold some out, got {len(X)}")
    stratify = None
    if task == "classification":
        classes, counts = np.unique(y, return_counts=True)
        if len(classes) < 2 or counts.min() < 2:
            rare = ", ".join(f"{label!r}: {count}" for label, count in zip(classes.tolist(), counts, strict=True))
            raise ValueError(
                f"classification needs at least 2 classes of at least 2 rows each, got the classes {rare}; give "
                'task="regression" if y has target values'
            )
        stratify = y
        if min(share, 1 - share) * len(X) < len(classes):
            raise ValueError(
                f"held_out={share:g} of {len(X)} rows leaves fewer rows than the {len(classes)} classes on one side; "
                "change held_out or give more rows"
            )
    seed = int(rng.integers(np.iinfo(np.int32).max))
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=share, stratify=stratify, random_state=seed)
    return X_train, y_train, X_test, y_test
