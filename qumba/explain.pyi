from qml.explain import *
