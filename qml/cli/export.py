"""Write a trained model as a file that runs without qumba.

onnx: for runtimes in every language, and for servers (needs pip install 'qumba[onnx]').
c:    one header without dependencies, for microcontrollers.
qasm: the circuit as OpenQASM 3, and everything around it as JSON.

Inputs are the columns of numbers that the model takes; those of a model that
`qumba train` wrote have one column for each category of a column of words.
"""

from __future__ import annotations

import argparse

from qml.cli.table_data import check_files

__all__ = ["ARGUMENTS", "add_arguments", "run"]

ARGUMENTS = "model.qumba --to onnx|c|qasm"

SUFFIXES = {"onnx": ".onnx", "c": ".h", "qasm": ".qasm"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("model", help="model file, such as model.qumba")
    parser.add_argument("--to", choices=SUFFIXES, required=True, help="format")
    parser.add_argument("--output", "-o", metavar="FILE", help="file to write; by default beside the model")
    parser.add_argument("--single", action="store_true", help="single precision (onnx, c)")
    parser.add_argument("--int8", action="store_true", help="matrices of 8-bit integers (c)")
    parser.add_argument("--name", metavar="NAME", help="prefix of all names (c); by default the name of the file")


def run(options: argparse.Namespace) -> int:
    """Export."""
    check_files(options.model, outputs=[options.output])
    import sys
    from pathlib import Path

    from qml.cli.prediction import schema_of, trained_model
    from qml.deploy import export_c, export_onnx, export_qasm
    from qml.tables import TableError
    from qml.text import one_line

    model, extra = trained_model(options.model)
    path = Path(options.model).with_suffix(SUFFIXES[options.to]) if options.output is None else Path(options.output)
    if options.int8 and options.to != "c":
        raise TableError(f"--int8 is for --to c, got --to {options.to}")
    if options.single and options.to == "qasm":
        raise TableError("--single is for --to onnx and --to c, got --to qasm")
    schema = schema_of(options.model, extra)
    names = None if schema is None else schema.feature_names
    try:
        if options.to == "onnx":
            export_onnx(model, path, precision="single" if options.single else "double", feature_names=names)
        elif options.to == "c":
            header = export_c(
                model,
                path,
                name=options.name,
                precision="float" if options.single else "double",
                weights="int8" if options.int8 else "full",
                feature_names=names,
            )
            print(header)
        else:
            export_qasm(model, path, feature_names=names)
    except (ValueError, TypeError, ImportError) as error:
        raise TableError(str(error)) from error
    print(one_line(f"{path} written"), file=sys.stderr)
    return 0
