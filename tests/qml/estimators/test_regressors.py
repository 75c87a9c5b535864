"""VariationalRegressor: what it learns, and what differs from the classifier."""

import numpy as np
import pytest
from sklearn.datasets import make_friedman1
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split

from qml import VariationalRegressor
from qml.losses import Huber


@pytest.fixture(scope="module")
def wave():
    X = np.linspace(-3, 3, 60)[:, None]
    return X, 100 + 7 * np.sin(X[:, 0])


def test_a_curve_in_units_of_its_own(wave):
    reg = VariationalRegressor("reuploading", random_state=0).fit(*wave)
    assert reg.score(*wave) > 0.95
    assert reg.target_mean_ == pytest.approx(100, abs=1e-9)
    assert reg.target_scale_ == pytest.approx(np.std(wave[1]))


def test_better_than_a_line_where_there_is_none():
    X, y = make_friedman1(400, n_features=5, random_state=0)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    linear = LinearRegression().fit(X_train, y_train).score(X_test, y_test)
    reg = VariationalRegressor("reuploading", epochs=60, random_state=0).fit(X_train, y_train)
    assert reg.score(X_test, y_test) > linear + 0.1


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", Huber(0.5)], ids=str)
def test_every_loss(loss, wave):
    assert VariationalRegressor("reuploading", loss=loss, random_state=0).fit(*wave).score(*wave) > 0.9


def test_absolute_error_looks_past_outliers(wave):
    X, y = wave
    spoiled = y.copy()
    spoiled[::10] += 100
    robust = VariationalRegressor("reuploading", loss="mae", random_state=0).fit(X, spoiled)
    plain = VariationalRegressor("reuploading", loss="mse", random_state=0).fit(X, spoiled)
    assert np.median(np.abs(robust.predict(X) - y)) < 0.5 * np.median(np.abs(plain.predict(X) - y))


def test_weight_k_is_k_rows(wave):
    X, y = wave
    weight = np.random.default_rng(3).integers(0, 4, len(X))
    settings = {"epochs": 30, "batch_size": "full", "random_state": 0}
    weighted = VariationalRegressor(**settings).fit(X, y, weight)
    repeated = VariationalRegressor(**settings).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-8)


def test_early_stopping(wave):
    reg = VariationalRegressor(early_stopping=True, patience=5, epochs=400, random_state=0).fit(*wave)
    assert reg.n_iter_ < 400
    assert reg.validation_scores_.shape == (reg.n_iter_,)


def test_partial_fit_goes_on(wave):
    X, y = wave
    reg = VariationalRegressor("reuploading", random_state=0)
    for epoch in range(60):
        for part in np.array_split(np.random.default_rng(epoch).permutation(60), 2):
            reg.partial_fit(X[part], y[part])
    assert reg.n_iter_ == 120
    assert reg.score(X, y) > 0.9


@pytest.mark.parametrize("constant", [0.0, 5.0, 0.1])
def test_a_constant_target(constant, wave):
    reg = VariationalRegressor(epochs=3, random_state=0).fit(wave[0], np.full(60, constant))
    np.testing.assert_allclose(reg.predict(wave[0]), constant, atol=3)


def test_one_sample():
    assert np.isfinite(VariationalRegressor(epochs=3, random_state=0).fit([[1.0]], [2.0]).predict([[1.0]])).all()


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[0.0], [1.0]], [0.0, np.nan], "NaN"),
        ([[0.0], [1.0]], [0.0], "inconsistent numbers of samples"),
    ],
    ids=str,
)
def test_data_in_scikit_learns_words(X, y, message):
    with pytest.raises(ValueError, match=message):
        VariationalRegressor().fit(X, y)
