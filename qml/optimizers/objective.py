"""Interface of the objective: all that the training loop and the optimizers know about a model and its data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self

import numpy as np

from simulator.errors import QumbaError

Rows = np.ndarray | slice


class Geometry(Protocol):
    """Geometry of the states of a circuit, whose weights are some of the objective's."""

    @property
    def part(self) -> slice:
        """Place of the circuit's weights among all weights."""
        ...

    @property
    def layers(self) -> np.ndarray:
        """Number of the layer of each of the circuit's weights, the blocks of a block-diagonal metric."""
        ...

    def metric(self, weights: np.ndarray, rows: Rows) -> np.ndarray:
        """Compute the mean Fubini-Study metric over ``rows``, shape (n_circuit_weights, n_circuit_weights)."""
        ...

    def fidelities(self, weights: np.ndarray, others: np.ndarray, rows: Rows) -> np.ndarray:
        """Compute the mean fidelities of the states with those at other weights of the circuit, shape (n_others,).

        ``weights`` are all weights, ``others`` are the circuit's, shape (n_others, n_circuit_weights).
        """
        ...


class Objective(Protocol):
    """Mean loss over training rows as a function of the weights, and a score on rows not used for training.

    The methods must not depend on how often or in which order they are called: a resumed run repeats only some calls.
    """

    @property
    def n_samples(self) -> int:
        """Number of training rows."""
        ...

    @property
    def is_random(self) -> bool:
        """Whether `value_and_gradient` takes random numbers, as dropout does; then `for_step` provides them."""
        return False

    def for_step(self, seed: Sequence[int]) -> Self:
        """Return the objective of one training step, which takes its random numbers from this seed."""
        return self

    @property
    def geometry(self) -> Geometry:
        """Geometry of the circuit's states, for optimizers that need it; an objective without states has none."""
        raise _missing(self, "geometry of states")

    def spectra(self) -> Sequence[np.ndarray | None]:
        """Return the positive frequencies of the outputs in each weight; None for a weight that is not an angle."""
        raise _missing(self, "spectra of weights")

    def with_shots(self, shots: int, seed: int) -> Self:
        """Return the objective with this number of shots for each circuit, whose outcomes follow from the seed."""
        raise _missing(self, "choice of shots")

    def value_and_gradient(self, weights: np.ndarray, rows: Rows) -> tuple[float, np.ndarray]:
        """Compute the mean loss over ``rows`` (indices, or ``slice(None)``) and its derivative, shape (n_weights,)."""
        ...

    def value(self, weights: np.ndarray, rows: Rows) -> float:
        """Compute the mean loss over ``rows``."""
        ...

    def validation_score(self, weights: np.ndarray) -> float | None:
        """Compute the score on held-out rows, where higher is better; None if no rows are held out."""
        ...


def geometry_of(objective: Any) -> Geometry:
    """Return the geometry of an objective.

    Raises
    ------
    QumbaError
        If it has none; an objective of a network raises this if the network does not have exactly one circuit.
    """
    if not hasattr(type(objective), "geometry"):
        raise _missing(objective, "geometry of states")
    return objective.geometry  # type: ignore[no-any-return]


def spectra_of(objective: Any) -> Sequence[np.ndarray | None]:
    """Return the spectra of an objective.

    Raises
    ------
    QumbaError
        If it has none.
    """
    if not hasattr(objective, "spectra"):
        raise _missing(objective, "spectra of weights")
    return objective.spectra()  # type: ignore[no-any-return]


def with_shots(objective: Any, shots: int, seed: int) -> Any:
    """Return an objective with this number of shots.

    Raises
    ------
    QumbaError
        If its circuits are not measured with shots.
    """
    if not hasattr(type(objective), "with_shots"):
        raise _missing(objective, "choice of shots")
    return objective.with_shots(shots, seed)


def _missing(objective: Any, what: str) -> QumbaError:
    return QumbaError(
        f"this optimizer needs the {what} of the objective, and {type(objective).__name__} does not give it; use an "
        "optimizer that needs losses and gradients only, such as 'adam' or 'spsa'"
    )
