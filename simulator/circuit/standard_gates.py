"""A method of circuits for each standard gate.

Type checkers cannot see methods that are made in a loop; they read the stub beside this file, which `gate_stub` writes.
"""

from __future__ import annotations

from simulator import gates
from simulator.circuit.gate_methods import gate_method

__all__ = ["StandardGates"]


class StandardGates:
    """Base class of `Circuit` with a method for each gate of ``gates.STANDARD``."""

    __slots__ = ()


for _gate in gates.STANDARD.values():
    setattr(StandardGates, _gate.name, gate_method(_gate))
