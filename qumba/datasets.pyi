from qml.datasets import *
