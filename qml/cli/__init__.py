"""The command ``qumba``: train on a CSV file; predict with a model file, explain, export, account for it; run demos.

Commands import what they need when they run, so ``qumba --help`` is fast.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

from qml.text import one_line

__all__ = ["main"]

COMMANDS = {
    "train": "train a quantum model on a CSV file, and compare it with classical baselines",
    "search": "search for the best quantum model of a CSV file, beside classical models",
    "predict": "predict the rows of a CSV file with a trained model",
    "explain": "explain a trained model, and its predictions for the rows of a CSV file",
    "export": "write a trained model as ONNX, C or OpenQASM",
    "fairness": "compare how a trained model treats groups of people",
    "card": "write the model card of a trained model",
    "log": "verify a log of decisions",
    "demo": "train on real data that comes with scikit-learn",
    "info": "show what is installed, and what this machine can simulate",
}
BAD_INPUT = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells expect


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command ``qumba``.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command-line arguments; by default those of the process.

    Returns
    -------
    int
        Exit status: 0, or 2 for unusable input (explained in one line on stderr), or 130 after Ctrl-C.
    """
    if sys.stdout is None:  # the shell closed the stream
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    name = "qumba"
    try:
        parser = _parser()
        try:
            options = parser.parse_args(arguments)
        except SystemExit as stop:  # argparse exits like this after --help and wrong usage
            sys.stdout.flush()
            return stop.code if isinstance(stop.code, int) else BAD_INPUT
        if options.command is None:
            parser.print_help()
            return BAD_INPUT
        name = f"qumba {options.command}"
        if options.command != "predict" and hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="replace")  # a report with a ? for a character is better than none
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            status: int = import_module(f"qml.cli.{options.command}").run(options)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        print(f"\n{name}: interrupted; nothing was saved", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        _discard_output()
        return 0
    except Exception as error:
        reason = _reason(error)
        if reason is None:
            raise
        print(one_line(f"{name}: {reason}"), file=sys.stderr)
        try:
            sys.stdout.flush()
        except OSError:
            _discard_output()
        return BAD_INPUT


def _reason(error: Exception) -> str | None:
    """Explain an error caused by input or the system in one line; None for other errors, which are bugs."""
    from simulator.errors import QumbaError  # imported here because --help must not wait for the engine

    match error:
        case QumbaError():
            return str(error)
        case UnicodeEncodeError():
            text = error.object[error.start : error.end]
            return f"the output's encoding, {error.encoding}, has no {text!r}; use --output or PYTHONIOENCODING=utf-8"
        case OSError():
            reason = (error.strerror or str(error)).lower()
            return f"cannot write the output: {reason}" if error.filename is None else f"{error.filename}: {reason}"
        case MemoryError():
            return f"not enough memory{f': {error}' if str(error) else ''}"
    return None


def _discard_output() -> None:
    """Discard unwritten output; otherwise the interpreter would try to write it at exit, and fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Parser(argparse.ArgumentParser):
    """Argument parser that reports an error in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self._refuse(self.prog, message)

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """Parse arguments; unknown ones are reported by the command that they were given to."""
        known, unknown = self.parse_known_args(args, namespace)
        if unknown:
            command = getattr(known, "command", None)
            owner = f"{self.prog} {command}" if command else self.prog
            self._refuse(owner, f"unrecognized arguments: {' '.join(unknown)}")
        return known

    def _refuse(self, owner: str, message: str) -> NoReturn:
        self.exit(BAD_INPUT, one_line(f"{owner}: {message} (see {owner} --help)") + "\n")


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
    """Action that looks up the version only on request."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from simulator.version import installed_version

        version = installed_version("qumba")
        print(f"qumba {version}" if version else "qumba, run from a folder that is not installed")
        parser.exit()


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Format a warning as one line, without its source line."""
    print(one_line(f"note: {message}"), file=sys.stderr)
