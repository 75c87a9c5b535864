from qml.federated import *
