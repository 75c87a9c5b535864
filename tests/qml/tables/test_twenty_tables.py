"""Twenty tables as people really have them: what becomes a feature, what is left out, and what the target is."""

import argparse
import bz2
import gzip
import io
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from qml.cli.table_data import add_table_options, encoded, read_data
from qml.tables import TableError

ROWS = 40
SIZE = [f"{1 + row * 0.25:.2f}" for row in range(ROWS)]
LABEL = ["no", "yes"] * (ROWS // 2)


@dataclass(frozen=True)
class Case:
    """A table: its columns as written, how they are written, and what is to become of them."""

    columns: dict[str, list[str]]
    numbers: tuple[str, ...]
    categories: tuple[str, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)
    task: str = "classification"
    classes: tuple[object, ...] = ("no", "yes")
    rows: int = ROWS
    values: dict[str, list[float]] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    separator: str = ","
    name: str = "data.csv"
    before: str = ""
    pack: Callable[[str], bytes] = str.encode


def table(**columns):
    return {"size": SIZE, **columns, "y": LABEL}


def frame_bytes(writer):
    def pack(text):
        file = io.BytesIO()
        getattr(pd.read_csv(io.StringIO(text)), writer)(file, index=False)
        return file.getvalue()

    return pack


def some(cells, count=ROWS):
    return [cells[row % len(cells)] for row in range(count)]


TABLES = {
    "plain": Case(table(), ("size",)),
    "thousands": Case(
        table(price=some(["5,100.0", "1,234,567", "12"])), ("size", "price"),
        values={"price": [5100.0, 1234567.0, 12.0]},
    ),
    "decimal commas": Case(
        table(price=some(["1.234,56", "12,5", "-0,5"])), ("size", "price"), separator=";",
        values={"price": [1234.56, 12.5, -0.5]},
    ),
    "currency": Case(
        table(price=some(["$5", "$1,000.50", "-$3"])), ("size", "price"), values={"price": [5, 1000.5, -3]}
    ),
    "per cent and signs": Case(
        table(rate=some(["5%", "7.5 %", "-2%"]), change=some(["5-", "+4", "(2)"])), ("size", "rate", "change"),
        values={"rate": [0.05, 0.075, -0.02], "change": [-5, 4, -2]},
    ),
    "classes called None": Case(table() | {"y": some(["None", "mild"])}, ("size",), classes=("None", "mild")),
    "classes called NA and null": Case(table() | {"y": some(["NA", "null"])}, ("size",), classes=("NA", "null")),
    "other marks of gaps": Case(
        table(weight=["-999", "?", "-", *SIZE[3:]]), ("size", "weight"),
        options=("--na", "-999", "--na", "-", "--impute"),
    ),
    "rows without a target": Case(table() | {"y": ["", "?", *LABEL[2:]]}, ("size",), rows=ROWS - 2),
    "mostly empty": Case(
        table(rare=["1.5", "2.5"] + [""] * (ROWS - 2)), ("size",), left_out={"rare": "empty in 95% of the rows"}
    ),
    "identifiers and dates": Case(
        table(id=[str(row) for row in range(ROWS)], day=[f"2024-01-{1 + row % 28:02d}" for row in range(ROWS)]),
        ("size",), left_out={"id": "identifier", "day": "dates or times"},
    ),
    "free text": Case(
        table(note=[f"the patient {row} came {'very ' * (row % 3)}late on a day" for row in range(ROWS)]), ("size",),
        left_out={"note": "free text"},
    ),
    "words and constants": Case(
        table(job=some(["clerk", "nurse", "pilot"]), unit=["kg"] * ROWS), ("size",), ("job",),
        left_out={"unit": "always 'kg'"},
    ),
    "numbers that are names": Case(
        table(code=some(["1", "7", "9"])), ("size",), ("code",), options=("--categorical", "code")
    ),
    "counts as target": Case(
        table() | {"y": [str(3 * row % 37) for row in range(ROWS)]}, ("size",), task="regression", classes=()
    ),
    "comments above the names": Case(table(), ("size",), before="# measured in 2024\n# by two people\n"),
    "gzip": Case(table(), ("size",), name="data.csv.gz", pack=lambda text: gzip.compress(text.encode())),
    "bzip2, tabs": Case(
        table(), ("size",), name="data.tsv.bz2", separator="\t", pack=lambda text: bz2.compress(text.encode())
    ),
    "Excel": Case(table(), ("size",), name="data.xlsx", pack=frame_bytes("to_excel")),
    "Parquet": Case(table(), ("size",), name="data.parquet", pack=frame_bytes("to_parquet")),
    "Windows-1252, bars": Case(
        table(ort=some(["Köln", "Düren"])), ("size",), ("ort",), separator="|", pack=lambda text: text.encode("cp1252")
    ),
    "formula cells and markup": Case(
        table(cell=some(["=SUM(A1)", "$a|b$", "<b>"])), ("size",), ("cell",),
    ),
}  # fmt: skip


def read(case, path):
    parser = argparse.ArgumentParser()
    add_table_options(parser)
    options = parser.parse_args([path, "-t", "y", *case.options])
    data, target, num_without = read_data(options)
    schema, X, _ = encoded(options, data, target, num_without, np.arange(len(data)), "to train on")
    return data, target, schema, X


@pytest.mark.parametrize("title", TABLES)
def test_the_right_columns(title, tmp_path):
    case = TABLES[title]
    if title == "Parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / case.name
    path.write_bytes(case.pack(text_of(case)))
    data, target, schema, X = read(case, str(path))
    assert tuple(column.name for column in schema.columns if column.kind == "number") == case.numbers
    assert tuple(column.name for column in schema.columns if column.kind == "category") == case.categories
    reasons = {column.name: column.reason for column in schema.left_out}
    assert reasons.keys() == case.left_out.keys()
    for name, reason in case.left_out.items():
        assert reasons[name].startswith(reason)
    assert (target.task, len(data), len(X)) == (case.task, case.rows, case.rows)
    if case.task == "classification":
        assert tuple(np.unique(target.y).tolist()) == tuple(sorted(case.classes))
    assert np.isfinite(X).all()
    for name, values in case.values.items():
        np.testing.assert_allclose(X[: len(values), schema.feature_names.index(name)], values)
    first = schema.feature_names.index("size")
    np.testing.assert_allclose(X[-1, first], float(SIZE[-1]))


def test_standard_input(monkeypatch):
    case = TABLES["decimal commas"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text_of(case).encode())))
    _, target, schema, _ = read(case, "-")
    assert [column.name for column in schema.columns] == ["size", "price"]
    assert len(target.y) == ROWS


def test_nul_bytes_are_one_line(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(text_of(TABLES["plain"]).encode().replace(b"yes", b"y\0s", 1))
    with pytest.raises(TableError, match="is not text in utf-8 or cp1252") as caught:
        read(TABLES["plain"], str(path))
    assert "\n" not in str(caught.value)


def text_of(case):
    rows = zip(*case.columns.values(), strict=True)
    quoted = ([f'"{cell}"' if case.separator in cell else cell for cell in row] for row in rows)
    size = list(case.columns).index("size")
    lines = [case.separator.join(case.columns)]
    for cells in quoted:
        if case is TABLES["decimal commas"]:
            cells[size] = cells[size].replace(".", ",")
        lines.append(case.separator.join(cells))
    return case.before + "\n".join(lines) + "\n"
