"""Estimators that train any network of layers."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from qml.estimators.trained import Samples
from qml.estimators.variational.classifier import TrainedClassifier
from qml.estimators.variational.regressor import TrainedRegressor
from qml.estimators.variational.trained import TrainedNetwork
from qml.features.scaling import Scaling, fit_standardisation
from qml.layers import Dense, Layer, Quantum, Sequential, Softmax, Tanh
from qml.layers.trait import is_layer
from qml.losses import gives_probabilities
from qml.models.layered import layered_model

__all__ = ["NetworkClassifier", "NetworkRegressor"]


@dataclass(eq=False, repr=False)
class NetworkEstimator(TrainedNetwork):
    """Any network of layers as an estimator."""

    network: Layer | None = None
    _: KW_ONLY

    def _network(self, n_features: int, n_outputs: int) -> Sequential:
        if self.network is None:
            circuit = layered_model("angle", "strongly_entangling", num_features=4, num_layers=2)
            return Sequential(Dense(None, 4), Tanh(), Quantum(circuit), Dense())
        return self.network if isinstance(self.network, Sequential) else Sequential(self.network)

    def _fit_scaling(self, samples: Samples) -> Scaling:
        first = self._network(self.n_features_in_, 1)[0]
        if isinstance(first, Quantum):
            return super()._fit_scaling(samples)
        return fit_standardisation(samples.X, samples.weight)

    def _check_settings(self) -> None:
        super()._check_settings()
        if self.network is None:
            return
        if not is_layer(self.network):
            raise TypeError(f"network expects a layer, such as a Sequential of qml.layers, got {self.network!r}")


@dataclass(eq=False, repr=False)
class NetworkClassifier(TrainedClassifier, NetworkEstimator):
    """Classifier that trains a network of classical and quantum layers, end to end.

    The network returns one logit per class, or one for two classes. Sizes may be left open: ``Dense()`` at the end, and
    ``Dense(None, 4)`` at the beginning.

    Parameters
    ----------
    network : Layer, optional
        A `Sequential`, or one layer; by default a small dressed circuit: ``Dense``, ``Tanh``, a circuit of 4 qubits,
        ``Dense``.
    scale_features : bool
        Whether to bring features to mean 0 and standard deviation 1; if the network begins with a circuit, into the
        range from -pi/2 to pi/2.
    loss, optimizer, learning_rate, weight_decay, epochs, batch_size, schedule, early_stopping, validation_fraction, \
patience, tol, class_weight, entangled, noise, backend, random_state, callback, verbose, warm_start
        As in `VariationalClassifier`.

    Attributes
    ----------
    network_ : Sequential
        The network with all its sizes.
    weights_ : float ndarray, shape (n_weights,)
        Weights of all layers, in order.
    classes_, scaling_, loss_history_, validation_scores_, n_iter_, best_epoch_, n_features_in_, feature_names_in_
        As in `VariationalClassifier`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from qml.layers import Dense, Quantum, Sequential, Tanh
    >>> from qml.models.layered import layered_model
    >>> X, y = load_iris(return_X_y=True)
    >>> circuit = layered_model("angle", "strongly_entangling", num_features=2, num_layers=2)
    >>> net = Sequential(Dense(4, 2), Tanh(), Quantum(circuit), Dense(2, 3))
    >>> clf = NetworkClassifier(net, epochs=50, random_state=0).fit(X[::2], y[::2])
    >>> bool(clf.score(X[1::2], y[1::2]) > 0.9)
    True
    """

    def _check_settings(self) -> None:
        super()._check_settings()
        last = self.network[-1] if isinstance(self.network, Sequential) else self.network
        if isinstance(last, Softmax) and gives_probabilities(self._named_loss()):
            raise ValueError(f"loss={self.loss!r} takes logits: leave out the Softmax at the end of the network")


@dataclass(eq=False, repr=False)
class NetworkRegressor(TrainedRegressor, NetworkEstimator):
    """Regressor that trains a network of classical and quantum layers, end to end.

    The network has one output per target, each scaled to mean 0 and standard deviation 1 for training.

    Parameters
    ----------
    network, scale_features
        As in `NetworkClassifier`.
    loss, optimizer, learning_rate, weight_decay, epochs, batch_size, schedule, early_stopping, validation_fraction, \
patience, tol, entangled, noise, backend, random_state, callback, verbose, warm_start
        As in `VariationalRegressor`.

    Attributes
    ----------
    network_, weights_
        As in `NetworkClassifier`.
    target_mean_, target_scale_, scaling_, loss_history_, validation_scores_, n_iter_, best_epoch_, n_features_in_, \
feature_names_in_
        As in `VariationalRegressor`.

    Examples
    --------
    >>> import numpy as np
    >>> from qml.layers import Dense, Sequential, Tanh
    >>> X = np.linspace(-1, 1, 80)[:, None]
    >>> reg = NetworkRegressor(Sequential(Dense(1, 8), Tanh(), Dense(8, 1)), random_state=0).fit(X, np.abs(X[:, 0]))
    >>> bool(reg.score(X, np.abs(X[:, 0])) > 0.9)
    True
    """
