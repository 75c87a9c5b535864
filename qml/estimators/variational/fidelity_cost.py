"""Weighted fidelity cost: each qubit is compared with one target state per class.

Perez-Salinas, Cervera-Lierta, Gil-Fuster and Latorre, arXiv:1907.02085, section 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qml.layers.fidelities import class_states

__all__ = ["WeightedFidelityCost"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class WeightedFidelityCost:
    """Squared distance of weighted fidelities from those of the sample's target state; ``y`` are class indices.

    Parameters
    ----------
    num_classes : int
    """

    num_classes: int

    def expected(self) -> Array:
        """Fidelities between the target states, shape (num_classes, num_classes)."""
        states = class_states(self.num_classes)
        return 0.5 + 0.5 * states @ states.T

    def distances(self, outputs: Array) -> Array:
        """Half the squared distance from the fidelities of each class, shape (n_samples, num_classes)."""
        by_qubit = outputs.reshape(len(outputs), -1, 1, self.num_classes)
        out: Array = 0.5 * np.square(by_qubit - self.expected()).sum(axis=(1, 3))
        return out

    def value(self, outputs: Array, y: NDArray[np.intp]) -> Array:
        """``sum (outputs - expected[y])^2 / 2``, over qubits and classes."""
        return 0.5 * np.square(self._residuals(outputs, y)).sum(axis=1)

    def gradient(self, outputs: Array, y: NDArray[np.intp]) -> Array:
        """``outputs - expected[y]``."""
        return self._residuals(outputs, y)

    def _residuals(self, outputs: Array, y: NDArray[np.intp]) -> Array:
        return outputs - np.tile(self.expected()[y], outputs.shape[1] // self.num_classes)
