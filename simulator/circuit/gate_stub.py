"""Generate the stub of `standard_gates` from the gates: ``python -m simulator.circuit.gate_stub`` writes it."""

from __future__ import annotations

import inspect
from pathlib import Path

from simulator import gates
from simulator.circuit.gate_methods import ANGLE_NAMES
from simulator.circuit.standard_gates import StandardGates

__all__ = ["STUB", "stub_text"]

STUB = Path(__file__).with_name("standard_gates.pyi")

HEAD = """\
# Written by `python -m simulator.circuit.gate_stub`, from gates.STANDARD.

from collections.abc import Iterable
from typing import Self

from simulator.gates import Angle

_Qubits = int | Iterable[int]

__all__ = ["StandardGates"]

class StandardGates:
"""


def stub_text() -> str:
    """Return the text of the stub class with a typed method for each standard gate."""
    methods = []
    for name in gates.STANDARD:
        method = getattr(StandardGates, name)
        _, *arguments = inspect.signature(method).parameters
        typed = [f"{argument}: {'Angle' if argument in ANGLE_NAMES else '_Qubits'}" for argument in arguments]
        methods.append(f'    def {name}({", ".join(["self", *typed])}) -> Self:\n        """{method.__doc__}"""\n')
    return HEAD + "\n".join([f'    """{StandardGates.__doc__}"""\n', *methods])


if __name__ == "__main__":
    STUB.write_text(stub_text(), encoding="utf-8")
