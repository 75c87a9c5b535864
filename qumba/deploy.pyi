from qml.deploy import *
