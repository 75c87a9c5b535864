from qml.callbacks import *
