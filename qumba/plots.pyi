from qml.plots import *
