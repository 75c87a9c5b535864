from qml.losses import *
