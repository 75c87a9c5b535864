"""Circuits: gates on qubits, as an immutable value.

`sequence` holds the operations, `circuit` lists what can be done with them; each of the other modules is one kind of
that, as plain functions of a circuit.

>>> bell = Circuit(2).h(0).cx(0, 1)
>>> bell
<Circuit of 2 qubits: 2 gates>
>>> bell + bell.inverse() == bell.power(1).compose(bell.inverse())
True
"""

from simulator.circuit.circuit import Circuit

__all__ = ["Circuit"]
