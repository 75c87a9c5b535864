"""Multinomial logistic regression against scikit-learn's solvers."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris
from sklearn.linear_model import LogisticRegression

from qml import KitchenSinksClassifier
from qml.estimators.fixed_features.linear_readout import TOLERANCE
from qml.estimators.fixed_features.multinomial import ROWS, fit_multinomial

IRIS = load_iris(return_X_y=True)
DIGITS = load_digits(return_X_y=True)


def fitted(features, y, weight=None, C=1.0, max_iter=1000):
    model = LogisticRegression(C=C)
    weight = np.ones(len(y)) if weight is None else weight
    assert fit_multinomial(model, features, y, weight, tolerance=TOLERANCE, max_iter=max_iter)
    return model


@pytest.mark.parametrize("C", [1e-3, 1.0, 100.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_minimum_is_that_of_newtons_method(C, weighted):
    features, y = IRIS
    weight = np.random.default_rng(0).uniform(0.1, 3.0, len(y)) if weighted else np.ones(len(y))
    model = fitted(features, y, weight, C)
    expected = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-12).fit(features, y, weight)
    np.testing.assert_allclose(model.predict_proba(features), expected.predict_proba(features), atol=1e-6)
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-5)
    np.testing.assert_allclose(model.intercept_, expected.intercept_ - expected.intercept_.mean(), atol=1e-4)
    assert vars(model).keys() == vars(expected).keys()
    assert all(type(value) is type(getattr(expected, name)) for name, value in vars(model).items())


def test_more_rows_than_a_block_and_constant_features():
    features, y = DIGITS[0] / 16, DIGITS[1]
    assert len(features) > 3 * ROWS
    assert (features.std(axis=0) == 0).any()
    model = fitted(features, y)
    expected = LogisticRegression(max_iter=3000, tol=1e-9).fit(features, y)
    np.testing.assert_allclose(model.predict_proba(features), expected.predict_proba(features), atol=1e-5)
    assert model.n_iter_[0] < expected.n_iter_[0] / 3


def test_repeated_rows_and_weights_are_the_same():
    features, y = IRIS
    times = np.arange(len(y)) % 3 + 1
    repeated = fitted(np.repeat(features, times, axis=0), np.repeat(y, times))
    np.testing.assert_allclose(fitted(features, y, times).coef_, repeated.coef_, atol=1e-5)


def test_a_search_that_ends_too_early_leaves_the_model_alone():
    model = LogisticRegression()
    assert not fit_multinomial(model, *IRIS, np.ones(150), tolerance=TOLERANCE, max_iter=3)
    assert vars(model) == vars(LogisticRegression())


def test_separated_classes_that_are_hardly_regularised_are_left_to_newtons_method():
    model = KitchenSinksClassifier(16, C=1e6, random_state=0).fit(*IRIS)
    reference = LogisticRegression(C=1e6, solver="newton-cholesky", tol=1e-8, max_iter=1000)
    features = model._features(IRIS[0], None, None)
    np.testing.assert_allclose(model.predict_proba(IRIS[0]), reference.fit(features, IRIS[1]).predict_proba(features))


def test_several_classes_take_few_passes():
    model = KitchenSinksClassifier(128, random_state=0).fit(*DIGITS)  # 1290 coefficients
    features = model._features(DIGITS[0], None, None)
    expected = LogisticRegression(C=100, max_iter=3000, tol=1e-7).fit(features, DIGITS[1])
    assert model.readout_.n_iter_[0] < expected.n_iter_[0] / 2
    np.testing.assert_allclose(model.predict_proba(DIGITS[0]), expected.predict_proba(features), atol=1e-3)
