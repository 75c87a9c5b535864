"""Regressors that train a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Tags

from qml.estimators.targets import BackendRegressor, learn_scale, scaled
from qml.estimators.trained import Samples
from qml.estimators.variational.circuit import VariationalEstimator
from qml.estimators.variational.trained import TrainedNetwork
from qml.losses import Loss, get_loss

__all__ = ["TrainedRegressor", "VariationalRegressor"]

Array = NDArray[np.float64]


@dataclass(eq=False, repr=False, kw_only=True)
class TrainedRegressor(BackendRegressor, TrainedNetwork):
    """Base of the regressors that train a network: one output per target, scaled to mean 0 and deviation 1."""

    weight_decay: float | Literal["auto"] = "auto"

    _y_is_numeric: ClassVar[bool] = True

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def partial_fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train for one epoch on these data, continuing from earlier calls or from ``fit``.

        The first call also learns the scalings.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        y : array-like, shape (n_samples,) or (n_samples, n_targets)
        sample_weight : array-like, shape (n_samples,), optional

        Returns
        -------
        self
        """
        return self._partial_fit(X, y, sample_weight)

    def _learn_targets(self, samples: Samples, classes: ArrayLike | None) -> int:
        learn_scale(self, samples.y, samples.weight)
        return 1 if samples.y.ndim == 1 else samples.y.shape[1]

    def _encode_targets(self, y: NDArray[Any]) -> Array:
        if y.shape[1:] != np.shape(self.target_mean_):
            expected = ("n_samples", *np.shape(self.target_mean_))
            raise ValueError(
                f"y must have shape ({', '.join(map(str, expected))}), as in the first call, got {y.shape}"
            )
        return scaled(self, y)

    def _training_loss(self) -> Loss:
        return get_loss(self.loss)


@dataclass(eq=False, repr=False)
class VariationalRegressor(TrainedRegressor, VariationalEstimator):
    """Variational quantum regressor.

    As `VariationalClassifier`, with one output per target, each scaled to mean 0 and standard deviation 1 for training.

    Parameters
    ----------
    feature_map, ansatz, n_layers, n_qubits, reduction, optimizer, learning_rate, weight_decay, epochs, batch_size, \
schedule, early_stopping, validation_fraction, patience, tol, observables, model, initialisation, scale_features, \
entangled, precision, noise, backend, random_state, callback, verbose, warm_start
        As in `VariationalClassifier`.
    loss : {"mse", "mae", "huber"} or Loss
        Loss on the scaled target. A custom loss receives outputs (n, 1) and targets (n,); for several targets
        both have shape (n, n_targets).

    Attributes
    ----------
    target_mean_, target_scale_ : float, or ndarray of shape (n_targets,) if y has two dimensions
    weights_, circuit_, model_, readout_, network_, scaling_, loss_history_, validation_scores_, n_iter_, best_epoch_, \
n_features_in_, feature_names_in_
        As in `VariationalClassifier`.

    Examples
    --------
    >>> X = np.linspace(-3, 3, 50)[:, None]
    >>> y = np.sin(X[:, 0])
    >>> VariationalRegressor("reuploading", learning_rate=0.1, random_state=0).fit(X, y).score(X, y) > 0.95
    True
    """
