"""What the backend tells Qiskit's transpiler about itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from qiskit.circuit import Barrier, Delay, IfElseOp, Measure, Parameter, Reset, library
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.transpiler import CouplingMap, Target

from simulator.errors import CircuitError, unknown_name

__all__ = ["make_target"]

_GATES = get_standard_gate_name_mapping()
_WHOLE = {"if_else": IfElseOp, "barrier": Barrier}  # of any number of qubits
_SINGLE = {"measure": Measure(), "reset": Reset(), "delay": Delay(Parameter("t"))}  # every backend has them
_MATRICES = {"unitary": library.UnitaryGate, "diagonal": library.DiagonalGate}


def make_target(
    num_qubits: int | None, basis_gates: Sequence[str] | None, coupling_map: CouplingMap | Iterable[Any] | None
) -> Target:
    """The instructions of a simulator, everywhere or along a coupling map.

    Parameters
    ----------
    num_qubits : int, optional
        By default as many as the coupling map has, or any number.
    basis_gates : sequence of str, optional
        Qiskit's names; by default all standard gates, unitaries and diagonals. Measurements, resets, delays and
        if-tests are always there.
    coupling_map : CouplingMap, or iterable of pairs, optional
        Where two-qubit gates may act.

    Raises
    ------
    UnknownNameError
        If a basis gate does not exist.
    CircuitError
        If the coupling map has more qubits than ``num_qubits``.
    """
    edges = None
    if coupling_map is not None:
        given = coupling_map.get_edges() if isinstance(coupling_map, CouplingMap) else coupling_map
        edges = [(int(a), int(b)) for a, b in given]
        width = 1 + max(max(edge) for edge in edges) if edges else 1
        num_qubits = width if num_qubits is None else num_qubits
        if width > num_qubits:
            raise CircuitError(f"the coupling map is on {width} qubits, got num_qubits={num_qubits}")
    target = Target(num_qubits=num_qubits, description="qumba simulator")
    names = [*_GATES, *_MATRICES] if basis_gates is None else list(basis_gates)
    for name in dict.fromkeys([*names, *_SINGLE, *_WHOLE]):
        if name in _WHOLE:
            target.add_instruction(_WHOLE[name], name=name)
        elif name in _MATRICES:
            if edges is None:  # on a coupling map there is no telling where they fit
                target.add_instruction(_MATRICES[name], name=name)
        elif name in _SINGLE or name in _GATES:
            instruction = _SINGLE.get(name) or _GATES[name]
            places = _places(instruction.num_qubits, num_qubits, edges)
            if places is None or places:
                target.add_instruction(instruction, places, name=name)
        else:
            raise unknown_name("basis gate", name, [*_GATES, *_MATRICES])
    return target


def _places(width: int, num_qubits: int | None, edges: list[Any] | None) -> dict[Any, None] | None:
    """The qubits that instructions of this width may act on: None for all, empty for none."""
    if num_qubits is None or edges is None or not width:
        return None
    if width > 2:
        return {}
    return dict.fromkeys((q,) for q in range(num_qubits)) if width == 1 else dict.fromkeys(edges)
