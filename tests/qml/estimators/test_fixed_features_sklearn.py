"""scikit-learn's own battery over the estimators with fixed features, with no expected failures."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import qml


@parametrize_with_checks(
    [
        qml.KitchenSinksClassifier(60),
        qml.KitchenSinksRegressor(60),
        qml.ReservoirClassifier(n_layers=3),
        qml.ReservoirRegressor(n_layers=3),
    ]
)
def test_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [
        qml.KitchenSinksClassifier(30, n_qubits=2, shots=20, class_weight="balanced", scale_features=False),
        qml.KitchenSinksRegressor(80, n_qubits=2, entangled=False, scale_features=False),
        qml.ReservoirClassifier("zz", "strongly_entangling", n_qubits=3, n_layers=2, precision="single"),
        qml.ReservoirRegressor(observables="z+x", n_layers=2, entangled=False),
    ]
)
def test_checks_of_other_settings(estimator, check):
    check(estimator)
