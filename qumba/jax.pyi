from qml.jax import *
