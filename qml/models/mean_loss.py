"""Mean loss of a model and its gradient: one compiled call for the losses that are kernels, else a sweep in Python."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qml.compiled_losses import compiled, loss_calls
from qml.losses import Loss, value_and_gradient
from qml.models.checks import check_finite
from simulator.calculations.gradients import adjoint_sweep
from simulator.calculations.repeated import Calls, repeat
from simulator.engines.host import loops
from simulator.engines.trait import Engine
from simulator.program.program import Program

__all__ = ["mean_loss_and_gradient"]

Array = NDArray[np.float64]


def mean_loss_and_gradient(
    program: Program,
    loss: Loss,
    inputs: Array,
    targets: NDArray[np.generic],
    weights: Array,
    qubits: tuple[int, ...] | None = None,
) -> tuple[float, Array]:
    """Compute the mean loss of expectations, or of probabilities on qubits, and its gradient, shape (n_weights,).

    Raises
    ------
    ValueError
        If the shape or the type of the targets does not fit the loss, or an input or a weight is NaN or infinite.
    """
    repeated = _in_calls(program, loss, inputs, targets, weights, qubits)
    if repeated is not None:
        return repeated  # the calls also check that all numbers are finite
    check_finite("X", inputs)
    check_finite("weights", weights)
    value_and_slopes = value_and_gradient(loss)
    share = 1.0 / len(inputs)
    total = 0.0

    def cotangent(values: Array, rows: slice) -> Array:
        nonlocal total
        losses, slopes = value_and_slopes(values, targets[rows])
        total += float(np.add.accumulate(losses * share)[-1])  # one after the other, as the compiled call adds
        return slopes * share

    _, gradient, _ = adjoint_sweep(program, inputs, weights, cotangent, False, qubits)
    return total, gradient


def _in_calls(
    program: Program,
    loss: Loss,
    inputs: Array,
    targets: NDArray[np.generic],
    weights: Array,
    qubits: tuple[int, ...] | None,
) -> tuple[float, Array] | None:
    """Do so by one compiled call; return None if that needs Python, see `repeated.repeat`."""
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
