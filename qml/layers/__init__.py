"""Layers: differentiable functions of rows and weights, and the networks they are chained to.

A network is a `Sequential` of layers, classical and quantum. One backward sweep through all of them gives the
derivatives with respect to every weight. To add a layer, inherit from `Layer` and define its abstract methods.
"""

from qml.layers.activations import Arctan, ReLU, Sigmoid, Tanh
from qml.layers.angles import TrainedScales
from qml.layers.dense import Dense
from qml.layers.derivatives import Derivatives
from qml.layers.dropout import Dropout
from qml.layers.fidelities import ClassFidelities
from qml.layers.flatten import Flatten
from qml.layers.gibbs import Gibbs
from qml.layers.quantum import Quantum
from qml.layers.quanvolution import Quanvolution
from qml.layers.sequential import Sequential
from qml.layers.softmax import Softmax
from qml.layers.trait import Layer
from simulator.lazy import only_public

__all__ = [
    "Arctan",
    "ClassFidelities",
    "Dense",
    "Derivatives",
    "Dropout",
    "Flatten",
    "Gibbs",
    "Layer",
    "Quantum",
    "Quanvolution",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "TrainedScales",
]

__dir__ = only_public(__name__)
