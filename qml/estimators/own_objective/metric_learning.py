"""Metric learning: a trained encoding that takes the states of different classes apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from qml.ansatze import INITIAL_SPREAD
from qml.checked_data import validate_data
from qml.estimators.num_qubits import choose_num_qubits
from qml.estimators.own_objective.metric_objective import Embedding, HilbertSchmidtObjective
from qml.estimators.search_space import Trial
from qml.estimators.trained import Samples
from qml.estimators.trained_classes import TrainedOnClasses
from qml.estimators.twins import Entangled
from qml.feature_maps import FeatureMap, get_feature_map
from qml.features.scaling import Scaling, component_factors, fit_scaling, fit_standardisation
from qml.kernels import FidelityKernel
from qml.layers import Arctan, Dense, Sequential
from qml.settings import check_backend, check_choice, check_positive, check_qubits, check_whole
from qml.training.description import description, digest
from qml.training.identity import circuit_digest
from qml.weights import weighted_by_class
from simulator.backends.plan import Plan
from simulator.backends.trait import Backend, Folder
from simulator.circuit import Circuit

__all__ = ["MetricLearningClassifier"]

Array = NDArray[np.float64]

MOST_QUBITS = 8
"""Maximum default number of qubits."""

MOST_FIDELITIES = 1 << 24
"""Number of fidelities held at a time."""


MAX_SEARCHED_ROWS = 200
"""Maximum number of rows for which a search tries metric learning by default."""


@dataclass(eq=False, repr=False)
class MetricLearningClassifier(Entangled, TrainedOnClasses):
    """Quantum metric learning: an encoding trained so that classes are far apart, then classification by fidelity.

    Training maximises the Hilbert-Schmidt distance between the mean states ``rho_a`` of the classes, a function of the
    fidelities between samples. Then ``f_a(x) = <psi(x)|rho_a|psi(x)>`` decides, the mean fidelity of a sample with the
    training samples of a class. Parameters that are not described here are those of `VariationalClassifier`.

    Parameters
    ----------
    feature_map : str or FeatureMap
        Feature map with weights, such as ``"qaoa"`` or ``"hubregtsen"``.
    reps : int, optional
        Number of layers of a feature map given by name; None for the map's own default.
    n_qubits : int, optional
        Number of qubits; by default as many as the feature map takes for the features, at most 8. Features that do not
        fit pass through a trained linear map, which starts as their leading principal components.
    bandwidth : float
        Factor of the range of angles into which features are scaled: the feature map's own is narrow for classes that
        are entwined.
    scale_features : bool
        Whether to scale features into that range. If False, features are angles in radians.
    entangled : bool
        Whether to keep the feature map's gates on two or more qubits; see `without_entanglement`.
    precision : {"double", "single"}
    backend : Backend, optional
        Backend that measures fidelities in prediction, with a circuit for each pair of a sample and a training sample;
        see `plan`. Training is on this engine. Not stored in model files.
    optimizer, learning_rate, epochs, batch_size, schedule, early_stopping, validation_fraction, patience, tol, \
class_weight, random_state, callback, verbose, warm_start
        As in `VariationalClassifier`. Class weights in a dict are the priors of the classes; otherwise, and with
        ``"balanced"``, priors are equal.

    Attributes
    ----------
    kernel_ : FidelityKernel
        Kernel of the trained encoding.
    support_ : float ndarray, shape (n_samples, n_features)
        Scaled training samples.
    shares_ : float ndarray, shape (n_samples, n_classes)
        Weight of each training sample in the mean state of its class; columns have sum 1.
    priors_ : float ndarray, shape (n_classes,)
        Prior of each class: equal, unless there are class weights.
    circuit_ : Circuit
        Circuit of the feature map, with features and weights as its parameters.
    classes_, weights_, scaling_, loss_history_, validation_scores_, n_iter_, best_epoch_, n_features_in_, \
feature_names_in_
        As in `VariationalClassifier`.

    References
    ----------
    Lloyd, Schuld, Ijaz, Izaac and Killoran, arXiv:2001.03622.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MetricLearningClassifier(epochs=30, random_state=0).fit(X[::2], y[::2])
    >>> bool(clf.score(X[1::2], y[1::2]) > 0.9)
    True

    The encoding of three features with one layer:

    >>> small = MetricLearningClassifier(reps=1, epochs=1).fit(X[:, :3], y)
    >>> print(small.circuit_.draw(fold=110))
         ┌──────────┐                                 ┌──────────┐┌──────────┐
    q_0: ┤ Rx(x[0]) ├─■─────────────────────■─────────┤ Ry(v[3]) ├┤ Rx(x[0]) ├
         ├──────────┤ │ZZ(v[0])             │         ├──────────┤├──────────┤
    q_1: ┤ Rx(x[1]) ├─■──────────■──────────┼─────────┤ Ry(v[4]) ├┤ Rx(x[1]) ├
         ├──────────┤            │ZZ(v[1])  │ZZ(v[2]) ├──────────┤├──────────┤
    q_2: ┤ Rx(x[2]) ├────────────■──────────■─────────┤ Ry(v[5]) ├┤ Rx(x[2]) ├
         └──────────┘                                 └──────────┘└──────────┘
    """

    feature_map: str | FeatureMap = "qaoa"
    reps: int | None = 4
    n_qubits: int | None = None
    _: KW_ONLY
    bandwidth: float = 2.0
    scale_features: bool = True
    precision: Literal["double", "single"] = "double"
    backend: Backend | str | None = None

    def search_space(self, trial: Trial) -> dict[str, Any]:
        return super().search_space(trial) | {
            "feature_map": trial.suggest_categorical("feature_map", ["qaoa", "hubregtsen"]),
            "reps": trial.suggest_int("reps", 1, 6),
            "n_qubits": trial.suggest_int("n_qubits", 2, 6),
            "bandwidth": trial.suggest_float("bandwidth", 0.3, 3.0, log=True),
            "entangled": trial.suggest_categorical("entangled", [True, False]),
        }

    def search_obstacle(self, n_rows: int, n_features: int) -> str | None:
        if n_rows > MAX_SEARCHED_ROWS:
            return f"{n_rows:,} rows are all compared with each other; the limit of a search is {MAX_SEARCHED_ROWS}"
        return super().search_obstacle(n_rows, n_features)

    @property
    def circuit_(self) -> Circuit:
        """Circuit of the feature map, with features and weights as its parameters."""
        check_is_fitted(self, "encoding_")
        return self.encoding_.circuit

    @property
    def kernel_(self) -> FidelityKernel:
        """Fidelity kernel of the trained encoding."""
        check_is_fitted(self, "weights_")
        weights = self._embedding().split(self.weights_)[1]
        return FidelityKernel(self.encoding_, weights=weights, precision=self.precision)

    def predict_proba(self, X: ArrayLike, *, backend: Backend | str | None = None, resume: Folder = None) -> Array:
        """Compute ``prior_a f_a(x)`` over its sum, shape (n_samples, n_classes); equal shares where all are 0.

        A mean fidelity is a kernel density estimate: as a function on all states, each fidelity has the same mean. So
        this is Bayes' rule for these estimates; they are wide, and the probabilities are seldom extreme.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        backend, resume
            As in `predict`.
        """
        return self._outputs(X, backend, resume)

    def plan(self, X: ArrayLike, backend: Backend | str | None = None) -> Plan:
        """Estimate the cost of ``predict(X)`` on a backend, by default the estimator's; nothing is sent."""
        features, support = self._features(X), self._embedding().features(self.support_, self.weights_)
        return self.kernel_.plan(features, support, self.backend if backend is None else backend)

    def _outputs(self, X: ArrayLike, backend: Backend | str | None = None, resume: Folder = None) -> Array:
        """Compute mean fidelities times priors over their sum, shape (n_samples, n_classes)."""
        features, support = self._features(X), self._embedding().features(self.support_, self.weights_)
        kernel = self.kernel_.on(self.backend if backend is None else backend, resume)
        at_once = max(1, MOST_FIDELITIES // len(support))
        parts = [
            np.asarray(kernel(features[start : start + at_once], support), np.float64) @ self.shares_
            for start in range(0, len(features), at_once)
        ]
        densities = np.concatenate(parts) * self.priors_
        total = densities.sum(axis=1, keepdims=True)
        equal = np.full_like(densities, 1.0 / densities.shape[1])
        return np.divide(densities, total, out=equal, where=total > 0)  # type: ignore[no-any-return]

    def _decisions(self, outputs: Array) -> Array:
        return outputs[:, 1] - outputs[:, 0] if len(self.classes_) == 2 else outputs

    def _features(self, X: ArrayLike) -> Array:
        """Return features as the trained feature map takes them."""
        check_is_fitted(self, "weights_")
        rows = validate_data(self, X, dtype=np.float64, order="C", reset=False)
        return self._embedding().features(self.scaling_(rows), self.weights_)

    def _embedding(self) -> Embedding:
        return Embedding(self.encoding_, self.before_, self.precision)

    def _start(self, samples: Samples, seed: int, classes: ArrayLike | None = None) -> None:
        self._learn_classes(samples.y, classes)
        weighted = self.class_weight if isinstance(self.class_weight, Mapping) else {}
        indices = np.arange(len(self.classes_))
        priors = weighted_by_class(weighted, self.classes_, indices, np.ones(len(indices)))
        self.priors_ = priors / priors.sum()
        named = isinstance(self.feature_map, str) and self.reps is not None
        feature_map = get_feature_map(self.feature_map, **({"reps": self.reps} if named else {}))
        n_features = self.n_features_in_
        num_qubits = choose_num_qubits(self.n_qubits, feature_map, n_features, at_most=MOST_QUBITS)
        capacity = feature_map.max_features(num_qubits)
        reduced = n_features > capacity and self.scale_features
        encoding = feature_map.encoding(capacity if reduced else n_features, num_qubits)
        self.encoding_ = encoding if self.entangled else encoding.without_entanglement()
        rng = np.random.default_rng(seed)
        weights = rng.normal(0.0, INITIAL_SPREAD, len(self.encoding_.weights))
        self.before_: Sequential | None = None
        limits = encoding.angle_range
        if limits is not None:
            limits = (self.bandwidth * limits[0], self.bandwidth * limits[1])
        if reduced:
            self.scaling_ = fit_standardisation(samples.X, samples.weight)
            bend = (
                []
                if encoding.angle_range is None
                else [Arctan(low=encoding.angle_range[0], high=encoding.angle_range[1])]
            )
            self.before_ = Sequential(Dense(n_features, capacity), *bend).with_sizes(n_features)
            share = samples.weight / samples.weight.sum()
            factors = component_factors(self.scaling_(samples.X), share, capacity, standardised=bool(bend))
            weights = np.concatenate([factors.T.ravel(), np.zeros(capacity), weights])
        elif self.scale_features:
            self.scaling_ = fit_scaling(samples.X, samples.weight, n_features, limits)
        else:
            self.scaling_ = Scaling.identity(n_features)
        if self.before_ is None and not set(self.encoding_.weights) & set(self.encoding_.circuit.parameters):
            raise ValueError(
                f"there is nothing to train: feature_map={self.feature_map!r} has no weights"
                + ("" if self.entangled else " without entanglement")
                + "; use one that has, such as 'qaoa' or 'hubregtsen'"
            )
        self._begin(weights)

    def _objective(
        self, samples: Samples, aside: Samples | None = None, jobs: Folder = None
    ) -> HilbertSchmidtObjective:
        rows, shares = self.scaling_(samples.X), self._shares(samples)
        self.support_, self.shares_ = rows, shares
        validation = None
        if aside is not None:
            validation = HilbertSchmidtObjective(self._embedding(), self.scaling_(aside.X), self._shares(aside))
        return HilbertSchmidtObjective(self._embedding(), rows, shares, validation)

    def _shares(self, samples: Samples) -> Array:
        """Weight of each sample in the mean state of its class, shape (n_samples, n_classes)."""
        indices = self._class_indices(samples.y)
        member = indices[:, None] == np.arange(len(self.classes_))
        totals = np.bincount(indices, samples.weight, len(self.classes_))
        return member * samples.weight[:, None] / np.where(totals > 0, totals, 1.0)  # type: ignore[no-any-return]

    def _class_weighted(self, samples: Samples) -> Samples:
        return samples  # class weights are priors

    def _identity(self, objective: HilbertSchmidtObjective) -> dict[str, Any]:
        aside = objective.validation
        return {
            "circuit": circuit_digest(self.encoding_),
            "data function": None if self.encoding_.data is None else description(self.encoding_.data),
            "layers before the circuit": None if self.before_ is None else repr(self.before_),
            "precision": self.precision,
            "features": digest(objective.X),
            "classes and sample weights": digest(objective.shares),
            "rows kept aside": None if aside is None else digest(aside.X, aside.shares),
            "initial weights": digest(self._last_weights),
        }

    def _check_settings(self) -> None:
        super()._check_settings()
        check_whole("reps", self.reps, instead=[None])
        check_whole("n_qubits", self.n_qubits, instead=[None])
        check_positive("bandwidth", self.bandwidth)
        check_choice("precision", self.precision, ("double", "single"))
        check_qubits(self.n_qubits, self.precision, check_backend(self.backend))
