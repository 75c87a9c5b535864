"""Bases of the estimators that encode features once and train a circuit and a linear readout of its observables."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qml.ansatze import INITIAL_SPREAD, Ansatz, Initialisation, get_ansatz, get_initialisation
from qml.estimators.num_qubits import choose_num_qubits
from qml.estimators.search_space import Trial
from qml.estimators.trained import Samples
from qml.estimators.variational.one_circuit import OneCircuit
from qml.estimators.variational.trained import QUARTER_TURN
from qml.feature_maps import FeatureMap, get_feature_map
from qml.features.scaling import Scaling, component_factors, explained_variance_ratio, fit_scaling
from qml.layers import Arctan, Dense, Layer, Quantum, Sequential
from qml.models.layered import shared_model
from qml.models.observables import Observable
from qml.models.quantum_model import QuantumModel
from qml.settings import check_choice

__all__ = ["EncodedCircuit", "VariationalEstimator", "initial_weights"]

Array = NDArray[np.float64]

AUTOMATIC_QUBITS = (4, 8)
"""Minimum and maximum default number of qubits."""

SEARCHED_MAPS = ("angle", "reuploading", "zz", "iqp", "chebyshev", "qaoa")
"""Feature maps that a search chooses from."""


class EncodedCircuit(OneCircuit):
    """Feature map and ansatz, followed by a dense layer that reads out observables.

    Features that do not fit into the feature map pass through a trained dense layer, which starts as their leading
    principal components; or these take their place, and the remainder is lost. Subclasses are dataclasses that declare
    the settings named here, in their order.
    """

    feature_map: str | FeatureMap
    n_layers: int | None
    n_qubits: int | None
    reduction: Literal["trained", "components"]

    def search_space(self, trial: Trial) -> dict[str, Any]:
        reduction = trial.suggest_categorical("reduction", ["trained", "components"])
        return super().search_space(trial) | {"reduction": reduction}

    @abstractmethod
    def _ansatz(self) -> Ansatz:
        """Return the trainable circuit."""

    def _initialisation(self) -> Initialisation:
        """Return the rule for the initial weights of the ansatz."""
        return Initialisation()

    def _feature_map(self) -> FeatureMap:
        """Return the encoding."""
        return get_feature_map(self.feature_map)

    def _num_layers(self, num_qubits: int, n_outputs: int) -> int:
        """Return the number of layers of the ansatz."""
        assert self.n_layers is not None
        return self.n_layers

    def _measured(self, num_qubits: int, num_layers: int) -> str | Sequence[Observable]:
        """Return the observables that are read out."""
        return self.observables

    def _network(self, n_features: int, n_outputs: int) -> Sequential:
        feature_map, ansatz = self._feature_map(), self._ansatz()
        num_qubits = self._choose_qubits(feature_map)
        num_layers = self._num_layers(num_qubits, n_outputs)
        capacity = feature_map.max_features(num_qubits)
        reduced = n_features > capacity and self.scale_features
        model = shared_model(
            feature_map,
            ansatz,
            num_features=capacity if reduced else n_features,
            num_layers=num_layers,
            num_qubits=num_qubits,
            observables=self._measured(num_qubits, num_layers),
            precision=self.precision,
        )
        draw_weights = partial(
            initial_weights, self._initialisation(), ansatz, num_qubits, num_layers, model.num_weights
        )
        circuit = Quantum(model, draw_weights=draw_weights)
        if not reduced:
            return Sequential(circuit, Dense())
        bend: tuple[Layer, ...] = ()
        if feature_map.angle_range is not None:
            low, high = feature_map.angle_range
            bend = (Arctan(low=low, high=high),)
        return Sequential(Dense(n_features, model.num_features), *bend, circuit, Dense())

    def _described(self) -> dict[str, Any]:
        """Return the settings that determine circuit and observables."""
        return {
            "feature map": self._feature_map(),
            "ansatz": self._ansatz(),
            "layers": self.n_layers,
            "initialisation": self._initialisation(),
            "qubits": self.model_.circuit.num_qubits,
            "features of the circuit": self.model_.num_features,
            "observables": self.observables,
        }

    def _fit_scaling(self, samples: Samples) -> Scaling:
        return self._scaling_for_map(samples)

    def _scaling_for_map(self, samples: Samples) -> Scaling:
        """Learn how features are scaled for the feature map, and reduced if that is not trained."""
        feature_map = self._feature_map()
        capacity = feature_map.max_features(self._choose_qubits(feature_map))
        if self.n_features_in_ > capacity and self.reduction == "trained":
            bounds = None if feature_map.angle_range is None else QUARTER_TURN  # for the dense layer before the map
            return fit_scaling(samples.X, samples.weight, self.n_features_in_, bounds)
        return self._scaling_to(samples, capacity, feature_map.angle_range)

    def _scaling_to(self, samples: Samples, capacity: int, angle_range: tuple[float, float] | None) -> Scaling:
        """Learn the scaling into a range, after which principal components take the place of too many features."""
        if self.n_features_in_ > capacity:
            self.explained_variance_ratio_ = explained_variance_ratio(samples.X, samples.weight, capacity)
            warnings.warn(
                f"{self.n_features_in_} features were replaced by {capacity} principal components, which hold "
                f"{self.explained_variance_ratio_:.0%} of their variance; reduction='trained' loses none of them",
                stacklevel=6,
            )
        return fit_scaling(samples.X, samples.weight, capacity, angle_range)

    def _initial_weights(self, samples: Samples, rng: np.random.Generator) -> Array:
        weights = super()._initial_weights(samples, rng)
        first = self.network_[0]
        if isinstance(first, Dense):
            scaled, share = self.scaling_(samples.X), samples.weight / samples.weight.sum()
            factors = component_factors(scaled, share, self.model_.num_features, standardised=len(self.network_) > 3)
            weights[: factors.size] = factors.T.ravel()
        return weights

    def _choose_qubits(self, feature_map: FeatureMap) -> int:
        low, high = AUTOMATIC_QUBITS
        return choose_num_qubits(self.n_qubits, feature_map, self.n_features_in_, at_least=low, at_most=high)

    def _check_settings(self) -> None:
        super()._check_settings()
        check_choice("reduction", self.reduction, ("trained", "components"))


@dataclass(eq=False, repr=False)
class VariationalEstimator(EncodedCircuit):
    """Any feature map and any ansatz, or a custom model in their place."""

    feature_map: str | FeatureMap = "angle"
    ansatz: str | Ansatz = "strongly_entangling"
    n_layers: int = 4
    n_qubits: int | None = None
    _: KW_ONLY
    model: QuantumModel | None = None
    reduction: Literal["trained", "components"] = "trained"
    initialisation: str | Initialisation = "ansatz"

    def search_space(self, trial: Trial) -> dict[str, Any]:
        ansatze = ["strongly_entangling", "basic", "real_amplitudes", "efficient_su2", "simplified_two_design"]
        return super().search_space(trial) | {
            "feature_map": trial.suggest_categorical("feature_map", SEARCHED_MAPS),
            "ansatz": trial.suggest_categorical("ansatz", ansatze),
            "n_layers": trial.suggest_int("n_layers", 1, 6),
            "n_qubits": trial.suggest_int("n_qubits", 2, 8),
            "observables": trial.suggest_categorical("observables", ["z", "z+zz", "x+y+z"]),
            "initialisation": trial.suggest_categorical("initialisation", ["ansatz", "small_angles"]),
            "entangled": trial.suggest_categorical("entangled", [True, False]),
        }

    def _ansatz(self) -> Ansatz:
        return self._initialisation().prepared(get_ansatz(self.ansatz))

    def _initialisation(self) -> Initialisation:
        return get_initialisation(self.initialisation)

    def _network(self, n_features: int, n_outputs: int) -> Sequential:
        if self.model is None:
            return super()._network(n_features, n_outputs)
        if n_features != self.model.num_features:
            hint = "; reduction='components' replaces them by as many" if n_features > self.model.num_features else ""
            raise ValueError(f"the model takes {self.model.num_features} features, X has {n_features}{hint}")
        return Sequential(Quantum(self.model), Dense())

    def _described(self) -> dict[str, Any]:
        return super()._described() if self.model is None else {"model": self.model}

    def _fit_scaling(self, samples: Samples) -> Scaling:
        if self.model is None:
            return self._scaling_for_map(samples)
        capacity = self.model.num_features if self.reduction == "components" else self.n_features_in_
        return self._scaling_to(samples, capacity, self._feature_map().angle_range)

    def _check_settings(self) -> None:
        super()._check_settings()
        if self.model is not None and not isinstance(self.model, QuantumModel):
            raise TypeError(f"model expects a QuantumModel or None, got {self.model!r}")
        if self.model is not None and self.initialisation != "ansatz":
            raise ValueError(
                f"initialisation={self.initialisation!r} is for the weights of an ansatz, and a model brings its own; "
                "use a NetworkClassifier or NetworkRegressor with Quantum(model, draw_weights=...)"
            )
        get_initialisation(self.initialisation)


def initial_weights(
    initialisation: Initialisation,
    ansatz: Ansatz,
    num_qubits: int,
    num_layers: int,
    num_weights: int,
    rng: np.random.Generator,
) -> Array:
    """Draw the initial weights: those of the feature map, then those of the ansatz."""
    of_ansatz = initialisation.draw(ansatz, num_qubits, num_layers, rng)
    of_the_map = rng.normal(0.0, INITIAL_SPREAD, num_weights - len(of_ansatz))
    return np.concatenate([of_the_map, of_ansatz])
