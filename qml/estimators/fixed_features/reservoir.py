"""Static reservoirs, also called quantum extreme learning machines: encoded data in a fixed random evolution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from qml.ansatze import ANSATZE, Ansatz, get_ansatz
from qml.estimators.fixed_features.ising import IsingEvolution
from qml.estimators.fixed_features.linear_readout import (
    FixedFeatures,
    FixedFeaturesClassifier,
    FixedFeaturesRegressor,
)
from qml.estimators.num_qubits import choose_num_qubits
from qml.estimators.search_space import Trial
from qml.feature_maps import FeatureMap, get_feature_map
from qml.features.scaling import Scaling, fit_scaling
from qml.models.evaluation import BackendEvaluation, get_evaluation
from qml.models.layered import layered_model
from qml.models.observables import Observable
from qml.settings import check_layers, check_non_negative, check_qubits, check_whole
from simulator.backends.plan import Plan
from simulator.backends.trait import Backend, Folder
from simulator.circuit import Circuit
from simulator.errors import unknown_name

__all__ = ["Reservoir", "ReservoirClassifier", "ReservoirRegressor"]

Array = NDArray[np.float64]

ISING = "ising"

AUTOMATIC_QUBITS = (4, 10)
"""Minimum and maximum default number of qubits."""


@dataclass(eq=False, repr=False)
class Reservoir(FixedFeatures):
    """Expectation values after a feature map and a fixed random evolution."""

    feature_map: str | FeatureMap = "angle"
    reservoir: str | Ansatz = ISING
    n_layers: int = 10
    n_qubits: int | None = None
    _: KW_ONLY
    coupling: float = 1.0
    field: float = 0.5
    evolution_time: float = 10.0
    observables: str | Sequence[Observable] = "z+zz"

    def search_space(self, trial: Trial) -> dict[str, Any]:
        return super().search_space(trial) | {
            "feature_map": trial.suggest_categorical("feature_map", ["angle", "zz", "iqp", "chebyshev"]),
            "n_layers": trial.suggest_int("n_layers", 1, 20),
            "n_qubits": trial.suggest_categorical("n_qubits", [None, 4, 6, 8]),
            "coupling": trial.suggest_float("coupling", 0.1, 3.0, log=True),
            "field": trial.suggest_float("field", 0.1, 3.0, log=True),
            "evolution_time": trial.suggest_float("evolution_time", 1.0, 30.0, log=True),
            "observables": trial.suggest_categorical("observables", ["z", "z+zz", "x+y+z"]),
        }

    @property
    def circuit_(self) -> Circuit:
        """Circuit with inputs and weights as parameters."""
        check_is_fitted(self, "model_")
        return self.model_.circuit

    def _check_settings(self) -> None:
        super()._check_settings()
        check_layers("n_layers", self.n_layers)
        check_whole("n_qubits", self.n_qubits, instead=[None])
        check_qubits(self.n_qubits, self.precision, self.backend)
        for name in ("coupling", "field", "evolution_time"):
            check_non_negative(name, getattr(self, name))

    def _ansatz(self) -> Ansatz:
        if isinstance(self.reservoir, str):
            if self.reservoir.lower() == ISING:
                return IsingEvolution(self.coupling, self.field, self.evolution_time)
            if self.reservoir.lower().replace("-", "_") not in ANSATZE:
                raise unknown_name("reservoir", self.reservoir, (ISING, *ANSATZE))
        return get_ansatz(self.reservoir)

    def _learn_features(self, X: Array, weight: Array) -> None:
        feature_map, ansatz = get_feature_map(self.feature_map), self._ansatz()
        low, high = AUTOMATIC_QUBITS
        num_qubits = choose_num_qubits(self.n_qubits, feature_map, self.n_features_in_, at_least=low, at_most=high)
        self.scaling_ = Scaling.identity(self.n_features_in_)
        if self.scale_features:
            self.scaling_ = fit_scaling(X, weight, feature_map.max_features(num_qubits), feature_map.angle_range)
        model = layered_model(
            feature_map,
            ansatz,
            num_features=self.scaling_.num_outputs,
            num_layers=self.n_layers,
            num_qubits=num_qubits,
            observables=self.observables,
            precision=self.precision,
        )
        rng = np.random.default_rng(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        self.weights_ = rng.uniform(0, 2 * np.pi, model.num_weights)
        if isinstance(ansatz, IsingEvolution):
            first = model.num_weights - ansatz.num_weights(num_qubits, self.n_layers)
            self.weights_[first:] = ansatz.initial_weights(num_qubits, self.n_layers, rng)
        self.model_ = model if self.entangled else model.without_entanglement()

    def _features(self, X: Array, backend: Backend | str | None, resume: Folder) -> Array:
        evaluation = get_evaluation(self.model_, backend, self.noise, resume)
        return evaluation.expectations(self.model_.inputs_of(self.scaling_(X)), self.weights_)

    def _plan(self, backend: Backend, X: Array) -> Plan:
        inputs = self.model_.inputs_of(self.scaling_(X))
        return BackendEvaluation(self.model_, backend).plan(inputs, self.weights_)


@dataclass(eq=False, repr=False)
class ReservoirClassifier(FixedFeaturesClassifier, Reservoir):
    """Quantum extreme learning machine: logistic regression on observables after a fixed random evolution.

    Features are scaled into angles and encoded by a feature map. The qubits then evolve under random dynamics that is
    drawn once, by default a disordered transverse-field Ising model in Trotter steps,
    ``(prod_i exp(-i t/L h X_i) prod_(i<j) exp(-i t/L J_ij Z_i Z_j))^L``, with J_ij uniform between plus and minus half
    of ``coupling``. Only the linear model on the expectation values is trained. A reservoir without memory sees each
    sample on its own; for time series see `ReservoirForecaster`.

    Parameters
    ----------
    feature_map : str or FeatureMap
        Encoding of the features; names are listed in `qml.feature_maps.FEATURE_MAPS`. Weights of the feature map, if it
        has any, are drawn uniformly from the circle.
    reservoir : str or Ansatz
        ``"ising"``, or an ansatz whose angles are drawn uniformly from the circle; names are listed in
        `qml.ansatze.ANSATZE`.
    n_layers : int
        Number L of Trotter steps, or of layers of the ansatz.
    n_qubits : int, optional
        Number of qubits; by default as many as the feature map requires, but at least 4 and at most 10. If the features
        do not fit on the qubits, they are replaced by their leading principal components.
    coupling, field, evolution_time : float
        Couplings, field h and duration t of the Ising model.
    observables : str or sequence of Observable
        Observables to read out: ``"z+zz"`` is Z on each qubit and Z Z on each pair, see `readout_observables`.
    C : float
        Inverse of the strength of the regularisation, as in scikit-learn's `LogisticRegression`.
    class_weight : dict or "balanced", optional
        As in scikit-learn: positive factors of the sample weights.
    scale_features : bool
        Whether to scale features into the range of the feature map. If False, features are angles in radians.
    entangled : bool
        Whether to keep the circuit's gates on two or more qubits; see `without_entanglement`.
    precision : {"double", "single"}
        Precision of the simulation.
    noise : NoiseModel, optional
        Noise model of the simulation, in training and in prediction.
    backend : Backend, optional
        Backend that runs the circuits in training and in prediction. Methods that predict accept one for a single call
        (``"numba"`` is this engine). Not stored in model files.
    random_state : int, RandomState or None
        Seed for the random dynamics.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
    weights_ : float ndarray, shape (n_weights,)
        Angles of the random dynamics, in radians.
    model_ : QuantumModel
    circuit_ : Circuit
    readout_ : LogisticRegression
        Linear model on the expectation values.
    scaling_ : Scaling
    n_features_in_ : int
    feature_names_in_ : ndarray of str, only if ``X`` had column names

    References
    ----------
    Fujii and Nakajima, "Harnessing disordered ensemble quantum dynamics for machine learning", arXiv:1602.08159
    (dynamics); Mujal et al., "Opportunities in quantum reservoir computing and extreme learning machines",
    arXiv:2102.11831; Innocenti et al., "Potential and limitations of quantum extreme learning machines",
    arXiv:2210.00780.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> ReservoirClassifier(random_state=0).fit(X, y).score(X, y) > 0.95
    True

    The circuit on two qubits with one Trotter step:

    >>> small = ReservoirClassifier(n_layers=1, n_qubits=2, random_state=0).fit(X[:, :2], y)
    >>> print(small.circuit_.draw(fold=110))
         ┌──────────┐           ┌────────┐
    q_0: ┤ Ry(x[0]) ├─■─────────┤ Rx(10) ├
         ├──────────┤ │ZZ(w[0]) ├────────┤
    q_1: ┤ Ry(x[1]) ├─■─────────┤ Rx(10) ├
         └──────────┘           └────────┘
    """


@dataclass(eq=False, repr=False)
class ReservoirRegressor(FixedFeaturesRegressor, Reservoir):
    """Quantum extreme learning machine: ridge regression on observables after a fixed random evolution.

    Parameters
    ----------
    feature_map, reservoir, n_layers, n_qubits, coupling, field, evolution_time, observables, scale_features, \
entangled, precision, noise, backend, random_state
        As in `ReservoirClassifier`.
    alpha : float
        Strength of the regularisation, as in scikit-learn's `Ridge`, for targets of standard deviation 1.

    Attributes
    ----------
    target_mean_, target_scale_ : float, or float ndarray of shape (n_targets,)
    weights_, model_, circuit_, readout_, scaling_, n_features_in_, feature_names_in_
        As in `ReservoirClassifier`, with a `Ridge` as ``readout_``.

    Examples
    --------
    >>> X = np.linspace(-3, 3, 50)[:, None]
    >>> y = np.sin(X[:, 0])
    >>> ReservoirRegressor("reuploading", random_state=0).fit(X, y).score(X, y) > 0.99
    True
    """
