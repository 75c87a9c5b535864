"""Regressors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray

from qml.ansatze import Ansatz
from qml.estimators.targets import BackendRegressor, learn_scale, scaled
from qml.estimators.variational.trained import Samples, VariationalEstimator
from qml.feature_maps import FeatureMap
from qml.losses import Loss, get_loss
from qml.models.observables import Observable
from qml.models.quantum_model import QuantumModel
from qml.training.progress import Callback
from simulator.backends.trait import Backend
from simulator.noise import NoiseModel

__all__ = ["VariationalRegressor"]

Array = NDArray[np.float64]


class VariationalRegressor(BackendRegressor, VariationalEstimator):
    """Variational quantum regressor.

    As `VariationalClassifier`, with one output: the target, scaled to mean 0 and standard deviation 1 for training.

    Parameters
    ----------
    feature_map, ansatz, n_layers, n_qubits, optimizer, learning_rate, epochs, batch_size, schedule, early_stopping, \
validation_fraction, patience, tol, observables, model, scale_features, precision, noise, backend, random_state, \
callback, verbose
        As in `VariationalClassifier`.
    loss : {"mse", "mae", "huber"} or Loss
        Of the scaled target. One of your own gets outputs (n, 1) and targets (n,).

    Attributes
    ----------
    target_mean_, target_scale_ : float
    weights_, circuit_, model_, readout_, scaling_, loss_history_, validation_scores_, n_iter_, best_epoch_, \
n_features_in_, feature_names_in_
        As in `VariationalClassifier`.

    Examples
    --------
    >>> X = np.linspace(-3, 3, 50)[:, None]
    >>> y = np.sin(X[:, 0])
    >>> VariationalRegressor("reuploading", learning_rate=0.1, random_state=0).fit(X, y).score(X, y) > 0.95
    True
    """

    _y_is_numeric = True

    def __init__(
        self,
        feature_map: str | FeatureMap = "angle",
        ansatz: str | Ansatz = "strongly_entangling",
        n_layers: int = 4,
        n_qubits: int | None = None,
        *,
        loss: str | Loss = "mse",
        optimizer: Any = "adam",
        learning_rate: float | None = 0.05,
        epochs: int = 100,
        batch_size: int | Literal["auto", "full"] = "auto",
        schedule: Literal["constant", "cosine"] = "cosine",
        early_stopping: bool = False,
        validation_fraction: float = 0.15,
        patience: int = 20,
        tol: float = 0.0,
        observables: str | Sequence[Observable] = "z+zz",
        model: QuantumModel | None = None,
        scale_features: bool = True,
        precision: Literal["double", "single"] = "double",
        noise: NoiseModel | None = None,
        backend: Backend | str | None = None,
        random_state: int | RandomState | None = None,
        callback: Callback | None = None,
        verbose: bool = False,
    ) -> None:
        self.feature_map = feature_map
        self.ansatz = ansatz
        self.n_layers = n_layers
        self.n_qubits = n_qubits
        self.loss = loss
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.schedule = schedule
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.tol = tol
        self.observables = observables
        self.model = model
        self.scale_features = scale_features
        self.precision = precision
        self.noise = noise
        self.backend = backend
        self.random_state = random_state
        self.callback = callback
        self.verbose = verbose

    def partial_fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """One epoch on these data; further calls go on from there, as does one after ``fit``.

        The first call also learns the scalings.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        y : array-like, shape (n_samples,)
        sample_weight : array-like, shape (n_samples,), optional

        Returns
        -------
        self
        """
        return self._partial_fit(X, y, sample_weight)

    def _predictions(self, values: Array) -> Array:
        return self._unscaled(self._read_out(values))

    def _learn_targets(self, samples: Samples, classes: ArrayLike | None) -> int:
        learn_scale(self, samples.y, samples.weight)
        return 1

    def _encode_targets(self, y: NDArray[Any]) -> Array:
        return scaled(self, y)

    def _training_loss(self) -> Loss:
        return get_loss(self.loss)

    def _emphasised(self, samples: Samples) -> Samples:
        return samples

    def _labels(self, y: NDArray[Any]) -> None:
        return None
