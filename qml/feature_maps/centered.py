"""Feature map relative to the middle of its range, so that a kernel's bandwidth scales the data about it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from qml.feature_maps.data_functions import Shifted
from qml.feature_maps.encoding import Encoding, FeatureMap

__all__ = ["CenteredMap"]


@dataclass(frozen=True)
class CenteredMap:
    """Feature map whose zero is the middle of the range of another one.

    A kernel's bandwidth multiplies features. The ZZ map's data function has its zero at pi: stretched about 0, its
    angles would wander away from there with every bandwidth.

    Parameters
    ----------
    feature_map : FeatureMap
        One that has a range.
    """

    feature_map: FeatureMap

    @property
    def _middle(self) -> float:
        low, high = self.feature_map.angle_range or (0.0, 0.0)
        return (low + high) / 2

    @property
    def angle_range(self) -> tuple[float, float] | None:
        """Range of the features, symmetric about 0."""
        if self.feature_map.angle_range is None:
            return None
        low, high = self.feature_map.angle_range
        return (low - high) / 2, (high - low) / 2

    def num_qubits(self, num_features: int) -> int:
        """Return the default number of qubits."""
        return self.feature_map.num_qubits(num_features)

    def max_features(self, num_qubits: int) -> int:
        """Return the maximum number of features for a number of qubits."""
        return self.feature_map.max_features(num_qubits)

    def encoding(self, num_features: int, num_qubits: int | None = None) -> Encoding:
        """Build the circuit and data function for these sizes."""
        encoding = self.feature_map.encoding(num_features, num_qubits)
        if self._middle == 0:
            return encoding
        return replace(encoding, data=Shifted(encoding.data, self._middle), angle_range=self.angle_range)
