"""Methods of circuits for the standard gates.

Type checkers cannot see methods added in a loop; they read the stub beside this file, which `gate_stub` writes.
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
