"""Training run of the command line: fit, compare with classical models, write model, report and plots."""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from qml.assessment.comparison import Comparison, Split, Task, baselines, compare, standard_error
from qml.assessment.report import Facts, Picture, markdown, report_blocks, report_json, terminal
from qml.estimators.variational.classifier import VariationalClassifier
from qml.estimators.variational.regressor import VariationalRegressor
from qml.layers import Dense
from qml.tables import Schema, TableError
from qml.text import one_line
from simulator import Circuit
from simulator.errors import QumbaError
from simulator.files import check_regular, replace_file

__all__ = ["EXTRA_FORMAT", "Experiment", "output_folder", "run_experiment"]

EXTRA_FORMAT = 1
"""Version of the data stored in a model file beside the model; `qumba predict` reads it."""

FILES = ("model.qumba", "report.md", "report.json")
"""Files written to the folder, besides pictures."""

INTERRUPTED = 130
PACKAGES = ("qumba", "numpy", "scikit-learn", "numba")
CIRCUIT_WIDTH = 110


@dataclass(frozen=True)
class Experiment:
    """Model settings and data of a training run.

    Attributes
    ----------
    title : str
    data : tuple of str
        Sentences about the data, for the report.
    split : Split
    task : {"classification", "regression"}
    settings : dict
        Parameters of the estimator.
    schema : Schema
        Conversion of the table into features; stored in the model file.
    """

    title: str
    data: tuple[str, ...]
    split: Split
    task: Task
    settings: dict[str, Any]
    schema: Schema


def output_folder(path: Path) -> Path:
    """Create the folder if necessary, and check that it is writable, before training starts.

    Raises
    ------
    TableError
        If the folder is not writable.
    NotAFileError
        If the path of an output file is a folder or a device.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise TableError(f"cannot write to {path}: {(error.strerror or str(error)).lower()}") from error
    for name in FILES:
        check_regular(path / name)
    return path


def run_experiment(
    experiment: Experiment, folder: Path, *, plots: bool = True, quiet: bool = False, resume: str | None = None
) -> int:
    """Train, compare, and write ``model.qumba``, ``report.md``, ``report.json`` and pictures to ``folder``.

    After Ctrl-C the best weights so far are saved and reported in the same way.

    Returns
    -------
    int
        Exit status: 0, or 130 after Ctrl-C.
    """
    kind = VariationalClassifier if experiment.task == "classification" else VariationalRegressor
    notes = []
    model = kind(**experiment.settings, verbose=not quiet)
    status = 0
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model.fit(experiment.split.X_train, experiment.split.y_train, resume=resume)
        except KeyboardInterrupt:
            if not hasattr(model, "weights_"):
                raise
            status = INTERRUPTED
            notes.append(f"interrupted after {model.n_iter_} epochs: these are the best weights so far")
        seconds = time.perf_counter() - start
    notes += dict.fromkeys(f"while training: {warning.message}" for warning in caught)

    model_file = folder / "model.qumba"
    model.save(model_file, extra={"format": EXTRA_FORMAT, "schema": experiment.schema.to_json()})
    n_components, seed = _n_components(model), experiment.settings.get("random_state", 0)
    comparison = compare(
        model,
        seconds,
        experiment.split,
        experiment.task,
        classical=baselines(experiment.task, seed, n_components=n_components),
        seed=seed,
    )
    facts = _facts(experiment, model, notes, n_components)
    pictures, missing = _draw_pictures(experiment, model, facts, comparison, folder) if plots else ([], None)
    blocks = report_blocks(facts, comparison, pictures)
    replace_file(folder / "report.md", [markdown(blocks).encode()])
    # a file name may contain bytes that are not UTF-8; Python's replacement for them is an escape in JSON too
    replace_file(folder / "report.json", [report_json(facts, comparison).encode(errors="backslashreplace")])

    print(terminal(blocks))
    written = [*FILES, *(picture.file for picture in pictures)]
    print(one_line(f"Written to {folder}/: {', '.join(written)}"))
    if missing:
        print(missing)
    if status:
        print("Interrupted: the model file holds the best weights so far.", file=sys.stderr)
    return status


def _n_components(model: Any) -> int | None:
    """Return the number of principal components that replace the features, or None."""
    factor = model.scaling_.factor
    return int(np.any(factor, axis=0).sum()) if factor.ndim == 2 else None


def _facts(experiment: Experiment, model: Any, notes: list[str], n_components: int | None) -> Facts:
    data = experiment.data
    if n_components is not None:
        share = model.explained_variance_ratio_
        data += (
            f"{model.n_features_in_} features do not fit on {model.circuit_.num_qubits} qubits with this feature map: "
            f"their {n_components} leading principal components replace them ({100 * share:.0f} % of the variance)",
        )
    elif isinstance(model.network_[0], Dense):
        data += (
            f"{model.n_features_in_} features do not fit on {model.circuit_.num_qubits} qubits with this feature map: "
            f"a trained layer turns them into {model.network_[0].num_outputs}",
        )
    hidden = {"callback", "verbose", "model", *(name for name, value in model.get_params().items() if value is None)}
    return Facts(
        title=experiment.title,
        data=data,
        settings={name: value for name, value in model.get_params().items() if name not in hidden},
        num_qubits=model.circuit_.num_qubits,
        num_gates=len(model.circuit_.operations),
        depth=model.circuit_.depth(),
        num_observables=model.model_.num_outputs,
        num_weights=len(model.weights_),
        circuit_text=_drawing(model.circuit_),
        loss_history=model.loss_history_,
        validation_scores=model.validation_scores_,
        best_epoch=model.best_epoch_,
        notes=tuple(notes),
        versions=_versions(),
    )


def _drawing(circuit: Circuit) -> str:
    try:
        return str(circuit.draw("text", fold=CIRCUIT_WIDTH))
    except QumbaError as error:  # Qiskit, which draws the circuit, lacks one of its gates
        return f"not drawn: {error}"


def _draw_pictures(
    experiment: Experiment, model: Any, facts: Facts, comparison: Comparison, folder: Path
) -> tuple[list[Picture], str | None]:
    """Write pictures to the folder; return them, or a message that explains why there are no pictures."""
    try:
        import matplotlib  # noqa: F401

        from qml import plots
    except ImportError:
        return [], "No plots: matplotlib is missing (pip install 'qumba[plot]')."
    metric = next(iter(comparison.quantum.scores))
    if len(facts.loss_history):
        plots.plot_training(
            facts.loss_history,
            facts.validation_scores,
            folder / "training.png",
            best_epoch=facts.best_epoch,
        )
    pictures = [Picture("training.png", "Training loss and validation score")] if len(facts.loss_history) else []
    shown = [result for result in comparison.results if result.role != "trivial"]
    plots.plot_comparison(
        [result.name for result in shown],
        [result.scores[metric] for result in shown],
        [standard_error(comparison, result) for result in shown],
        [result.train_score for result in shown],
        metric,
        folder / "comparison.png",
    )
    pictures.append(Picture("comparison.png", "Models compared on the test rows"))
    if comparison.labels is not None:
        plots.plot_confusion(comparison.confusion(), list(comparison.labels), folder / "confusion.png")
        pictures.append(Picture("confusion.png", "Confusion matrix"))
    else:
        predicted, name = comparison.quantum.predictions, experiment.schema.target
        plots.plot_predictions(comparison.y_test, predicted, name, folder / "predictions.png")
        pictures.append(Picture("predictions.png", "Predicted and true values"))
    try:
        plots.plot_circuit(model.circuit_, folder / "circuit.png")
        pictures.append(Picture("circuit.png", "The circuit"))
    except QumbaError:  # the report says why
        (folder / "circuit.png").unlink(missing_ok=True)
    return pictures, None


def _versions() -> dict[str, str]:
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:  # run from a checkout without installation
            continue
    return versions
