"""Plots as PNG files; the only package of ``qml`` that imports matplotlib, when a function is called."""

from qml.plots.kernels import plot_concentration, plot_kernel_matrix, plot_spectrum
from qml.plots.training import plot_circuit, plot_comparison, plot_confusion, plot_predictions, plot_training

__all__ = [
    "plot_circuit",
    "plot_comparison",
    "plot_concentration",
    "plot_confusion",
    "plot_kernel_matrix",
    "plot_predictions",
    "plot_spectrum",
    "plot_training",
]
