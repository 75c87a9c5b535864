"""This engine as a PennyLane device, ``qml.device("qumba", wires=n)`` (extra ``[pennylane]``).

PennyLane is big-endian: the first wire is the most significant bit of a state's index. So the first wire is the last
qubit here, and states need no reordering.
"""

from simulator.lazy import only_public
from simulator.pennylane_device.device import QumbaDevice

__all__ = ["QumbaDevice"]

__dir__ = only_public(__name__)
