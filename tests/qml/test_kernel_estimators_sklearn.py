"""scikit-learn's own battery over every kernel estimator, with no expected failures."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from qml import kernel_estimators

SETTINGS = {"QuantumKernelKMeans": {"n_clusters": 2}, "QuantumSpectralClustering": {"n_clusters": 2}}


@parametrize_with_checks(
    [getattr(kernel_estimators, name)(**SETTINGS.get(name, {})) for name in kernel_estimators.__all__]
)
def test_checks(estimator, check):
    check(estimator)


@parametrize_with_checks([kernel_estimators.QuantumKernelClassifier("rbf", probability=False, class_weight="balanced")])
def test_checks_of_other_settings(estimator, check):
    check(estimator)
