from qml.diagnostics import *
