"""Support vector classification and regression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_softmax, softmax
from sklearn.svm import SVC, SVR

from qml.estimators.availability import available_unless
from qml.estimators.kernel_methods.calibration import class_margins, fit_sharpness, votes
from qml.estimators.kernel_methods.distinct_rows import DistinctRows
from qml.estimators.kernel_methods.kernel_estimator import Basis, KernelEstimator
from qml.estimators.kernel_methods.training_data import class_rows, target_rows
from qml.estimators.search_space import Trial
from qml.estimators.targets import BackendClassifier, BackendRegressor
from simulator.backends.trait import Backend, Folder

__all__ = ["QuantumKernelClassifier", "QuantumKernelRegressor", "SupportVectorEstimator"]

Array = NDArray[np.float64]


def _no_probabilities(classifier: QuantumKernelClassifier) -> str | None:
    if classifier.probability:
        return None
    return "probabilities need probability=True, got False; fit with it, or use decision_function"


@dataclass(eq=False, repr=False, kw_only=True)
class SupportVectorEstimator(KernelEstimator):
    """Kernel estimator whose solver is one of scikit-learn's support vector machines."""

    tol: float = 1e-3
    max_iter: int = -1

    def _store_support(self, rows: DistinctRows, basis: Basis, solver: Any, coefficients: Array) -> None:
        """Store a fitted solver's support vectors with their coefficients, shape (n_support, n_outputs)."""
        self.support_, self.n_iter_ = rows.first[solver.support_], solver.n_iter_
        self._expand(basis[solver.support_], coefficients, solver.intercept_)


@dataclass(eq=False, repr=False, kw_only=True)
class QuantumKernelClassifier(BackendClassifier, SupportVectorEstimator):
    """Support vector machine with a quantum kernel, binary and multiclass: scikit-learn's `SVC` on a Gram matrix.

    Features are standardised; if they do not fit on the qubits, they are replaced by their leading principal
    components. `predict` compares new samples with the stored states of the support vectors.

    Parameters
    ----------
    kernel : {"fidelity", "projected", "trained", "linear", "polynomial", "rbf", "laplacian"} or Kernel
        ``"fidelity"`` is ``|<phi(x)|phi(x')>|^2``; ``"projected"`` is Gaussian in the qubits' reduced density matrices;
        ``"trained"`` is the fidelity kernel with one scale per feature, fitted to the labels. Classical kernels take
        standardised features. A kernel object has its own feature map, qubits, bandwidth and precision; it receives
        features of standard deviation 1.
    feature_map : str or FeatureMap
        Encoding of the features in the circuit; names are listed in `qml.feature_maps.FEATURE_MAPS`.
    reps : int, optional
        Number of repetitions, for feature maps that have them; ``None`` uses the default of the map.
    n_qubits : int, optional
        Number of qubits; by default as many as the feature map requires, but at most 10. For a classical kernel, the
        number of principal components; by default all features are used.
    bandwidth : float, array of shape (n_features,) or "auto"
        Factor that multiplies the scaled features about the middle of the feature map's range. With 1 they fill the
        range that variational models use. ``"auto"`` searches for it, see `qml.kernels.FidelityKernel`.
    C : float
        As in `SVC`.
    class_weight : dict or "balanced", optional
        As in scikit-learn: positive factors of the sample weights.
    probability : bool
        Whether to learn probabilities, from decision values in five-fold cross-validation. This takes five more fits of
        the `SVC`; the states and the Gram matrix are reused.
    tol, max_iter
        As in `SVC`.
    scale_features : bool or "jointly"
        Whether to scale each feature to the same standard deviation; "jointly" divides all by one number, which
        preserves their relative sizes, as is useful for pixels. If False, features are angles in radians.
    entangled : bool
        Whether the circuit keeps its gates on two or more qubits; see `without_entanglement`.
    precision : {"double", "single"}
        Precision of the simulation.
    random_state : int, RandomState or None
        Seed for the folds of the probabilities, and for the minibatches of ``kernel="trained"``.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
    kernel_ : Kernel
        Fitted kernel; ``kernel_.bandwidth_`` is the learnt bandwidth.
    scaling_ : Scaling
    support_ : int ndarray, shape (n_support,)
        Indices of the training rows that are support vectors; for repeated rows, the first index.
    n_support_ : int ndarray, shape (n_classes,)
        Number of support vectors of each class.
    basis_ : ndarray, shape (n_support, ...)
        Features of the support vectors in the kernel, such as their states.
    basis_samples_ : float ndarray, shape (n_support, n_scaled_features)
        Scaled support vectors, which a fidelity kernel on a backend needs.
    coefficients_ : float ndarray, shape (n_support, n_outputs)
        One column for two classes, otherwise one for each pair of classes, ordered (0, 1), (0, 2), ...
    intercept_ : float ndarray, shape (n_outputs,)
    sharpness_ : float or None
        Factor of the margins; probabilities are the softmax of ``sharpness_ * margins``.
    n_iter_ : int or int ndarray, shape (n_outputs,)
    n_features_in_ : int
    feature_names_in_ : ndarray of str, only if ``X`` had column names

    References
    ----------
    Havlicek et al., arXiv:1804.11326; Schuld and Killoran, arXiv:1803.07128.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> QuantumKernelClassifier(C=10).fit(X, y).score(X, y) > 0.95
    True

    The circuit that encodes a sample of two features:

    >>> small = QuantumKernelClassifier(feature_map="zz").fit(X[:, :2], y)
    >>> print(small.kernel_.encoding(2).circuit.draw(fold=110))
         ┌───┐┌────────────────────┐             ┌───┐┌────────────────────┐
    q_0: ┤ H ├┤ exp(-it Z)(1*x[0]) ├─■───────────┤ H ├┤ exp(-it Z)(1*x[0]) ├─■───────────
         ├───┤├────────────────────┤ │ZZ(2*x[2]) ├───┤├────────────────────┤ │ZZ(2*x[2])
    q_1: ┤ H ├┤ exp(-it Z)(1*x[1]) ├─■───────────┤ H ├┤ exp(-it Z)(1*x[1]) ├─■───────────
         └───┘└────────────────────┘             └───┘└────────────────────┘
    """

    C: float = 1.0
    class_weight: Mapping[Any, float] | Literal["balanced"] | None = None
    probability: bool = True

    def search_space(self, trial: Trial) -> dict[str, Any]:
        return super().search_space(trial) | {
            "C": trial.suggest_float("C", 0.1, 1000.0, log=True),
        }

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn scaling, bandwidth and support vectors.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        y : array-like, shape (n_samples,)
        sample_weight : array-like, shape (n_samples,), optional
            Sample weights; a weight of 0 is equivalent to omitting the sample, a weight of k to repeating it k times.

        Returns
        -------
        self
        """
        rows, weight = class_rows(self, X, y, sample_weight, self.class_weight)
        assert rows.y is not None
        basis, gram = self._learn_kernel(rows.X, rows.weight, rows.y)
        solver = SVC(
            kernel="precomputed", C=self.C, tol=self.tol, max_iter=self.max_iter, decision_function_shape="ovo"
        )
        self.sharpness_ = fit_sharpness(solver, gram, rows.y, weight, self.random_state) if self.probability else None
        solver.fit(gram, rows.y, sample_weight=weight)
        self.n_support_ = solver.n_support_
        self._store_support(rows, basis, solver, _pair_coefficients(solver))
        return self

    def _decisions(self, outputs: Array) -> Array:
        """Count the votes of the pairs of classes, plus less than half a vote for the margin, as in `SVC`."""
        return votes(outputs, len(self.classes_))

    @available_unless(_no_probabilities)
    def predict_proba(self, X: ArrayLike, *, backend: Backend | str | None = None, resume: Folder = None) -> Array:
        """Predict class probabilities, shape (n_samples, n_classes); the predicted class has the largest.

        ``backend`` and ``resume`` are as in `decision_function`.
        """
        return softmax(self._logits(X, backend, resume), axis=1)

    @available_unless(_no_probabilities)
    def predict_log_proba(self, X: ArrayLike, *, backend: Backend | str | None = None, resume: Folder = None) -> Array:
        """Predict log-probabilities, shape (n_samples, n_classes); parameters as in `decision_function`."""
        return log_softmax(self._logits(X, backend, resume), axis=1)

    def _logits(self, X: ArrayLike, backend: Backend | str | None, resume: Folder) -> Array:
        margins = class_margins(self._outputs(X, backend, resume), len(self.classes_))
        if self.sharpness_ is None:
            raise AttributeError("the classifier was fitted with probability=False")
        return self.sharpness_ * margins


@dataclass(eq=False, repr=False, kw_only=True)
class QuantumKernelRegressor(BackendRegressor, SupportVectorEstimator):
    """Support vector regression with a quantum kernel: scikit-learn's `SVR` on a Gram matrix.

    The target is scaled to mean 0 and standard deviation 1, and back in `predict`.

    Parameters
    ----------
    kernel, feature_map, reps, n_qubits, bandwidth, scale_features, entangled, precision, random_state
        As in `QuantumKernelClassifier`.
    C : float
        As in `SVR`.
    epsilon : float
        Deviation without penalty, in standard deviations of the target.
    tol, max_iter
        As in `SVR`.

    Attributes
    ----------
    target_mean_, target_scale_ : float
    kernel_, scaling_, support_, basis_, coefficients_, intercept_, n_iter_, n_features_in_, feature_names_in_
        As in `QuantumKernelClassifier`.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> y = np.sin(X[:, 0]) + X[:, 1]
    >>> QuantumKernelRegressor(C=100).fit(X, y).score(X, y) > 0.95
    True
    """

    C: float = 1.0
    epsilon: float = 0.1

    def search_space(self, trial: Trial) -> dict[str, Any]:
        return super().search_space(trial) | {
            "C": trial.suggest_float("C", 0.1, 1000.0, log=True),
            "epsilon": trial.suggest_float("epsilon", 0.001, 0.3, log=True),
        }

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn scaling, bandwidth and support vectors; parameters as in `QuantumKernelClassifier.fit`."""
        rows = target_rows(self, X, y, sample_weight)
        basis, gram = self._learn_kernel(rows.X, rows.weight, rows.y)
        solver = SVR(kernel="precomputed", C=self.C, epsilon=self.epsilon, tol=self.tol, max_iter=self.max_iter)
        solver.fit(gram, rows.y, sample_weight=rows.weight)
        self._store_support(rows, basis, solver, solver.dual_coef_.T)
        return self


def _pair_coefficients(solver: SVC) -> Array:
    """Unpack scikit-learn's coefficients into those of each pair of classes, shape (n_support, n_pairs).

    Support vectors are ordered by class. For class i, row j - 1 of `dual_coef_` belongs to the pair with a later class
    j, and row j to the pair with an earlier one.
    """
    packed, count = solver.dual_coef_, len(solver.classes_)
    if count == 2:
        return packed.T
    ends = np.cumsum(solver.n_support_)
    of_class = [slice(end - size, end) for end, size in zip(ends, solver.n_support_, strict=True)]
    pairs = list(combinations(range(count), 2))
    out = np.zeros((packed.shape[1], len(pairs)))
    for column, (i, j) in enumerate(pairs):
        out[of_class[i], column] = packed[j - 1, of_class[i]]
        out[of_class[j], column] = packed[i, of_class[j]]
    return out
