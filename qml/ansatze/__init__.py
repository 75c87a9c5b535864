"""Ansätze: trainable circuits, by name or as objects."""

from qml.ansatze.entangling import BasicEntangling, StronglyEntangling
from qml.ansatze.n_local import NLocal
from qml.ansatze.names import ANSATZE, ansatz_circuit, get_ansatz
from qml.ansatze.trait import INITIAL_SPREAD, Ansatz

__all__ = [
    "ANSATZE",
    "INITIAL_SPREAD",
    "Ansatz",
    "BasicEntangling",
    "NLocal",
    "StronglyEntangling",
    "ansatz_circuit",
    "get_ansatz",
]
