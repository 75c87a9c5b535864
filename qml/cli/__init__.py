"""The command ``qumba``: train on a CSV file, predict with a model file, demonstrations, and what is installed.

Commands import what they need when they run, so ``qumba --help`` answers at once.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from qml.text import one_line

__all__ = ["main"]

COMMANDS = {
    "train": "train a quantum model on a CSV file, beside classical baselines",
    "predict": "predict the rows of a CSV file with a trained model",
    "demo": "train on real data that comes with scikit-learn",
    "info": "what is installed, and what this machine can simulate",
}
BAD_INPUT = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells expect


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command ``qumba``.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        Exit status: 0, or 2 for input that cannot be used (one line on stderr says why), or 130 after Ctrl-C.
    """
    parser = _parser()
    try:
        options = parser.parse_args(arguments)
    except SystemExit as stop:  # argparse's way out of --help and of wrong usage
        return stop.code if isinstance(stop.code, int) else BAD_INPUT
    if options.command is None:
        parser.print_help()
        return BAD_INPUT
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            status: int = import_module(f"qml.cli.{options.command}").run(options)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        print(f"\nqumba {options.command}: interrupted; nothing was saved", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        from simulator.errors import QumbaError  # at the top it would make --help wait for the engine

        if not isinstance(error, QumbaError):
            raise
        print(one_line(f"qumba {options.command}: {error}"), file=sys.stderr)
        return BAD_INPUT


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, one_line(f"{self.prog}: {message} (see {self.prog} --help)") + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="qumba", description="Quantum machine learning on a table: train, compare, predict.")
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="command", parser_class=_Parser)
    for name, summary in COMMANDS.items():
        module = import_module(f"qml.cli.{name}")
        command = commands.add_parser(
            name,
            help=summary,
            usage=f"qumba {name} {module.ARGUMENTS} [options]",
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
    return parser


class _Version(argparse.Action):
    """Looked up only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"qumba {version('qumba')}")
        except PackageNotFoundError:
            print("qumba, run from a folder that is not installed")
        parser.exit()


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """A warning as one line, without the source line it comes from."""
    print(one_line(f"note: {message}"), file=sys.stderr)
