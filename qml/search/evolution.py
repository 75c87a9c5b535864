"""Evolution of layouts: short trainings from inherited weights, and selection by score and price."""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from qml.layers import Quantum, Sequential
from qml.models.quantum_model import QuantumModel
from qml.search.evolved_circuit import LayoutRecord
from qml.search.layouts import Layout, Space

__all__ = ["Trained", "Trainer", "evolved", "with_circuit"]

Array = NDArray[np.float64]

CROSSED = 0.25
"""Probability that a new layout is made of two others before it is varied."""

LARGEST_BATCH = 256
"""Number of rows per step of a short training: a step on few rows takes hardly less time than one on many."""

ATTEMPTS = 50
"""Number of variations drawn until one has not been trained before."""


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
            estimator = with_circuit(self.start, model, np.concatenate([weights, readout])).fit(self.X, self.y)
        trained = iter(estimator.weights_[: model.num_weights].tolist())
        layout = tuple(replace(p, weight=next(trained)) if p.role == "weight" else p for p in layout)
        score = float(estimator.score(self.X_held_out, self.y_held_out))
        loss = float(estimator.losses_at(self.X_held_out, self.y_held_out, estimator.weights_[None])[0])
        count = sum(place.role == "entangling" for place in layout)
        record = LayoutRecord(generation, score - self.penalty * count, score, loss, count, len(layout))
        self.history.append(record)
        return Trained(layout, estimator.weights_[model.num_weights :], record)


def with_circuit(estimator: Any, model: QuantumModel, weights: Array) -> Any:
    """Return a copy of a fitted variational estimator with another circuit of as many outputs, and other weights."""
    out = copy.copy(estimator)
    out.model = model
    out.network_ = Sequential(Quantum(model), estimator.readout_)
    out._begin(weights)
    return out


def evolved(space: Space, train: Trainer, generations: int, population: int, rng: np.random.Generator) -> list[Trained]:
    """Evolve layouts over generations, and return the last survivors, the best first.

    Parameters
    ----------
    space : Space
    train : Trainer
    generations, population : int
        Number of generations after the first, and of layouts that survive each.
    rng : Generator
    """
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
