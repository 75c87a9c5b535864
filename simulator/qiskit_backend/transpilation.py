"""Circuits as a backend runs them: its own gates, on qubits that it has, transpiled once a structure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit, transpile
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import generate_preset_pass_manager

from simulator import gates
from simulator.circuit import Circuit
from simulator.errors import BackendError, CircuitError
from simulator.observables import PauliSum
from simulator.parameters import Expression, Parameter
from simulator.qiskit_backend.measurement import Basis
from simulator.qiskit_circuits import to_qiskit, to_sparse_pauli_op
from simulator.qiskit_circuits.standard import QISKIT_CLASSES

__all__ = ["Transpiled", "amplitude_parameters", "transpiled"]

REGISTER = "outcome"


@dataclass(frozen=True, eq=False)
class Transpiled:
    """A circuit in a backend's gates.

    Parameters
    ----------
    circuit : qiskit.QuantumCircuit
    source : Circuit
        What it was made of.
    qubits : tuple of int
        The backend's qubit on which each of ours ends.
    columns : intp ndarray
        For each of the Qiskit circuit's parameters, in its order, the number of ours.
    backend : BackendV2 or None
    seconds : float, optional
        How long one execution takes, measurement included.
    """

    circuit: QuantumCircuit
    source: Circuit
    qubits: tuple[int, ...]
    columns: NDArray[np.intp]
    backend: Any
    seconds: float | None

    @property
    def depth(self) -> int:
        """Longest chain of gates."""
        return int(self.circuit.depth())

    @property
    def two_qubit_gates(self) -> int:
        """Gates on two qubits, the ones that make most of the noise."""
        return sum(len(entry.qubits) == 2 and entry.operation.name != "barrier" for entry in self.circuit.data)

    def observables(self, observables: Sequence[PauliSum]) -> list[SparsePauliOp]:
        """Observables on the backend's qubits."""
        width = self.source.num_qubits
        found = [to_sparse_pauli_op(observable, width) for observable in observables]
        if self.circuit.layout is None:
            return found
        return [operator.apply_layout(self.circuit.layout) for operator in found]

    def measured(self, basis: Basis | None) -> QuantumCircuit:
        """The circuit with each of our qubits measured, in the given basis; bit q of an outcome is qubit q.

        Without a basis, a circuit that measures by itself keeps its own classical bits.
        """
        if basis is None and self.source.measures:
            return self.circuit
        change = QuantumCircuit(self.circuit.num_qubits)
        for q, letter in enumerate(basis.letters(len(self.qubits)) if basis is not None else ()):
            if letter == "Y":
                change.sdg(self.qubits[q])
            if letter in "XY":
                change.h(self.qubits[q])
        if change.data and self.backend is not None:
            # gates on single qubits, already in their place: only their names have to be the backend's
            known = [gate.name for gate in self.backend.operations if getattr(gate, "num_qubits", 0) == 1]
            change = transpile(change, basis_gates=known, optimization_level=1)
        out = self.circuit.compose(change)
        width = len(self.qubits)
        with_bits = QuantumCircuit(*out.qregs, name=out.name, global_phase=out.global_phase)
        if not out.qregs:
            with_bits.add_bits(out.qubits)
        register = _register(width)
        with_bits.add_register(register)
        with_bits.compose(out, with_bits.qubits, inplace=True)
        with_bits.measure([with_bits.qubits[q] for q in self.qubits], register)
        return with_bits


def _register(width: int) -> Any:
    from qiskit.circuit import ClassicalRegister

    return ClassicalRegister(width, REGISTER)


def transpiled(circuit: Circuit, backend: Any, optimization_level: int, seed: int | None) -> Transpiled:
    """Transpile a circuit for a backend, or into standard gates for a primitive that has none.

    Raises
    ------
    BackendError
        If the circuit is wider than the backend, or uses what the backend does not have.
    """
    made = to_qiskit(circuit)
    if backend is None:
        made = transpile(made, basis_gates=list(QISKIT_CLASSES), optimization_level=0)
        every = tuple(range(circuit.num_qubits))
        return Transpiled(made, circuit, every, _columns(made, circuit.parameters), None, None)
    if backend.num_qubits is not None and circuit.num_qubits > backend.num_qubits:
        raise BackendError(
            f"the circuit has {circuit.num_qubits} qubits, {backend.name} has {backend.num_qubits}; nothing was sent"
        )
    try:
        passes = generate_preset_pass_manager(optimization_level, backend=backend, seed_transpiler=seed)
        out = passes.run(made)
    except QiskitError as error:
        raise BackendError(f"{backend.name} cannot run the circuit: {error.message}; nothing was sent") from error
    _check_gates(out, backend)
    layout: Any = out.layout
    qubits = tuple(range(circuit.num_qubits) if layout is None else layout.final_index_layout(filter_ancillas=True))
    columns = _columns(out, circuit.parameters)
    return Transpiled(out, circuit, qubits, columns, backend, _seconds(out, qubits, backend))


def _check_gates(circuit: QuantumCircuit, backend: Any) -> None:
    """Some passes leave a gate they cannot translate; the backend would refuse it, after the queue."""
    target = backend.target
    if target is None:
        return
    known = set(target.operation_names) | {"barrier", "measure", "delay"}
    missing = sorted({entry.operation.name for entry in circuit.data} - known)
    if missing:
        raise BackendError(
            f"{backend.name} has no {', '.join(missing)}, only {', '.join(sorted(target.operation_names))}; "
            "nothing was sent"
        )


def _columns(circuit: QuantumCircuit, parameters: Sequence[Parameter]) -> NDArray[np.intp]:
    number = {parameter.identity: k for k, parameter in enumerate(parameters)}
    return np.array([number[parameter.uuid.int] for parameter in circuit.parameters], np.intp)


def _seconds(circuit: QuantumCircuit, qubits: Sequence[int], backend: Any) -> float | None:
    """Duration of gates and measurement, where the target tells it."""
    try:
        gates_take = float(circuit.estimate_duration(backend.target, unit="s")) if circuit.data else 0.0
        readout = max(backend.target["measure"][(qubit,)].duration for qubit in qubits)
        return gates_take + float(readout)
    except (QiskitError, KeyError, TypeError, AttributeError):
        return None


def amplitude_parameters(circuit: Circuit) -> list[Parameter]:
    """Parameters that are amplitudes, not angles: they decide which gates a backend needs, so they are bound first."""
    found: dict[Parameter, None] = {}
    angles: dict[Parameter, None] = {}
    for operation in circuit.operations:
        into = found if isinstance(operation.gate, gates.AmplitudeEncoding) else angles
        for angle in operation.angles:
            if isinstance(angle, Expression):
                into.update(dict.fromkeys(angle.terms))
    both = [parameter.name for parameter in found if parameter in angles]
    if both:
        raise CircuitError(f"parameters that are an amplitude and an angle cannot go to a backend: {', '.join(both)}")
    return list(found)
