"""Model files of pipelines that begin with a table: what comes back gives the same bits, also where words are new."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

import qml
from qml import (
    AngleScaler,
    ImagePooling,
    QubitReducer,
    SumFeatures,
    VariationalClassifier,
    VariationalRegressor,
    tabular_preprocessor,
)
from qml.files.container import ModelFileError, read_container, write_container
from qml.persistence.estimators import VERSION

RNG = np.random.default_rng(4)
N = 60
TABLE = pd.DataFrame(
    {
        "age": RNG.normal(40, 10, N),
        "colour": RNG.choice(["red", "blue", "green", "grün"], N),
        "size": RNG.integers(1, 9, N),
        "member": RNG.choice([True, False], N),
        "plan": pd.Categorical(RNG.choice(["basic", "extra"], N)),
    }
)
LABELS = np.where(TABLE["age"] + 5 * (TABLE["colour"] == "red") > 41, "yes", "no")
NEW = TABLE.iloc[:12].assign(colour=["violet", "red"] * 6)
HOLES = TABLE.assign(age=TABLE["age"].where(TABLE["age"] > 30), colour=TABLE["colour"].where(TABLE["size"] > 2))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.qumba"


def small():
    return VariationalClassifier(n_layers=1, epochs=2, random_state=0)


def assert_comes_back(pipeline, path, *tables):
    qml.save(pipeline, path)
    loaded = qml.load(path)
    for method in ("transform", "predict_proba", "predict"):
        if hasattr(pipeline, method):
            for table in tables:
                np.testing.assert_array_equal(getattr(loaded, method)(table), getattr(pipeline, method)(table))
    if hasattr(pipeline, "transform"):
        np.testing.assert_array_equal(loaded.get_feature_names_out(), pipeline.get_feature_names_out())
    return loaded


@pytest.mark.filterwarnings("ignore:Found unknown categories")
class TestTheLibrarysOwn:
    @pytest.mark.parametrize("options", [{}, {"n_qubits": 3}, {"max_categories": 3}, {"n_qubits": 9}], ids=str)
    def test_in_front_of_a_model(self, options, path):
        pipeline = make_pipeline(tabular_preprocessor(**options), small()).fit(TABLE, LABELS)
        loaded = assert_comes_back(pipeline, path, TABLE, NEW, TABLE[TABLE.columns[::-1]])
        again = loaded.fit(TABLE, LABELS), pipeline.fit(TABLE, LABELS)
        np.testing.assert_array_equal(*(model.predict_proba(TABLE) for model in again))

    def test_by_itself(self, path):
        assert_comes_back(tabular_preprocessor(2).fit(TABLE), path, TABLE, NEW)

    @pytest.mark.parametrize("max_categories", [None, 2])
    def test_with_holes_filled(self, max_categories, path):
        pipeline = tabular_preprocessor(3, impute=True, max_categories=max_categories).fit(HOLES)
        assert_comes_back(pipeline, path, TABLE, HOLES, NEW)

    def test_empty_words_are_a_category(self, path):
        table = HOLES.drop(columns="age")
        assert_comes_back(tabular_preprocessor().fit(table), path, table, NEW)

    def test_columns_by_number(self, path):
        pipeline = tabular_preprocessor(numeric=[0, 2], categorical=[1]).fit(TABLE)
        assert_comes_back(pipeline, path, TABLE)

    def test_not_fitted(self, path):
        qml.save(
            make_pipeline(tabular_preprocessor(4), VariationalRegressor(n_layers=1, epochs=2, random_state=0)), path
        )
        regressor = qml.load(path).fit(TABLE, TABLE["age"])
        assert regressor.predict(TABLE).shape == (N,)

    def test_the_examples_transformers(self, path):
        X = RNG.normal(size=(N, 16))
        steps = [
            ImagePooling((3, 3)),
            SumFeatures([[0, 1], [2, 3, 4], [5, 6, 7, 8]]),
            QubitReducer(2, whiten=True, random_state=0),
            AngleScaler((-1.0, 1.0), n_std=2.0, clip=True),
        ]
        for k in range(len(steps)):
            assert_comes_back(make_pipeline(*steps[: k + 1]).fit(X), path, X)
        assert_comes_back(make_pipeline(*steps, small()).fit(X, LABELS), path, X)
        assert_comes_back(make_pipeline(SumFeatures(3), QubitReducer(8)).fit(X), path, X)


class TestScikitLearns:
    @pytest.mark.parametrize(
        "encoder",
        [
            OneHotEncoder(sparse_output=False, drop="first"),
            OneHotEncoder(sparse_output=False, dtype=np.float32, min_frequency=9),
            OneHotEncoder(sparse_output=False, dtype=int, handle_unknown="ignore"),
            OneHotEncoder(categories=[["red", "blue", "green", "grün"], [False, True]], sparse_output=False),
            OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=2),
        ],
        ids=str,
    )
    def test_encoders(self, encoder, path):
        columns = make_column_transformer((encoder, ["colour", "member"]), (StandardScaler(), ["age", "size"]))
        loaded = assert_comes_back(make_pipeline(columns, small()).fit(TABLE, LABELS), path, TABLE)
        assert loaded[0].transformers[0][1].dtype is encoder.dtype

    @pytest.mark.parametrize("remainder", ["drop", "passthrough", StandardScaler()], ids=str)
    @pytest.mark.parametrize(
        "columns",
        [slice("age", "age"), slice(0, 1), [0], [True, False, False], make_column_selector("^a"), ["age"]],
        ids=["labels", "positions", "integer", "mask", "selector", "names"],
    )
    def test_ways_to_name_columns(self, columns, remainder, path):
        table = TABLE[["age", "size", "member"]].astype(float)
        steps = [("first", SimpleImputer(), columns), ("again", "passthrough", ["size"])]
        transformer = ColumnTransformer(steps, remainder=remainder, transformer_weights={"first": 0.5})
        assert_comes_back(make_pipeline(transformer).fit(table), path, table)

    def test_selectors_by_type(self, path):
        selector = make_column_selector(dtype_include=["float64", "int64"], dtype_exclude="bool")
        transformer = make_column_transformer((StandardScaler(), selector))
        loaded = assert_comes_back(make_pipeline(transformer).fit(TABLE), path, TABLE)
        assert vars(loaded[0].transformers[0][2]) == vars(selector)

    def test_output_as_a_table(self, path):
        pipeline = tabular_preprocessor().set_output(transform="pandas").fit(TABLE)
        qml.save(pipeline, path)
        pd.testing.assert_frame_equal(qml.load(path).transform(TABLE), pipeline.transform(TABLE))


class TestWhatCanNotBeStored:
    def refused(self, pipeline, path, *words):
        with pytest.raises(TypeError) as caught:
            qml.save(pipeline, path)
        for word in (*words, "ColumnTransformer", "OneHotEncoder", "joblib.dump"):
            assert word in str(caught.value)
        assert not path.exists()

    def test_another_step(self, path):
        self.refused(make_pipeline(StandardScaler(), GaussianNB()), path, "GaussianNB cannot be stored")

    def test_functions(self, path):
        self.refused(
            make_pipeline(FunctionTransformer(np.log1p), small()), path, "steps.func: an object of class ufunc"
        )
        encoder = OneHotEncoder(feature_name_combiner=lambda feature, category: feature)
        self.refused(make_pipeline(encoder, small()), path, "steps.feature_name_combiner: an object of class function")

    def test_objects_in_columns(self, path):
        table = TABLE.assign(day=pd.to_datetime("2024-05-01") + pd.to_timedelta(np.arange(N) % 3, unit="D"))
        pipeline = tabular_preprocessor(numeric=["age"], categorical=["day"]).fit(table)
        with pytest.raises(TypeError, match=r"datetime64|Timestamp"):
            qml.save(pipeline, path)

    def test_something_else_altogether(self, path):
        with pytest.raises(TypeError, match=r"model files are for .*Pipeline.*got .*GaussianNB.*joblib\.dump"):
            qml.save(GaussianNB(), path)


class TestForgedValues:
    @pytest.mark.parametrize(
        "value",
        [
            {"type": "dtype", "text": "f8,O"},
            {"type": "dtype", "text": "no type"},
            {"type": "dtype", "text": 3},
            {"type": "dtype", "text": "M8[s]"},
            {"type": "type", "name": "os.system"},
            {"type": "slice", "bounds": 3},
            {"type": "make_column_selector", "fields": {"shell": True}},
        ],
    )
    def test_refused(self, value, path):
        qml.save(tabular_preprocessor(), path)
        header, arrays = read_container(path, kind="model", version=VERSION)
        header["extra"] = value
        write_container(path, header, arrays, kind="model", version=VERSION)
        with pytest.raises(ModelFileError, match="make no sense"):
            qml.load(path)
