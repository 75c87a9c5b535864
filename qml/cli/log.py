"""Verify a log of decisions that qml.accounts.DecisionLog wrote.

Changed, deleted, inserted and reordered lines are found by the log alone. That
its end was cut off, or all of it rewritten, shows only the hash of its last
line, kept where the writer of the log cannot change it: pass it as --head.

Exit status: 0 if the log is intact, 1 if it was changed, 2 if it cannot be read.
"""

from __future__ import annotations

import argparse

__all__ = ["ARGUMENTS", "add_arguments", "run"]

ARGUMENTS = "verify decisions.jsonl"

CHANGED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("action", choices=("verify",), help="what to do")
    parser.add_argument("log", help="the log, such as decisions.jsonl")
    parser.add_argument(
        "--head", metavar="HASH", help="hash of a line that was the last one, or the file that holds it"
    )
    parser.add_argument("--model", metavar="FILE", help="model file that the log must be of")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(options: argparse.Namespace) -> int:
    """Verify."""
    import json
    import os

    if not os.path.exists(options.log):  # told at once, before the library is imported
        from qml.tables import TableError

        raise TableError(f"there is no log {options.log}")

    from qml.accounts.verification import verify
    from qml.assessment.report import Paragraph
    from qml.cli.output import show

    result = verify(options.log, options.head)
    problem = None if options.model is None else _other_model(options.model, result.model)
    if options.json:
        print(json.dumps(result.as_dict() | {"other_model": problem}, indent=2))
    else:
        show([*result.blocks(), *([] if problem is None else [Paragraph(problem)])])
    return 0 if result.intact and problem is None else CHANGED


def _other_model(path: str, digest: str) -> str | None:
    """Say so if a log is not of the model in a file, with or without its columns."""
    from qml.accounts.digests import model_digest
    from qml.cli.prediction import trained_model
    from qml.persistence import load

    estimator, _ = trained_model(path)
    if digest in (model_digest(load(path)), model_digest(estimator)):
        return None
    return f"OTHER MODEL: {path} has the digest {model_digest(load(path))}."
