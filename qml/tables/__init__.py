"""Conversion of CSV files into features and a target, by an immutable schema that is stored beside the model.

Based on the csv module and NumPy: cells are read as text, and the kind of each column is determined explicitly, so that
a report can state it. pandas would add half a second to every command, and does not report its decisions.
"""

from qml.tables.kinds import LeftOut
from qml.tables.reading import Table, TableError, read_table
from qml.tables.schema import Column, Schema, infer_schema
from qml.tables.target import Target, read_target

__all__ = [
    "Column",
    "LeftOut",
    "Schema",
    "Table",
    "TableError",
    "Target",
    "infer_schema",
    "read_table",
    "read_target",
]
