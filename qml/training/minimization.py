"""Training by one of SciPy's methods, on all rows: each of its iterations is an epoch."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from qml.optimizers import SciPy
from qml.training.run import Run, with_candidate


def minimize(run: Run, optimizer: SciPy) -> str:
    """Run SciPy until it converges or there is a reason to stop; return the reason."""
    if (reason := run.reason_to_stop()) is not None:
        return reason
    if run.is_random:
        raise ValueError(
            "the network is random in training, as with dropout, and SciPy's methods need a loss that is a function of "
            "the weights: use an optimizer that takes steps, such as 'adam'"
        )
    finished = len(run.state.history)
    iterations = _Iterations(run, optimizer)
    try:
        success, message = optimizer.minimize(
            iterations.function, run.state.best_weights, run.epochs - finished, iterations.after_iteration
        )
        if len(run.state.history) == finished:  # SciPy converged at the initial weights
            iterations.after_iteration(iterations.lowest.weights)
    except _Stop as stop:
        return stop.reason
    run.state = run.state._replace(stopped="converged", message="" if success else f"SciPy stopped: {message}")
    return "converged"


@dataclass(frozen=True)
class _Point:
    weights: np.ndarray
    loss: float
    gradient_norm: float | None


class _Stop(Exception):
    """Raised inside the functions that SciPy calls in order to stop it; not all methods offer another way."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Iterations:
    """The two functions that SciPy calls, and the points evaluated so far."""

    def __init__(self, run: Run, optimizer: SciPy) -> None:
        self.run = run
        self.uses_gradient = optimizer.uses_gradient
        self.last = self.lowest = _Point(run.state.best_weights, math.inf, None)
        self.started = time.perf_counter()

    def function(self, weights: np.ndarray) -> Any:
        """Compute the loss, or loss and gradient; each point, also in a line search, is a candidate for the best."""
        run, gradient, norm = self.run, None, None
        if self.uses_gradient:
            loss, gradient = run.objective.value_and_gradient(weights, slice(None))
            norm = float(np.linalg.norm(gradient))
        else:
            loss = run.objective.value(weights, slice(None))
        loss = float(loss)
        if run.checked_norm(loss, gradient) is None:
            raise _Stop("diverged")
        self.last = _Point(weights, loss, norm)
        if loss < self.lowest.loss:
            self.lowest = self.last
            if not run.validates:
                run.state = with_candidate(run.state, weights, -loss, len(run.state.history) + 1)
        return loss if gradient is None else (loss, gradient)

    def after_iteration(self, weights: np.ndarray) -> None:
        """Record an epoch. Without gradients, an iteration may end at an earlier point than the last: the lowest."""
        run = self.run
        point = self.last if np.array_equal(weights, self.last.weights) else self.lowest
        wants_to_stop = run.finish_epoch(
            run.state._replace(weights=point.weights),
            loss=point.loss,
            measured_at=point.weights,
            learning_rate=None,
            gradient_norm=point.gradient_norm,
            started=self.started,
        )
        self.started = time.perf_counter()
        if wants_to_stop:
            raise _Stop("callback")
        if (reason := run.reason_to_stop()) is not None:
            raise _Stop(reason)
        run.checkpoints.save(run.state)
