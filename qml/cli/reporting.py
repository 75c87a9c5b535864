"""Report of an experiment: compare the fitted model with classical ones, write model, report and plots."""

from __future__ import annotations

import copy
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone

from qml.assessment.model_facts import circuit_of, describe, drawing, reduction_note, settings_of, sizes_of
from qml.assessment.report import Picture, markdown
from qml.cli.experiment import FILES, INTERRUPTED, Experiment, remove_files, save_model
from qml.cli.output import show
from qml.cli.phases import Phases
from qml.cli.record import fairness_of, training_record
from qml.cli.report import Facts, confusion, pooled_predictions, report_blocks, report_json
from qml.honesty import BaselineComparison, compare_baselines
from qml.honesty.baselines import compare_on_split
from qml.honesty.twins import innermost
from qml.text import one_line
from simulator.errors import QumbaError, counted
from simulator.files import replace_file
from simulator.version import installed_versions

__all__ = ["report_experiment"]

SEARCH_PICTURE = "search.png"

PICTURES = (SEARCH_PICTURE, "training.png", "comparison.png", "confusion.png", "predictions.png", "circuit.png")
"""Pictures that a run may write."""

HIDDEN_SETTINGS = ("callback", "verbose", "model")

PACKAGES = ("qumba", "numpy", "scikit-learn", "numba")


def report_experiment(
    experiment: Experiment,
    model: Any,
    seconds: float,
    folder: Path,
    *,
    notes: Sequence[str] = (),
    plots: bool = True,
    quiet: bool = False,
    interrupted: bool = False,
    search: Any = None,
) -> int:
    """Compare a fitted model, and write ``model.qumba``, ``report.md``, ``report.json`` and pictures to ``folder``.

    Parameters
    ----------
    experiment : Experiment
    model : fitted estimator or Pipeline
    seconds : float
        Training time in seconds.
    folder : Path
    notes : sequence of str
        Deviations from the request, for the report.
    plots, quiet : bool
    interrupted : bool
        Whether Ctrl-C ended the training or the search.
    search : QuantumSearchCV, optional
        The search that found the model.

    Returns
    -------
    int
        Exit status: 0, or 130 after Ctrl-C.
    """
    phases = Phases(quiet=quiet)
    save_model(experiment, model, folder)
    remove_files(folder, PICTURES)  # of an earlier run
    try:
        phases.begin("comparing", _announcement(experiment))
        shortened = interrupted and search is None
        comparison = _compared(experiment, model, seconds, phases.step, interrupted=shortened)
        if search is not None:
            comparison = _as_best_of(search, comparison)
        estimator = innermost(model)
        facts = _facts(experiment, estimator, notes, comparison)
        fairness, obstacle = fairness_of(experiment.sensitive, experiment.positive, comparison)
        if obstacle is not None:
            facts = replace(facts, notes=(*facts.notes, obstacle))
        if plots:
            phases.begin("drawing", "Drawing the plots")
        pictures, missing = _draw_pictures(experiment, estimator, facts, comparison, folder) if plots else ([], None)
        if search is not None and plots and missing is None:
            search.plot(folder / SEARCH_PICTURE)
            pictures.insert(0, Picture(SEARCH_PICTURE, "Trials, importance of parameters, best trial of each model"))
        phases.finish()
        rows = len(experiment.y if experiment.split is None else experiment.split[0])
        record = training_record(facts, comparison, fairness, rows=rows, seconds=seconds)
    except BaseException as error:
        phases.finish()
        remove_files(folder, FILES[1:])  # of an earlier run; where there is a new report, it keeps their access rights
        if not isinstance(error, KeyboardInterrupt):
            raise
        message = f"Interrupted while {phases.current}: {folder / FILES[0]} is saved, the report is not written."
        print(one_line(message), file=sys.stderr)
        return INTERRUPTED
    leaderboard = () if search is None else search.leaderboard_.blocks()
    groups = () if fairness is None else fairness.blocks()
    more = {} if search is None else {"search": search.leaderboard_.as_dict()}
    blocks = report_blocks(facts, comparison, pictures, leaderboard, groups)
    replace_file(folder / "report.md", [markdown(blocks).encode()])
    # a file name may contain bytes that are not UTF-8; Python's replacement for them is an escape in JSON too
    text = report_json(facts, comparison, fairness, more)
    replace_file(folder / "report.json", [text.encode(errors="backslashreplace")])
    save_model(experiment, model, folder, record)

    show(blocks)
    written = [*FILES, *(picture.file for picture in pictures)]
    print(one_line(f"Written to {folder}/: {', '.join(written)}"))
    if missing:
        print(missing)
    if interrupted:
        best = "weights" if search is None else "model"
        print(f"Interrupted: the model file holds the best {best} so far.", file=sys.stderr)
    return INTERRUPTED if interrupted else 0


def _as_best_of(search: Any, comparison: BaselineComparison) -> BaselineComparison:
    """Return the comparison of a model selected from many, as its verdict then says."""
    trials = sum(record.kind == "quantum" for record in search.trials_)
    quantum = replace(comparison.quantum, candidates=np.full_like(comparison.quantum.candidates, trials))
    return replace(comparison, models=(quantum, *comparison.models[1:]))


def _announcement(experiment: Experiment) -> str:
    tuned = f"classical models, tuned over {counted(experiment.candidates, 'candidate')} each"
    if experiment.split is not None:
        return f"Comparing with {tuned}"
    return f"Comparing with {tuned}, by {experiment.folds}-fold cross-validation"


def _compared(
    experiment: Experiment, model: Any, seconds: float, announce: Callable[[str], None], *, interrupted: bool
) -> BaselineComparison:
    """Compare the fitted model on the split, or its settings by cross-validation."""
    seed = experiment.settings.get("random_state", 0)
    trained = copy.copy(model)
    if interrupted:  # more rows than are compared mean another training, of the same length
        trained.set_params(epochs=max(model.n_iter_, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the model's own training has said it
        if experiment.split is not None:
            return compare_on_split(
                trained,
                seconds,
                experiment.X,
                experiment.y,
                experiment.split,
                candidates=experiment.candidates,
                twin=experiment.twin and not interrupted,
                seed=seed,
                announce=announce,
            )
        return compare_baselines(
            clone(trained),
            experiment.X,
            experiment.y,
            cv=experiment.folds,
            candidates=experiment.candidates,
            twin=experiment.twin,
            random_state=seed,
            announce=announce,
        )


def _facts(experiment: Experiment, model: Any, notes: Sequence[str], comparison: BaselineComparison) -> Facts:
    data = experiment.data + reduction_note(model)
    used = int(comparison.quantum.train_rows.min())
    if used < comparison.num_rows:
        data += (
            f"for the comparison, all models were trained on the same {used:,} of the {comparison.num_rows:,} rows; "
            "the model file holds the model trained on all of them",
        )
    sizes = sizes_of(model)
    return Facts(
        title=experiment.title,
        data=data,
        settings={name: value for name, value in settings_of(model).items() if name not in HIDDEN_SETTINGS},
        model=describe(model, sizes),
        sizes=sizes,
        circuit_text=drawing(circuit_of(model)),
        loss_history=getattr(model, "loss_history_", np.empty(0)),
        validation_scores=getattr(model, "validation_scores_", None),
        best_epoch=getattr(model, "best_epoch_", None),
        notes=tuple(notes),
        versions=installed_versions(PACKAGES),
    )


def _draw_pictures(
    experiment: Experiment, model: Any, facts: Facts, comparison: BaselineComparison, folder: Path
) -> tuple[list[Picture], str | None]:
    """Write pictures to the folder; return them, or a message that explains why there are no pictures."""
    try:
        import matplotlib  # noqa: F401

        from qml import plots
        from qml.plots.classes import draw_confusion
        from qml.plots.training import draw_predictions, draw_training
    except ImportError:
        return [], "No plots: matplotlib is missing (pip install 'qumba[plot]')."
    pictures = []
    if len(facts.loss_history):
        draw_training(
            facts.loss_history,
            facts.validation_scores,
            folder / "training.png",
            best_epoch=facts.best_epoch,
        )
        pictures.append(Picture("training.png", "Training loss and validation score"))
    comparison.plot(folder / "comparison.png")
    pictures.append(Picture("comparison.png", "Models compared on the test rows"))
    if comparison.metrics.labels is not None:
        draw_confusion(confusion(comparison), list(comparison.metrics.labels), folder / "confusion.png")
        pictures.append(Picture("confusion.png", "Confusion matrix"))
    else:
        truth, predicted = pooled_predictions(comparison)
        draw_predictions(truth, predicted, experiment.schema.target, folder / "predictions.png")
        pictures.append(Picture("predictions.png", "Predicted and true values"))
    circuit = circuit_of(model)
    try:
        if circuit is not None:
            plots.plot_circuit(circuit, folder / "circuit.png")
            pictures.append(Picture("circuit.png", "The circuit"))
    except QumbaError:  # the report says why
        pass
    return pictures, None
