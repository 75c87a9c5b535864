"""Training run of the command line: fit the model of an experiment, and report it, also after Ctrl-C."""

from __future__ import annotations

import inspect
import sys
import time
import warnings
from pathlib import Path

import numpy as np

from qml.cli.estimators import estimator_for
from qml.cli.experiment import FILES, INTERRUPTED, Experiment, remove_files, save_model
from qml.cli.reporting import report_experiment
from qml.tables import TableError
from qml.text import one_line

__all__ = ["run_experiment"]

INTERRUPTED_IN_TRAINING = "\nInterrupted: keeping the best weights so far; Ctrl-C again leaves out the report."


def run_experiment(
    experiment: Experiment, folder: Path, *, plots: bool = True, quiet: bool = False, resume: str | None = None
) -> int:
    """Train, compare, and write ``model.qumba``, ``report.md``, ``report.json`` and pictures to ``folder``.

    After Ctrl-C during training the best weights so far are saved and reported in the same way; after Ctrl-C later, the
    model file stays. What an earlier run left in the folder is removed once there is a model to replace it.

    Returns
    -------
    int
        Exit status: 0, or 130 after Ctrl-C.
    """
    notes = []
    model = estimator_for(experiment.model, experiment.task, experiment.settings, verbose=not quiet)
    training = np.arange(len(experiment.y)) if experiment.split is None else experiment.split[0]
    arguments = {} if resume is None else {"resume": resume}
    if resume is not None and "resume" not in inspect.signature(model.fit).parameters:
        raise TableError(f"{type(model).__name__} writes no checkpoints: leave out --resume")
    status = 0
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model.fit(experiment.X[training], experiment.y[training], **arguments)
        except KeyboardInterrupt:
            if not hasattr(model, "weights_"):
                if resume is None or not Path(resume).exists():
                    raise
                print(one_line(f"\nInterrupted: {resume} is saved; run the command again to go on."), file=sys.stderr)
                return INTERRUPTED
            status = INTERRUPTED
            print(INTERRUPTED_IN_TRAINING, file=sys.stderr, flush=True)
            notes.append(f"interrupted after {model.n_iter_} epochs: these are the best weights so far")
        seconds = time.perf_counter() - start
    notes += dict.fromkeys(f"while training: {warning.message}" for warning in caught)

    if status and experiment.split is None:
        save_model(experiment, model, folder)
        remove_files(folder, FILES[1:])
        print(f"Interrupted after {model.n_iter_} epochs: these are the best weights so far.")
        print(one_line(f"Written to {folder}/: {FILES[0]}. Nothing was compared: the model would be trained again."))
        print("Interrupted: the model file holds the best weights so far.", file=sys.stderr)
        return status
    return report_experiment(
        experiment, model, seconds, folder, notes=notes, plots=plots, quiet=quiet, interrupted=status == INTERRUPTED
    )
