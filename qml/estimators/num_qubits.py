"""Default numbers of qubits of estimators with a feature map."""

from __future__ import annotations

from qml.feature_maps import Encoding, FeatureMap

__all__ = ["choose_num_qubits"]


def choose_num_qubits(
    n_qubits: int | None, feature_map: FeatureMap, n_features: int, *, at_least: int = 1, at_most: int
) -> int:
    """Return the setting, or what the feature map requires for the features, within bounds.

    Parameters
    ----------
    n_qubits : int, optional
        Setting of the estimator.
    feature_map : FeatureMap
        An `Encoding` has a circuit, whose qubits are taken.
    n_features, at_least, at_most : int
    """
    if n_qubits is not None:
        return n_qubits
    if isinstance(feature_map, Encoding):
        return feature_map.circuit.num_qubits
    return min(max(feature_map.num_qubits(n_features), at_least), at_most)
