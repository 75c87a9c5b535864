from qml.layers import *
