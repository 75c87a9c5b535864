"""`qml.load` of a file of ``qumba train``: predictions from a DataFrame are those of ``qumba predict``."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

from qml import VariationalClassifier, load
from qml.cli import main
from qml.files.container import ModelFileError
from qml.tables import TableError, TableModel, read_table


def frame():
    X, y = load_iris(return_X_y=True)
    rows = np.random.default_rng(5).permutation(150)
    petal = [f"{1000 * value:,.1f}".translate(str.maketrans(",.", ".,")) for value in X[rows, 2]]  # 1.400,0
    return pd.DataFrame(
        {
            "name": [f"flower {row}" for row in rows],
            "petal": petal,
            "width": X[rows, 3],
            "garden": [("north", "south", "None")[row % 3] for row in range(150)],
            "species": np.array(["None", "versicolor", "virginica"])[y[rows]],
        }
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    table = frame()
    table.loc[[4, 9], "species"] = ""
    table.to_csv(folder / "iris.csv", index=False, sep=";")
    arguments = ["train", str(folder / "iris.csv"), "-t", "species", "--epochs", "30", "-q", "--no-plots"]
    arguments += ["--cv", "0", "--candidates", "1", "--no-twin", "-o", str(folder / "out")]
    assert main(arguments) == 0
    return folder


def test_the_report_tells_what_was_done(trained):
    text = (trained / "out" / "report.md").read_text()
    assert "2 rows without a target left out" in text
    assert "148 rows" in text
    assert "left out: name" in text
    assert "garden: 'None' is treated as a category, not as an empty cell" in " ".join(text.split())
    assert "'None' is treated as the name of a class" in " ".join(text.split())


def test_the_whole_model_is_loaded(trained, capsys):
    model = load(trained / "out" / "model.qumba")
    table = frame()
    assert isinstance(model, TableModel)
    shuffled = table[["garden", "species", "width", "petal"]]
    assert main(["predict", str(trained / "out" / "model.qumba"), str(trained / "iris.csv")]) == 0
    printed = capsys.readouterr().out.split()[1:]
    assert model.predict(shuffled).tolist() == printed
    np.testing.assert_array_equal(model.predict_proba(table).argmax(axis=1), np.searchsorted(model.classes_, printed))
    assert model.score(table) == np.mean(model.predict(table) == table["species"]) > 0.9
    np.testing.assert_array_equal(model.predict(read_table(trained / "iris.csv")), printed)


def test_numbers_may_be_numbers_in_the_frame(trained):
    model, table = load(trained / "out" / "model.qumba"), frame()
    numeric = table.assign(petal=[float(cell.replace(".", "").replace(",", ".")) for cell in table["petal"]])
    np.testing.assert_array_equal(model.features(numeric), model.features(table))


def test_the_estimator_is_within_reach(trained, tmp_path):
    model = load(trained / "out" / "model.qumba")
    assert type(model.estimator) is VariationalClassifier
    assert model.weights_ is model.estimator.weights_
    X = model.features(frame())
    np.testing.assert_array_equal(model.predict(X), model.estimator.predict(X))
    np.testing.assert_array_equal(model.decision_function(X), model.estimator.decision_function(X))
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.predict(frame()), model.predict(frame()))
    model.save(tmp_path / "again.qumba")
    np.testing.assert_array_equal(load(tmp_path / "again.qumba").predict(frame()), model.predict(frame()))
    assert repr(model).startswith("TableModel(VariationalClassifier(")
    assert load(trained / "out" / "model.qumba", return_extra=True)[0].__class__ is VariationalClassifier
    with pytest.raises(AttributeError, match="has no attribute 'wieghts_'"):
        model.wieghts_  # noqa: B018


def test_what_the_table_lacks_is_named(trained):
    model, table = load(trained / "out" / "model.qumba"), frame()
    with pytest.raises(TableError, match="lacks 1 of the 3 columns the model was trained on: width"):
        model.predict(table.drop(columns="width"))
    records = table.head(2).to_dict("records")  # as a web service receives them
    for rows in (records, {"width": [0.2]}, table.iloc[0]):
        with pytest.raises(TableError, match="expected a DataFrame with the columns petal, width, garden, or an array"):
            model.predict(rows)
    np.testing.assert_array_equal(model.predict(pd.DataFrame(records)), model.predict(table.head(2)))
    with pytest.raises(TableError, match="score needs y, or a table with the target column 'species'"):
        model.score(table.drop(columns="species"))
    with pytest.warns(UserWarning, match=r"garden: 1 row with values not seen in training \('east'\)"):
        model.predict(table.head(1).assign(garden="east"))
    table.loc[3, "width"] = np.nan
    with pytest.raises(TableError, match=r"empty cells, first on line 5: width \(1\)"):
        model.predict(table)


def test_a_damaged_description_is_refused(trained, tmp_path):
    estimator, extra = load(trained / "out" / "model.qumba", return_extra=True)
    del extra["schema"]["columns"][0]["kind"]
    estimator.save(tmp_path / "bad.qumba", extra)
    with pytest.raises(ModelFileError, match="its table description is damaged"):
        load(tmp_path / "bad.qumba")
