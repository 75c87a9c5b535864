"""Write the model card of a trained model.

Filled from the model file: data, split, scores with intervals, circuit,
weights, training, costs, limits, and with --explain what the model's predictions
depend on. What neither the file nor an option says is marked as missing.
"""

from __future__ import annotations

import argparse

from qml.cli.table_data import add_reading_options, check_files

__all__ = ["ARGUMENTS", "add_arguments", "run"]

ARGUMENTS = "model.qumba"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("model", help="model file, such as model.qumba")
    parser.add_argument("--output", "-o", metavar="FILE", help="file to write; by default card.md beside the model")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace a card that exists, with what was added by hand"
    )
    parser.add_argument("--name", metavar="TEXT", help="name of the model")
    parser.add_argument("--intended-use", metavar="TEXT", help="what the model is for")
    parser.add_argument("--out-of-scope", metavar="TEXT", help="what it is not for")
    parser.add_argument("--limitation", action="append", metavar="TEXT", help="a further limit; repeatable")
    parser.add_argument("--data", action="append", metavar="TEXT", help="sentence on the training data; repeatable")
    parser.add_argument("--license", metavar="NAME", help="license, such as apache-2.0")
    parser.add_argument("--author", action="append", metavar="NAME", help="author; repeatable")
    parser.add_argument("--contact", metavar="TEXT", help="whom to ask")
    explanation = parser.add_argument_group("the explanation")
    explanation.add_argument(
        "--explain",
        metavar="DATA",
        help="table, such as data.csv, whose rows the explanation refers to: as for `qumba explain`, with its defaults",
    )
    add_reading_options(explanation, fill=True)


def run(options: argparse.Namespace) -> int:
    """Write the card."""
    check_files(options.model, options.explain, outputs=[options.output])
    import sys
    from pathlib import Path

    from qml.accounts.card import MISSING, model_card
    from qml.cli.prediction import schema_of, trained_model
    from qml.tables import TableError, TableModel
    from qml.text import one_line

    path = Path(options.model).with_name("card.md") if options.output is None else Path(options.output)
    if path.is_file() and not options.overwrite:
        raise TableError(f"{path} exists: name another file with --output, or replace it with --overwrite")
    estimator, extra = trained_model(options.model)
    schema = schema_of(options.model, extra)
    record = extra.get("record") if isinstance(extra, dict) else None
    explanation = None
    if options.explain is not None:
        from qml.cli.explanation import explanation_of

        explanation = explanation_of(options, estimator, extra, options.explain, random_state=0)
    text = model_card(
        estimator if schema is None else TableModel(estimator, schema, record),
        path,
        name=options.name,
        intended_use=options.intended_use,
        out_of_scope=options.out_of_scope,
        limitations=options.limitation,
        data=options.data,
        explanation=explanation,
        license=options.license,
        authors=options.author,
        contact=options.contact,
    )
    print(one_line(f"{path} written; {MISSING} stands {text.count(MISSING)} times in it"), file=sys.stderr)
    return 0
