"""Train a quantum model on a CSV file, and compare it with classical baselines.

The first line of the file names the columns. Numbers are used unchanged, text
with few different values is one-hot encoded; dates, identifiers and constants
are left out, and the report lists them. A target of numbers with many different
values means regression. A trained layer turns features that do not fit on the
qubits into as many as there are qubits.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from qml.cli.table_data import add_table_options, encoded, read_data, stem
from qml.cli.training_options import (
    add_budget_options,
    add_choice_options,
    add_model_options,
    add_output_options,
    folds,
    model_settings,
)

__all__ = ["ARGUMENTS", "add_arguments", "run"]

ARGUMENTS = "data.csv --target COLUMN"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    table = add_table_options(parser)
    table.add_argument(
        "--cv",
        type=folds,
        metavar="K",
        help="compare by K-fold cross-validation; 0 for one split (5 below 200 rows, unless --test-size is set)",
    )
    table.add_argument(
        "--sensitive",
        action="append",
        default=[],
        metavar="COLUMN",
        help="keep a column beside the features, and compare its groups; repeatable",
    )
    table.add_argument(
        "--positive", metavar="CLASS", help="class that counts as being selected when groups are compared (the second)"
    )
    add_model_options(parser)
    add_choice_options(parser)
    add_budget_options(parser)
    parser.add_argument("--resume", metavar="FILE", help="checkpoint file to write, and to resume from if it exists")
    add_output_options(parser, "./data-qumba for data.csv")


def run(options: argparse.Namespace) -> int:
    """Train, compare, report."""
    import numpy as np

    from qml.tables import TableError
    from simulator.errors import shortened

    table, target, num_without = read_data(options)

    groups: dict[str, list[str]] = {}
    group_notes: list[str] = []
    positive = None
    if options.sensitive:
        from qml.cli.sensitive import positive_class, sensitive_columns

        if options.positive is not None and target.task == "regression":
            raise TableError("--positive is for classes, and the target is a quantity: leave it out")
        groups, group_notes = sensitive_columns(table, options.sensitive)
        positive = positive_class(np.unique(target.y).tolist(), options.positive)
    elif options.positive is not None:
        raise TableError("--positive is for comparing groups: name their column with --sensitive")

    # imported after the table has been read, so that its faults are told at once
    from qml.cli.estimators import estimator_for
    from qml.cli.experiment import Experiment, output_folder
    from qml.cli.fitting import run_experiment
    from qml.cli.splitting import check_early_stopping, choose_folds, split_rows

    if options.class_weight and target.task == "regression":
        raise TableError("--class-weight is for classes, and the target is a quantity: leave it out")
    num_folds = choose_folds(target, options.cv, options.test_size)
    split = None
    training = np.arange(len(table))
    if num_folds is None:
        split = split_rows(target, 0.25 if options.test_size is None else options.test_size, options.seed)
        training = split[0]
    if options.early_stopping:
        check_early_stopping(target, training)
    use = f"compared by {num_folds}-fold cross-validation; the model file holds the model trained on all rows"
    if split is not None:
        use = f"{len(training)} to train on and {len(split[1])} to test on"
    schema, X, data = encoded(options, table, target, num_without, training, use, sensitive=options.sensitive)
    data += (
        *(
            f"sensitive, not a feature: {name}, groups {shortened(sorted(set(cells)))}"
            for name, cells in groups.items()
        ),
        *group_notes,
    )

    folder = Path(options.output or f"{stem(options.data)}-qumba")
    settings = model_settings(options) | ({"class_weight": options.class_weight} if options.class_weight else {})
    models = ("variational", "kernel") if options.model == "both" else (options.model,)
    for model in models:
        estimator_for(model, target.task, settings, verbose=False)  # raises before the first one has been trained
    status = 0
    for model in models:
        status = run_experiment(
            Experiment(
                title=f"{target.name}, predicted from {Path(options.data).name}",
                data=data,
                X=X,
                y=target.y,
                split=split,
                task=target.task,
                settings=settings,
                schema=schema,
                sensitive=groups,
                positive=positive,
                model=model,
                folds=num_folds or 1,
                candidates=options.candidates or (4 if split else 2),
                twin=not options.no_twin,
            ),
            output_folder(
                folder / model if len(models) > 1 else folder,
                overwrite=options.overwrite,
                numbered=not options.output,
            ),
            plots=not options.no_plots,
            quiet=options.quiet,
            resume=options.resume,
        )
        if status:
            break
    return status
