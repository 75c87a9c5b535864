"""Circuits: immutable sequences of gates on qubits.

`circuit` defines the class `Circuit`. Each of the other modules holds one group of its methods, as plain functions of a
circuit.

>>> bell = Circuit(2).h(0).cx(0, 1)
>>> bell
<Circuit of 2 qubits: 2 gates>
>>> bell + bell.inverse() == bell.power(1).compose(bell.inverse())
True
"""

from simulator.circuit.circuit import Circuit
from simulator.lazy import only_public

__all__ = ["Circuit"]

__dir__ = only_public(__name__)
