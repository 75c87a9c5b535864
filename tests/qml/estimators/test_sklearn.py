"""scikit-learn's own battery, with no expected failures, and its tools around our estimators."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from qml import (
    BoltzmannClassifier,
    CircuitCentricClassifier,
    ConvolutionalClassifier,
    DressedClassifier,
    DressedRegressor,
    NetworkClassifier,
    NetworkRegressor,
    QuanvolutionClassifier,
    ReuploadingClassifier,
    ReuploadingRegressor,
    TreeTensorClassifier,
    VariationalClassifier,
    VariationalRegressor,
)


@parametrize_with_checks(
    [
        BoltzmannClassifier(n_qubits=3, epochs=40),  # whose steps are the slowest; of 4 qubits, eight times as slow
        BoltzmannClassifier(visible="all", epochs=40).without_entanglement(),
        VariationalClassifier(),
        VariationalRegressor(),
        ReuploadingClassifier(),
        ReuploadingClassifier(n_qubits=1, loss="fidelity", encoding="separate"),
        ReuploadingRegressor(),
        DressedClassifier(),
        DressedRegressor(),
        NetworkClassifier(),
        NetworkRegressor(),
        CircuitCentricClassifier(),
        ConvolutionalClassifier(),
        TreeTensorClassifier(),
        QuanvolutionClassifier(1, (1, -1)),
        QuanvolutionClassifier(1, (-1, 1), trained=True),
        VariationalClassifier().without_entanglement(),
        VariationalClassifier(
            "reuploading", "real_amplitudes", n_layers=2, n_qubits=2, loss="hinge", batch_size="full"
        ),
    ]
)
def test_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return X, np.array(["setosa", "versicolor", "virginica"])[y]


def test_pipeline_and_cross_validation(iris):
    pipeline = make_pipeline(StandardScaler(), PCA(3), VariationalClassifier(epochs=40, random_state=0))
    assert cross_val_score(pipeline, *iris, cv=3).mean() > 0.9


def test_grid_search_in_processes(iris):
    search = GridSearchCV(
        VariationalClassifier(epochs=15, random_state=0),
        {"n_layers": [1, 3], "feature_map": ["angle", "zz"]},
        n_jobs=2,
        cv=3,
    )
    search.fit(*iris)
    assert search.best_score_ > 0.85
    serial = clone(search).set_params(n_jobs=None).fit(*iris)
    np.testing.assert_array_equal(serial.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"])


def test_column_names_are_remembered_and_checked(iris):
    frame = pd.DataFrame(iris[0], columns=["a", "b", "c", "d"])
    clf = VariationalClassifier(epochs=2, random_state=0).fit(frame, iris[1])
    assert clf.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    assert clf.predict(frame).shape == (150,)
    with pytest.raises(ValueError, match="feature names"):
        clf.predict(frame.rename(columns={"a": "z"}))


@pytest.mark.parametrize(
    "arrange",
    [
        np.ndarray.tolist,
        np.asfortranarray,
        lambda a: a.astype(np.float32),  # the numbers are exact in single precision
        lambda a: np.frombuffer(a.tobytes()).reshape(a.shape),
    ],
    ids=["list", "fortran", "float32", "read-only"],
)
def test_any_layout_of_the_data(arrange):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 9, (40, 3)).astype(float)
    y = X[:, 0] > X[:, 1]
    expected = VariationalClassifier(epochs=3, random_state=0).fit(X, y).decision_function(X)
    arranged = VariationalClassifier(epochs=3, random_state=0).fit(arrange(X), y).decision_function(arrange(X))
    np.testing.assert_array_equal(arranged, expected)


def test_memory_mapped_data(tmp_path):
    X = np.random.default_rng(0).normal(size=(30, 2))
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    reg = VariationalRegressor(epochs=3, random_state=0)
    np.testing.assert_array_equal(reg.fit(mapped, X[:, 0]).predict(mapped), reg.fit(X, X[:, 0]).predict(X))
