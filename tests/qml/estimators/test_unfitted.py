"""Attributes that `fit` learns, asked for before it: the error says what to do, and names no attribute behind them."""

import inspect

import pytest
from sklearn.exceptions import NotFittedError

from qml import VariationalClassifier
from tests.qml.estimators.test_flags import OURS

PROPERTIES = [
    (name, attribute)
    for name, kind in OURS.items()
    for attribute, _ in inspect.getmembers(kind, lambda member: isinstance(member, property))
    if attribute.endswith("_") and not attribute.startswith("_")
]


def test_properties_are_found():
    assert ("VariationalClassifier", "circuit_") in PROPERTIES


@pytest.mark.parametrize(("name", "attribute"), PROPERTIES)
def test_properties_ask_for_fit(name, attribute):
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        getattr(OURS[name](), attribute)


def test_an_unfitted_estimator_has_none_of_them():
    assert not hasattr(VariationalClassifier(), "circuit_")
