from qml.training import *
