"""Dressed estimators: a circuit between two dense layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.ansatze import Ansatz, Initialisation, get_ansatz, get_initialisation
from qml.estimators.search_space import Trial
from qml.estimators.trained import Samples
from qml.estimators.variational.circuit import initial_weights
from qml.estimators.variational.classifier import TrainedClassifier
from qml.estimators.variational.one_circuit import OneCircuit
from qml.estimators.variational.regressor import TrainedRegressor
from qml.feature_maps import AngleMap
from qml.features.scaling import Scaling, fit_standardisation
from qml.layers import Dense, Quantum, Sequential, Tanh
from qml.models.layered import shared_model
from qml.models.observables import Observable
from qml.settings import check_whole

__all__ = ["DressedClassifier", "DressedRegressor"]

Array = NDArray[np.float64]

AUTOMATIC_QUBITS = (4, 8)
"""Minimum and maximum default number of qubits."""


@dataclass(eq=False, repr=False)
class DressedEstimator(OneCircuit):
    """Dense layer, hyperbolic tangent, circuit, dense layer."""

    n_layers: int = 4
    n_qubits: int | None = None
    ansatz: str | Ansatz = "strongly_entangling"
    _: KW_ONLY
    angles_per_qubit: int = 2
    observables: str | Sequence[Observable] = "z"
    initialisation: str | Initialisation = "ansatz"

    def search_space(self, trial: Trial) -> dict[str, Any]:
        return super().search_space(trial) | {
            "n_layers": trial.suggest_int("n_layers", 1, 8),
            "n_qubits": trial.suggest_int("n_qubits", 2, 8),
            "angles_per_qubit": trial.suggest_int("angles_per_qubit", 1, 3),
            "ansatz": trial.suggest_categorical("ansatz", ["strongly_entangling", "basic", "real_amplitudes"]),
            "observables": trial.suggest_categorical("observables", ["z", "z+zz", "x+y+z"]),
            "initialisation": trial.suggest_categorical("initialisation", ["ansatz", "small_angles"]),
            "entangled": trial.suggest_categorical("entangled", [True, False]),
        }

    def _network(self, n_features: int, n_outputs: int) -> Sequential:
        low, high = AUTOMATIC_QUBITS
        num_qubits = min(max(n_features, low), high) if self.n_qubits is None else self.n_qubits
        initialisation = get_initialisation(self.initialisation)
        ansatz = initialisation.prepared(get_ansatz(self.ansatz))
        num_angles = num_qubits * self.angles_per_qubit
        model = shared_model(
            AngleMap("yz", self.angles_per_qubit),
            ansatz,
            num_features=num_angles,
            num_layers=self.n_layers,
            num_qubits=num_qubits,
            observables=self.observables,
            precision=self.precision,
        )
        draw_weights = partial(initial_weights, initialisation, ansatz, num_qubits, self.n_layers, model.num_weights)
        return Sequential(
            Dense(n_features, num_angles), Tanh(), Quantum(model, draw_weights=draw_weights), Dense(None, n_outputs)
        )

    def _fit_scaling(self, samples: Samples) -> Scaling:
        return fit_standardisation(samples.X, samples.weight, deviation=self.n_features_in_**-0.5)

    def _initial_weights(self, samples: Samples, rng: np.random.Generator) -> Array:
        weights = super()._initial_weights(samples, rng)
        first = self.network_[0]
        factors = weights[: first.num_weights - first.num_outputs]
        factors *= self.angles_per_qubit**-0.5
        if self.scale_features:  # the angles of a qubit start with a total variance of 1
            factors *= self.n_features_in_**0.5
        return weights

    def _described(self) -> dict[str, Any]:
        settings = {
            "ansatz": get_ansatz(self.ansatz),
            "layers": self.n_layers,
            "angles per qubit": self.angles_per_qubit,
        }
        return settings | {"initialisation": get_initialisation(self.initialisation)} | super()._described()

    def _check_settings(self) -> None:
        super()._check_settings()
        check_whole("angles_per_qubit", self.angles_per_qubit)
        get_initialisation(self.initialisation)


@dataclass(eq=False, repr=False)
class DressedClassifier(TrainedClassifier, DressedEstimator):
    """Dressed quantum circuit: a dense layer prepares the features for the circuit, another reads it out.

    Both are trained with the circuit, so the number of qubits does not depend on the number of features. Ask what the
    circuit adds: `without_entanglement` gives the same network with a circuit that entangles nothing.

    Parameters
    ----------
    n_layers : int
        Number of layers of the ansatz.
    n_qubits : int, optional
        Number of qubits; by default one per feature, but at least 4 and at most 8.
    ansatz : str or Ansatz
        Trainable circuit; names are listed in `qml.ansatze.ANSATZE`.
    angles_per_qubit : int
        Number of outputs of the first dense layer that rotate each qubit, about y and z in turn. With one, a state of
        few qubits holds less of the features, and curved boundaries between classes are learnt less well.
    scale_features : bool
        Whether to bring features to mean 0 and standard deviation ``n_features ** -0.5``, so that a step of the
        optimizer changes what the dense layer returns by as much for many features as for few.
    loss, optimizer, learning_rate, weight_decay, epochs, batch_size, schedule, early_stopping, validation_fraction, \
patience, tol, class_weight, observables, initialisation, entangled, precision, noise, backend, random_state, \
callback, verbose, warm_start
        As in `VariationalClassifier`.

    Attributes
    ----------
    classes_, weights_, circuit_, model_, readout_, network_, scaling_, loss_history_, validation_scores_, n_iter_, \
best_epoch_, n_features_in_, feature_names_in_
        As in `VariationalClassifier`; ``weights_`` are those of all layers in order.

    References
    ----------
    Mari, Bromley, Izaac, Schuld and Killoran, arXiv:1912.08278.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> X, y = load_wine(return_X_y=True)
    >>> clf = DressedClassifier(n_qubits=3, n_layers=2, random_state=0).fit(X[::2], y[::2])
    >>> bool(clf.score(X[1::2], y[1::2]) > 0.9)
    True

    The circuit with one layer; its inputs are the outputs of the first dense layer:

    >>> small = DressedClassifier(n_layers=1, n_qubits=3, epochs=1).fit(X, y)
    >>> print(small.circuit_.draw(fold=110))
         ┌──────────┐┌──────────┐┌──────────┐┌──────────┐┌──────────┐          ┌───┐
    q_0: ┤ Ry(x[0]) ├┤ Rz(x[3]) ├┤ Rz(w[0]) ├┤ Ry(w[1]) ├┤ Rz(w[2]) ├──■───────┤ X ├
         ├──────────┤├──────────┤├──────────┤├──────────┤├──────────┤┌─┴─┐     └─┬─┘
    q_1: ┤ Ry(x[1]) ├┤ Rz(x[4]) ├┤ Rz(w[3]) ├┤ Ry(w[4]) ├┤ Rz(w[5]) ├┤ X ├──■────┼──
         ├──────────┤├──────────┤├──────────┤├──────────┤├──────────┤└───┘┌─┴─┐  │
    q_2: ┤ Ry(x[2]) ├┤ Rz(x[5]) ├┤ Rz(w[6]) ├┤ Ry(w[7]) ├┤ Rz(w[8]) ├─────┤ X ├──■──
         └──────────┘└──────────┘└──────────┘└──────────┘└──────────┘     └───┘
    """


@dataclass(eq=False, repr=False)
class DressedRegressor(TrainedRegressor, DressedEstimator):
    """Dressed quantum circuit with the target, scaled for training, as its output.

    Parameters
    ----------
    n_layers, n_qubits, ansatz, angles_per_qubit, scale_features
        As in `DressedClassifier`.
    loss, optimizer, learning_rate, weight_decay, epochs, batch_size, schedule, early_stopping, validation_fraction, \
patience, tol, observables, initialisation, entangled, precision, noise, backend, random_state, callback, verbose, \
warm_start
        As in `VariationalRegressor`.

    Attributes
    ----------
    target_mean_, target_scale_, weights_, circuit_, model_, readout_, network_, scaling_, loss_history_, \
validation_scores_, n_iter_, best_epoch_, n_features_in_, feature_names_in_
        As in `VariationalRegressor`.

    References
    ----------
    Mari, Bromley, Izaac, Schuld and Killoran, arXiv:1912.08278.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.linspace(-2, 2, 60)[:, None]
    >>> reg = DressedRegressor(batch_size=16, random_state=0).fit(X, X[:, 0] ** 2)
    >>> bool(reg.score(X, X[:, 0] ** 2) > 0.95)
    True
    """
