"""Search for the best quantum model of a CSV file, beside tuned classical models.

Each trial draws a model, its settings and what comes before it, and is scored by
cross-validation on the training rows. The best quantum model is then compared
with classical models on the test rows, which no trial has seen. The table is
read, and the report and the model file are written, as by qumba train.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from qml.cli.table_data import add_table_options, check_outputs, encoded, read_data, stem
from qml.cli.training_options import add_output_options, folds, positive_integer, positive_number, seed

__all__ = ["ARGUMENTS", "add_arguments", "run"]

ARGUMENTS = "data.csv --target COLUMN"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_table_options(parser)
    search = parser.add_argument_group("the search")
    search.add_argument("--trials", type=positive_integer, default=50, metavar="N", help="number of trials (50)")
    search.add_argument("--timeout", type=positive_number, metavar="S", help="seconds after which no trial starts")
    search.add_argument("--cv", type=folds, default=3, metavar="K", help="folds on which a trial is scored (3)")
    search.add_argument(
        "--study", metavar="FILE", help="file of the study, to resume from if it exists, also after a crash"
    )
    search.add_argument(
        "--model", action="append", metavar="NAME", help="search this model only, such as variational; repeatable"
    )
    search.add_argument("--nested", type=folds, metavar="K", help="outer folds that score the search itself")
    search.add_argument(
        "--ensemble", type=positive_integer, default=1, metavar="N", help="models that predict together (1)"
    )
    search.add_argument(
        "--scoring",
        metavar="NAME",
        help="metric of scikit-learn (accuracy, balanced accuracy of uneven classes, or R² of a quantity)",
    )
    search.add_argument("--jobs", type=positive_integer, metavar="N", help="trials at a time (1)")
    search.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="seed; the same seed gives the same result (0)"
    )
    add_output_options(parser, "./data-qumba for data.csv")


def run(options: argparse.Namespace) -> int:
    """Search, compare, report."""
    check_outputs([options.study], options.data)
    table, target, num_without = read_data(options)

    # imported after the table has been read, so that its faults are told at once
    from qml.cli.experiment import Experiment, output_folder
    from qml.cli.reporting import report_experiment
    from qml.cli.splitting import split_rows
    from qml.search import QuantumSearchCV
    from qml.tables import TableError

    try:
        import qml.search.studies  # noqa: F401  # imports Optuna
    except ImportError as error:
        raise TableError(str(error)) from error
    if 0 in (options.cv, options.nested):
        raise TableError("--cv and --nested of a search expect at least 2 folds, got 0")
    split = split_rows(target, 0.25 if options.test_size is None else options.test_size, options.seed)
    use = f"{len(split[0])} to search on and {len(split[1])} to test on"
    schema, X, data = encoded(options, table, target, num_without, split[0], use)
    folder = Path(options.output or f"{stem(options.data)}-qumba")
    folder = output_folder(folder, overwrite=options.overwrite, numbered=not options.output)
    search = QuantumSearchCV(
        target.task,
        options.trials,
        options.timeout,
        options.cv,
        options.study,
        options.seed,
        models=options.model,
        nested=options.nested,
        scoring=options.scoring,
        ensemble=options.ensemble,
        n_jobs=options.jobs,
        verbose=not options.quiet,
    )
    notes, interrupted = [], False
    try:
        search.fit(X[split[0]], target.y[split[0]])
    except KeyboardInterrupt:
        if not hasattr(search, "best_estimator_"):
            raise
        interrupted = True
        notes.append(f"interrupted after {len(search.trials_)} trials: this is the best model so far")
    except ValueError as error:
        raise TableError(str(error)) from error
    return report_experiment(
        Experiment(
            title=f"{target.name}, predicted from {Path(options.data).name}",
            data=data,
            X=X,
            y=target.y,
            split=split,
            task=target.task,
            settings={"random_state": options.seed},
            schema=schema,
        ),
        search.best_estimator_,
        sum(record.fit_seconds for record in _members(search)) / options.cv,
        folder,
        notes=notes,
        plots=not options.no_plots,
        quiet=options.quiet,
        interrupted=interrupted,
        search=search,
    )


def _members(search: Any) -> list[Any]:
    """Return the trials whose models predict."""
    names = {name for name, _ in getattr(search.best_estimator_, "estimators", [])}
    members = [record for record in search.trials_ if record.kind == "quantum" and f"trial {record.number}" in names]
    return members or [search.best_trial_]
