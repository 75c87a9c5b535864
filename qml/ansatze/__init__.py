"""Ansätze: trainable circuits, by name or as objects."""

from qml.ansatze.blocks import BLOCKS
from qml.ansatze.convolutional import QCNN
from qml.ansatze.entangling import BasicEntangling, ControlledRotations, StronglyEntangling
from qml.ansatze.initialisation import (
    INITIALISATIONS,
    BetaAngles,
    GaussianDepth,
    IdentityBlocks,
    Initialisation,
    SmallAngles,
    get_initialisation,
)
from qml.ansatze.iqp import IQP
from qml.ansatze.mirrored import Mirrored
from qml.ansatze.n_local import NLocal
from qml.ansatze.names import ANSATZE, ansatz_circuit, get_ansatz
from qml.ansatze.particle_conserving import ParticleConservingU1, ParticleConservingU2
from qml.ansatze.random_layers import RandomLayers
from qml.ansatze.tensor_networks import MERA, MPS, TTN
from qml.ansatze.trait import INITIAL_SPREAD, Ansatz
from qml.ansatze.two_design import SimplifiedTwoDesign
from simulator.lazy import only_public

__all__ = [
    "ANSATZE",
    "BLOCKS",
    "INITIALISATIONS",
    "INITIAL_SPREAD",
    "IQP",
    "MERA",
    "MPS",
    "QCNN",
    "TTN",
    "Ansatz",
    "BasicEntangling",
    "BetaAngles",
    "ControlledRotations",
    "GaussianDepth",
    "IdentityBlocks",
    "Initialisation",
    "Mirrored",
    "NLocal",
    "ParticleConservingU1",
    "ParticleConservingU2",
    "RandomLayers",
    "SimplifiedTwoDesign",
    "SmallAngles",
    "StronglyEntangling",
    "ansatz_circuit",
    "get_ansatz",
    "get_initialisation",
]

__dir__ = only_public(__name__)
