"""CSV files into features and a target, as an immutable schema that is kept beside the model.

The csv module and NumPy do it: what is read are words, and what the words mean is decided column by column, in the
open, so that a report can say it. pandas would add half a second to every command and decide more than it tells.
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
