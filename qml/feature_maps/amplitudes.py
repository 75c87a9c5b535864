"""Amplitude encoding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

from qml.feature_maps.data_functions import Amplitudes, AmplitudesWithConstant, DataFunction
from qml.feature_maps.encoding import Encoding, checked_sizes
from qml.settings import check_circuit_size, check_whole
from simulator.circuit import Circuit
from simulator.errors import CircuitError
from simulator.parameters import ParameterVector

__all__ = ["AmplitudeMap"]


@dataclass(frozen=True)
class AmplitudeMap:
    """Amplitude encoding: the amplitudes are the features divided by their norm, padded with zeros.

    n qubits take up to ``2**n`` features. A row of zeros, which has no direction, becomes the first basis state.

    Parameters
    ----------
    copies : int
        Number of registers of equal size, each prepared in the same state: their tensor product is a polynomial of this
        degree in the amplitudes.
    constant : float
        Number that follows the features before the division by the norm, so that the state depends on the norm of the
        features too; with 0, it depends on their direction only. Takes the place of one feature.

    Examples
    --------
    >>> print(AmplitudeMap(copies=2).encoding(num_features=4).circuit)
         ┌─────────────────────┐
    q_0: ┤0                    ├
         │  amplitude_encoding │
    q_1: ┤1                    ├
         ├─────────────────────┤
    q_2: ┤0                    ├
         │  amplitude_encoding │
    q_3: ┤1                    ├
         └─────────────────────┘

    References
    ----------
    Copies and padding: Schuld, Bocharov, Svore and Wiebe, arXiv:1804.00633.
    """

    angle_range: None = None
    copies: int = 1
    constant: float = 0.0

    def __post_init__(self) -> None:
        check_whole("copies", self.copies, error=CircuitError)
        check_circuit_size("copies", self.copies)
        if isinstance(self.constant, bool) or not isinstance(self.constant, Real) or not math.isfinite(self.constant):
            raise CircuitError(f"constant expects a finite number, got {self.constant!r}")

    def num_qubits(self, num_features: int) -> int:
        """Return the logarithm to base 2 of the number of amplitudes, rounded up, for each copy."""
        return self.copies * max(1, (num_features + self._extra - 1).bit_length())

    def max_features(self, num_qubits: int) -> int:
        """Return two to the power of the number of qubits of a copy, less one for the constant."""
        return (1 << num_qubits // self.copies) - self._extra

    def encoding(self, num_features: int, num_qubits: int | None = None) -> Encoding:
        """Build the state preparation, on as few qubits as possible if ``num_qubits`` is not given."""
        width = checked_sizes("amplitude", self, num_features, num_qubits)
        size = width // self.copies
        if size * self.copies != width:
            raise CircuitError(f"{self.copies} copies need a multiple of {self.copies} qubits, got {width}")
        x = ParameterVector("x", num_features + self._extra)
        amplitudes = [*x, *([0.0] * ((1 << size) - len(x)))]
        circuit = Circuit(width)
        for first in range(0, width, size):
            circuit = circuit.initialize(amplitudes, range(first, first + size))
        data: DataFunction = AmplitudesWithConstant(self.constant) if self.constant else Amplitudes()
        return Encoding(circuit, tuple(x), data, num_features=num_features, angle_range=None)

    @property
    def _extra(self) -> int:
        """Number of amplitudes that are not features."""
        return 1 if self.constant else 0
