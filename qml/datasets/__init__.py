"""Data sets of the field: problems of published studies, ground states of spin chains, time series.

Each function returns NumPy arrays and takes a ``random_state``. Data sets of general machine learning are in
scikit-learn. Names are imported when they are first used.
"""

from simulator.lazy import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
