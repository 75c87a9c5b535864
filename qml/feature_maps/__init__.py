"""Feature maps: encodings of data in quantum states.

A feature map is a small immutable value without sizes, such as ``PauliMap(reps=1)``; for given numbers of features and
qubits it builds an `Encoding`: a function from features to inputs, and a circuit with these inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from qml.feature_maps.amplitudes import AmplitudeMap
from qml.feature_maps.arcsine import ArcsineMap
from qml.feature_maps.basis import BasisMap
from qml.feature_maps.centered import CenteredMap
from qml.feature_maps.encoding import Encoding, FeatureMap
from qml.feature_maps.hamiltonian import HamiltonianMap
from qml.feature_maps.high_dimensional import HighDimensionalMap
from qml.feature_maps.multi_control import MultiControlMap
from qml.feature_maps.pauli import PauliMap
from qml.feature_maps.rotations import AngleMap, ChebyshevMap
from qml.feature_maps.trained import HubregtsenMap, QAOAMap
from qml.feature_maps.yz_cx import YZCXMap
from simulator.lazy import only_public
from simulator.names import by_name

__all__ = [
    "FEATURE_MAPS",
    "AmplitudeMap",
    "AngleMap",
    "ArcsineMap",
    "BasisMap",
    "CenteredMap",
    "ChebyshevMap",
    "Encoding",
    "FeatureMap",
    "HamiltonianMap",
    "HighDimensionalMap",
    "HubregtsenMap",
    "MultiControlMap",
    "PauliMap",
    "QAOAMap",
    "YZCXMap",
    "get_feature_map",
]

__dir__ = only_public(__name__)

FEATURE_MAPS: dict[str, Callable[..., FeatureMap]] = {
    "angle": AngleMap,
    "reuploading": partial(AngleMap, reupload=True, angle_range=(-np.pi / 4, np.pi / 4)),
    "amplitude": AmplitudeMap,
    "basis": BasisMap,
    "z": partial(PauliMap, paulis=("Z",)),
    "zz": PauliMap,
    "pauli": PauliMap,
    "iqp": partial(PauliMap, alpha=1.0, center=0.0, angle_range=(-np.pi / 8, np.pi / 8)),
    "chebyshev": ChebyshevMap,
    "arcsine": ArcsineMap,
    "qaoa": QAOAMap,
    "hubregtsen": HubregtsenMap,
    "yz_cx": YZCXMap,
    "multi_control": MultiControlMap,
    "high_dimensional": HighDimensionalMap,
    "hamiltonian": HamiltonianMap,
}
"""Feature maps by name; ``get_feature_map`` passes its options to them."""


def get_feature_map(feature_map: str | FeatureMap, **options: Any) -> FeatureMap:
    """Return the feature map of a name, or the object itself.

    Parameters
    ----------
    feature_map : str or FeatureMap
        One of ``FEATURE_MAPS``, in any case.
    **options
        Settings for the map of that name, such as ``reps=1``.

    Raises
    ------
    UnknownNameError
        If the name is unknown, or the map of that name has no such setting; the nearest names are suggested.
    TypeError
        If it is neither a name nor a feature map, or options come with an object.
    """
    return by_name("feature map", feature_map, FEATURE_MAPS, FeatureMap, options)
