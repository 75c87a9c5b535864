"""Layers: differentiable functions of rows and weights, and the networks they are chained to.

A network is a `Sequential` of layers, classical and quantum. One backward sweep through all of them gives the
derivatives with respect to every weight. To add a layer, inherit from `Layer` and define its abstract methods.
"""

from qml.layers.activations import ReLU, Sigmoid, Tanh
from qml.layers.angles import TrainedScales
from qml.layers.dense import Dense
from qml.layers.derivatives import Derivatives
from qml.layers.quantum import Quantum
from qml.layers.sequential import Sequential
from qml.layers.trait import Layer

__all__ = ["Dense", "Derivatives", "Layer", "Quantum", "ReLU", "Sequential", "Sigmoid", "Tanh", "TrainedScales"]
