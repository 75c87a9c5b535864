"""Quanvolutional classifier: a quantum filter on the patches of images, and a classical network on its outputs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.ansatze import RandomLayers, ansatz_circuit
from qml.estimators.search_space import Trial
from qml.estimators.trained import Samples
from qml.estimators.variational.classifier import TrainedClassifier
from qml.feature_maps import AngleMap
from qml.features.scaling import Scaling, fit_joint_scaling
from qml.layers import Dense, Dropout, Layer, Quantum, Quanvolution, ReLU, Sequential
from qml.models.layered import layered_model
from qml.models.observables import Observable, readout_observables
from qml.models.quantum_model import QuantumModel
from qml.settings import check_choice, check_layers, check_whole
from simulator.backends.numba_backend import NumbaBackend
from simulator.circuit import Circuit
from simulator.masked import check_unmasked

__all__ = ["QuanvolutionClassifier"]


@dataclass(eq=False, repr=False)
class QuanvolutionClassifier(TrainedClassifier):
    """Quanvolutional neural network: a circuit reads every patch of an image, a classical network what it measures.

    The filter has one qubit for each pixel and channel of a patch. By default it is a random circuit that is not
    trained, so it is simulated once for each patch; then a dense layer, a rectifier and another dense layer are
    trained on the expectation values. Without the filter, the same layers do as well or better on the data sets of
    `benchmarks.images`. Parameters that are not described here are those of `VariationalClassifier`.

    Parameters
    ----------
    kernel_size : int
        Height and width of a patch in pixels.
    image_shape : (int, int) or (int, int, int), optional
        Height and width of the images, and the number of channels if it is not 1; X holds one image in each row, in C
        order. One of them may be -1, and follows from the number of features. By default images are square and of one
        channel; X may also be an array of shape (n_samples, height, width) or (n_samples, height, width, channels).
    stride : int, optional
        Distance between neighbouring patches in pixels; by default the kernel size, so that patches do not overlap.
    trained : bool
        Whether the filter is trained, in layers of `qml.ansatze.StronglyEntangling` that all patches share.
    n_layers : int
        Number of layers of the filter.
    n_hidden : int
        Number of outputs of the first dense layer.
    dropout : float
        Probability with which an input of the second dense layer is left out in a training step.
    observables : str or sequence of Observable
        Observables of the filter.
    scale_features : bool
        Whether to scale all pixels together into the range from 0 to pi. If False, they are angles in radians.
    random_state : int, RandomState or None
        Seed for the random filter as well.
    loss, optimizer, learning_rate, weight_decay, epochs, batch_size, schedule, early_stopping, validation_fraction, \
patience, tol, class_weight, entangled, precision, noise, backend, callback, verbose, warm_start
        As in `VariationalClassifier`.

    Attributes
    ----------
    circuit_ : Circuit
        The filter; the angles of one that is not trained are numbers.
    model_ : QuantumModel
        The filter with its observables.
    image_shape_ : tuple of int
        Height, width and number of channels.
    classes_, weights_, network_, scaling_, loss_history_, validation_scores_, n_iter_, best_epoch_, n_features_in_, \
feature_names_in_
        As in `VariationalClassifier`.

    References
    ----------
    Henderson, Shakya, Pradhan and Cook, arXiv:1904.04767.

    Examples
    --------
    >>> from qml.datasets import bars_and_stripes
    >>> X, y = bars_and_stripes(400, noise=0.5, random_state=0)
    >>> clf = QuanvolutionClassifier(random_state=0).fit(X[:200], y[:200])
    >>> clf.network_[:3]
    (Quanvolution(QuantumModel(4 qubits, 4 inputs, 0 weights, 10 observables, precision='double'), (4, 4, 1), 2), \
Dense(40, 32), ReLU())
    >>> bool(clf.score(X[200:], y[200:]) > 0.9)
    True

    The circuit on each patch of two by two pixels:

    >>> small = QuanvolutionClassifier(epochs=1, random_state=3).fit(X, y)
    >>> print(small.circuit_.draw(fold=110))
         ┌──────────┐┌────────────┐┌────────────┐
    q_0: ┤ Ry(x[0]) ├┤ Rx(5.7925) ├┤ Rz(2.4574) ├───────────────────────────────────────────────────────
         ├──────────┤└────────────┘└────────────┘┌───┐               ┌───┐
    q_1: ┤ Ry(x[1]) ├──────■─────────────────────┤ X ├───────────────┤ X ├───────■──────────────────────
         ├──────────┤      │       ┌────────────┐└─┬─┘ ┌────────────┐└─┬─┘     ┌─┴─┐      ┌────────────┐
    q_2: ┤ Ry(x[2]) ├──────┼───────┤ Ry(1.2743) ├──┼───┤ Rz(3.5676) ├──┼───────┤ X ├──────┤ Rz(1.7149) ├
         ├──────────┤    ┌─┴─┐     └────────────┘  │  ┌┴────────────┤  │  ┌────┴───┴─────┐├───────────┬┘
    q_3: ┤ Ry(x[3]) ├────┤ X ├─────────────────────■──┤ Rx(0.49224) ├──■──┤ Rx(0.036342) ├┤ Rz(3.022) ├─
         └──────────┘    └───┘                        └─────────────┘     └──────────────┘└───────────┘
    """

    kernel_size: int = 2
    image_shape: Sequence[int] | None = None
    _: KW_ONLY
    stride: int | None = None
    trained: bool = False
    n_layers: int = 2
    n_hidden: int = 32
    dropout: float = 0.0
    observables: str | Sequence[Observable] = "z+zz"
    precision: Literal["double", "single"] = "double"
    learning_rate: float | None = 0.01

    searches_preparation: ClassVar[bool] = False  # the pixels of an image belong together

    def search_space(self, trial: Trial) -> dict[str, Any]:
        return super().search_space(trial) | {
            "trained": trial.suggest_categorical("trained", [False, True]),
            "kernel_size": trial.suggest_categorical("kernel_size", [2, 3]),
            "n_layers": trial.suggest_int("n_layers", 1, 4),
            "n_hidden": trial.suggest_int("n_hidden", 8, 64, log=True),
            "dropout": trial.suggest_categorical("dropout", [0.0, 0.2]),
            "observables": trial.suggest_categorical("observables", ["z", "z+zz"]),
            "entangled": trial.suggest_categorical("entangled", [True, False]),
        }

    def search_obstacle(self, n_rows: int, n_features: int) -> str | None:
        if self.image_shape is None and (n_features < 9 or math.isqrt(n_features) ** 2 != n_features):
            return f"rows of {n_features} numbers are not square images"
        return super().search_obstacle(n_rows, n_features)

    @property
    def circuit_(self) -> Circuit:
        """Circuit of the filter."""
        return self.model_.circuit

    @property
    def model_(self) -> QuantumModel:
        """Model of the filter."""
        model: QuantumModel = self._fitted_network[0].filter.model
        return model

    def _network(self, n_features: int, n_outputs: int) -> Sequential:
        self.image_shape_ = self._full_shape(n_features)
        circuit = Quantum(self._filter(self.image_shape_[2]))
        layer = Quanvolution(circuit, self.image_shape_, self.kernel_size, self.stride)
        regularization: tuple[Layer, ...] = (Dropout(self.dropout),) if self.dropout else ()
        return Sequential(layer, Dense(None, self.n_hidden), ReLU(), *regularization, Dense())

    def _filter(self, channels: int) -> QuantumModel:
        num_qubits = self.kernel_size**2 * channels
        if self.trained:
            return layered_model(
                AngleMap(),
                "strongly_entangling",
                num_features=num_qubits,
                num_layers=self.n_layers,
                observables=self.observables,
                precision=self.precision,
            )
        encoding, ansatz = AngleMap().encoding(num_qubits), RandomLayers(seed=self._seed)
        angles = np.random.default_rng(self._seed).uniform(0, 2 * np.pi, ansatz.num_weights(num_qubits, self.n_layers))
        return QuantumModel(
            encoding.circuit + ansatz_circuit(ansatz, num_qubits, self.n_layers, angles.tolist()),
            inputs=encoding.inputs,
            observables=readout_observables(self.observables, num_qubits),
            precision=self.precision,
        )

    def _full_shape(self, n_features: int) -> tuple[int, ...]:
        """Return height, width and channels of images with this number of pixels times channels."""
        shape = self._array_shape if self.image_shape is None else tuple(self.image_shape)
        side = math.isqrt(n_features)
        if shape is None and side**2 != n_features:
            raise ValueError(
                f"rows of {n_features} numbers are not square images of one channel; give image_shape=(height, width) "
                "or (height, width, channels)"
            )
        full = (side, side, 1) if shape is None else (*shape, 1)[:3]
        known = math.prod(size for size in full if size != -1)
        if -1 in full and n_features % known == 0:
            full = tuple(n_features // known if size == -1 else size for size in full)
        if math.prod(full) != n_features:
            raise ValueError(
                f"image_shape={shape} is {' * '.join(map(str, shape or full))} numbers for each image, X has "
                f"{n_features} features"
            )
        return full

    def _rows(self, X: ArrayLike, reset: bool) -> Any:
        if isinstance(X, list | tuple):
            X = _stacked(X)
        shape: tuple[int, ...] = getattr(X, "shape", ())
        images = len(shape) in (3, 4)
        if reset:
            self._array_shape = shape[1:] if images else None
        if not images:
            return X
        if not reset or self.image_shape is not None:
            expected = self._full_shape(math.prod(shape[1:])) if reset else self.image_shape_
            if (*shape[1:], 1)[:3] != expected:
                raise ValueError(f"images of shape {expected} (height, width, channels) expected, got {shape[1:]}")
        check_unmasked(X, "X")
        return np.asarray(X).reshape(shape[0], -1)

    def _fit_scaling(self, samples: Samples) -> Scaling:
        return fit_joint_scaling(samples.X, np.pi)

    def _engine(self) -> NumbaBackend:
        return NumbaBackend(noise=self.noise, precision=self.precision)

    def _described(self) -> dict[str, Any]:
        return {"filter": self.circuit_.count_gates(), "images": self.image_shape_, "observables": self.observables}

    def _check_settings(self) -> None:
        super()._check_settings()
        for name in ("kernel_size", "n_hidden"):
            check_whole(name, getattr(self, name))
        check_layers("n_layers", self.n_layers)
        Dropout(self.dropout)
        check_choice("precision", self.precision, ("double", "single"))
        shape = self.image_shape
        if shape is None:
            return
        if not isinstance(shape, tuple | list) or len(shape) not in (2, 3) or list(shape).count(-1) > 1:
            raise ValueError(
                "image_shape expects (height, width) or (height, width, channels), of which one may be -1, "
                f"got {shape!r}"
            )
        for size in shape:
            check_whole("each number of image_shape", size, least=-1)
            if size == 0:
                raise ValueError(f"image_shape expects sizes of at least 1, or -1 for one of them, got {shape!r}")


def _stacked(images: Sequence[Any]) -> NDArray[Any]:
    """Return a sequence of images, or of rows, as one array."""
    shapes = [np.shape(image) for image in images]
    for number, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise ValueError(
                f"images must have one shape, got {shapes[0]} for image 0 and {shape} for image {number}: crop or "
                "resize them"
            )
    return np.asarray(images)
