"""Quantum kitchen sinks: random circuits and a linear model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from qml.estimators.fixed_features.linear_readout import (
    FixedFeatures,
    FixedFeaturesClassifier,
    FixedFeaturesRegressor,
)
from qml.estimators.random_features import RandomQuantumFeatures
from qml.estimators.random_features.random_features import chain_circuit, suggested_settings
from qml.estimators.search_space import Trial
from qml.features.scaling import Scaling, fit_linear_scaling
from qml.models.observables import Observable
from qml.settings import check_qubits, check_whole
from simulator.backends.numba_backend import NumbaBackend
from simulator.backends.plan import Plan
from simulator.backends.trait import Backend, Folder
from simulator.circuit import Circuit

__all__ = ["KitchenSinks", "KitchenSinksClassifier", "KitchenSinksRegressor"]

Array = NDArray[np.float64]


@dataclass(eq=False, repr=False)
class KitchenSinks(FixedFeatures):
    """Features of `RandomQuantumFeatures` on standardised data."""

    n_components: int = 256
    _: KW_ONLY
    n_qubits: int = 4
    gamma: float | Literal["scale"] = "scale"
    circuit: Circuit | None = None
    observables: str | Sequence[Observable] = "z"
    shots: int | None = None

    def search_space(self, trial: Trial) -> dict[str, Any]:
        return super().search_space(trial) | suggested_settings(trial)

    @property
    def circuit_(self) -> Circuit:
        """Circuit that all random angles are put into."""
        check_is_fitted(self, "random_features_")
        return self._circuit()

    def _circuit(self) -> Circuit:
        circuit = chain_circuit(self.n_qubits) if self.circuit is None else self.circuit
        return circuit if self.entangled else circuit.without_entanglement()

    def _check_settings(self) -> None:
        super()._check_settings()
        check_whole("n_components", self.n_components)
        check_whole("n_qubits", self.n_qubits)
        check_qubits(self.n_qubits, self.precision, self.backend)
        check_whole("shots", self.shots, instead=[None])
        if self.circuit is not None and not isinstance(self.circuit, Circuit):
            raise TypeError(f"circuit expects a Circuit or None, got {self.circuit!r}")

    def _learn_features(self, X: Array, weight: Array) -> None:
        self.scaling_ = (
            fit_linear_scaling(X, weight, X.shape[1]) if self.scale_features else Scaling.identity(self.n_features_in_)
        )
        random_features = RandomQuantumFeatures(
            self.n_components,
            n_qubits=self.n_qubits,
            gamma=self.gamma,
            circuit=self._circuit(),
            observables=self.observables,
            shots=self.shots,
            precision=self.precision,
            random_state=self.random_state,
        )
        self.random_features_ = random_features.fit(self.scaling_(X), sample_weight=weight)

    def _features(self, X: Array, backend: Backend | str | None, resume: Folder) -> Array:
        if backend is None and self.noise is not None:
            backend = NumbaBackend(noise=self.noise, seed=0)  # the same trajectories in every call
        return self.random_features_.transform_on(backend, self.scaling_(X), resume)

    def _plan(self, backend: Backend, X: Array) -> Plan:
        return self.random_features_.plan(self.scaling_(X), backend)


@dataclass(eq=False, repr=False)
class KitchenSinksClassifier(FixedFeaturesClassifier, KitchenSinks):
    """Classifier of quantum kitchen sinks: logistic regression on the expectation values of many random circuits.

    The angles of each circuit are random linear functions of the sample, as in `RandomQuantumFeatures`, which computes
    the features: for standardised data and the same ``random_state`` they are the same.

    Parameters
    ----------
    n_components : int
        Number of features, one for each observable of each random circuit.
    n_qubits : int
        Number of qubits of each circuit.
    gamma : float or "scale"
        Half the variance of the random factors, which sets the length over which the features vary: in terms of the RBF
        kernel ``exp(-gamma |x - y|^2)``. ``"scale"`` is 1 over the number of features times the variance of X.
    circuit : Circuit, optional
        Circuit in place of RX and a chain of CNOTs; all its parameters are random linear functions of the features.
    observables : str or sequence of Observable
        Observables of each circuit, see `qml.models.observables.readout_observables`.
    shots : int, optional
        Number of shots from which each expectation value is estimated; by default exact values. The paper uses 1.
    C : float
        Inverse of the strength of the regularisation, as in scikit-learn's `LogisticRegression`. Features are divided
        by the square root of their number, which asks for larger values than unscaled features do.
    class_weight : dict or "balanced", optional
        As in scikit-learn: positive factors of the sample weights.
    scale_features : bool
        Whether to scale features to mean 0 and standard deviation 1.
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
        Seed for the random linear functions and the shots.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
    random_features_ : RandomQuantumFeatures
    readout_ : LogisticRegression
        Linear model on the features.
    scaling_ : Scaling
    circuit_ : Circuit
    n_features_in_ : int
    feature_names_in_ : ndarray of str, only if ``X`` had column names

    References
    ----------
    Wilson et al., "Quantum kitchen sinks", arXiv:1806.08321.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> X, y = make_moons(200, noise=0.1, random_state=0)
    >>> KitchenSinksClassifier(random_state=0).fit(X, y).score(X, y) > 0.95
    True

    The circuit on three qubits; each input is a random linear function of the features:

    >>> small = KitchenSinksClassifier(3, n_qubits=3).fit(X, y)
    >>> print(small.circuit_.draw(fold=110))
         ┌──────────┐
    q_0: ┤ Rx(x[0]) ├──■───────
         ├──────────┤┌─┴─┐
    q_1: ┤ Rx(x[1]) ├┤ X ├──■──
         ├──────────┤└───┘┌─┴─┐
    q_2: ┤ Rx(x[2]) ├─────┤ X ├
         └──────────┘     └───┘
    """


@dataclass(eq=False, repr=False)
class KitchenSinksRegressor(FixedFeaturesRegressor, KitchenSinks):
    """Regressor of quantum kitchen sinks: ridge regression on the expectation values of many random circuits.

    Parameters
    ----------
    n_components, n_qubits, gamma, circuit, observables, shots, scale_features, entangled, precision, noise, backend, \
random_state
        As in `KitchenSinksClassifier`.
    alpha : float
        Strength of the regularisation, as in scikit-learn's `Ridge`, for targets of standard deviation 1.

    Attributes
    ----------
    target_mean_, target_scale_ : float, or float ndarray of shape (n_targets,)
    random_features_, readout_, scaling_, circuit_, n_features_in_, feature_names_in_
        As in `KitchenSinksClassifier`, with a `Ridge` as ``readout_``.

    Examples
    --------
    >>> X = np.linspace(-3, 3, 50)[:, None]
    >>> y = np.sin(X[:, 0])
    >>> KitchenSinksRegressor(random_state=0).fit(X, y).score(X, y) > 0.99
    True
    """
