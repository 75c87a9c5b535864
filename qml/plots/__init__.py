"""Plots: each function takes the object and returns a matplotlib figure, and writes a PNG file if given a path.

The only package of ``qml`` that imports matplotlib, when a function is called (extra ``[plot]``).
"""

from qml.plots.circuits import plot_circuit
from qml.plots.classes import plot_calibration, plot_confusion, plot_decision_boundary
from qml.plots.comparison import plot_comparison
from qml.plots.kernels import plot_concentration, plot_kernel_matrix, plot_spectrum
from qml.plots.landscapes import plot_fourier_spectrum, plot_loss_landscape
from qml.plots.states import plot_bloch, plot_state_city
from qml.plots.training import plot_predictions, plot_training
from simulator.lazy import only_public

__all__ = [
    "plot_bloch",
    "plot_calibration",
    "plot_circuit",
    "plot_comparison",
    "plot_concentration",
    "plot_confusion",
    "plot_decision_boundary",
    "plot_fourier_spectrum",
    "plot_kernel_matrix",
    "plot_loss_landscape",
    "plot_predictions",
    "plot_spectrum",
    "plot_state_city",
    "plot_training",
]

__dir__ = only_public(__name__)
