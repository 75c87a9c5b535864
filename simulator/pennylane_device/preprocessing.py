"""PennyLane's transforms from any tape to tapes that can be converted to a structure."""

from __future__ import annotations

from typing import Any

import pennylane as qml
from pennylane.devices import ExecutionConfig
from pennylane.devices.default_qubit import accepted_analytic_measurement, accepted_sample_measurement
from pennylane.devices.preprocess import (
    decompose,
    device_resolve_dynamic_wires,
    no_sampling,
    null_postprocessing,
    validate_device_wires,
    validate_measurements,
)
from pennylane.math import requires_grad
from pennylane.measurements import ClassicalShadowMP, ExpectationMP, ProbabilityMP, ShadowExpvalMP, VarianceMP
from pennylane.operation import Operator
from pennylane.tape import QuantumScript
from pennylane.transforms import broadcast_expand, defer_measurements
from pennylane.transforms.core import CompilePipeline, transform
from pennylane.wires import Wires

from simulator.pennylane_device import decompositions, operations, structures
from simulator.pennylane_device.readouts import MAX_PROBABILITY_WIRES


def pipeline(config: ExecutionConfig, wires: Wires | None, name: str) -> CompilePipeline:
    """Make the sequence of transforms for a configuration."""
    out = CompilePipeline()
    out.add_transform(validate_device_wires, wires, name=name)
    out.add_transform(defer_measurements, allow_postselect=True)
    out.add_transform(_decompose, wires=wires, name=name)
    out.add_transform(device_resolve_dynamic_wires, wires=wires, allow_resets=False)
    out.add_transform(
        validate_measurements,
        analytic_measurements=accepted_analytic_measurement,
        sample_measurements=accepted_sample_measurement,
        name=name,
    )
    adjoint = config.gradient_method == "adjoint"
    if adjoint:
        out.add_transform(no_sampling, name=f"adjoint + {name}")
    out.add_transform(_expand, whole_jacobian=adjoint and not config.use_device_jacobian_product)
    return out


@transform
def _decompose(tape: QuantumScript, wires: Wires | None, name: str) -> Any:
    """Apply `decompose` until all operations are supported, except a state preparation at the beginning."""
    first = tape.operations[0] if tape.operations else None
    skip = first is not None and structures.is_preparation(first)
    if qml.decomposition.enabled_graph():  # the graph warns about operations that only this device decomposes
        tape = tape.copy(operations=[part for op in tape.operations for part in decompositions.expanded(op)])
    return decompose(
        tape,
        stopping_condition=operations.is_supported,
        skip_initial_state_prep=skip,
        decomposer=decompositions.decomposition,
        device_wires=wires,
        target_gates=operations.NAMES,
        name=name,
    )


@transform
def _expand(tape: QuantumScript, whole_jacobian: bool) -> Any:
    """Split a batch into one tape per sample if its matrices differ, or if PennyLane would split its Jacobian."""
    if _needs_expansion(tape) or (whole_jacobian and _differentiates_samples(tape)):
        return broadcast_expand(tape)
    return (tape,), null_postprocessing


def _needs_expansion(tape: QuantumScript) -> bool:
    if any(isinstance(m, ClassicalShadowMP | ShadowExpvalMP) for m in tape.measurements):
        return True
    for k, op in enumerate(tape.operations):
        if operations.has_angles(op) or (k == 0 and structures.real_amplitudes(op)):
            continue  # checked first, because batch_size is slow
        if isinstance(op, qml.Projector) or op.batch_size is not None:
            return True
    return False


def _differentiates_samples(tape: QuantumScript) -> bool:
    """Whether numbers that differ between samples are trainable; their Jacobian is diagonal in the samples."""
    return any(requires_grad(data) for op in tape.operations if op.batch_size is not None for data in op.data)


def is_differentiable(tape: QuantumScript, strict: bool) -> bool:
    """Whether the adjoint method supports the tape.

    With ``strict``, tapes whose observables have trainable coefficients are left to other methods.
    """
    if tape.shots:
        return False
    for m in tape.measurements:
        if isinstance(m, ProbabilityMP):
            if m.obs is not None or m.mv is not None or len(m.wires or tape.wires) > MAX_PROBABILITY_WIRES:
                return False
        elif not isinstance(m, ExpectationMP | VarianceMP) or (
            strict and m.obs is not None and any(requires_grad(data) for data in m.obs.data)
        ):
            return False
    return all(_is_differentiable(op) for op in tape.operations)


def _is_differentiable(op: Operator) -> bool:
    if operations.is_supported(op) or decompositions.is_decomposed_here(op) or op.has_decomposition:
        return True
    return isinstance(op, qml.ops.MidMeasure) and op.postselect is None
