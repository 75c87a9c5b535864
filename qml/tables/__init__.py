"""Conversion of CSV files into features and a target, by an immutable schema that is stored beside the model.

Based on the csv module and NumPy: cells are read as text, and the meaning of each column is decided explicitly, so that
a report can state it. pandas would add half a second to every command and make decisions that it does not report.
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
