from qml.fairness import *
