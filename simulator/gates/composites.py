"""Gates that are short sequences of other gates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.gates.matrices import embed
from simulator.gates.trait import ComplexMatrix, Gate, Operation


@dataclass(frozen=True)
class Step:
    """One gate of a composite, with its positions among the targets and angles linear in the composite's angles.

    Parameters
    ----------
    gate : Gate
    positions : tuple of int
    rows : tuple of tuple of float
        Factor of each of the composite's angles, for each angle of ``gate``.
    """

    gate: Gate
    positions: tuple[int, ...]
    rows: tuple[tuple[float, ...], ...] = ()


class Composite(Gate):
    """A named sequence of gates in the order of application.

    Parameters
    ----------
    name : str
    num_targets, num_params : int
    steps : sequence of Step
    undo : tuple of (int, float), optional
        For an inverse that is this gate at other angles: index and factor of the angle in each place.
    """

    def __init__(
        self,
        name: str,
        num_targets: int,
        num_params: int,
        steps: Sequence[Step],
        *,
        undo: tuple[tuple[int, float], ...] | None = None,
        controls: tuple[int, ...] = (),
    ) -> None:
        self.name, self.controls = name, controls
        self.num_targets, self.num_params = num_targets, num_params
        self.steps, self.undo = tuple(steps), undo

    def expand(self, qubits: Sequence[int], angles: Sequence[Any]) -> list[Operation]:
        """Expand this gate on ``qubits`` into operations, including controls."""
        split = len(self.controls)
        controls, targets = tuple(qubits[:split]), qubits[split:]
        out = []
        for step in self.steps:
            values = tuple(sum((f * a for f, a in zip(row, angles, strict=True) if f), 0.0) for row in step.rows)
            operation = Operation(step.gate, tuple(targets[p] for p in step.positions), values)
            out.append(operation.controlled(controls, self.controls) if controls else operation)
        return out

    def target_matrix(self, *angles: float) -> ComplexMatrix:
        out = np.eye(1 << self.num_targets, dtype=complex)
        for step in self.steps:
            values = [sum(f * a for f, a in zip(row, angles, strict=True)) for row in step.rows]
            out = embed(step.gate.matrix(*values), step.positions, self.num_targets) @ out
        return out

    def inverse(self, *angles: Any) -> tuple[Gate, tuple[Any, ...]]:
        if self.undo is not None:
            return self, tuple(angles[index] * factor for index, factor in self.undo)
        steps = []
        for step in reversed(self.steps):
            # angles are linear in the composite's, so the step's inverse applies to its rows
            gate, rows = step.gate.inverse(*(np.array(row) for row in step.rows))
            steps.append(Step(gate, step.positions, tuple(tuple(float(v) for v in row) for row in rows)))
        name = self.name[:-2] if self.name.endswith("dg") else self.name + "dg"
        return Composite(name, self.num_targets, self.num_params, steps, controls=self.controls), angles

    @property
    def is_diagonal(self) -> bool:
        return all(step.gate.is_diagonal for step in self.steps)

    def _with_controls(self, name: str, controls: tuple[int, ...]) -> Gate:
        return Composite(name, self.num_targets, self.num_params, self.steps, undo=self.undo, controls=controls)

    def _identity(self) -> tuple[Any, ...]:
        return self.name, "composite", self.controls, self.num_targets, self.num_params, self.steps
