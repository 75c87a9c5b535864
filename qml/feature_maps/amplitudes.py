"""Amplitude encoding."""

from __future__ import annotations

from dataclasses import dataclass

from qml.feature_maps.data_functions import Amplitudes
from qml.feature_maps.encoding import Encoding, checked_sizes
from simulator.circuit import Circuit
from simulator.parameters import ParameterVector

__all__ = ["AmplitudeMap"]


@dataclass(frozen=True)
class AmplitudeMap:
    """Amplitude encoding: the amplitudes are the features divided by their norm, padded with zeros.

    n qubits take up to ``2**n`` features. A row of zeros, which has no direction, becomes the first basis state.
    """

    angle_range: None = None

    def num_qubits(self, num_features: int) -> int:
        """Return the logarithm to base 2 of the number of features, rounded up."""
        return max(1, (num_features - 1).bit_length())

    def max_features(self, num_qubits: int) -> int:
        """Return two to the power of the number of qubits."""
        return 1 << num_qubits

    def encoding(self, num_features: int, num_qubits: int | None = None) -> Encoding:
        """Build the state preparation, on as few qubits as possible if ``num_qubits`` is not given."""
        width = checked_sizes("amplitude", self, num_features, num_qubits)
        x = ParameterVector("x", num_features)
        amplitudes = [*x, *([0.0] * ((1 << width) - num_features))]
        return Encoding(Circuit(width).initialize(amplitudes), tuple(x), Amplitudes(), angle_range=None)
