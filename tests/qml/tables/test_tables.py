"""CSV files as people really have them: read right, or refused in one line that says what to do."""

import json

import numpy as np
import pandas as pd
import pytest

from qml.tables import LeftOut, Schema, TableError, infer_schema, read_table, read_target

ROWS = 24


@pytest.fixture
def write(tmp_path):
    def write(content, name="data.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


@pytest.fixture
def table(write):
    """A table of columns given as lists; the target alternates between two words."""

    def table(**columns):
        n_rows = len(next(iter(columns.values())))
        columns = {"y": [("no", "yes")[row % 2] for row in range(n_rows)], **columns}
        lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
        return read_table(write("\n".join(lines) + "\n"))

    return table


def numbers_like(n_rows=ROWS, seed=7):
    return np.random.default_rng(seed).normal(size=n_rows).round(3).tolist()


def reasons(schema):
    return {column.name: column.reason for column in schema.left_out}


class TestReading:
    @pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
    def test_separators_are_found(self, write, separator):
        table = read_table(write(f"a{separator}b{separator}c\n1{separator}2{separator}3\n"))
        assert table.names == ("a", "b", "c")
        assert table.columns == (("1",), ("2",), ("3",))
        assert table.separator == separator

    def test_commas_inside_other_separators(self, write):
        table = read_table(write('a;b\n"1,5";x, y\n2,5;z\n'))
        assert table.columns == (("1,5", "2,5"), ("x, y", "z"))

    def test_long_files_are_sniffed_from_their_beginning(self, write):
        table = read_table(write("a;b\n" + "12345,6;text\n" * 10_000))
        assert len(table) == 10_000
        assert table.separator == ";"

    def test_separator_can_be_said(self, write):
        assert read_table(write("a:b\n1:2\n"), separator=":").names == ("a", "b")
        with pytest.raises(TableError, match="one character"):
            read_table(write("a:b\n1:2\n"), separator="::")

    @pytest.mark.parametrize(
        ("encoding", "found"),
        [(name, name) for name in ("utf-8", "utf-8-sig", "utf-16", "utf-32")] + [("latin-1", "cp1252")],
    )
    def test_encodings(self, write, encoding, found):
        table = read_table(write("größe,né\n1,été\n", encoding=encoding))
        assert table.names == ("größe", "né")
        assert table.columns[1] == ("été",)
        assert table.encoding == found

    def test_encoding_can_be_said(self, write):
        path = write("a,b\n1,Привет\n", encoding="koi8-r")
        assert read_table(path, encoding="koi8-r").columns[1] == ("Привет",)
        with pytest.raises(TableError, match=r"is not text in utf-8: .*--encoding"):
            read_table(path, encoding="utf-8")
        with pytest.raises(TableError, match="unknown encoding 'latin-x'"):
            read_table(path, encoding="latin-x")

    def test_quotes_blanks_and_blank_lines(self, write):
        table = read_table(write('a, b\r\n"say ""hi"", x", 2\r\n\r\n   \r\n3, "two\r\nlines"\r\n'))
        assert table.names == ("a", "b")
        assert table.columns == (('say "hi", x', "3"), ("2", "two\r\nlines"))

    def test_lines_are_counted_over_cells_of_several_lines(self, write):
        table = read_table(write('a,b\n1,"x\ny"\n\n2,z\n'))
        assert table.lines == (3, 5)

    def test_missing_file_names_the_nearest(self, write):
        path = write("a\n1\n", "iris.csv")
        with pytest.raises(TableError, match=r"there is no file .*irsi\.csv; did you mean .*iris\.csv"):
            read_table(path.with_name("irsi.csv"))
        with pytest.raises(TableError, match=r"there is no file .*nowhere"):
            read_table(path.parent / "nowhere" / "iris.csv")

    def test_folder(self, tmp_path):
        with pytest.raises(TableError, match="cannot read .*directory"):
            read_table(tmp_path)

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "is empty"),
            (b" \n\n", "is empty"),
            (b"a,b\n", "2 columns but has no rows"),
            (b"a,b\n1,2\n3\n", "line 3: 1 cell where line 1 names 2 columns .separator: comma"),
            (b"a,b\n1,2\n3,4,5\n", "line 3: 3 cells"),
            (b"\na,b\n1\n", "line 3: 1 cell where line 2 names 2 columns"),
            (b"a,b,a\n1,2,3\n", r"2 columns 'a' \(columns 1, 3\)"),
            (b'a,b\n1,2\n3,"4\n5,6\n', "lines 3 to 4: a quotation mark is never closed"),
            (b'a,b\n1,"2"3\n', "line 2: text continues after a closing quotation mark"),
            (b'a,b\n1,"' + b"x\n" * 100_000 + b'"\n', "more than 131072 characters"),
            (b"PK\x03\x04 and so on", "a zip file, not text"),
            (b"\x1f\x8b and so on", "compressed contents are damaged"),
            (b"a,b\n1,\x00\n", "is not text in utf-8 or cp1252"),
            (b"a,b\n1,\x81\xff\n", "is not text in utf-8 or cp1252"),
            (b"\xff\xfea", "is not text in utf-16"),
        ],
    )
    def test_unreadable(self, write, content, words):
        with pytest.raises(TableError, match=words) as caught:
            read_table(write(content))
        assert "\n" not in str(caught.value)


class TestTarget:
    def test_words(self, table):
        target = read_target(table(x=numbers_like()), "y")
        assert target.task == "classification"
        assert target.y.tolist() == ["no", "yes"] * (ROWS // 2)
        assert not target.guessed

    @pytest.mark.parametrize("cells", [["0", "1"], ["1.0", "2.0"], ["-1", "1"]])
    def test_whole_numbers_are_classes(self, table, cells):
        target = read_target(table(z=cells * 12), "z")
        assert target.task == "classification"
        assert target.y.dtype == np.int64
        assert target.y[:2].tolist() == [float(cell) for cell in cells]

    def test_many_numbers_are_a_quantity(self, table):
        assert read_target(table(z=numbers_like()), "z").task == "regression"
        assert read_target(table(z=[*range(30), *range(30)]), "z").task == "regression"
        assert read_target(table(z=[0.5, 1.5, 2.5] * 8), "z").task == "regression"

    def test_task_can_be_said(self, table):
        assert read_target(table(z=[1, 2, 3] * 8), "z", "regression").task == "regression"
        words = read_target(table(z=[0.5, 1.5, 2.5] * 8), "z", "classification")
        assert words.y[:3].tolist() == ["0.5", "1.5", "2.5"]
        with pytest.raises(TableError, match="holds text, such as 'no'"):
            read_target(table(x=numbers_like()), "y", "regression")

    def test_guesses_are_marked(self, table):
        assert read_target(table(z=[1, 2, 3] * 8), "z").guessed
        assert not read_target(table(z=[0, 1] * 12), "z").guessed

    def test_numbers_with_a_word_among_them_are_classes(self, table):
        target = read_target(table(z=["1", "2", "3", "4", "other"] * 6), "z")
        assert sorted(set(target.y)) == ["1", "2", "3", "4", "other"]

    @pytest.mark.parametrize(
        ("cells", "words"),
        [
            (["a"] * ROWS, "always 'a': there is nothing to learn"),
            (["1"] * ROWS, "always '1'"),
            (["a", "b", "", "NA"] * 6, "empty in 6 rows, first on line 4"),
            (["a", "b"] * 11 + ["NA", "none"], "empty in 2 rows, first on line 24"),
            (["1", "2", "NA"] * 8, "empty in 8 rows, first on line 4"),
            (["NA"] * ROWS, "empty in 24 rows"),
            (["a"] * 22 + ["b", "b"], "class 'b' of 'z' has 2 rows; each needs at least 3"),
            (["a"] * 21 + ["b", "c", "d"], r"class 'b' of 'z' \(and 2 more classes\) has 1 row;"),
            ([f"name {row}" for row in range(ROWS)], "24 different values in 24 rows: an identifier"),
            (["inf", "1"] * 12, "beyond"),
        ],
    )
    def test_nothing_to_learn(self, table, cells, words):
        with pytest.raises(TableError, match=words):
            read_target(table(z=cells), "z")

    @pytest.mark.parametrize("word", ["None", "NA", "null", "n/a", "nan", "<NA>"])
    def test_classes_that_are_called_like_an_empty_cell(self, table, word):
        read = table(z=["Insomnia", word, "Apnea"] * 8)
        target = read_target(read, "z")
        assert target.task == "classification"
        assert target.y.tolist() == pd.read_csv(read.path, keep_default_na=False)["z"].tolist()
        assert target.like_empty == {word: 8}
        assert read_target(read, "y").like_empty == {}

    def test_unknown_column_names_the_nearest(self, table):
        with pytest.raises(TableError, match="no column 'Lable'; did you mean 'label'"):
            read_target(table(label=numbers_like()), "Lable")
        with pytest.raises(TableError, match="it has y, x"):
            read_target(table(x=numbers_like()), "something else")

    def test_no_header(self, write):
        with pytest.raises(TableError, match="its first line, which should name the columns, is 1, 2"):
            read_target(read_table(write("1,2\n3,4\n")), "label")

    def test_too_few_rows(self, table):
        with pytest.raises(TableError, match="has 9 rows; training and testing need at least 10"):
            read_target(table(x=numbers_like(9)), "y")


class TestKinds:
    def test_numbers_and_few_words(self, table):
        schema = infer_schema(table(x=numbers_like(), colour=["red", "green", "blue"] * 8, flag=["t", "f"] * 12), "y")
        assert schema.left_out == ()
        assert schema.feature_names == ["x", "colour=blue", "colour=green", "colour=red", "flag=t"]

    @pytest.mark.parametrize(
        ("name", "cells", "reason"),
        [
            ("when", [f"2024-01-{day:02}" for day in range(1, 25)], "dates"),
            ("when", [f"2024-01-{day:02}T12:30:00Z" for day in range(1, 25)], "dates"),
            ("when", [f"{day}.1.2024" for day in range(1, 25)], "dates"),
            ("when", [f"1/{day}/24 10:15" for day in range(1, 25)], "dates"),
            ("when", [f"{day} Jan 2024" for day in range(1, 25)], "dates"),
            ("when", [f"{hour}:15" for hour in range(24)], "dates or times"),
            ("start_date", [20240100 + day for day in range(1, 25)], "dates, such as 20240101"),
            ("row", range(100, 124), "counts the rows"),
            ("patient_id", np.random.default_rng(0).permutation(24), "identifier: a different number"),
            ("PassengerId", np.random.default_rng(0).permutation(24), "identifier: a different number"),
            ("ID", np.random.default_rng(0).permutation(24), "identifier: a different number"),
            ("name", [f"Mr {row}" for row in range(24)], "identifier: 24 different texts in 24 rows"),
            ("address", [f"{row} High Street North London" for row in range(24)], "identifier: 24 different texts"),
            ("review", [f"{row} stars and I say" + " so" * (row % 5) for row in range(24)], "free text, such as"),
            ("ticket", [f"A{row % 10}" for row in range(24)], "text with 10 different values"),
            ("rate", [row if row % 3 else "-" for row in range(24)], "numbers, except '-' in 8 rows: if that means an"),
            ("same", ["x"] * 24, "always 'x'"),
            ("same", ["1.5"] * 24, "always '1.5'"),
            ("nothing", ["", "NA"] * 12, "empty"),
        ],
    )
    def test_columns_left_out(self, table, name, cells, reason):
        schema = infer_schema(table(x=numbers_like(), **{name: list(cells)}), "y", max_categories=8, impute=True)
        (left_out,) = schema.left_out
        assert left_out.name == name
        assert reason in left_out.reason

    def test_index_column_that_pandas_writes(self, write):
        rows = np.random.default_rng(0).permutation(24)
        lines = [f"{row},{row % 5 + 0.5},{'ab'[row % 2]}" for row in rows]
        schema = infer_schema(read_table(write("\n".join([",x,y", *lines]))), "y")
        assert schema.feature_names == ["x"]
        assert reasons(schema) == {"(column 1)": "identifier: a different number in nearly every row"}

    @pytest.mark.parametrize(
        ("name", "cells"),
        [
            ("year", [1900 + row % 5 for row in range(24)]),
            ("pixel", [row * 7 % 16 for row in range(24)]),
            ("price", np.random.default_rng(0).permutation(24)),
            ("humid", np.random.default_rng(0).permutation(24)),
            ("valid", np.random.default_rng(0).permutation(24)),
        ],
    )
    def test_whole_numbers_that_are_quantities(self, table, name, cells):
        assert infer_schema(table(**{name: list(cells)}), "y").feature_names == [name]

    def test_keep_drop_and_categorical(self, table):
        data = table(
            x=numbers_like(), row=list(range(24)), code=[1, 2, 3] * 8, ticket=[f"A{r % 10}" for r in range(24)]
        )
        schema = infer_schema(data, "y", max_categories=5, keep=["row", "ticket"], drop=["x"], categorical=["code"])
        assert schema.left_out == (LeftOut("x", "as requested"),)
        assert schema.feature_names[:4] == ["row", "code=1", "code=2", "code=3"]
        assert len(schema.feature_names) == 14
        for option in ("keep", "drop", "categorical"):
            with pytest.raises(TableError, match="no column 'ex'"):
                infer_schema(data, "y", **{option: ["ex"]})
            with pytest.raises(TableError, match="is the target"):
                infer_schema(data, "y", **{option: ["y"]})

    def test_nothing_left(self, table):
        with pytest.raises(TableError, match=r"no column to learn from: when \(dates .*, name \(identifier"):
            infer_schema(table(when=["2024-01-01", "2024-01-02"] * 12, name=[f"n{row}" for row in range(24)]), "y")

    def test_target_alone(self, write):
        with pytest.raises(TableError, match="no column to learn from"):
            infer_schema(read_table(write("y\n" + "a\nb\n" * 12)), "y")

    @pytest.mark.parametrize(
        ("cell", "words"),
        [
            ("abc", "holds numbers, except 1 cell, first 'abc' on line 7"),
            ("1_000", "except 1 cell, first '1_000'"),
            ("1e200", "line 7: column 'x' holds '1e200', which is beyond 1e.100"),
            ("-inf", "line 7: column 'x' holds '-inf', which is beyond"),
        ],
    )
    def test_bad_numbers(self, table, cell, words):
        cells = numbers_like()
        cells[5] = cell
        with pytest.raises(TableError, match=words):
            infer_schema(table(x=cells), "y")


class TestEncoding:
    def test_columns_become_features(self, table):
        data = table(colour=["red", "green", "blue"] * 8, x=list(map(float, range(0, 48, 2))), flag=["t", "f"] * 12)
        X, notes = infer_schema(data, "y").encode(data)
        assert notes == []
        np.testing.assert_array_equal(X[:3], [[0, 0, 1, 0, 1], [0, 1, 0, 2, 0], [1, 0, 0, 4, 1]])

    def test_decimal_commas(self, write):
        data = read_table(write("y;x\n" + "a;1,5\nb;-2\nc;1e3\n" * 4))
        X, _ = infer_schema(data, "y").encode(data)
        np.testing.assert_array_equal(X[:3], [[1.5], [-2], [1000]])

    def test_other_order_and_further_columns(self, table):
        data = table(x=numbers_like(), z=numbers_like(seed=8))
        schema = infer_schema(data, "y")
        X, _ = schema.encode(data)
        other = table(z=numbers_like(seed=8), more=["?"] * ROWS, x=numbers_like())
        np.testing.assert_array_equal(schema.encode(other)[0], X)

    def test_missing_columns(self, table):
        schema = infer_schema(table(x=numbers_like(), width=numbers_like(seed=8)), "y")
        with pytest.raises(TableError, match="lacks 1 of the 2 columns .* width; did you mean 'Width'"):
            schema.encode(table(x=numbers_like(), Width=numbers_like()))

    def test_empty_cells_are_counted_by_column(self, table):
        x, z = numbers_like(), ["u", "v"] * 12
        x[3] = x[7] = ""
        z[1] = "NA"
        with pytest.raises(TableError, match=r"empty cells, first on line 3: x \(2\), z \(1\); .*--impute"):
            infer_schema(table(x=x, z=z), "y")

    @pytest.mark.parametrize("cell", ["", "abc"])
    def test_only_training_can_leave_columns_out(self, table, cell):
        """A column that a trained model uses cannot be dropped, and the other commands have no --drop."""
        x = numbers_like()
        schema = infer_schema(table(x=x), "y")
        x[3] = cell
        with pytest.raises(TableError, match="--drop"):
            infer_schema(table(x=x), "y")
        with pytest.raises(TableError, match="--impute|--na") as error:
            schema.encode(table(x=x))
        assert "--drop" not in str(error.value)
        with pytest.raises(TableError) as error:
            read_target(table(x=x), "x", "regression")
        assert "--drop" not in str(error.value)

    def test_imputation_learns_from_the_training_rows(self, table):
        x = [1.0, 2.0, 3.0, ""] + [100.0, 101.0] * 10
        words = ["u", "u", "v", ""] + ["v"] * 20
        data = table(x=x, words=words)
        schema = infer_schema(data, "y", np.arange(4), impute=True)
        X, notes = schema.encode(data)
        np.testing.assert_array_equal(X[3], [2.0, 0.0])
        assert notes == ["x: 1 empty, filled with 2", "words: 1 empty, filled with u"]
        with pytest.raises(TableError, match="empty cells"):
            schema.encode(data, impute=False)

    def test_words_not_seen_in_training_count_as_average(self, table):
        schema = infer_schema(table(colour=["red", "red", "blue", "green"] * 6, flag=["t", "f", "f", "f"] * 6), "y")
        X, notes = schema.encode(table(colour=["mauve", "red"], flag=["f", "x"]))
        np.testing.assert_array_equal(X, [[0.25, 0.25, 0.5, 0], [0, 0, 1, 0.25]])
        assert notes[0] == "colour: 1 row with values not seen in training ('mauve'), treated as average"

    def test_words_where_numbers_were(self, table):
        schema = infer_schema(table(x=numbers_like()), "y")
        with pytest.raises(TableError, match="'x' held numbers in training, but here text, such as 'a'"):
            schema.encode(table(x=["a", "b"]))
        with pytest.raises(TableError, match="but here text, such as 'b'"):
            schema.encode(table(x=["1.5", "b"]))

    def test_constant_and_single_rows_encode(self, table):
        schema = infer_schema(table(x=numbers_like()), "y")
        np.testing.assert_array_equal(schema.encode(table(x=[3.5]))[0], [[3.5]])

    def test_json_keeps_everything(self, table):
        data = table(x=numbers_like(), colour=["red", "green", "blue"] * 8, day=["2024-01-01", "2024-01-02"] * 12)
        schema = infer_schema(data, "y", impute=True)
        again = Schema.from_json(json.loads(json.dumps(schema.to_json())))
        assert again == schema
        np.testing.assert_array_equal(again.encode(data)[0], schema.encode(data)[0])


class TestManyColumns:
    def test_what_was_filled_is_told_in_one_line(self, tmp_path):
        path = tmp_path / "wide.csv"
        names = [f"x{number}" for number in range(9)]
        lines = [",".join([*names, "y"])]
        rng = np.random.default_rng(0)
        for row in range(12):
            cells = ["" if row == number else f"{value:.3f}" for number, value in enumerate(rng.normal(size=9))]
            lines.append(",".join([*cells, "ab"[row % 2]]))
        path.write_text("\n".join(lines) + "\n")
        table = read_table(path)
        schema = infer_schema(table, "y", np.arange(12), impute=True)
        X, notes = schema.encode(table)
        assert X.shape == (12, 9)
        assert notes == [
            "9 columns have 9 empty cells, filled with the median or the most frequent text: "
            "x0, x1, x2, x3, x4, x5 and 3 more"
        ]
