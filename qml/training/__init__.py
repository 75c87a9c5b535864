"""Training loop for all optimizers: batches, validation, early stopping, callbacks, checkpoints, history."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from numbers import Integral
from typing import Any

import numpy as np

from qml.optimizers import Optimizer, SciPy, State, get_optimizer
from qml.optimizers.objective import Objective
from qml.training.checkpoints import SUMMARY, Checkpoints
from qml.training.descent import descend, with_last_weights
from qml.training.description import description
from qml.training.minimization import minimize
from qml.training.progress import Callback, RunState, joined
from qml.training.result import TrainingInterrupted, TrainingResult, warn_if_not_converged
from qml.training.run import Run
from qml.training.schedules import SCHEDULES, Schedule, get_schedule
from simulator.engines.host import compilation_announced

__all__ = ["SCHEDULES", "Objective", "Schedule", "TrainingInterrupted", "TrainingResult", "get_schedule", "train"]


def train(
    objective: Objective,
    weights: np.ndarray,
    optimizer: str | Optimizer | SciPy = "adam",
    *,
    epochs: int = 100,
    batch_size: int | str | None = None,
    rng: np.random.Generator | int | None = None,
    patience: int | None = None,
    tol: float = 0.0,
    schedule: str | Schedule = "constant",
    callback: Callback | Sequence[Callback] | None = None,
    verbose: bool = False,
    resume: str | os.PathLike[str] | None = None,
    fingerprint: str | Mapping[str, Any] = "",
    optimizer_state: State | None = None,
) -> TrainingResult:
    """Minimise ``objective``, starting from ``weights``.

    Parameters
    ----------
    objective : loss, gradient and validation score as functions of the weights
    weights : float ndarray, shape (n_weights,)
    optimizer : name or object
    epochs : maximum number of passes over the rows; for SciPy's methods, of iterations
    batch_size : rows per step, permuted anew in every epoch; all rows if None or "full", and for SciPy's methods
    rng : seed of the run, or the generator from which it is drawn
    patience : number of epochs without improvement before training stops; None for no limit
    tol : minimum change that counts as an improvement, of the validation score or else of the training loss
    schedule : schedule of the learning rate, a name in ``SCHEDULES`` or an object; methods that choose their steps,
        such as SciPy's and `Rotosolve`, ignore it
    callback : called with a `TrainingProgress` after each epoch, or several, called in turn; training stops when one
        returns True
    verbose : whether to show a progress bar
    resume : path of a checkpoint to resume from if it exists, and to write during training. The result is bit-identical
        to that of an uninterrupted run of the same number of epochs. SciPy's methods hold their state internally and
        restart from the best weights instead.
    fingerprint : identity of the run besides the settings here, such as data and model: name -> JSON value, or one
        digest of everything. A checkpoint with another fingerprint is refused, and the differences are named; the
        number of epochs may differ, unless the schedule depends on it, as "cosine" does.
    optimizer_state : optimizer state of an earlier result, to continue with its moments

    Returns
    -------
    TrainingResult

    Raises
    ------
    TrainingInterrupted
        At Ctrl-C; it holds the result so far, and a checkpoint has been written if ``resume`` is given.
    CheckpointMismatchError, ModelFileError
        If the file at ``resume`` belongs to another run, or is not a checkpoint.
    CheckpointLockedError
        If another process is training with the same checkpoint.

    Warns
    -----
    ConvergenceWarning
        If the loss or gradient becomes non-finite or the loss explodes (training stops, the best weights are kept), if
        the loss never falls below its first value, if SciPy reports failure, or if ``epochs`` is 0.
    """
    optimizer = get_optimizer(optimizer)
    weights = np.array(weights, dtype=np.float64)
    if weights.ndim != 1 or not np.isfinite(weights).all():
        raise ValueError(f"weights must be finite numbers of shape (n_weights,), got {weights!r}")
    epochs = _count("epochs", epochs, 0)
    patience = None if patience is None else _count("patience", patience, 1)
    schedule = get_schedule(schedule)
    n_samples = int(objective.n_samples)
    if batch_size is None or batch_size == "full" or isinstance(optimizer, SciPy):
        batch_size = n_samples
    batch_size = min(_count("batch_size", batch_size, 1), n_samples)
    seed = int(rng) if isinstance(rng, Integral) else int(np.random.default_rng(rng).integers(2**63))

    optimizer_state = optimizer_state or optimizer.init(weights)
    state = RunState(weights, optimizer_state, 0, 0, 0.0, 0.0, 0.0, seed=seed, best_weights=weights)
    identity: dict[str, Any] = {}
    if resume is not None:
        identity = {
            "optimizer": description(optimizer),
            "number of weights": weights.size,
            "number of rows": n_samples,
            "batch size": batch_size,
            "schedule": schedule.identity(epochs),
        }
        identity |= {} if patience is None else {"tol": float(tol)}  # decides, with patience, when to stop
        identity |= {SUMMARY: fingerprint} if isinstance(fingerprint, str) else fingerprint
    checkpoints = Checkpoints(resume, identity, batches=-(-n_samples // batch_size))
    with checkpoints.held():
        run = Run(
            objective=objective,
            state=checkpoints.start(state),
            checkpoints=checkpoints,
            epochs=epochs,
            batch_size=batch_size,
            patience=patience,
            tol=tol,
            schedule=schedule,
            callback=joined(callback),
            verbose=verbose,
        )
        try:
            with compilation_announced(run.bar.say) if verbose else nullcontext():
                reason = minimize(run, optimizer) if isinstance(optimizer, SciPy) else descend(run, optimizer)
            checkpoints.save(run.state, now=True)
            result = TrainingResult.of(with_last_weights(run) if reason != "diverged" else run.state, reason)
        except KeyboardInterrupt:
            run.bar.close()
            raise TrainingInterrupted.of(run.state, epochs, checkpoints) from None
        finally:
            run.bar.close()
    warn_if_not_converged(result, epochs)
    return result


def _count(name: str, value: Any, least: int) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be an integer >= {least}, got {value!r}")
    return int(value)
