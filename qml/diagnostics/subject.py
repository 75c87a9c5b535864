"""Subject of a diagnosis: a circuit with the rows, the weights and the layers that surround it in an estimator."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from qml.checked_data import validate_data
from qml.estimators.variational.circuit import EncodedCircuit
from qml.estimators.variational.trained import TrainedNetwork
from qml.feature_maps import Encoding
from qml.feature_maps.data_functions import DataFunction
from qml.kernels import FidelityKernel, Kernel
from qml.kernels.embedding import EmbeddingKernel
from qml.layers import Layer, Quantum, Sequential
from qml.models.checks import check_finite
from qml.models.quantum_model import QuantumModel
from simulator.caching import cached_property
from simulator.circuit import Circuit
from simulator.masked import check_unmasked

__all__ = ["Subject", "as_subject", "random_generator", "random_weights", "spaced"]

Array = NDArray[np.float64]
Distribution = Literal["softmax", "sigmoid", "normal", "probabilities"]

NO_WEIGHTS = np.zeros(0)


@dataclass(frozen=True)
class Subject:
    """Circuit with its inputs for some rows, its trained weights, and the layers around it.

    Parameters
    ----------
    model : QuantumModel or None
        Model without data function; None for a kernel without a circuit of its own.
    inputs : float ndarray, shape (n_rows, n_inputs), radians
        Values of the circuit's inputs for the rows.
    weights : float ndarray, shape (n_weights,), radians, or None
        Trained weights, if there are any.
    features : float ndarray, shape (n_rows, n_features)
        Rows as the first layer takes them, after the estimator's scaling.
    front, back : tuple of (layer, weights)
        Layers before and after the circuit.
    distribution : {"softmax", "sigmoid", "normal", "probabilities"}
        Distribution of y for given outputs: classes by logits, labels by logits, a normal distribution of unit variance
        around each output, or the outputs themselves.
    kernel : Kernel or None
        Fitted kernel of a kernel estimator.
    quantum : Quantum or None
        Layer of the circuit, which draws the initial weights.
    data : DataFunction or None
        Function between the layers before the circuit and its inputs.
    scalable_kernel : Kernel or None
        Unfitted kernel of the encoding of the features, if it exists for every number of features.
    """

    model: QuantumModel | None
    inputs: Array
    weights: Array | None
    features: Array
    front: tuple[tuple[Layer, Array], ...] = ()
    back: tuple[tuple[Layer, Array], ...] = ()
    distribution: Distribution = "normal"
    kernel: Kernel | None = None
    quantum: Quantum | None = field(default=None, repr=False)
    data: DataFunction | None = None
    scalable_kernel: Kernel | None = None

    @property
    def circuit_model(self) -> QuantumModel:
        """Model of the circuit.

        Raises
        ------
        TypeError
            If there is no circuit.
        """
        if self.model is None:
            raise TypeError(f"a model with a circuit is expected, {self.kernel!r} has none")
        return self.model

    @cached_property
    def batched(self) -> QuantumModel:
        """Model whose inputs are the circuit's inputs and then its weights, so that each row has weights of its own."""
        model = self.circuit_model
        observables = () if model.qubits is not None else model.observables
        return QuantumModel(
            model.circuit,
            inputs=(*model.inputs, *model.weights),
            observables=observables,
            outputs="expectations" if model.qubits is None else "probabilities",
            qubits=model.qubits,
        )

    def values(self, weights: Array, *, every_row: bool = False) -> Array:
        """Return arguments of `batched`, shape (n, n_inputs + n_weights).

        Parameters
        ----------
        weights : float ndarray, shape (n_sets, n_weights)
        every_row : bool
            Whether to combine each set with every row, set by set; otherwise set k gets row ``k % n_rows``.
        """
        sets, rows = len(weights), len(self.inputs)
        if every_row:
            return np.concatenate([np.tile(self.inputs, (sets, 1)), np.repeat(weights, rows, axis=0)], axis=1)
        return np.concatenate([self.inputs[np.arange(sets) % rows], weights], axis=1)

    def take(self, rows: int) -> Subject:
        """Return the subject with at most this number of its rows, evenly spaced."""
        if len(self.inputs) <= rows:
            return self
        indices = spaced(len(self.inputs), rows)
        return replace(self, inputs=self.inputs[indices], features=self.features[indices])

    def gradients(self, values: Array, cotangent: Array) -> Array:
        """Differentiate ``sum(cotangent * outputs)`` with respect to each row's own weights, shape (n, n_weights)."""
        d_values = self.batched.differentiate(values, NO_WEIGHTS, cotangent, by_inputs=True)[1]
        return cast(Array, d_values)[:, len(self.circuit_model.inputs) :]

    def jacobian(self, values: Array) -> Array:
        """Differentiate the circuit's outputs, shape (n, n_outputs, n_weights)."""
        num_outputs = self.batched.num_outputs
        out = np.empty((len(values), num_outputs, len(self.circuit_model.weights)))
        for k in range(num_outputs):
            cotangent = np.zeros((len(values), num_outputs))
            cotangent[:, k] = 1.0
            out[:, k] = self.gradients(values, cotangent)
        return out

    def read_out(self, outputs: Array) -> Array:
        """Apply the layers after the circuit to outputs of the circuit."""
        for layer, weights in self.back:
            outputs = layer.forward(outputs, weights)
        return outputs

    def readout_gradients(self, outputs: Array) -> list[Array]:
        """Differentiate each output of the last layer with respect to the circuit's outputs, shapes (n, n_outputs)."""
        count = self.read_out(outputs[:1]).shape[1]
        if not self.back:
            return [np.tile(row, (len(outputs), 1)) for row in np.eye(count)]
        layers = Sequential(*(layer for layer, _ in self.back))
        weights = np.concatenate([weights for _, weights in self.back])

        def gradient(number: int) -> Array:
            def one(values: Array, rows: slice) -> Array:
                cotangent = np.zeros_like(values)
                cotangent[:, number] = 1.0
                return cotangent

            return cast(Array, layers.sweep(outputs, weights, one, inputs=True)[1])

        return [gradient(number) for number in range(count)]


def as_subject(model: Any, X: ArrayLike | None = None, weights: ArrayLike | None = None) -> Subject:
    """Return the subject for a circuit, a model with data, or a fitted estimator with data.

    Parameters
    ----------
    model : Circuit, QuantumModel, fitted estimator or Subject
        All parameters of a `Circuit` count as weights; a subject is returned as it is.
    X : array-like, shape (n_rows, n_features), optional
        Rows, as the model or estimator takes them; a circuit, or a model without inputs, needs none.
    weights : array-like, shape (n_weights,), optional
        Weights of a circuit or model; an estimator brings its own.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If there is neither a trained circuit nor a kernel.
    ValueError
        If the estimator runs on a backend, or the shapes do not fit.
    """
    if isinstance(model, Subject):
        return model
    if isinstance(model, Circuit):
        model = QuantumModel(model, weights=model.parameters, outputs="probabilities")
    if isinstance(model, QuantumModel):
        return _of_model(model, X, weights)
    if weights is not None:
        raise ValueError("an estimator has weights of its own: give weights with a Circuit or a QuantumModel")
    if not isinstance(model, BaseEstimator) or isinstance(model, type):
        raise TypeError(f"a fitted estimator, a QuantumModel or a Circuit is expected, got {model!r}")
    if isinstance(model, Kernel):
        raise TypeError("a kernel is diagnosed inside an estimator, such as QuantumKernelClassifier(kernel)")
    return _of_estimator(model, X)


def spaced(count: int, most: int) -> NDArray[np.intp]:
    """Return at most this number of evenly spaced indices below ``count``."""
    return np.linspace(0, count - 1, min(count, most)).astype(np.intp)


def random_weights(subject: Subject, n_sets: int, rng: np.random.Generator) -> Array:
    """Draw weights uniformly from the circle, shape (n_sets, n_weights), radians."""
    return rng.uniform(0.0, 2 * np.pi, (n_sets, len(subject.circuit_model.weights)))


def random_generator(random_state: Any) -> np.random.Generator:
    """Return the generator for a seed, a generator or None."""
    return np.random.default_rng(random_state)


def _of_model(model: QuantumModel, X: ArrayLike | None, weights: ArrayLike | None) -> Subject:
    if X is None and model.num_features:
        raise ValueError(f"X of shape (n_rows, {model.num_features}) is needed: the circuit has inputs")
    check_unmasked(X, "X")
    features = np.zeros((1, 0)) if X is None else np.asarray(X, np.float64)
    if features.ndim != 2 or features.shape[1] != model.num_features or not len(features):
        raise ValueError(f"X must have shape (n_rows, {model.num_features}) with at least 1 row, got {features.shape}")
    check_finite("X", features)
    trained = None if weights is None else np.asarray(weights, np.float64)
    if trained is not None and trained.shape != (model.num_weights,):
        raise ValueError(f"weights must have shape ({model.num_weights},), got {trained.shape}")
    return Subject(
        model.without_data(),
        model.inputs_of(features),
        trained,
        features,
        distribution="normal" if model.qubits is None else "probabilities",
        quantum=Quantum(model),
        data=model.data,
    )


def _of_estimator(estimator: Any, X: ArrayLike | None) -> Subject:
    check_is_fitted(estimator)
    if X is None:
        raise ValueError("X is needed: rows such as those that the estimator was fitted to")
    network, kernel = getattr(estimator, "network_", None), getattr(estimator, "kernel_", None)
    places = _places(network) if isinstance(network, Sequential) else []
    if not places and not isinstance(kernel, Kernel):
        raise TypeError(
            "a diagnosis needs an estimator with a trained circuit, such as VariationalClassifier, or with a kernel, "
            f"such as QuantumKernelClassifier; {type(estimator).__name__} has neither"
        )
    backend = getattr(estimator if places else kernel, "backend", None)
    if backend is not None and backend != "numba":
        raise ValueError(
            f"states and exact derivatives are needed, which the backend {backend!r} does not give; diagnose a copy on "
            "this engine, with backend=None"
        )
    features = estimator.scaling_(_checked_rows(estimator, X))
    if not places:
        return _of_kernel(cast(Kernel, kernel), features)
    network = cast(Sequential, network)
    layers = [(layer, estimator.weights_[part]) for layer, part in zip(network.layers, network.parts, strict=True)]
    quantum = cast(Quantum, layers[places[0]][0])
    front, back = tuple(layers[: places[0]]), tuple(layers[places[0] + 1 :])
    rows = features
    for layer, weights in front:
        rows = layer.forward(rows, weights)
    return Subject(
        quantum.model.without_data(),
        quantum.model.inputs_of(rows),
        layers[places[0]][1],
        features,
        front,
        back,
        _distribution(estimator, quantum.model, bool(back)),
        quantum=quantum,
        data=quantum.model.data,
        scalable_kernel=None if front else _scalable_kernel(estimator),
    )


def _places(network: Sequential) -> list[int]:
    """Positions of the quantum layers."""
    return [number for number, layer in enumerate(network) if isinstance(layer, Quantum)]


def _distribution(estimator: Any, model: QuantumModel, read_out: bool) -> Distribution:
    """Return the distribution of y for given outputs of the network."""
    if hasattr(estimator, "predict_proba"):
        labels = getattr(estimator, "n_labels_", 0)
        return "sigmoid" if labels or len(estimator.classes_) == 2 else "softmax"
    return "probabilities" if model.qubits is not None and not read_out else "normal"


def _of_kernel(kernel: Kernel, features: Array) -> Subject:
    """Return the subject of a kernel: the circuit of its feature map, if it has one of its own."""
    inner = getattr(kernel, "kernel_", kernel)
    if not isinstance(inner, EmbeddingKernel):
        return Subject(None, np.zeros((len(features), 0)), None, features, kernel=kernel)
    encoding = inner.encoding(features.shape[1])
    model = QuantumModel(encoding.circuit, encoding.inputs, encoding.weights, outputs="probabilities")
    bandwidth = getattr(inner, "bandwidth_", 1.0)
    return Subject(
        model,
        encoding.angles(features * bandwidth),
        inner.weight_values(encoding) if encoding.weights else None,
        features,
        distribution="probabilities",
        kernel=kernel,
        quantum=Quantum(model),
        scalable_kernel=_any_size(inner),
    )


def _scalable_kernel(estimator: Any) -> Kernel | None:
    """Return the fidelity kernel of the states that an estimator encodes features in."""
    if not isinstance(estimator, EncodedCircuit) or getattr(estimator, "model", None) is not None:
        return None
    feature_map = estimator._feature_map()
    return None if isinstance(feature_map, Encoding) else FidelityKernel(feature_map, entangled=estimator.entangled)


def _any_size(kernel: EmbeddingKernel) -> Kernel | None:
    """Return a kernel with its bandwidth and without its number of qubits."""
    bandwidth = getattr(kernel, "bandwidth_", 1.0)
    known = kernel.known_map()
    if known is None or isinstance(known, Encoding) or np.ndim(bandwidth) or kernel.weights is not None:
        return None
    return cast(Kernel, clone(kernel).set_params(num_qubits=None, bandwidth=bandwidth))


def _checked_rows(estimator: Any, X: ArrayLike) -> Array:
    rows = estimator._rows(X, reset=False) if isinstance(estimator, TrainedNetwork) else X
    return cast(Array, validate_data(estimator, rows, dtype=np.float64, order="C", reset=False))
