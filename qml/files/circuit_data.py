"""Circuits and observables as plain data: names, numbers and arrays, for model files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import gates
from simulator.circuit import Circuit
from simulator.gates import Gate, Operation
from simulator.parameters import Expression, Parameter

__all__ = ["CircuitReader", "CircuitWriter"]

GATE_CLASSES = (
    gates.AmplitudeEncoding,
    gates.Composite,
    gates.Diagonal,
    gates.Fixed,
    gates.PauliRotation,
    gates.Rotation,
    gates.StatePreparation,
)

MOST_QUBITS = 1 << 16

Store = Callable[[NDArray[Any]], int]
Fetch = Callable[[int], NDArray[Any]]


class CircuitWriter:
    """Converter of circuits to JSON values; arrays are passed to ``store``, which returns an index for each.

    Parameters are numbered in order of occurrence; their names are in ``parameter_names``.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._numbers: dict[Parameter, int] = {}

    @property
    def parameter_names(self) -> list[str]:
        """Name of each parameter, by number."""
        return [parameter.name for parameter in self._numbers]

    def parameter(self, parameter: Parameter) -> int:
        """Number of a parameter."""
        return self._numbers.setdefault(parameter, len(self._numbers))

    def circuit(self, circuit: Circuit) -> dict[str, Any]:
        """Describe a circuit; each distinct gate is described once."""
        number = {gate: k for k, gate in enumerate(dict.fromkeys(op.gate for op in circuit.operations))}
        return {
            "num_qubits": circuit.num_qubits,
            "gates": [self.gate(gate) for gate in number],
            "operations": [
                [number[op.gate], list(op.qubits), [self._angle(angle) for angle in op.angles]]
                for op in circuit.operations
            ],
        }

    def gate(self, gate: Gate) -> dict[str, Any]:
        """Describe a gate, by name if it is a standard gate."""
        if gates.STANDARD.get(gate.name) == gate:
            return {"kind": "standard", "name": gate.name}
        described: dict[str, Any] = {"name": gate.name, "controls": list(gate.controls)}
        match gate:
            case _ if type(gate) not in GATE_CLASSES:
                pass  # a custom class may have any behaviour
            case gates.AmplitudeEncoding():
                return {"kind": "amplitudes", "num_qubits": gate.num_qubits}
            case gates.Fixed():
                return described | {"kind": "fixed", "matrix": self._store(gate.unitary), "check": gate.check}
            case gates.Diagonal():
                return described | {"kind": "diagonal", "phases": self._store(gate.phases)}
            case gates.PauliRotation():
                return described | {"kind": "pauli", "label": gate.label}
            case gates.Rotation():
                return described | {"kind": "rotation", "generator": self._store(gate.generator)}
            case gates.StatePreparation():
                return described | {
                    "kind": "state",
                    "amplitudes": self._store(gate.amplitudes),
                    "adjoint": gate.adjoint,
                }
            case gates.Composite():
                steps = [[self.gate(step.gate), list(step.positions), step.rows] for step in gate.steps]
                sizes = {"num_targets": gate.num_targets, "num_params": gate.num_params, "undo": gate.undo}
                return described | {"kind": "composite", "steps": steps} | sizes
        raise TypeError(
            f"gate {gate.name!r} is of a class of its own ({type(gate).__name__}) and cannot be stored as data; "
            "declare it as gates.Fixed, gates.Rotation, gates.Diagonal or gates.Composite"
        )

    def _angle(self, angle: float | Expression) -> float | list[Any]:
        if isinstance(angle, Expression):
            return [angle.constant, [[self.parameter(p), factor] for p, factor in angle.terms.items()]]
        return angle


class CircuitReader:
    """Converter of the output of a `CircuitWriter` to circuits; ``fetch`` returns the array of an index."""

    def __init__(self, fetch: Fetch, parameter_names: list[str]) -> None:
        self._fetch = fetch
        self._parameters = [Parameter(name) for name in parameter_names]

    def parameter(self, number: int) -> Parameter:
        """Return the parameter with a number."""
        return self._parameters[number]

    def circuit(self, data: dict[str, Any]) -> Circuit:
        """Read a circuit, with gates and qubits checked as for any other."""
        known = [self.gate(gate) for gate in data["gates"]]
        if data["num_qubits"] > MOST_QUBITS:  # a few digits in a file, and hours of work
            raise ValueError(f"a circuit of {data['num_qubits']} qubits, where {MOST_QUBITS} are the most")
        return Circuit(
            data["num_qubits"],
            [
                Operation(known[number], tuple(qubits), tuple(self._angle(angle) for angle in angles))
                for number, qubits, angles in data["operations"]
            ],
        )

    def gate(self, data: dict[str, Any]) -> Gate:
        """Read a gate."""
        kind = data["kind"]
        if kind == "standard":
            return gates.STANDARD[data["name"]]
        if kind == "amplitudes":
            return gates.AmplitudeEncoding(data["num_qubits"])
        name, controls = data["name"], tuple(data["controls"])
        match kind:
            case "fixed":
                return gates.Fixed(name, self._fetch(data["matrix"]), check=data["check"], controls=controls)
            case "diagonal":
                return gates.Diagonal(name, self._fetch(data["phases"]), controls=controls)
            case "pauli":
                return gates.PauliRotation(data["label"], name=name, controls=controls)
            case "rotation":
                return gates.Rotation(name, self._fetch(data["generator"]), controls=controls)
            case "state":
                amplitudes = self._fetch(data["amplitudes"]).astype(np.complex128)
                gate = gates.StatePreparation(amplitudes, name=name, controls=controls, adjoint=data["adjoint"])
                gate.amplitudes = amplitudes  # not divided by its norm again, which would change the last bit
                return gate
            case "composite":
                return gates.Composite(
                    name,
                    data["num_targets"],
                    data["num_params"],
                    [
                        gates.Step(self.gate(gate), tuple(positions), tuple(tuple(row) for row in rows))
                        for gate, positions, rows in data["steps"]
                    ],
                    undo=None if data["undo"] is None else tuple((int(k), factor) for k, factor in data["undo"]),
                    controls=controls,
                )
        raise ValueError(f"unknown kind of gate {kind!r}")

    def _angle(self, data: float | list[Any]) -> float | Expression:
        if isinstance(data, list):
            constant, terms = data
            return sum((factor * self._parameters[number] for number, factor in terms), constant)
        return data
