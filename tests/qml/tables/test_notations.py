"""Tables as people really have them: notations of numbers, words for nothing, gaps, compressed and Excel files."""

import bz2
import gzip
import io
import lzma
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qml.tables import Schema, TableError, from_frame, infer_schema, read_table, read_target, with_target
from qml.tables.notation import notation_of, parse_number

COLUMNS = [
    (",", ["5,100.0", "1,234,567", "12", "-3,000.25"], [5100.0, 1234567.0, 12.0, -3000.25]),
    (";", ["1.234,56", "12,5", "1.000.000", "-0,5"], [1234.56, 12.5, 1e6, -0.5]),
    (",", ["1.234,56", "12,5", "1.000.000", "-0,5"], [1234.56, 12.5, 1e6, -0.5]),
    (";", ["1,5", "2,25", "3", "1e3"], [1.5, 2.25, 3.0, 1000.0]),
    (";", ["1,234", "5,678", "9,012", "3,456"], [1.234, 5.678, 9.012, 3.456]),  # decimals, for ; separates
    (",", ["1,234", "5,678", "9,012", "3,456"], [1234.0, 5678.0, 9012.0, 3456.0]),
    (",", ["1.234", "2.5", "3.25", "4"], [1.234, 2.5, 3.25, 4.0]),  # as Python reads them
    (";", ["1.234,5", "1.234", "2.000", "7"], [1234.5, 1234.0, 2000.0, 7.0]),  # one cell settles the others
    (",", ["$5", "$1,000.50", "-$3", "($20.00)"], [5.0, 1000.5, -3.0, -20.0]),
    (";", ["12,50 €", "1.000,00 €", "-3 €", "7€"], [12.5, 1000.0, -3.0, 7.0]),
    (",", ["CHF 1'000", "CHF 12", "CHF 3.5", "CHF 1'234'567.5"], [1000.0, 12.0, 3.5, 1234567.5]),
    (",", ["5%", "7.5 %", "100%", "-2%"], [0.05, 0.075, 1.0, -0.02]),
    (",", ["1 000", "12 500", "3", "1\u202f234\u202f567"], [1000.0, 12500.0, 3.0, 1234567.0]),
    (",", ["5-", "\u22123", "+4", "(2)"], [-5.0, -3.0, 4.0, -2.0]),
]
TEXTS = (
    "1.2.3", "12,34,56", "1,23.4", "(5", "--5", "-5-", "1 2", "5 % off", "", "€", "1_000", "12 EUR 5", "0x10", "(-5)",
)  # fmt: skip


@pytest.fixture
def write(tmp_path):
    def write(content, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def csv_of(separator, cells, classes=("no", "yes")):
    quoted = (f'"{cell}"' if separator in cell else cell for cell in cells)
    return f"x{separator}y\n" + "".join(f"{cell}{separator}{classes[k % 2]}\n" for k, cell in enumerate(quoted))


@pytest.mark.parametrize(("separator", "cells", "expected"), COLUMNS)
def test_numbers_in_every_notation(write, separator, cells, expected):
    repeats = 5
    table = read_table(write(csv_of(separator, cells * repeats)), separator)
    schema = infer_schema(table, "y")
    assert [column.kind for column in schema.columns] == ["number"]
    X, notes = schema.encode(table)
    np.testing.assert_allclose(X[:, 0], expected * repeats, rtol=1e-15)
    assert notes == []
    again = Schema.from_json(schema.to_json())
    assert again == schema
    np.testing.assert_array_equal(again.encode(table)[0], X)


@pytest.mark.parametrize("cell", TEXTS)
def test_what_is_no_number_stays_text(cell):
    assert parse_number(cell, "plain") is None or cell == ""
    assert parse_number(cell, "point") is None
    assert parse_number(cell, "comma") is None


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.floats(-1e9, 1e9).map(lambda value: round(value, 2)), st.sampled_from(["point", "comma"]))
def test_numbers_that_python_formats_are_read_back(value, notation):
    text = f"{value:,.2f}"
    if notation == "comma":
        text = text.translate(str.maketrans(",.", ".,"))
    assert parse_number(text, notation) == value


def test_the_notation_of_training_is_that_of_prediction(write):
    table = read_table(write(csv_of(";", ["1.234,5", "2.000", "7", "12,5"] * 5)))
    schema = infer_schema(table, "y")
    assert schema.columns[0].notation == "comma"
    new = read_table(write("x\n1.234\n", "new.csv"))  # alone, it would be a little more than one
    assert schema.encode(new)[0].tolist() == [[1234.0]]
    assert schema.encode(from_frame(pd.DataFrame({"x": [1.234]})))[0].tolist() == [[1.234]]  # already a number


def test_plain_columns_are_stored_as_in_earlier_versions(write):
    data = infer_schema(read_table(write(csv_of(",", ["1.5", "2"] * 10))), "y").to_json()
    assert data.keys() == {"target", "columns", "left_out", "impute"}
    assert "notation" not in data["columns"][0]
    assert notation_of(["1.5", "2"], ",") == "plain"


class TestGaps:
    def test_other_marks_are_named_and_remembered(self, write):
        cells = ["1.5", "-999", "2.5", "3"] * 5
        table = read_table(write(csv_of(",", cells)), na=["-999"])
        schema = infer_schema(table, "y", impute=True)
        X, notes = schema.encode(table)
        assert sorted(set(X[:, 0])) == [1.5, 2.5, 3.0]
        assert notes == ["x: 5 empty, filled with 2.5"]
        again = Schema.from_json(schema.to_json())
        assert again.encode(read_table(write("x\n-999\n", "new.csv")))[0].tolist() == [[2.5]]

    def test_none_is_a_category_where_it_is_frequent(self, write):
        cells = ["None", "mild", "severe", "None"] * 5
        table = read_table(write(csv_of(",", cells)))
        schema = infer_schema(table, "y")
        assert schema.columns[0].categories == ("None", "mild", "severe")
        assert schema.encode(table)[0][0].tolist() == [1, 0, 0]

    def test_none_is_a_gap_among_numbers(self, write):
        table = read_table(write(csv_of(",", ["None", "1.5", "2.5", "3.5"] * 5)))
        with pytest.raises(TableError, match=r"empty cells, first on line 2: x \(5\)"):
            infer_schema(table, "y")

    def test_mostly_empty_columns_are_left_out(self, write):
        text = "x,z,y\n" + "".join(f"{k * 0.5},{k if k % 5 == 0 else ''},{'ab'[k % 2]}\n" for k in range(20))
        table = read_table(write(text))
        schema = infer_schema(table, "y")
        assert [(c.name, c.reason) for c in schema.left_out] == [
            ("z", "empty in 80% of the rows; use --keep to use it")
        ]
        assert len(infer_schema(table, "y", keep=["z"], impute=True).columns) == 2

    @pytest.mark.parametrize("gap", ["", "NA"])
    def test_rows_without_a_target_are_left_out_and_counted(self, write, gap):
        text = "x,y\n" + "".join(f"{k * 0.5},{gap if k in (3, 7) else 'ab'[k % 2]}\n" for k in range(20))
        table, count = with_target(read_table(write(text)), "y")
        assert (len(table), count) == (18, 2)
        assert table.lines == tuple(k + 2 for k in range(20) if k not in (3, 7))
        assert len(read_target(table, "y").y) == 18

    def test_frequent_classes_called_na_are_kept(self, write):
        table, count = with_target(read_table(write("x,y\n" + "1,NA\n2,b\n" * 10)), "y")
        assert (len(table), count) == (20, 0)


class TestFiles:
    TEXT = "a,b\n1,x\n2,y\n"

    @pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
    def test_compressed(self, write, compress):
        assert read_table(write(compress(self.TEXT.encode()), "data.csv.gz")).columns == (("1", "2"), ("x", "y"))
        with pytest.raises(TableError, match="compressed contents are damaged"):
            read_table(write(compress(self.TEXT.encode() * 50)[:-20], "cut.csv.gz"))

    def test_standard_input(self, monkeypatch):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(self.TEXT.encode())))
        table = read_table("-")
        assert (table.path, table.names) == ("standard input", ("a", "b"))

    def test_comments_above_the_names(self, write):
        table = read_table(write("# made by us, in 2024\n#\n" + self.TEXT))
        assert (table.names, table.lines) == (("a", "b"), (4, 5))
        assert read_table(write("#a,b\n1,x\n")).names == ("#a", "b")

    def test_excel(self, write):
        pytest.importorskip("openpyxl")
        frame = pd.DataFrame({"n": [1, 2, None], "w": ["x", None, "z"], "d": [0.25, 1e-7, 3.0]})
        content = io.BytesIO()
        frame.to_excel(content, index=False)
        table = read_table(write(content.getvalue(), "data.xlsx"))
        assert table.columns == (("1", "2", ""), ("x", "", "z"), ("0.25", "1e-07", "3"))
        assert table.typed == {"n", "d"}
        for content in (b"PK\x03\x04 no", b"a,b\n1,2\n"):
            with pytest.raises(
                TableError, match=r"cannot read .*broken\.xlsx as a file of Excel: File is not a zip file"
            ):
                read_table(write(content, "broken.xlsx"))
        with pytest.raises(TableError, match=r"there is no file .*missing\.xlsx"):
            read_table("missing.xlsx")

    def test_a_missing_reader_names_its_extra(self, write, monkeypatch):
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        monkeypatch.setitem(sys.modules, "fastparquet", None)
        with pytest.raises(TableError, match=r"needs the extra \[parquet\]: pip install 'qumba\[parquet\]'"):
            read_table(write(b"PAR1", "data.parquet"))
