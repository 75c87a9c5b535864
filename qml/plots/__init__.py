"""Pictures as PNG files; the one place of ``qml`` that imports matplotlib, and only when a function is called."""

from qml.plots.training import plot_circuit, plot_comparison, plot_confusion, plot_predictions, plot_training

__all__ = ["plot_circuit", "plot_comparison", "plot_confusion", "plot_predictions", "plot_training"]
