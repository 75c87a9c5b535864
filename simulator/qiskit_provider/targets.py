"""Description of the backend for Qiskit's transpiler."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from qiskit.circuit import Barrier, Delay, IfElseOp, Measure, Parameter, Reset, library
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.transpiler import CouplingMap, Target

from simulator.errors import CircuitError, unknown_name

__all__ = ["make_target"]

_GATES = get_standard_gate_name_mapping()
_ANY_WIDTH = {"if_else": IfElseOp, "barrier": Barrier}
_SINGLE_QUBIT = {"measure": Measure(), "reset": Reset(), "delay": Delay(Parameter("t"))}  # always supported
_MATRICES = {"unitary": library.UnitaryGate, "diagonal": library.DiagonalGate}


def make_target(
    num_qubits: int | None, basis_gates: Sequence[str] | None, coupling_map: CouplingMap | Iterable[Any] | None
) -> Target:
    """Make the target of a simulator, with or without a coupling map.

    Parameters
    ----------
    num_qubits : int, optional
        Number of qubits; by default that of the coupling map, or unlimited.
    basis_gates : sequence of str, optional
        Qiskit's names of the gates; by default all standard gates, unitaries and diagonals. Measurements, resets,
        delays and if-tests are always included.
    coupling_map : CouplingMap, or iterable of pairs, optional
        Pairs on which two-qubit gates may act.

    Raises
    ------
    UnknownNameError
        If a basis gate does not exist.
    CircuitError
        If the coupling map has more qubits than ``num_qubits``.
    """
    edges = None
    if coupling_map is not None:
        pairs = coupling_map.get_edges() if isinstance(coupling_map, CouplingMap) else coupling_map
        edges = [(int(a), int(b)) for a, b in pairs]
        width = 1 + max(max(edge) for edge in edges) if edges else 1
        num_qubits = width if num_qubits is None else num_qubits
        if width > num_qubits:
            raise CircuitError(f"the coupling map is on {width} qubits, got num_qubits={num_qubits}")
    target = Target(num_qubits=num_qubits, description="qumba simulator")
    names = [*_GATES, *_MATRICES] if basis_gates is None else list(basis_gates)
    for name in dict.fromkeys([*names, *_SINGLE_QUBIT, *_ANY_WIDTH]):
        if name in _ANY_WIDTH:
            target.add_instruction(_ANY_WIDTH[name], name=name)
        elif name in _MATRICES:
            if edges is None:  # they have any number of qubits, so a coupling map cannot say where they are allowed
                target.add_instruction(_MATRICES[name], name=name)
        elif name in _SINGLE_QUBIT or name in _GATES:
            instruction = _SINGLE_QUBIT.get(name) or _GATES[name]
            qubits = _allowed_qubits(instruction.num_qubits, num_qubits, edges)
            if qubits is None or qubits:
                target.add_instruction(instruction, qubits, name=name)
        else:
            raise unknown_name("basis gate", name, [*_GATES, *_MATRICES])
    return target


def _allowed_qubits(width: int, num_qubits: int | None, edges: list[Any] | None) -> dict[Any, None] | None:
    """Return the qubits on which instructions of this width may act: None for all, empty for none."""
    if num_qubits is None or edges is None or not width:
        return None
    if width > 2:
        return {}
    return dict.fromkeys((q,) for q in range(num_qubits)) if width == 1 else dict.fromkeys(edges)
