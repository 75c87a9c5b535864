from qml.honesty import *
