from qml.optimizers import *
