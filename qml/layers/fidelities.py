"""Fidelities of single qubits with the target states of classes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from qml.layers.trait import Layer, Rest
from qml.settings import check_whole

__all__ = ["ClassFidelities", "class_states"]

Array = NDArray[np.float64]


@lru_cache(maxsize=32)
def class_states(num_classes: int) -> Array:
    """Return the Bloch vectors of the target states, shape (num_classes, 3), as far from each other as possible.

    The poles for two classes, a triangle for three, a tetrahedron for four, an octahedron for six, and otherwise points
    on a Fibonacci spiral, which are nearly evenly spread.
    """
    if num_classes == 2:
        points = np.array([[0, 0, 1], [0, 0, -1]], float)
    elif num_classes == 3:
        polar = 2 * np.pi * np.arange(3) / 3
        points = np.stack([np.sin(polar), np.zeros(3), np.cos(polar)], axis=1)
    elif num_classes == 4:
        points = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], float) / np.sqrt(3)
    elif num_classes == 6:
        points = np.concatenate([np.eye(3), -np.eye(3)])
    else:
        height = 1 - (2 * np.arange(num_classes) + 1) / num_classes
        longitude = np.pi * (1 + np.sqrt(5)) * np.arange(num_classes)
        radius = np.sqrt(1 - height**2)
        points = np.stack([radius * np.cos(longitude), radius * np.sin(longitude), height], axis=1)
    points.flags.writeable = False
    return points


@dataclass(frozen=True)
class ClassFidelities(Layer):
    """Fidelities of each qubit with the target state of each class, times trained weights that start at 1.

    The fidelity with a pure state of Bloch vector ``v`` is ``(1 + v . (<X>, <Y>, <Z>)) / 2``. Inputs are the
    expectation values of X on all qubits, then of Y, then of Z; outputs go class by class for the first qubit, then for
    the next.

    Parameters
    ----------
    num_qubits, num_classes : int

    References
    ----------
    Perez-Salinas, Cervera-Lierta, Gil-Fuster and Latorre, arXiv:1907.02085, section 3.3.

    Examples
    --------
    >>> pole = np.array([[0.0, 0.0, 1.0]])
    >>> ClassFidelities(num_qubits=1, num_classes=2).forward(pole, np.ones(2))
    array([[1., 0.]])
    """

    num_qubits: int
    num_classes: int

    def __post_init__(self) -> None:
        check_whole("num_qubits", self.num_qubits)
        check_whole("num_classes", self.num_classes, least=2)

    @property
    def num_inputs(self) -> int:
        """Number of expectation values, three per qubit."""
        return 3 * self.num_qubits

    @property
    def num_outputs(self) -> int:
        """Number of fidelities, one for each qubit and class."""
        return self.num_qubits * self.num_classes

    @property
    def num_weights(self) -> int:
        """Number of weights, one for each fidelity."""
        return self.num_outputs

    def initial_weights(self, rng: np.random.Generator) -> Array:
        return np.ones(self.num_weights)

    def fidelities(self, X: Array) -> Array:
        """Compute fidelities without weights, shape (n_samples, num_outputs)."""
        bloch = X.reshape(len(X), 3, self.num_qubits)
        return 0.5 + 0.5 * np.einsum("saq,ca->sqc", bloch, class_states(self.num_classes)).reshape(len(X), -1)

    def forward(self, X: Array, weights: Array) -> Array:
        return self.fidelities(X) * weights

    def sweep(self, X: Array, weights: Array, rest: Rest, inputs: bool) -> tuple[Array, Array | None]:
        fidelities = self.fidelities(X)
        d_outputs = rest(fidelities * weights, slice(0, len(X)))
        d_weights = np.einsum("sk,sk->k", d_outputs, fidelities)
        if not inputs:
            return d_weights, None
        by_class = (0.5 * d_outputs * weights).reshape(len(X), self.num_qubits, self.num_classes)
        return d_weights, np.einsum("sqc,ca->saq", by_class, class_states(self.num_classes)).reshape(len(X), -1)
