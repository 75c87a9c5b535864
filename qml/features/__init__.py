"""Classical feature extraction in front of a quantum model, as scikit-learn transformers.

What scikit-learn already has (scaling, PCA, one-hot encoding, imputation) is used from there; this package adds what a
quantum model needs in addition: angles, as many features as qubits, and small images. Names are imported when they are
first used: estimators need the scaling alone, not scikit-learn's decompositions.
"""

from simulator.lazy import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
