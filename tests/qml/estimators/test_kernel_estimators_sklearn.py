"""scikit-learn's own battery over every kernel estimator, with no expected failures."""

from dataclasses import dataclass

from scipy.optimize import minimize
from sklearn.utils.estimator_checks import parametrize_with_checks

from qml.estimators import kernel_methods as kernel_estimators
from qml.kernels import RBF, FidelityKernel, Linear


@dataclass(frozen=True)
class Descent:
    """Tuning as scikit-learn does it, ended early: the checks are about the estimator around it."""

    steps: int

    def __call__(self, objective, initial, bounds):
        options = {"maxiter": self.steps}
        found = minimize(objective, initial, method="L-BFGS-B", jac=True, bounds=bounds, options=options)
        return found.x, found.fun


# a bandwidth is searched for by those that are not given one: one at least for each way of reading y
SETTINGS = {
    "QuantumGaussianProcessClassifier": {"optimizer": Descent(1), "bandwidth": 0.2},
    "QuantumGaussianProcessRegressor": {"optimizer": Descent(1)},
    "QuantumKernelKMeans": {"n_clusters": 2},
    "QuantumKernelRidge": {"bandwidth": 0.2},
    "QuantumSpectralClustering": {"n_clusters": 2},
}


@parametrize_with_checks(
    [getattr(kernel_estimators, name)(**SETTINGS.get(name, {})) for name in kernel_estimators.__all__]
)
def test_checks(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [
        kernel_estimators.QuantumKernelClassifier("rbf", probability=False, class_weight="balanced"),
        kernel_estimators.QuantumKernelRidge(0.5 * RBF() + FidelityKernel("zz", bandwidth=0.2) * Linear()),
    ]
)
def test_checks_of_other_settings(estimator, check):
    check(estimator)
