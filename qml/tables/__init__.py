"""Conversion of CSV files into features and a target, by an immutable schema that is stored beside the model.

Cells are read as text, and the kind of each column is determined explicitly, so that a report can state it. pandas
reads Excel and Parquet files and is imported only for these. skrub 0.11 was tried in place of this package: its
``Cleaner`` leaves ``1.234,56 €``, ``5,100.0``, ``5%`` and ``(5.00)`` as text, turns classes called "None" into gaps,
keeps numbers that count the rows, and takes 2.7 s to import.
"""

from qml.tables.kinds import LeftOut
from qml.tables.model import EXTRA_FORMAT, TableModel
from qml.tables.reading import from_frame, read_table
from qml.tables.schema import Column, Schema, infer_schema
from qml.tables.table import Table, TableError
from qml.tables.target import Target, read_target, with_target
from simulator.lazy import only_public

__all__ = [
    "EXTRA_FORMAT",
    "Column",
    "LeftOut",
    "Schema",
    "Table",
    "TableError",
    "TableModel",
    "Target",
    "from_frame",
    "infer_schema",
    "read_table",
    "read_target",
    "with_target",
]

__dir__ = only_public(__name__)
