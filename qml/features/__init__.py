"""Classical feature extraction in front of a quantum model, as scikit-learn transformers.

What scikit-learn already has (scaling, PCA, one-hot encoding, imputation) is used from there; this package adds what a
quantum model needs in addition: angles, as many features as qubits, and small images.
"""

from qml.features.angles import AngleScaler
from qml.features.images import ImagePooling
from qml.features.reduction import QubitReducer
from qml.features.sums import SumFeatures
from qml.features.tabular import tabular_preprocessor

__all__ = ["AngleScaler", "ImagePooling", "QubitReducer", "SumFeatures", "tabular_preprocessor"]
