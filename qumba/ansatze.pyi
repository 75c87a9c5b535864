from qml.ansatze import *
