"""Mean loss of a model and its gradient as one compiled call, for the losses that are kernels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qml.losses import Loss, compiled, loss_calls
from simulator.calculations.repeated import Calls, repeat
from simulator.engines.host import loops
from simulator.engines.trait import Engine
from simulator.program.program import Program

__all__ = ["repeated_loss"]

Array = NDArray[np.float64]


def repeated_loss(
    program: Program,
    loss: Loss,
    inputs: Array,
    targets: NDArray[np.generic],
    weights: Array,
    qubits: tuple[int, ...] | None = None,
) -> tuple[float, Array] | None:
    """Compute the mean loss of expectations, or of probabilities on qubits, and its gradient.

    Returns None if that needs Python, see `repeated.repeat`.

    Raises
    ------
    ValueError
        If the shape or the type of the targets does not fit the loss.
    """
    kernel_loss = compiled(loss)
    if kernel_loss is None:
        return None
    rows = len(inputs)
    shape = rows, len(program.observables) if qubits is None else 1 << len(qubits)
    kernel, settings, targets = kernel_loss.kernel(shape, targets)

    def prepare(engine: Engine) -> Calls | None:
        X, of_program, y = np.empty(inputs.shape), np.empty(weights.shape), np.empty(targets.shape, targets.dtype)
        outputs, slopes, values, gradient = np.empty(shape), np.empty(shape), np.empty(rows), np.empty(weights.shape)
        total = np.zeros(1)
        between, after = loss_calls((kernel, settings, y), outputs, slopes, np.full(rows, 1.0 / rows), values, total)
        sweep = engine.sweep_calls(program, X, of_program, outputs, slopes, gradient, None, qubits, between)
        return None if sweep is None else ([loops.clear(total), *sweep, *after], (X, of_program, y), (total, gradient))

    results = repeat(
        program, (kernel, settings, targets.dtype, qubits), prepare, inputs, weights, targets, at_once=True
    )
    if results is None:
        return None
    total, gradient = results
    return float(total[0]), gradient
