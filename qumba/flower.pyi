from qml.flower import *
