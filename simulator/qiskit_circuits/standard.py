"""Qiskit's class of each standard gate, looked up by name, because the names are the same."""

from __future__ import annotations

from typing import Any

from qiskit.circuit.library import get_standard_gate_name_mapping

from simulator import gates

__all__ = ["QISKIT_CLASSES"]

_INSTANCES = get_standard_gate_name_mapping()

QISKIT_CLASSES: dict[str, Any] = {name: _INSTANCES[name].base_class for name in gates.STANDARD if name in _INSTANCES}
