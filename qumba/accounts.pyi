from qml.accounts import *
