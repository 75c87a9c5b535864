from qml.torch import *
