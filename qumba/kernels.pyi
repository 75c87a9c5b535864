from qml.kernels import *
