"""Messages on tables and targets that estimators cannot take: they name columns, rows and types."""

import numpy as np
import pandas as pd
import pytest

from qml import (
    ImagePooling,
    KitchenSinksClassifier,
    KitchenSinksRegressor,
    QuantumKernelClassifier,
    QuantumKernelRegressor,
    ReservoirForecaster,
    VariationalRegressor,
    compare_baselines,
    layered_model,
)
from qml.assessment.kernels import concentration
from qml.checked_data import check_classification_targets, validate_data
from qml.diagnostics import gradient_variance
from qml.explain import explain

TABLE = pd.DataFrame({"age": [1.0, 2.0, 3.0, 4.0], "size": [4, 3, 2, 1]})
LABELS = ["a", "b", "a", "b"]
CLASSIFIERS = [KitchenSinksClassifier(8), QuantumKernelClassifier()]


@pytest.mark.parametrize("estimator", CLASSIFIERS)
@pytest.mark.parametrize(
    ("column", "kind", "message"),
    [
        (["x", "y", "x", "y"], ValueError, r"could not convert(.|\n)*not numbers: 'new' \(such as 'x'\); tabular_prep"),
        ([1, "2", None, "three"], ValueError, r"'new' \(such as 'three'\)"),
        (pd.Categorical(["x", "y", "x", "y"]), ValueError, r"'new' \(such as 'x'\)"),
        (pd.to_datetime(["2020", "2021", "2022", "2023"]), TypeError, "X expects numbers, 'new' holds dates or times"),
        (pd.to_timedelta([1, 2, 3, 4]), TypeError, "'new' holds dates or times"),
        ([1.0, np.nan, 2.0, np.nan], ValueError, r"X contains NaN(.|\n)*infinity: 'new' \(2 of 4 rows\); leave"),
        ([1.0, np.inf, 2.0, 3.0], ValueError, r"contains infinity(.|\n)*infinity: 'new' \(1 of 4 rows\)"),
        (pd.array([1, None, 2, 3], dtype="Int64"), ValueError, r"infinity: 'new' \(1 of 4 rows\)"),
        (pd.array([True, None, False, True], dtype="boolean"), ValueError, r"infinity: 'new' \(1 of 4 rows\)"),
    ],
)
def test_columns_of_a_table_are_named(estimator, column, kind, message):
    with pytest.raises(kind, match=message):
        estimator.fit(TABLE.assign(new=column), LABELS)


def test_tables_at_predict():
    model = KitchenSinksClassifier(8, random_state=0).fit(TABLE, LABELS)
    with pytest.raises(TypeError, match="'size' holds dates"):
        model.predict(TABLE.assign(size=pd.to_datetime(["2020"] * 4)))


def test_columns_of_an_array_are_numbered():
    X = TABLE.to_numpy().copy()
    X[2, 1] = np.nan
    with pytest.raises(ValueError, match=r"infinity: 1 \(1 of 4 rows\)"):
        KitchenSinksRegressor(8).fit(X, range(4))


MASKED = "has 1 of 8 entries masked: leave their rows out, or fill them"


@pytest.mark.parametrize(
    "estimator",
    [KitchenSinksRegressor(8), QuantumKernelRegressor(), VariationalRegressor(), ReservoirForecaster(), ImagePooling()],
)
def test_masked_entries_are_not_read(estimator):
    X = np.ma.masked_greater(np.arange(8.0).reshape(4, 2), 6)
    with pytest.raises(ValueError, match=f"X {MASKED}"):
        estimator.fit(X, np.arange(4.0))


def test_masked_targets_and_weights_are_not_read():
    X, masked = np.arange(16.0).reshape(8, 2), np.ma.masked_greater(np.arange(8.0), 6)
    with pytest.raises(ValueError, match=f"y {MASKED}"):
        KitchenSinksRegressor(8).fit(X, masked)
    with pytest.raises(ValueError, match=f"sample_weight {MASKED}"):
        KitchenSinksRegressor(8).fit(X, masked.data, sample_weight=masked)


@pytest.mark.parametrize(
    "function",
    [
        lambda X, y: compare_baselines(KitchenSinksRegressor(8), X, y),
        lambda X, y: explain(KitchenSinksRegressor(8, random_state=0).fit(X.data, y), X),
        lambda X, y: concentration("zz", X),
        lambda X, y: gradient_variance(layered_model("angle", "basic", num_features=2, num_layers=1), X),
    ],
    ids=["baselines", "explanation", "concentration", "diagnosis"],
)
def test_masked_entries_are_not_judged_by(function):
    with pytest.raises(ValueError, match=MASKED):
        function(np.ma.masked_greater(np.arange(8.0).reshape(4, 2), 6), np.arange(4.0))


def test_masked_arrays_without_masked_entries_are_arrays():
    X, y = np.linspace(-1, 1, 8).reshape(4, 2), np.arange(4.0)
    model = KitchenSinksRegressor(8, random_state=0)
    expected = model.fit(X, y).predict(X)
    assert np.array_equal(model.fit(np.ma.masked_greater(X, 9), np.ma.masked_greater(y, 9)).predict(X), expected)


def test_dates_in_an_array():
    with pytest.raises(TypeError, match="X expects numbers, it holds dates or times"):
        KitchenSinksRegressor(8).fit(np.array([["2020"], ["2021"]], dtype="datetime64[D]"), [1, 2])


def test_many_columns_are_counted():
    wide = pd.DataFrame({f"c{k}": ["x", "y"] for k in range(8)})
    with pytest.raises(ValueError, match=r"'c4' \(such as 'x'\) and 3 more"):
        KitchenSinksRegressor(8).fit(wide, [1, 2])


@pytest.mark.parametrize("estimator", CLASSIFIERS)
@pytest.mark.parametrize(
    "labels",
    [
        np.array([*LABELS[:3], None], dtype=object),
        [*LABELS[:3], None],
        np.array([*LABELS[:3], np.nan], dtype=object),
        pd.Series([*LABELS[:3], None], dtype="string"),
        pd.Series(pd.Categorical([*LABELS[:3], None])),
        pd.Series([True, False, True, None], dtype="boolean"),
    ],
)
def test_missing_labels_are_counted(estimator, labels):
    with pytest.raises(ValueError, match="y contains NaN: it is missing in 1 of 4 rows, the first of which is row 3"):
        estimator.fit(TABLE, labels)


def test_missing_and_dated_targets_of_a_regressor():
    model = KitchenSinksRegressor(8)
    with pytest.raises(ValueError, match="missing in 2 of 4 rows, the first of which is row 0"):
        model.fit(TABLE, np.array([None, 1.0, 2.0, None], dtype=object))
    with pytest.raises(ValueError, match="missing in 1 of 4 rows, the first of which is row 1"):
        model.fit(TABLE, pd.Series([1, None, 2, 3], dtype="Int64"))
    for dates in (pd.Series(pd.to_datetime(["2020"] * 4)), np.array(["2020"] * 4, dtype="datetime64[s]")):
        with pytest.raises(TypeError, match="y expects numbers, got dates or times"):
            model.fit(TABLE, dates)


@pytest.mark.parametrize(("labels", "types"), [([0, 1, 0, 1], "int"), ([0, True, 0, "a"], "bool, int, str")])
def test_labels_that_are_objects(labels, types):
    with pytest.raises(ValueError, match=rf"Unknown label type(.|\n)*Python objects \({types}\)"):
        CLASSIFIERS[0].fit(TABLE, np.array(labels, dtype=object))


def test_other_errors_stay_as_they_are():
    with pytest.raises(ValueError, match="inconsistent numbers of samples") as error:
        CLASSIFIERS[0].fit(TABLE, LABELS[:3])
    assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match=r"continuous values\.$"):
        check_classification_targets(np.array([0.5, 1.5]))


def test_what_fits_is_what_scikit_learn_returns():
    dates_as_classes = pd.Series(pd.to_datetime(["2020", "2021"] * 2))
    X, y = validate_data(CLASSIFIERS[0], TABLE, dates_as_classes, dtype=np.float64)
    np.testing.assert_array_equal(X, TABLE.to_numpy())
    np.testing.assert_array_equal(y, dates_as_classes.to_numpy())
