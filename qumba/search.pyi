from qml.search import *
