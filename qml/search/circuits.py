"""Search for the gates of a circuit by evolution, with short trainings and a price for each two-qubit gate."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_X_y
from sklearn.utils.multiclass import type_of_target

from qml.diagnostics.subject import random_generator
from qml.estimators.variational.classifier import VariationalClassifier
from qml.estimators.variational.regressor import VariationalRegressor
from qml.models.observables import Observable
from qml.search.evolution import Trainer, evolved, with_circuit
from qml.search.evolved_circuit import EvolvedCircuit
from qml.search.layouts import Space, coupled_pairs
from qml.settings import check_choice, check_fraction, check_non_negative, check_whole
from simulator.masked import check_unmasked

__all__ = ["search_circuit"]

Array = NDArray[np.float64]
Rows = tuple[Array, NDArray[Any], Array, NDArray[Any]]

TASKS = ("classification", "regression")

LEAST_ROWS = 8
"""Minimum number of rows, so that some can be held out."""


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
    check_unmasked(X, "X")
    check_unmasked(y, "y")
    features, targets = check_X_y(X, y, dtype=np.float64, y_numeric=task == "regression", estimator="search_circuit")
    kind = _task(task, targets)
    pairs = coupled_pairs(coupling_map, n_qubits)
    rng = random_generator(random_state)
    space = Space(n_qubits, features.shape[1], pairs, max_gates, observables, own_qubits=encoding == "own")
    trainer = Trainer(space, *_split(features, targets, kind, held_out, rng), epochs, penalty, _estimator(kind, rng))
    survivors = evolved(space, trainer, generations, population, rng)
    best = survivors[0]
    model, weights = space.model(best.layout)
    settings = {"model": model, "epochs": 1, "warm_start": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the weights are trained already
        start = trainer.estimator.set_params(**settings).fit(X, y)  # learns scaling and column names
        estimator = with_circuit(start, model, np.concatenate([weights, best.readout]))
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
