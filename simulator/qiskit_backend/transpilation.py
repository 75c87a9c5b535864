"""Circuits transpiled to the gates and qubits of a backend, once per circuit structure."""

from __future__ import annotations

import threading
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

__all__ = ["REGISTER", "TranspilationCache", "Transpiled", "amplitude_parameters", "transpiled"]

REGISTER = "outcome"
"""Name of the classical register that measurements added here write to."""

CACHE_SIZE = 64
"""Number of transpiled circuits that a backend keeps."""


@dataclass(frozen=True, eq=False)
class Transpiled:
    """A circuit in a backend's gates.

    Parameters
    ----------
    circuit : qiskit.QuantumCircuit
    source : Circuit
        Circuit before transpilation.
    qubits : tuple of int
        For each qubit of ``source``, the qubit of the backend where it ends.
    columns : intp ndarray
        For each parameter of ``circuit``, in its order, the index of the parameter in ``source``.
    backend : BackendV2 or None
    seconds : float, optional
        Duration of one execution, including the measurement.
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
        """Number of gates on two qubits, which cause most of the noise."""
        return sum(len(entry.qubits) == 2 and entry.operation.name != "barrier" for entry in self.circuit.data)

    def observables(self, observables: Sequence[PauliSum]) -> list[SparsePauliOp]:
        """Map observables to the backend's qubits."""
        width = self.source.num_qubits
        operators = [to_sparse_pauli_op(observable, width) for observable in observables]
        if self.circuit.layout is None:
            return operators
        return [operator.apply_layout(self.circuit.layout) for operator in operators]

    def measured(self, basis: Basis | None) -> QuantumCircuit:
        """Return the circuit with each qubit of ``source`` measured in a basis; bit q of an outcome is qubit q.

        Without a basis, a circuit with measurements keeps its classical bits.
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
            # these gates act on single qubits of the backend, so only their names need translation
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
        If the circuit has more qubits than the backend, or uses something that the backend does not have.
    """
    qiskit_circuit = to_qiskit(circuit)
    if backend is None:
        qiskit_circuit = transpile(qiskit_circuit, basis_gates=list(QISKIT_CLASSES), optimization_level=0)
        every_qubit = tuple(range(circuit.num_qubits))
        columns = _columns(qiskit_circuit, circuit.parameters)
        return Transpiled(qiskit_circuit, circuit, every_qubit, columns, None, None)
    if backend.num_qubits is not None and circuit.num_qubits > backend.num_qubits:
        raise BackendError(
            f"the circuit has {circuit.num_qubits} qubits, {backend.name} has {backend.num_qubits}; nothing was sent"
        )
    try:
        passes = generate_preset_pass_manager(optimization_level, backend=backend, seed_transpiler=seed)
        out = passes.run(qiskit_circuit)
    except QiskitError as error:
        raise BackendError(f"{backend.name} cannot run the circuit: {error.message}; nothing was sent") from error
    _check_gates(out, backend)
    layout: Any = out.layout
    qubits = tuple(range(circuit.num_qubits) if layout is None else layout.final_index_layout(filter_ancillas=True))
    columns = _columns(out, circuit.parameters)
    return Transpiled(out, circuit, qubits, columns, backend, _seconds(out, qubits, backend))


class TranspilationCache:
    """Transpiles circuits for one backend, and keeps the most recently used ones; safe to call from several threads."""

    def __init__(self, backend: Any, optimization_level: int, seed: int | None) -> None:
        self._settings = backend, optimization_level, seed
        self._circuits: dict[Circuit, Transpiled] = {}
        self._lock = threading.Lock()

    def __call__(self, circuit: Circuit) -> Transpiled:
        with self._lock:
            entry = self._circuits.pop(circuit, None)
            if entry is None:
                entry = transpiled(circuit, *self._settings)
                while len(self._circuits) >= CACHE_SIZE:
                    self._circuits.pop(next(iter(self._circuits)))
            self._circuits[circuit] = entry
            return entry


def _check_gates(circuit: QuantumCircuit, backend: Any) -> None:
    """Refuse gates that a transpiler pass could not translate; the backend would refuse them only after the queue."""
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
    """Return the duration of gates and measurement; None if the target does not say."""
    try:
        gate_seconds = float(circuit.estimate_duration(backend.target, unit="s")) if circuit.data else 0.0
        readout = max(backend.target["measure"][(qubit,)].duration for qubit in qubits)
        return gate_seconds + float(readout)
    except (QiskitError, KeyError, TypeError, AttributeError):
        return None


def amplitude_parameters(circuit: Circuit) -> list[Parameter]:
    """Return the parameters that are amplitudes; they are bound first, because the gates depend on their values."""
    amplitudes: dict[Parameter, None] = {}
    angles: dict[Parameter, None] = {}
    for operation in circuit.operations:
        parameters = amplitudes if isinstance(operation.gate, gates.AmplitudeEncoding) else angles
        for angle in operation.angles:
            if isinstance(angle, Expression):
                parameters.update(dict.fromkeys(angle.terms))
    both = [parameter.name for parameter in amplitudes if parameter in angles]
    if both:
        raise CircuitError(
            f"a backend cannot run a circuit whose parameters are both amplitude and angle: {', '.join(both)}"
        )
    return list(amplitudes)
